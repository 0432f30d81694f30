import AutogradTestSupport

@testable import AutogradCore

extension Operation {
  /// Whether each element of the result depends on the same element of the operands and on nothing else, found by
  /// trying.
  var isElementwise: Bool {
    get throws {
      let (count, shape) = (reference.operands.count, Shape([2, 3]))
      guard reference.dtypes.admits(.float64), !reference.hasManyOperands, count > 0,
        (0..<count).allSatisfy({ reference.kind(of: $0) == .promoted })
      else { return false }
      let builder = GraphBuilder()
      let operands = (0..<count).map { builder.input("x\($0)", .float64, shape) }
      let graph: Graph
      do {
        graph = try builder.graph(
          outputs: builder.apply(self, operands.map { .value($0) }, reference.samples[0].attributes, resultCount: 1))
      } catch {
        return false
      }
      guard graph.outputTypes == [TensorType(.float64, shape)] else { return false }
      var random = SeededGenerator(seed: 11)
      let domain = reference.domain
      let inputs = (0..<count).map { _ in Tensor.random(TensorType(.float64, shape), in: domain, using: &random) }
      let plan = try Plan(graph)
      let before = try plan.run(inputs)[0].doubles
      for element in 0..<6 {
        for bound in [domain.lowerBound, domain.upperBound] {
          let after = try plan.run(inputs.map { $0.replacing(element, with: bound) })[0].doubles
          let differ = { (place: Int) in after[place] != before[place] && !(after[place].isNaN && before[place].isNaN) }
          if (0..<6).contains(where: { $0 != element && differ($0) }) { return false }
        }
      }
      let constants = try plan.run(inputs.map { Tensor(repeating: $0.doubles[0], shape: shape) })[0].doubles
      return constants.allSatisfy { $0 == constants[0] }
    }
  }
}

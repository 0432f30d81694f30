import AutogradTestSupport
import Testing

@testable import AutogradCore

/// All modes agree, everywhere: derivatives of orders 1 to 4 of every elementwise operation, by every composition of forward and reverse mode,
/// at ordinary and at special points, against derivatives from 60 digits or the documented convention.
@Suite struct SpecialPointTests {
  /// Failures told of one operation; the rest are counted.
  private static let told = 12

  @Test(arguments: SpecialPoints.groups) func derivativesAreThoseOfMathematics(_ group: SpecialPoints.Group) throws {
    let ways = try DerivativePaths(group)
    let indices = group.indices
    var faults: [String] = []
    var wrong = 0
    for (place, index) in indices.enumerated() {
      let order = index.reduce(0, +)
      let paths = ways.paths.indices.filter { ways.paths[$0].index(group.variables.count) == index }
      for (number, point) in group.points.enumerated() {
        let (expected, tolerance) = (point.expected[place], point.tolerance(place, order: order))
        let failing = paths.filter { !expected.admits(ways.results[$0][number], tolerance: tolerance) }
        if failing.isEmpty { continue }
        wrong += failing.count
        let answers = Dictionary(grouping: failing) { "\(ways.results[$0][number])" }.map { answer, paths in
          "\(answer) by " + paths.map { "\(ways.paths[$0].variables):\(ways.paths[$0].modes)" }.joined(separator: " ")
        }
        faults.append("at \(point.operands), derivative \(index): expected \(expected), got \(answers.joined(separator: "; "))")
      }
    }
    if !faults.isEmpty {
      let rest = faults.count > Self.told ? ["and \(faults.count - Self.told) more"] : []
      Issue.record("\(group.label): \(wrong) derivatives are wrong\n  \((faults.prefix(Self.told) + rest).joined(separator: "\n  "))")
    }
  }

  /// Where nothing is promised of a derivative, still one way must not give a number where another gives none.
  @Test(arguments: SpecialPoints.groups) func modesAgree(_ group: SpecialPoints.Group) throws {
    let ways = try DerivativePaths(group)
    var faults: [String] = []
    for index in group.indices {
      let paths = ways.paths.indices.filter { ways.paths[$0].index(group.variables.count) == index }
      guard let first = paths.first else { continue }
      for (number, point) in group.points.enumerated() {
        let reference = ways.results[first][number]
        for path in paths.dropFirst() {
          let other = ways.results[path][number]
          let agree = reference.isFinite == other.isFinite
          if !agree {
            faults.append("at \(point.operands): \(reference) by \(ways.paths[first].modes), \(other) by \(ways.paths[path].modes)")
            break
          }
        }
      }
    }
    #expect(faults.isEmpty, "\(group.label): \(faults.prefix(Self.told).joined(separator: "\n  "))")
  }

  /// How much is compared: what is not read fails here, not in silence.
  @Test func theFixturesAreWhole() {
    let points = SpecialPoints.groups.reduce(0) { $0 + $1.points.count }
    #expect(points >= 3500, "\(points) points")
    for group in SpecialPoints.groups {
      for point in group.points where point.expected.count != group.indices.count {
        Issue.record("\(group.label) at \(point.operands) has \(point.expected.count) expectations, not \(group.indices.count)")
      }
    }
  }

  /// A new elementwise operation must get points: it is one if each element of its result depends on the same element of its operands only.
  @Test func everyElementwiseOperationHasPoints() throws {
    let covered = Set(SpecialPoints.groups.map(\.operation))
    for operation in OpCatalog.operations where try isElementwise(operation) && !Self.exempt.contains(operation.reference.name) {
      #expect(covered.contains(operation.reference.name), "\(operation.reference.name) has no line in special_points.jsonl")
    }
  }

  /// A cast is no function of numbers alone, and what stops gradients has none.
  private static let exempt: Set = ["cast", "stop_gradient"]

  private func isElementwise(_ operation: any Operation) throws -> Bool {
    let reference = operation.reference
    let (count, shape) = (reference.operands.count, Shape([2, 3]))
    guard reference.dtypes.admits(.float64), !reference.hasManyOperands, count > 0,
      (0..<count).allSatisfy({ reference.kind(of: $0) == .promoted })
    else { return false }
    let builder = GraphBuilder()
    let operands = (0..<count).map { builder.input("x\($0)", .float64, shape) }
    let graph: Graph
    do {
      graph = try builder.graph(
        outputs: builder.apply(operation, operands.map { .value($0) }, reference.samples[0].attributes, resultCount: 1))
    } catch {
      return false
    }
    guard graph.outputTypes == [TensorType(.float64, shape)], !graph.columns.opcodes.contains(.input) || graph.outputs.count == 1 else {
      return false
    }
    var random = SeededGenerator(seed: 11)
    let domain = reference.domain
    let inputs = (0..<count).map { _ in Tensor.random(TensorType(.float64, shape), in: domain, using: &random) }
    let plan = try Plan(graph)
    let before = try plan.run(inputs)[0].doubles
    for element in 0..<6 {
      for bound in [domain.lowerBound, domain.upperBound] {
        let after = try plan.run(inputs.map { $0.replacing(element, with: bound) })[0].doubles
        if (0..<6).contains(where: { $0 != element && after[$0] != before[$0] && !after[$0].isNaN }) { return false }
      }
    }
    let constants = try plan.run(inputs.map { Tensor(repeating: $0.doubles[0], shape: shape) })[0].doubles
    return constants.allSatisfy { $0 == constants[0] }
  }
}

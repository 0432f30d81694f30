import AutogradCore
import Foundation
import Testing

@testable import AutogradServer

/// Special functions and their derivatives up to the fourth order, each by gradients of gradients, against mpmath:
/// within the units in the last place that `Tests/Fixtures/special_values.py` allows. A float32 is the same, rounded
/// once.
@Suite struct SpecialAccuracyTests {
  /// One derivative of one operation at many points.
  private struct Line: Decodable {
    var op: String
    var orders: [Int]
    var operands: [[Double]]
    var values: [Double]
    var allowed: [Double]
  }

  @Test func derivativesAreWithinTheirBounds() throws {
    let lines = try Project.lines("Tests/Fixtures/special_values.jsonl")
    #expect(lines.count >= 60)
    for data in lines {
      let line = try JSONDecoder().decode(Line.self, from: data)
      let results = try derivative(line)
      for (index, (result, value)) in zip(results, line.values).enumerated()
      where !(abs(result - value) <= line.allowed[index]) {
        let point = line.operands.map { $0[index] }
        let units = (result - value) / value.magnitude.ulp
        Issue.record(
          "\(line.op) \(line.orders) at \(point) is \(result), not \(value): \(units) units in the last place")
      }
    }
  }

  private func derivative(_ line: Line) throws -> [Double] {
    let builder = GraphBuilder()
    let shape = Shape([line.values.count])
    let inputs = line.operands.indices.map { builder.input("x\($0)", .float64, shape) }
    let operation = try #require(OpCatalog.operation(named: line.op))
    var result = try builder.apply(operation, inputs.map { .value($0) }, [:], resultCount: 1)[0]
    for (input, order) in zip(inputs, line.orders) {
      for _ in 0..<order {
        let ones = builder.broadcast(builder.constant(Scalar(1.0)), to: shape)
        let gradients = builder.gradients(of: [(value: result, cotangent: ones)], withRespectTo: [input])
        result = try #require(gradients[0])
      }
    }
    let tensors = line.operands.map { Tensor($0, shape: shape) }
    return try Plan(builder.graph(outputs: [result])).run(tensors)[0].doubles
  }
}

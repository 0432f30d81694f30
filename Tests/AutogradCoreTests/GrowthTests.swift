import AutogradTestSupport
import Testing

@testable import AutogradCore

/// A builder that has reached its limit, or is interrupted, may be anywhere: in the middle of an operation, a rule or a
/// transform. Whatever it was at ends soon, with an error and without a trap.
@Suite struct GrowthTests {
  private static let cases = SweepTests.differentiable
  /// What may be added between two looks at the error: one operation, or the rule of one.
  private static let overshoot = 1500

  @Test(arguments: cases) func everyLimitEndsEverything(_ test: SweepTests.Case) throws {
    let whole = GraphBuilder()
    try build(test, whole)
    let count = whole.columns.nodeCount
    // Every place near the beginning, where the operation itself is, and some of the others.
    let near = min(count, 20)
    for limit in Array(1..<near) + Array(stride(from: near, to: count, by: max(1, count / 12))) {
      let builder = GraphBuilder()
      builder.maximumNodes = limit
      let error = #expect(throws: GraphError.self, "at most \(limit) of \(count) nodes") { try build(test, builder) }
      #expect(error?.limit == .nodes(limit), "\(String(describing: error))")
      #expect(builder.columns.nodeCount <= limit + GrowthTests.overshoot)
    }
  }

  @Test(arguments: cases) func anInterruptionEndsEverything(_ test: SweepTests.Case) throws {
    let whole = GraphBuilder()
    var looks = 0
    whole.reserveNodes = { _ in
      looks += 1
      return true
    }
    try build(test, whole)
    for refused in 0..<looks {
      let builder = GraphBuilder()
      var left = refused
      builder.reserveNodes = { _ in
        left -= 1
        return left >= 0
      }
      let error = #expect(throws: GraphError.self) { try build(test, builder) }
      #expect(error?.code == .interrupted)
    }
  }

  /// The operation, and every transform of it.
  private func build(_ test: SweepTests.Case, _ builder: GraphBuilder) throws {
    let kinds = test.sample.shapes.indices.map { (test.dtype(of: $0), test.sample.shapes[$0]) }
    let inputs = kinds.map { builder.input("x", $0, $1) }
    let results = try builder.apply(
      test.operation, inputs.map { .value($0) }, test.sample.attributes, resultCount: test.sample.resultCount)
    let primals = inputs.filter { $0.dtype.isFloating }
    let outputs = results.filter { $0.dtype.isFloating }
    let gradients = builder.gradients(of: outputs.map { ($0, builder.ones($0.type)) }, withRespectTo: primals)
    let first = zip(primals, gradients).map { $1 ?? builder.zeros($0.type) }
    let along = primals.map { (primal: $0, tangent: builder.ones($0.type)) }
    let tangents = zip(first, builder.tangents(of: first, along: along)).map { $1 ?? builder.zeros($0.type) }
    var made = results + first + tangents
    if (primals + outputs).allSatisfy({ $0.shape.rank <= 3 }) {
      made += builder.jacobians(of: outputs, withRespectTo: primals).flatMap { $0 }
      made += builder.hessians(first, withRespectTo: primals).flatMap { $0 }
    }
    let stacks = primals.map { ($0, builder.zeros(TensorType($0.dtype, Shape([2]).appending($0.shape)))) }
    if primals.allSatisfy({ $0.shape.rank <= 6 }) { made += builder.batched(made, size: 2, over: stacks) }
    _ = try builder.graph(outputs: made)
  }
}

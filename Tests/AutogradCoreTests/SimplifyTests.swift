import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Every rewrite, by the graph that is left; and that none is made where a bit of the value could change.
@Suite struct SimplifyTests {
  let builder = GraphBuilder()
  var x: Value {
    builder.columns.inputs.isEmpty ? builder.input("x", .float64, [2, 3]) : builder.value(builder.columns.inputs[0])
  }

  private func printed(_ value: Value) throws -> String {
    let text = try builder.graph(outputs: [value]).description
    return text.split(separator: "\n").dropFirst().dropLast().map { $0.trimmingPrefix("  ") }.joined(separator: "; ")
  }

  @Test func rewrites() throws {
    #expect(try printed(x * 1) == "return %0")
    #expect(try printed(1 * x) == "return %0")
    #expect(try printed(x / 1) == "return %0")
    #expect(try printed(x - 0) == "return %0")
    #expect(try printed(-(-x)) == "return %0")
    #expect(try printed(x.reshape(6).reshape(3, 2)) == "%1 = reshape %0 shape=[3, 2] : float64[3, 2]; return %1")
    #expect(try printed(x.reshape(6).reshape(2, 3)) == "return %0")
    #expect(
      try printed(x.broadcast(to: [1, 2, 3]).broadcast(to: [4, 2, 3]))
        == "%1 = broadcast %0 shape=[4, 2, 3] : float64[4, 2, 3]; return %1")
    #expect(try printed(x.transpose().transpose()) == "return %0")
    let third = builder.constant(Scalar(1.0)) / 4
    #expect(try printed(third) == "%1 = constant 0.25 : float64[]; return %1")
  }

  @Test func everyRewriteHasAName() { #expect(Set(Rewrite.all.map(\.name)).count == Rewrite.all.count) }

  /// x may be infinite, -0 or NaN.
  @Test func whatMayChangeABitStays() throws {
    for kept in [x * 0, x + 0, x - (-0.0), 0 - x, 1 / x, x - x, x / x, x * -1] {
      #expect(try printed(kept) != "return %0")
    }
  }

  @Test func constantsAreComputedAsThePlanWould() throws {
    let pairs = [(1.0, 3.0), (0.1, 0.2), (-0.0, 0.0), (.infinity, 0.0), (.nan, 1.0)]
    for (a, b) in pairs {
      let (p, q) = (builder.constant(Scalar(a)), builder.constant(Scalar(b)))
      for (folded, expected) in [(p + q, a + b), (p - q, a - b), (p * q, a * b), (p / q, a / b)] {
        #expect(Comparison.bits([try Plan(builder.graph(outputs: [folded])).run([])[0]], [Tensor(expected)]) == nil)
        #expect(builder.columns.opcodes[Int(builder.columns.producers[Int(folded.id)])] == .constant)
      }
    }
  }

  @Test func onesCostNothing() throws {
    let y = (x * x).sum()
    let gradient = builder.gradients(of: [(y, builder.ones(y.type))], withRespectTo: [x])
    // The sum of both uses of x, without a product with ones.
    #expect(try !printed(gradient[0] ?? x).contains("mul"))
  }
}

import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Functions of matrices that can be had by two ways, one of them through a decomposition: they have the same
/// derivatives, up to the fourth order, forwards and backwards in any turn.
@Suite struct DecompositionOrderTests {
  private let orders = 4

  struct Pair: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var shape: Shape
    var first: @Sendable (Value) throws -> Value
    var second: @Sendable (Value) throws -> Value
  }

  private static func trace(_ x: Value) -> Value { x.applying("trace") }

  private static func parts(_ operation: any Operation, _ x: Value, _ count: Int) throws -> [Value] {
    try x.builder.apply(operation, [.value(x)], [:], resultCount: count)
  }

  static let pairs: [Pair] = [
    Pair(
      testDescription: "Σ exp λ is the trace of the exponential", shape: [3, 3],
      first: { $0.applying("eigvalsh").applying("exp").sum() },
      second: { trace((($0 + $0.transpose()) * 0.5).applying("expm")) }),
    Pair(
      testDescription: "Σ ln λ is the logarithm of the determinant", shape: [3, 3],
      first: { $0.applying("eigvalsh").applying("log").sum() },
      second: { (($0 + $0.transpose()) * 0.5).applying("det").applying("log") }),
    Pair(
      testDescription: "V exp(Λ) Vᵀ is the exponential", shape: [3, 3],
      first: { x in
        let parts = try parts(EigenOperation(), x, 2)
        let scaled = parts[1] * parts[0].applying("exp").reshape(1, 3).broadcast(to: [3, 3])
        return weighted(scaled.matmul(parts[1].transpose()))
      },
      second: { weighted((($0 + $0.transpose()) * 0.5).applying("expm")) }),
    Pair(
      testDescription: "Σ s⁴ is the trace of (aᵀ a)²", shape: [3, 2],
      first: { $0.applying("svdvals").applying("square").applying("square").sum() },
      second: { x in
        let square = x.transpose().matmul(x)
        return trace(square.matmul(square))
      }),
    Pair(
      testDescription: "Σ s⁴ of more columns than rows", shape: [2, 4],
      first: { $0.applying("svdvals").applying("square").applying("square").sum() },
      second: { x in
        let square = x.matmul(x.transpose())
        return trace(square.matmul(square))
      }),
    Pair(
      testDescription: "u s² uᵀ is a aᵀ", shape: [3, 2],
      first: { x in
        let parts = try parts(SVDOperation(), x, 3)
        let scaled = parts[0] * parts[1].applying("square").reshape(1, 2).broadcast(to: [3, 2])
        return weighted(scaled.matmul(parts[0].transpose()))
      },
      second: { weighted($0.matmul($0.transpose())) }),
    Pair(
      testDescription: "v s² vᵀ is aᵀ a", shape: [2, 3],
      first: { x in
        let parts = try parts(SVDOperation(), x, 3)
        let scaled = parts[2].transpose() * parts[1].applying("square").reshape(1, 2).broadcast(to: [3, 2])
        return weighted(scaled.matmul(parts[2]))
      },
      second: { weighted($0.transpose().matmul($0)) }),
    Pair(
      testDescription: "Σ ln |r[i, i]| is that of aᵀ a, halved", shape: [4, 3],
      first: { try parts(QROperation(), $0, 2)[1].applying("diagonal").applying("abs").applying("log").sum() },
      second: { $0.transpose().matmul($0).applying("det").applying("log") * 0.5 }),
    Pair(
      testDescription: "q qᵀ is the projection", shape: [4, 2],
      first: { x in
        let q = try parts(QROperation(), x, 2)[0]
        return weighted(q.matmul(q.transpose()))
      },
      second: { x in
        weighted(x.matmul(x.transpose().matmul(x).applying("inv")).matmul(x.transpose()))
      }),
    Pair(
      testDescription: "pinv of independent columns", shape: [4, 2],
      first: { weighted($0.applying("pinv")) },
      second: { x in weighted(x.transpose().matmul(x).applying("inv").matmul(x.transpose())) }),
    Pair(
      testDescription: "pinv of independent rows", shape: [2, 3],
      first: { weighted($0.applying("pinv")) },
      second: { x in weighted(x.transpose().matmul(x.matmul(x.transpose()).applying("inv"))) }),
    Pair(
      testDescription: "the exponential of twice a is its square", shape: [2, 2],
      first: { weighted(($0 * 2).applying("expm")) },
      second: { weighted($0.applying("expm").applying("matrix_power", attributes: ["n": .integer(2)])) }),
    Pair(
      testDescription: "a⁻³", shape: [2, 2],
      first: { weighted($0.applying("matrix_power", attributes: ["n": .integer(-3)])) },
      second: { x in
        let inverse = x.applying("inv")
        return weighted(inverse.matmul(inverse).matmul(inverse))
      }),
  ]

  /// A sum in which no two elements count alike.
  private static func weighted(_ x: Value) -> Value {
    var random = SeededGenerator(seed: 11)
    return (x * x.builder.constant(Tensor.random(x.type, in: -1...1, using: &random))).sum()
  }

  @Test(arguments: pairs) func derivativesAgree(_ pair: Pair) throws {
    var random = SeededGenerator(seed: 3)
    let type = TensorType(.float64, pair.shape)
    var a = Tensor.random(type, in: -1...1, using: &random).withDominantDiagonals
    // Small, so that derivatives of exponentials are.
    a = Tensor(a.doubles.map { $0 / 4 }, shape: pair.shape)
    let directions = (0..<orders).map { _ in Tensor.random(type, in: -1...1, using: &random) }
    // Backwards where the bit of the order is set.
    for pattern in [0b1111, 0b0000, 0b0101, 0b1010, 0b0011] {
      let builder = GraphBuilder()
      let x = builder.input("a", .float64, pair.shape)
      var results: [Value] = []
      for function in [pair.first, pair.second] {
        var y = try function(x)
        results.append(y)
        for order in 0..<orders {
          let e = builder.constant(directions[order])
          if pattern >> order & 1 == 1 {
            y = (y.gradient(withRespectTo: x) * e).sum()
          } else {
            y = builder.tangents(of: [y], along: [(x, e)])[0] ?? builder.zeros(y.type)
          }
          results.append(y)
        }
      }
      let numbers = try Plan(builder.graph(outputs: results)).run([a]).map { $0.doubles[0] }
      let count = orders + 1
      for order in 0..<count {
        let (left, right) = (numbers[order], numbers[count + order])
        #expect(abs(left - right) <= 1e-9 * max(1, abs(right)), "order \(order), ways \(pattern): \(left) and \(right)")
      }
    }
  }
}

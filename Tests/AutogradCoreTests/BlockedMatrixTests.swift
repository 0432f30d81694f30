import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Matrices larger than the blocks they are worked off in, of sizes that no block divides.
@Suite struct BlockedMatrixTests {
  private static let sizes = [63, 64, 65, 150, 257]

  private func matrix(_ n: Int, _ m: Int, _ random: inout SeededGenerator) -> Tensor {
    Tensor.random(TensorType(.float64, [n, m]), in: -1...1, using: &random)
  }

  private func run(_ inputs: [Tensor], _ body: ([Value]) throws -> [Value]) throws -> [Tensor] {
    let builder = GraphBuilder()
    let values = inputs.map { builder.input("x", $0.dtype, $0.shape) }
    return try Plan(builder.graph(outputs: body(values))).run(inputs)
  }

  /// Without dominant diagonals, so that rows are exchanged; from either side.
  @Test(arguments: sizes) func solutionsSolve(_ n: Int) throws {
    var random = SeededGenerator(seed: UInt64(n))
    let inputs = [matrix(n, n, &random), matrix(n, 70, &random)]
    let results = try run(inputs) { x in
      let solution = x[0].applying("solve", x[1])
      // The gradient solves with the transpose.
      let slope = (solution * x[1]).sum().gradient(withRespectTo: x[1]) - solution
      return [x[0].matmul(solution) - x[1], x[0].transpose().matmul(slope) - x[1]]
    }
    for residual in results { #expect(residual.doubles.allSatisfy { abs($0) < 1e-9 }, "\(n)") }
  }

  @Test(arguments: sizes) func triangularSolutionsSolve(_ n: Int) throws {
    var random = SeededGenerator(seed: UInt64(n))
    let inputs = [matrix(n, n, &random).withDominantDiagonals, matrix(n, 600, &random)]
    for lower in [true, false] {
      for transposed in [true, false] {
        let residual = try run(inputs) { x in
          let attributes: [String: AttributeValue] = ["lower": .boolean(lower), "transpose": .boolean(transposed)]
          let solution = x[0].applying("solve_triangular", x[1], attributes: attributes)
          let triangle = x[0].applying(lower ? "tril" : "triu")
          return [(transposed ? triangle.transpose() : triangle).matmul(solution) - x[1]]
        }
        #expect(residual[0].doubles.allSatisfy { abs($0) < 1e-11 }, "\(n) lower \(lower) transposed \(transposed)")
      }
    }
  }

  @Test(arguments: sizes) func factorsMultiply(_ n: Int) throws {
    var random = SeededGenerator(seed: UInt64(n))
    let half = matrix(n, n, &random)
    let results = try run([half]) { x in
      let positive = x[0].matmul(x[0].transpose()) + 1
      let lower = positive.applying("cholesky")
      return [lower.matmul(lower.transpose()) - positive, lower - lower.applying("tril")]
    }
    #expect(results[0].doubles.allSatisfy { abs($0) < 1e-11 * Double(n) }, "\(n)")
    #expect(results[1].doubles.allSatisfy { $0 == 0 }, "\(n)")
  }

  /// det(x y) = det x det y, signs and all.
  @Test(arguments: sizes) func determinantsMultiply(_ n: Int) throws {
    var random = SeededGenerator(seed: UInt64(n))
    let scale = 3.0 / Double(n).squareRoot()
    let inputs = [matrix(n, n, &random), matrix(n, n, &random)]
    let results = try run(inputs) { x in
      let (a, b) = (x[0] * scale, x[1] * scale)
      return [a.matmul(b).applying("det"), a.applying("det") * b.applying("det")]
    }
    let (product, factors) = (results[0].doubles[0], results[1].doubles[0])
    #expect(abs(product / factors - 1) < 1e-8, "\(n)")
  }

  /// Beyond the columns that QR does one by one: x times the transpose of its cofactors is det x.
  @Test(arguments: [100, 129, 200]) func cofactorsAreCofactors(_ n: Int) throws {
    var random = SeededGenerator(seed: UInt64(n))
    let scale = 1.7 / Double(n).squareRoot()
    let results = try run([matrix(n, n, &random)]) { x in
      let a = x[0] * scale
      let determinant = a.applying("det")
      return [a.matmul(determinant.gradient(withRespectTo: a).transpose()) / determinant]
    }
    let values = results[0].doubles
    for i in 0..<n {
      for j in 0..<n { #expect(abs(values[i * n + j] - (i == j ? 1 : 0)) < 1e-8, "\(n) at \(i), \(j)") }
    }
  }

  /// Refusals name the row in the whole, not in its block.
  @Test func refusalsNameTheRow() throws {
    let n = 150
    var random = SeededGenerator(seed: 3)
    var values = matrix(n, n, &random).withDominantDiagonals.doubles
    for j in 0..<n { values[120 * n + j] = 0 }
    let zero = #expect(throws: GraphError.self) {
      try run([Tensor(values, shape: [n, n])]) { [$0[0].applying("inv")] }
    }
    #expect(zero?.message.contains("row 120,") == true, "\(zero?.message ?? "")")

    var identity = [Double](repeating: 0, count: n * n)
    for i in 0..<n { identity[i * n + i] = i == 100 ? -1 : 1 }
    let indefinite = #expect(throws: GraphError.self) {
      try run([Tensor(identity, shape: [n, n])]) { [$0[0].applying("cholesky")] }
    }
    #expect(indefinite?.message.contains("leading 101 by 101") == true, "\(indefinite?.message ?? "")")
  }
}

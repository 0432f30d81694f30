import Testing

@testable import AutogradCore

/// Special functions of several operands at the ends of the range of numbers, beside their leading terms there, which
/// are exact to the last places.
@Suite struct ExtremeOperandTests {
  /// Derivatives of an operation at a point, each by gradients of gradients.
  private func value(_ name: String, _ orders: [Int], _ point: [Double]) throws -> Double {
    let builder = GraphBuilder()
    let operands = point.indices.map { builder.input("x\($0)", .float64, []) }
    let operation = try #require(OpCatalog.operation(named: name))
    var value = try builder.apply(operation, operands.map { .value($0) }, [:])[0]
    for (operand, order) in zip(operands, orders) {
      for _ in 0..<order { value = value.gradient(withRespectTo: operand) }
    }
    return try Plan(builder.graph(outputs: [value])).run(point.map { Tensor([$0], shape: []) })[0].doubles[0]
  }

  private func expect(_ name: String, _ orders: [Int], _ point: [Double], _ right: Double) throws {
    let actual = try value(name, orders, point)
    let isRight = actual == right || abs(actual - right) <= 1e-13 * abs(right)
    #expect(isRight, "\(name) \(orders) at \(point) is \(actual), not \(right)")
  }

  /// For large q it is q^(1-x) / (x - 1), for small q q^-x.
  @Test func zeta() throws {
    for q in [1e32, 1e150, 1e300] {
      try expect("zeta", [0, 0], [2, q], 1 / q)
      try expect("zeta", [0, 1], [2, q], -1 / q / q)
    }
    try expect("zeta", [0, 0], [10, 1e32], 1e-288 / 9)
    for q in [1e-110, 1e-150] {
      try expect("zeta", [0, 0], [2, q], 1 / q / q)
      try expect("zeta", [0, 1], [2, q], -2 / q / q / q)
    }
    try expect("zeta", [0, 0], [3, 1e-110], .infinity)
    try expect("zeta", [1, 0], [3, 1e-110], .infinity)
    try expect("zeta", [0, 1], [2, 1e-300], -.infinity)
  }

  /// At x = a it is a half, with the density 1 / √(2π a); and it is a probability.
  @Test func incompleteGamma() throws {
    for a in [1e220, 1e280, 1e306] {
      try expect("gammainc", [0, 0], [a, a], 0.5)
      try expect("gammainc", [0, 1], [a, a], 1 / (2 * Double.pi).squareRoot() / a.squareRoot())
      try expect("gammainc", [1, 0], [a, a], -1 / (2 * Double.pi).squareRoot() / a.squareRoot())
    }
    // One density, (a - 1 - x) / x of it and 0 at both ends.
    try expect("gammainc", [0, 2], [1e200, 1e300], 0)
    try expect("gammainc", [0, 2], [1e300, 1e200], 0)
    try expect("gammainc", [0, 1], [14, 1e278], 0)
    for a in [Double.leastNonzeroMagnitude, 1e-300, 1e-20, 1e-3] {
      for x in [1e-3, 0.5, 1] {
        let p = try value("gammainc", [0, 0], [a, x])
        #expect(p <= 1 && p > 0.99, "gammainc at \([a, x]) is \(p)")
      }
    }
  }

  /// For large b and x = c / b it is gammainc(a, c).
  @Test func incompleteBeta() throws {
    for b in [1e40, 1e100, 1e142] {
      for (a, c) in [(0.04, 0.56), (0.5, 1.0), (2.5, 1.5)] {
        let right = try value("gammainc", [0, 0], [a, c])
        try expect("betainc", [0, 0, 0], [a, b, c / b], right)
        let byA = try value("gammainc", [1, 0], [a, c])
        let actual = try value("betainc", [1, 0, 0], [a, b, c / b])
        #expect(abs(actual - byA) <= 1e-11 * abs(byA), "betainc by a at \([a, b, c / b]) is \(actual), not \(byA)")
      }
    }
  }
}

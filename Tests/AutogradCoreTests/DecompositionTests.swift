import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Decompositions where the sweep does not come: values that coincide or are 0, lower ranks, numbers that are none.
@Suite struct DecompositionTests {
  /// The second derivative of a function of a along e, in each way that it can be made.
  private enum Mode: CaseIterable { case reverseOverReverse, forwardOverReverse, reverseOverForward }

  private func curvature(
    _ mode: Mode, at a: Tensor, along e: Tensor, _ function: (Value) -> Value
  ) throws -> [Double] {
    let builder = GraphBuilder()
    let x = builder.input("a", .float64, a.shape)
    let direction = builder.constant(e)
    let y = function(x)
    let result: Value
    switch mode {
    case .reverseOverReverse:
      result = (y.gradient(withRespectTo: x) * direction).sum().gradient(withRespectTo: x)
    case .forwardOverReverse:
      let gradient = y.gradient(withRespectTo: x)
      result = try #require(builder.tangents(of: [gradient], along: [(x, direction)])[0])
    case .reverseOverForward:
      result = try #require(builder.tangents(of: [y], along: [(x, direction)])[0]).gradient(withRespectTo: x)
    }
    return try Plan(builder.graph(outputs: [result])).run([a])[0].doubles
  }

  private func gradient(at a: Tensor, _ function: (Value) -> Value) throws -> [Double] {
    let builder = GraphBuilder()
    let x = builder.input("a", .float64, a.shape)
    return try Plan(builder.graph(outputs: [function(x).gradient(withRespectTo: x)])).run([a])[0].doubles
  }

  private func value(_ name: String, _ a: Tensor, _ attributes: [String: AttributeValue] = [:]) throws -> [Double] {
    let builder = GraphBuilder()
    let x = builder.input("a", a.dtype, a.shape)
    return try Plan(builder.graph(outputs: [x.applying(name, attributes: attributes)])).run([a])[0].doubles
  }

  private func expectClose(
    _ actual: [Double], _ expected: [Double], _ tolerance: Double = 1e-12, _ comment: Comment? = nil
  ) {
    #expect(actual.count == expected.count)
    for (a, b) in zip(actual, expected) { #expect(abs(a - b) <= tolerance * max(1, abs(b)), comment) }
  }

  // MARK: Coinciding values

  /// Symmetric matrices with eigenvalues 1, 1, 2: as they stand, turned, and with a distance of rounding or little
  /// more.
  private static let coinciding: [Tensor] = {
    // 1 + q qᵀ with q = (1, 2, 2)/3.
    let turned: [Double] = [10, 2, 2, 2, 13, 4, 2, 4, 13].map { (ninths: Double) -> Double in ninths / 9 }
    let diagonals: [[Double]] = [[1, 1, 2], [1, 1, 1], [1, 1 + 1e-15, 2], [1, 1 + 3e-12, 2], [1, 1 + 1e-9, 2]]
    return [Tensor(turned, shape: [3, 3])]
      + diagonals.map { d in
        Tensor([d[0], 0, 0, 0, d[1], 0, 0, 0, d[2]], shape: [3, 3])
      }
  }()
  private let direction = Tensor([0.3, -1, 2, -1, 0.7, 0.5, 2, 0.5, -0.4], shape: [3, 3])

  @Test(arguments: coinciding.indices) func sumsOverEigenvaluesHaveTheirCurvature(_ index: Int) throws {
    let a = Self.coinciding[index]
    for mode in Mode.allCases {
      let squares = try curvature(mode, at: a, along: direction) { $0.applying("eigvalsh").applying("square").sum() }
      expectClose(squares, direction.doubles.map { 2 * $0 }, 1e-7, "\(mode)")
      let linear = try curvature(mode, at: a, along: direction) { ($0.applying("eigvalsh") * 3).sum() + $0.sum() }
      expectClose(linear, Array(repeating: 0, count: 9), 1e-12, "\(mode)")
      // The logarithm of the determinant, which slogdet has by another way: -a⁻¹ e a⁻¹.
      let logarithm = try curvature(mode, at: a, along: direction) { $0.applying("eigvalsh").applying("log").sum() }
      let inverse = try value("inv", a)
      let product = Self.product(Self.product(inverse, direction.doubles), inverse)
      expectClose(logarithm, product.map { -$0 }, 1e-7, "\(mode)")
      // Not a sum of functions of one value each.
      let square = try curvature(mode, at: a, along: direction) { x in
        let sum = x.applying("eigvalsh").applying("square").sum()
        return sum * sum
      }
      // f = (tr a²)²: 8 tr(a e) a + 4 tr(a²) e.
      var (mixed, trace) = (0.0, 0.0)
      for (x, e) in zip(a.doubles, direction.doubles) {
        mixed += x * e
        trace += x * x
      }
      let total = zip(a.doubles, direction.doubles).map { (x: Double, e: Double) -> Double in
        8 * mixed * x + 4 * trace * e
      }
      expectClose(square, total, 1e-6, "\(mode)")
    }
  }

  private static func product(_ x: [Double], _ y: [Double]) -> [Double] {
    var z = [Double](repeating: 0, count: 9)
    for i in 0..<3 {
      for j in 0..<3 {
        for k in 0..<3 { z[i * 3 + j] += x[i * 3 + k] * y[k * 3 + j] }
      }
    }
    return z
  }

  /// Forwards over forwards asks for second derivatives of single values first, which have none: the answer is no
  /// number, never a wrong one.
  @Test func forwardsOverForwardsIsNeverWrongThere() throws {
    let builder = GraphBuilder()
    let x = builder.input("a", .float64, [3, 3])
    let e = builder.constant(direction)
    var y = x.applying("eigvalsh").applying("square").sum()
    for _ in 0..<2 { y = try #require(builder.tangents(of: [y], along: [(x, e)])[0]) }
    let result = try Plan(builder.graph(outputs: [y])).run([Self.coinciding[1]])[0].doubles[0]
    // 2 |e|² would be right.
    let right = direction.doubles.reduce(0) { $0 + 2 * $1 * $1 }
    #expect(!result.isFinite || abs(result - right) < 1e-9 * right)
  }

  /// What depends on one of several values that coincide has no second derivative, and is not given one.
  @Test func singleEigenvaluesHaveNone() throws {
    let functions: [(Value) -> Value] = [
      { $0.applying("eigvalsh").slice(starts: [0], ends: [1]).sum() },
      { $0.applying("eigvalsh").slice(starts: [0], ends: [1]).applying("square").sum() },
      { ($0.applying("eigvalsh").slice(starts: [0], ends: [1]) - 1).applying("square").sum() },
    ]
    for (index, function) in functions.enumerated() {
      for mode in Mode.allCases {
        let result = try curvature(mode, at: Self.coinciding[1], along: direction, function)
        #expect(result.contains { !$0.isFinite }, "function \(index), \(mode)")
      }
    }
  }

  @Test func vectorsOfOneValueHaveNoDerivative() throws {
    let eye = Self.coinciding[1]
    let builder = GraphBuilder()
    let x = builder.input("a", .float64, eye.shape)
    let parts = try builder.apply(EigenOperation(), [.value(x)], [:], resultCount: 2)
    let gradient = parts[1].slice(starts: [0], ends: [1]).sum().gradient(withRespectTo: x)
    #expect(try Plan(builder.graph(outputs: [gradient])).run([eye])[0].doubles.contains { !$0.isFinite })
  }

  @Test func thirdDerivativesAreNeverWrongThere() throws {
    let builder = GraphBuilder()
    let x = builder.input("a", .float64, [3, 3])
    let e = builder.constant(direction)
    var y = x.applying("eigvalsh").applying("exp").sum()
    for _ in 0..<3 { y = (y.gradient(withRespectTo: x) * e).sum() }
    let result = try Plan(builder.graph(outputs: [y])).run([Self.coinciding[1]])[0].doubles[0]
    #expect(!result.isFinite)
  }

  @Test func evenFunctionsOfSingularValuesHaveTheirCurvature() throws {
    let e = Tensor([1, -2, 0.5, 3, 0.25, 1], shape: [3, 2])
    let matrices: [[Double]] = [
      [0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0], [1, 0, 2, 0, 2, 0], [1, 2, 2, 4, 3, 6], [3, 1, -2, 5, 0, 1],
    ]
    for numbers in matrices {
      for shape: Shape in [[3, 2], [2, 3]] {
        for mode in Mode.allCases {
          let result = try curvature(
            mode, at: Tensor(numbers, shape: shape), along: Tensor(e.doubles, shape: shape)
          ) { $0.applying("svdvals").applying("square").sum() }
          expectClose(result, e.doubles.map { 2 * $0 }, 1e-7, "\(numbers) \(shape) \(mode)")
        }
      }
    }
  }

  /// The sum of singular values has an edge where several are 0, or one of a matrix that is not square, and so has the
  /// size of a determinant where several are. Its curvature has no bound near there.
  @Test func edgesOfSingularValuesHaveNone() throws {
    let direction: [Double] = [1, 2, -1, 4, 0.5, 3]
    let rows: [(shape: Shape, numbers: [Double], name: String)] = [
      ([2, 2], [0, 0, 0, 0], "sum"), ([3, 2], [1, 0, 0, 0, 0, 0], "sum"), ([2, 3], [1, 0, 0, 0, 0, 0], "sum"),
      ([2, 2], [0, 0, 0, 0], "prod"),
    ]
    for row in rows {
      for mode in Mode.allCases {
        let e = Tensor(Array(direction.prefix(row.numbers.count)), shape: row.shape)
        let result = try curvature(mode, at: Tensor(row.numbers, shape: row.shape), along: e) {
          $0.applying("svdvals").applying(row.name)
        }
        #expect(result.contains { !$0.isFinite }, "\(row) \(mode)")
      }
    }
  }

  /// Weights rounded to float32 coincide to seven digits.
  @Test func float32() throws {
    let a = Tensor(Self.coinciding[0].doubles.map { Float($0) }, shape: [3, 3])
    let builder = GraphBuilder()
    let x = builder.input("a", .float32, [3, 3])
    let e = builder.constant(direction.converted(to: .float32))
    let gradient = x.applying("eigvalsh").applying("square").sum().gradient(withRespectTo: x)
    let result = (gradient * e).sum().gradient(withRespectTo: x)
    let numbers = try Plan(builder.graph(outputs: [result])).run([a])[0].doubles
    expectClose(numbers, direction.doubles.map { 2 * $0 }, 2e-3)
  }

  // MARK: Ranks and numbers

  @Test func notANumberGivesNotANumber() throws {
    for number in [Double.nan, .infinity] {
      let a = Tensor([1, number, number, 1], shape: [2, 2])
      for name in ["eigvalsh", "svdvals", "pinv", "expm"] {
        #expect(try value(name, a).allSatisfy(\.isNaN), "\(name)")
        #expect(try gradient(at: a) { $0.applying(name).sum() }.allSatisfy(\.isNaN), "\(name)")
      }
      #expect(try value("matrix_rank", a) == [0])
    }
  }

  @Test func lowerRanks() throws {
    let a = Tensor([1.0, 2, 2, 4], shape: [2, 2])
    expectClose(try value("pinv", a), [0.04, 0.08, 0.08, 0.16])
    #expect(try value("matrix_rank", a) == [1])
    #expect(try value("matrix_rank", Tensor([1.0, 0, 0, 1e-3], shape: [2, 2]), ["rtol": .number(0.01)]) == [1])
    #expect(try value("matrix_rank", Tensor([1.0, 0, 0, 1e-3], shape: [2, 2])) == [2])
    // 0.1 in float32 times 3 is not 0.3 in float32: rounding of that dtype counts.
    #expect(try value("matrix_rank", Tensor([Float(0.1), 0.2, 0.3, 0.6], shape: [2, 2])) == [1])
    // R has a 0 on its diagonal.
    let builder = GraphBuilder()
    let x = builder.input("a", .float64, [2, 2])
    let parts = try builder.apply(QROperation(), [.value(x)], [:], resultCount: 2)
    let slope = parts[1].sum().gradient(withRespectTo: x)
    #expect(try Plan(builder.graph(outputs: [slope])).run([a])[0].doubles.contains { $0.isNaN })
  }

  @Test func tooLargeOnesAreRefused() throws {
    let builder = GraphBuilder()
    let x = builder.input("a", .float64, [513, 513])
    #expect(throws: GraphError.self) { try builder.apply(EigenvaluesOperation(), [.value(x)]) }
    #expect(throws: Never.self) {
      try builder.apply(SingularValuesOperation(), [.value(builder.input("b", .float64, [2, 100_000]))])
    }
  }

  /// Tall and wide matrices go another way than nearly square ones.
  @Test(arguments: [[200, 3], [3, 200], [90, 40], [40, 90], [130, 70]])
  func decompositionsMultiplyBack(_ sizes: [Int]) throws {
    var random = SeededGenerator(seed: 5)
    let a = Tensor.random(TensorType(.float64, Shape(sizes)), in: -1...1, using: &random)
    let builder = GraphBuilder()
    let x = builder.input("a", .float64, a.shape)
    let svd = try builder.apply(SVDOperation(), [.value(x)], [:], resultCount: 3)
    let k = min(sizes[0], sizes[1])
    let qr = try builder.apply(QROperation(), [.value(x)], [:], resultCount: 2)
    let products = [
      (svd[0] * svd[1].reshape(1, k).broadcast(to: [sizes[0], k])).matmul(svd[2]), qr[0].matmul(qr[1]),
      svd[0].transpose().matmul(svd[0]), svd[2].matmul(svd[2].transpose()), qr[0].transpose().matmul(qr[0]),
    ]
    let results = try Plan(builder.graph(outputs: products)).run([a])
    let unit = (0..<(k * k)).map { $0 / k == $0 % k ? 1.0 : 0 }
    for (index, result) in results.enumerated() { expectClose(result.doubles, index < 2 ? a.doubles : unit, 1e-13) }
  }

  // MARK: Functions

  /// Derivatives of every order of the exponential of a multiple t of a: a times it, once more each time.
  @Test func exponentialToEveryOrder() throws {
    let a = Tensor([0.0, 1, -1, 0], shape: [2, 2])
    let builder = GraphBuilder()
    let t = builder.input("t", .float64, [])
    let y = (t.broadcast(to: [2, 2]) * builder.constant(a)).applying("expm")
    var elements: [Value] = [y.slice(starts: [0, 1], ends: [1, 2]).sum()]
    for _ in 0..<4 { elements.append(elements[elements.count - 1].gradient(withRespectTo: t)) }
    let results = try Plan(builder.graph(outputs: elements)).run([Tensor([0.7], shape: [])]).map { $0.doubles[0] }
    // The rotation by t: its element is the sine, whose derivatives are known.
    let (sine, cosine) = (0.64421768723769105, 0.76484218728448842)
    expectClose(results, [sine, cosine, -sine, -cosine, sine], 1e-13)
  }

  @Test func exponentialsOfLargeAndSmallNumbers() throws {
    expectClose(try value("expm", Tensor([0.0, 1e6, 0, 0], shape: [2, 2])), [1, 1e6, 0, 1])
    expectClose(try value("expm", Tensor([-1e3, 0, 0, 1e-3], shape: [2, 2])), [0, 0, 0, 1.0010005001667084])
    // A large cotangent costs no digits.
    let slope = try gradient(at: Tensor([0.5, 0, 0, 0.25], shape: [2, 2])) { ($0.applying("expm") * 1e12).sum() }
    let (e5, e25) = (1.6487212707001282e12, 1.2840254166877414e12)
    expectClose(slope, [e5, (e5 - e25) * 4, (e5 - e25) * 4, e25], 1e-13)
  }

  @Test func matrixPowers() throws {
    let a = Tensor([1.0, 1, 1, 0], shape: [2, 2])
    #expect(try value("matrix_power", a, ["n": .integer(10)]) == [89, 55, 55, 34])
    #expect(try value("matrix_power", a, ["n": .integer(0)]) == [1, 0, 0, 1])
    expectClose(try value("matrix_power", a, ["n": .integer(-2)]), [1, -1, -1, 2])
    #expect(
      try value("matrix_power", Tensor([1.0, 0, 0, -1], shape: [2, 2]), ["n": .integer(.min + 1)]) == [1, 0, 0, -1])
    let zeros = Tensor([0.0, 0, 0, 0], shape: [2, 2])
    #expect(throws: GraphError.self) { try value("matrix_power", zeros, ["n": .integer(-1)]) }
  }
}

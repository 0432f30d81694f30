import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Decompositions at edges of their domains: values that a tolerance cuts, corners, numbers near the ends of the range.
@Suite struct DecompositionEdgeTests {
  private func run(_ a: Tensor, _ function: (Value) throws -> Value) throws -> [Double] {
    let builder = GraphBuilder()
    return try Plan(builder.graph(outputs: [function(builder.input("a", a.dtype, a.shape))])).run([a])[0].doubles
  }

  private func gradient(at a: Tensor, _ function: (Value) -> Value) throws -> [Double] {
    try run(a) { function($0).gradient(withRespectTo: $0) }
  }

  /// The second derivative along e, in every mode: a number, or one for each element.
  private func curvatures(at a: Tensor, along e: Tensor, _ function: (Value) -> Value) throws -> [[Double]] {
    func tangent(_ y: Value, _ x: Value) -> Value {
      let builder = y.builder
      return builder.tangents(of: [y], along: [(x, builder.constant(e))])[0] ?? builder.zeros(y.type)
    }
    return try [
      run(a) { tangent(tangent(function($0), $0), $0) },
      run(a) { tangent(function($0), $0).gradient(withRespectTo: $0) },
      run(a) { tangent(function($0).gradient(withRespectTo: $0), $0) },
      run(a) { x in
        (function(x).gradient(withRespectTo: x) * x.builder.constant(e)).sum().gradient(withRespectTo: x)
      },
    ]
  }

  private func expectClose(_ actual: [Double], _ expected: [Double], _ tolerance: Double, _ comment: Comment? = nil) {
    #expect(actual.count == expected.count, comment)
    let size = expected.reduce(0) { max($0, abs($1)) }
    for (a, b) in zip(actual, expected) { #expect(abs(a - b) <= tolerance * size, comment) }
  }

  private static func random(_ shape: Shape, seed: UInt64) -> Tensor {
    var random = SeededGenerator(seed: seed)
    return Tensor.random(TensorType(.float64, shape), in: -1...1, using: &random)
  }

  /// A sum in which no two elements count alike.
  private static func weighted(_ x: Value) -> Value {
    (x * x.builder.constant(random(x.shape, seed: 11))).sum()
  }

  // MARK: Vectors of values that hardly differ

  /// A³ by its eigenvectors: right, or NaN where they have no digits left, and never another number.
  @Test func vectorsOfNearValues() throws {
    let along: Tensor = [[1, 0.5], [0.5, -1]]
    for gap in [1e-13, 1e-11, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2] {
      let a = Tensor([2, gap, gap, 2 + 1.5 * gap], shape: [2, 2])
      let right = try curvatures(at: a, along: along) { x in
        let y = x * 0.5 + x.transpose() * 0.5
        return Self.weighted(y.matmul(y).matmul(y))
      }
      let found = try curvatures(at: a, along: along) { x in
        guard let operation = OpCatalog.operation(named: "eigh"),
          let parts = try? x.builder.apply(operation, [.value(x)], [:], resultCount: 2)
        else { return x }
        return Self.weighted((parts[1] * (parts[0] * parts[0] * parts[0])).matmul(parts[1].transpose()))
      }
      for (found, right) in zip(found, right) {
        if gap < 1e-4 && found.contains(where: \.isNaN) { continue }
        expectClose(found, right, 1e-5, "\(gap)")
      }
    }
  }

  /// Columns of very different lengths are as independent as others: a = q r, and Σ r² is Σ a².
  @Test func columnsOfDifferentLengths() throws {
    let a: Tensor = [[1e20, 1], [0, 1]]
    let found = try gradient(at: a) { x in
      guard let operation = OpCatalog.operation(named: "qr"),
        let parts = try? x.builder.apply(operation, [.value(x)], [:], resultCount: 2)
      else { return x }
      return (parts[1] * parts[1]).sum()
    }
    for (found, right) in zip(found, [2e20, 2, 0, 2]) { #expect(abs(found - right) <= 1e-12 * max(abs(right), 1)) }
  }

  // MARK: Values that are cut

  /// Of diag(2, 1/2) with 1/2 cut: 1 / (s² - t²) and t / s times that for the two elements beside the diagonal.
  @Test func cutValuesHaveTheirPart() throws {
    let a = Tensor([2, 0, 0, 0.5], shape: [2, 2])
    let attributes: [String: AttributeValue] = ["rtol": .number(0.5)]
    let slope = try gradient(at: a) { $0.applying("pinv", attributes: attributes).sum() }
    expectClose(slope, [-0.25, 1.25 / 3.75, 1.25 / 3.75, 0], 1e-14)
  }

  @Test(arguments: [[4, 4], [5, 3], [3, 5]]) func cutValuesAgainstDifferences(_ sizes: [Int]) throws {
    let a = Self.random(Shape(sizes), seed: 4)
    let b = Self.random([sizes[0], 2], seed: 5)
    let attributes: [String: AttributeValue] = ["rtol": .number(0.6)]
    let functions: [(Value) -> Value] = [
      { Self.weighted($0.applying("pinv", attributes: attributes)) },
      { x in
        let solution = try? x.builder.apply(
          LeastSquaresOperation(), [.value(x), .value(x.builder.constant(b))], attributes)[0]
        return Self.weighted(solution ?? x)
      },
    ]
    for function in functions {
      let slope = try gradient(at: a, function)
      let differences = try a.doubles.indices.map { index in
        let ends = try [1e-5, -1e-5].map { step in
          var numbers = a.doubles
          numbers[index] += step
          return try run(Tensor(numbers, shape: a.shape), function)[0]
        }
        return (ends[0] - ends[1]) / 2e-5
      }
      expectClose(slope, differences, 1e-7, "\(sizes)")
      for curvature in try curvatures(at: a, along: Self.random(a.shape, seed: 6), function) {
        #expect(curvature.allSatisfy { $0.isNaN }, "\(sizes)")
      }
    }
  }

  /// At a lower rank there is the derivative among matrices of that rank, and no second one.
  @Test func lowerRanksHaveOneDerivative() throws {
    for (numbers, shape) in [([2, 0, 0, 0], [2, 2]), ([1, 2, 2, 4, 3, 6], [3, 2]), ([0, 0, 0, 0, 0, 0], [2, 3])]
      as [([Double], Shape)]
    {
      let a = Tensor(numbers, shape: shape)
      let slope = try gradient(at: a) { Self.weighted($0.applying("pinv")) }
      #expect(slope.allSatisfy { $0.isFinite })
      for curvature in try curvatures(at: a, along: Self.random(shape, seed: 6), { Self.weighted($0.applying("pinv")) })
      {
        #expect(curvature.allSatisfy { $0.isNaN }, "\(numbers)")
      }
    }
  }

  /// A tolerance that cuts nothing changes nothing, where values coincide neither.
  @Test func tolerancesThatCutNothing() throws {
    let a = Tensor([1, 0, 0, 1], shape: [2, 2])
    let e = Self.random([2, 2], seed: 6)
    let right = try curvatures(at: a, along: e) { Self.weighted($0.applying("inv")) }
    let actual = try curvatures(at: a, along: e) {
      Self.weighted($0.applying("pinv", attributes: ["rtol": .number(1e-6)]))
    }
    for (a, b) in zip(actual, right) { expectClose(a, b, 1e-12) }
  }

  // MARK: Scales

  /// What is in range has its gradient, if that is in range.
  @Test(arguments: [[3, 3], [5, 3], [3, 5]], [996, 530, -530, -996])
  func scalesOfEquations(_ sizes: [Int], _ exponent: Int) throws {
    let (a, b) = (Self.random(Shape(sizes), seed: 7), Self.random([sizes[0], 2], seed: 8))
    let scale = Double(sign: .plus, exponent: exponent, significand: 1)
    func slope(_ scale: Double) throws -> [Double] {
      let matrix = Tensor(a.doubles.map { $0 * scale }, shape: a.shape)
      let right = Tensor(b.doubles.map { $0 * scale }, shape: b.shape)
      return try gradient(at: matrix) { x in
        Self.weighted(x.applying("pinv").matmul(x.builder.constant(right)))
      }
    }
    try expectClose(slope(scale), slope(1).map { $0 / scale }, 1e-12, "\(sizes)")
  }

  @Test(arguments: [[3, 3], [5, 3], [3, 5]], [996, -996])
  func scalesOfSingularVectors(_ sizes: [Int], _ exponent: Int) throws {
    let a = Self.random(Shape(sizes), seed: 9)
    let scale = Double(sign: .plus, exponent: exponent, significand: 1)
    for part in [0, 2] {
      func slope(_ scale: Double) throws -> [Double] {
        try gradient(at: Tensor(a.doubles.map { $0 * scale }, shape: a.shape)) { x in
          let parts = try? x.builder.apply(SVDOperation(), [.value(x)], [:], resultCount: 3)
          return parts.map { Self.weighted($0[part].applying("square")) } ?? x
        }
      }
      try expectClose(slope(scale), slope(1).map { $0 / scale }, 1e-11, "\(sizes), part \(part)")
    }
  }

  // MARK: Corners of singular values

  /// The sum of singular values at a matrix of lower rank: u vᵀ, in every mode, and no curvature.
  @Test func sumsOfSingularValuesHaveCorners() throws {
    for (numbers, shape) in [
      ([3, 0, 0, 0], [2, 2]), ([0], [1, 1]), ([1, 2, 2, 4, 3, 6], [3, 2]), ([0, 0, 2, 0, 0, 0], [2, 3]),
    ]
      as [([Double], Shape)]
    {
      let (a, e) = (Tensor(numbers, shape: shape), Self.random(shape, seed: 6))
      let nuclear: (Value) -> Value = { $0.applying("svdvals").sum() }
      let slope = try gradient(at: a, nuclear)
      let tangent = try run(a) { x in
        x.builder.tangents(of: [nuclear(x)], along: [(x, x.builder.constant(e))])[0] ?? x
      }
      expectClose(tangent, [zip(slope, e.doubles).reduce(0) { $0 + $1.0 * $1.1 }], 1e-14)
      for curvature in try curvatures(at: a, along: e, nuclear) {
        #expect(curvature.allSatisfy { !$0.isFinite }, "\(numbers)")
      }
      // The sum of squares has none.
      for curvature in try curvatures(at: a, along: e, { $0.applying("svdvals").applying("square").sum() }).dropFirst()
      {
        expectClose(curvature, e.doubles.map { 2 * $0 }, 1e-7, "\(numbers)")
      }
    }
  }

  /// The trace, made of eigenvalues, is linear wherever these are.
  @Test func equalWeightsHaveNoCurvature() throws {
    let e = Self.random([3, 3], seed: 6)
    for gap in [0, 1e-15, 1e-9, 0.5] {
      let a = Tensor([1, 0, 0, 0, 1 + gap, 0, 0, 0, 2], shape: [3, 3])
      let third = try run(a) { x in
        var y = x.applying("eigvalsh").sum() * 3
        for _ in 0..<3 { y = (y.gradient(withRespectTo: x) * x.builder.constant(e)).sum() }
        return y
      }
      #expect(third == [0])
    }
  }

  // MARK: Exponentials

  @Test func exponentialsBeyondTheRange() throws {
    let n = 24
    func matrix(_ element: (Int, Int) -> Double) -> Tensor {
      Tensor((0..<(n * n)).map { element($0 / n, $0 % n) }, shape: [n, n])
    }
    // What vanishes, and what overflows; a rotation by 10^150 has no digit left.
    let decaying = try run(matrix { $0 == $1 ? -1e150 : 0 }) { $0.applying("expm") }
    #expect(decaying.allSatisfy { $0 == 0 })
    let growing = try run(matrix { $0 == $1 ? 1e150 : 1e149 }) { $0.applying("expm") }
    #expect(growing.allSatisfy { !$0.isFinite })
    let turning = try run(matrix { 1e150 * Double($0 - $1) }) { $0.applying("expm") }
    #expect(turning.allSatisfy { !$0.isFinite })
  }
}

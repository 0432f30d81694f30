import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Derivatives where lengths have a corner: the usual compositions of them are smooth there, and say so to every order
/// in every mode; the lengths themselves have a first derivative by convention, and none after it.
@Suite struct CornerTests {
  typealias Function = @Sendable (_ x: Value) -> Value

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var point: [Double]
    var hessian: [[Double]]
    var function: Function
    var testDescription: String { name }

    init(
      _ name: String, at point: [Double] = [0, 0], _ hessian: [[Double]] = [[2, 0], [0, 2]],
      _ function: @escaping Function
    ) {
      (self.name, self.point, self.hessian, self.function) = (name, point, hessian, function)
    }
  }

  private static func norm(_ x: Value) -> Value { x.applying("norm") }
  private static func square(_ x: Value) -> Value { x.applying("square") }
  private static func size(_ x: Value) -> Value { x.applying("abs") }

  static let smooth: [Case] = [
    Case("square(norm)") { square(norm($0)) },
    Case("norm * norm") { norm($0) * norm($0) },
    Case("pow(norm, 2)") { norm($0).applying("pow", $0.builder.constant(Scalar(2.0))) },
    Case("pow(norm, 4)", [[0, 0], [0, 0]]) { norm($0).applying("pow", $0.builder.constant(Scalar(4.0))) },
    Case("exp(-norm²)", [[-2, 0], [0, -2]]) { (-square(norm($0))).applying("exp") },
    Case("square(-norm)") { square(-norm($0)) },
    Case("square(norm / 2)", [[0.5, 0], [0, 0.5]]) { square(norm($0) / 2) },
    Case("square(3 norm)", [[18, 0], [0, 18]]) { square(3 * norm($0)) },
    Case("square(norm / c), c given", [[0.5, 0], [0, 0.5]]) { square(norm($0) / $0.builder.variable(2)) },
    Case("square(keepdims)") { square($0.applying("norm", attributes: ["keepdims": .boolean(true)])).sum() },
    Case("square(stretched)", [[6, 0], [0, 6]]) {
      square($0.applying("norm", attributes: ["keepdims": .boolean(true)]).broadcast(to: [3]) / 1).sum()
    },
    Case("square(stretched / 2)", [[1.5, 0], [0, 1.5]]) {
      square($0.applying("norm", attributes: ["keepdims": .boolean(true)]).broadcast(to: [3]) / 2).sum()
    },
    Case("square(reshaped / c), c given", [[0.5, 0], [0, 0.5]]) {
      square($0.applying("norm", attributes: ["keepdims": .boolean(true)]).reshape(1, 1) / $0.builder.variable([[2]]))
        .sum()
    },
    Case("square(transposed)") {
      let rows = $0.reshape(2, 1).applying("norm", attributes: ["axis": .integer(1), "keepdims": .boolean(true)])
      return square(rows.transpose() * -1).sum()
    },
    Case("square(std)", at: [0.1, 0.1], [[0.5, -0.5], [-0.5, 0.5]]) { square($0.applying("std")) },
    Case("std * std with correction", at: [0.1, 0.1], [[1, -1], [-1, 1]]) {
      let deviation = $0.applying("std", attributes: ["correction": .integer(1)])
      return deviation * deviation
    },
    Case("var", at: [0.1, 0.1], [[0.5, -0.5], [-0.5, 0.5]]) { $0.applying("var") },
    Case("square(abs)") { square($0.applying("abs")).sum() },
    Case("square(hypot)") {
      let parts = $0.split(into: 2)
      return square(parts[0].applying("hypot", parts[1])).sum()
    },
    Case("square(hypot / 2)", [[0.5, 0], [0, 0.5]]) {
      let parts = $0.split(into: 2)
      return square(parts[0].applying("hypot", parts[1]) / 2).sum()
    },
    Case("square(norm(abs))") { square(norm($0.applying("abs"))) },
    Case("norm * (3 norm)", [[6, 0], [0, 6]]) { norm($0) * (3 * norm($0)) },
    Case("-norm * norm", [[-2, 0], [0, -2]]) { -norm($0) * norm($0) },
    Case("(2 norm) * (norm / 4)", [[1, 0], [0, 1]]) { (2 * norm($0)) * (norm($0) / 4) },
    Case("(norm * c) * norm, c given", [[4, 0], [0, 4]]) { norm($0) * $0.builder.variable(2) * norm($0) },
    Case("(c norm) * (c norm) * norm * norm", [[0, 0], [0, 0]]) {
      (norm($0) * 2) * (norm($0) * 3) * norm($0) * norm($0)
    },
    Case("square(abs(norm))") { square(norm($0).applying("abs")) },
    Case("square(relu(norm))") { square(norm($0).applying("relu")) },
    Case("square(sum of one)") { square($0.applying("norm", attributes: ["keepdims": .boolean(true)]).sum()) },
    Case("square(taken)") {
      let place = $0.builder.constant(Tensor([0, 0] as [Int64], shape: [2]))
      let norm = $0.applying("norm", attributes: ["keepdims": .boolean(true)])
      return square(norm.applying("take", place, attributes: ["axis": .integer(0)])).sum() / 2
    },
    Case("square(sliced)") {
      let rows = $0.reshape(2, 1).applying("norm", attributes: ["axis": .integer(1)])
      return square(rows.split(into: 2)[0]).sum() + square(rows.split(into: 2)[1]).sum()
    },
    Case("square(stack)", [[20, 0], [0, 20]]) {
      square(norm($0).applying("stack", 3 * norm($0), attributes: ["axis": .integer(0)])).sum()
    },
    Case("square(concat)", [[4, 0], [0, 2]]) {
      let kept = $0.applying("norm", attributes: ["keepdims": .boolean(true)])
      return square(kept.applying("concat", $0.split(into: 2)[0], attributes: ["axis": .integer(0)])).sum()
    },
    Case("norm @ norm") {
      let kept = $0.applying("norm", attributes: ["keepdims": .boolean(true)])
      return kept.applying("matmul", kept)
    },
    Case("square(norm of norms)") {
      square(norm($0.reshape(2, 1).applying("norm", attributes: ["axis": .integer(1)])))
    },
    Case("square(hypot of norms)", [[10, 0], [0, 10]]) { square(norm($0).applying("hypot", 2 * norm($0))) },
    Case("pow(norm, [2, 4, 3])", [[2, 0], [0, 2]]) {
      let powers = $0.builder.constant(Tensor([2, 4, 3.0]))
      return norm($0).broadcast(to: [3]).applying("pow", powers).sum()
    },
    Case("pow(norm, [2, 2])", [[4, 0], [0, 4]]) {
      norm($0).broadcast(to: [2]).applying("pow", $0.builder.constant(Tensor([2, 2.0]))).sum()
    },
    Case("pow(norm, 3)", [[0, 0], [0, 0]]) { norm($0).applying("pow", $0.builder.constant(Scalar(3.0))) },
    Case("pow(norm, 2.5)", [[0, 0], [0, 0]]) { norm($0).applying("pow", $0.builder.constant(Scalar(2.5))) },
    Case("pow(norm, 5)", [[0, 0], [0, 0]]) { norm($0).applying("pow", $0.builder.constant(Scalar(5.0))) },
    Case("norm * norm * norm", [[0, 0], [0, 0]]) { norm($0) * norm($0) * norm($0) },
    Case("pow(hypot, 3)", [[0, 0], [0, 0]]) {
      let parts = $0.split(into: 2)
      return parts[0].applying("hypot", parts[1]).applying("pow", $0.builder.constant(Scalar(3.0))).sum()
    },
    Case("hypot * hypot * hypot", [[0, 0], [0, 0]]) {
      let parts = $0.split(into: 2)
      let length = parts[0].applying("hypot", parts[1])
      return (length * length * length).sum()
    },
    Case("hypot * (hypot * hypot)", [[0, 0], [0, 0]]) {
      let parts = $0.split(into: 2)
      let length = parts[0].applying("hypot", parts[1])
      return (length * (length * length)).sum()
    },
    Case("pow(std, 3)", at: [0.1, 0.1], [[0, 0], [0, 0]]) {
      $0.applying("std").applying("pow", $0.builder.constant(Scalar(3.0)))
    },
    Case("std * std * std", at: [0.1, 0.1], [[0, 0], [0, 0]]) {
      $0.applying("std") * $0.applying("std") * $0.applying("std")
    },
    Case("pow(2 norm / 3, 2.5)", [[0, 0], [0, 0]]) {
      (2 * norm($0) / 3).applying("pow", $0.builder.constant(Scalar(2.5)))
    },
    Case("abs * sin(abs)") { ($0.applying("abs") * $0.applying("abs").applying("sin")).sum() },
    Case("tanh(abs) * sin(abs)") {
      ($0.applying("abs").applying("tanh") * $0.applying("abs").applying("sin")).sum()
    },
    Case("square(cdist of one set)", [[4, -4], [-4, 4]]) {
      let points = $0.reshape(2, 1)
      return square(points.applying("cdist", points)).sum()
    },
    Case("cos(abs)", [[-1, 0], [0, -1]]) { $0.applying("abs").applying("cos").sum() },
    Case("cosh(abs)", [[1, 0], [0, 1]]) { $0.applying("abs").applying("cosh").sum() },
    Case("abs * (3 abs)", [[6, 0], [0, 6]]) { ($0.applying("abs") * (3 * $0.applying("abs"))).sum() },
  ]

  static let corners: [Case] = [
    Case("norm") { norm($0) },
    Case("norm in a row") { ($0.reshape(1, 2).applying("norm", attributes: ["axis": .integer(1)]) * 2).sum() },
    Case("exp(-norm)") { (-norm($0)).applying("exp") },
    Case("std", at: [0.1, 0.1]) { $0.applying("std") },
    Case("hypot") {
      let parts = $0.split(into: 2)
      return parts[0].applying("hypot", parts[1]).sum()
    },
  ]

  /// How a derivative is taken: by each entry of x in turn.
  enum Mode: CaseIterable, Sendable {
    case forward, reverse

    func derivative(_ y: Value, by x: Value) -> [Value] {
      let builder = y.builder
      func entry(_ index: Int) -> Value {
        builder.constant(Tensor((0..<x.shape.elementCount).map { $0 == index ? 1.0 : 0 }, shape: x.shape))
      }
      switch self {
      case .forward:
        return (0..<x.shape.elementCount).map { index in
          builder.tangents(of: [y], along: [(x, entry(index))])[0] ?? builder.zeros(y.type)
        }
      case .reverse:
        let gradient =
          builder.gradients(of: [(y, builder.ones(y.type))], withRespectTo: [x])[0] ?? builder.zeros(x.type)
        return gradient.split(into: x.shape.elementCount).map { $0.sum() }
      }
    }
  }

  private func derivatives(_ test: Case, _ modes: [Mode]) throws -> [[Double]] {
    let builder = GraphBuilder()
    let x = builder.variable(Tensor(test.point))
    var values = [test.function(x)]
    var results: [[Double]] = []
    for mode in modes {
      values = values.flatMap { mode.derivative($0, by: x) }
      results.append(try values.map { try $0.evaluate().doubles[0] })
    }
    return results
  }

  @Test(arguments: smooth, Mode.allCases) func compositionsAreSmooth(_ test: Case, _ first: Mode) throws {
    for second in Mode.allCases {
      let results = try derivatives(test, [first, second])
      #expect(results[0].allSatisfy { abs($0) < 1e-15 }, "\(first): \(results[0])")
      let expected = test.hessian.flatMap { $0 }
      #expect(
        zip(results[1], expected).allSatisfy { abs($0 - $1) <= 1e-14 * abs($1) },
        "\(second) over \(first): \(results[1])")
    }
  }

  @Test(arguments: corners, Mode.allCases) func cornersHaveNoCurvature(_ test: Case, _ first: Mode) throws {
    for second in Mode.allCases {
      let results = try derivatives(test, [first, second])
      // Of e^(-norm) too, whose value is not 0.
      #expect(results[0].allSatisfy { $0 == 0 }, "\(first): \(results[0])")
      #expect(results[1].allSatisfy { !$0.isFinite }, "\(second) over \(first): \(results[1])")
    }
  }

  /// What depends on |x| in a way that no rewrite knows: the curvature of both sides, or NaN where elements are mixed.
  static let throughSizes: [Case] = [
    Case("exp(abs) + exp(-abs)") {
      let size = $0.applying("abs")
      return (size.applying("exp") + (-size).applying("exp")).sum()
    },
    Case("exp(-abs)", [[1, 0], [0, 1]]) { (-$0.applying("abs")).applying("exp").sum() },
    Case("abs", [[0, 0], [0, 0]]) { (3 * $0.applying("abs")).sum() },
    Case("pow(abs, 3)", [[0, 0], [0, 0]]) {
      $0.applying("abs").applying("pow", $0.builder.constant(Scalar(3.0))).sum()
    },
    Case("square(x) / (1 + abs)") { (square($0) / (1 + $0.applying("abs"))).sum() },
    Case("square(sum of abs)", [[.nan, 0], [0, .nan]]) {
      square($0.applying("norm", attributes: ["ord": .integer(1)]))
    },
    Case("square(largest abs)", [[.nan, 0], [0, .nan]]) {
      square($0.applying("norm", attributes: ["ord": .text("Infinity")]))
    },
    Case("|2x| |3x|", [[12, 0], [0, 12]]) { (size(2 * $0) * size(3 * $0)).sum() },
    Case("|x| |sin x|") { (size($0) * size($0.applying("sin"))).sum() },
    Case("|x| |-tanh x|") { (size($0) * size(-$0.applying("tanh"))).sum() },
    Case("exp |x| - exp -|2x|", [[-3, 0], [0, -3]]) {
      (size($0).applying("exp") - (-size(2 * $0)).applying("exp")).sum()
    },
    Case("exp(|x| |3x|)", [[6, 0], [0, 6]]) { (size($0) * size(3 * $0)).applying("exp").sum() },
    Case("|p - q| |q - p|", at: [0.5, 0.5], [[2, -2], [-2, 2]]) {
      let parts = $0.split(into: 2)
      return (size(parts[0] - parts[1]) * size(parts[1] - parts[0])).sum()
    },
    Case("|p - q| |p² - q²|", at: [0.5, 0.5], [[2, -2], [-2, 2]]) {
      let parts = $0.split(into: 2)
      return (size(parts[0] - parts[1]) * size(square(parts[0]) - square(parts[1]))).sum()
    },
    Case("|x| |x³|", [[0, 0], [0, 0]]) { (size($0) * size($0 * $0 * $0)).sum() },
    Case("|x| |y|, with no limit and nothing in common", [[0, 0], [0, 0]]) {
      let parts = $0.split(into: 2)
      return (size(parts[0]) * size(parts[1])).sum()
    },
    Case("|x| |x + y|, with no limit", [[.nan, .nan], [.nan, 0]]) {
      let parts = $0.split(into: 2)
      return (size(parts[0]) * size(parts[0] + parts[1])).sum()
    },
    Case("Σ |2x| Σ |3x|", [[.nan, 0], [0, .nan]]) { size(2 * $0).sum() * size(3 * $0).sum() },
    Case("Σ |x - 1| Σ |x|", [[0, 0], [0, 0]]) { size($0 - 1).sum() * size($0).sum() },
  ]

  @Test(arguments: throughSizes, [[Mode.forward, .reverse], [.reverse, .forward], [.reverse, .reverse]])
  func sizesCountOnce(_ test: Case, _ modes: [Mode]) throws {
    let results = try derivatives(test, modes)
    #expect(results[0].allSatisfy { $0 == 0 }, "\(results[0])")
    let fits = zip(results[1], test.hessian.flatMap { $0 }).allSatisfy { $1.isNaN ? $0.isNaN : abs($0 - $1) < 1e-15 }
    #expect(fits, "\(results[1])")
  }

  /// Points of one set: their distances from themselves add nothing, nor NaN.
  @Test(arguments: Mode.allCases, Mode.allCases) func distancesOfOneSet(_ first: Mode, _ second: Mode) throws {
    let test = Case("cdist", at: [0, 0, 3, 4]) {
      let points = $0.reshape(2, 2)
      return points.applying("cdist", points).sum() / 2
    }
    let results = try derivatives(test, [first, second])
    #expect(agree(results[0], [-0.6, -0.8, 0.6, 0.8], within: 1e-15), "\(results[0])")
    let (a, b, c) = (0.128, -0.096, 0.072)
    let expected = [a, b, -a, -b, b, c, -b, -c, -a, -b, a, b, -b, -c, b, c]
    #expect(agree(results[1], expected, within: 1e-14), "\(results[1])")
  }

  /// The fourth derivatives of |x|⁴, in all sixteen ways: 24 along an axis, 8 for two of each.
  @Test func fourthDerivatives() throws {
    let test = Case("pow(norm, 4)") { Self.norm($0).applying("pow", $0.builder.constant(Scalar(4.0))) }
    for ways in 0..<16 {
      let modes = (0..<4).map { ways >> $0 & 1 == 0 ? Mode.forward : .reverse }
      let fourth = try derivatives(test, modes)[3]
      let expected = (0..<16).map { index in [24.0, 0, 8, 0, 24][index.nonzeroBitCount] }
      #expect(fourth == expected, "\(modes): \(fourth)")
    }
  }

  /// |x|³ beside the corner and at it, |x|⁵ to the third order at it: against what mathematics has.
  @Test(arguments: Mode.allCases) func oddPowers(_ first: Mode) throws {
    func power(_ p: Double, at point: [Double]) -> Case {
      Case("pow(norm, \(p))", at: point) { Self.norm($0).applying("pow", $0.builder.constant(Scalar(p))) }
    }
    for second in Mode.allCases {
      let results = try derivatives(power(3, at: [3, 4]), [first, second])
      #expect(agree(results[0], [45, 60], within: 1e-14))
      #expect(agree(results[1], [20.4, 7.2, 7.2, 24.6], within: 1e-14), "\(results[1])")
      for third in Mode.allCases {
        #expect(try derivatives(power(5, at: [0, 0]), [first, second, third])[2].allSatisfy { $0 == 0 })
        #expect(try derivatives(power(3, at: [0, 0]), [first, second, third])[2].allSatisfy { !$0.isFinite })
      }
    }
  }

  /// The second derivative of a length where all but one of its elements are small: no difference of what is equal.
  @Test(arguments: Mode.allCases) func curvatureAcross(_ first: Mode) throws {
    let test = Case("norm", at: [1, 1e-9]) { Self.norm($0) }
    for second in Mode.allCases {
      #expect(agree(try derivatives(test, [first, second])[1], [1e-18, -1e-9, -1e-9, 1], within: 1e-15))
    }
  }

  /// What a square would overflow or underflow in does not.
  @Test func squaresStayInRange() throws {
    let builder = GraphBuilder()
    let x = builder.variable([3e200, 4e200])
    let y = Self.square(Self.norm(x) / 1e200)
    #expect(try abs(y.evaluate().doubles[0] - 25) < 1e-13)
    let small = builder.variable([3e-200, 4e-200])
    #expect(try abs(Self.square(Self.norm(small) * 1e200).evaluate().doubles[0] - 25) < 1e-13)
  }

  /// Only lengths are rewritten, and only where the factor is one of theirs.
  @Test func whatIsNoSquareOfALengthStays() throws {
    let builder = GraphBuilder()
    let x = builder.variable([-3, 4])
    #expect(try Self.square(x.applying("sqrt")).evaluate().doubles[0].isNaN)
    let factors = builder.variable([1, 2, 3])
    let stretched = x.applying("norm", attributes: ["keepdims": .boolean(true)]).broadcast(to: [3]) * factors
    #expect(try Self.square(stretched).evaluate().doubles == [25, 100, 225])
    var chain = x.applying("norm")
    for _ in 0..<100_000 { chain = chain.applying("abs").applying("neg") }
    #expect(try Self.square(chain).evaluate().doubles == [25])
  }
}

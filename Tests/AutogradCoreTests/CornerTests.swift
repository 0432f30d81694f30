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

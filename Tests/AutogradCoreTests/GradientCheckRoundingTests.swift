import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Functions some of whose intermediate results take no notice of a step: their derivatives are right, and differences
/// say 0 or climb stairs.
extension GradientCheckTests {
  typealias Function = @Sendable (Value) -> Value

  /// What hides in the last digit of an intermediate result.
  static let hidden: [(name: String, x: [Double], f: Function)] = [
    ("log exp", [1e-30], { $0.applying("exp").applying("log") }),
    ("log exp", [-1e-17], { $0.applying("exp").applying("log") }),
    ("log exp", [1e-30, 2e-30, 1], { $0.applying("exp").applying("log") }),
    ("exp - 1", [1e-12], { $0.applying("exp") - 1 }), ("exp - 1", [1e-30], { $0.applying("exp") - 1 }),
    ("(exp - 1) / x", [3e-9], { ($0.applying("exp") - 1) / $0 }),
    ("(exp - 1) / x", [1e-17], { ($0.applying("exp") - 1) / $0 }),
    ("log(1 + x)", [1e-17], { ($0 + 1).applying("log") }), ("log(1 + x)", [-1e-30], { ($0 + 1).applying("log") }),
    ("sqrt(1 + x) - 1", [1e-12], { ($0 + 1).applying("sqrt") - 1 }),
    ("atan((1 + x) - 1)", [1e-30], { ($0 + 1 - 1).applying("atan") }),
    ("acosh cosh", [1e-30], { $0.applying("cosh").applying("acosh") }),
    ("1 - cos", [1e-9], { 1 - $0.applying("cos") }),
    ("softmax", [1e-30, 2e-30, 3e-30], { $0.applying("softmax").applying("square").sum() }),
    ("(x + 1e16) - 1e16", [0.3], { $0 + 1e16 - 1e16 }), ("(x + 1e16) - 1e16", [1], { $0 + 1e16 - 1e16 }),
    ("(x + 1e16) - 1e16", [123.4], { $0 + 1e16 - 1e16 }),
    ("squared", [0.3], { ($0 + 1e17 - 1e17).applying("square") }),
    ("squared", [7], { ($0 + 1e16 - 1e16).applying("square") }),
    ("squared", [123.4], { ($0 + 1e17 - 1e17).applying("square") }),
    ("lgamma beside much", [3], { ($0.applying("lgamma") + 1e20 - 1e20).applying("exp") }),
    ("lgamma beside much", [1.5], { $0.applying("lgamma") + 1e12 - 1e12 }),
    ("lgamma beside much", [1.5, 1e20], { $0.applying("lgamma") }),
    ("lgamma + much", [1.5], { $0.applying("lgamma") + 1e20 }),
    ("sin sum", [1e20, 1], { $0.sum().applying("sin") }), ("sin sum", [1e16, 0.3], { $0.sum().applying("sin") }),
    ("sin sum", [0.001, 3e15], { $0.sum().applying("sin") }), ("cos sum", [-1e18, 7], { $0.sum().applying("cos") }),
    ("sin of a shifted", [0.3], { ($0 + 1e16).applying("sin") }),
    ("sin of a shifted", [7], { ($0 + 1e20).applying("sin") }),
    ("tan atan", [1], { ($0 * 1e17).applying("atan").applying("tan") }),
    ("tan atan", [7], { ($0 * 1e12).applying("atan").applying("tan") }),
    (
      "steeper than any step", [123.4],
      { (($0 * 1e16).applying("log").applying("exp") - 1.234e18).applying("sigmoid") }
    ),
    ("nearly no number between", [0.3], { $0 * 0x1p-1070 * 0x1p1000 * 0x1p70 }),
    ("log sigmoid", [40], { (1 - $0.applying("sigmoid")).applying("log") }),
    ("log erfc", [5.5], { (1 - $0.applying("erf")).applying("log") }),
    ("atanh tanh", [18], { $0.applying("tanh").applying("atanh") }),
    ("var", [1e16, 1e16 + 2, 1e16 + 4], { $0.applying("var") }),
    ("var", [1e8, 1e8 + 1e-8, 1e8], { $0.applying("var") }),
    (
      "var by squares", [3e15, 3e15 + 1, 3e15 - 2],
      { $0.applying("square").applying("mean") - $0.applying("mean").applying("square") }
    ),
    ("var by hand", [1e16, 1e16 + 2, 1e16 - 4], { ($0 - $0.applying("mean")).applying("square").applying("mean") }),
    ("std", [1e17, 1e17 + 16, 1e17], { $0.applying("std") }),
    ("median", [0, 0, .leastNonzeroMagnitude], { $0.applying("median") }),
    ("median", [0, 0x1p-1030, 0x1p-1030], { $0.applying("median") }),
    ("max", [0, 0, 0x1p-1060], { $0.applying("max") }),
    ("relu", [0, .leastNonzeroMagnitude], { $0.applying("relu") }),
    ("relu of a difference", [0x1p-1060, 0], { ($0 - 0x1p-1060).applying("relu") }),
  ]

  @Test(arguments: hidden.indices) func whatRoundingHidesIsNotAccused(_ index: Int) throws {
    let (name, x, f) = Self.hidden[index]
    let report = try reports(Tensor(x), { _ in }, f)
    #expect(report.result != .fails, "\(name) at \(x): \(report)")
  }

  /// What is no kink is not called one, and what is right is not accused: stairs and periods that no step is short
  /// enough for.
  @Test func theReasonIsTrue() throws {
    let functions: [(x: Double, f: Function)] = [
      (1_234_699.1, { $0.applying("floor").applying("atan") }), (700, { $0.applying("exp").applying("sinc") }),
      (1e13, { $0 + $0.applying("sin") }), (-421_993_951_910.30176, { $0.applying("lgamma") }),
    ]
    for (x, f) in functions {
      let report = try reports(Tensor([x]), { _ in }, f)
      #expect(report.result == .inconclusive && report.isPassed && !report.isKink, "\(x): \(report)")
    }
  }

  /// Rounding elsewhere is no excuse, and none where it is small.
  @Test func wrongBesideRounding() throws {
    let cube: Function = { x in x.builder.apply(Cube(factor: 1 + 1e-6), x)[0] }
    let functions: [(name: String, x: [Double], f: Function)] = [
      ("alone", [2, 3], { cube($0) }), ("log exp", [2, 3], { cube($0.applying("exp").applying("log")) }),
      ("shifted", [2, 3], { cube($0 + 100 - 100) }),
      ("among many", (1...50).map(Double.init), { cube($0).applying("log").sum() }),
      (
        "beside one that is shifted", [1, 2],
        { x in
          let first = x.builder.constant(Tensor([1.0, 0]))
          return cube(x) + (x + 1e13).applying("sin") * first
        }
      ),
    ]
    for (name, x, f) in functions {
      let report = try reports(Tensor(x), { _ in }, f)
      #expect(report.result == .fails && !report.isPassed, "\(name): \(report)")
    }
  }
}

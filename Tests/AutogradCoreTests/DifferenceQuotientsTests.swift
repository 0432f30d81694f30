import Testing

@testable import AutogradCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Slopes by difference quotients: right ones are confirmed or at least not accused, wrong ones are found.
@Suite struct DifferenceQuotientsTests {
  private typealias Function = @Sendable (Double) -> Double

  private func finding(_ x: Double, _ slope: Double, rounding: Double = 0, _ f: Function) -> SlopeFinding {
    let sizes = DifferenceQuotients.sizes(around: x, scales: x == 0 ? [1] : [abs(x), 1])
    let steps = sizes.map { size in
      DifferenceQuotients.Step(
        forward: (x + size) - x, backward: x - (x - size), above: f(x + size), below: f(x - size))
    }
    let quotients = DifferenceQuotients(steps: steps, value: f(x), size: abs(f(x)), rounding: rounding)
    return quotients.finding(of: slope, CheckTolerance(), negligible: 0)
  }

  /// Ordinary points, large, small and extreme ones, and ends of domains where the slope is infinite.
  @Test func rightSlopesPass() {
    let cases: [(name: String, x: Double, slope: Double, f: Function)] = [
      ("square", 2, 4, { $0 * $0 }), ("exp", 1, exp(1), exp), ("exp near 0", 1e-20, 1, exp), ("exp at 0", 0, 1, exp),
      ("log of little", 2e-9, 5e8, log), ("log of nearly nothing", 1e-300, 1e300, log),
      ("log of a subnormal", 0x1p-1040, .infinity, log),
      ("log of the least", .leastNonzeroMagnitude, .infinity, log), ("cos", 1e3, -sin(1e3), cos),
      ("cos far out", 1e8, -sin(1e8), cos),
      ("cos farther out", 1e12, -sin(1e12), cos), ("identity", 1e300, 1, { $0 }),
      ("power", 1e60, 5e240, { pow($0, 5) }),
      ("reciprocal", 1e-100, -1e200, { 1 / $0 }), ("reciprocal overflowing", 1e-300, -.infinity, { 1 / $0 }),
      ("cube at 0", 0, 0, { $0 * $0 * $0 }), ("cosh at 0", 0, 0, cosh), ("expm1 at 0", 0, 1, expm1),
      ("sqrt at 0", 0, .infinity, sqrt), ("asin at 1", 1, .infinity, asin), ("acosh at 1", 1, .infinity, acosh),
      ("cbrt at 0", 0, .infinity, cbrt), ("x log x at 0", 0, -.infinity, { $0 == 0 ? 0 : $0 * log($0) }),
      ("tanh, saturated", 20, 4 * exp(-40), tanh), ("a constant", 3, 0, { _ in 0.1 }),
      ("floor between steps", 1.25, 0, floor),
      ("abs at 0", 0, 0, abs), ("whole periods", 1, 2048 * Double.pi, { sin(2048 * Double.pi * ($0 - 1)) }),
      ("just above a kink", 1 + 1e-6, 1, { max($0 - 1, 0) }), ("just below a kink", 1 - 1e-6, 0, { max($0 - 1, 0) }),
      ("nothing but rounding", 3, 0, { sin($0) * sin($0) + cos($0) * cos($0) }),
    ]
    for (name, x, slope, f) in cases {
      let found = finding(x, slope, f)
      #expect(found.result == .passes && found.isPassed, "\(name): \(found)")
    }
  }

  /// Where differences see too little, nothing is said against a slope.
  @Test func whatCannotBeSeenIsInconclusive() {
    let cases: [(name: String, x: Double, slope: Double, rounding: Double, f: Function)] = [
      ("cos at its limit", 1e14, -sin(1e14), 0, cos), ("cos beyond", 1e15, -sin(1e15), 0, cos),
      ("cos far beyond", 1e300, -sin(1e300), 0, cos),
      ("cos of a product", 1e15, -3 * sin(3e15), 0.1, { cos(3 * $0) }), ("tanh at infinity", .infinity, 0, 0, tanh),
      ("cancelled digits", 1, cos(1), 0, { (1e10 + sin($0)) - 1e10 }), ("a root's end", 0, 0, 0, { pow($0, 1.5) }),
      ("a step of the argument from a kink", 1 - 1e-15, 0, 0, { max($0 - 1, 0) }),
      ("fast", 1e-4, -cos(1e4) * 1e8, 1e-12, { sin(1 / $0) }),
    ]
    for (name, x, slope, rounding, f) in cases {
      let found = finding(x, slope, rounding: rounding, f)
      #expect(found.result != .fails && found.isPassed, "\(name): \(found)")
    }
    #expect(finding(0, .infinity, log).result == .inconclusive)
    #expect(!finding(0, .infinity, log).isPassed, "there is no value to compare with")
  }

  @Test func kinksAreFlagged() throws {
    let cases: [(x: Double, slope: Double, f: Function)] = [
      (0, 0, { max($0, 0) }), (1, 0, { min($0, 1) }), (1, 0, floor), (0, 0.01, { $0 < 0 ? 0.01 * $0 : $0 }),
      (0.3, 0, { $0 < 0.3 ? 1 : 2 }), (1e6, 0, { max($0 - 1e6, 0) }), (1e-8, 0, { max($0 - 1e-8, 0) }),
    ]
    for (x, slope, f) in cases {
      let found = finding(x, slope, f)
      #expect(found.result == .inconclusive && found.isKink && !found.isPassed, "\(x): \(found)")
    }
    #expect(finding(0, 5, { max($0, 0) }).result == .fails, "a slope that neither side has")
    #expect(!finding(0, 0, { abs($0) * $0 }).isKink && !finding(0, 0, { pow(abs($0), 1.5) }).isKink)
  }

  /// Off by a millionth, at ordinary points and at far ones.
  @Test func wrongSlopesFail() {
    let cases: [(name: String, x: Double, slope: Double, f: Function)] = [
      ("square", 2, 4, { $0 * $0 }), ("exp", 1, exp(1), exp), ("exp near 0", 1e-20, 1, exp), ("log", 2e-9, 5e8, log),
      ("cos", 1e8, -sin(1e8), cos), ("identity", 1e300, 1, { $0 }), ("power", 1e60, 5e240, { pow($0, 5) }),
      ("tanh", 5, 1 / (cosh(5) * cosh(5)), tanh), ("erf", 0.5, 2 / Double.pi.squareRoot() * exp(-0.25), erf),
      ("sin", 0.1, cos(0.1), sin),
      ("small", 2, 4e-6, { $0 * $0 * 1e-6 }), ("smallest", 2, 4e-300, { $0 * $0 * 1e-300 }),
      ("lgamma", 5, 1.5061176684318, lgamma),
      ("reciprocal", 1e-100, -1e200, { 1 / $0 }),
    ]
    for (name, x, slope, f) in cases {
      let nothing = finding(x, .nan, f)
      #expect(nothing.result == .inconclusive && !nothing.isPassed, "\(name): \(nothing)")
      for factor in [1 + 1e-6, 1 - 1e-6, 0.5, 0, -1, .infinity] {
        let found = finding(x, factor.isFinite ? slope * factor : factor, f)
        // Far out coarse steps reach over whole periods, where the function does not seem to change: they speak for 0.
        let isRight = found.result == .fails && !found.isPassed || factor == 0 && found.result == .inconclusive
        #expect(isRight, "\(name) by \(factor): \(found)")
      }
    }
  }

  @Test func stepsAreExact() {
    for x in [1, -3.7, 1e300, 2e-9, .leastNonzeroMagnitude, 0x1p-1030, 0, 1e16, .greatestFiniteMagnitude] as [Double] {
      let sizes = DifferenceQuotients.sizes(around: x, scales: [abs(x), 1])
      #expect(!sizes.isEmpty && sizes == sizes.sorted(by: >) && Set(sizes).count == sizes.count)
      for size in sizes where (x + size).isFinite && (x + size).exponent == x.exponent {
        #expect((x + size) - x == size, "\(x)")
      }
    }
    #expect(DifferenceQuotients.sizes(around: .infinity, scales: [1]).isEmpty)
    #expect(DifferenceQuotients.sizes(around: .nan, scales: [.nan, 1]).isEmpty)
  }
}

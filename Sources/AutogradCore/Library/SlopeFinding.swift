/// The result of comparing a derivative with difference quotients.
package enum CheckResult: String, Sendable {
  case passes, fails, inconclusive
}

/// How near a derivative must be.
package struct CheckTolerance: Sendable {
  /// Relative to the larger of the two slopes.
  package var relative = 1e-7
  package var absolute = 0.0

  package init() {}

  /// Subnormal numbers are rounded to multiples of the smallest one.
  func allowed(_ a: Double, _ b: Double) -> Double {
    relative * max(abs(a), abs(b)) + absolute + 8 * Double.leastNonzeroMagnitude
  }
}

/// One derivative compared with difference quotients.
package struct SlopeFinding: Sendable {
  package enum Cause: Sendable {
    /// It was compared: it agrees, or it does not.
    case compared
    /// The function is NaN or infinite at the point.
    case valueNotFinite(Double)
    /// The derivative is NaN or infinite, and differences neither confirm nor refute it.
    case derivativeNotFinite
    /// The slopes on the two sides differ; an infinite one grows without bound.
    case kink(left: Double, right: Double)
    /// Rounding is larger than the effect to be measured.
    case rounding
    /// Extrapolations contradict each other at every size of steps.
    case unsettled
    /// Nothing could be compared: no step up to the requested length leads to another number at which the function has
    /// a value.
    case noStep
    /// The neighbouring numbers are too far away to prove anything, as for an infinity.
    case coarseNumbers
    /// The function rounds to whole numbers, and steps that stay within one change it too little.
    case hiddenSteps
    /// The derivative changes within the shortest steps that could contradict it: they may be periods.
    case unresolved
    /// It would have taken more evaluations than are allowed.
    case tooMuchWork
  }

  package var result: CheckResult
  package var cause: Cause
  package var analytic: Double
  package var numeric: Double
  /// Possible error of the numeric slope.
  package var uncertainty: Double
  package var isKink: Bool

  package init(
    _ result: CheckResult, _ cause: Cause, analytic: Double, numeric: Double, uncertainty: Double = .nan,
    isKink: Bool = false
  ) {
    self.result = result
    self.cause = cause
    self.analytic = analytic
    self.numeric = numeric
    self.uncertainty = uncertainty
    self.isKink = isKink
  }

  package var error: Double { analytic == numeric ? 0 : abs(analytic - numeric) }

  /// False if the derivative fails, or if there is nothing to compare it with: at a kink with other slopes on both
  /// sides, if the function or its derivative is not finite, or if no requested step fits. If it was compared but
  /// rounding hides the result, it counts as passed.
  package var isPassed: Bool {
    guard result == .inconclusive else { return result == .passes }
    switch cause {
    case .valueNotFinite, .derivativeNotFinite, .kink, .noStep: return false
    case .compared, .rounding, .unsettled, .coarseNumbers, .hiddenSteps, .unresolved, .tooMuchWork: return true
    }
  }
}

extension DifferenceQuotients {
  /// Confirms a derivative by two steps, which suffices for most functions; nil if a closer look is needed.
  package func confirmation(of analytic: Double, _ tolerance: CheckTolerance) -> SlopeFinding? {
    guard steps.count == 2, value.isFinite, analytic.isFinite else { return nil }
    let (coarse, fine) = (steps[0], steps[1])
    guard let first = quotient(coarse, .both), let second = quotient(fine, .both) else { return nil }
    let ratio = (coarse.forward + coarse.backward) / (fine.forward + fine.backward)
    let slope = second + (second - first) / (ratio * ratio - 1)
    guard abs(analytic - slope) <= tolerance.allowed(analytic, slope), !gapStays(from: coarse, to: fine) else {
      return nil
    }
    return SlopeFinding(.passes, .compared, analytic: analytic, numeric: slope, uncertainty: abs(second - slope))
  }

  /// Compares a derivative with all steps.
  /// - Parameters:
  ///   - negligible: values smaller than this count as 0.
  package func finding(of analytic: Double, _ tolerance: CheckTolerance, negligible: Double) -> SlopeFinding {
    guard value.isFinite else {
      return SlopeFinding(.inconclusive, .valueNotFinite(value), analytic: analytic, numeric: .nan)
    }
    guard let side else {
      return SlopeFinding(
        .inconclusive, analytic.isFinite ? .coarseNumbers : .derivativeNotFinite, analytic: analytic, numeric: .nan)
    }
    let found = estimates(side)
    if let best = found.first, kink == nil { return compare(analytic, found, best, tolerance, negligible, side) }
    let middle = steps.isEmpty ? .nan : quotient(steps[steps.count / 2], side) ?? .nan
    if let kink { return compareAtKink(analytic, kink, middle, tolerance) }
    if analytic.isInfinite && diverges(to: analytic, side) {
      return SlopeFinding(.passes, .compared, analytic: analytic, numeric: analytic)
    }
    let cause: SlopeFinding.Cause = analytic.isFinite ? .unsettled : .derivativeNotFinite
    return SlopeFinding(.inconclusive, cause, analytic: analytic, numeric: middle)
  }

  private func compare(
    _ analytic: Double, _ found: [Estimate], _ best: Estimate, _ tolerance: CheckTolerance, _ negligible: Double,
    _ side: Side
  ) -> SlopeFinding {
    func finding(_ result: CheckResult, _ cause: SlopeFinding.Cause = .compared) -> SlopeFinding {
      SlopeFinding(result, cause, analytic: analytic, numeric: best.slope, uncertainty: best.error)
    }
    guard analytic.isFinite else {
      if analytic.isInfinite && diverges(to: analytic, side) {
        return SlopeFinding(.passes, .compared, analytic: analytic, numeric: analytic)
      }
      // NaN states by itself that there is no derivative.
      let isClear =
        !analytic.isNaN && found.count >= 3
        && best.error <= max(1e-3 * abs(best.slope), negligible)
      return isClear ? finding(.fails) : finding(.inconclusive, .derivativeNotFinite)
    }
    let size = max(abs(analytic), abs(best.slope))
    let difference = abs(analytic - best.slope)
    if difference <= tolerance.allowed(analytic, best.slope) + best.error {
      let isResolved = best.error <= max(1e-3 * size, negligible, tolerance.allowed(analytic, best.slope))
      return isResolved || isBelowRounding(size) ? finding(.passes) : finding(.inconclusive, .rounding)
    }
    guard difference > tolerance.allowed(analytic, best.slope) + 10 * best.error else {
      return finding(.inconclusive, .rounding)
    }
    // Several step sizes must contradict it, and hardly any support it.
    let agreeing = found.count { abs($0.slope - best.slope) <= 3 * ($0.error + best.error) }
    let isClear = agreeing >= 3 && supporters(of: analytic, against: best.slope, side) < 3
    return isClear ? finding(.fails) : finding(.inconclusive, .unsettled)
  }

  /// Whether a slope changes the function by less than its rounding, even over the longest step.
  private func isBelowRounding(_ slope: Double) -> Bool {
    guard let longest = steps.first else { return true }
    return slope * max(longest.forward, longest.backward) <= 64 * (noise(longest, .both) + rounding)
  }

  private func compareAtKink(
    _ analytic: Double, _ kink: (left: Double, right: Double), _ middle: Double, _ tolerance: CheckTolerance
  ) -> SlopeFinding {
    let isBounded = kink.left.isFinite && kink.right.isFinite
    let mean = isBounded ? kink.left * 0.5 + kink.right * 0.5 : middle
    // What the two sides are told apart by is finer than this.
    let margin = isBounded ? 1e-4 * abs(kink.left - kink.right) : 0
    var result = CheckResult.inconclusive
    if isBounded && analytic.isFinite {
      if abs(analytic - mean) <= tolerance.allowed(analytic, mean) + 1e-2 * margin {
        result = .passes
      } else if analytic < min(kink.left, kink.right) - margin || analytic > max(kink.left, kink.right) + margin {
        result = .fails
      }
    }
    return SlopeFinding(
      result, .kink(left: kink.left, right: kink.right), analytic: analytic, numeric: mean, uncertainty: margin,
      isKink: true)
  }
}

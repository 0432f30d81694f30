/// Values of a function on a line through a point, at steps from coarse to fine, and estimates of the slope at the
/// point.
///
/// The slope is extrapolated from quotients at neighbouring steps (Richardson). The extrapolation with the smallest
/// estimated error is used, as in Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Adv. Eng. Softw. 4 (1982).
/// The error is made of the disagreement with the next finer extrapolation and of rounding, which is estimated from the
/// size of the values and from the scatter of all finer extrapolations. An extrapolation that finer ones contradict by
/// more than rounding is not used: coarse steps reach across kinks, jumps and whole periods, and often agree with each
/// other all the same.
package struct DifferenceQuotients {
  /// Values on both sides, NaN if there is none, and the distances at which they were taken.
  package struct Step {
    package var forward: Double
    package var backward: Double
    package var above: Double
    package var below: Double

    package init(forward: Double, backward: Double, above: Double, below: Double) {
      (self.forward, self.backward, self.above, self.below) = (forward, backward, above, below)
    }
  }

  /// Which values a quotient uses.
  package enum Side: Sendable {
    case both, right, left
  }

  /// A slope with its possible error.
  package struct Estimate {
    package var slope: Double
    package var error: Double
    /// The finest step used.
    package var distance: Double
  }

  /// From coarse to fine.
  package var steps: [Step]
  /// The function at the point.
  package let value: Double
  /// The sum of the magnitudes of the value's terms. It determines the rounding error, even if the terms cancel.
  package let size: Double
  /// An estimate of the total rounding error of all intermediate results; at least 0.
  package let rounding: Double
  /// The minimum error to assume for each value. If a step is lost in an intermediate result, values agree to the last
  /// digit without proving anything.
  package var floor = 0.0

  package init(steps: [Step], value: Double, size: Double, rounding: Double) {
    self.steps = steps
    self.value = value
    self.size = size
    self.rounding = rounding.isFinite ? rounding : 0
  }

  // MARK: Single quotients

  /// - Returns: nil if a value that it needs is not finite.
  func quotient(_ step: Step, _ side: Side) -> Double? {
    switch side {
    case .both:
      guard step.above.isFinite, step.below.isFinite else { return nil }
      return (step.above * 0.5 - step.below * 0.5) / (step.forward * 0.5 + step.backward * 0.5)
    case .right: return step.above.isFinite ? (step.above - value) / step.forward : nil
    case .left: return step.below.isFinite ? (value - step.below) / step.backward : nil
    }
  }

  /// The difference of the slopes on the two sides at one step.
  func gap(_ step: Step) -> Double {
    guard let right = quotient(step, .right), let left = quotient(step, .left) else { return .nan }
    return abs(right - left)
  }

  /// How much rounding may change a difference of values at a step.
  func noise(_ step: Step, _ side: Side) -> Double {
    var largest = max(abs(value), size)
    if side != .left { largest = max(largest, abs(step.above)) }
    if side != .right { largest = max(largest, abs(step.below)) }
    return 2 * Double.ulpOfOne * largest + 4 * Double.leastNonzeroMagnitude + 2 * floor
  }

  /// Whether a gap between the two sides stays as the step shrinks by a factor of about 8. For a smooth function it
  /// shrinks with the step.
  func gapStays(from coarse: Step, to fine: Step) -> Bool {
    let (before, after) = (gap(coarse), gap(fine))
    guard before.isFinite, after.isFinite else { return false }
    let slope = max(abs(quotient(fine, .right) ?? 0), abs(quotient(fine, .left) ?? 0))
    return after > 0.5 * before && after > 1e-3 * slope
      && after > 16 * noise(fine, .both) / min(fine.forward, fine.backward)
  }

  /// The side on which the function has values close to the point.
  package var side: Side? {
    let finest = steps.suffix(3)
    guard value.isFinite, !finest.isEmpty else { return nil }
    let isRight = finest.allSatisfy(\.above.isFinite)
    let isLeft = finest.allSatisfy(\.below.isFinite)
    if isRight { return isLeft ? .both : .right }
    return isLeft ? .left : nil
  }

  // MARK: Extrapolation

  /// One extrapolation, from two steps.
  private struct Extrapolation {
    var slope: Double
    /// The finer of the two steps.
    var distance: Double
    var noise: Double
    /// Whether the slopes of the two sides converge.
    var isSmooth: Bool
    /// The largest change of the function up to the coarser of the two steps.
    var change: Double
  }

  /// Extrapolations from neighbouring steps, from coarse to fine, as long as all finer steps have values.
  private func extrapolations(_ side: Side) -> [Extrapolation] {
    let start = (steps.lastIndex { quotient($0, side) == nil }).map { $0 + 1 } ?? 0
    var change = 0.0
    var found: [Extrapolation] = []
    for index in stride(from: steps.count - 2, through: start, by: -1) {
      let (coarse, fine) = (steps[index], steps[index + 1])
      guard let first = quotient(coarse, side), let second = quotient(fine, side) else { break }
      let (wide, narrow) = (distance(coarse, side), distance(fine, side))
      var ratio = wide / narrow
      if side == .both { ratio *= ratio }
      if side != .left { change = max(change, abs(coarse.above - value)) }
      if side != .right { change = max(change, abs(coarse.below - value)) }
      found.append(
        Extrapolation(
          slope: second + (second - first) / (ratio - 1), distance: narrow, noise: noise(fine, side),
          isSmooth: side != .both || !gapStays(from: coarse, to: fine), change: change))
    }
    return found.reversed()
  }

  private func distance(_ step: Step, _ side: Side) -> Double {
    switch side {
    case .both: step.forward * 0.5 + step.backward * 0.5
    case .right: step.forward
    case .left: step.backward
    }
  }

  /// The reliable slopes, the best first.
  package func estimates(_ side: Side) -> [Estimate] {
    let all = extrapolations(side)
    var found: [Estimate] = []
    for index in all.indices.dropLast() where all[index].isSmooth && all[index].slope.isFinite {
      let this = all[index]
      let disagreement = abs(all[index + 1].slope - this.slope)
      // The scatter of finer steps is rounding, unless the function looks different at that scale.
      var scatter = this.noise
      var isContradicted = false
      for finer in all[(index + 1)...] {
        let difference = abs(finer.slope - this.slope)
        let rounding = max(4 * finer.noise, min(1000 * (finer.noise + self.rounding), 1e-3 * this.change))
        if !(difference <= 2 * disagreement + 2 * rounding / finer.distance) { isContradicted = true }
        scatter = max(scatter, (difference - 2 * disagreement) * finer.distance / 2)
      }
      if isContradicted { continue }
      let error = max(disagreement, 2 * scatter / this.distance)
      if error.isFinite {
        found.append(Estimate(slope: this.slope, error: error, distance: this.distance))
      }
    }
    return found.sorted { $0.error < $1.error }
  }

  /// Number of extrapolations that can distinguish the two slopes and are near the first.
  func supporters(of slope: Double, against other: Double, _ side: Side) -> Int {
    let difference = abs(slope - other)
    return extrapolations(side).count {
      abs($0.slope - slope) <= 0.1 * difference && difference > 3 * $0.noise / $0.distance
    }
  }

  /// Whether quotients grow without bound towards an infinity as steps shrink.
  package func diverges(to infinity: Double, _ side: Side) -> Bool {
    let quotients = steps.suffix(8).compactMap { quotient($0, side) }
    guard quotients.count >= 4 else { return false }
    let sizes = quotients.map { infinity > 0 ? $0 : -$0 }
    if sizes.allSatisfy({ $0 == .infinity }) { return true }
    var growth = 0.0
    for (coarse, fine) in zip(sizes, sizes.dropFirst()) {
      guard fine > coarse, coarse > 0, fine - coarse >= 0.5 * growth || fine == .infinity else { return false }
      growth = fine - coarse
    }
    return true
  }

  /// The slopes to the left and right of a kink, or nil if there is none. At a jump the slope of that side is infinite.
  package var kink: (left: Double, right: Double)? {
    guard side == .both, gapStaysNearby else { return nil }
    guard let left = slope(.left), let right = slope(.right) else { return nil }
    let difference = abs(left.slope - right.slope)
    guard difference > 1e-3 * min(max(abs(left.slope), abs(right.slope)), Double.greatestFiniteMagnitude),
      difference > 2 * (left.error + right.error)
    else { return nil }
    return (left.slope, right.slope)
  }

  /// Whether the two sides differ at the finest steps that rounding allows, at three consecutive pairs.
  private var gapStaysNearby: Bool {
    var inARow = 0
    for index in stride(from: steps.count - 2, through: 0, by: -1) {
      let fine = steps[index + 1]
      let width = gap(fine)
      guard width.isFinite else { return false }
      if inARow == 0 && width <= 16 * noise(fine, .both) / min(fine.forward, fine.backward) { continue }
      guard gapStays(from: steps[index], to: fine) else { return false }
      inARow += 1
      if inARow == 3 { return true }
    }
    return false
  }

  /// The slope to one side, infinite where the function jumps.
  private func slope(_ side: Side) -> Estimate? {
    func change(_ step: Step) -> Double { side == .right ? step.above - value : value - step.below }
    if let finest = steps.last, abs(change(finest)) > 64 * noise(finest, side),
      steps.suffix(4).allSatisfy({ abs(change($0) - change(finest)) <= 0.25 * abs(change(finest)) })
    {
      return Estimate(slope: change(finest) > 0 ? .infinity : -.infinity, error: 0, distance: 0)
    }
    return estimates(side).first
  }
}

// MARK: Where values are taken

extension DifferenceQuotients {
  /// Sizes of steps from an element, from coarse to fine: powers of 8, so that what is added to it is exact.
  /// - Parameters:
  ///   - scales: sizes at which the function may be expected to change. Steps go from a quarter of each down by 50
  ///     binary digits, as far as the element's precision allows.
  package static func sizes(around x: Double, scales: [Double]) -> [Double] {
    guard x.isFinite else { return [] }
    var exponents: Set<Int> = []
    for scale in scales where scale > 0 && scale.isFinite {
      // For a subnormal number this is the exponent of its first digit.
      var exponent = Int(scale.exponent) - 2
      exponent -= ((exponent % 3) + 3) % 3
      let last = exponent - 50
      while exponent >= last, exponent > -1074, powerOfTwo(exponent) >= x.ulp {
        exponents.insert(exponent)
        exponent -= 3
      }
    }
    return exponents.sorted(by: >).map(powerOfTwo)
  }

  private static func powerOfTwo(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }
}

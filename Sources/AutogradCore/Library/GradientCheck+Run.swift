extension GradientCheck {
  /// State shared by the probes of one run.
  struct Run {
    let check: GradientCheck
    let targets: [Target]
    let value: Double
    let size: Double
    let rounding: Double
    let interruption: Interruption?
    var closerLooks: Int
    var neighbours = GradientCheck.mostNeighbours
    /// Whether the function is smooth along a direction through all elements; nil until it has been checked.
    var isSmooth: Bool?
    var hidesSteps = false
    var hidesPeriods = false
    /// The whole numbers to which the function rounds.
    var stairs: [[Double]] = []
    /// An element with a kink was seen: along a direction the kinks of several may cancel.
    var sawKink = false

    mutating func findings(_ probes: [Probe]) throws(GraphError) -> [SlopeFinding] {
      // Elements that groups could not confirm were not budgeted for.
      if check.isGrouped { closerLooks -= 4 * probes.count }
      if check.isGrouped && closerLooks < 0 {
        return probes.map { SlopeFinding(.inconclusive, .tooMuchWork, analytic: slope($0, targets), numeric: .nan) }
      }
      let sizes = probes.map(stepSizes)
      var points: [CheckPoint] = []
      for (probe, sizes) in zip(probes, sizes) { points += self.points(probe, firstLook(probe, sizes), targets) }
      var values = try check.evaluator.values(points, interruption)[...]
      var found: [SlopeFinding?] = []
      for (probe, sizes) in zip(probes, sizes) {
        let quotients = self.quotients(probe, firstLook(probe, sizes), &values, targets, value)
        found.append(quotients.confirmation(of: slope(probe, targets), tolerance(probe)))
      }
      var results: [SlopeFinding] = []
      for (index, probe) in probes.enumerated() {
        if let finding = found[index] {
          results.append(finding)
        } else {
          results.append(try closerLook(probe, sizes[index]))
        }
      }
      return results
    }

    // MARK: Steps

    private func stepSizes(_ probe: Probe) -> [Double] {
      let target = targets[probe.target]
      guard let element = probe.element else {
        // Each step must move every element of the direction.
        let least = zip(target.elements, target.direction).reduce(0) { $1.1 == 0 ? $0 : max($0, $1.0.ulp / abs($1.1)) }
        let sizes = DifferenceQuotients.sizes(around: 0, scales: givenStep(probe).map { [4 * $0] } ?? [1])
        return sizes.filter { $0 >= least }
      }
      let x = target.elements[element]
      if let step = givenStep(probe) { return DifferenceQuotients.sizes(around: x, scales: [4 * step]) }
      return DifferenceQuotients.sizes(around: x, scales: [target.scale(element), 1])
    }

    /// Two steps at which most functions have little curvature and little rounding.
    private func firstLook(_ probe: Probe, _ sizes: [Double]) -> [Double] {
      let longest = givenStep(probe) ?? (probe.element.map(targets[probe.target].scale) ?? 1) / 64
      return Array(sizes.drop { $0 > longest }.prefix(2))
    }

    /// The requested longest step, if any. Along a direction no element moves farther.
    private func givenStep(_ probe: Probe) -> Double? {
      guard let step = check.step, probe.element == nil else { return check.step }
      let largest = targets[probe.target].direction.reduce(0) { max($0, abs($1)) }
      return largest > 0 ? step / largest : step
    }

    func points(_ probe: Probe, _ sizes: [Double], _ targets: [Target]) -> [CheckPoint] {
      let target = targets[probe.target]
      guard let index = probe.element else {
        let line = CheckLine(directions: [(target.input, target.direction)])
        return sizes.flatMap { [.line(line, $0), .line(line, -$0)] }
      }
      let x = target.elements[index]
      return sizes.flatMap { size -> [CheckPoint] in
        [
          .element(input: target.input, index: index, value: x + size),
          .element(input: target.input, index: index, value: x - size),
        ]
      }
    }

    func quotients(
      _ probe: Probe, _ sizes: [Double], _ values: inout ArraySlice<Double>, _ targets: [Target], _ value: Double
    ) -> DifferenceQuotients {
      let x = probe.element.map { targets[probe.target].elements[$0] } ?? 0
      var steps: [DifferenceQuotients.Step] = []
      for size in sizes {
        let (above, below) = (values.popFirst() ?? .nan, values.popFirst() ?? .nan)
        steps.append(.init(forward: (x + size) - x, backward: x - (x - size), above: above, below: below))
      }
      return DifferenceQuotients(steps: steps, value: value, size: size, rounding: rounding)
    }

    // MARK: Judgement

    func slope(_ probe: Probe, _ targets: [Target]) -> Double {
      let target = targets[probe.target]
      return probe.element.map { target.slopes[$0] } ?? target.slopeAlongDirection
    }

    func tolerance(_ probe: Probe) -> CheckTolerance {
      guard probe.element == nil else { return check.tolerance }
      // The tolerance of each element, and the rounding of their sum.
      var tolerance = check.tolerance
      let target = targets[probe.target]
      let each = tolerance.absolute + 8 * Double.leastNonzeroMagnitude
      tolerance.absolute =
        each * target.direction.reduce(0) { $0 + abs($1) } + (tolerance.relative + 1e-14) * target.sizeAlongDirection
      return tolerance
    }

    func negligible(_ probe: Probe) -> Double {
      let target = targets[probe.target]
      return probe.element.map { 1e-8 * target.largestChange / target.scale($0) } ?? 0
    }

    private mutating func closerLook(_ probe: Probe, _ sizes: [Double]) throws(GraphError) -> SlopeFinding {
      let analytic = slope(probe, targets)
      closerLooks -= 2 * sizes.count
      guard closerLooks >= 0 else {
        return SlopeFinding(.inconclusive, .tooMuchWork, analytic: analytic, numeric: .nan)
      }
      var values = try check.evaluator.values(points(probe, sizes, targets), interruption)[...]
      let quotients = self.quotients(probe, sizes, &values, targets, value)
      var finding = quotients.finding(of: analytic, tolerance(probe), negligible: negligible(probe))
      if check.step != nil, quotients.side == nil, finding.result == .inconclusive, analytic.isFinite {
        finding.cause = .noStep
      }
      if finding.result == .fails, let cause = doubt(probe, sizes) {
        (finding.result, finding.cause) = (.inconclusive, cause)
      }
      if finding.result == .fails {
        finding = try reconsidered(finding, probe, quotients)
      } else if case .kink = finding.cause, finding.result == .inconclusive {
        finding = try reconsidered(finding, probe, quotients)
      }
      if finding.isKink { sawKink = true }
      guard finding.result == .fails, analytic.isFinite, try !isSmoothAllAround(), neighbours > 0 else {
        return finding
      }
      // At a kink in some direction the derivative is a convention. If it is right nearby, it does not count as wrong
      // here.
      neighbours -= 1
      var excused = finding
      excused.result = .inconclusive
      excused.cause = .kink(left: -.infinity, right: .infinity)
      excused.isKink = true
      return try failsNearby(probe, sizes, finding.error) ? finding : excused
    }

    /// Why a disagreement proves nothing; nil if it does prove an error.
    private func doubt(_ probe: Probe, _ sizes: [Double]) -> SlopeFinding.Cause? {
      if hidesSteps { return .hiddenSteps }
      if hidesPeriods { return .unresolved }
      let target = targets[probe.target]
      guard let element = probe.element else {
        return zip(target.elements, target.direction).contains { $1 != 0 && $0.ulp > 1 } ? .coarseNumbers : nil
      }
      guard let finest = sizes.last else { return nil }
      let x = target.scale(element)
      // At the smallest numbers there are no smaller steps. Beyond 2^53 there are only whole numbers, at which a
      // periodic function may have equal values.
      return finest > x || x <= 0x1p-960 || abs(target.elements[element]).ulp > 1 ? .coarseNumbers : nil
    }
  }
}

extension GradientCheck.Target {
  /// A direction in which every element moves by about its own size: a power of 2, so that nothing rounds, with a
  /// pseudo-random sign that is the same in every run. Elements without a finite derivative, or so small that steps
  /// would round, do not move.
  var direction: [Double] {
    elements.indices.map { index in
      guard elements[index].isFinite, slopes[index].isFinite, scale(index) > 0x1p-960 else { return 0 }
      let hash =
        (UInt64(truncatingIfNeeded: index) &+ UInt64(truncatingIfNeeded: input) &* 7919 &+ 1) &* 0x9E37_79B9_7F4A_7C15
      let size = Double(sign: .plus, exponent: Int(scale(index).exponent) - Int(hash >> 62 & 1), significand: 1)
      return hash >> 63 == 0 ? size : -size
    }
  }

  var slopeAlongDirection: Double {
    zip(slopes, direction).reduce(0) { $1.1 == 0 ? $0 : $0 + $1.0 * $1.1 }
  }

  var sizeAlongDirection: Double {
    zip(slopes, direction).reduce(0) { $1.1 == 0 ? $0 : $0 + abs($1.0 * $1.1) }
  }
}

/// Checks elements in groups, so that the number of evaluations hardly grows with the number n of inputs. Each
/// evaluation takes at least n operations, so checking one element at a time takes n².
///
/// A quotient along a direction through m elements is the sum of their slopes, each times its share of the direction.
/// Shares are chosen so that all elements of a group contribute about equally. The tolerance for the sum is that of the
/// smallest contribution, whatever m is, so one wrong element is noticed as it would be alone. The quotient is precise
/// enough: its error is about 1e-11, and an error of 1e-7 of one of m contributions must be noticed. Shares have
/// pseudo-random signs and sizes, and several directions must agree, so that errors of different elements do not
/// cancel. A group that does not agree is split, down to single elements.
extension GradientCheck {
  /// Fewer elements than this are checked one by one.
  static let fewestGrouped = 257
  /// Approximate number of evaluations for groups if all is well.
  static let groupedEvaluations = 512
  /// Smaller groups are checked one by one.
  private static let smallestGroup = 32
  private static let directionsOfGroup = 4
  private static let partsOfGroup = 8

  /// An element of a group.
  struct Member {
    var probe: Probe
    var slope: Double
    /// How far it may move: a power of 2.
    var reach: Double
    /// How much moving it that far changes the function.
    var change: Double { abs(slope) * reach }
  }
}

extension GradientCheck.Run {
  typealias Member = GradientCheck.Member

  /// - Returns: the confirmed elements, and those to check one by one.
  mutating func confirmedTogether(
    _ probes: [GradientCheck.Probe]
  ) throws(GraphError) -> (found: [(GradientCheck.Probe, SlopeFinding)], rest: [GradientCheck.Probe]) {
    var found: [(GradientCheck.Probe, SlopeFinding)] = []
    var rest: [GradientCheck.Probe] = []
    var members: [Member] = []
    for probe in probes {
      if let member = member(probe) { members.append(member) } else { rest.append(probe) }
    }
    var groups = self.groups(members)
    while let group = groups.popLast() {
      if group.count < GradientCheck.smallestGroup {
        rest += group.map(\.probe)
      } else if let findings = try confirmation(group) {
        found += zip(group, findings).map { ($0.probe, $1) }
      } else {
        let size = (group.count + GradientCheck.partsOfGroup - 1) / GradientCheck.partsOfGroup
        for start in stride(from: 0, to: group.count, by: size) {
          groups.append(Array(group[start..<min(start + size, group.count)]))
        }
      }
    }
    return (found, rest)
  }

  /// Nil if a step would not fit, or the derivative is NaN or infinite.
  private func member(_ probe: GradientCheck.Probe) -> Member? {
    guard value.isFinite, let element = probe.element else { return nil }
    let target = targets[probe.target]
    let (x, slope) = (target.elements[element], target.slopes[element])
    // The first step is a 64th of the element's size, or the requested step.
    let reach = check.step.map { 64 * $0 } ?? target.scale(element)
    guard x.isFinite, slope.isFinite, reach > 0x1p-960, reach < 0x1p960, x.ulp <= min(1, reach * 0x1p-40) else {
      return nil
    }
    let member = Member(
      probe: probe, slope: slope, reach: Double(sign: .plus, exponent: Int(reach.exponent), significand: 1))
    return member.change.isFinite ? member : nil
  }

  /// Groups members that change the function about equally; a few that change it more join them.
  private func groups(_ members: [Member]) -> [[Member]] {
    let sorted = members.sorted { $0.change > $1.change }
    var groups: [[Member]] = []
    var group: [Member] = []
    var lowest = Int.min
    for member in sorted {
      let exponent = GradientCheck.Run.exponent(member, isVisible(member))
      if let first = group.first {
        let isFull = group.count >= GradientCheck.smallestGroup && exponent < lowest
        if isFull || GradientCheck.Run.exponent(first, isVisible(first)) - exponent > 12 {
          groups.append(group)
          group = []
        }
      }
      if group.count < GradientCheck.smallestGroup { lowest = exponent - 2 }
      group.append(member)
    }
    return group.isEmpty ? groups : groups + [group]
  }

  /// All members below rounding go into one group.
  private static func exponent(_ member: Member, _ isVisible: Bool) -> Int {
    isVisible ? Int(member.change.exponent) : -5000
  }

  /// Whether the change is larger than rounding.
  private func isVisible(_ member: Member) -> Bool {
    member.change / 4 > 32 * Double.ulpOfOne * max(abs(value), size) + 64 * Double.leastNonzeroMagnitude
  }

  // MARK: One group

  /// A direction through the members of a group.
  private struct Direction {
    var shares: [Double]
    var line: CheckLine
    var slope = 0.0
    var tolerance = CheckTolerance()
    /// The smallest contribution of a member; 0 if all are below rounding.
    var least = 0.0
  }

  private func direction(_ group: [Member], _ number: Int) -> Direction {
    let isStill = group.last.map { !isVisible($0) } ?? true
    let lowest = group.reduce(Double.infinity) { min($0, $1.change) }
    var lines: [Int: [Double]] = [:]
    var direction = Direction(shares: [], line: CheckLine(directions: []))
    var (least, shortest) = (Double.infinity, Double.infinity)
    for member in group {
      let input = targets[member.probe.target].input
      let element = member.probe.element ?? 0
      // Ten digits, so that what is added to the element is exact.
      let chance = GradientCheck.Run.chance(input, element, number)
      var share = member.reach * Double(512 + chance >> 55) * 0x1p-10
      if !isStill {
        let exponent = Int(lowest.exponent - member.change.exponent)
        share *= Double(sign: .plus, exponent: exponent, significand: 1)
      }
      if chance & 1 == 0 { share = -share }
      direction.shares.append(share)
      lines[input, default: Array(repeating: 0, count: targets[member.probe.target].elements.count)][element] = share
      direction.slope += member.slope * share
      least = min(least, abs(member.slope * share))
      shortest = min(shortest, abs(share))
    }
    direction.line.directions = lines.map { ($0.key, $0.value) }
    direction.least = isStill ? 0 : least
    direction.tolerance.relative = 0
    direction.tolerance.absolute = check.tolerance.relative * direction.least + check.tolerance.absolute * shortest
    return direction
  }

  /// Pseudo-random, and the same in every run.
  private static func chance(_ input: Int, _ element: Int, _ number: Int) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: input) &* 0x9E37_79B9_7F4A_7C15
    hash = (hash ^ UInt64(truncatingIfNeeded: element)) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ hash >> 31 ^ UInt64(truncatingIfNeeded: number)) &* 0x94D0_49BB_1331_11EB
    hash = (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
    return hash ^ hash >> 32
  }

  /// - Returns: nil unless all directions agree.
  private mutating func confirmation(_ group: [Member]) throws(GraphError) -> [SlopeFinding]? {
    let directions = (0..<GradientCheck.directionsOfGroup).map { direction(group, $0) }
    let distances = [0x1p-6, 0x1p-9]
    let points = directions.flatMap { direction in
      distances.flatMap { [CheckPoint.line(direction.line, $0), .line(direction.line, -$0)] }
    }
    closerLooks -= points.count
    guard closerLooks >= 0 else { return nil }
    var values = try check.evaluator.values(points, interruption)[...]
    var findings: [SlopeFinding]?
    for direction in directions {
      let quotients = along(distances, &values)
      var found = quotients.confirmation(of: direction.slope, direction.tolerance)
      if !quotients.isWithoutKink(1e-3 * direction.least) { found = nil }
      if found == nil { found = try closerLook(direction) }
      guard let found else { return nil }
      // The disagreement of the whole group, as if it were this element's.
      let each = zip(group, direction.shares).map { member, share in
        SlopeFinding(
          .passes, .compared, analytic: member.slope,
          numeric: member.slope + (found.numeric - found.analytic) / share, uncertainty: found.uncertainty / abs(share))
      }
      findings = findings.map { zip($0, each).map { $0.error >= $1.error ? $0 : $1 } } ?? each
    }
    return findings
  }

  /// Tries steps of all sizes, with the same criteria.
  private mutating func closerLook(_ direction: Direction) throws(GraphError) -> SlopeFinding? {
    let longest = check.step == nil ? 1.0 : 0x1p-4
    // As long as the sums with the elements are exact.
    let distances = DifferenceQuotients.sizes(around: 0, scales: [longest]).filter { $0 >= 0x1p-30 }
    closerLooks -= 2 * distances.count
    guard closerLooks >= 0 else { return nil }
    let points = distances.flatMap { [CheckPoint.line(direction.line, $0), .line(direction.line, -$0)] }
    var values = try check.evaluator.values(points, interruption)[...]
    let quotients = along(distances, &values)
    let finding = quotients.finding(of: direction.slope, direction.tolerance, negligible: 0)
    guard finding.result == .passes, !finding.isKink,
      direction.least == 0 || finding.uncertainty <= 1e-3 * direction.least,
      quotients.isWithoutKink(0.05 * direction.least)
    else { return nil }
    return finding
  }

  private func along(_ distances: [Double], _ values: inout ArraySlice<Double>) -> DifferenceQuotients {
    let steps = distances.map { distance in
      DifferenceQuotients.Step(
        forward: distance, backward: distance, above: values.popFirst() ?? .nan, below: values.popFirst() ?? .nan)
    }
    return DifferenceQuotients(steps: steps, value: value, size: size, rounding: rounding)
  }
}

extension DifferenceQuotients {
  /// Whether at some steps the gap between the two sides, extrapolated to step 0, is below a bound or below rounding.
  /// The extrapolation removes the curvature of all elements, which would hide the kink of one.
  fileprivate func isWithoutKink(_ bound: Double) -> Bool {
    zip(steps, steps.dropFirst()).contains { coarse, fine in
      guard fine.forward <= 0x1p-9, fine.forward >= 0x1p-18 else { return false }
      let (before, after) = (signedGap(coarse), signedGap(fine))
      let gap = after - (before - after) / (coarse.forward / fine.forward - 1)
      return abs(gap) <= max(bound, 16 * noise(fine, .both) / fine.forward)
    }
  }

  private func signedGap(_ step: Step) -> Double {
    (quotient(step, .right) ?? .nan) - (quotient(step, .left) ?? .nan)
  }
}

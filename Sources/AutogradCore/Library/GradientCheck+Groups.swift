/// Elements that are checked together, so that a check of n inputs takes a number of evaluations that hardly grows
/// with n. Each evaluation takes at least n operations, so that one element at a time takes n².
///
/// A quotient along a direction through m elements is the sum of their slopes, each times its share of the direction.
/// Shares are chosen so that all elements of a group contribute about alike. The sum is then held to what the least
/// contribution alone may be off by, whatever m is: an element that is wrong shows as it does alone. The quotient has
/// the digits for that: it is good to 1e-11 or so, and what is to be seen is 1e-7 of one of m contributions. Shares
/// have signs and sizes as if by chance, and several directions must agree, so that errors of different elements do not
/// cancel. A group that does not agree is split, down to single elements, which then decide as ever.
extension GradientCheck {
  /// Fewer elements than this are looked at one by one.
  static let fewestGrouped = 257
  /// Evaluations that groups take where all is well, roughly.
  static let groupedEvaluations = 512
  /// A smaller group is not worth its directions.
  private static let smallestGroup = 32
  private static let directionsOfGroup = 4
  private static let partsOfGroup = 8

  /// An element of a group.
  struct Member {
    var probe: Probe
    var slope: Double
    /// How far it may move: a power of 2.
    var reach: Double
    /// How much that changes the function.
    var change: Double { abs(slope) * reach }
  }
}

extension GradientCheck.Run {
  typealias Member = GradientCheck.Member

  /// - Returns: what is confirmed, and what has to be looked at one by one.
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

  /// Nil where a step would not fit, or the derivative is no number.
  private func member(_ probe: GradientCheck.Probe) -> Member? {
    guard value.isFinite, let element = probe.element else { return nil }
    let target = targets[probe.target]
    let (x, slope) = (target.elements[element], target.slopes[element])
    // The first look goes to a 64th of the size of the element, or to the step that was asked for.
    let reach = check.step.map { 64 * $0 } ?? target.scale(element)
    guard x.isFinite, slope.isFinite, reach > 0x1p-960, reach < 0x1p960, x.ulp <= min(1, reach * 0x1p-40) else {
      return nil
    }
    let member = Member(
      probe: probe, slope: slope, reach: Double(sign: .plus, exponent: Int(reach.exponent), significand: 1))
    return member.change.isFinite ? member : nil
  }

  /// Members that change the function about alike; few ones that change it more join them.
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

  /// All that cannot be told from rounding go together.
  private static func exponent(_ member: Member, _ isVisible: Bool) -> Int {
    isVisible ? Int(member.change.exponent) : -5000
  }

  /// Whether the change can be told from rounding at all.
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
    /// The least contribution of a member, 0 where none can be told from rounding.
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

  /// As if by chance, but the same in every run.
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
      // What the whole group is off by, as if it were this element alone.
      let each = zip(group, direction.shares).map { member, share in
        SlopeFinding(
          .passes, .compared, analytic: member.slope,
          numeric: member.slope + (found.numeric - found.analytic) / share, uncertainty: found.uncertainty / abs(share))
      }
      findings = findings.map { zip($0, each).map { $0.error >= $1.error ? $0 : $1 } } ?? each
    }
    return findings
  }

  /// Steps of all sizes, with the same demands.
  private mutating func closerLook(_ direction: Direction) throws(GraphError) -> SlopeFinding? {
    let longest = check.step == nil ? 1.0 : 0x1p-4
    // As far as what is added to the elements is exact.
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
  /// Whether at some steps the gap between the two sides, extrapolated to no step at all, is less than a bound or than
  /// what rounding makes. That of one element among many is hidden by the curvature of all, until that is taken off.
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

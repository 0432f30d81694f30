/// Examines the neighbourhood of a disagreement: whether the function is smooth around the point, and whether its
/// derivative is right a little farther on.
extension GradientCheck.Run {
  /// A direction through all elements of all inputs.
  private var line: CheckLine {
    CheckLine(directions: zip(targets, check.dependsOn).filter(\.1).map { ($0.0.input, $0.0.direction) })
  }

  mutating func isSmoothAllAround() throws(GraphError) -> Bool {
    if sawKink { return false }
    if let isSmooth { return isSmooth }
    let sizes = DifferenceQuotients.sizes(around: 0, scales: [1])
    let points = sizes.flatMap { [CheckPoint.line(line, $0), .line(line, -$0)] }
    var values = try check.evaluator.values(points, interruption)[...]
    let quotients = self.quotients(GradientCheck.Probe(target: 0, element: nil), sizes, &values, targets, value)
    let isStraight = quotients.side == .both && quotients.kink == nil && quotients.estimates(.both).count >= 3
    if isStraight { isSmooth = try !gradientsJump() } else { isSmooth = false }
    return isSmooth ?? false
  }

  /// Whether gradients nearby depend on the side from which the point is approached. If several numbers are equal, an
  /// order statistic is linear along every line (the median of moved numbers is the median of the moves), but on each
  /// side its gradient belongs to another element. True if there are no gradients nearby, because then it is unknown.
  private mutating func gradientsJump() throws(GraphError) -> Bool {
    closerLooks -= 12 * max(check.derivatives.work / max(check.work, 1), 1)
    guard closerLooks >= 0 else { return true }
    var coarse: [[Double]] = []
    for distance in [0x1p-20, 0x1p-26] {
      var gradients: [[Double]] = []
      for side in 0..<6 {
        guard let results = try nearbyResults(nearby(side, distance)) else { return true }
        gradients.append(results.prefix(targets.count).flatMap(\.doubles))
      }
      let differences = gradients.dropFirst().map { zip($0, gradients[0]).map { abs($0 - $1) } }
      if distance == 0x1p-20 {
        coarse = differences
        continue
      }
      let largest = gradients[0].reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
      // For a smooth function the difference shrinks with the distance.
      return zip(differences, coarse).contains { fine, coarse in
        zip(fine, coarse).contains { $0 > 1e-3 * largest && $0 > 0.5 * $1 }
      }
    }
    return false
  }

  /// The inputs a little farther on. Each element moves by a different amount, so that equal ones separate. The amounts
  /// are pseudo-random, differ by side, and are the same in every run.
  private func nearby(_ side: Int, _ distance: Double) -> [Tensor] {
    var inputs = check.inputs
    for (input, direction) in line.directions {
      let apart = direction.enumerated().map { index, size -> Double in
        let position = UInt64(truncatingIfNeeded: index &* 8 &+ side)
        let hash = (position ^ 0x5851_F42D_4C95_7F2D) &* 0xD605_1BAD_D1A5_3C6B
        let turned = (hash ^ hash >> 29) &* 0x9E37_79B9_7F4A_7C15
        return size * (Double(turned >> 12) * 0x1p-52 + (side == 0 || turned & 1 == 0 ? 0.5 : -1.5))
      }
      inputs[input] = inputs[input].moved(along: apart, distance)
    }
    return inputs
  }

  /// The derivatives there, with sizes and rounding; nil if they cannot be computed.
  func nearbyResults(_ inputs: [Tensor]) throws(GraphError) -> [Tensor]? {
    do throws(GraphError) {
      return try check.derivatives.run(inputs, interruption: interruption)
    } catch {
      if error.code == .interrupted { throw error }
      return nil
    }
  }

  /// Whether the same element fails a little farther on, too: at the first distance at which an error of this size can
  /// be noticed.
  mutating func failsNearby(
    _ probe: GradientCheck.Probe, _ sizes: [Double], _ error: Double
  ) throws(GraphError) -> Bool {
    for distance in [0x1p-20, 0x1p-14, 0x1p-8] {
      closerLooks -= 2 * sizes.count
      guard closerLooks >= 0 else { return false }
      let finding = try nearbyFinding(probe, sizes, distance)
      if finding.result == .fails { return true }
      if finding.result == .passes && finding.uncertainty <= error / 8 { return false }
    }
    return false
  }

  private func nearbyFinding(
    _ probe: GradientCheck.Probe, _ sizes: [Double], _ distance: Double
  ) throws(GraphError) -> SlopeFinding {
    let inputs = nearby(0, distance)
    guard let results = try nearbyResults(inputs) else {
      return SlopeFinding(.inconclusive, .valueNotFinite(.nan), analytic: .nan, numeric: .nan)
    }
    let value = try check.evaluator.value(at: .line(CheckLine(directions: []), 0), of: inputs, interruption)
    let moved = zip(check.varied, results).map { GradientCheck.target($0, inputs[$0], $1.doubles) }
    // Steps that stay on this side of the kink.
    let near = sizes.filter { $0 <= distance / 16 * (probe.element.map { moved[probe.target].scale($0) } ?? 1) }
    var values: [Double] = []
    for point in points(probe, near, moved) {
      values.append(try check.evaluator.value(at: point, of: inputs, interruption))
    }
    var rest = values[...]
    let quotients = self.quotients(probe, near, &rest, moved, value)
    return quotients.finding(of: slope(probe, moved), tolerance(probe), negligible: negligible(probe))
  }
}

/// Decides whether rounding of intermediate results can explain a disagreement.
///
/// To first order, a rounding error of a result changes the function by the error times the derivative with respect to
/// the result. The sum of these over all results is computed beside the gradients. An intermediate result may be so
/// large that a step is lost in it; values then agree to the last digit and prove nothing. So a disagreement counts
/// only if it is larger than that sum divided by the step.
extension GradientCheck {
  /// A scalar function for a check, with its size and rounding.
  package struct Parts {
    /// Σ cotangent · value.
    package var total: Value
    package var gradients: [Value]
    /// The sum of the magnitudes of the terms of the total.
    package var size: Value
    /// The total rounding error of all intermediate results.
    package var rounding: Value

    /// - Throws: errors of the builder.
    package init(
      of seeds: [(value: Value, cotangent: Value)], withRespectTo targets: [Value], _ builder: GraphBuilder
    ) throws(GraphError) {
      let results = try Parts.roundedResults(seeds.map(\.value), targets, builder)
      let all = builder.gradientsAnyway(of: seeds, withRespectTo: targets + results)
      gradients = zip(targets, all).map { $1 ?? builder.zeros($0.type) }
      let zero = builder.constant(Scalar(0.0))
      let terms = seeds.map { $0.value * $0.cotangent }
      total = Parts.sum(terms.map { $0.sum() }, zero)
      size = Parts.sum(terms.map { $0.applying("abs").sum() }, zero)
      let pairs = zip(results, all.dropFirst(targets.count)).compactMap { result, slope in
        slope.map { (result: result.cast(to: .float64), slope: $0.cast(to: .float64)) }
      }
      rounding = Parts.sum(Parts.joined(pairs, builder).map { Parts.effect(of: $0, $1).sum() }, zero)
    }

    private static func sum(_ terms: [Value], _ zero: Value) -> Value {
      terms.map { $0.cast(to: .float64) }.reduce(zero) { $0 + $1 }
    }

    /// Joins small results, so that a thousand scalars take as few operations as one vector.
    private static func joined(
      _ pairs: [(result: Value, slope: Value)], _ builder: GraphBuilder
    ) -> [(result: Value, slope: Value)] {
      let small = pairs.filter { $0.result.shape.elementCount <= 64 }
      guard small.count > 1 else { return pairs }
      func joined(_ values: [Value]) -> Value {
        builder.concat(values.map { builder.reshape($0, to: Shape([$0.shape.elementCount])) }, axis: 0)
      }
      let vector = (result: joined(small.map(\.result)), slope: joined(small.map(\.slope)))
      return pairs.filter { $0.result.shape.elementCount > 64 } + [vector]
    }

    /// Half a unit in the last place of a result, times its slope; 0 if that is NaN.
    private static func effect(of result: Value, _ slope: Value) -> Value {
      let ulp = result.applying("abs") * (Double.ulpOfOne / 2) + Double.leastNonzeroMagnitude
      let effect = ulp * slope.applying("abs")
      return result.builder.select(effect.emit(.isNaN), result.builder.zeros(effect.type), effect)
    }

    /// All floating results between the targets and the outputs that do not merely move numbers, but for weights, by
    /// which what is made of deviations from their mean has no derivative of its own.
    private static func roundedResults(
      _ outputs: [Value], _ targets: [Value], _ builder: GraphBuilder
    ) throws(GraphError) -> [Value] {
      let live = try builder.graph(outputs: outputs).reachableNodes
      let columns = builder.columns
      var depends = [Bool](repeating: false, count: columns.valueCount)
      for target in targets where target.isValid { depends[Int(target.id)] = true }
      var weights: Set<ValueID> = []
      for node in 0..<NodeID(live.count) where live[Int(node)] {
        if columns.opcodes[Int(node)].primitive is WeightedPrimitive { weights.insert(columns.operand(node, 0)) }
      }
      var found: [Value] = []
      for node in 0..<NodeID(live.count) where live[Int(node)] {
        guard columns.operandRange(node).contains(where: { depends[Int(columns.operands[$0])] }) else { continue }
        for result in columns.resultRange(node) { depends[result] = true }
        if movesOnly(columns.opcodes[Int(node)]) { continue }
        found += columns.resultRange(node).map { builder.value(ValueID($0)) }.filter {
          $0.dtype.isFloating && !weights.contains($0.id)
        }
      }
      return found
    }

    private static func movesOnly(_ opcode: Opcode) -> Bool {
      switch opcode {
      case .reshape, .transpose, .broadcast, .slice, .unslice, .split, .concat, .gather, .gatherAlong, .permute,
        .unpermute, .neg, .abs, .select, .stopGradient, .settled, .guarded, .kept,
        .coincident, .signed:
        true
      default: false
      }
    }
  }
}

extension GradientCheck.Run {
  /// Reconsiders a disagreement or kink with rounding in mind. Inconclusive if rounding alone could explain it.
  mutating func reconsidered(
    _ finding: SlopeFinding, _ probe: GradientCheck.Probe, _ quotients: DifferenceQuotients
  ) throws(GraphError) -> SlopeFinding {
    var doubtful = finding
    (doubtful.result, doubtful.cause, doubtful.isKink) = (.inconclusive, .rounding, false)
    guard let side = quotients.side else { return finding }
    let sizes = quotients.steps.map { max($0.forward, $0.backward) }
    guard let middle = sizes.dropFirst(sizes.count / 2).first else { return finding }
    let distance = quotients.estimates(side).first?.distance ?? middle
    var quotients = quotients
    quotients.floor = try floor(probe, distance)
    guard quotients.floor.isFinite else { return doubtful }
    var again = quotients.finding(of: finding.analytic, tolerance(probe), negligible: negligible(probe))
    if finding.result != .fails { return again.isKink ? finding : doubtful }
    guard again.result == .fails, !quotients.leaps(beside: finding.analytic) else { return doubtful }
    again.uncertainty = max(again.uncertainty, again.error)
    switch try alongStep(probe, again, quotients) {
    case .contradicted: return again
    case .stairs:
      doubtful.cause = .hiddenSteps
      return doubtful
    case .tooFast:
      doubtful.cause = .unresolved
      return doubtful
    case .unseen: return doubtful
    case .confirmed: break
    }
    // If only short steps contradict it, there may be a kink, or something that looks like one.
    var short = quotients
    let reach = probe.element.map(targets[probe.target].scale) ?? 1
    short.steps.removeAll { max($0.forward, $0.backward) > reach / 8 }
    let isNear = short.finding(of: finding.analytic, tolerance(probe), negligible: negligible(probe)).result == .fails
    guard isNear else { return doubtful }
    if try !isSmoothAllAround() {
      (doubtful.cause, doubtful.isKink) = (.kink(left: -.infinity, right: .infinity), true)
    }
    return doubtful
  }

  /// How much rounding may change a value, here and a step away: the total, minus the part of results that do not
  /// depend on the element. Those are found by setting the element to NaN. The subtraction loses last digits.
  private mutating func floor(_ probe: GradientCheck.Probe, _ distance: Double) throws(GraphError) -> Double {
    var largest = 0.0
    for point in points(probe, [0, distance], targets).dropFirst() {
      let inputs = PointEvaluator.inputs(at: point, of: check.inputs)
      guard var effect = try nearbyResults(inputs)?.last?.doubles[0] else { continue }
      if let element = probe.element {
        let input = targets[probe.target].input
        let absent = PointEvaluator.inputs(at: .element(input: input, index: element, value: .nan), of: inputs)
        let others = try nearbyResults(absent)?.last?.doubles[0] ?? 0
        effect = max(effect - others, 0) + 256 * Double.ulpOfOne * effect
      }
      largest = max(largest, effect.isNaN ? .infinity : effect)
    }
    return largest
  }

  /// Whether the derivative's own mean over the finest contradicting step contradicts it too. A quotient is the mean of
  /// the derivative over its step. Two quadratures of that mean must agree, which they hardly do if the step is a
  /// period or more.
  private func alongStep(
    _ probe: GradientCheck.Probe, _ finding: SlopeFinding, _ quotients: DifferenceQuotients
  ) throws(GraphError) -> AlongStep {
    let finest = quotients.steps.last {
      64 * quotients.noise($0, .both) <= finding.error * min($0.forward, $0.backward)
    }
    guard let step = finest, let quotient = quotients.quotient(step, .both) else { return .unseen }
    guard try staysOnStairs(probe, step.forward) else { return .stairs }
    for part in [1, 0.61] {
      let size = step.forward * part
      // Gauss and Legendre's, with two points and with four.
      let rough = try mean(probe, size * 0.577350269189626)
      let mean =
        try mean(probe, size * 0.861136311594053) * 0.347854845137454
        + mean(probe, size * 0.339981043584856) * 0.652145154862546
      guard abs(rough - mean) <= finding.error / 8 else { return .tooFast }
      if part == 1 && !(abs(quotient - mean) >= finding.error / 2) {
        // The derivative changes from one value to the other on the way, unless there is a kink at the point.
        return abs(try self.mean(probe, size / 8) - finding.analytic) < finding.error / 8 ? .tooFast : .confirmed
      }
    }
    return .contradicted
  }

  /// What the derivatives along a step show about a quotient.
  private enum AlongStep {
    /// Their mean differs.
    case contradicted
    /// Their mean equals the quotient, although the derivative at the point differs.
    case confirmed
    /// They change too much on the way for their mean to be known, or to equal the derivative at the point.
    case tooFast
    /// The step crosses from one whole number to another, and the function rounds.
    case stairs
    /// There is no contradicting step.
    case unseen
  }

  /// Whether a step to both sides leaves all rounded numbers unchanged.
  private func staysOnStairs(_ probe: GradientCheck.Probe, _ distance: Double) throws(GraphError) -> Bool {
    guard let rounded = check.rounded, !stairs.isEmpty else { return true }
    for point in points(probe, [distance], targets) {
      do throws(GraphError) {
        let inputs = PointEvaluator.inputs(at: point, of: check.inputs)
        let whole = try rounded.run(inputs, interruption: interruption)
        if check.stairs(of: whole) != stairs { return false }
      } catch {
        if error.code == .interrupted { throw error }
        return false
      }
    }
    return true
  }

  /// The mean of the derivative at two points to both sides.
  private func mean(_ probe: GradientCheck.Probe, _ distance: Double) throws(GraphError) -> Double {
    let direction = probe.element == nil ? targets[probe.target].direction : []
    var sum = 0.0
    for point in points(probe, [distance], targets) {
      guard let results = try nearbyResults(PointEvaluator.inputs(at: point, of: check.inputs)) else { return .nan }
      let slopes = results[probe.target].doubles
      sum += probe.element.map { slopes[$0] } ?? zip(slopes, direction).reduce(0) { $1.1 == 0 ? $0 : $0 + $1.0 * $1.1 }
    }
    return sum / 2
  }
}

extension DifferenceQuotients {
  /// Whether the function may be as steep as a slope within a distance shorter than any step: with that slope it would
  /// change over the shortest step as much as over any, and it does so, or rounding would hide it.
  fileprivate func leaps(beside slope: Double) -> Bool {
    func change(_ step: Step) -> Double { max(abs(step.above - value), abs(step.below - value)) }
    guard let finest = steps.last, slope.isFinite else { return false }
    var exact = self
    exact.floor = 0
    // Far away the function may have another size, so this uses the finest six steps, then more.
    var widest = 0.0
    for (number, step) in steps.reversed().enumerated() {
      widest = max(widest, change(step))
      guard number >= 5 || number == steps.count - 1 else { continue }
      let isSudden = change(finest) > 0.25 * widest || widest <= 4 * floor
      let isSteep = abs(slope) * max(finest.forward, finest.backward) > 0.25 * widest
      if isSudden && isSteep && widest > 16 * exact.noise(finest, .both) { return true }
    }
    return false
  }
}

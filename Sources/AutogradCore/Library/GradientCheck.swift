/// Gradients held against difference quotients of the function that they belong to, element by element and along directions.
///
/// It accuses a derivative only where it is sure: where the function is smooth, quotients at several sizes of steps agree on another slope
/// and nothing speaks for the derivative. What it cannot see it calls inconclusive.
package struct GradientCheck {
  /// At most this many elements of each input are varied, spread evenly.
  package static let elementsPerInput = 1000
  /// Elements that are looked at together.
  private static let probesTogether = 1024
  /// Disagreements at points where the function is not smooth that are looked at from nearby.
  private static let mostNeighbours = 64

  /// What came of one input.
  package struct Report: Sendable {
    package var result = CheckResult.passes
    package var isPassed = true
    package var isKink = false
    package var checked = 0
    /// The element that decided, or of those that agree the one that differs most.
    package var position: Int?
    package var finding: SlopeFinding?
    /// What decided is the direction through all elements.
    package var isAlongDirection = false
  }

  private struct Probe {
    var target: Int
    /// Nil for the direction through all elements of the input.
    var element: Int?
  }

  /// An input that is checked.
  fileprivate struct Target {
    var input: Int
    var elements: [Double]
    var slopes: [Double]
    /// The size of an element that is 0.
    var zeroScale: Double
    /// The largest change that the derivative says there is, by an element's own size.
    var largestChange: Double

    func scale(_ index: Int) -> Double { elements[index] == 0 ? zeroScale : abs(elements[index]) }
  }

  package var tolerance = CheckTolerance()
  /// The largest step; by default it follows the size of the element.
  package var step: Double?
  /// Evaluations of the function that may be made beyond the four that each element takes.
  package var closerLooks = Int.max

  private let evaluator: PointEvaluator
  private let derivatives: Plan
  private let inputs: [Tensor]
  private let varied: [Int]
  private let dependsOn: [Bool]
  /// Evaluations of the function that are made in any case.
  package let evaluations: Int

  /// - Parameters:
  ///   - function: one output, a scalar; everything is float64.
  ///   - derivatives: its gradient with respect to each of the checked inputs, then the sum of the sizes of its terms, then what the
  ///     rounding of all intermediate results adds up to.
  ///   - checked: which of the inputs.
  package init(
    function: Graph, derivatives: Graph, inputs: [Tensor], checked: [Int], interruption: Interruption?
  ) throws(GraphError) {
    self.inputs = inputs
    varied = checked
    let live = function.reachableNodes
    dependsOn = checked.map { live[Int(function.columns.producers[Int(function.columns.inputs[$0])])] }
    var evaluations = 0
    for (input, depends) in zip(checked, dependsOn) where depends && inputs[input].elementCount > 0 {
      evaluations += 4 * (min(inputs[input].elementCount, GradientCheck.elementsPerInput) + 1)
    }
    self.evaluations = evaluations
    self.derivatives = try Plan(derivatives, interruption: interruption)
    let moved = zip(checked, dependsOn).filter(\.1).map(\.0)
    evaluator = try PointEvaluator(function, inputs, varied: moved, points: evaluations, interruption)
  }

  package var work: Int { evaluator.plan.work }
  package var peakByteCount: Int { max(evaluator.peakByteCount, derivatives.peakByteCount) }
  /// The plans that run.
  package var plans: [Plan] { [evaluator.plan, derivatives] }

  /// - Returns: a report for each of the checked inputs.
  /// - Throws: what evaluating at the inputs themselves throws, and `interrupted`.
  package func run(_ interruption: Interruption?) throws(GraphError) -> [Report] {
    let results = try derivatives.run(inputs, interruption: interruption)
    let value = try evaluator.plan.run(inputs, interruption: interruption)[0].doubles[0]
    let targets = zip(varied, results).map { GradientCheck.target($0, inputs[$0], $1.doubles) }
    let size = results[results.count - 2].doubles[0]
    var run = Run(
      check: self, targets: targets, value: value, size: size.isFinite ? abs(size) : 0,
      rounding: results[results.count - 1].doubles[0], interruption: interruption, closerLooks: closerLooks)
    var reports = targets.map { _ in Report() }
    for (index, target) in targets.enumerated() where !dependsOn[index] {
      for element in GradientCheck.sampled(target.elements.count) {
        reports[index].add(independent(target.slopes[element]), at: element)
      }
    }
    var probes: [Probe] = []
    for (index, target) in targets.enumerated() where dependsOn[index] && !target.elements.isEmpty {
      probes += GradientCheck.sampled(target.elements.count).map { Probe(target: index, element: $0) }
      probes.append(Probe(target: index, element: nil))
    }
    for start in stride(from: 0, to: probes.count, by: GradientCheck.probesTogether) {
      let part = Array(probes[start..<min(start + GradientCheck.probesTogether, probes.count)])
      for (probe, finding) in zip(part, try run.findings(part)) { reports[probe.target].add(finding, at: probe.element) }
    }
    return reports
  }

  private static func sampled(_ count: Int) -> [Int] {
    let (whole, rest) = count.quotientAndRemainder(dividingBy: elementsPerInput)
    guard whole > 0 else { return Array(0..<count) }
    return (0..<elementsPerInput).map { $0 * whole + $0 * rest / elementsPerInput }
  }

  private static func target(_ input: Int, _ tensor: Tensor, _ slopes: [Double]) -> Target {
    let elements = tensor.doubles
    let largest = elements.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    var target = Target(
      input: input, elements: elements, slopes: slopes, zeroScale: largest > 0 ? largest : 1, largestChange: 0)
    for index in elements.indices {
      let change = abs(slopes[index]) * target.scale(index)
      if change.isFinite { target.largestChange = max(target.largestChange, change) }
    }
    return target
  }

  /// Nothing is to be evaluated where the function does not depend on an input.
  private func independent(_ slope: Double) -> SlopeFinding {
    SlopeFinding(abs(slope) <= tolerance.absolute ? .passes : .fails, .compared, analytic: slope, numeric: 0, uncertainty: 0)
  }
}

extension GradientCheck.Report {
  fileprivate mutating func add(_ found: SlopeFinding, at element: Int?) {
    if !found.isPassed { isPassed = false }
    if found.isKink { isKink = true }
    if element != nil { checked += 1 }
    let isWorse = rank(found.result) > rank(result)
    if isWorse { result = found.result }
    guard let element else {
      // The direction is shown only where it alone decides.
      if isWorse || finding == nil { (finding, position, isAlongDirection) = (found, nil, true) }
      return
    }
    guard let shown = finding, !isWorse, !isAlongDirection else {
      (finding, position, isAlongDirection) = (found, element, false)
      return
    }
    guard found.result == result else { return }
    if found.error > shown.error || found.error.isNaN { (finding, position) = (found, element) }
  }

  private func rank(_ result: CheckResult) -> Int {
    switch result {
    case .passes: 0
    case .inconclusive: 1
    case .fails: 2
    }
  }
}

// MARK: One run

extension GradientCheck {
  /// What the probes of one run share.
  private struct Run {
    let check: GradientCheck
    let targets: [Target]
    let value: Double
    let size: Double
    let rounding: Double
    let interruption: Interruption?
    var closerLooks: Int
    var neighbours = GradientCheck.mostNeighbours
    /// Whether the function is smooth along a direction through everything, once that has been looked at.
    var isSmooth: Bool?
    /// An element with a kink was seen: along a direction the kinks of several may cancel.
    var sawKink = false

    mutating func findings(_ probes: [Probe]) throws(GraphError) -> [SlopeFinding] {
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
      let x = probe.element.map { target.elements[$0] } ?? 0
      if let step = givenStep(probe) { return DifferenceQuotients.sizes(around: x, scales: [4 * step]) }
      return DifferenceQuotients.sizes(around: x, scales: [probe.element.map(target.scale) ?? 1, 1])
    }

    /// Two steps at which most functions are neither curved nor rounded much.
    private func firstLook(_ probe: Probe, _ sizes: [Double]) -> [Double] {
      let longest = givenStep(probe) ?? (probe.element.map(targets[probe.target].scale) ?? 1) / 64
      return Array(sizes.drop { $0 > longest }.prefix(2))
    }

    /// The longest step that was asked for, if any. Along a direction no element moves farther.
    private func givenStep(_ probe: Probe) -> Double? {
      guard let step = check.step, probe.element == nil else { return check.step }
      let largest = targets[probe.target].direction.reduce(0) { max($0, abs($1)) }
      return largest > 0 ? step / largest : step
    }

    private func points(_ probe: Probe, _ sizes: [Double], _ targets: [Target]) -> [CheckPoint] {
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

    private func quotients(
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

    private func slope(_ probe: Probe, _ targets: [Target]) -> Double {
      let target = targets[probe.target]
      return probe.element.map { target.slopes[$0] } ?? target.slopeAlongDirection
    }

    private func tolerance(_ probe: Probe) -> CheckTolerance {
      guard probe.element == nil else { return check.tolerance }
      // What each element may be off by, and what rounding the sum of all adds.
      var tolerance = check.tolerance
      let target = targets[probe.target]
      let each = tolerance.absolute + 8 * Double.leastNonzeroMagnitude
      tolerance.absolute = each * target.direction.reduce(0) { $0 + abs($1) } + (tolerance.relative + 1e-14) * target.sizeAlongDirection
      return tolerance
    }

    private func negligible(_ probe: Probe) -> Double {
      let target = targets[probe.target]
      return probe.element.map { 1e-8 * target.largestChange / target.scale($0) } ?? 0
    }

    private mutating func closerLook(_ probe: Probe, _ sizes: [Double]) throws(GraphError) -> SlopeFinding {
      let analytic = slope(probe, targets)
      closerLooks -= 2 * sizes.count
      guard closerLooks >= 0 else { return SlopeFinding(.inconclusive, .tooMuchWork, analytic: analytic, numeric: .nan) }
      var values = try check.evaluator.values(points(probe, sizes, targets), interruption)[...]
      let quotients = self.quotients(probe, sizes, &values, targets, value)
      let finding = quotients.finding(of: analytic, tolerance(probe), negligible: negligible(probe))
      if finding.isKink { sawKink = true }
      guard finding.result == .fails, analytic.isFinite, try !isSmoothAllAround(), neighbours > 0 else { return finding }
      // Beside a kink in some direction, conventions decide what the derivative is. One that is right nearby is not wrong here.
      neighbours -= 1
      var excused = finding
      excused.result = .inconclusive
      excused.cause = .kink(left: -.infinity, right: .infinity)
      excused.isKink = true
      return try nearbyFinding(probe, sizes).result == .fails ? finding : excused
    }

    /// A direction through all elements of all inputs.
    private var line: CheckLine {
      CheckLine(directions: zip(targets, check.dependsOn).filter(\.1).map { ($0.0.input, $0.0.direction) })
    }

    private mutating func isSmoothAllAround() throws(GraphError) -> Bool {
      if sawKink { return false }
      if let isSmooth { return isSmooth }
      let sizes = DifferenceQuotients.sizes(around: 0, scales: [1])
      let points = sizes.flatMap { [CheckPoint.line(line, $0), .line(line, -$0)] }
      var values = try check.evaluator.values(points, interruption)[...]
      let quotients = self.quotients(Probe(target: 0, element: nil), sizes, &values, targets, value)
      let smooth = quotients.side == .both && quotients.kink == nil && quotients.estimates(.both).count >= 3
      isSmooth = smooth
      return smooth
    }

    /// The same element a little farther on.
    private func nearbyFinding(_ probe: Probe, _ sizes: [Double]) throws(GraphError) -> SlopeFinding {
      var inputs = check.inputs
      for (input, direction) in line.directions { inputs[input] = inputs[input].moved(along: direction, 0x1p-20) }
      let results: [Tensor]
      let value: Double
      do throws(GraphError) {
        results = try check.derivatives.run(inputs, interruption: interruption)
        value = try check.evaluator.plan.run(inputs, interruption: interruption)[0].doubles[0]
      } catch {
        if error.code == .interrupted { throw error }
        return SlopeFinding(.inconclusive, .valueNotFinite(.nan), analytic: .nan, numeric: .nan)
      }
      let moved = zip(check.varied, results).map { GradientCheck.target($0, inputs[$0], $1.doubles) }
      // Steps that stay on this side of the kink.
      let near = sizes.filter { $0 <= 0x1p-24 * (probe.element.map { moved[probe.target].scale($0) } ?? 1) }
      var values: [Double] = []
      for point in points(probe, near, moved) {
        values.append(try check.evaluator.value(at: point, of: inputs, interruption))
      }
      var rest = values[...]
      let quotients = self.quotients(probe, near, &rest, moved, value)
      return quotients.finding(of: slope(probe, moved), tolerance(probe), negligible: negligible(probe))
    }
  }
}

extension GradientCheck.Target {
  /// A direction in which every element moves by about its own size: a power of 2, so that nothing rounds, with a sign as if by chance but
  /// the same in every run. Elements stay that have no finite derivative, or are so small that the steps would round.
  fileprivate var direction: [Double] {
    elements.indices.map { index in
      guard elements[index].isFinite, slopes[index].isFinite, scale(index) > 0x1p-960 else { return 0 }
      let hash = (UInt64(truncatingIfNeeded: index) &+ UInt64(truncatingIfNeeded: input) &* 7919 &+ 1) &* 0x9E37_79B9_7F4A_7C15
      let size = Double(sign: .plus, exponent: Int(scale(index).exponent) - Int(hash >> 62 & 1), significand: 1)
      return hash >> 63 == 0 ? size : -size
    }
  }

  fileprivate var slopeAlongDirection: Double {
    zip(slopes, direction).reduce(0) { $1.1 == 0 ? $0 : $0 + $1.0 * $1.1 }
  }

  fileprivate var sizeAlongDirection: Double {
    zip(slopes, direction).reduce(0) { $1.1 == 0 ? $0 : $0 + abs($1.0 * $1.1) }
  }
}

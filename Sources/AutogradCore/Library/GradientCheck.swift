/// Compares gradients with difference quotients of the function, element by element and along directions.
///
/// It reports a failure only if it is certain: the function is smooth, quotients at several step sizes agree on another
/// slope, and nothing supports the derivative. If it cannot decide, the result is inconclusive.
package struct GradientCheck {
  /// At most this many elements of each input are varied, spread evenly.
  package static let elementsPerInput = 1000
  /// Elements that are evaluated together.
  private static let probesTogether = 1024
  /// Maximum number of disagreements at non-smooth points that are also checked nearby.
  static let mostNeighbours = 64

  /// The result for one input.
  package struct Report: Sendable {
    package var result = CheckResult.passes
    package var isPassed = true
    package var isKink = false
    package var checked = 0
    /// The deciding element; if all agree, the one that differs most.
    package var position: Int?
    package var finding: SlopeFinding?
    /// Whether the direction through all elements decided.
    package var isAlongDirection = false
  }

  struct Probe {
    var target: Int
    /// Nil for the direction through all elements of the input.
    var element: Int?
  }

  /// An input that is checked.
  struct Target {
    var input: Int
    var elements: [Double]
    var slopes: [Double]
    /// The size assumed for an element that is 0.
    var zeroScale: Double
    /// The largest change that the derivative predicts if an element changes by its own size.
    var largestChange: Double

    func scale(_ index: Int) -> Double { elements[index] == 0 ? zeroScale : abs(elements[index]) }
  }

  package var tolerance = CheckTolerance()
  /// The largest step; nil chooses it by the size of the element.
  package var step: Double?
  /// Further evaluations of the function that may be made.
  package var closerLooks = Int.max

  let evaluator: PointEvaluator
  /// Plan for the numbers that the function rounds: their magnitudes, then the whole numbers, then the magnitudes of
  /// arguments of periodic functions.
  let rounded: Plan?
  /// Number of nodes that round.
  private let stairCount: Int
  let derivatives: Plan
  let inputs: [Tensor]
  let varied: [Int]
  let dependsOn: [Bool]
  /// Approximate number of evaluations that are made in any case.
  package let evaluations: Int
  /// Whether elements are confirmed together.
  let isGrouped: Bool

  /// - Parameters:
  ///   - function: one output, a scalar; everything is float64.
  ///   - derivatives: its gradient with respect to each of the checked inputs, then the sum of the magnitudes of its
  ///     terms, then the total rounding error of all intermediate results.
  ///   - checked: indices of the checked inputs.
  package init(
    function: Graph, derivatives: Graph, inputs: [Tensor], checked: [Int], interruption: Interruption?
  ) throws(GraphError) {
    self.inputs = inputs
    varied = checked
    let live = function.reachableNodes
    dependsOn = checked.map { live[Int(function.columns.producers[Int(function.columns.inputs[$0])])] }
    let counts = zip(checked, dependsOn).filter(\.1).map { inputs[$0.0].elementCount }.filter { $0 > 0 }
    isGrouped = counts.reduce(0) { $0 + min($1, GradientCheck.elementsPerInput) } >= GradientCheck.fewestGrouped
    evaluations =
      isGrouped
      ? GradientCheck.groupedEvaluations + 4 * counts.count { $0 > GradientCheck.elementsPerInput }
      : counts.reduce(0) { $0 + 4 * (min($1, GradientCheck.elementsPerInput) + 1) }
    self.derivatives = try Plan(derivatives, interruption: interruption)
    let moved = zip(checked, dependsOn).filter(\.1).map(\.0)
    (rounded, stairCount) = try GradientCheck.rounded(function, interruption)
    evaluator = try PointEvaluator(function, inputs, varied: moved, points: evaluations, interruption)
  }

  /// A graph of the largest argument of each rounding node, of all rounded numbers, and of the largest argument of each
  /// periodic function.
  private static func rounded(
    _ function: Graph, _ interruption: Interruption?
  ) throws(GraphError) -> (plan: Plan?, stairCount: Int) {
    let columns = function.columns
    let live = function.reachableNodes
    let builder = GraphBuilder(extending: function)
    var (sizes, stairs, periods): ([Value], [Value], [Value]) = ([], [], [])
    for node in 0..<NodeID(columns.nodeCount) where live[Int(node)] {
      let operands = columns.operandRange(node).map { builder.value(columns.operands[$0]) }
      guard let x = operands.first, x.dtype.isFloating, !x.shape.array.contains(0) else { continue }
      switch (columns.opcodes[Int(node)], columns.attributes(of: node)) {
      case (.floor, _), (.ceil, _), (.round, _), (.trunc, _):
        sizes.append(x)
        stairs.append(builder.value(ValueID(columns.firstResult[Int(node)])))
      // Its steps are as far apart as the divisor is large, and are looked at from up to 1 away.
      case (.remainder, _):
        sizes.append((x.applying("abs") + 1) / operands[1])
        stairs.append((x / operands[1]).applying("floor"))
      case (.cast, .dtype(let dtype)) where !dtype.isFloating:
        sizes.append(x)
        stairs.append(x.applying("trunc"))
      case (.sinc, _): periods.append(x)
      default: continue
      }
    }
    if sizes.isEmpty && periods.isEmpty { return (nil, 0) }
    func largest(_ values: [Value]) -> [Value] { values.map { $0.applying("abs").applying("max") } }
    let outputs = largest(sizes) + stairs + largest(periods)
    return (try Plan(try builder.graph(outputs: outputs), interruption: interruption), stairs.count)
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
    // At such sizes a step of 1 is hardly above rounding.
    let whole = try rounded?.run(inputs, interruption: interruption) ?? []
    run.hidesSteps = whole.prefix(stairCount).contains { !($0.doubles[0] < 0x1p45) }
    run.stairs = stairs(of: whole)
    // From there on all numbers are whole, and a function with an integer period has the same value at all of them.
    run.hidesPeriods = whole.dropFirst(2 * stairCount).contains { !($0.doubles[0] < 0x1p53) }
    var reports = targets.map { _ in Report() }
    for (index, target) in targets.enumerated() where !dependsOn[index] {
      for element in GradientCheck.sampled(target.elements.count) {
        reports[index].add(independent(target.slopes[element]), at: element)
      }
    }
    var probes: [Probe] = []
    for (index, target) in targets.enumerated() where dependsOn[index] && !target.elements.isEmpty {
      probes += GradientCheck.sampled(target.elements.count).map { Probe(target: index, element: $0) }
      // Groups are directions already; only elements outside of groups need another.
      if !isGrouped || target.elements.count > GradientCheck.elementsPerInput {
        probes.append(Probe(target: index, element: nil))
      }
    }
    if isGrouped {
      let (found, rest) = try run.confirmedTogether(probes)
      for (probe, finding) in found { reports[probe.target].add(finding, at: probe.element) }
      probes = rest
    }
    for start in stride(from: 0, to: probes.count, by: GradientCheck.probesTogether) {
      let part = Array(probes[start..<min(start + GradientCheck.probesTogether, probes.count)])
      for (probe, finding) in zip(part, try run.findings(part)) {
        reports[probe.target].add(finding, at: probe.element)
      }
    }
    return reports
  }

  /// The whole numbers to which the function rounds.
  func stairs(of rounded: [Tensor]) -> [[Double]] {
    rounded.dropFirst(stairCount).prefix(stairCount).map(\.doubles)
  }

  private static func sampled(_ count: Int) -> [Int] {
    let (whole, rest) = count.quotientAndRemainder(dividingBy: elementsPerInput)
    guard whole > 0 else { return Array(0..<count) }
    return (0..<elementsPerInput).map { $0 * whole + $0 * rest / elementsPerInput }
  }

  static func target(_ input: Int, _ tensor: Tensor, _ slopes: [Double]) -> Target {
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

  /// The finding for an input that the function does not depend on, without evaluations.
  private func independent(_ slope: Double) -> SlopeFinding {
    SlopeFinding(
      abs(slope) <= tolerance.absolute ? .passes : .fails, .compared, analytic: slope, numeric: 0, uncertainty: 0)
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
      // The direction is reported only if it alone decides.
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

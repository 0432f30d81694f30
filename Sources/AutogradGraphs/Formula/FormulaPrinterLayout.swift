import AutogradCore
import AutogradFormats

/// Which nodes of a graph or a function become statements of a formula, and which are written where they are used.
struct PrintedLayout {
  /// How a result is written.
  enum Standing {
    /// By its name.
    case named
    /// Where it is used.
    case inPlace
    /// By a name that the printer finds for it.
    case temporary
    /// Nothing takes it.
    case unused
  }

  let body: Int
  /// By result, counted from the body's first.
  private(set) var standings: [Standing]
  /// The nodes that are statements, in the order of the text.
  private(set) var statements: [Int] = []
  /// How many nodes that are written take a result.
  private var uses: [Int32]
  /// Results that cannot be written in place: outputs, and what `grad` differentiates by.
  private var needsName: [Bool]
  private var isLive: [Bool]
  private let firstResult: Int
  private let firstNode: Int

  /// Maximum number of brackets and signs that are open at once because values are written in place.
  private static let deepest = 64

  init(_ body: Int, of forms: PrintedForms) {
    let resolved = forms.resolved
    let written = resolved.source.bodies[body]
    self.body = body
    firstResult = written.results.lowerBound
    firstNode = written.nodes.lowerBound
    standings = Array(repeating: .unused, count: written.results.count)
    uses = Array(repeating: 0, count: written.results.count)
    needsName = Array(repeating: false, count: written.results.count)
    isLive = Array(repeating: false, count: written.nodes.count)
    let sorted = resolved.scopes[body].order ?? Array(written.nodes)
    count(sorted, resolved)
    place(sorted, forms)
    order(resolved)
  }

  func standing(_ result: Int) -> Standing { standings[result - firstResult] }

  /// Whether the result is written where it is used.
  func isInPlace(_ result: Int) -> Bool { standing(result) == .inPlace }

  /// The results that are outputs if none are listed.
  func defaultOutputs(_ source: GraphSource) -> [Int] {
    statements.flatMap { node in
      source.nodes[node].results.filter { uses[$0 - firstResult] == 0 && standing($0) != .unused }
    }
  }

  // MARK: Uses

  /// Counts uses from the end, so that nodes without a name that nothing needs are not counted.
  private mutating func count(_ sorted: [Int], _ resolved: ResolvedSource) {
    let source = resolved.source
    for output in resolved.outputs(of: body) {
      if let result = resolved.scopes[body].result(output) { needsName[result - firstResult] = true }
    }
    for index in sorted.reversed() {
      let node = source.nodes[index]
      let isNeeded = node.results.contains { result in
        !source.results[result].isNameless || uses[result - firstResult] > 0 || needsName[result - firstResult]
      }
      guard isNeeded else { continue }
      isLive[index - firstNode] = true
      for operand in node.operands {
        guard let result = resolved.result(operand, in: body) else { continue }
        uses[result - firstResult] += 1
        if node.role == .gradient, operand > node.operands.lowerBound { needsName[result - firstResult] = true }
      }
    }
  }

  // MARK: Places

  private mutating func place(_ sorted: [Int], _ forms: PrintedForms) {
    let source = forms.resolved.source
    // Brackets and signs within each result that is written in place.
    var depths = [Int](repeating: 0, count: standings.count)
    for index in sorted where isLive[index - firstNode] {
      let node = source.nodes[index]
      for result in node.results { standings[result - firstResult] = standing(result, of: node, source) }
      for operand in node.operands {
        guard let result = forms.resolved.result(operand, in: body), isInPlace(result) else { continue }
        let opened = forms.opens(operand, of: index, in: self)
        if depths[result - firstResult] + opened > PrintedLayout.deepest {
          standings[result - firstResult] = .temporary
        }
      }
      guard node.results.count == 1 else { continue }
      var depth = 0
      for operand in node.operands {
        guard let result = forms.resolved.result(operand, in: body), isInPlace(result) else { continue }
        depth = max(depth, depths[result - firstResult] + forms.opens(operand, of: index, in: self))
      }
      depths[node.results.lowerBound - firstResult] = depth
    }
  }

  private func standing(_ result: Int, of node: GraphSource.Node, _ source: GraphSource) -> Standing {
    guard source.results[result].isNameless else { return .named }
    let position = result - firstResult
    if needsName[position] { return .temporary }
    if node.results.count > 1 { return uses[position] == 0 ? .unused : .temporary }
    return uses[position] == 1 ? .inPlace : .temporary
  }

  // MARK: Order

  /// Statements in the order in which they were written, each behind those that it takes.
  private mutating func order(_ resolved: ResolvedSource) {
    let source = resolved.source
    var isDone = [Bool](repeating: false, count: isLive.count)
    var stack: [(node: Int, operand: Int)] = []
    for start in source.bodies[body].nodes where isStatement(start, source) && !isDone[start - firstNode] {
      isDone[start - firstNode] = true
      stack.append((start, source.nodes[start].operands.lowerBound))
      while let (node, operand) = stack.last {
        guard operand < source.nodes[node].operands.upperBound else {
          if isStatement(node, source) { statements.append(node) }
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].operand += 1
        guard let result = resolved.result(operand, in: body) else { continue }
        let taken = Int(resolved.producers[result])
        if isDone[taken - firstNode] { continue }
        isDone[taken - firstNode] = true
        stack.append((taken, source.nodes[taken].operands.lowerBound))
      }
    }
  }

  private func isStatement(_ node: Int, _ source: GraphSource) -> Bool {
    guard isLive[node - firstNode] else { return false }
    return source.nodes[node].results.contains { !isInPlace($0) }
  }
}

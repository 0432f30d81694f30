import AutogradCore
import AutogradFormats

/// Checks calls before anything is emitted: that the function exists, that there is no recursion, and how large the
/// graph becomes.
extension GraphAssembler {
  func checkCalls() throws(FormatError) {
    guard source.nodes.contains(where: { $0.role == .call }) else { return }
    var functions = NameTable(capacity: source.bodies.count)
    for body in source.bodies.dropFirst() { _ = functions.define(body.name) }
    for (node, written) in source.nodes.enumerated() where written.role == .call {
      callees[node] = try callee(of: node, functions)
    }
    try measure()
    let most = min(limits.nodes, builder.maximumNodes)
    guard scopes[0].size > most else { return }
    throw text.located(
      FormatError(
        .nodes,
        "with all calls expanded the graph has \(scopes[0].size) nodes, at most \(most) are allowed", at: "",
        most: most, value: scopes[0].size),
      at: .body(0))
  }

  private func callee(of node: Int, _ functions: NameTable) throws(FormatError) -> Int {
    let written = source.nodes[node]
    let attributes = written.attributes.map { source.attributes[$0] } ?? [:]
    if let other = attributes.keys.sorted().first(where: { $0 != CallOperation.attribute }) {
      let words = "call: has no attribute \(other); it takes \(CallOperation.attribute)"
      throw fault(FormatError(.unknownAttribute, words, at: ""), at: .attribute(other, ofNode: node), node: node)
    }
    guard case .text(var name)? = attributes[CallOperation.attribute] else {
      let words = "call: needs the attribute function: the name of one of the graph's functions, a string"
      throw fault(FormatError(.invalidAttribute, words, at: ""), at: .attributes(ofNode: node), node: node)
    }
    let known = name.withUTF8 { functions[SourceName(UnsafeRawBufferPointer($0))] }
    guard let known else {
      let words = "call: no function is called \(name.prefix(64))\(hint(for: name, functions))"
      let part = SourcePart.attribute(CallOperation.attribute, ofNode: node)
      throw fault(FormatError(.unknownName, words, at: ""), at: part, node: node)
    }
    try checkArity(of: node, calling: known + 1)
    return known + 1
  }

  private func hint(for name: String, _ functions: NameTable) -> String {
    if functions.count == 0 { return "; the graph has no functions" }
    let near = functions.hint(for: name)
    if !near.isEmpty { return near }
    let shown = (0..<min(functions.count, 8)).map { functions.name($0).string }.joined(separator: ", ")
    return "; the graph has \(shown)\(functions.count > 8 ? ", …" : "")"
  }

  private func checkArity(of node: Int, calling callee: Int) throws(FormatError) {
    let (written, scope, function) = (source.nodes[node], scopes[callee], source.bodies[callee].name.string)
    func list(_ numbers: some Collection<Int>) -> String {
      let names = numbers.prefix(8).map { scope.names.name($0).string }.joined(separator: ", ")
      return "\(numbers.count) (\(names)\(numbers.count > 8 ? ", …" : ""))"
    }
    guard written.operands.count == scope.firstConstant else {
      let words = "call: \(function) takes \(list(0..<scope.firstConstant)), got \(written.operands.count)"
      throw fault(FormatError(.wrongArity, words, at: ""), at: .operands(ofNode: node), node: node)
    }
    guard written.results.count == scope.outputs.count else {
      let words = "call: \(function) yields \(list(scope.outputs)); outputs has \(written.results.count)"
      throw fault(FormatError(.wrongArity, words, at: ""), at: .results(ofNode: node), node: node)
    }
  }

  // MARK: Growth

  /// Computes the number of nodes of each body with all calls expanded, callees first.
  /// - Throws: `cycle` if a function calls itself, directly or through others.
  private func measure() throws(FormatError) {
    enum Mark { case new, open, done }
    var marks = [Mark](repeating: .new, count: source.bodies.count)
    var stack: [(body: Int, node: Int)] = []
    for start in source.bodies.indices where marks[start] == .new {
      begin(start)
      while let top = stack.indices.last {
        let (body, node) = stack[top]
        guard node < source.bodies[body].nodes.upperBound else {
          marks[body] = .done
          stack.removeLast()
          continue
        }
        if let callee = callees[node] {
          switch marks[callee] {
          case .open: throw cycle(stack.map(\.body), back: callee)
          case .new:
            begin(callee)
            continue
          case .done: scopes[body].grow(by: scopes[callee].size)
          }
        }
        scopes[body].grow(by: source.size(of: node))
        stack[top].node += 1
      }
    }

    func begin(_ body: Int) {
      marks[body] = .open
      stack.append((body, source.bodies[body].nodes.lowerBound))
      // Each call also copies inputs and constants.
      scopes[body].size = scopes[body].firstResult / 16
    }
  }

  private func cycle(_ path: [Int], back: Int) -> FormatError {
    let loop = path[(path.firstIndex(of: back) ?? 0)...]
    let names = loop.prefix(8).map { source.bodies[$0].name.string } + (loop.count > 8 ? ["…"] : [])
    let words = (names + [source.bodies[back].name.string]).joined(separator: " -> ")
    return text.located(FormatError(.cycle, "functions call each other: \(words)", at: ""), at: .body(back))
  }

  // MARK: Operands

  func declaration(_ position: Int, of callee: Int) -> InputDeclaration? {
    source.bodies[callee].inputs.map { source.inputs[$0.lowerBound + position] }
  }

  /// The values that a function gets for its inputs, checked against its declarations.
  func callOperands(_ node: Int, _ callee: Int, _ label: Int32, base: Int) throws(FormatError) -> [Value] {
    let operands = try operands(of: node, label, base)
    let widest = widestDType(operands)
    var dimensions: [String: Int] = [:]
    var values: [Value] = []
    values.reserveCapacity(operands.count)
    for (position, operand) in operands.enumerated() {
      let declared = declaration(position, of: callee)
      let value: Value
      do throws(GraphError) {
        switch operand {
        case .value(let given): value = given
        case .weak(let number): value = builder.constant(try number.scalar(as: declared?.dtype ?? widest))
        }
      } catch {
        throw fault(
          FormatError(error, detail: "call: \(error.message)", at: ""), at: .operand(position, ofNode: node),
          label: label)
      }
      if let declared, let refusal = refusal(of: value, declared, &dimensions) {
        let words = "call: in \(source.bodies[callee].name.string) the input \(refusal.words)"
        throw fault(FormatError(refusal.code, words, at: ""), at: .operand(position, ofNode: node), label: label)
      }
      values.append(value)
    }
    return values
  }

  private func refusal(of value: Value, _ declared: InputDeclaration, _ dimensions: inout [String: Int])
    -> (code: FormatError.Code, words: String)?
  {
    if let dtype = declared.dtype, dtype != value.dtype {
      return (.dtypeMismatch, "\(declared.name.string) is declared as \(dtype), got \(value.dtype); cast it")
    }
    return declared.refusal(of: value.shape, &dimensions).map { (.shapeMismatch, $0) }
  }
}

extension Scope {
  /// Saturates: sizes beyond all limits need not be distinguished.
  fileprivate mutating func grow(by more: Int) {
    let (sum, overflow) = size.addingReportingOverflow(more)
    size = overflow ? .max : sum
  }
}

extension GraphSource {
  /// A node counts as one, or more if it has many operands, results or long attributes, as ``GraphBuilder`` counts.
  fileprivate func size(of node: Int) -> Int {
    let written = nodes[node]
    let long = written.attributes.map { attributes[$0].values.reduce(0) { $0 + $1.elementCount } } ?? 0
    return 1 + written.operands.count / 16 + written.results.count / 4 + long / 16
  }
}

extension AttributeValue {
  /// Number of elements in the attribute.
  fileprivate var elementCount: Int {
    switch self {
    case .null, .boolean, .integer, .number, .tensor: 1
    case .text(let text), .other(let text): text.utf8.count
    case .integers(let list): list.count
    case .numbers(let list): list.count
    case .integerLists(let lists): lists.reduce(lists.count) { $0 + $1.count }
    }
  }
}

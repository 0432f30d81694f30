import AutogradCore
import AutogradFormats

/// Reads a formula into drafts of a graph and its functions. The grammar is in docs/formulas.md.
///
/// Nested expressions wait on a stack of the parser's own, so the text does not control the depth of recursion. Each
/// token is looked at a fixed number of times.
struct FormulaParser {
  let bytes: FormulaBytes
  let limits: GraphLimits
  var lexer: FormulaLexer
  /// The token that is read next, and the one before it.
  var token: FormulaToken
  var previous = FormulaToken(kind: .end, start: 0, end: 0)

  /// The graph or the function that is being read.
  var draft = FormulaDraft()
  /// The graph, while a function is read.
  var outer: FormulaDraft?
  var functions: [FormulaDraft] = []
  var functionNames = NameTable()
  /// Operations called so far, by the name that a function might take later.
  var calledOperations = NameTable()

  /// The expression without a name that the last statement was.
  var lastExpression: (name: SourceName, place: Int)?
  /// Nodes of the graph and all functions.
  var nodeCount = 0
  /// Names of results so far.
  var resultCount = 0

  var literals = FormulaLiterals()
  /// Tensors with a dtype that are operands: their literals, and where they stand.
  var tensors: [(literal: Int, place: Int)] = []
  var numbers: [WeakNumber] = []
  /// Lists without a dtype that are operands: their literals.
  var lists: [Int] = []

  var pending: [FormulaPending] = []
  /// The operands so far of all calls that are open.
  var arguments: [FormulaPiece] = []
  /// Parentheses that are open round the next token.
  var openBrackets = 0
  /// Brackets, signs and right sides of `**` that are open.
  var depth = 0

  static let greatestDepth = 256

  init(_ bytes: FormulaBytes, limits: GraphLimits) throws(FormatError) {
    self.bytes = bytes
    self.limits = limits
    lexer = FormulaLexer(bytes)
    token = FormulaToken(kind: .end, start: 0, end: 0)
    token = try lexer.next()
  }

  // MARK: Tokens

  mutating func advance() throws(FormatError) {
    previous = token
    token = try lexer.next()
  }

  mutating func expect(_ kind: FormulaToken.Kind, _ what: @autoclosure () -> String) throws(FormatError) {
    guard token.kind == kind else { throw unexpected(what()) }
    try advance()
  }

  /// The name of a token that is one.
  mutating func name(_ token: FormulaToken) throws(FormatError) -> SourceName {
    var name = SourceName(bytes.slice(token.start, token.end))
    if token.isQuoted {
      name = SourceName(bytes.slice(token.start + 1, token.end - 1))
      if name.bytes.contains(UInt8(ascii: "`")) { name = unescaped(name) }
    }
    if let refusal = NameTable.refusal(of: name) { throw bytes.fault(.wrongType, token.start, refusal) }
    return name
  }

  /// Two backticks are one.
  private func unescaped(_ name: SourceName) -> SourceName {
    var copy: [UInt8] = []
    var isSecond = false
    for byte in name.bytes {
      isSecond = byte == UInt8(ascii: "`") && !isSecond
      if byte != UInt8(ascii: "`") || isSecond { copy.append(byte) }
    }
    return bytes.name(copying: copy)
  }

  // MARK: Depth

  mutating func deepen(at place: Int) throws(FormatError) {
    depth += 1
    guard depth > FormulaParser.greatestDepth else { return }
    throw bytes.fault(
      .tooDeep, place,
      "more than \(FormulaParser.greatestDepth) brackets, signs and powers are open here; give a part a name of its own"
    )
  }

  /// Stops at the limit of names in any one list, before more is stored.
  func checkCount(_ count: Int, _ what: String, at place: Int) throws(FormatError) {
    guard count > limits.nodes else { return }
    throw FormatError(
      .nodes, "there are more than \(limits.nodes) \(what), which is the limit", most: limits.nodes, value: count
    ).at(bytes.pointer, TextPlace(place, in: bytes.text))
  }

  // MARK: Nodes

  /// Adds a node whose results are not named yet.
  mutating func add(
    _ operation: any Operation, _ operands: [FormulaPiece], attributes: Int? = nil,
    places: [(name: String, place: Int)] = [], at place: Int
  ) throws(FormatError) -> Int {
    settle()
    nodeCount += 1
    try checkCount(nodeCount, "nodes", at: place)
    let first = draft.operands.count
    for piece in operands {
      draft.operands.append(operand(piece))
      draft.operandSpans.append(piece.span)
    }
    let result = draft.results.count
    draft.nodes.append(
      FormulaDraft.Node(
        operation: operation, operands: first..<draft.operands.count, results: result..<result, attributes: attributes,
        attributePlaces: places, place: place))
    return draft.nodes.count - 1
  }

  private mutating func operand(_ piece: FormulaPiece) -> GraphSource.Operand {
    switch piece.kind {
    case .name(let name):
      draft.use(name, at: piece.span.lowerBound)
      return .name(name)
    case .number(let digits, let isNegative):
      numbers.append(weakNumber(digits, isNegative: isNegative))
      return .number(numbers.count - 1)
    case .nonFinite(let isNegative, let isNaN):
      numbers.append(WeakNumber(isNaN ? .nan : isNegative ? -.infinity : .infinity))
      return .number(numbers.count - 1)
    case .truth(let truth): return .truth(truth)
    case .list(let literal):
      lists.append(literal)
      return .literal(lists.count - 1)
    case .typed(let literal):
      tensors.append((literal, piece.span.lowerBound))
      return .tensor(tensors.count - 1)
    case .node(let node): return .name(draft.results[draft.nodes[node].results.lowerBound])
    }
  }

  private func weakNumber(_ digits: Range<Int>, isNegative: Bool) -> WeakNumber {
    let written = bytes.slice(digits.lowerBound, digits.upperBound)
    // Most numbers are written as in JSON.
    if !isNegative, written.allSatisfy({ $0 &- UInt8(ascii: "0") <= 9 }) {
      return WeakNumber(NumberToken(text: written))
    }
    let number = ByteBuffer(capacity: 64)
    if isNegative { number.append(UInt8(ascii: "-")) }
    FormulaLiterals.write(written, to: number)
    return withExtendedLifetime(number) { WeakNumber(NumberToken(text: number.bytes)) }
  }

  /// Gives the last node a nameless result, unless its results have names.
  mutating func settle() {
    guard let last = draft.nodes.indices.last, draft.nodes[last].results.isEmpty else { return }
    nameResults(of: last, [(nameless(), draft.nodes[last].place)])
  }

  mutating func nameResults(of node: Int, _ results: [(name: SourceName, place: Int)]) {
    let first = draft.results.count
    for result in results {
      draft.results.append(result.name)
      draft.resultPlaces.append(result.place)
    }
    draft.nodes[node].results = first..<draft.results.count
  }

  mutating func nameless() -> SourceName {
    draft.namelessCount += 1
    return bytes.name(copying: Array("_\(draft.namelessCount)".utf8))
  }
}

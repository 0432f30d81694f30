import AutogradCore
import AutogradFormats

/// Statements, and the names that they define.
extension FormulaParser {
  /// Reads statements up to the end of the text, or of the function that is being read.
  mutating func readStatements() throws(FormatError) {
    var isFirst = true
    while true {
      var isSeparated = isFirst
      while token.kind == .semicolon {
        isSeparated = true
        try advance()
      }
      if token.kind == .end || (outer != nil && token.kind == .closeBrace) { return }
      if !isSeparated, !token.followsLineEnd { throw unexpected("the end of the statement") }
      if !isSeparated, token.kind.prefix != nil {
        throw bytes.fault(
          token.start,
          "a line that begins with \(bytes.text(of: token)) does not go on with the line above: put the operator at "
            + "the end of that line, or parentheses round the expression; or ; between, for a statement of its own")
      }
      if draft.outputs != nil { throw bytes.fault(token.start, "return stands last: nothing may follow it") }
      try readStatement()
      isFirst = false
    }
  }

  private mutating func readStatement() throws(FormatError) {
    lastExpression = nil
    guard token.kind == .name else { return try readExpressionStatement() }
    if bytes.isWord("return", token) { return try readReturn() }
    if bytes.isWord("def", token) { return try readFunction() }
    let next = try lexer.peek()
    if !next.followsLineEnd, next.kind == .name {
      if bytes.isWord("input", token) { return try readInput() }
      if bytes.isWord("const", token) { return try readConstant() }
    }
    let isAssignment = !next.followsLineEnd && (next.kind == .assign || next.kind == .comma)
    if isAssignment { try readAssignment() } else { try readExpressionStatement() }
  }

  private mutating func readExpressionStatement() throws(FormatError) {
    let start = token.start
    let piece = try readExpression()
    if token.kind == .assign, !token.followsLineEnd {
      throw bytes.fault(
        token.start,
        piece.isCall
          ? "what stands left of = is a name; a function is written def f(x) { … }"
          : "what stands left of = is a name or names with commas between")
    }
    let name = bytes.name(copying: Array("result".utf8))
    if let number = draft.names[name], draft.known[number].kind == .value {
      let line = TextPlace(draft.known[number].place, in: bytes.text).line
      throw bytes.fault(
        .duplicateName, start,
        "an expression without a name is called result, and there is one on line \(line); give it a "
          + "name, as in y = …")
    }
    try bind(piece, to: [(name, start)])
    lastExpression = (name, start)
  }

  private mutating func readAssignment() throws(FormatError) {
    var targets: [(name: SourceName?, place: Int)] = []
    while true {
      guard token.kind == .name, targets.isEmpty || !token.followsLineEnd else { throw unexpected("a name") }
      if bytes.isWord("_", token) {
        targets.append((nil, token.start))
      } else {
        try bytes.refuseReserved(token)
        targets.append((try name(token), token.start))
      }
      resultCount += 1
      try checkCount(resultCount, "results", at: token.start)
      try advance()
      if token.kind == .assign { break }
      guard token.kind == .comma, !token.followsLineEnd else { throw unexpected("=") }
      try advance()
    }
    try advance()
    let piece = try readExpression()
    if targets.count > 1, !piece.isCall {
      throw bytes.fault(
        targets[1].place,
        "several names take the results of a call, as in a, b = split(x, …); values are not put together with commas")
    }
    try bind(piece, to: targets)
  }

  /// Gives a value its names; nil is `_`.
  private mutating func bind(_ piece: FormulaPiece, to targets: [(name: SourceName?, place: Int)]) throws(FormatError) {
    let node: Int
    switch piece.kind {
    case .node(let open): node = open
    case .name: node = try add(FormulaParser.identity, [piece], at: piece.span.lowerBound)
    default:
      node = try add(FormulaParser.constant, [], at: piece.span.lowerBound)
      draft.nodes[node].value = literal(piece)
    }
    for target in targets { if let name = target.name { try define(name, .value, at: target.place) } }
    nameResults(of: node, targets.map { ($0.name ?? nameless(), $0.place) })
  }

  /// The literal of a value that is neither a name nor a node.
  private mutating func literal(_ piece: FormulaPiece) -> Int {
    switch piece.kind {
    case .list(let literal), .typed(let literal): return literal
    default: break
    }
    let index = literals.begin()
    switch piece.kind {
    case .number(let digits, let isNegative):
      literals.append(number: bytes.slice(digits.lowerBound, digits.upperBound), isNegative: isNegative)
    case .nonFinite(let isNegative, let isNaN): literals.append(nonFinite: isNaN, isNegative: isNegative)
    case .truth(let truth): literals.json.append(truth ? "true" : "false")
    case .list, .typed, .name, .node: literals.json.append("null")
    }
    return index
  }

  // MARK: Names

  mutating func define(_ name: SourceName, _ kind: FormulaDraft.Known.Kind, at place: Int) throws(FormatError) {
    if let refusal = NameTable.refusal(of: name) { throw bytes.fault(.wrongType, place, refusal) }
    guard let number = draft.names[name] else {
      _ = draft.names.define(name)
      draft.known.append(FormulaDraft.Known(kind: kind, place: place))
      return
    }
    let known = draft.known[number]
    let line = TextPlace(known.place, in: bytes.text).line
    let what =
      switch known.kind {
      case .used:
        outer == nil
          ? "is used on line \(line), so it is an input; a name is defined once, and before it is used"
          : "is used on line \(line), before it is defined"
      case .input: "is already an input, on line \(line)"
      case .constant: "is already a constant, on line \(line)"
      case .value: "is already defined on line \(line)"
      }
    throw bytes.fault(.duplicateName, place, "\(name.string) \(what); choose another name")
  }

  /// A name that is free to be defined, at the next token.
  mutating func readNewName(_ what: String) throws(FormatError) -> (name: SourceName, place: Int) {
    guard token.kind == .name else { throw unexpected(what) }
    try bytes.refuseReserved(token)
    let found = (try name(token), token.start)
    try advance()
    return found
  }

  // MARK: Declarations

  private mutating func readInput() throws(FormatError) {
    try advance()
    if outer != nil {
      throw bytes.fault(previous.start, "a function has no input lines: its inputs stand in def f(x, y)")
    }
    let (name, place) = try readNewName("the name of an input")
    var declaration = InputDeclaration(name: name)
    if token.kind == .colon, !token.followsLineEnd {
      try advance()
      try readType(&declaration)
    }
    var literal: Int?
    if token.kind == .assign {
      try advance()
      literal = try readStandaloneLiteral("a default is a number, a list or a tensor")
    }
    try checkCount(draft.inputs.count + 1, "declared inputs", at: place)
    try define(name, .input, at: place)
    draft.inputs.append(FormulaDraft.Input(declaration: declaration, literal: literal, place: place))
  }

  private mutating func readConstant() throws(FormatError) {
    try advance()
    let (name, place) = try readNewName("the name of a constant")
    try expect(.assign, "= and the constant")
    let literal = try readStandaloneLiteral("a constant is a number, a list or a tensor")
    try checkCount(draft.constants.count + 1, "constants", at: place)
    try define(name, .constant, at: place)
    draft.constants.append((name, literal, place))
  }

  /// `float64`, `float64[n, 3]`, `[n, _]`
  private mutating func readType(_ declaration: inout InputDeclaration) throws(FormatError) {
    if token.kind == .name, !token.isQuoted {
      guard let dtype = DType(name: bytes.text(of: token)) else {
        let known = DType.allCases.map(\.name).joined(separator: ", ")
        let written = bytes.text(of: token)
        throw bytes.fault(
          token.start, "a dtype is one of \(known), got \(written.prefix(64))\(DTypeText.hint(for: written))")
      }
      declaration.dtype = dtype
      try advance()
      guard token.kind == .openBracket, !token.followsLineEnd else { return }
    }
    let open = token.start
    try expect(.openBracket, "a dtype or a shape in brackets")
    var dimensions: [InputDeclaration.Dimension] = []
    while token.kind != .closeBracket {
      if !dimensions.isEmpty {
        if token.kind == .end { throw unclosed("[", open) }
        try expect(.comma, ", or ]")
      }
      let place = token.start
      dimensions.append(try readDimension(open))
      try checkRank(dimensions.count, "the declared shape has more", at: place)
    }
    try advance()
    declaration.shape = dimensions
  }

  func checkRank(_ count: Int, _ words: String, at place: Int) throws(FormatError) {
    guard count > Shape.maximumRank else { return }
    throw FormatError(
      .rank, "\(words) than \(Shape.maximumRank) axes, which is the limit", most: Shape.maximumRank, value: count
    ).at(bytes.pointer, TextPlace(place, in: bytes.text))
  }

  private mutating func readDimension(_ open: Int) throws(FormatError) -> InputDeclaration.Dimension {
    switch token.kind {
    case .number:
      let size = try integer(token)
      try advance()
      return .size(size)
    case .name:
      if bytes.isWord("_", token) {
        try advance()
        return .any
      }
      try bytes.refuseReserved(token)
      let name = try name(token)
      try advance()
      return .named(name.string)
    case .end: throw unclosed("[", open)
    default: throw unexpected("a size, a name or _")
    }
  }

  private mutating func readReturn() throws(FormatError) {
    try advance()
    var outputs: [(name: SourceName, place: Int)] = []
    var seen = NameTable()
    while true {
      guard token.kind == .name, !token.followsLineEnd else {
        throw unexpected("a name: return takes names of values")
      }
      try bytes.refuseReserved(token)
      let behind = try lexer.peek()
      let isAlone = behind.followsLineEnd || [.comma, .semicolon, .closeBrace, .end].contains(behind.kind)
      guard isAlone || behind.kind == .name else {
        throw bytes.fault(
          token.start,
          "return takes names of values, and what begins here is an expression; give it a name above, as in "
            + "r = \(bytes.text(of: token))\(bytes.text(of: behind).prefix(8)) … and then return r")
      }
      let name = try name(token)
      guard draft.names[name] != nil else {
        let words =
          "no value above is called \(name.brief)\(draft.names.hint(for: name.string)); return takes names, and an "
          + "expression alone is a formula without it"
        throw bytes.fault(.unknownName, token.start, words)
      }
      guard seen.define(name) else {
        throw bytes.fault(.duplicateName, token.start, "\(name.brief) is returned twice")
      }
      outputs.append((name, token.start))
      try advance()
      guard token.kind == .comma, !token.followsLineEnd else { break }
      try advance()
    }
    draft.outputs = outputs
  }

  static let identity: any Operation = CallOperation.operation(named: "identity") ?? CallOperation.shared
  static let constant: any Operation = CallOperation.operation(named: "constant") ?? CallOperation.shared
}

extension SourceName {
  /// Whether it is `_1`, `_2`, …, which JSON and formulas take for no name.
  package var isNameless: Bool {
    bytes.count > 1 && bytes[0] == UInt8(ascii: "_") && bytes.dropFirst().allSatisfy { $0 &- UInt8(ascii: "0") <= 9 }
  }
}

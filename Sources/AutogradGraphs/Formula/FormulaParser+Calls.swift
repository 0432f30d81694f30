import AutogradCore
import AutogradFormats

/// A call whose operands are being read.
struct FormulaCall {
  let operation: any Operation
  /// The function of the formula that is called; nil for an operation.
  let function: SourceName?
  let place: Int
  let open: Int
  /// Where its operands begin among those of all open calls.
  let firstArgument: Int
}

/// Calls of operations and functions, and tensors with a dtype.
extension FormulaParser {
  /// - Returns: nil if operands are still to come.
  mutating func readCall() throws(FormatError) -> FormulaPiece? {
    let head = token
    if !head.isQuoted, DType(name: bytes.text(of: head)) != nil { return try readTyped() }
    if !head.isQuoted, FormulaHints.isWordBeforeParenthesis(bytes.text(of: head)) { try bytes.refuseReserved(head) }
    let called = try callee(head)
    try advance()
    let call = FormulaCall(
      operation: called.operation, function: called.function, place: head.start, open: token.start,
      firstArgument: arguments.count)
    try deepen(at: token.start)
    pending.append(.call(call))
    openBrackets += 1
    try advance()
    if token.kind == .closeParenthesis { return try close(call) }
    return isAttribute(try lexer.peek()) ? try close(call) : nil
  }

  private mutating func callee(_ head: FormulaToken) throws(FormatError) -> (
    operation: any Operation, function: SourceName?
  ) {
    let name = try name(head)
    if functionNames[name] != nil { return (CallOperation.shared, name) }
    if let draft = outer.map({ _ in self.draft }), draft.name.string == name.string {
      throw bytes.fault(.cycle, head.start, "the function \(name.string) calls itself; functions have no recursion")
    }
    let written = name.string
    if let operation = CallOperation.operation(named: written) {
      _ = calledOperations.define(name)
      return (operation, nil)
    }
    let mend =
      mendOfLaterDefinition(name) ?? FormulaHints.call(written) ?? mendOfDefinition() ?? mendOfElement(name, written)
      ?? (functionNames.hint(for: written).isEmpty ? nil : String(functionNames.hint(for: written).dropFirst(2)))
      ?? OpCatalog.hint(for: String(written.prefix(64)))
      ?? "GET /v1/operations lists all, and def \(written.prefix(64))(x) { … } makes a function"
    throw bytes.fault(.unknownOperation, head.start, "no operation is called \(name.brief); \(mend)")
  }

  /// `f(x) = …`
  private func mendOfDefinition() -> String? {
    var copy = lexer
    var open = 0
    while let token = try? copy.next(), token.kind != .end {
      if token.kind == .openParenthesis { open += 1 }
      if token.kind == .closeParenthesis { open -= 1 }
      if open == 0 { return (try? copy.next())?.kind == .assign ? FormulaHints.function : nil }
    }
    return nil
  }

  /// A function that is defined below.
  private func mendOfLaterDefinition(_ name: SourceName) -> String? {
    var (copy, before) = (lexer, token)
    while let token = try? copy.next(), token.kind != .end {
      if bytes.isWord("def", before), token.kind == .name, bytes.slice(token.start, token.end).elementsEqual(name.bytes)
      {
        return "the function is defined below: write it above"
      }
      before = token
    }
    return nil
  }

  /// `x(1)`, `x(:, 1)`, `x(end)`
  private func mendOfElement(_ name: SourceName, _ written: String) -> String? {
    var copy = lexer
    _ = try? copy.next()
    let first = try? copy.next()
    let isIndex = first.map { $0.kind == .number || $0.kind == .colon || bytes.isWord("end", $0) } ?? false
    guard draft.names[name] != nil || (isIndex && OpCatalog.hint(for: written) == nil) else { return nil }
    return "an element of a value is written in brackets: \(written.prefix(64))[0] is the first"
  }

  /// Whether the next token is the name of an attribute.
  private func isAttribute(_ following: FormulaToken) -> Bool { token.kind == .name && following.kind == .assign }

  /// After an operand of a call.
  /// - Returns: the call if it is complete.
  mutating func readNextArgument(_ piece: FormulaPiece, _ call: FormulaCall) throws(FormatError) -> FormulaPiece? {
    arguments.append(piece)
    try checkCount(arguments.count, "operands", at: piece.span.lowerBound)
    if token.kind == .end { throw unclosed("(", call.open) }
    if token.kind == .comma {
      try advance()
      if token.kind != .closeParenthesis, !isAttribute(try lexer.peek()) { return nil }
    } else if token.kind != .closeParenthesis {
      throw unexpected(", or )")
    }
    return try close(call)
  }

  /// Reads the attributes and the closing parenthesis.
  private mutating func close(_ call: FormulaCall) throws(FormatError) -> FormulaPiece {
    var attributes: Int?
    var places: [(name: String, place: Int)] = []
    if token.kind == .name { attributes = try readAttributes(call, &places) }
    if token.kind == .end { throw unclosed("(", call.open) }
    try expect(.closeParenthesis, attributes == nil ? ", or )" : "an attribute or )")
    pending.removeLast()
    openBrackets -= 1
    depth -= 1
    if let function = call.function {
      attributes = literals.begin()
      literals.json.append("{\"function\": ")
      literals.json.appendJSONString(function.bytes)
      literals.json.append("}")
      places = [("function", call.place)]
    }
    let operands = Array(arguments[call.firstArgument...])
    arguments.removeLast(arguments.count - call.firstArgument)
    if call.operation.reference.name == "grad" { try checkTargets(operands) }
    let node = try add(call.operation, operands, attributes: attributes, places: places, at: call.place)
    var piece = FormulaPiece(.node(node), call.place..<previous.end)
    piece.isCall = true
    return piece
  }

  /// `grad` differentiates by names: a value that was just made is no variable of the first operand.
  private func checkTargets(_ operands: [FormulaPiece]) throws(FormatError) {
    for operand in operands.dropFirst() {
      if case .name = operand.kind { continue }
      let written = bytes.string(operand.span.lowerBound, operand.span.upperBound).prefix(40)
      throw bytes.fault(
        operand.span.lowerBound,
        "grad differentiates by names, and \(written) is a new value that the first operand does not depend on; take "
          + "the part of the gradient instead, as in grad(loss, x)[0]")
    }
  }

  // MARK: Attributes

  private mutating func readAttributes(
    _ call: FormulaCall, _ places: inout [(name: String, place: Int)]
  ) throws(FormatError) -> Int {
    if let function = call.function {
      throw bytes.fault(
        .unknownAttribute, token.start, "\(function.string) is a function of the formula and takes operands only")
    }
    let literal = literals.begin()
    literals.json.append("{")
    while token.kind == .name {
      guard isAttribute(try lexer.peek()) else {
        throw bytes.fault(token.start, "operands stand before attributes: an attribute is written name=value")
      }
      let name = try name(token)
      // No operation has as many, and each is compared with all before.
      guard places.count < 64 else {
        throw bytes.fault(
          .unknownAttribute, token.start, "\(call.operation.reference.name): has no more than a few attributes")
      }
      if places.contains(where: { $0.name == name.string }) {
        throw bytes.fault(.duplicateKey, token.start, "the attribute \(name.string) is given twice")
      }
      if !places.isEmpty { literals.json.append(", ") }
      places.append((name.string, token.start))
      literals.json.appendJSONString(name.bytes)
      literals.json.append(": ")
      try advance()
      try advance()
      try readAttributeValue()
      guard token.kind == .comma else { break }
      try advance()
    }
    literals.json.append("}")
    return literal
  }

  /// A literal, or the name of a function.
  private mutating func readAttributeValue() throws(FormatError) {
    guard token.kind == .name, !FormulaHints.isLiteralWord(bytes.text(of: token)) || token.isQuoted else {
      return try readLiteral(.attribute)
    }
    if !token.isQuoted, DType(name: bytes.text(of: token)) != nil {
      if try lexer.peek().kind == .openParenthesis { return try readLiteral(.attribute) }
      throw bytes.fault(token.start, "a dtype as an attribute stands in quotes: \"\(bytes.text(of: token))\"")
    }
    if bytes.isWord("None", token) { throw bytes.fault(token.start, "None is written null in attributes") }
    try bytes.refuseReserved(token)
    let function = try name(token)
    literals.json.appendJSONString(function.bytes)
    try advance()
  }

  // MARK: Tensors with a dtype

  private mutating func readTyped() throws(FormatError) -> FormulaPiece {
    let start = token.start
    let literal = literals.begin()
    try readTypedLiteral()
    return FormulaPiece(.typed(literal), start..<previous.end)
  }

  /// `int64([0, 2])`, `float32("…", shape=[3])`
  mutating func readTypedLiteral() throws(FormatError) {
    let dtype = bytes.text(of: token)
    try advance()
    let open = token.start
    try expect(.openParenthesis, "(")
    literals.json.append("{\"dtype\": \"\(dtype)\", ")
    let isEncoded = token.kind == .text
    if isEncoded { literals.json.append("\"encoding\": \"base64\", ") }
    literals.json.append("\"data\": ")
    let isOther =
      token.kind == .name && !FormulaHints.isLiteralWord(bytes.text(of: token)) || token.kind == .openParenthesis
    if isOther {
      throw bytes.fault(
        token.start, "\(dtype)(…) is a tensor of numbers; a value is converted by cast(x, dtype=\"\(dtype)\")")
    }
    try readLiteral(.tensor)
    if token.kind.binary != nil {
      throw bytes.fault(
        token.start, "\(dtype)(…) is a tensor of numbers; a value is converted by cast(x, dtype=\"\(dtype)\")")
    }
    if token.kind == .comma {
      try advance()
      guard bytes.isWord("shape", token) else { throw unexpected("shape=") }
      try advance()
      try expect(.assign, "=")
      literals.json.append(", \"shape\": ")
      guard token.kind == .openBracket else { throw unexpected("a shape in brackets") }
      try readList(.attribute)
    }
    literals.json.append("}")
    if token.kind == .end { throw unclosed("(", open) }
    try expect(.closeParenthesis, ", or )")
  }
}

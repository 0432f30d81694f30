import AutogradCore
import AutogradFormats

/// Literals: numbers, texts, lists and tensors, written into ``literals`` as JSON.
extension FormulaParser {
  /// Where a literal stands decides what it may hold.
  enum LiteralUse {
    /// An operand: numbers, true and false, lists of them.
    case value
    /// The data of a tensor: the same, or a text in base64.
    case tensor
    /// An attribute: anything.
    case attribute
    /// A default or a constant: what an operand may be, or a tensor with a dtype.
    case standalone
  }

  /// - Returns: the index of the literal.
  mutating func readStandaloneLiteral(_ what: String) throws(FormatError) -> Int {
    let index = literals.begin()
    let isLiteral =
      switch token.kind {
      case .number, .minus, .openBracket: true
      case .name: FormulaHints.isLiteralWord(bytes.text(of: token)) || DType(name: bytes.text(of: token)) != nil
      default: false
      }
    guard isLiteral, !token.isQuoted, !bytes.isWord("null", token) else { throw unexpected("a literal: \(what)") }
    try readLiteral(.standalone)
    if token.kind.binary != nil, !token.followsLineEnd {
      throw bytes.fault(token.start, "\(what), written out; what is computed is a value: leave the word const away")
    }
    return index
  }

  mutating func readLiteral(_ use: LiteralUse) throws(FormatError) {
    switch token.kind {
    case .minus, .number: try readSignedLiteral()
    case .openBracket: try readList(use == .standalone ? .value : use)
    case .text:
      guard use == .attribute || use == .tensor else { throw textAsOperand() }
      literals.append(text: bytes.slice(token.start, token.end))
      try advance()
    case .name: try readLiteralWord(use)
    case .openParenthesis where use == .attribute:
      throw bytes.fault(token.start, "an attribute with several values is a list: axis=[0, 1]")
    default: throw unexpected("a literal")
    }
  }

  private mutating func readSignedLiteral() throws(FormatError) {
    let isNegative = token.kind == .minus
    if isNegative { try advance() }
    if isNegative, bytes.isWord("Infinity", token) || bytes.isWord("NaN", token) {
      literals.append(nonFinite: bytes.isWord("NaN", token), isNegative: true)
    } else {
      guard token.kind == .number else { throw unexpected("a number") }
      try bytes.checkRange(token)
      literals.append(number: bytes.slice(token.start, token.end), isNegative: isNegative)
    }
    try advance()
  }

  private mutating func readLiteralWord(_ use: LiteralUse) throws(FormatError) {
    if bytes.isWord("true", token) || bytes.isWord("false", token) {
      literals.json.append(bytes.isWord("true", token) ? "true" : "false")
    } else if bytes.isWord("NaN", token) || bytes.isWord("Infinity", token) {
      literals.append(nonFinite: bytes.isWord("NaN", token), isNegative: false)
    } else if bytes.isWord("null", token), use == .attribute {
      literals.json.append("null")
    } else if use == .attribute || use == .standalone, !token.isQuoted, DType(name: bytes.text(of: token)) != nil {
      return try readTypedLiteral()
    } else {
      try bytes.refuseReserved(token)
      throw unexpected("a literal")
    }
    try advance()
  }

  /// A list, from its bracket on; lists in it are open on a count instead of the stack of calls.
  mutating func readList(_ use: LiteralUse) throws(FormatError) {
    var opens: [Int] = []
    repeat {
      if token.kind == .openBracket {
        try deepen(at: token.start)
        opens.append(token.start)
        literals.json.append("[")
        try advance()
      } else if let open = opens.last {
        if token.kind == .end { throw unclosed("[", open) }
        try readElement(use)
      }
      try readSeparators(&opens)
    } while !opens.isEmpty
  }

  /// Closing brackets, and the comma before the next element.
  private mutating func readSeparators(_ opens: inout [Int]) throws(FormatError) {
    while let open = opens.last {
      if token.kind == .end { throw unclosed("[", open) }
      let isFirst = previous.kind == .openBracket
      if token.kind == .comma, !isFirst {
        try advance()
        if token.kind != .closeBracket {
          literals.json.append(",")
          return
        }
      }
      guard token.kind == .closeBracket else {
        if isFirst { return }
        throw notInList()
      }
      literals.json.append("]")
      try advance()
      opens.removeLast()
      depth -= 1
    }
  }

  private mutating func readElement(_ use: LiteralUse) throws(FormatError) {
    if use != .attribute {
      if token.kind == .text { throw textAsOperand() }
      let isName = token.kind == .name && !FormulaHints.isLiteralWord(bytes.text(of: token))
      if isName || token.kind == .openParenthesis || token.kind == .tilde { throw notInList() }
      if bytes.isWord("null", token) { throw bytes.fault(token.start, "a tensor has no null; NaN is a number") }
    }
    try readLiteral(use)
  }

  /// What a list of numbers cannot hold, with the mend.
  private func notInList() -> FormatError {
    if token.kind == .number || token.kind == .semicolon {
      return bytes.fault(token.start, "numbers in a list have commas between, and rows brackets: [[1, 2], [3, 4]]")
    }
    if let mend = mendOfBrackets() { return bytes.fault(token.start, mend) }
    if token.kind == .name || token.kind == .openParenthesis || token.kind.binary != nil || token.kind == .tilde {
      if case .call(let call)? = pending.last, call.operation.reference.hasManyOperands {
        let name = call.operation.reference.name
        return bytes.fault(token.start, "a list holds numbers only; values are operands of their own: \(name)(a, b)")
      }
      return bytes.fault(token.start, "a list holds numbers only; values are put together by stack(a, b)")
    }
    return unexpected(", or ]")
  }

  /// `[q, r] = qr(x)`, `[v ** 2 for v in x]`
  private func mendOfBrackets() -> String? {
    var (copy, next, open) = (lexer, token, 1)
    while next.kind != .end, open > 0 {
      if bytes.isWord("for", next) { return FormulaHints.word("for") }
      if next.kind == .openBracket { open += 1 }
      if next.kind == .closeBracket { open -= 1 }
      guard let token = try? copy.next() else { return nil }
      next = token
    }
    return next.kind == .assign && pending.isEmpty ? "several results are written without brackets: q, r = qr(x)" : nil
  }

  private func textAsOperand() -> FormatError {
    if case .call(let call)? = pending.last,
      let attribute = call.operation.reference.attributes.first(where: { $0.kind == .text || $0.kind == .dtype })
    {
      let (name, written) = (call.operation.reference.name, bytes.text(of: token).prefix(64))
      return bytes.fault(token.start, "a text is no operand: write \(name)(x, \(attribute.name)=\(written))")
    }
    return bytes.fault(token.start, "a text is no value; texts are attributes, as in cast(x, dtype=\"float32\")")
  }

  /// For ``unexpected(_:)``, where an operand is expected.
  func textInExpression() -> FormatError? { token.kind == .text ? textAsOperand() : nil }

  // MARK: Integers

  /// A number of digits alone.
  func integer(_ token: FormulaToken) throws(FormatError) -> Int {
    let digits = bytes.slice(token.start, token.end)
    guard token.kind == .number, digits.allSatisfy({ $0 &- UInt8(ascii: "0") <= 9 }) else {
      throw bytes.fault(token.start, "expected an integer, got \(bytes.text(of: token).prefix(40))")
    }
    guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
      throw bytes.fault(.numberOutOfRange, token.start, "\(bytes.text(of: token).prefix(40)) does not fit int64")
    }
    return value
  }
}

import AutogradCore
import AutogradFormats

/// Expressions, by operator precedence: what waits for an operand stands on a stack.
extension FormulaParser {
  mutating func readExpression() throws(FormatError) -> FormulaPiece {
    while true {
      guard var piece = try readOperand() else { continue }
      while true {
        piece = try readPostfix(piece)
        if let operation = isEnd ? nil : token.kind.binary {
          try push(operation, left: piece)
          break
        }
        piece = try reduce(piece) { _ in true }
        guard let open = pending.last else { return piece }
        if case .group(let place) = open {
          piece = try closeGroup(piece, place)
        } else if case .call(let call) = open {
          guard let closed = try readNextArgument(piece, call) else { break }
          piece = closed
        }
      }
    }
  }

  /// Whether the statement ends before the next token, because a line does.
  private var isEnd: Bool { token.followsLineEnd && openBrackets == 0 }

  // MARK: Operands

  /// - Returns: nil if a sign or a bracket was read, and the operand is still to come.
  private mutating func readOperand() throws(FormatError) -> FormulaPiece? {
    let start = token.start
    switch token.kind {
    case .minus, .tilde:
      if token.kind == .minus, let number = try readSignedNumber() { return number }
      guard let operation = token.kind.prefix else { throw unexpected("a value") }
      try deepen(at: start)
      pending.append(.prefix(operation, place: start))
      try advance()
      return nil
    case .openParenthesis:
      try deepen(at: start)
      pending.append(.group(place: start))
      openBrackets += 1
      try advance()
      return nil
    case .number:
      try bytes.checkRange(token)
      try advance()
      return FormulaPiece(.number(previous.start..<previous.end, isNegative: false), previous.start..<previous.end)
    case .openBracket:
      let literal = literals.begin()
      try readList(.value)
      return FormulaPiece(.list(literal), start..<previous.end)
    case .name: return try readNameOrCall()
    default: throw unexpected("a value")
    }
  }

  /// A number with its sign, unless an operator that binds tighter than the sign follows.
  private mutating func readSignedNumber() throws(FormatError) -> FormulaPiece? {
    let number = try lexer.peek()
    let isWordForOne = bytes.isWord("Infinity", number) || bytes.isWord("NaN", number)
    guard number.kind == .number || isWordForOne else { return nil }
    var copy = lexer
    _ = try copy.next()
    let behind = try copy.next()
    guard behind.kind != .power, behind.kind != .openBracket, behind.kind != .transpose else { return nil }
    let start = token.start
    try advance()
    if number.kind == .number { try bytes.checkRange(number) }
    try advance()
    let kind: FormulaPiece.Kind =
      isWordForOne
      ? .nonFinite(isNegative: true, isNaN: bytes.isWord("NaN", number))
      : .number(number.start..<number.end, isNegative: true)
    return FormulaPiece(kind, start..<number.end)
  }

  private mutating func readNameOrCall() throws(FormatError) -> FormulaPiece? {
    let span = token.start..<token.end
    if bytes.isWord("true", token) || bytes.isWord("false", token) {
      let truth = bytes.isWord("true", token)
      try advance()
      return FormulaPiece(.truth(truth), span)
    }
    if bytes.isWord("NaN", token) || bytes.isWord("Infinity", token) {
      let isNaN = bytes.isWord("NaN", token)
      try advance()
      return FormulaPiece(.nonFinite(isNegative: false, isNaN: isNaN), span)
    }
    let next = try lexer.peek()
    let isCall = next.kind == .openParenthesis && (!next.followsLineEnd || openBrackets > 0)
    if isCall { return try readCall() }
    if bytes.isWord("_", token) {
      throw bytes.fault(span.lowerBound, "_ takes a value that is not wanted; it has none itself")
    }
    try bytes.refuseReserved(token)
    let name = try name(token)
    try advance()
    return FormulaPiece(.name(name), span)
  }

  // MARK: Operators

  private mutating func readPostfix(_ piece: FormulaPiece) throws(FormatError) -> FormulaPiece {
    var piece = piece
    while !isEnd {
      if token.kind == .transpose, let operation = FormulaOperation.transpose {
        let place = token.start
        try advance()
        let node = try add(operation.operation, [piece], at: place)
        piece = FormulaPiece(.node(node), piece.span.lowerBound..<previous.end)
      } else if token.kind == .openBracket {
        piece = try readIndex(of: piece)
      } else {
        break
      }
    }
    return piece
  }

  private mutating func push(_ operation: FormulaOperation, left: FormulaPiece) throws(FormatError) {
    let place = token.start
    let (precedence, associativity) = (operation.form.precedence, operation.form.associativity)
    let left = try reduce(left) { top in
      top.form.precedence > precedence || (top.form.precedence == precedence && associativity == .left)
    }
    if precedence == .comparison { try refuseComparison(left, beside: pending.last, at: place) }
    if precedence <= .and, left.isBareComparison { throw comparisonBesideLogic(place) }
    if precedence == .power { try deepen(at: place) }
    pending.append(.binary(operation, left: left, place: place))
    try advance()
  }

  private func refuseComparison(_ left: FormulaPiece, beside top: FormulaPending?, at place: Int) throws(FormatError) {
    if left.isBareComparison { throw chainedComparison(place) }
    guard case .binary(let operation, _, _)? = top else { return }
    if operation.form.precedence == .comparison { throw chainedComparison(place) }
    if operation.form.precedence <= .and { throw comparisonBesideLogic(place) }
  }

  private func chainedComparison(_ place: Int) -> FormatError {
    bytes.fault(place, "comparisons are not chained: write (a < b) & (b < c)")
  }

  private func comparisonBesideLogic(_ place: Int) -> FormatError {
    bytes.fault(
      place, "a comparison beside & or | stands in parentheses, as in (a < b) & (c > d), for languages differ here")
  }

  /// Applies the operators on top of the stack as long as they bind tighter than what follows.
  private mutating func reduce(_ piece: FormulaPiece, while binds: (FormulaOperation) -> Bool) throws(FormatError)
    -> FormulaPiece
  {
    var piece = piece
    while let top = pending.last {
      let node: Int
      var isComparison = false
      let start: Int
      switch top {
      case .binary(let operation, let left, let place):
        guard binds(operation) else { return piece }
        node = try add(operation.operation, [left, piece], at: place)
        isComparison = operation.form.precedence == .comparison
        start = left.span.lowerBound
      case .prefix(let operation, let place):
        guard binds(operation) else { return piece }
        node = try add(operation.operation, [piece], at: place)
        start = place
      case .group, .call: return piece
      }
      if top.isDeep { depth -= 1 }
      pending.removeLast()
      piece = FormulaPiece(.node(node), start..<piece.span.upperBound)
      piece.isBareComparison = isComparison
    }
    return piece
  }

  private mutating func closeGroup(_ piece: FormulaPiece, _ place: Int) throws(FormatError) -> FormulaPiece {
    if token.kind == .end { throw unclosed("(", place) }
    try expect(.closeParenthesis, ")")
    pending.removeLast()
    openBrackets -= 1
    depth -= 1
    return FormulaPiece(piece.kind, place..<previous.end)
  }

  func unclosed(_ bracket: String, _ place: Int) -> FormatError {
    bytes.fault(place, "the bracket \(bracket) is never closed")
  }
}

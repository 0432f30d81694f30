import AutogradFormats

/// Tokens that cannot stand where they do: what was expected, and how it is written here.
extension FormulaParser {
  func unexpected(_ expected: String) -> FormatError {
    if let error = textInExpression(), expected == "a value" { return error }
    let got = token.kind == .end ? "the text ends" : "got \(shown(token))"
    let mend = mend().map { "; \($0)" } ?? ""
    return bytes.fault(token.start, "expected \(expected), \(got)\(mend)")
  }

  private func shown(_ token: FormulaToken) -> String {
    let written = bytes.text(of: token)
    return written.count > 40 ? written.prefix(40) + "…" : written
  }

  private func mend() -> String? {
    if token.kind.binary != nil, token.followsLineEnd, previous.kind.endsValue {
      return "a line does not begin with an operator: put it at the end of the line above, or parentheses round all"
    }
    // Words of other languages stand before a value or behind one.
    if token.kind == .name, !token.isQuoted, let mend = FormulaHints.word(bytes.text(of: token)) { return mend }
    if previous.kind == .name, !previous.isQuoted, let mend = FormulaHints.word(bytes.text(of: previous)) {
      return mend
    }
    switch token.kind {
    case .number where previous.kind == .comma || previous.kind == .number: return FormulaHints.numbers
    case .comma: return mendForComma()
    case .colon: return mendForColon()
    case .openBrace: return mendForBrace()
    case .assign where isAtStart: return "a formula begins without =, as in sum(x), or with a name, as in y = sum(x)"
    case .assign: return "equality is =="
    case .percent where isAtStart: return "a comment begins with #"
    case .bar: return "an absolute value is abs(x)"
    case .star where previous.kind == .openParenthesis || previous.kind == .comma,
      .power where previous.kind == .openParenthesis || previous.kind == .comma:
      return "operands are given one by one: f(x, y)"
    case .semicolon where openBrackets > 0: return "attributes stand behind a comma: sum(x, axis=0)"
    case .semicolon where previous.kind == .minus: return "write y = x - 1: a name is defined once"
    case .at: return FormulaHints.function
    case .ellipsis:
      return "a line goes on by itself behind an operator and inside parentheses"
    case .plus: return "there is no sign +: leave it away"
    case .text: return "texts are attributes, as in cast(x, dtype=\"float32\")"
    case .number, .name, .openParenthesis:
      if previous.kind.endsValue, !token.followsLineEnd { return "between two values stands an operator, such as *" }
    default: break
    }
    if previous.kind == .percent { return "% is the remainder; a percentage is a quotient: 5 / 100" }
    return nil
  }

  /// Whether a statement begins with the next token.
  private var isAtStart: Bool {
    token.followsLineEnd || token.start == 0 || previous.kind == .end || previous.kind == .semicolon
  }

  private func mendForColon() -> String {
    let next = lexer.following
    if previous.kind == .name, next?.kind == .name, previous.end == token.start, next?.start == token.end {
      return "there are no ranges of cells: give their numbers as an input"
    }
    // `x::Float64`, `y: float = x`
    let isType = previous.kind == .name && (next?.kind == .name || (next?.kind == .colon && next?.start == token.end))
    return isType ? FormulaHints.type : FormulaHints.range
  }

  private func mendForBrace() -> String {
    if token.start == 0 { return "a graph in JSON is an object, not a string that holds one" }
    if previous.kind == .power { return "a power is grouped by parentheses: x ** (n + 1)" }
    if previous.kind == .name, bytes.text(of: previous).hasSuffix("_") {
      return "a subscript is part of the name, as in x2, or an index, x[2]"
    }
    return FormulaHints.braces
  }

  private func mendForComma() -> String {
    if previous.kind == .number, bytes.text(of: previous).contains(".") {
      return "a decimal has one point, and thousands are not separated: 1000.5"
    }
    if previous.kind == .number, let next = lexer.following, next.kind == .number {
      return "a decimal has a point: \(bytes.text(of: previous)).\(bytes.text(of: next))"
    }
    return "values are put together by stack(a, b), and several are returned by return a, b"
  }
}

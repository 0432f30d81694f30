import AutogradFormats

/// Cuts a formula into tokens, one at a time, so that errors come in the order of the text.
struct FormulaLexer {
  let bytes: FormulaBytes
  private(set) var position = 0
  /// The token that was looked at ahead of its time.
  private var ahead: FormulaToken?
  /// The token before.
  private(set) var previous = FormulaToken(kind: .end, start: 0, end: 0)

  init(_ bytes: FormulaBytes) { self.bytes = bytes }

  private var text: UnsafeRawBufferPointer { bytes.text }

  mutating func next() throws(FormatError) -> FormulaToken {
    if let token = ahead {
      ahead = nil
      return token
    }
    return try cut()
  }

  /// The token that ``next()`` returns.
  mutating func peek() throws(FormatError) -> FormulaToken {
    if let token = ahead { return token }
    let token = try cut()
    ahead = token
    return token
  }

  /// The same, for an error that has been found already; nil if it is none.
  var following: FormulaToken? {
    var copy = self
    return try? copy.next()
  }

  private mutating func cut() throws(FormatError) -> FormulaToken {
    let followsLineEnd = try skipBlanks()
    var token = try read()
    token.followsLineEnd = followsLineEnd
    position = token.end
    previous = token
    return token
  }

  // MARK: Blanks and comments

  /// - Returns: whether a line ended.
  private mutating func skipBlanks() throws(FormatError) -> Bool {
    var hasLineEnd = false
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"): position += 1
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        hasLineEnd = true
        position += 1
      case UInt8(ascii: "#"): try skipComment()
      // A no-break space.
      case 0xC2 where position + 1 < text.count && text[position + 1] == 0xA0: position += 2
      default: return hasLineEnd
      }
    }
    return hasLineEnd
  }

  private mutating func skipComment() throws(FormatError) {
    while position < text.count, text[position] != UInt8(ascii: "\n"), text[position] != UInt8(ascii: "\r") {
      try refuseControl(at: position)
      position += 1
    }
  }

  /// C0 but for the tab, DEL, C1.
  func refuseControl(at offset: Int) throws(FormatError) {
    let byte = text[offset]
    let isControl =
      (byte < 0x20 && byte != UInt8(ascii: "\t")) || byte == 0x7F
      || (byte == 0xC2 && offset + 1 < text.count && text[offset + 1] < 0xA0)
    guard isControl, let (scalar, _) = bytes.scalar(at: offset) else { return }
    throw bytes.fault(offset, "a formula has no control characters, got \(FormulaLexer.code(scalar)); delete it")
  }

  /// U+00B5
  static func code(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  // MARK: Tokens

  private func read() throws(FormatError) -> FormulaToken {
    guard position < text.count else { return FormulaToken(kind: .end, start: text.count, end: text.count) }
    let byte = text[position]
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return try readNumber()
    case UInt8(ascii: ".") where isDigit(position + 1): return try readNumber()
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      return name()
    case UInt8(ascii: "`"): return try readQuotedName()
    case UInt8(ascii: "\""): return try readText()
    case UInt8(ascii: "'"):
      if previous.kind.endsValue, previous.end == position {
        throw bytes.fault(position, "' behind a value is not transpose here: write .T, as in x.T")
      }
      return try readText()
    case 0x80...:
      if let (scalar, _) = bytes.scalar(at: position), scalar.properties.isXIDStart { return name() }
    default: break
    }
    for foreign in FormulaLexer.foreign[Int(byte)] where text[position...].hasPrefix(foreign.written) {
      throw bytes.fault(position, "\(foreign.written) is no operator of formulas: \(foreign.mend)")
    }
    if let symbol = FormulaLexer.symbols[Int(byte)].first(where: { text[position...].hasPrefix($0.text) }) {
      let end = position + symbol.text.utf8CodeUnitCount
      // `x.Total` is no transpose.
      if symbol.kind != .transpose || !continuesName(end) {
        return FormulaToken(kind: symbol.kind, start: position, end: end)
      }
    }
    throw foreign()
  }

  /// Operators of other languages by their first byte.
  private static let foreign: [[FormulaHints.Row]] = {
    var table: [[FormulaHints.Row]] = Array(repeating: [], count: 256)
    for row in FormulaHints.foreignOperators { table[Int(row.written.utf8Start.pointee)].append(row) }
    return table
  }()

  /// By their first byte, longest first.
  private static let symbols: [[(text: StaticString, kind: FormulaToken.Kind)]] = {
    var table: [[(text: StaticString, kind: FormulaToken.Kind)]] = Array(repeating: [], count: 256)
    let all = FormulaToken.Kind.allCases.compactMap { kind in kind.symbol.map { (text: $0, kind: kind) } }
    for entry in all + [(text: "^", kind: .power)] { table[Int(entry.text.utf8Start.pointee)].append(entry) }
    return table.map { $0.sorted { $0.text.utf8CodeUnitCount > $1.text.utf8CodeUnitCount } }
  }()

  private func foreign() -> FormatError {
    guard let (scalar, length) = bytes.scalar(at: position) else {
      return bytes.fault(position, "the text is not UTF-8")
    }
    do throws(FormatError) { try refuseControl(at: position) } catch { return error }
    if scalar == ".", position + 1 < text.count, continuesName(position + 1) { return member() }
    if scalar == "\\", let mend = mendOfBackslash() { return bytes.fault(position, mend) }
    let written = bytes.string(position, position + length)
    if let mend = FormulaHints.character(scalar) {
      return bytes.fault(position, "\(written) stands for nothing: \(mend)")
    }
    let shown = scalar.isASCII ? written : "\(written) (\(FormulaLexer.code(scalar)))"
    return bytes.fault(position, "the character \(shown) has no meaning in a formula")
  }

  /// TeX begins its commands with it, and Python goes on in the next line; MATLAB divides.
  private func mendOfBackslash() -> String? {
    if continuesName(position + 1) {
      return "\\ begins no command: a root is sqrt(x), a fraction a / b, a product a * b"
    }
    var end = position + 1
    while end < text.count, text[end] == UInt8(ascii: " ") || text[end] == UInt8(ascii: "\t") { end += 1 }
    let isLast = end == text.count || text[end] == UInt8(ascii: "\n") || text[end] == UInt8(ascii: "\r")
    return isLast ? "\\ stands for nothing: a line goes on by itself behind an operator and inside parentheses" : nil
  }

  /// `x.sum()`, `np.sum(x)`, `np.linalg.solve(a, b)`, `x.shape`
  private func member() -> FormatError {
    var (start, end) = (position + 1, nameEnd(position + 1))
    let written = bytes.string(start, end)
    while end + 1 < text.count, text[end] == UInt8(ascii: "."), continuesName(end + 1), !isDigit(end + 1) {
      (start, end) = (end + 1, nameEnd(end + 1))
    }
    let mend = FormulaHints.member(
      bytes.string(start, end), of: previous.kind.endsValue ? bytes.string(previous.start, previous.end) : "x",
      arguments: arguments(end), isPath: start > position + 1)
    return bytes.fault(position, "values have no members such as .\(written.prefix(64)); \(mend)")
  }

  /// What stands in the parentheses of a call, `…` for what is long; nil where there is no call.
  private func arguments(_ open: Int) -> String? {
    guard open < text.count, text[open] == UInt8(ascii: "(") else { return nil }
    var depth = 0
    for end in open..<min(text.count, open + 60) {
      if text[end] == UInt8(ascii: "(") { depth += 1 }
      if text[end] == UInt8(ascii: ")") { depth -= 1 }
      if depth == 0 { return bytes.string(open + 1, end) }
    }
    return "…"
  }

  // MARK: Names

  func isDigit(_ offset: Int) -> Bool { offset < text.count && text[offset] &- UInt8(ascii: "0") <= 9 }

  func continuesName(_ offset: Int) -> Bool { nameEnd(offset) > offset }

  /// Where the letters, digits and marks from here on end.
  func nameEnd(_ start: Int) -> Int {
    var end = start
    while end < text.count {
      switch text[end] {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        end += 1
      case 0x80...:
        guard let (scalar, length) = bytes.scalar(at: end), scalar.properties.isXIDContinue else { return end }
        end += length
      default: return end
      }
    }
    return end
  }

  private func name() -> FormulaToken { FormulaToken(kind: .name, start: position, end: nameEnd(position)) }

  private func readQuotedName() throws(FormatError) -> FormulaToken {
    var end = position + 1
    while end < text.count, text[end] != UInt8(ascii: "\n"), text[end] != UInt8(ascii: "\r") {
      try refuseControl(at: end)
      if text[end] == UInt8(ascii: "`") {
        guard end + 1 < text.count, text[end + 1] == UInt8(ascii: "`") else {
          return FormulaToken(kind: .name, start: position, end: end + 1, isQuoted: true)
        }
        end += 1
      }
      end += 1
    }
    throw bytes.fault(position, "a name in backticks ends with a backtick on the same line")
  }
}

extension Slice<UnsafeRawBufferPointer> {
  func hasPrefix(_ text: StaticString) -> Bool {
    guard count >= text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount where self[startIndex + index] != text.utf8Start[index] { return false }
    return true
  }
}

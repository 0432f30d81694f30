/// What the parser expected when it found something else.
enum JSONExpectation {
  case value, number, key, colon, separator, end
  /// The rest of the string that starts at this offset.
  case string(from: Int)
  /// A valid escape, in the string that starts at this offset.
  case escape(in: Int)
  /// At most this many open lists and objects.
  case depth(Int)
  /// A key that differs from all others in its object: the entry of the duplicate.
  case unique(Int)
  case tooLarge
}

/// Explains syntax errors. It runs only for bodies with an error, so it may take time linear in the body.
extension JSONParser {
  @inline(never)
  func failure(_ expectation: JSONExpectation, at offset: Int) -> JSONSyntaxError {
    let explanation = explainEncoding(offset) ?? explain(expectation, offset)
    let code: JSONSyntaxError.Code =
      switch expectation {
      case .depth: .tooDeep
      case .unique: .duplicateKey
      default: .invalidJSON
      }
    return JSONSyntaxError(
      code: code, offset: offset, pointer: pointer(expectation), message: "\(place(offset)): \(explanation)")
  }

  private func explain(_ expectation: JSONExpectation, _ offset: Int) -> String {
    switch expectation {
    case .value: explainValue(offset)
    case .number: explainNumber(offset)
    case .key: explainKey(offset)
    case .colon: "expected ':' after the key, found \(found(offset))"
    case .separator: explainSeparator(offset)
    case .end: explainEnd(offset)
    case .escape: explainEscape(offset)
    case .string(let start): explainString(start, offset)
    case .depth(let maximum): "lists and objects are nested more than \(maximum) deep"
    case .unique(let key):
      "the key \"\(excerpt(stringBytes(key)))\" is given twice in this object; give it once"
    case .tooLarge: "a body of 4 GiB or more is not read"
    }
  }

  // MARK: Places

  private func place(_ offset: Int) -> String {
    var line = 1
    var column = 1
    for index in 0..<min(offset, count) {
      if base[index] == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else if base[index] & 0xC0 != 0x80 {
        // Counts characters, not bytes, as editors do.
        column += 1
      }
    }
    return "line \(line), column \(column)"
  }

  /// The path to the innermost known place. Beyond 1,000 bytes it ends early, at an enclosing place.
  private func pointer(_ expectation: JSONExpectation) -> String {
    var steps: [String] = []
    if case .unique(let key) = expectation { steps.append(step(key)) }
    var index = container
    var isPlaceKnown =
      switch expectation {
      case .key, .colon, .separator, .end, .unique, .tooLarge: false
      case .string(let start), .escape(let start): !isKey(start)
      case .value, .number, .depth: true
      }
    while index >= 0 {
      let entry = tape[index]
      if isPlaceKnown { steps.append(entry.kind == .object ? step(Int(entry.end)) : "/\(entry.count)") }
      isPlaceKnown = true
      index = Int(entry.link) - 1
    }
    var pointer = ""
    for step in steps.reversed() {
      guard pointer.utf8.count + step.utf8.count <= 1000 else { break }
      pointer += step
    }
    return pointer
  }

  /// Whether the string that starts there is a key: a value in an object follows a colon.
  private func isKey(_ start: Int) -> Bool { isInObject && previous(start) != UInt8(ascii: ":") }

  private func step(_ key: Int) -> String {
    guard key < tape.count else { return "" }
    var step = "/"
    for scalar in String(decoding: stringBytes(key), as: UTF8.self).unicodeScalars {
      switch scalar {
      case "~": step += "~0"
      case "/": step += "~1"
      default: step.unicodeScalars.append(scalar)
      }
    }
    return step
  }

  // MARK: What was found

  /// The byte or character at `offset`, for people.
  private func found(_ offset: Int) -> String {
    guard offset < count else { return "the end of the body" }
    let byte = base[offset]
    guard byte >= 0x20, byte != 0x7F else { return "the byte \(hexadecimal(byte))" }
    let length = UTF8Sequence.length(base + offset, base + count)
    guard length > 0 else { return "the byte \(hexadecimal(byte))" }
    return "'\(excerpt(bytes(offset, length)))'"
  }

  private func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return digits.count == 1 ? "0x0" + digits : "0x" + digits
  }

  private func bytes(_ offset: Int, _ length: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + offset, count: max(0, min(length, count - offset)))
  }

  private func excerpt(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix(40), as: UTF8.self) + (bytes.count > 40 ? "…" : "")
  }

  /// The letters, digits and signs from `offset` on: probably a word of another language.
  private func word(_ offset: Int) -> String {
    var end = offset
    while end < count, end - offset < 40, isWordByte(base[end]) { end += 1 }
    return String(decoding: bytes(offset, end - offset), as: UTF8.self)
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// The last byte before `offset` that is not white space.
  private func previous(_ offset: Int) -> UInt8? {
    var index = offset - 1
    while index >= 0, base[index] <= UInt8(ascii: " ") { index -= 1 }
    return index >= 0 ? base[index] : nil
  }

  private func startsWith(_ prefix: StaticString, at offset: Int = 0) -> Bool {
    bytes(offset, prefix.utf8CodeUnitCount).hasPrefix(prefix)
  }

  private func startsWith(_ prefix: [UInt8]) -> Bool { bytes(0, prefix.count).elementsEqual(prefix) }

  /// "the list opened at line 1, column 9".
  private var openContainer: String {
    guard container >= 0 else { return "" }
    return "the \(isInObject ? "object" : "list") opened at \(place(Int(tape[container].start)))"
  }

  // MARK: Explanations

  private func explainValue(_ offset: Int) -> String {
    guard offset < count else { return explainMissing() }
    if let start = explainStart(offset) { return start }
    let word = word(offset)
    switch base[offset] {
    case UInt8(ascii: "'"): return "strings are written in double quotes, found \(found(offset))"
    case UInt8(ascii: "/"), UInt8(ascii: "#"): return "JSON has no comments, found \(found(offset))"
    case UInt8(ascii: "+"): return "a number is written without a plus sign: \(word.dropFirst())"
    case UInt8(ascii: "."): return "a number needs a digit before the point: 0\(word)"
    case UInt8(ascii: ","): return "expected a value, found ','; something is missing before it"
    case UInt8(ascii: "]") where previous(offset) == UInt8(ascii: ","),
      UInt8(ascii: "}") where previous(offset) == UInt8(ascii: ","):
      return "expected a value after ',', found \(found(offset)); a comma may not follow the last element"
    default: return explainWord(word) ?? "expected a value, found \(word.isEmpty ? found(offset) : "'\(word)'")"
    }
  }

  /// Words that are values in other languages.
  private func explainWord(_ word: String) -> String? {
    let spelled: String
    switch word.lowercased() {
    case "nan": spelled = "the string \"NaN\""
    case "inf", "infinity": spelled = "the string \"Infinity\""
    case "-inf", "-infinity": spelled = "the string \"-Infinity\""
    case "-nan": spelled = "the string \"NaN\""
    case "true": spelled = "true"
    case "false": spelled = "false"
    case "null", "none", "nil", "undefined", "na": spelled = "null"
    case "object" where startsWith("[object " as StaticString):
      return "the body is how JavaScript prints an object; send JSON.stringify(request)"
    case "array", "tensor", "np.array", "torch.tensor", "np.float64", "np.float32":
      return
        "'\(word)' is how a program prints an array, not JSON: write its numbers as nested lists (x.tolist() in Python)"
    default:
      guard let first = word.first, first.isLetter || first == "_" else { return nil }
      return "expected a value, found '\(word)'; names and texts are written in double quotes: \"\(word)\""
    }
    return "JSON has no '\(word)': write \(spelled)"
  }

  /// The error text if the body ends too early.
  private func explainMissing() -> String {
    if container >= 0 { return "the body ends inside \(openContainer)" }
    return "the body is empty; expected a JSON object such as {\"graph\": {…}, \"inputs\": {…}}"
  }

  /// For bodies that are not text, or in another encoding. Their first bytes may look like JSON.
  private func explainEncoding(_ offset: Int) -> String? {
    guard offset <= 8 else { return nil }
    if startsWith([0x1F, 0x8B]) {
      return "the body is compressed with gzip; send it as it is, content encodings are not read"
    }
    if startsWith([0x28, 0xB5, 0x2F, 0xFD]) {
      return "the body is compressed with zstd; send it as it is, content encodings are not read"
    }
    if startsWith([0xEF, 0xBB, 0xBF]) { return "the body starts with a byte-order mark; send UTF-8 without one" }
    if count > 8, base[8] == UInt8(ascii: "{"), base[7] == 0 {
      return "this looks like a safetensors file; send it with Content-Type: application/vnd.safetensors"
    }
    if startsWith([0xFF, 0xFE]) || startsWith([0xFE, 0xFF]) || (count > 1 && (base[0] == 0) != (base[1] == 0)) {
      return "the body is not UTF-8 (it looks like UTF-16); send UTF-8"
    }
    return nil
  }

  /// For bodies that are text, but not JSON from the first character on.
  private func explainStart(_ offset: Int) -> String? {
    guard container < 0 else { return nil }
    if startsWith("--", at: offset) { return "this looks like a multipart form; send the JSON itself as the body" }
    if startsWith("@", at: offset) {
      return "expected a JSON object, found '@'; curl reads a file for -d @file, but not for --data-raw @file"
    }
    if startsWith("<", at: offset) { return "expected a JSON object, found '<'; XML and HTML are not read" }
    if startsWith("%7B", at: offset) || startsWith("%7b", at: offset) {
      return "the body is URL-encoded; send the JSON as it is"
    }
    let name = word(offset)
    let formula = "a formula alone is a body with -H 'Content-Type: text/plain'"
    if !name.isEmpty, startsWith("=", at: offset + name.utf8.count) {
      return
        "this looks like a form ('\(name)=…'); send a JSON object as the body: curl -d '{\"\(name)\": …}'; \(formula)"
    }
    // Calls that make arrays in Python have a hint of their own.
    let isCall =
      startsWith("(", at: offset + name.utf8.count) && !["array", "tensor"].contains(name) && !name.contains(".")
    if !name.isEmpty, isCall || startsWith(" =", at: offset + name.utf8.count) {
      return "expected a JSON object, found '\(name)'; \(formula), or a text in JSON: {\"graph\": \"\(name)…\"}"
    }
    return nil
  }

  private func explainNumber(_ offset: Int) -> String {
    if let start = explainStart(offset) { return start }
    let word = word(offset)
    if let explanation = explainWord(word), word.hasPrefix("-") { return explanation }
    let digits = word.utf8.drop { $0 == UInt8(ascii: "-") }
    if digits.count > 1, digits.first == UInt8(ascii: "0"), let second = digits.dropFirst().first {
      if second &- UInt8(ascii: "0") <= 9 {
        return "'\(word)': a number may not start with a zero that is followed by digits"
      }
    }
    if digits.first == UInt8(ascii: ".") { return "'\(word)': a number needs a digit before the point" }
    if digits.isEmpty { return "'-' is not followed by a digit" }
    if digits.contains(UInt8(ascii: "e")) || digits.contains(UInt8(ascii: "E")) {
      return "'\(word)': the exponent needs digits"
    }
    return "'\(word)': a number needs a digit after the point"
  }

  private func explainKey(_ offset: Int) -> String {
    guard offset < count else { return explainMissing() }
    switch base[offset] {
    case UInt8(ascii: "}"): return "expected a key after ',', found '}'; a comma may not follow the last member"
    case UInt8(ascii: "'"): return "keys are written in double quotes, found \(found(offset))"
    case UInt8(ascii: "/"), UInt8(ascii: "#"): return "JSON has no comments, found \(found(offset))"
    default:
      let word = word(offset)
      if word.isEmpty { return "expected a key in double quotes, found \(found(offset))" }
      return "expected a key in double quotes, found '\(word)': write \"\(word)\""
    }
  }

  private func explainSeparator(_ offset: Int) -> String {
    guard offset < count else { return explainMissing() }
    let expected = "expected ',' or '\(isInObject ? "}" : "]")' in \(openContainer), found \(found(offset))"
    switch base[offset] {
    case UInt8(ascii: "/"), UInt8(ascii: "#"): return expected + "; JSON has no comments"
    case UInt8(ascii: "]"), UInt8(ascii: "}"): return expected + "; the brackets do not match"
    case UInt8(ascii: "\""): return expected + "; a comma is missing before it"
    case let byte where isWordByte(byte) && isWordByte(base[offset - 1]):
      return expected + " right after the value before it" + hexadecimalHint(offset)
    default: return expected
    }
  }

  private func explainEnd(_ offset: Int) -> String {
    switch base[offset] {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      "a second value follows the first; a body is one JSON value (JSON Lines are not read)"
    case UInt8(ascii: "="): explainStart(0) ?? "nothing may follow the value, found \(found(offset))"
    default: "nothing may follow the value, found \(found(offset))" + hexadecimalHint(offset)
    }
  }

  /// `0x10` is read as 0, followed by unexpected text.
  private func hexadecimalHint(_ offset: Int) -> String {
    guard base[offset] | 0x20 == UInt8(ascii: "x"), base[offset - 1] == UInt8(ascii: "0") else { return "" }
    return "; numbers are written in decimal"
  }

  private func explainString(_ start: Int, _ offset: Int) -> String {
    guard offset < count else { return "the body ends inside the string opened at \(place(start))" }
    switch base[offset] {
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
      return "a string may not run over the end of a line: write \\n, or close the quote"
    case UInt8(ascii: "\t"): return "a tab in a string is written \\t"
    case let byte where byte < 0x20:
      return "a control character in a string is written \\u00\(hexadecimal(byte).dropFirst(2)), found its byte"
    default:
      return "the byte \(hexadecimal(base[offset])) is not UTF-8 here; send the body as UTF-8, not Latin-1 or UTF-16"
    }
  }

  private func explainEscape(_ offset: Int) -> String {
    guard startsWith("\\u", at: offset) else {
      return "a backslash before \(found(offset + 1)) is no escape; there are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0041"
    }
    let digits = String(decoding: bytes(offset + 2, 4), as: UTF8.self)
    guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit) else {
      return "\\u needs four hexadecimal digits, found '\(digits)'"
    }
    return "\\u\(digits) is half of a surrogate pair; the other half must stand beside it: \\uD83D\\uDE00"
  }
}

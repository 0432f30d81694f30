import AutogradFormats

/// Numbers and texts.
extension FormulaLexer {
  private var text: UnsafeRawBufferPointer { bytes.text }

  private func digitsEnd(_ start: Int) -> Int {
    var end = start
    while isDigit(end) { end += 1 }
    return end
  }

  /// `12`, `1.5`, `.5`, `5.`, `1e-3`.
  func readNumber() throws(FormatError) -> FormulaToken {
    let start = position
    let whole = digitsEnd(start)
    if whole - start > 1, text[start] == UInt8(ascii: "0") {
      throw bytes.fault(
        start,
        previous.kind == .number
          ? "a number has no blanks between its digits" : "a number has no leading zeros: write it without them")
    }
    var end = whole
    // The point of `1...` belongs to the dots.
    if end < text.count, text[end] == UInt8(ascii: "."), !text[end...].hasPrefix("...") { end = digitsEnd(end + 1) }
    if end < text.count, text[end] | 0x20 == UInt8(ascii: "e") {
      var exponent = end + 1
      if exponent < text.count, text[exponent] == UInt8(ascii: "+") || text[exponent] == UInt8(ascii: "-") {
        exponent += 1
      }
      if isDigit(exponent) { end = digitsEnd(exponent) }
    }
    let suffix = nameEnd(end)
    guard suffix == end else {
      let (number, letters) = (bytes.string(start, end), bytes.string(end, suffix))
      throw bytes.fault(end, "a letter stands right behind a number; \(FormulaHints.suffix(letters, of: number))")
    }
    return FormulaToken(kind: .number, start: start, end: end)
  }

  /// `"…"` or `'…'` with the escapes of JSON, on one line.
  func readText() throws(FormatError) -> FormulaToken {
    let quote = text[position]
    var end = position + 1
    while end < text.count, text[end] != UInt8(ascii: "\n"), text[end] != UInt8(ascii: "\r") {
      try refuseControl(at: end)
      if text[end] == quote { return FormulaToken(kind: .text, start: position, end: end + 1) }
      end += text[end] == UInt8(ascii: "\\") ? try escapeLength(end) : 1
    }
    throw bytes.fault(position, "a text ends with the quote that it begins with, on the same line")
  }

  private func escapeLength(_ offset: Int) throws(FormatError) -> Int {
    guard offset + 1 < text.count else { return 1 }
    switch text[offset + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return 2
    case UInt8(ascii: "u"):
      guard let first = unit(offset) else { break }
      switch first {
      case 0xD800..<0xDC00:
        guard let second = unit(offset + 6), 0xDC00..<0xE000 ~= second else { break }
        return 12
      case 0xDC00..<0xE000: break
      default: return 6
      }
    default: break
    }
    throw bytes.fault(offset, #"no escape: JSON's are \" \\ \/ \b \f \n \r \t and \u with four digits (pairs beyond)"#)
  }

  /// The number of `\uXXXX`.
  private func unit(_ offset: Int) -> UInt32? {
    guard offset + 6 <= text.count, text[offset] == UInt8(ascii: "\\"), text[offset + 1] == UInt8(ascii: "u") else {
      return nil
    }
    var value: UInt32 = 0
    for byte in text[(offset + 2)..<(offset + 6)] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
        value = value << 4 | UInt32((byte | 0x20) - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return value
  }
}

extension JSONParser {
  /// Reads the string whose opening quote is at ``position`` and adds its entry.
  @inline(__always)
  mutating func string() throws(JSONSyntaxError) {
    let start = position
    let next = firstSpecial(start + 1)
    guard next < count, base[next] == UInt8(ascii: "\"") else { return try unusualString(next) }
    try append(
      JSONEntry(
        start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: next + 1),
        count: UInt32(truncatingIfNeeded: next - start - 1), link: 0, kind: .string, flags: []))
    position = next + 1
  }

  /// The first byte from `start` on that is a quote, a backslash, a control character or not ASCII; ``count`` if there
  /// is none.
  @inline(__always)
  private func firstSpecial(_ start: Int) -> Int {
    var next = start
    while count - next >= 8 {
      let word = UnsafeRawPointer(base + next).loadUnaligned(as: UInt64.self)
      // The lowest marked byte is always correct; borrows affect only bytes after it.
      let quotes = word ^ 0x2222_2222_2222_2222
      let backslashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
      let marks =
        ((quotes &- 0x0101_0101_0101_0101) & ~quotes) | ((backslashes &- 0x0101_0101_0101_0101) & ~backslashes)
        | (word &- 0x2020_2020_2020_2020) | word
      let found = marks & 0x8080_8080_8080_8080
      if found != 0 { return next + found.trailingZeroBitCount >> 3 }
      next += 8
    }
    while next < count, case let byte = base[next], byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""),
      byte != UInt8(ascii: "\\")
    {
      next += 1
    }
    return next
  }

  /// Reads the rest of a string from its first byte that is not plain, `special`.
  @inline(never)
  private mutating func unusualString(_ special: Int) throws(JSONSyntaxError) {
    let start = position
    let arenaStart = unescaped.count
    var next = special
    var copied = start + 1
    var hasEscapes = false
    while next < count, case let byte = base[next], byte != UInt8(ascii: "\"") {
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        try unescaped.append(UnsafeBufferPointer(start: base + copied, count: next - copied), &allowance)
        next = try escape(next, start)
        copied = next
      } else {
        let length = UTF8Sequence.length(base + next, base + count)
        guard byte >= 0x20, length > 0 else { throw failure(.string(from: start), at: next) }
        next += length
      }
      next = firstSpecial(next)
    }
    guard next < count else { throw failure(.string(from: start), at: count) }
    if hasEscapes { try unescaped.append(UnsafeBufferPointer(start: base + copied, count: next - copied), &allowance) }
    let length = hasEscapes ? unescaped.count - arenaStart : next - start - 1
    try append(
      JSONEntry(
        start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: next + 1),
        count: UInt32(truncatingIfNeeded: length), link: UInt32(truncatingIfNeeded: arenaStart), kind: .string,
        flags: hasEscapes ? .escaped : []))
    position = next + 1
  }

  /// Undoes the escape whose backslash is at `start`; returns where the text goes on.
  private mutating func escape(_ start: Int, _ string: Int) throws(JSONSyntaxError) -> Int {
    guard count - start >= 2 else { throw failure(.string(from: string), at: count) }
    switch base[start + 1] {
    case UInt8(ascii: "\""): try unescaped.append(UInt8(ascii: "\""), &allowance)
    case UInt8(ascii: "\\"): try unescaped.append(UInt8(ascii: "\\"), &allowance)
    case UInt8(ascii: "/"): try unescaped.append(UInt8(ascii: "/"), &allowance)
    case UInt8(ascii: "b"): try unescaped.append(0x08, &allowance)
    case UInt8(ascii: "f"): try unescaped.append(0x0C, &allowance)
    case UInt8(ascii: "n"): try unescaped.append(0x0A, &allowance)
    case UInt8(ascii: "r"): try unescaped.append(0x0D, &allowance)
    case UInt8(ascii: "t"): try unescaped.append(0x09, &allowance)
    case UInt8(ascii: "u"): return try unicodeEscape(start, string)
    default: throw failure(.escape(in: string), at: start)
    }
    return start + 2
  }

  /// `\u0041`, or the two of a pair of surrogates, which together are one character.
  private mutating func unicodeEscape(_ start: Int, _ string: Int) throws(JSONSyntaxError) -> Int {
    guard let unit = codeUnit(start) else { throw failure(.escape(in: string), at: start) }
    if let scalar = Unicode.Scalar(unit) {
      try unescaped.append(scalar, &allowance)
      return start + 6
    }
    guard unit < 0xDC00, let low = codeUnit(start + 6), low >= 0xDC00, low < 0xE000,
      let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    else { throw failure(.escape(in: string), at: start) }
    try unescaped.append(scalar, &allowance)
    return start + 12
  }

  /// The value of `\u` and four hexadecimal digits at `start`, if that is what stands there.
  private func codeUnit(_ start: Int) -> UInt32? {
    guard count - start >= 6, base[start] == UInt8(ascii: "\\"), base[start + 1] == UInt8(ascii: "u") else {
      return nil
    }
    var unit: UInt32 = 0
    for offset in 2..<6 {
      guard let digit = Self.hexadecimal(base[start + offset]) else { return nil }
      unit = unit << 4 | digit
    }
    return unit
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }
}

extension Column<UInt8> {
  /// The UTF-8 of one character.
  fileprivate mutating func append(_ scalar: Unicode.Scalar, _ allowance: inout MemoryAllowance) throws(JSONSyntaxError)
  {
    for byte in scalar.utf8 { try append(byte, &allowance) }
  }
}

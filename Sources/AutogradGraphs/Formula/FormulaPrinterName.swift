import AutogradCore
import AutogradFormats

/// How names are written in formulas.
enum PrintedName {
  /// In backticks where the name alone would be read as something else.
  static func append(_ name: SourceName, to out: ByteBuffer) {
    if isPlain(name) { return out.append(name.bytes) }
    out.append(UInt8(ascii: "`"))
    for byte in name.bytes {
      if byte == UInt8(ascii: "`") { out.append(byte) }
      out.append(byte)
    }
    out.append(UInt8(ascii: "`"))
  }

  static func append(_ name: String, to out: ByteBuffer) {
    var name = name
    name.withUTF8 { append(SourceName(UnsafeRawBufferPointer($0)), to: out) }
  }

  /// Words that are no names without backticks.
  private static let reserved = Set(
    ["true", "false", "null", "None", "NaN", "Infinity", "def", "return", "True", "False", "TRUE", "FALSE", "_"]
      + DType.allCases.map(\.name))

  private static let longestReserved = 8

  static func isPlain(_ name: SourceName) -> Bool {
    let bytes = name.bytes
    guard bytes.allSatisfy({ $0 < 0x80 }) else { return isIdentifier(name.string) }
    guard let first = bytes.first, isLetter(first), bytes.dropFirst().allSatisfy({ isLetter($0) || isDigit($0) }) else {
      return false
    }
    return bytes.count > longestReserved || !reserved.contains(name.string)
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || byte == UInt8(ascii: "_")
  }

  private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

  /// An identifier of Unicode (UAX #31, XID), without characters that cannot be seen.
  private static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, first == "_" || first.properties.isXIDStart else { return false }
    return text.unicodeScalars.allSatisfy { $0.properties.isXIDContinue && !$0.properties.isDefaultIgnorableCodePoint }
  }
}

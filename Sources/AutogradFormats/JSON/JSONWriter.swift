/// JSON text into a ``ByteBuffer``. Punctuation is the caller's.
extension ByteBuffer {
  /// The shortest text that reads back to the same double, or "NaN", "Infinity", "-Infinity" in quotes.
  @inline(__always)
  package func append(double value: Double) {
    commit(NumberWriter().write(value, to: reserve(NumberWriter.room)))
  }

  /// The shortest text that reads back to the same float, or "NaN", "Infinity", "-Infinity" in quotes.
  @inline(__always)
  package func append(float value: Float) {
    commit(NumberWriter().write(value, to: reserve(NumberWriter.room)))
  }

  @inline(__always)
  package func append(int value: Int64) {
    commit(NumberWriter().write(value, to: reserve(NumberWriter.room)))
  }

  /// `text` between quotes.
  package func appendJSONString(_ text: String) {
    var text = text
    text.withUTF8 { appendJSONString(UnsafeRawBufferPointer($0)) }
  }

  /// `bytes` between quotes. They should be UTF-8; invalid bytes become U+FFFD, so that the answer is always valid
  /// JSON.
  package func appendJSONString(_ bytes: UnsafeRawBufferPointer) {
    append(UInt8(ascii: "\""))
    // Without a byte above 0x7F there is nothing to check.
    if !bytes.contains(where: { $0 >= 0x80 }) || UTF8Sequence.isWellFormed(bytes) {
      appendEscaped(bytes)
    } else {
      var repaired = String(decoding: bytes, as: UTF8.self)
      repaired.withUTF8 { appendEscaped(UnsafeRawBufferPointer($0)) }
    }
    append(UInt8(ascii: "\""))
  }

  private func appendEscaped(_ bytes: UnsafeRawBufferPointer) {
    var copied = 0
    for (index, byte) in bytes.enumerated()
    where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
      append(UnsafeRawBufferPointer(rebasing: bytes[copied..<index]))
      copied = index + 1
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case 0x08: append("\\b")
      case 0x0C: append("\\f")
      case UInt8(ascii: "\n"): append("\\n")
      case UInt8(ascii: "\r"): append("\\r")
      case UInt8(ascii: "\t"): append("\\t")
      default:
        append("\\u00")
        append(hexadecimalDigit(byte >> 4))
        append(hexadecimalDigit(byte & 15))
      }
    }
    append(UnsafeRawBufferPointer(rebasing: bytes[copied...]))
  }

  private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}

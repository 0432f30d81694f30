/// The standard alphabet of RFC 4648 with padding, nothing else: no line breaks, no URL alphabet.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (index, character) in alphabet.enumerated() { values[Int(character)] = UInt8(index) }
    return values
  }()

  /// Bytes that a text stands for, going by its length and padding; nil if these are impossible.
  static func decodedByteCount(_ text: UnsafeRawBufferPointer) -> Int? {
    guard text.count % 4 == 0 else { return nil }
    guard text.count > 0 else { return 0 }
    let padding = text.reversed().prefix(3).prefix { $0 == UInt8(ascii: "=") }.count
    return padding > 2 ? nil : text.count / 4 * 3 - padding
  }

  /// Whether the text has only characters of the alphabet, with padding only at its end.
  static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
    guard text.count % 4 == 0 else { return false }
    var isPadding = false
    for (index, character) in text.enumerated() {
      if character == UInt8(ascii: "=") {
        guard index >= text.count - 2 else { return false }
        isPadding = true
      } else if isPadding || values[Int(character)] == 255 {
        return false
      }
    }
    return true
  }

  /// - Precondition: `target` has room for ``decodedByteCount(_:)`` bytes.
  /// - Returns: false where the text is not base64; bits that padding cuts off must be zero, so that each value has one text.
  static func decode(_ text: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer) -> Bool {
    guard let byteCount = decodedByteCount(text) else { return false }
    let out = target.assumingMemoryBound(to: UInt8.self)
    return values.withUnsafeBufferPointer { values in
      var written = 0
      var position = 0
      while position < text.count {
        let isLast = position + 4 == text.count
        let bytes = isLast ? byteCount - written : 3
        var word: UInt32 = 0
        var invalid: UInt8 = 0
        for offset in 0..<4 {
          let character = text[position + offset]
          let value = offset <= bytes ? values[Int(character)] : (character == UInt8(ascii: "=") ? 0 : 255)
          invalid |= value & 0x80
          word = word << 6 | UInt32(value & 63)
        }
        if invalid != 0 || (bytes < 3 && word & (bytes == 2 ? 0xFF : 0xFFFF) != 0) { return false }
        out[written] = UInt8(truncatingIfNeeded: word >> 16)
        if bytes > 1 { out[written + 1] = UInt8(truncatingIfNeeded: word >> 8) }
        if bytes > 2 { out[written + 2] = UInt8(truncatingIfNeeded: word) }
        written += bytes
        position += 4
      }
      return true
    }
  }

  static func append(_ bytes: UnsafeRawBufferPointer, to buffer: ByteBuffer) {
    let out = buffer.reserve((bytes.count + 2) / 3 * 4)
    var written = 0
    var position = 0
    alphabet.withUnsafeBufferPointer { alphabet in
      while position < bytes.count {
        let left = bytes.count - position
        let word =
          UInt32(bytes[position]) << 16 | (left > 1 ? UInt32(bytes[position + 1]) << 8 : 0) | (left > 2 ? UInt32(bytes[position + 2]) : 0)
        out[written] = alphabet[Int(word >> 18)]
        out[written + 1] = alphabet[Int(word >> 12 & 63)]
        out[written + 2] = left > 1 ? alphabet[Int(word >> 6 & 63)] : UInt8(ascii: "=")
        out[written + 3] = left > 2 ? alphabet[Int(word & 63)] : UInt8(ascii: "=")
        written += 4
        position += 3
      }
    }
    buffer.commit(written)
  }
}

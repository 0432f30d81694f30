/// The standard alphabet of RFC 4648 with padding, nothing else: no line breaks, no URL alphabet.
package enum Base64 {
  /// Decoded size of a text, from its length and padding; nil if these are invalid.
  static func decodedByteCount(_ text: UnsafeRawBufferPointer) -> Int? {
    guard text.count % 4 == 0 else { return nil }
    guard text.count > 0 else { return 0 }
    let padding = text.reversed().prefix(3).prefix { $0 == UInt8(ascii: "=") }.count
    return padding > 2 ? nil : text.count / 4 * 3 - padding
  }

  /// Whether the text has only characters of the alphabet, with padding only at its end.
  static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
    guard text.count % 4 == 0 else { return false }
    let tables = Base64Tables.shared
    var isPadding = false
    for (index, character) in text.enumerated() {
      if character == UInt8(ascii: "=") {
        guard index >= text.count - 2 else { return false }
        isPadding = true
      } else if isPadding || tables.value(character) == nil {
        return false
      }
    }
    return true
  }

  /// - Precondition: `target` has room for ``decodedByteCount(_:)`` bytes.
  /// - Returns: false if the text is not base64. Bits cut off by padding must be zero, so that each value has one text.
  static func decode(_ text: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer) -> Bool {
    guard let byteCount = decodedByteCount(text) else { return false }
    guard let base = text.baseAddress else { return true }
    let tables = Base64Tables.shared
    var written = 0
    var position = 0
    var marks: UInt64 = 0
    // Eight characters are six bytes, stored as eight, so this stops before the last ones. It does not reach padding.
    while byteCount - written >= 8 {
      let first = tables.bytes(base + position)
      let second = tables.bytes(base + (position &+ 4))
      marks |= UInt64(first | second)
      target.storeBytes(
        of: UInt64(first & 0xFF_FFFF) | UInt64(second & 0xFF_FFFF) &<< 24, toByteOffset: written, as: UInt64.self)
      written &+= 6
      position &+= 8
    }
    guard marks & UInt64(Base64Tables.mark) == 0 else { return false }
    while position < text.count {
      let bytes = min(byteCount - written, 3)
      guard let word = group(base + position, bytes) else { return false }
      for index in 0..<bytes {
        target.storeBytes(
          of: UInt8(truncatingIfNeeded: word >> UInt32(16 - 8 * index)), toByteOffset: written + index, as: UInt8.self)
      }
      written += bytes
      position += 4
    }
    return true
  }

  /// The 24 bits of four characters that encode `count` bytes; nil if they do not encode that many.
  private static func group(_ text: UnsafeRawPointer, _ count: Int) -> UInt32? {
    var word: UInt32 = 0
    for index in 0..<4 {
      let character = text.load(fromByteOffset: index, as: UInt8.self)
      if index <= count {
        guard let value = Base64Tables.shared.value(character) else { return nil }
        word = word << 6 | UInt32(value)
      } else {
        guard character == UInt8(ascii: "=") else { return nil }
        word <<= 6
      }
    }
    return word & (0xFF_FFFF >> UInt32(8 * count)) == 0 ? word : nil
  }

  package static func append(_ bytes: UnsafeRawBufferPointer, to buffer: ByteBuffer) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    let length = (bytes.count + 2) / 3 * 4
    let out = UnsafeMutableRawPointer(buffer.reserve(length))
    let tables = Base64Tables.shared
    var written = 0
    var position = 0
    // Six bytes are eight characters; eight are loaded.
    while bytes.count - position >= 8 {
      let word = UInt64(bigEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      out.storeBytes(of: tables.characters(word), toByteOffset: written, as: UInt64.self)
      position &+= 6
      written &+= 8
    }
    while position < bytes.count {
      let left = bytes.count - position
      let word =
        UInt64(bytes[position]) << 56 | (left > 1 ? UInt64(bytes[position + 1]) << 48 : 0)
        | (left > 2 ? UInt64(bytes[position + 2]) << 40 : 0)
      var characters = UInt32(truncatingIfNeeded: tables.characters(word))
      if left < 3 { characters = characters & 0x00FF_FFFF | UInt32(UInt8(ascii: "=")) << 24 }
      if left < 2 { characters = characters & 0xFF00_FFFF | UInt32(UInt8(ascii: "=")) << 16 }
      out.storeBytes(of: characters, toByteOffset: written, as: UInt32.self)
      written += 4
      position += 3
    }
    buffer.commit(written)
  }
}

/// Tables for decoding and encoding several characters at a time: 12 KiB, made at first use.
///
/// `@unchecked Sendable`: filled once by the initialiser, never written or freed afterwards.
private struct Base64Tables: @unchecked Sendable {
  static let shared = Base64Tables()

  /// Set in the entries of characters outside the alphabet.
  static let mark: UInt32 = 1 << 31

  /// For 12 bits the two characters, the first in the low byte.
  private let pairs: UnsafePointer<UInt16>
  /// For each character as the first, second, third and fourth of a group: its part of the group's three bytes, the
  /// first byte lowest.
  private let parts: UnsafePointer<UInt32>

  private init() {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    let pairs = UnsafeMutablePointer<UInt16>.allocate(capacity: 4096)
    for bits in 0..<4096 { pairs[bits] = UInt16(alphabet[bits >> 6]) | UInt16(alphabet[bits & 63]) << 8 }
    let parts = UnsafeMutablePointer<UInt32>.allocate(capacity: 4 * 256)
    parts.initialize(repeating: Self.mark, count: 4 * 256)
    for (index, character) in alphabet.enumerated() {
      for place in 0..<4 { parts[place * 256 + Int(character)] = (UInt32(index) << UInt32(26 - 6 * place)).byteSwapped }
    }
    self.pairs = UnsafePointer(pairs)
    self.parts = UnsafePointer(parts)
  }

  /// The six bits of a character of the alphabet.
  func value(_ character: UInt8) -> UInt8? {
    let part = parts[3 * 256 + Int(character)]
    return part == Self.mark ? nil : UInt8(truncatingIfNeeded: part >> 16)
  }

  /// The three bytes of four characters, the first lowest, and ``mark``.
  @inline(__always)
  func bytes(_ text: UnsafeRawPointer) -> UInt32 {
    let four = text.loadUnaligned(as: UInt32.self)
    return parts[Int(four & 255)] | parts[256 &+ Int(four &>> 8 & 255)] | parts[512 &+ Int(four &>> 16 & 255)]
      | parts[768 &+ Int(four &>> 24)]
  }

  /// The eight characters of the upper 48 bits, the first lowest.
  @inline(__always)
  func characters(_ word: UInt64) -> UInt64 {
    let first = UInt64(pairs[Int(word &>> 52)]) | UInt64(pairs[Int(word &>> 40 & 4095)]) &<< 16
    return first | UInt64(pairs[Int(word &>> 28 & 4095)]) &<< 32 | UInt64(pairs[Int(word &>> 16 & 4095)]) &<< 48
  }
}

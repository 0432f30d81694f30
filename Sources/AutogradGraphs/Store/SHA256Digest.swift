import CDigest

/// The SHA-256 of some bytes. Equal digests mean equal bytes.
package struct SHA256Digest: Hashable, Sendable {
  private var words = InlineArray<4, UInt64>(repeating: 0)

  package static let byteCount = 32

  package init(of bytes: UnsafeRawBufferPointer) {
    withUnsafeMutableBytes(of: &words) { digest in
      guard let target = digest.baseAddress else { return }
      digest_sha256(bytes.baseAddress, bytes.count, target.assumingMemoryBound(to: UInt8.self))
    }
  }

  /// From its 32 bytes; nil for any other number of bytes.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == SHA256Digest.byteCount else { return nil }
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
  }

  /// From 64 hexadecimal digits in lower case; nil for anything else.
  package init?(hex: String) {
    let digits = hex.utf8.map { (digit: UInt8) -> UInt8? in
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    guard digits.count == 2 * SHA256Digest.byteCount, !digits.contains(nil) else { return nil }
    self.init(bytes: stride(from: 0, to: digits.count, by: 2).map { (digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0) })
  }

  package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Swift.withUnsafeBytes(of: words, body)
  }

  package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

  /// 64 hexadecimal digits in lower case.
  package var hex: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  package static func == (left: SHA256Digest, right: SHA256Digest) -> Bool {
    left.words[0] == right.words[0] && left.words[1] == right.words[1] && left.words[2] == right.words[2]
      && left.words[3] == right.words[3]
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(words[0]) }
}

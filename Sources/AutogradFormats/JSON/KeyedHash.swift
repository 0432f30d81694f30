/// A fast hash of bytes under a key that this process drew at random.
///
/// Names and keys come from requests. With a known hash, a client could send a million keys that all fall into one
/// slot, and make a table take quadratic time. With a secret key this is not possible. The mix is the folded 64 × 64 to
/// 128 bit product, one multiplication for eight bytes. It is not a cryptographic hash.
package struct KeyedHash: Sendable {
  package static let process = KeyedHash()

  private let start: UInt64
  private let multiplier: UInt64
  private let finisher: UInt64

  private init() {
    var system = SystemRandomNumberGenerator()
    start = system.next()
    // An odd multiplier maps no two words to the same low half.
    multiplier = system.next() | 1
    finisher = system.next() | 1
  }

  package func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    // The length goes in first, so that zero bytes at the end count.
    var hash = start ^ UInt64(truncatingIfNeeded: bytes.count)
    var offset = 0
    while bytes.count - offset >= 8 {
      hash = Self.fold(hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self), multiplier)
      offset += 8
    }
    var tail: UInt64 = 0
    while offset < bytes.count {
      tail = tail << 8 | UInt64(bytes[offset])
      offset += 1
    }
    return Self.fold(Self.fold(hash ^ tail, multiplier) ^ start, finisher)
  }

  @inline(__always)
  private static func fold(_ x: UInt64, _ y: UInt64) -> UInt64 {
    let product = x.multipliedFullWidth(by: y)
    return product.high ^ product.low
  }
}

import Glibc
import Synchronization

/// The identifiers of requests: the client's own if it is valid in headers and log lines, else a new one.
///
/// New ones are a prefix, random for each process, and a count, in base 32. That is at most 15 characters, which a
/// String stores without allocating. They need not be secret, only different.
final class RequestIDSource: Sendable {
  private let prefix: UInt64
  private let count = Atomic<UInt64>(0)

  init() {
    prefix = UInt64.random(in: 0..<(1 << 35))
  }

  package func next() -> String {
    let number = count.wrappingAdd(1, ordering: .relaxed).newValue
    // A String with a capacity above 15 bytes is allocated even if fewer are used.
    return String(unsafeUninitializedCapacity: number >> 35 == 0 ? 15 : 21) { buffer in
      guard let start = buffer.baseAddress else { return 0 }
      var length = 0
      for shift in stride(from: 30 as UInt64, through: 0, by: -5) {
        start[length] = RequestIDSource.digit(prefix >> shift)
        length += 1
      }
      start[length] = UInt8(ascii: "-")
      length += 1
      var shift: UInt64 = 60
      while shift > 0 && number >> shift == 0 { shift -= 5 }
      while true {
        start[length] = RequestIDSource.digit(number >> shift)
        length += 1
        if shift == 0 { return length }
        shift -= 5
      }
    }
  }

  private static func digit(_ value: UInt64) -> UInt8 {
    let low = UInt8(truncatingIfNeeded: value & 31)
    return low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") - 10 + low
  }

  /// The client's identifier if it is 1 to 128 characters of `A-Z a-z 0-9 . _ ~ -`.
  package static func accepted(_ bytes: UnsafeRawBufferPointer?) -> String? {
    guard let bytes, (1...128).contains(bytes.count) else { return nil }
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "-"):
        continue
      default:
        return nil
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A `traceparent` header (W3C Trace Context): the request's trace, and the span that sent it.
package struct TraceContext: Sendable, Equatable {
  package var trace: (high: UInt64, low: UInt64)
  package var parent: UInt64

  package static func == (a: Self, b: Self) -> Bool { a.trace == b.trace && a.parent == b.parent }

  /// Nil if the header is invalid; it then counts as absent.
  ///
  /// `version "-" trace-id "-" parent-id "-" flags`, in lower-case hexadecimal digits: 2, 32, 16 and 2. Version 00 ends
  /// there. Later versions begin the same and may continue after another `-`. Version ff is invalid, and so are
  /// identifiers of zeros only.
  package init?(_ header: UnsafeRawBufferPointer?) {
    guard let header, header.count >= 55, header[2] == dash, header[35] == dash, header[52] == dash,
      let version = TraceContext.number(header[0..<2]), version != 0xff,
      header.count == 55 || (version != 0 && header[55] == dash),
      let high = TraceContext.number(header[3..<19]), let low = TraceContext.number(header[19..<35]), high | low != 0,
      let parent = TraceContext.number(header[36..<52]), parent != 0,
      TraceContext.number(header[53..<55]) != nil
    else { return nil }
    trace = (high, low)
    self.parent = parent
  }

  private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt64? {
    var value: UInt64 = 0
    for byte in digits {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return value
  }
}

private let dash = UInt8(ascii: "-")

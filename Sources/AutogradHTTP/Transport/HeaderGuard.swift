import CMicroHTTPD

/// The facts of a request's head that decide where its body ends.
struct FramingFacts: Sendable, Equatable {
  enum TransferCoding: Sendable, Equatable {
    case chunked
    case other(String)
  }

  var minorVersion = 1
  var hostCount = 1
  var contentLengthCount = 0
  var transferEncodingCount = 0
  /// `Int.max` for a number too large for it.
  var contentLength: Int?
  var transferCoding: TransferCoding?
  var expectsContinue = false
  /// Seconds of the Request-Timeout header; 0 if it is invalid.
  var requestTimeout: Double?
  /// What is wrong with the header lines themselves.
  var fault: String?
  var pathHasPercent = false
}

/// Rejects unsafe requests that libmicrohttpd accepts.
///
/// It accepts a request with two lengths, or with a length and a transfer coding, and keeps the connection. A proxy
/// before us may go by the other of the two. It then sees one request where we see two, and the second bypasses its
/// checks. If framing is ambiguous, the connection is closed.
enum HeaderGuard {
  /// Bodies up to this much over the limit are read to their end and then rejected: many clients read no answer before
  /// they have sent everything, and would report a broken pipe.
  static let drainAllowance = 1 << 20

  /// - Parameter takesPercent: whether the path may have percent signs: where some of it stands for itself.
  static func refusal(for facts: FramingFacts, bodyLimit: Int, takesPercent: Bool = false) -> Refusal? {
    if let fault = facts.fault { return .framing(fault) }
    if facts.pathHasPercent && !takesPercent {
      return .framing(
        "a path with % in it: no path of this server needs percent-encoding; send the characters themselves")
    }
    if let detail = hostFault(facts) ?? framingFault(facts) { return .framing(detail) }
    // The library would wait for the end of a body that it cannot decode.
    if case .other(let name) = facts.transferCoding { return .transferCoding(name) }
    guard let length = facts.contentLength, length > bodyLimit else { return nil }
    // A client that sent `Expect: 100-continue` has not sent the body yet.
    let isDrained = length - bodyLimit <= drainAllowance && !facts.expectsContinue
    return isDrained ? nil : .bodyTooLarge(limit: bodyLimit, length: length == .max ? nil : length)
  }

  private static func hostFault(_ facts: FramingFacts) -> String? {
    if facts.hostCount > 1 { return "more than one Host header" }
    if facts.hostCount == 0 && facts.minorVersion >= 1 { return "an HTTP/1.1 request needs a Host header" }
    return nil
  }

  private static func framingFault(_ facts: FramingFacts) -> String? {
    if facts.transferEncodingCount > 0 && facts.contentLengthCount > 0 {
      return "both Content-Length and Transfer-Encoding"
    }
    if facts.contentLengthCount > 1 { return "more than one Content-Length header" }
    if facts.transferEncodingCount > 1 { return "more than one Transfer-Encoding header" }
    if facts.transferEncodingCount > 0 && facts.minorVersion < 1 { return "Transfer-Encoding in an HTTP/1.0 request" }
    return nil
  }
}

extension FramingFacts {
  init(_ head: amhd_head) {
    minorVersion = Int(head.minor_version)
    hostCount = Int(head.hosts)
    contentLengthCount = Int(head.content_lengths)
    transferEncodingCount = Int(head.transfer_encodings)
    contentLength = head.content_length.bytes.map(FramingFacts.length(of:))
    transferCoding = head.transfer_encoding.bytes.map { bytes in
      // Compared exactly as the library does: it would never finish reading anything that it does not recognise as
      // chunked.
      bytes.equalsIgnoringCase("chunked") ? .chunked : .other(String(decoding: bytes.prefix(64), as: UTF8.self))
    }
    expectsContinue = head.expect.bytes?.equalsIgnoringCase("100-continue") ?? false
    fault = FramingFacts.text(of: head.fault)
    pathHasPercent = head.path_has_percent
    requestTimeout = head.request_timeout.bytes.map { FramingFacts.seconds(of: $0) ?? 0 }
  }

  /// The value of decimal digits, saturating. The library has already rejected everything else.
  static func length(of bytes: UnsafeRawBufferPointer) -> Int {
    var value = 0
    for byte in bytes {
      guard byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") else { return .max }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
      if overflow || carry { return .max }
      value = sum
    }
    return value
  }

  /// A decimal number above 0, without sign or exponent.
  static func seconds(of bytes: UnsafeRawBufferPointer) -> Double? {
    guard (1...32).contains(bytes.count),
      bytes.allSatisfy({ $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let seconds = Double(String(decoding: bytes, as: UTF8.self)), seconds > 0
    else { return nil }
    return seconds
  }

  private static func text(of fault: amhd_header_fault) -> String? {
    switch fault {
    case amhd_header_fault_none: nil
    case amhd_header_fault_name: "a header name with a character that no header name may have"
    case amhd_header_fault_lookalike: "a header name that looks like Content-Length or Transfer-Encoding"
    case amhd_header_fault_value: "a header value with a control character"
    case amhd_header_fault_lines: "header lines must be `name: value`, each ended by CR LF and not folded"
    default: "a malformed header"
    }
  }
}

extension amhd_text {
  /// Nil where the header is absent.
  var bytes: UnsafeRawBufferPointer? {
    start.map { UnsafeRawBufferPointer(start: $0, count: size) }
  }

  var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
}

extension UnsafeRawBufferPointer {
  /// - Parameter text: in lower case.
  func equalsIgnoringCase(_ text: StaticString) -> Bool {
    equalsIgnoringCase(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// - Parameter text: in lower case.
  func equalsIgnoringCase(_ text: UnsafeRawBufferPointer) -> Bool {
    guard count == text.count else { return false }
    for index in 0..<count {
      let byte = self[index]
      let lower = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
      if lower != text[index] { return false }
    }
    return true
  }
}

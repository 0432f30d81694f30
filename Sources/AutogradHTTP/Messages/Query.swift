import CMicroHTTPD

/// The parameters of a request's query, in their order, written as HTML forms write them: a plus sign is a blank, a
/// percent sign begins an escape.
package struct Query: Sendable {
  package private(set) var parameters: [(name: String, value: String)] = []
  /// The first parameter that cannot be decoded.
  package private(set) var fault: Fault?

  package enum Fault: Sendable, Equatable {
    /// A percent sign without two hexadecimal digits, in the parameter of this name.
    case escape(String)
    /// Bytes that are not UTF-8.
    case encoding(String)
  }

  /// No parameters.
  package static let none = Query()

  package init() {}

  /// - Parameter text: the part of an address after the question mark.
  package init(_ text: String) {
    for part in text.split(separator: "&") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let plain = pair.map { Array($0.utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }) }
      plain[0].withUnsafeBytes { name in
        (pair.count > 1 ? plain[1] : []).withUnsafeBytes { value in append(name, value) }
      }
    }
  }

  /// As the library has cut it; it has replaced the plus signs already.
  init(of connection: OpaquePointer) {
    withUnsafeMutablePointer(to: &self) { query in
      amhd_query(connection, query) { query, name, value in
        query?.assumingMemoryBound(to: Query.self).pointee.append(name.bytes, value.bytes)
      }
    }
  }

  private mutating func append(_ name: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) {
    if fault != nil { return }
    let sent = name.map { String(decoding: $0, as: UTF8.self) } ?? ""
    var decoded: [String] = []
    for text in [name, value] {
      guard let bytes = Query.decoded(text) else { return fault = .escape(sent) }
      guard let string = String(validating: bytes, as: UTF8.self) else { return fault = .encoding(sent) }
      decoded.append(string)
    }
    parameters.append((decoded[0], decoded[1]))
  }

  /// Nil for a percent sign that begins no escape.
  private static func decoded(_ text: UnsafeRawBufferPointer?) -> [UInt8]? {
    guard let text else { return [] }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      let byte = text[position]
      position += 1
      if byte != UInt8(ascii: "%") {
        bytes.append(byte)
        continue
      }
      guard position + 1 < text.count, let high = digit(text[position]), let low = digit(text[position + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
      position += 2
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

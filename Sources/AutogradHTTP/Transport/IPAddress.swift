import CSystem
import Glibc

/// An address of a client, as IPv6; IPv4 mapped into it as ::ffff:a.b.c.d.
struct IPAddress: Hashable, Sendable {
  let bits: UInt128

  private static let mapped: UInt128 = 0xffff << 32
  fileprivate var isMapped: Bool { bits >> 32 == 0xffff }

  /// The peer's address of a connection; the zero address if there is none.
  init(peerOf descriptor: Int32) {
    var bytes = InlineArray<16, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    _ = span.withUnsafeMutableBytes { system_peer(descriptor, $0.baseAddress) }
    self.init(bytes)
  }

  private init(_ bytes: InlineArray<16, UInt8>) {
    var bits: UInt128 = 0
    for index in bytes.indices { bits = (bits << 8) | UInt128(bytes[index]) }
    self.bits = bits
  }

  private init(bits: UInt128) { self.bits = bits }

  /// Reads `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`, each also with a port.
  init?(_ text: some StringProtocol) {
    var text = Substring(text)
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { return nil }
      text = text[text.index(after: text.startIndex)..<end]
    } else if text.split(separator: ":", omittingEmptySubsequences: false).count == 2 {
      text = text.prefix { $0 != ":" }
    }
    var bytes = InlineArray<16, UInt8>(repeating: 0)
    let isIPv4 = !text.contains(":")
    if isIPv4 { (bytes[10], bytes[11]) = (0xff, 0xff) }
    var span = bytes.mutableSpan
    let isRead = span.withUnsafeMutableBytes { bytes in
      String(text).withCString {
        inet_pton(isIPv4 ? AF_INET : AF_INET6, $0, bytes.baseAddress.map { $0 + (isIPv4 ? 12 : 0) }) == 1
      }
    }
    guard isRead else { return nil }
    self.init(bytes)
  }

  /// The part that distinguishes clients: of an IPv6 address the first 64 bits, because one host may use all addresses
  /// below them (RFC 4291, 2.5.1).
  var host: IPAddress { isMapped ? self : IPAddress(bits: (bits >> 64) << 64) }
}

/// Proxies whose X-Forwarded-For header is trusted.
package struct TrustedProxies: Sendable {
  private struct Range: Sendable {
    let bits: UInt128
    let ignored: Int

    func contains(_ address: IPAddress) -> Bool { ignored >= 128 || address.bits >> ignored == bits >> ignored }
  }

  private var ranges: [Range] = []

  package var isEmpty: Bool { ranges.isEmpty }

  package init() {}

  /// Adds an address, or a range of them such as `10.0.0.0/8`. False if the text is not an address or range.
  package mutating func add(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    // Only addresses of clients have ports.
    let isPlain =
      !text.contains("[") && (parts[0].contains(".") ? !parts[0].contains(":") || parts[0].hasPrefix("::ffff:") : true)
    guard parts.count <= 2, isPlain, let address = IPAddress(parts[0]) else { return false }
    let width = address.isMapped && !parts[0].contains(":") ? 32 : 128
    guard let length = parts.count == 2 ? UInt8(parts[1]).map(Int.init) : width, parts.last?.first != "+",
      (0...width).contains(length)
    else { return false }
    ranges.append(Range(bits: address.bits, ignored: width - length))
    return true
  }

  func contains(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }

  /// The client of a request, from X-Forwarded-For: the last address that is not a trusted proxy's. Earlier ones may be
  /// forged. Nil if no address can be read.
  func client(in forwarded: String) -> IPAddress? {
    var last: IPAddress?
    for part in forwarded.split(separator: ",").reversed() {
      guard let address = IPAddress(part.trimmingSpaces) else { return last }
      last = address
      if !contains(address) { return address }
    }
    return last
  }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    let start = drop { $0 == " " || $0 == "\t" }
    return start.lastIndex { $0 != " " && $0 != "\t" }.map { start[...$0] } ?? ""
  }
}

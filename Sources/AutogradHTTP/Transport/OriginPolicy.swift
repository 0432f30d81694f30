import CMicroHTTPD

/// The host names that a server answers to, and the web pages that may call it.
///
/// A browser sends requests for any page that it shows, also to servers that only its own machine can reach. Two
/// headers show it: `Origin` is the page's origin, if it differs from the server's, and `Host` is the name that the
/// page uses for the server. If a page's name resolves to 127.0.0.1 (DNS rebinding), the browser treats the page as the
/// server's own, but `Host` has the page's name.
package struct OriginPolicy: Sendable {
  /// Allows any name or origin.
  package static let any = "*"

  /// In lower case.
  private let hosts: [String]
  /// Whether the names of the local machine are accepted too.
  private let isLoopback: Bool
  private let checksHosts: Bool
  /// As browsers write them.
  private let origins: [String]
  private let takesAnyOrigin: Bool
  /// Whether answers depend on the request's origin (`Vary`).
  private let varies: Bool

  /// - Parameters:
  ///   - hosts: names that `Host` may have, in lower case. Without any, a server on loopback accepts the names of the
  ///     local machine, and other servers accept all.
  ///   - origins: origins whose pages may call the server.
  ///   - address: the configured listening address; if it is a name, that is accepted too.
  ///   - isLoopback: whether only this machine can reach the server.
  init(hosts: [String], origins: [String], address: String, isLoopback: Bool) {
    let isName = isLoopback && !address.contains(":")
    self.hosts = hosts + (isName && !OriginPolicy.isOfMachine(address) ? [address.lowercased()] : [])
    self.isLoopback = isLoopback
    checksHosts = (isLoopback || !hosts.isEmpty) && !hosts.contains(OriginPolicy.any)
    self.origins = origins
    takesAnyOrigin = origins.contains(OriginPolicy.any)
    varies = !origins.isEmpty && !takesAnyOrigin
  }

  /// Where a request comes from.
  enum Sender: Sendable {
    /// A program, or a page of the server itself.
    case own
    /// A page that may call: the value of `Access-Control-Allow-Origin`.
    case page(String)
    case refused(Refusal)

    var page: String? {
      if case .page(let page) = self { page } else { nil }
    }
  }

  /// - Parameters:
  ///   - isPublic: whether the route ignores these headers, as `/livez` does because orchestrators use names of their
  ///     own.
  ///   - computes: whether a GET of the route computes what its address says.
  func sender(of head: amhd_head, isPublic: Bool, computes: Bool = false) -> Sender {
    let host = OriginPolicy.authority(of: head.path.bytes) ?? head.host.bytes
    // A request without Host is not from a browser: HeaderGuard allows that only for HTTP/1.0.
    if checksHosts, !isPublic, let host, !takes(host) {
      let names = (isLoopback ? ["localhost", "127.0.0.1", "[::1]"] : []) + hosts
      return .refused(.misdirected(host: OriginPolicy.text(host), taken: names))
    }
    guard let origin = head.origin.bytes else {
      let isRefused = OriginPolicy.isSentByOtherSite(head, computes) && !takesAnyOrigin
      return isRefused ? .refused(.foreignOrigin(nil)) : .own
    }
    // Only if hosts are checked, or for a host that no name resolves to; otherwise a rebound name would pass too.
    if let host, checksHosts || OriginPolicy.isNoName(host), OriginPolicy.isOrigin(origin, of: host) { return .own }
    if let page = page(of: origin) { return .page(page) }
    return isPublic ? .own : .refused(.foreignOrigin(OriginPolicy.text(origin)))
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix(256), as: UTF8.self)
  }

  // MARK: - Writing

  /// Why a request without a token may not change what the server keeps; nil if it may. A page whose name resolves to
  /// 127.0.0.1 has that name in `Host`, and no name of a page is an address or `localhost`.
  func writeRefusal(of head: amhd_head) -> WriteRefusal? {
    if !isLoopback { return .address }
    guard let host = OriginPolicy.authority(of: head.path.bytes) ?? head.host.bytes else { return nil }
    if let name = OriginPolicy.name(of: host), OriginPolicy.isOfMachine(name) { return nil }
    return .host(OriginPolicy.text(host))
  }

  // MARK: - Hosts

  /// The authority of a target that is written with scheme and host: it counts instead of Host (RFC 9112, 3.2.2).
  private static func authority(of target: UnsafeRawBufferPointer?) -> UnsafeRawBufferPointer? {
    guard let target, target.first != UInt8(ascii: "/"), let rest = target.rest(after: "http://") else { return nil }
    return UnsafeRawBufferPointer(rebasing: rest.prefix { $0 != UInt8(ascii: "/") })
  }

  private func takes(_ host: UnsafeRawBufferPointer) -> Bool {
    if isLoopback && OriginPolicy.isUsual(host) { return true }
    guard let name = OriginPolicy.name(of: host) else { return false }
    if isLoopback && OriginPolicy.isOfMachine(name) { return true }
    return hosts.contains { known in
      var known = known
      return known.withUTF8 { name.equalsIgnoringCase(UnsafeRawBufferPointer($0)) }
    }
  }

  /// Whether it is `localhost` or 127.0.0.1, perhaps with a port: what nearly every request to a loopback address has.
  /// Few comparisons, because every request pays for them.
  private static func isUsual(_ host: UnsafeRawBufferPointer) -> Bool {
    guard host.count >= 9, host.count == 9 || host[9] == UInt8(ascii: ":") else { return false }
    let start = UInt64(bigEndian: host.loadUnaligned(as: UInt64.self))
    let isName = start == 0x6c6f_6361_6c68_6f73 && host[8] == UInt8(ascii: "t")  // "localhos"
    let isAddress = start == 0x3132_372e_302e_302e && host[8] == UInt8(ascii: "1")  // "127.0.0."
    return (isName || isAddress) && host.dropFirst(10).allSatisfy(isDigit)
  }

  /// Without the port and a final dot; nil if it is not a host.
  private static func name(of host: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var end = 0
    if host.first == UInt8(ascii: "[") {
      guard let bracket = host.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      end = bracket + 1
    } else {
      while end < host.count && host[end] != UInt8(ascii: ":") { end += 1 }
    }
    if end < host.count {
      guard host[end] == UInt8(ascii: ":") else { return nil }
      for index in end + 1..<host.count where !isDigit(host[index]) { return nil }
    }
    if end > 0 && host[end - 1] == UInt8(ascii: ".") { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: host[..<end])
  }

  private static func isOfMachine(_ name: String) -> Bool {
    var name = name
    return name.withUTF8 { isOfMachine(UnsafeRawBufferPointer($0)) }
  }

  /// `localhost`, 127.0.0.0/8 or ::1: names that cannot resolve to another server's page.
  private static func isOfMachine(_ name: UnsafeRawBufferPointer) -> Bool {
    name.equalsIgnoringCase("localhost") || isLoopbackIPv4(name) || name.equalsIgnoringCase("[::1]")
  }

  /// Whether it is `localhost` or an address, perhaps with a port. A page that has it comes from there: no name of
  /// another server can resolve to it.
  private static func isNoName(_ host: UnsafeRawBufferPointer) -> Bool {
    guard let name = name(of: host) else { return false }
    return name.equalsIgnoringCase("localhost") || name.first == UInt8(ascii: "[") || isIPv4(name)
  }

  private static func isLoopbackIPv4(_ name: UnsafeRawBufferPointer) -> Bool {
    name.rest(after: "127.") != nil && isIPv4(name)
  }

  /// Four decimal numbers.
  private static func isIPv4(_ name: UnsafeRawBufferPointer) -> Bool {
    var value = 0
    var digits = 0
    var dots = 0
    for byte in name {
      if byte == UInt8(ascii: ".") && digits > 0 {
        dots += 1
        (value, digits) = (0, 0)
        continue
      }
      guard isDigit(byte) && digits < 3 else { return false }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
      digits += 1
      if value > 255 { return false }
    }
    return dots == 3 && digits > 0
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  // MARK: - Origins

  /// Whether pages of the origin come from this host. Browsers leave the port of the scheme out of both headers.
  private static func isOrigin(_ origin: UnsafeRawBufferPointer, of host: UnsafeRawBufferPointer) -> Bool {
    guard let page = origin.rest(after: "http://") ?? origin.rest(after: "https://"), page.count == host.count else {
      return false
    }
    return zip(page, host).allSatisfy { $0.lowercased == $1.lowercased }
  }

  /// What `Access-Control-Allow-Origin` says to pages of the origin; nil if they may not call.
  private func page(of origin: UnsafeRawBufferPointer) -> String? {
    if takesAnyOrigin { return OriginPolicy.any }
    return origins.first { origin.elementsEqual($0.utf8) }
  }

  /// Browsers send `Origin` with every cross-site request except GET and HEAD. If something on the way has removed it,
  /// `Sec-Fetch-Site` may still show it. GET and HEAD without an origin, as of links and images, are answered: they
  /// change nothing, and no page can read the answers. Where a GET computes, any page could keep the server busy.
  private static func isSentByOtherSite(_ head: amhd_head, _ computes: Bool) -> Bool {
    guard let site = head.fetch_site.bytes, let method = head.method.bytes else { return false }
    if !computes, method.elementsEqual("GET".utf8) || method.elementsEqual("HEAD".utf8) { return false }
    return !site.equalsIgnoringCase("same-origin") && !site.equalsIgnoringCase("none")
  }

  // MARK: - Answers

  /// How long browsers cache a preflight, in seconds: Chromium's maximum.
  private static let preflightAge = 7200
  /// Headers that requests may have: those that this server reads, and those of OpenTelemetry.
  static let requestHeaders = [
    "Accept", "Authorization", "Content-Type", "If-Match", "If-None-Match", "Request-Timeout", "Traceparent",
    "Tracestate", "X-Request-Id",
  ]
  /// Answer headers that pages may read, which browsers would otherwise hide.
  static let answerHeaders = [
    "Allow", "ETag", "Location", "Retry-After", "Server-Timing", "WWW-Authenticate", "X-Graph-Digest",
    "X-Graph-Version", "X-Request-Id",
  ]

  private static let allowedHeaders = requestHeaders.joined(separator: ", ")
  private static let exposedHeaders = answerHeaders.joined(separator: ", ")

  /// The headers that let a page read the answer.
  /// - Parameter page: see ``Sender/page``.
  func headers(for page: String?) -> [(name: String, value: String)] {
    let vary = varies ? [(name: "Vary", value: "Origin")] : []
    guard let page else { return vary }
    return vary + [
      ("Access-Control-Allow-Origin", page), ("Access-Control-Expose-Headers", OriginPolicy.exposedHeaders),
    ]
  }

  /// Whether it is a preflight: sent by a browser before a page's request, without a token or a body.
  static func isPreflight(_ head: amhd_head, on connection: OpaquePointer) -> Bool {
    let hasNoBody = head.transfer_encodings == 0 && head.content_length.bytes?.elementsEqual("0".utf8) ?? true
    guard hasNoBody, head.method.bytes?.elementsEqual("OPTIONS".utf8) ?? false else { return false }
    return amhd_last_header(connection, "Access-Control-Request-Method").bytes != nil
  }

  /// The answer to a preflight. Unknown paths get it too, so that the page can read the 404.
  static func preflight(_ methods: [String], on connection: OpaquePointer) -> Response {
    var headers = [
      (name: "Access-Control-Allow-Methods", value: methods.joined(separator: ", ")),
      (name: "Access-Control-Allow-Headers", value: allowedHeaders),
      (name: "Access-Control-Max-Age", value: "\(preflightAge)"),
    ]
    if amhd_last_header(connection, "Access-Control-Request-Private-Network").string == "true" {
      headers.append((name: "Access-Control-Allow-Private-Network", value: "true"))
    }
    return Response(status: 204, contentType: "", headers: headers, body: TextBytes(""))
  }
}

extension UnsafeRawBufferPointer {
  /// The rest after a prefix, which is given in lower case.
  fileprivate func rest(after start: StaticString) -> UnsafeRawBufferPointer? {
    guard count >= start.utf8CodeUnitCount else { return nil }
    guard UnsafeRawBufferPointer(rebasing: self[..<start.utf8CodeUnitCount]).equalsIgnoringCase(start) else {
      return nil
    }
    return UnsafeRawBufferPointer(rebasing: self[start.utf8CodeUnitCount...])
  }
}

extension UInt8 {
  /// In lower case, if it is an ASCII letter.
  fileprivate var lowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }
}

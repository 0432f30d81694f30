import CMicroHTTPD

/// The names that a server goes by, and the web pages that may call it.
///
/// A browser sends requests for any page that it shows, also to servers that only its own machine can reach. Two
/// headers tell: `Origin` is that of the page, where it is not the server's own, and `Host` is the name under which the
/// page knows the server. A page whose own name resolves to 127.0.0.1 (DNS rebinding) is of the server's origin to the
/// browser, but cannot hide that name.
package struct OriginPolicy: Sendable {
  /// What stands for any name or origin.
  package static let any = "*"

  /// In lower case.
  private let hosts: [String]
  /// Whether the names of the machine itself are taken too.
  private let isLoopback: Bool
  private let checksHosts: Bool
  /// As browsers write them.
  private let origins: [String]
  private let takesAnyOrigin: Bool
  /// Whether answers depend on the request's origin, which caches must know.
  private let varies: Bool

  /// - Parameters:
  ///   - hosts: names that `Host` may have, in lower case. Without any a server on loopback takes the names of the
  ///     machine itself, and another all names.
  ///   - origins: origins whose pages may call the server.
  ///   - address: what the server was told to listen on: that may be a name, which is then taken too.
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

  /// - Parameter isPublic: whether anybody may ask for it, as orchestrators do for `/livez` under names of their own.
  func sender(of head: amhd_head, isPublic: Bool) -> Sender {
    let host = OriginPolicy.authority(of: head.path.bytes) ?? head.host.bytes
    // Without Host there is no browser: HeaderGuard lets only HTTP/1.0 do without.
    if checksHosts, !isPublic, let host, !takes(host) {
      let names = (isLoopback ? ["localhost", "127.0.0.1", "[::1]"] : []) + hosts
      return .refused(.misdirected(host: OriginPolicy.text(host), taken: names))
    }
    guard let origin = head.origin.bytes else {
      let isRefused = OriginPolicy.isSentByOtherSite(head) && !takesAnyOrigin
      return isRefused ? .refused(.foreignOrigin(nil)) : .own
    }
    // Where hosts are not checked, that would also hold of a name that resolves to this server for the time being.
    if checksHosts, let host, OriginPolicy.isOrigin(origin, of: host) { return .own }
    if let page = page(of: origin) { return .page(page) }
    return isPublic ? .own : .refused(.foreignOrigin(OriginPolicy.text(origin)))
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix(256), as: UTF8.self)
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
  /// Told by few comparisons, because each request pays for them.
  private static func isUsual(_ host: UnsafeRawBufferPointer) -> Bool {
    guard host.count >= 9, host.count == 9 || host[9] == UInt8(ascii: ":") else { return false }
    let start = UInt64(bigEndian: host.loadUnaligned(as: UInt64.self))
    let isName = start == 0x6c6f_6361_6c68_6f73 && host[8] == UInt8(ascii: "t")  // "localhos"
    let isAddress = start == 0x3132_372e_302e_302e && host[8] == UInt8(ascii: "1")  // "127.0.0."
    return (isName || isAddress) && host.dropFirst(10).allSatisfy(isDigit)
  }

  /// Without port and the dot that may end a name; nil for what is no host.
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

  /// `localhost`, 127.0.0.0/8 or ::1: names that nobody can make resolve to another server's page.
  private static func isOfMachine(_ name: UnsafeRawBufferPointer) -> Bool {
    name.equalsIgnoringCase("localhost") || isLoopbackIPv4(name) || name.equalsIgnoringCase("[::1]")
  }

  /// Four decimal numbers, the first of which is 127.
  private static func isLoopbackIPv4(_ name: UnsafeRawBufferPointer) -> Bool {
    guard name.rest(after: "127.") != nil else { return false }
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

  /// Browsers name the origin in every request of another but GET and HEAD. Where something on the way has taken that
  /// out, a newer header may still tell. GET and HEAD without an origin, as of links and images, are answered: they
  /// change nothing, and no page can read the answers.
  private static func isSentByOtherSite(_ head: amhd_head) -> Bool {
    guard let site = head.fetch_site.bytes, let method = head.method.bytes else { return false }
    if method.elementsEqual("GET".utf8) || method.elementsEqual("HEAD".utf8) { return false }
    return !site.equalsIgnoringCase("same-origin") && !site.equalsIgnoringCase("none")
  }

  // MARK: - Answers

  /// Browsers do not ask again for so long, in seconds: Chromium's most.
  private static let preflightAge = 7200
  /// What requests may have: the headers that this server reads, and what OpenTelemetry sends with them.
  static let requestHeaders = [
    "Accept", "Authorization", "Content-Type", "Request-Timeout", "Traceparent", "Tracestate", "X-Request-Id",
  ]
  /// What pages may read: those of the answers' headers that browsers would hide from them.
  static let answerHeaders = [
    "Allow", "Retry-After", "Server-Timing", "WWW-Authenticate", "X-Graph-Digest", "X-Request-Id",
  ]

  private static let allowedHeaders = requestHeaders.joined(separator: ", ")
  private static let exposedHeaders = answerHeaders.joined(separator: ", ")

  /// The headers by which the browser of a page may show it the answer.
  /// - Parameter page: see ``Sender/page``.
  func headers(for page: String?) -> [(name: String, value: String)] {
    let vary = varies ? [(name: "Vary", value: "Origin")] : []
    guard let page else { return vary }
    return vary + [
      ("Access-Control-Allow-Origin", page), ("Access-Control-Expose-Headers", OriginPolicy.exposedHeaders),
    ]
  }

  /// A browser asks so before a request of a page, with nothing to show for itself: no token, no body.
  static func isPreflight(_ head: amhd_head, on connection: OpaquePointer) -> Bool {
    let hasNoBody = head.transfer_encodings == 0 && head.content_length.bytes?.elementsEqual("0".utf8) ?? true
    guard hasNoBody, head.method.bytes?.elementsEqual("OPTIONS".utf8) ?? false else { return false }
    return amhd_last_header(connection, "Access-Control-Request-Method").bytes != nil
  }

  /// What a browser that asks is told. Of a path that there is not too: then the page gets to see the 404.
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
  /// What follows a beginning, which is given in lower case.
  fileprivate func rest(after start: StaticString) -> UnsafeRawBufferPointer? {
    guard count >= start.utf8CodeUnitCount else { return nil }
    guard UnsafeRawBufferPointer(rebasing: self[..<start.utf8CodeUnitCount]).equalsIgnoringCase(start) else {
      return nil
    }
    return UnsafeRawBufferPointer(rebasing: self[start.utf8CodeUnitCount...])
  }
}

extension UInt8 {
  /// Of a letter in ASCII.
  fileprivate var lowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }
}

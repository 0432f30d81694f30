import ArgumentParser
import AutogradFormats
import AutogradHTTP
import Glibc

/// Reads the options that say under which names a server is asked, by which web pages, and behind which proxies.
enum OriginSettings {
  static func proxies(_ texts: [String]) throws(ValidationError) -> TrustedProxies {
    var proxies = TrustedProxies()
    for text in texts where !proxies.add(text) {
      throw ValidationError(
        "--trusted-proxy (or AUTOGRAD_TRUSTED_PROXIES) takes addresses such as 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32, "
          + "got \(text)"
      )
    }
    return proxies
  }

  static func hosts(_ texts: [String]) throws(ValidationError) -> [String] {
    try texts.map { text throws(ValidationError) in try host(text) }
  }

  static func origins(_ texts: [String]) throws(ValidationError) -> [String] {
    try texts.map { text throws(ValidationError) in try origin(text) }
  }

  static func check(_ configuration: Configuration) throws(ValidationError) {
    guard configuration.tokenFile != nil, configuration.corsOrigins.contains(OriginPolicy.any) else { return }
    throw ValidationError(
      "--cors-origin * lets every page try tokens, so it does not go with --token-file; name the origins of the pages "
        + "that may call"
    )
  }

  /// In lower case, without the dot that may end it; IPv6 in brackets, as Host has it.
  private static func host(_ text: String) throws(ValidationError) -> String {
    if text == OriginPolicy.any { return text }
    func refused(_ why: String) -> ValidationError {
      ValidationError(
        "--allowed-host (or AUTOGRAD_ALLOWED_HOSTS) takes a name such as api.example, an address, or * for all; "
          + "\(text) \(why)")
    }
    if text.contains("/") { throw refused("has more than the name: leave out scheme and path") }
    var name = text.lowercased()
    if name.hasSuffix(".") { name.removeLast() }
    if let address = address6(name) { return address }
    if name.contains(":") { throw refused("has a port: leave it out, all ports are accepted") }
    guard !name.isEmpty, name.utf8.allSatisfy(isOfName) else {
      throw refused("is no host name; write other letters than a-z as xn--…")
    }
    return name
  }

  /// As browsers write it: scheme and host in lower case, without the port that the scheme has anyway.
  private static func origin(_ text: String) throws(ValidationError) -> String {
    if text == OriginPolicy.any { return text }
    func refused(_ why: String) -> ValidationError {
      ValidationError(
        "--cors-origin (or AUTOGRAD_CORS_ORIGINS) takes scheme://host or scheme://host:port, or * for all; "
          + "\(text) \(why)")
    }
    if text.lowercased() == "null" {
      throw refused("is the origin of every file and sandboxed frame; serve the page from a web server")
    }
    let halves = text.lowercased().split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
    let parts = halves.map(String.init)
    guard parts.count == 2, isScheme(parts[0]) else { throw refused("has no scheme, such as https://") }
    if parts[1].contains(where: { "/?#".contains($0) }) {
      throw refused("has a path: leave out what follows the host and port, also a /")
    }
    // The colons of an IPv6 address are in brackets.
    let hostEnd =
      parts[1].firstIndex(of: "]").map { parts[1].index(after: $0) } ?? parts[1].firstIndex(of: ":")
      ?? parts[1].endIndex
    let (name, port) = (String(parts[1][..<hostEnd]), parts[1][hostEnd...])
    let isName = !name.isEmpty && name.utf8.allSatisfy(isOfName)
    guard let host = isName ? name : name.hasPrefix("[") ? address6(name) : nil else {
      throw refused("has no host as browsers write it; write other letters than a-z as xn--…")
    }
    if port.isEmpty { return "\(parts[0])://\(host)" }
    guard port.first == ":", port.dropFirst().first != "+", let number = UInt16(port.dropFirst()), number > 0 else {
      throw refused("has no port from 1 to 65535")
    }
    let isStandard = parts[0] == "http" && number == 80 || parts[0] == "https" && number == 443
    return "\(parts[0])://\(host)" + (isStandard ? "" : ":\(number)")
  }

  private static func isScheme(_ text: String) -> Bool {
    guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
    return text.utf8.allSatisfy { isOfName($0) && $0 != UInt8(ascii: "_") || $0 == UInt8(ascii: "+") }
  }

  /// An IPv6 address, with brackets or without, as browsers write it.
  private static func address6(_ text: String) -> String? {
    let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
    var address = in6_addr()
    guard inet_pton(AF_INET6, isBracketed ? String(text.dropFirst().dropLast()) : text, &address) == 1 else {
      return nil
    }
    var written = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    return written.withUnsafeMutableBufferPointer { buffer in
      inet_ntop(AF_INET6, &address, buffer.baseAddress, socklen_t(buffer.count)).map { "[\(String(cString: $0))]" }
    }
  }

  /// A letter, digit, dot, dash or underline.
  private static func isOfName(_ byte: UInt8) -> Bool { "abcdefghijklmnopqrstuvwxyz0123456789.-_".utf8.contains(byte) }
}

import Glibc

/// The socket that clients connect to. It is made here and not by the library, so that errors can be reported, sockets
/// from a supervisor are handled alike, and the port is known if the system chose it.
package enum ListeningSocket {
  static let backlog: Int32 = 4096

  /// Binds and listens.
  ///
  /// - Parameters:
  ///   - host: an address or a name; `::` also takes IPv4 clients.
  ///   - port: 0 lets the system choose.
  package static func open(host: String, port: UInt16) throws(StartError) -> Int32 {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    let failure = getaddrinfo(host, String(port), &hints, &list)
    guard failure == 0 else { throw StartError("cannot listen on \(host): \(String(cString: gai_strerror(failure)))") }
    defer { freeaddrinfo(list) }

    var reason = "it has no address"
    var next = list
    while let address = next {
      let descriptor = bind(to: address.pointee)
      if descriptor >= 0 { return descriptor }
      reason = ListeningSocket.reason(errno)
      next = address.pointee.ai_next
    }
    throw StartError("cannot listen on \(host) port \(port): \(reason)")
  }

  /// The system's message, and what to do about it.
  private static func reason(_ code: Int32) -> String {
    let text = String(cString: strerror(code))
    return switch code {
    case EADDRINUSE: text + "; choose another port, or see who has it with: ss -ltnp"
    case EACCES: text + "; ports below 1024 need a privilege: choose another"
    case EADDRNOTAVAIL: text + "; it is no address of this machine"
    default: text
    }
  }

  /// The socket, or -1 with `errno`.
  private static func bind(to address: addrinfo) -> Int32 {
    let type = address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.ai_family, type, address.ai_protocol)
    guard descriptor >= 0 else { return -1 }
    // Lets a server start while connections of its predecessor are still closing. (Not SO_REUSEPORT, with which two
    // servers would silently share a port.)
    set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    if address.ai_family == AF_INET6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
    guard Glibc.bind(descriptor, address.ai_addr, address.ai_addrlen) == 0, listen(descriptor, backlog) == 0 else {
      let reason = errno
      close(descriptor)
      errno = reason
      return -1
    }
    return descriptor
  }

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Whether only this machine can reach it.
  package static func isLoopback(_ descriptor: Int32) -> Bool {
    var address = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &address) { bytes -> Bool in
      guard let start = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        getsockname(descriptor, start, &size) == 0
      else {
        return false
      }
      switch Int32(start.pointee.sa_family) {
      // 127.0.0.0/8; the address comes after family and port, in the order of the network.
      case AF_INET: return bytes[4] == 127
      // ::1, after family, port and flow; or ::ffff:127.0.0.0/104, which is the same as 127.0.0.0/8.
      case AF_INET6:
        let isMapped = bytes[8..<18].allSatisfy { $0 == 0 } && bytes[18] == 0xff && bytes[19] == 0xff
        return isMapped ? bytes[20] == 127 : bytes[8..<23].allSatisfy { $0 == 0 } && bytes[23] == 1
      default: return false
      }
    }
  }

  /// The port a socket is bound to; 0 if it has none.
  package static func port(of descriptor: Int32) -> UInt16 {
    var address = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &address) { bytes -> UInt16 in
      guard let start = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        getsockname(descriptor, start, &size) == 0,
        Int32(start.pointee.sa_family) == AF_INET || Int32(start.pointee.sa_family) == AF_INET6
      else { return 0 }
      // It has the same offset for IPv4 and IPv6.
      return UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: MemoryLayout<sa_family_t>.size, as: UInt16.self))
    }
  }
}

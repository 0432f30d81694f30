import Glibc

/// What a server sent, taken apart no further than needed.
public struct RawResponse: Sendable {
  public var status: Int
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public var text: String { String(decoding: body, as: UTF8.self) }

  /// The first header of that name, whatever its case.
  public func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

public struct RawHTTPError: Error, CustomStringConvertible {
  public let description: String
}

/// A client that sends exactly the bytes it is told to, so that tests can say what no HTTP library would. Every wait
/// has an end.
public final class RawConnection {
  private var descriptor: Int32
  private var received: [UInt8] = []
  private var isAtEnd = false
  /// Whether the server has broken the connection rather than ended it.
  public private(set) var wasReset = false
  private let timeout: Double

  /// Connects to 127.0.0.1.
  ///
  /// - Parameters:
  ///   - timeout: how long each read or write may take, in seconds.
  ///   - receiveBuffer: how many bytes the kernel keeps for us, about; nil for as many as it likes.
  public init(port: UInt16, timeout: Double = 10, receiveBuffer: Int32? = nil) throws {
    self.timeout = timeout
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw RawHTTPError(description: "socket: \(String(cString: strerror(errno)))") }
    if var size = receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let failed = withUnsafeBytes(of: &address) { bytes in
      connect(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    guard failed == 0 else {
      // Closed by deinit, which also runs when an initializer throws after the last property is set.
      throw RawHTTPError(description: "connect: \(String(cString: strerror(errno)))")
    }
    // Pieces shall go out as the pieces they are.
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close() }

  public func close() {
    guard descriptor >= 0 else { return }
    Glibc.close(descriptor)
    descriptor = -1
  }

  /// Tells the server that nothing more comes, and goes on listening.
  public func finishSending() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  // MARK: - Sending

  public func send(_ text: String) throws {
    try send(bytes: Array(text.utf8))
  }

  /// Sends pieces with a pause after each, in seconds.
  public func send(pieces: [String], pause: Double) throws {
    for piece in pieces {
      try send(piece)
      usleep(UInt32(pause * 1e6))
    }
  }

  public func send(bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      try wait(for: Int16(POLLOUT), "write")
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.send(
          descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent,
          Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      if count < 0 && (errno == EAGAIN || errno == EINTR) { continue }
      guard count > 0 else { throw RawHTTPError(description: "write: \(String(cString: strerror(errno)))") }
      sent += count
    }
  }

  // MARK: - Receiving

  /// The next response; interim ones (1xx) are passed over unless asked for.
  ///
  /// - Parameter toHead: whether it answers a HEAD request, and so has no body whatever its Content-Length says.
  public func readResponse(toHead: Bool = false, interim: Bool = false) throws -> RawResponse {
    while true {
      var response = try readHead()
      let isInterim = (100..<200).contains(response.status)
      if isInterim && !interim { continue }
      if !isInterim && !toHead && response.status != 204 && response.status != 304 {
        let isChunked = response.header("Transfer-Encoding") == "chunked"
        response.body = isChunked ? try readChunks() : try readBody(length: response.header("Content-Length"))
      }
      return response
    }
  }

  /// The head of the next response; its body is for ``skip(_:)``.
  public func readHeadOnly() throws -> RawResponse { try readHead() }

  /// Throws away what comes, at most so many bytes; returns how many came. Fewer at the end of the stream.
  public func skip(_ most: Int) throws -> Int {
    var count = min(received.count, most)
    received.removeFirst(count)
    var scratch = [UInt8](repeating: 0, count: 1 << 20)
    while count < most && !isAtEnd {
      try wait(for: Int16(POLLIN), "read")
      let step = recv(descriptor, &scratch, min(scratch.count, most - count), 0)
      if step <= 0 { isAtEnd = true } else { count += step }
    }
    return count
  }

  /// Everything until the server closes the connection.
  public func readToEnd() throws -> [UInt8] {
    while try receiveMore() {}
    defer { received = [] }
    return received
  }

  /// Whether the server closes the connection, and sends nothing more before, within the timeout.
  public func isClosedByServer() -> Bool {
    guard let rest = try? readToEnd() else { return false }
    return rest.isEmpty
  }

  private func readHead() throws -> RawResponse {
    var searched = 0
    while true {
      if let end = endOfHead(from: searched) {
        let head = String(decoding: received[..<end], as: UTF8.self)
        received.removeFirst(end + 4)
        return try RawConnection.parse(head)
      }
      searched = max(received.count - 3, 0)
      guard try receiveMore() else {
        throw RawHTTPError(description: "closed before a whole head: \(received.count) bytes")
      }
    }
  }

  private func endOfHead(from start: Int) -> Int? {
    guard received.count >= start + 4 else { return nil }
    return (start...received.count - 4).first { received[$0..<$0 + 4].elementsEqual([13, 10, 13, 10]) }
  }

  private static func parse(_ head: String) throws -> RawResponse {
    // A CR LF is one Character.
    let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      throw RawHTTPError(description: "not a status line: \(lines.first ?? "")")
    }
    let headers = try lines.dropFirst().map { line -> (name: String, value: String) in
      guard let colon = line.firstIndex(of: ":") else { throw RawHTTPError(description: "not a header: \(line)") }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      return (String(line[..<colon]), String(value))
    }
    return RawResponse(status: status, headers: headers, body: [])
  }

  /// A chunked body; throws where the stream ends before the last chunk.
  private func readChunks() throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let line = String(decoding: try readLine(), as: UTF8.self)
      guard let size = Int(line, radix: 16), size >= 0 else { throw RawHTTPError(description: "chunk size: \(line)") }
      body += try readBody(length: "\(size)")
      guard try readLine().isEmpty else { throw RawHTTPError(description: "a chunk of another size than it says") }
      if size == 0 { return body }
    }
  }

  private func readLine() throws -> [UInt8] {
    while true {
      if let end = received.indices.dropLast().first(where: { received[$0] == 13 && received[$0 + 1] == 10 }) {
        defer { received.removeFirst(end + 2) }
        return Array(received[..<end])
      }
      guard try receiveMore() else { throw RawHTTPError(description: "closed in the middle of a body") }
    }
  }

  private func readBody(length: String?) throws -> [UInt8] {
    guard let length else { return try readToEnd() }
    guard let count = Int(length), count >= 0 else { throw RawHTTPError(description: "Content-Length: \(length)") }
    while received.count < count {
      guard try receiveMore() else {
        throw RawHTTPError(description: "closed after \(received.count) of \(count) bytes of the body")
      }
    }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }

  /// False at the end of the stream. A reset counts as one: servers that close on a client still sending cause it.
  private func receiveMore() throws -> Bool {
    if isAtEnd { return false }
    try wait(for: Int16(POLLIN), "read")
    let chunk = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
      let received = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if received < 0, errno == ECONNRESET { wasReset = true }
      count = max(received, 0)
    }
    isAtEnd = chunk.isEmpty
    received += chunk
    return !isAtEnd
  }

  private func wait(for events: Int16, _ what: String) throws {
    var entry = pollfd(fd: descriptor, events: events, revents: 0)
    guard poll(&entry, 1, Int32(timeout * 1000)) > 0 else {
      throw RawHTTPError(description: "\(what): nothing within \(timeout) s")
    }
  }
}

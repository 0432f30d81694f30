import Glibc

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// A server on a Unix socket, which has no ports to run out of. Its name starts with a NUL: then it is no file.
private let listener: sockaddr_un = {
  signal(SIGPIPE, SIG_IGN)
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: [0] + Array("autograd-fuzz-\(getpid())".utf8)) }
  let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
  let bound = withUnsafeBytes(of: &address) {
    bind(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<sockaddr_un>.size))
  }
  guard bound == 0, listen(descriptor, 64) == 0 else { fatalError("no socket: \(errno)") }
  var configuration = HTTPServer.Configuration { refusal, id in Response(status: 400, body: ByteBuffer("\(refusal)")) }
  configuration.listeningDescriptor = descriptor
  configuration.bodyLimit = 1000
  configuration.allowedHosts = ["a", "localhost"]
  configuration.corsOrigins = ["http://a:1"]
  configuration.timeout = 1
  do {
    server = try HTTPServer(configuration, responder: Echo(), pool: try ComputePool(threads: 1, queueLimit: 10))
  } catch {
    fatalError("\(error)")
  }
  return address
}()
nonisolated(unsafe) private var server: HTTPServer?

private struct Echo: Responder {
  func respond(to request: Request) -> Reply {
    let body = ByteBuffer("\(request.method) \(request.path) \(request.body.count)\n")
    return .now(Response(contentType: "text/plain", body: body))
  }
}

/// Whatever is sent, the connection ends, and what comes back are answers of HTTP.
@Sendable func fuzzHTTP(_ bytes: UnsafeRawBufferPointer) {
  var address = listener
  let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(client) }
  let connected = withUnsafeBytes(of: &address) {
    connect(client, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<sockaddr_un>.size))
  }
  guard client >= 0, connected == 0 else { fatalError("cannot connect: \(errno)") }
  var patience = timeval(tv_sec: 5, tv_usec: 0)
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  var sent = 0
  while sent < bytes.count {
    let count = write(client, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
    if count <= 0 { break }
    sent += count
  }
  // An end that comes with the last bytes goes unnoticed until the timeout (libmicrohttpd 0.9.75): it has to come after
  // them.
  var entry = pollfd(fd: client, events: Int16(POLLIN), revents: 0)
  poll(&entry, 1, 1)
  shutdown(client, Int32(SHUT_WR))
  var answer: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = read(client, &piece, piece.count)
    if count < 0 && errno == EAGAIN { fatalError("the connection was left open") }
    if count <= 0 { break }
    answer += piece.prefix(count)
  }
  guard answer.isEmpty || answer.starts(with: Array("HTTP/1.".utf8)) else {
    fatalError(String(decoding: answer, as: UTF8.self))
  }
}

import ArgumentParser
import AutogradFormats
import Glibc

/// `autograd-server healthcheck`: asks a running server's `/livez`, for containers that have no curl.
struct HealthcheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "healthcheck",
    abstract: "Exit with 0 if a local server is alive, with 1 if not.",
    discussion: "Takes the address from --host and --port or from AUTOGRAD_HOST and AUTOGRAD_PORT, as serve does.")

  @Option(help: "Address of the server. (default: AUTOGRAD_HOST or 127.0.0.1)")
  var host: String?
  @Option(help: "Port of the server. (default: AUTOGRAD_PORT or 8080)")
  var port: Int?

  func run() throws {
    let standard = Configuration()
    var host = try Setting.resolve(host, "AUTOGRAD_HOST") ?? standard.host
    let port = try Setting.resolve(port, "AUTOGRAD_PORT") ?? standard.port
    // A server that listens everywhere listens here.
    if host == "0.0.0.0" { host = "127.0.0.1" }
    if host == "::" { host = "::1" }
    guard HealthcheckCommand.isAlive(host, port) else {
      CommandOutput.write(
        ByteBuffer("no server answers at \(host.contains(":") ? "[\(host)]" : host):\(port)\n"), to: STDERR_FILENO)
      throw ExitCode.failure
    }
  }

  private static func isAlive(_ host: String, _ port: Int) -> Bool {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, "\(port)", &hints, &found) == 0, let address = found?.pointee else { return false }
    defer { freeaddrinfo(found) }
    let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // Bounds connecting, sending and receiving alike.
    var timeout = timeval(tv_sec: 3, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    guard connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else { return false }
    let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    guard request.withCString({ send(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL)) }) == request.utf8.count else {
      return false
    }
    var answer = [UInt8](repeating: 0, count: 64)
    let count = recv(descriptor, &answer, answer.count, Int32(MSG_WAITALL))
    return count > 0 && String(decoding: answer.prefix(count), as: UTF8.self).hasPrefix("HTTP/1.1 200 ")
  }
}

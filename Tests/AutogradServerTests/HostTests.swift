import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// Under which names a server can be asked.
@Suite(.timeLimit(.minutes(60)))
struct HostTests {
  static func status(_ live: LiveServer, _ request: String) throws -> Int {
    let client = try RawConnection(port: live.server.port)
    try client.send(request)
    return try client.readResponse(toHead: request.hasPrefix("HEAD")).status
  }

  private func status(_ live: LiveServer, host: String) throws -> Int {
    try Self.status(live, "GET /version HTTP/1.1\r\nHost: \(host)\r\n\r\n")
  }

  private static let ofMachine = [
    "localhost", "LocalHost:1", "localhost.", "localhost.:8080", "localhost:", "127.0.0.1", "127.0.0.1:65535",
    "127.255.3.4", "[::1]", "[::1]:8080",
  ]
  private static let others = [
    "", "evil.example", "evil.example:8080", "localhost.evil.example", "evil.localhost", "xlocalhost", "localhost..",
    "127.0.0.1.evil.example", "127.0.0", "127.0.0.256", "127..0.1", "127.0.0.", "127.0.0.1.1", "127.0.0.0001",
    "128.0.0.1", "0.0.0.0", "192.168.0.1", "127.0.0.1:80:80", "[::2]", "[::1", "[::1]x", "[::1]:x", "[]", "::1",
    "localhost:80x", "localhost:80@evil.example", "evil@localhost", "localhost, evil.example", "localhost evil",
    "localhost/", "http://localhost", ":80", ".", "*",
  ]

  @Test func loopbackTakesNamesOfTheMachineAlone() throws {
    let live = try LiveServer()
    for host in Self.ofMachine { #expect(try status(live, host: host) == 200, "\(host)") }
    for host in Self.others { #expect(try status(live, host: host) == 421, "\(host)") }
    // What has no Host comes from no browser.
    #expect(try Self.status(live, "GET /version HTTP/1.0\r\n\r\n") == 200)
    #expect(try Self.status(live, "GET /version HTTP/1.1\r\n\r\n") == 400)
    #expect(try Self.status(live, "GET /version HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n") == 400)
  }

  /// It says what came, what is taken and how to mend it, and does not wait for the body.
  @Test func refusedBeforeTheBody() throws {
    let file = try AccessTests.TokenFile("0123456789abcdef")
    let live = try LiveServer(access: try AccessTokens(path: file.path))
    let client = try RawConnection(port: live.server.port)
    try client.send("POST /v1/evaluate HTTP/1.1\r\nHost: evil.example:8080\r\nContent-Length: 1000\r\n\r\n")
    let refused = try client.readResponse()
    #expect(refused.status == 421 && client.isClosedByServer())
    #expect(refused.text.contains(#""code": "misdirected_request""#))
    let detail =
      "the request is for the host evil.example:8080, and this server answers to localhost, 127.0.0.1, [::1]; ask for "
      + "one of these, or start it with --allowed-host and the name"
    #expect(refused.text.contains(detail), "\(refused.text)")
  }

  /// Orchestrators ask for the pod's address.
  @Test func probesAreAnsweredUnderAnyName() throws {
    let live = try LiveServer()
    for path in ["/livez", "/readyz"] {
      for method in ["GET", "HEAD"] {
        #expect(try Self.status(live, "\(method) \(path) HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n") == 200)
      }
      #expect(try Self.status(live, "POST \(path) HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n") == 421)
      #expect(try Self.status(live, "GET \(path)/ HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n") == 421)
    }
  }

  /// RFC 9112, 3.2.2: the target's host counts.
  @Test(arguments: [
    ("http://evil.example/version", "localhost", 421), ("HTTP://evil.example/version", "localhost", 421),
    ("http://evil.example", "localhost", 421), ("http://evil.example?x", "localhost", 421),
    ("http://localhost@evil.example/version", "localhost", 421), ("http:///version", "localhost", 421),
    ("http://localhost:80/version", "evil.example", 200), ("http://[::1]/version", "evil.example", 200),
    ("http://evil.example/livez", "evil.example", 200), ("*", "evil.example", 421),
    ("evil.example:80", "localhost", 404),
  ])
  func absoluteTarget(target: String, host: String, expected: Int) throws {
    let live = try LiveServer()
    #expect(try Self.status(live, "GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n") == expected)
  }

  @Test func allowedHosts() throws {
    let more = try LiveServer { $0.allowedHosts = ["api.example", "10.0.0.7", "[2001:db8::1]"] }
    for host in Self.ofMachine + ["api.example", "API.example.:80", "10.0.0.7:1", "[2001:DB8::1]:80"] {
      #expect(try status(more, host: host) == 200, "\(host)")
    }
    for host in ["xapi.example", "api.example.evil.example", "10.0.0.70", "[2001:db8::2]", "*"] {
      #expect(try status(more, host: host) == 421, "\(host)")
    }
    let all = try LiveServer { $0.allowedHosts = ["*"] }
    for host in Self.others { #expect(try status(all, host: host) == 200, "\(host)") }
  }

  @Test func otherAddressesTakeAllNamesUntilSomeAreGiven() throws {
    let all = try LiveServer { $0.host = "0.0.0.0" }
    for host in ["evil.example", "localhost", ""] { #expect(try status(all, host: host) == 200, "\(host)") }
    let some = try LiveServer {
      $0.host = "0.0.0.0"
      $0.allowedHosts = ["api.example"]
    }
    #expect(try status(some, host: "api.example:8080") == 200)
    for host in ["evil.example", "localhost", "127.0.0.1"] { #expect(try status(some, host: host) == 421, "\(host)") }
    #expect(try Self.status(some, "GET /livez HTTP/1.1\r\nHost: 10.0.0.7\r\n\r\n") == 200)
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.8.8.8", true), ("::1", true), ("::ffff:127.0.0.1", true), ("0.0.0.0", false),
    ("::", false),
  ])
  func loopbackAddresses(address: String, isLoopback: Bool) throws {
    let descriptor = try ListeningSocket.open(host: address, port: 0)
    defer { close(descriptor) }
    #expect(ListeningSocket.isLoopback(descriptor) == isLoopback)
  }

  /// A name that the server was told to listen on is one that it goes by.
  @Test func nameOfTheAddress() {
    func takes(_ host: String, address: String, isLoopback: Bool = true) -> Bool {
      let policy = OriginPolicy(hosts: [], origins: [], address: address, isLoopback: isLoopback)
      return OriginTests.sender(policy, host: host).isOwn
    }
    #expect(takes("Box.example:80", address: "box.EXAMPLE") && !takes("evil.example", address: "box.example"))
    #expect(!takes("", address: "::1") && takes("evil.example", address: "box.example", isLoopback: false))
  }

  @Test(arguments: ["1", "2"]) func everyWorkerKnowsItsAddress(workers: String) throws {
    let names = ["api.example", "b.example"]
    let server =
      workers == "1"
      ? try ServerProcess("--port", "0", environment: ["AUTOGRAD_ALLOWED_HOSTS": names.joined(separator: ", ")])
      : try ServerProcess(
        "--port", "0", "--workers", workers, "--allowed-host", names[0], "--allowed-host", names[1])
    let port = try #require(server.port(), "\(server.output)")
    func status(_ host: String) throws -> Int {
      let client = try RawConnection(port: port)
      try client.send("GET /version HTTP/1.1\r\nHost: \(host)\r\n\r\n")
      return try client.readResponse().status
    }
    #expect(try status("localhost") == 200 && status("api.example") == 200 && status("b.example") == 200)
    #expect(try status("evil.example") == 421 && status("api.example, b.example") == 421)
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
  }
}

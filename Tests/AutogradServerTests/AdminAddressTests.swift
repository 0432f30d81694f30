import AutogradHTTPTestSupport
import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// The second address, on which the server tells of itself and nothing else.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct AdminAddressTests {
  @Test func addressesAreHostAndPort() throws {
    #expect(AdminAddress("127.0.0.1:9090").map { ($0.host, $0.port) } ?? ("", 0) == ("127.0.0.1", 9090))
    #expect(AdminAddress("[::1]:0").map { ($0.host, $0.port) } ?? ("", 1) == ("::1", 0))
    for text in ["localhost:65535", "[fe80::1%eth0]:1"] { #expect(AdminAddress(text)?.description == text) }
    for text in [
      "", "9090", ":9090", "a:", "a:b", "a:65536", "a:-1", "a:+1", "::1:9090", "[::1]", "[]:1", "[a]:1", "a:1 ",
    ] {
      #expect(AdminAddress(text) == nil, "\(text)")
    }
  }

  @Test func addressesThatAreNoneAreRefused() throws {
    let server = try ServerProcess("--port", "0", "--admin-address", "9090")
    #expect(server.exitStatus() == 64)
    #expect(server.output.contains("9090"), "\(server.output)")
  }

  private func adminPort(_ server: ServerProcess) throws -> UInt16 {
    let match = server.output.firstMatch(of: /health and metrics at http:\/\/127\.0\.0\.1:(\d+)\n/)
    return try #require(match.flatMap { UInt16($0.1) }, "\(server.output)")
  }

  private func start(_ options: [String]) throws -> (ServerProcess, port: UInt16, admin: UInt16) {
    let server = try ServerProcess(options: ["--port", "0", "--admin-address", "127.0.0.1:0"] + options)
    let port = try #require(server.port(), "\(server.output)")
    return (server, port, try adminPort(server))
  }

  private func expectPages(_ port: UInt16, _ admin: UInt16) throws {
    for path in ["/livez", "/readyz"] {
      #expect(ServerProcess.get(path, port: port) == 200 && ServerProcess.get(path, port: admin) == 200)
    }
    let page = try PrometheusPage(port: admin)
    #expect(page.value("autograd_requests_total", ["route": "/livez", "status": "200"]) >= 2)
    let moved = try #require(ServerProcess.fetch("/metrics", port: port))
    #expect(moved.status == 404 && moved.text.contains("admin address"))
    #expect(!moved.text.contains("\(admin)"), "who may not know where it is does not learn it")
    for path in ["/version", "/openapi.json", "/v1/operations/add", "/metrics/", "/"] {
      let answer = try #require(ServerProcess.fetch(path, port: admin))
      #expect(
        answer.status == 404 && answer.text.contains("GET /livez, GET /readyz, GET /metrics"), "\(path): \(answer.text)"
      )
    }
    let client = try RawConnection(port: admin)
    try client.send(rawPost("/v1/evaluate", #"{"graph": {"nodes": []}}"#))
    #expect(try client.readResponse().status == 404)
    try client.send(rawPost("/livez", ""))
    #expect(try client.readResponse().status == 405)
    let rebound = try RawConnection(port: admin)
    try rebound.send("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    #expect(try rebound.readResponse().status == 421)
    // It is a connection like any other, and keeps what it has.
    try client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    #expect(try client.readResponse().status == 200)
  }

  @Test func oneProcess() throws {
    let (server, port, admin) = try start([])
    try expectPages(port, admin)
    #expect(server.output.matches(of: /health and metrics/).count == 1)
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0, "\(server.output)")
  }

  @Test(arguments: [1, 2]) func addressesInUseAreNamed(workers: Int) throws {
    let (server, _, admin) = try start([])
    let second = try ServerProcess("--port", "0", "--admin-address", "127.0.0.1:\(admin)", "--workers", "\(workers)")
    #expect(second.exitStatus() == 1)
    let fault =
      "critical --admin-address: cannot listen on 127.0.0.1 port \(admin): Address already in use; choose another port"
    #expect(second.output.contains(fault), "\(second.output)")
    withExtendedLifetime(server) {}
  }

  @Test func twoWorkers() throws {
    let (server, port, admin) = try start(["--workers", "2"])
    try #require(eventually { server.workers.count == 2 && ServerProcess.get("/livez", port: admin) == 200 })
    #expect(eventually { (try? PrometheusPage(port: admin).value("autograd_workers")) == 2 })
    for _ in 0..<5 { try expectPages(port, admin) }
    // Whoever comes to be is there too.
    let before = server.workers
    server.signal(SIGHUP)
    #expect(
      eventually { server.workers.count == 2 && Set(before).isDisjoint(with: server.workers) }, "\(server.output)")
    for _ in 0..<5 { try expectPages(port, admin) }
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0, "\(server.output)")
  }

  @Test func noTokenIsAskedThere() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try Data("0123456789abcdef0123456789abcdef\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let (server, port, admin) = try start(["--token-file", file.path])
    defer { withExtendedLifetime(server) {} }
    #expect(ServerProcess.get("/metrics", port: admin) == 200 && ServerProcess.get("/version", port: admin) == 404)
    #expect(ServerProcess.get("/metrics", port: port) == 401 && ServerProcess.get("/version", port: port) == 401)
  }

  /// Whoever watches the end sees it to the end.
  @Test(arguments: [1, 2]) func itIsThereWhileTheServerDrains(workers: Int) throws {
    let (server, port, admin) = try start(["--workers", "\(workers)", "--drain-seconds", "3"])
    if workers > 1 {
      try #require(eventually { server.workers.count == 2 && ServerProcess.get("/livez", port: port) == 200 })
    }
    // A request whose body never comes keeps a worker from ending.
    let requests = try (0..<8).map { _ in
      let request = try RawConnection(port: port)
      try request.send("POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
      return request
    }
    usleep(200_000)
    server.signal(SIGTERM)
    #expect(eventually(within: 2) { ServerProcess.get("/readyz", port: admin) == 503 }, "\(server.output)")
    // The supervisor's socket lets nobody in, and is closed at the end.
    if workers == 1 { #expect(eventually(within: 2) { ServerProcess.get("/livez", port: port) == nil }) }
    // For a second, of the three that a drain takes: on a busy machine that is not many times.
    let until = monotonicNanoseconds() + 1_000_000_000
    while monotonicNanoseconds() < until {
      #expect(ServerProcess.get("/readyz", port: admin) == 503 && ServerProcess.get("/metrics", port: admin) == 200)
      usleep(10_000)
    }
    #expect(server.exitStatus() == 0, "\(server.output)")
    withExtendedLifetime(requests) {}
  }
}

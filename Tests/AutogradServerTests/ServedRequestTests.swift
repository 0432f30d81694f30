import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// Requests in all the ways they may be written, as the whole server takes them.
@Suite struct ServedRequestTests {
  /// A proxy that hides `/metrics` hides it under that name alone.
  @Test func metricsHaveOneName() throws {
    let live = try LiveServer()
    let port = live.server.port
    #expect(ServerProcess.get("/metrics", port: port) == 200)
    for path in [
      "//metrics", "/./metrics", "/metrics/", "/metrics/.", "/x/../metrics", "/metrics;x", "/METRICS", "/metrics#",
      "/metrics\\",
    ] {
      #expect(ServerProcess.get(path, port: port) == 404, "\(path)")
    }
    for path in ["/%6detrics", "/metrics%20", "/metric%73", "/%2fmetrics", "/%2e/metrics"] {
      #expect(ServerProcess.get(path, port: port) == 400, "\(path)")
    }
  }

  /// Spaces and tabs around a value are none of it (RFC 9110, 5.5).
  @Test(arguments: [
    ("Content-Type", "application/json"), ("Accept", "application/json"), ("Content-Encoding", "identity"),
    ("Request-Timeout", "5"),
    ("X-Request-Id", "one"), ("Expect", "100-continue"), ("Host", "localhost"),
    ("Authorization", "Bearer 0123456789abcdef"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
  ])
  func whiteSpaceAroundValues(name: String, value: String) throws {
    let tokens = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try Data("0123456789abcdef\n".utf8).write(to: tokens)
    defer { try? FileManager.default.removeItem(at: tokens) }
    let live = try LiveServer(access: try AccessTokens(path: tokens.path))
    let body = #"{"graph": {"nodes": [{"op": "neg", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": 1}}"#
    for (before, after) in [("", ""), (" ", " "), ("\t", "\t"), (" \t ", "\t \t  ")] {
      let standard = ["Host": "localhost", "Authorization": "Bearer 0123456789abcdef", "X-Request-Id": "one"]
      let others = standard.filter { $0.key != name }.map { "\($0.key): \($0.value)\r\n" }.joined()
      let client = try RawConnection(port: live.server.port)
      try client.send(
        "POST /v1/evaluate HTTP/1.1\r\n\(others)\(name):\(before)\(value)\(after)\r\nContent-Length: "
          + "\(body.utf8.count)\r\n\r\n\(body)"
      )
      var response = try client.readResponse()
      if response.status == 100 { response = try client.readResponse() }
      #expect(response.status == 200 && response.header("X-Request-Id") == "one", "\(response.status) \(response.text)")
    }
  }

  @Test func livenessTellsOfStuckThreads() {
    func status(isAlive: Bool) -> Int {
      let router = Router(routes: Routes.all(limits: Limits(), isAlive: { isAlive }, isReady: { true }))
      return router.respond(to: Request(method: "GET", path: "/livez")).answer().status
    }
    #expect(status(isAlive: true) == 200)
    #expect(status(isAlive: false) == 500)
  }
}

import AutogradHTTPTestSupport
import AutogradTestSupport
import Glibc
import Testing

@testable import AutogradHTTP

/// Requests that are right, in all the ways they may arrive.
@Suite(.timeLimit(.minutes(60)))
struct TransportRequestTests {
  @Test func bytesOneByOne() throws {
    try withTransportServer { server in
      let client = try server.connect()
      for byte in rawPost("/echo", "slowly", headers: "X-Padding: a\r\n").utf8 { try client.send(bytes: [byte]) }
      #expect(try client.readResponse().text == "slowly")
    }
  }

  @Test func piecesWithPauses() throws {
    try withTransportServer { server in
      let client = try server.connect()
      let pieces = ["PO", "ST /echo HT", "TP/1.1\r\nHo", "st: localhost\r", "\nContent-Length: 4\r\n\r", "\nab", "cd"]
      try client.send(pieces: pieces, pause: 0.01)
      #expect(try client.readResponse().text == "abcd")
    }
  }

  @Test(arguments: [1, 700])
  func largeHeadIsTaken(pieces: Int) throws {
    try withTransportServer { server in
      let client = try server.connect()
      let padding = (0..<24).map { "X-\($0): \(String(repeating: "h", count: 1000))\r\n" }.joined()
      for body in ["first", "second"] {
        let bytes = Array(rawPost("/echo", body, headers: padding).utf8)
        let size = bytes.count / pieces + 1
        for start in stride(from: 0, to: bytes.count, by: size) {
          try client.send(bytes: Array(bytes[start..<min(start + size, bytes.count)]))
          if pieces > 1 { usleep(100) }
        }
        #expect(try client.readResponse().text == body)
      }
    }
  }

  @Test func hundredRequestsInOneWrite() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send((0..<100).map { rawPost($0 % 3 == 0 ? "/later" : "/echo", "body \($0)") }.joined())
      for index in 0..<100 { #expect(try client.readResponse().text == "body \(index)") }
    }
  }

  @Test func connectionIsReused() throws {
    try withTransportServer { server in
      let client = try server.connect()
      for index in 0..<50 {
        try client.send(rawPost("/echo", String(repeating: "x", count: index * 100)))
        #expect(try client.readResponse().body.count == index * 100)
      }
      #expect(server.server.connectionCount == 1)
    }
  }

  @Test func headHasLengthAndNoBody() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(
        "HEAD /some/path HTTP/1.1\r\nHost: localhost\r\n\r\nGET /next HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let head = try client.readResponse(toHead: true)
      #expect(head.status == 200)
      #expect(head.header("Content-Length") == String("HEAD /some/path".utf8.count))
      #expect(try client.readResponse().text == "GET /next")
    }
  }

  @Test(arguments: ["Content-Length: 0\r\n", ""])
  func emptyBody(header: String) throws {
    try withTransportServer { server in
      let client = try server.connect()
      for _ in 0..<2 {
        try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n\(header)\r\n")
        let response = try client.readResponse()
        #expect(response.status == 200 && response.body.isEmpty && response.header("Content-Length") == "0")
      }
    }
  }

  @Test func expectContinue() throws {
    try withTransportServer { server in
      let client = try server.connect()
      for _ in 0..<2 {
        try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        #expect(try client.readResponse(interim: true).status == 100)
        try client.send("hello")
        #expect(try client.readResponse().text == "hello")
      }
    }
  }

  @Test func getWithBodyIsReadToItsEnd() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(
        "GET /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nnullGET /b HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try client.readResponse().text == "GET /a")
      #expect(try client.readResponse().text == "GET /b")
    }
  }

  @Test func chunkedBody() throws {
    try withTransportServer { server in
      let client = try server.connect()
      let text = String(repeating: "0123456789", count: 5000)
      for body in [rawChunk(text), text.map { rawChunk(String($0)) }.joined(), "3;ext=1\r\nabc\r\n"] {
        try client.send(
          "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: Chunked\r\n\r\n\(body)0\r\nTrailer: x\r\n\r\n")
        let response = try client.readResponse()
        #expect(response.text == (body.hasPrefix("3;") ? "abc" : text))
      }
    }
  }

  @Test(arguments: [
    ("/v1/operations/add?x=%20&%", "/v1/operations/add"), ("/∂", "/∂"), ("//livez", "//livez"),
    ("/./livez/", "/./livez/"),
    ("http://localhost:80/livez", "/livez"), ("http://localhost", "/"), ("*", "*"),
  ])
  func pathIsTakenAsItIs(target: String, path: String) throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send("OPTIONS \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try client.readResponse().text == "OPTIONS \(path)")
    }
  }

  /// Decoded, some would be paths that a proxy's rules know by their plain names.
  @Test(arguments: [
    "/%6detrics", "/metrics%00", "/%E2%88%82", "/100%", "/%zz%4", "http://localhost/%6detrics",
    "/v1/operations/%61dd?x=1",
  ])
  func pathsWithPercentAreRefused(target: String) throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let response = try client.readResponse()
      #expect(response.status == 400 && response.text.contains("a path with % in it"), "\(response.text)")
    }
  }

  @Test func http10ClosesUnlessAskedNotTo() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      #expect(try client.readResponse().text == "GET /a")
      try client.send("GET /b HTTP/1.0\r\n\r\n")
      #expect(try client.readResponse().text == "GET /b")
      #expect(client.isClosedByServer())
    }
  }

  @Test func requestIdentifier() throws {
    try withTransportServer { server in
      let client = try server.connect()
      func identifier(_ header: String) throws -> String {
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\(header)\r\n")
        return try #require(client.readResponse().header("X-Request-Id"))
      }
      #expect(try identifier("X-Request-Id: Client-chose_this.1~\r\n") == "Client-chose_this.1~")
      let longest = String(repeating: "a", count: 128)
      #expect(try identifier("x-request-id: \(longest)\r\n") == longest)
      var made: Set<String> = []
      for header in [
        "", "X-Request-Id: a b\r\n", "X-Request-Id: \(longest)a\r\n", "X-Request-Id:\r\n", "X-Request-Id: \"><\r\n",
      ] {
        let id = try identifier(header)
        #expect(!id.isEmpty && id.utf8.count <= 15)
        made.insert(id)
      }
      #expect(made.count == 5)
    }
  }

  @Test func everyRequestIsObservedOnce() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(
        rawPost("/echo", "12345", headers: "X-Request-Id: one\r\n")
          + rawPost("/later", "", headers: "X-Request-Id: two\r\n"))
      for _ in 0..<2 { #expect(try client.readResponse().status == 200) }
      try client.send("POST /cut HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: three\r\nContent-Length: 10\r\n\r\n1234")
      usleep(20_000)
      client.close()
      #expect(eventually { server.observedCount == 3 })
      let (one, two, three) = (server.observed[0], server.observed[1], server.observed[2])
      #expect((one.method, one.path, one.status, one.requestID) == ("POST", "/echo", 200, "one"))
      #expect(one.bytesIn == 5 && one.bytesOut == 5 && one.durationNanoseconds > 0)
      #expect(two.requestID == "two" && two.path == "/later" && two.bytesIn == 0)
      #expect(three.requestID == "three" && three.status == 499 && three.bytesIn == 4)
      #expect(eventually { server.server.requestsInFlight == 0 && server.server.connectionCount == 0 })
    }
  }

  /// As many clients with requests at once as libmicrohttpd takes from epoll at a time, and around that.
  @Test(arguments: [127, 128, 129, 256])
  func manyReadyAtOnceAreServed(count: Int) throws {
    try withTransportServer(configure: { $0.threads = 1 }) { server in
      let first = try server.connect(timeout: 5)
      let clients = try (0..<count).map { _ in try server.connect(timeout: 5) }
      // All are known to the thread before it is held up.
      for client in clients {
        try client.send("GET /here HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try client.readResponse().text == "GET /here")
      }
      try first.send(rawPost("/hold", "first"))
      #expect(eventually { server.gate.arrived == 1 })
      for client in clients { try client.send(rawPost("/echo", "one of many")) }
      server.gate.open()
      #expect(try first.readResponse().text == "first")
      for client in clients { #expect(try client.readResponse().text == "one of many") }
    }
  }
}

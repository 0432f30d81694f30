import AutogradTestSupport
import Testing

@testable import AutogradHTTP

/// What a row of the table says is so.
@Suite struct RoutingTests {
  private static func text(_ text: String, status: Int = 200) -> Response {
    Response(status: status, contentType: "text/plain", body: TextBytes(text))
  }

  private static func row(
    _ method: String, _ path: String, checkBody: (@Sendable (Request) -> Refusal?)? = nil, isHeavy: Bool = false,
    refuse: (@Sendable (Refusal, String) -> Response)? = nil
  ) -> Route {
    Route(
      method, path, answers: ["text/plain"], checkBody: checkBody, isHeavy: isHeavy,
      handler: RouteHandler(refuse: refuse) { request, parameters in
        .now(text("\(method) \(path) \(parameters["name"]) \(parameters["version"]) \(request.body.count)"))
      })
  }

  private static func isText(_ request: Request) -> Refusal? {
    request.contentType == "text/plain" ? nil : .unsupportedMediaType("text only")
  }

  private static let graph = "/v1/graphs/{name}"
  private static let router: Router = {
    var rules = RoutingRules { refusal, id in text("\(refusal) \(id)", status: 400) }
    rules.memoryOfBody = { 3 * $0 }
    let foreign: @Sendable (Refusal, String) -> Response = { _, id in text("other form \(id)", status: 418) }
    return Router(
      routes: [
        row("GET", "/v1/graphs"), row("GET", graph), row("PUT", graph, checkBody: isText), row("DELETE", graph),
        row("PATCH", graph), row("POST", "/v1/graphs/{name}/runs", checkBody: isText, isHeavy: true),
        row("GET", "/v1/graphs/{name}/versions/{version}"), row("GET", "/v1/graphs/newest"),
        row("GET", "/v1/{name}/newest"), row("GET", "/other/{name}", refuse: foreign),
      ], rules: rules)
  }()

  private static func reply(
    _ method: String, _ path: String, body: [UInt8] = [], contentType: String? = nil, accept: String? = nil
  ) -> Reply {
    body.withUnsafeBytes { body in
      router.respond(
        to: Request(
          method: method, path: path, id: "7", route: router.facts(of: path, method).found, contentType: contentType,
          accept: accept, body: body))
    }
  }

  private static func answer(_ method: String, _ path: String, accept: String? = nil) -> String {
    reply(method, path, contentType: "text/plain", accept: accept).answer(CancellationFlag()).body.string
  }

  @Test(arguments: [
    ("GET", "/v1/graphs", "GET /v1/graphs   0"), ("HEAD", "/v1/graphs", "GET /v1/graphs   0"),
    ("GET", "/v1/graphs/a", "GET /v1/graphs/{name} a  0"), ("PUT", "/v1/graphs/a", "PUT /v1/graphs/{name} a  0"),
    ("DELETE", "/v1/graphs/a%2Fb", "DELETE /v1/graphs/{name} a%2Fb  0"),
    ("PATCH", "/v1/graphs/∂", "PATCH /v1/graphs/{name} ∂  0"), ("GET", "/v1/graphs/{name}", "GET \(graph) {name}  0"),
    ("GET", "/v1/graphs/a/versions/12", "GET /v1/graphs/{name}/versions/{version} a 12 0"),
    // A path without parameters, then the pattern with more fixed segments, then the first.
    ("GET", "/v1/graphs/newest", "GET /v1/graphs/newest   0"), ("GET", "/v1/a/newest", "GET /v1/{name}/newest a  0"),
  ])
  func pathsHaveTheirHandlers(method: String, path: String, expected: String) {
    #expect(Self.answer(method, path) == expected)
  }

  /// A parameter is one segment, and is not empty.
  @Test(arguments: [
    "", "/", "/v1", "/v1/graphs/", "/v1/graphs//versions/1", "/v1/graphs/a/versions/", "/v1/graphs/a/versions",
    "/v1/graphs/a/versions/1/2", "/v1/graphs/a/", "v1/graphs/a", "/V1/graphs/a", "/v1%2Fgraphs/a",
  ])
  func pathsThatAreNot(path: String) {
    #expect(Self.answer("GET", path).hasPrefix("unknownPath"), "\(path)")
    let facts = Self.router.facts(of: path, "GET")
    #expect(facts.index == Self.router.routes.count && facts.path == Self.router.paths.count)
  }

  @Test func aPathTellsItsMethods() {
    #expect(Self.router.methods(of: "/v1/graphs/a") == ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
    #expect(Self.router.methods(of: "/v1/nothing") == [])
    let expected = Refusal.methodNotAllowed(
      "POST", path: "/v1/graphs/a", allowed: ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
    #expect(Self.answer("POST", "/v1/graphs/a") == "\(expected) 7")
  }

  /// All methods of a path are counted under one number.
  @Test func pathsAreNumberedOnce() {
    #expect(
      Self.router.paths == [
        "/v1/graphs", Self.graph, "/v1/graphs/{name}/runs", "/v1/graphs/{name}/versions/{version}",
        "/v1/graphs/newest", "/v1/{name}/newest", "/other/{name}",
      ])
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "BREW"] {
      #expect(Self.router.facts(of: "/v1/graphs/a", method).path == 1, "\(method)")
    }
  }

  @Test func bodiesAreCheckedWhereTheyAreRead() {
    func status(_ method: String, _ path: String) -> Int {
      Self.reply(method, path, contentType: "image/png").answer(CancellationFlag()).status
    }
    #expect(status("PUT", "/v1/graphs/a") == 400 && status("POST", "/v1/graphs/a/runs") == 400)
    #expect(status("DELETE", "/v1/graphs/a") == 200 && status("PATCH", "/v1/graphs/a") == 200)
  }

  @Test func whatTakesLongIsLeftToThePool() {
    guard case .later = Self.reply("POST", "/v1/graphs/a/runs", contentType: "text/plain") else {
      Issue.record("a heavy route answers at once")
      return
    }
    let body = [UInt8](repeating: 0, count: 70_000)
    guard case .later(let work) = Self.reply("PUT", "/v1/graphs/a", body: body, contentType: "text/plain") else {
      Issue.record("a large body is read at once")
      return
    }
    #expect(work.byteCount == 210_000 && work.cost == 350_000)
    guard case .now = Self.reply("PUT", "/v1/graphs/a", body: [1], contentType: "text/plain") else {
      Issue.record("a small body is not read at once")
      return
    }
  }

  /// What is refused by the router, and by the transport before it, looks as the route says.
  @Test func routesHaveTheirFormOfErrors() {
    #expect(Self.answer("POST", "/other/a") == "other form 7")
    #expect(Self.answer("GET", "/other/a", accept: "image/png") == "other form 7")
    let facts = Self.router.facts(of: "/other/a", "GET")
    #expect(Self.router.refuse(.tooSlow, at: facts, requestID: "8")?.body.string == "other form 8")
    let usual = Self.router.facts(of: "/v1/graphs", "GET")
    #expect(Self.router.refuse(.tooSlow, at: usual, requestID: "8")?.body.string == "tooSlow 8")
    let none = Self.router.facts(of: "/nothing", "GET")
    #expect(Self.router.refuse(.tooSlow, at: none, requestID: "8")?.body.string == "tooSlow 8")
  }

  /// The same over a socket: any method has a body, and percent signs may stand where a parameter does.
  @Test func methodsAndPercentSignsComeThrough() throws {
    var configuration = HTTPServer.Configuration { refusal, _ in Self.text("\(refusal)", status: 400) }
    configuration.port = 0
    let pool = try ComputePool(threads: 1, queueLimit: 8)
    defer { pool.shutdown() }
    let server = try HTTPServer(configuration, responder: Self.router, pool: pool)
    defer { server.stop() }
    func answer(_ request: String, headers: String = "Content-Type: text/plain\r\nContent-Length: 2\r\n") throws
      -> RawResponse
    {
      let client = try RawConnection(port: server.port)
      try client.send("\(request) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\nok")
      return try client.readResponse()
    }
    for method in ["PUT", "DELETE", "PATCH"] {
      #expect(try answer("\(method) /v1/graphs/a%2fb").text == "\(method) \(Self.graph) a%2fb  2")
    }
    #expect(try answer("PUT /v1/%67raphs/a").status == 400 && answer("PUT /v1/%67raphs/a").text.contains("% in it"))
    #expect(Self.router.facts(of: "/v1/graphs/a%2fb", "OPTIONS").hasParameters, "whatever the method")
    // A fault of the head is one also there.
    #expect(try answer("PUT /v1/graphs/a%2fb", headers: "Content-Length: 2\r\nX: a\u{1}b\r\n").status == 400)
    #expect(try answer("POST /v1/graphs/a/runs").text == "POST /v1/graphs/{name}/runs a  2")
  }
}

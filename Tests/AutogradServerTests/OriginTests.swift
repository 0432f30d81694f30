import AutogradHTTPTestSupport
import AutogradTestSupport
import CMicroHTTPD
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// Which web pages may call a server, and what their browsers are told.
@Suite(.timeLimit(.minutes(60)))
struct OriginTests {
  private static let page = "https://app.example"
  private static let token = "0123456789abcdef"
  private static let body =
    #"{"graph": {"nodes": [{"op": "square", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": 3}}"#

  private static let badBody = #"{"graph": {"nodes": [], "outputs": ["y"]}}"#

  /// What a policy makes of a request's head.
  static func sender(
    _ policy: OriginPolicy, host: String, origin: String? = nil, method: String = "POST"
  ) -> OriginPolicy.Sender {
    let texts = ["/v1/evaluate", method, host, origin ?? ""].map { $0.utf8.map { CChar(bitPattern: $0) } + [0] }
    var head = amhd_head()
    return texts[0].withUnsafeBufferPointer { path in
      texts[1].withUnsafeBufferPointer { method in
        texts[2].withUnsafeBufferPointer { host in
          texts[3].withUnsafeBufferPointer { name in
            head.path = amhd_text(start: path.baseAddress, size: path.count - 1)
            head.method = amhd_text(start: method.baseAddress, size: method.count - 1)
            head.host = amhd_text(start: host.baseAddress, size: host.count - 1)
            if origin != nil { head.origin = amhd_text(start: name.baseAddress, size: name.count - 1) }
            return policy.sender(of: head, isPublic: false)
          }
        }
      }
    }
  }

  private func send(
    _ port: UInt16, _ request: String = "POST /v1/evaluate", _ headers: String..., body: String = Self.body
  ) throws -> RawResponse {
    let client = try RawConnection(port: port)
    let lines = (["Host: localhost", "Content-Length: \(body.utf8.count)"] + headers).map { $0 + "\r\n" }.joined()
    try client.send("\(request) HTTP/1.1\r\n\(lines)\r\n\(body)")
    return try client.readResponse(toHead: request.hasPrefix("HEAD"))
  }

  private func pages(_ names: String..., access: AccessTokens? = nil) throws -> LiveServer {
    try LiveServer(access: access) { $0.corsOrigins = names }
  }

  // MARK: Pages that may not

  @Test func nothingIsComputedForForeignPages() throws {
    let live = try LiveServer()
    let port = live.server.port
    let foreign = [
      "http://evil.example", "null", "", "http://localhost", "http://localhost:1", "http://evil.example:\(port)",
      "ftp://localhost:\(port)", "localhost:\(port)", "http://localhost:\(port)/", "http://localhost:\(port) ,",
      "file://", "*",
    ]
    for origin in foreign {
      let client = try RawConnection(port: port)
      // Refused by its head: the body never comes.
      try client.send(
        "POST /v1/evaluate HTTP/1.1\r\nHost: localhost:\(port)\r\nOrigin: \(origin)\r\nContent-Type: text/plain\r\n"
          + "Content-Length: 1000\r\n\r\n")
      let refused = try client.readResponse()
      #expect(refused.status == 403 && client.isClosedByServer(), "\(origin)")
      #expect(refused.text.contains(#""code": "origin_not_allowed""#) && refused.text.contains("--cors-origin"))
      #expect(refused.header("Access-Control-Allow-Origin") == nil && refused.header("Vary") == nil)
    }
    let named = try send(port, "GET /version", "Origin: http://evil.example")
    #expect(named.status == 403 && named.text.contains("pages of the origin http://evil.example may not call"))
    let twice = try send(port, "GET /version", "Origin: http://evil.example", "Origin: http://localhost:\(port)")
    #expect(twice.status == 403)
    for request in ["HEAD /version", "OPTIONS /v1/evaluate", "PUT /nowhere", "POST /livez", "GET /metrics"] {
      #expect(try send(port, request, "Origin: null").status == 403, "\(request)")
    }
    let metrics = try PrometheusPage(port: port)
    let evaluations = ["route": "/v1/evaluate", "method": "POST"]
    #expect(metrics.value("autograd_requests_total", evaluations.merging(["status": "200"]) { $1 }) == 0)
    let refusals = metrics.value("autograd_requests_total", evaluations.merging(["status": "403"]) { $1 })
    #expect(refusals == Double(foreign.count))
    #expect(metrics.value("autograd_refusals_total", ["code": "origin_not_allowed"]) == Double(foreign.count + 7))
  }

  /// Also where the origin is not named. What a link or an image asks for is answered.
  @Test func requestsOfOtherSitesWithoutAnOrigin() throws {
    let live = try LiveServer()
    let port = live.server.port
    for site in ["cross-site", "same-site", "Cross-Site", "?"] {
      #expect(try send(port, "POST /v1/evaluate", "Sec-Fetch-Site: \(site)").status == 403, "\(site)")
      #expect(try send(port, "GET /version", "Sec-Fetch-Site: \(site)").status == 200, "\(site)")
    }
    for site in ["same-origin", "none"] {
      #expect(try send(port, "POST /v1/evaluate", "Sec-Fetch-Site: \(site)").status == 200, "\(site)")
    }
    let all = try pages("*")
    #expect(try send(all.server.port, "POST /v1/evaluate", "Sec-Fetch-Site: cross-site").status == 200)
  }

  @Test func probesAreAnsweredToAll() throws {
    let live = try pages(Self.page)
    for path in ["/livez", "/readyz"] {
      let answer = try send(live.server.port, "GET \(path)", "Origin: http://evil.example")
      #expect(answer.status == 200 && answer.header("Access-Control-Allow-Origin") == nil, "\(path)")
      let allowed = try send(live.server.port, "GET \(path)", "Origin: \(Self.page)")
      #expect(allowed.status == 200 && allowed.header("Access-Control-Allow-Origin") == Self.page)
    }
  }

  /// Pages of the server itself, under a name that is known to be its own.
  @Test func pagesOfTheServer() throws {
    let live = try LiveServer()
    let port = live.server.port
    for origin in ["http://localhost:\(port)", "HTTP://LOCALHOST:\(port)", "https://localhost:\(port)"] {
      let client = try RawConnection(port: port)
      try client.send(
        "POST /v1/evaluate HTTP/1.1\r\nHost: localhost:\(port)\r\nOrigin: \(origin)\r\n"
          + "Content-Length: \(Self.body.utf8.count)\r\n\r\n\(Self.body)")
      let answer = try client.readResponse()
      #expect(answer.status == 200 && answer.header("Access-Control-Allow-Origin") == nil, "\(origin)")
    }
    func isOwn(_ host: String, _ origin: String, hosts: [String], isLoopback: Bool) -> Bool {
      let policy = OriginPolicy(hosts: hosts, origins: [], address: "127.0.0.1", isLoopback: isLoopback)
      return Self.sender(policy, host: host, origin: origin).isOwn
    }
    #expect(isOwn("api.example", "https://api.example", hosts: ["api.example"], isLoopback: false))
    // Where any name is taken, any page could have it.
    #expect(!isOwn("evil.example:80", "http://evil.example:80", hosts: [], isLoopback: false))
    #expect(!isOwn("evil.example:80", "http://evil.example:80", hosts: ["*"], isLoopback: true))
  }

  // MARK: Pages that may

  @Test func allowedPagesReadEveryAnswer() throws {
    let file = try AccessTests.TokenFile(Self.token)
    let live = try pages("http://other.example:8000", Self.page, access: try AccessTokens(path: file.path))
    let port = live.server.port
    let key = "Authorization: Bearer \(Self.token)"
    let answers: [(Int, RawResponse)] = [
      (200, try send(port, "POST /v1/evaluate", "Origin: \(Self.page)", key)),
      (200, try send(port, "HEAD /version", "Origin: \(Self.page)", key)),
      (401, try send(port, "POST /v1/evaluate", "Origin: \(Self.page)")),
      (404, try send(port, "GET /nowhere", "Origin: \(Self.page)", key)),
      (405, try send(port, "OPTIONS /v1/evaluate", "Origin: \(Self.page)", key)),
      (406, try send(port, "POST /v1/evaluate", "Origin: \(Self.page)", key, "Accept: image/png")),
      (400, try send(port, "POST /v1/evaluate", "Origin: \(Self.page)", key, "Request-Timeout: x")),
      (400, try send(port, "POST /v1/evaluate", "Origin: \(Self.page)", key, "Content-Length: 3")),
      (422, try send(port, "POST /v1/evaluate", "Origin: \(Self.page)", key, body: Self.badBody)),
    ]
    for (status, answer) in answers {
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.header("Access-Control-Allow-Origin") == Self.page, "\(status)")
      #expect(answer.header("Vary") == "Origin", "\(status)")
      let exposed = answer.header("Access-Control-Expose-Headers")?.split(separator: ", ").map(String.init)
      #expect(exposed == OriginPolicy.answerHeaders, "\(status)")
      #expect(answer.header("Access-Control-Allow-Credentials") == nil)
    }
    // A cache must not give a page the answer to a program.
    let program = try send(port, "POST /v1/evaluate", key)
    #expect(program.header("Vary") == "Origin" && program.header("Access-Control-Allow-Origin") == nil)
    #expect(try send(port, "POST /v1/evaluate", "Origin: http://other.example:8000", key).status == 200)
    for origin in ["http://app.example", "https://app.example:444", "https://app.example.evil.example", "null"] {
      let refused = try send(port, "POST /v1/evaluate", "Origin: \(origin)", key)
      #expect(refused.status == 403 && refused.header("Access-Control-Allow-Origin") == nil, "\(origin)")
    }
  }

  @Test func allowedPagesReadWhatTheTransportRefuses() throws {
    let origin = "Origin: \(Self.page)\r\n"
    func expectReadable(_ client: RawConnection, _ status: Int) throws {
      let answer = try client.readResponse()
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.header("Access-Control-Allow-Origin") == Self.page, "\(status)")
      #expect(answer.header("Vary") == "Origin", "\(status)")
    }
    try withTransportServer(configure: {
      $0.corsOrigins = [Self.page]
      $0.connectionLimit = 1
      $0.bodyLimit = 100
      $0.requestPatience = 50_000_000
    }) { server in
      let first = try server.connect()
      try first.send(rawPost("/echo", String(repeating: "x", count: 101), headers: origin))
      try expectReadable(first, 413)
      try first.send(rawPost("/endless", "x", headers: origin))
      try expectReadable(first, 504)
      let second = try server.connect()
      try second.send(rawPost("/echo", "x", headers: origin))
      try expectReadable(second, 503)
    }
    try withTransportServer(configure: {
      $0.corsOrigins = [Self.page]
      $0.patience.body = 300_000_000
    }) { server in
      let slow = try server.connect()
      try slow.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n\(origin)Content-Length: 10\r\n\r\n1")
      try expectReadable(slow, 408)
    }
  }

  @Test func everyPage() throws {
    let live = try pages("*")
    for origin in ["http://evil.example", "null"] {
      let answer = try send(live.server.port, "POST /v1/evaluate", "Origin: \(origin)")
      #expect(answer.status == 200 && answer.header("Access-Control-Allow-Origin") == "*")
      #expect(answer.header("Vary") == nil)
    }
  }

  /// What the page in docs/browsers.md sends, to a server that was started as is said there.
  @Test func documentedPage() throws {
    let text = String(decoding: try Project.file("docs/browsers.md"), as: UTF8.self)
    let origin = try #require(text.firstMatch(of: /serve --cors-origin (\S+)\n/)).1
    let body = try #require(text.firstMatch(of: /JSON\.stringify\((\{(?s:.*?)\})\)/)).1
    let live = try pages(String(origin))
    let headers = ["Origin: \(origin)", "Content-Type: application/json"]
    let answer = try send(live.server.port, "POST /v1/evaluate", headers[0], headers[1], body: String(body))
    #expect(answer.status == 200 && answer.header("Access-Control-Allow-Origin") == String(origin))
    let gradient = #""gradients": {"x": {"dtype": "float64", "shape": [], "data": 6.0}}"#
    #expect(text.contains("then shows 6 at") && answer.text.contains(gradient), "\(answer.text)")
    for name in OriginPolicy.answerHeaders { #expect(text.contains("`\(name)`"), "\(name)") }
    for name in OriginPolicy.requestHeaders { #expect(text.lowercased().contains("`\(name.lowercased())`"), "\(name)") }
  }

  // MARK: What browsers ask first

  private static let question = "Access-Control-Request-Method: POST"

  @Test func preflight() throws {
    let file = try AccessTests.TokenFile(Self.token)
    let live = try pages(Self.page, access: try AccessTokens(path: file.path))
    let port = live.server.port
    func ask(_ path: String, _ headers: String) throws -> RawResponse {
      let client = try RawConnection(port: port)
      try client.send("OPTIONS \(path) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n")
      let answer = try client.readResponse()
      // The request that was asked about comes on the same connection.
      try client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
      if answer.status == 204 { #expect(try client.readResponse().status == 200) }
      return answer
    }
    let question = "\(Self.question)\r\nAccess-Control-Request-Headers: authorization, content-type\r\n"
    for (path, methods) in [
      ("/v1/evaluate", "POST, GET, HEAD"), ("/version", "GET, HEAD"), ("/v1/operations/add", "GET, HEAD"),
    ] {
      let answer = try ask(path, "Origin: \(Self.page)\r\n" + question)
      #expect(answer.status == 204 && answer.header("Access-Control-Allow-Origin") == Self.page)
      #expect(answer.header("Access-Control-Allow-Methods") == methods && answer.header("Vary") == "Origin")
      #expect(answer.header("Access-Control-Max-Age") == "7200" && answer.header("Content-Type") == nil)
      let headers = answer.header("Access-Control-Allow-Headers")?.split(separator: ", ").map(String.init)
      #expect(headers == OriginPolicy.requestHeaders)
      #expect(answer.header("Access-Control-Allow-Private-Network") == nil)
    }
    let network = "Access-Control-Request-Private-Network: true\r\n"
    let local = try ask("/v1/evaluate", "Origin: \(Self.page)\r\n" + question + network)
    #expect(local.status == 204 && local.header("Access-Control-Allow-Private-Network") == "true")
    // So that the page sees the 404.
    #expect(try ask("/nowhere", "Origin: \(Self.page)\r\n" + question).status == 204)
    #expect(try ask("/v1/evaluate", "Origin: http://evil.example\r\n" + question + network).status == 403)
    // What is none needs a token like any request: one without a page, without a question, or with a body.
    #expect(try ask("/v1/evaluate", question).status == 401)
    #expect(try ask("/v1/evaluate", "Origin: \(Self.page)\r\n").status == 401)
    #expect(try ask("/v1/evaluate", "Origin: \(Self.page)\r\nContent-Length: 9\r\n" + question).status == 401)
    let chunked = "Transfer-Encoding: chunked\r\n"
    #expect(try ask("/v1/evaluate", "Origin: \(Self.page)\r\n" + chunked + question).status == 401)
    #expect(try send(port, "POST /v1/evaluate", "Origin: \(Self.page)", Self.question).status == 401)
    let page = try PrometheusPage(port: port, headers: "Authorization: Bearer \(Self.token)\r\n")
    let counted = ["route": "/v1/evaluate", "method": "other", "status": "204"]
    #expect(page.value("autograd_requests_total", counted) == 2)
  }

  @Test func optionsWithoutAPage() throws {
    let live = try LiveServer()
    let answer = try send(live.server.port, "OPTIONS /v1/evaluate")
    #expect(answer.status == 405 && answer.header("Allow") == "POST, GET, HEAD")
    #expect(try send(live.server.port, "OPTIONS /v1/evaluate", Self.question).status == 405)
    #expect(try send(live.server.port, "OPTIONS /v1/evaluate", Self.question, "Origin: \(Self.page)").status == 403)
  }

  /// What openapi.yaml says of headers is what pages may send and read.
  @Test func headersAreThoseOfTheContract() throws {
    let document = try JSON(Project.file("Sources/CEmbedded/openapi.json"))
    let components = try #require(document["components"])
    #expect(try #require(components["headers"]).members.keys.sorted() == OriginPolicy.answerHeaders)
    for parameter in try #require(components["parameters"]).members.values {
      guard parameter["in"]?.string == "header", let name = parameter["name"]?.string else { continue }
      #expect(OriginPolicy.requestHeaders.contains { $0.lowercased() == name.lowercased() }, "\(name)")
    }
  }

  // MARK: Settings

  @Test func settings() throws {
    let hosts = try OriginSettings.hosts(["API.Example.", "10.0.0.7", "2001:DB8:0::1", "[::2]", "*", "a_b-c"])
    #expect(hosts == ["api.example", "10.0.0.7", "[2001:db8::1]", "[::2]", "*", "a_b-c"])
    let given = [
      "https://App.Example", "http://localhost:3000", "https://a.example:443", "http://a.example:80",
      "http://a.example:443", "http://[0:0::1]:80", "chrome-extension://abc", "*",
    ]
    let origins = [
      "https://app.example", "http://localhost:3000", "https://a.example", "http://a.example", "http://a.example:443",
      "http://[::1]", "chrome-extension://abc", "*",
    ]
    #expect(try OriginSettings.origins(given) == origins)
  }

  @Test(arguments: [
    ("--allowed-host", "http://a.example", "leave out scheme"), ("--allowed-host", "a.example:80", "has a port"),
    ("--allowed-host", "a.example/x", "leave out scheme"), ("--allowed-host", "*.example", "is no host name"),
    ("--allowed-host", "", "is no host name"), ("--allowed-host", "bücher.example", "xn--"),
    ("--allowed-host", "[::g]", "has a port"), ("--cors-origin", "https://a.example/", "has a path"),
    ("--cors-origin", "https://a.example?x", "has a path"), ("--cors-origin", "a.example", "has no scheme"),
    ("--cors-origin", "://a.example", "has no scheme"), ("--cors-origin", "http://", "has no host"),
    ("--cors-origin", "https://*.example", "has no host"), ("--cors-origin", "https://u@a.example", "has no host"),
    ("--cors-origin", "https://a.example:0", "has no port"),
    ("--cors-origin", "https://a.example:65536", "has no port"),
    ("--cors-origin", "https://a.example:", "has no port"), ("--cors-origin", "https://a.example:+1", "has no port"),
    ("--cors-origin", "https://[::1]x", "has no port"), ("--cors-origin", "https://[::g]", "has no host"),
    ("--cors-origin", "null", "sandboxed"), ("--cors-origin", "", "has no scheme"),
  ])
  func settingsThatAreRefused(option: String, value: String, expected: String) throws {
    let error = #expect(throws: (any Error).self) {
      if option == "--allowed-host" {
        _ = try OriginSettings.hosts([value])
      } else {
        _ = try OriginSettings.origins([value])
      }
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(expected) && text.contains(option) && text.contains("all; \(value) "), "\(text)")
  }

  @Test func everyPageAndTokensDoNotGoTogether() throws {
    let file = try AccessTests.TokenFile(Self.token)
    let server = try ServerProcess(
      "--port", "0", "--token-file", file.path, environment: ["AUTOGRAD_CORS_ORIGINS": "https://a.example, *"])
    #expect(server.exitStatus() == 64)
    #expect(server.output.contains("--cors-origin * lets every page try tokens"), "\(server.output)")
  }

  @Test(arguments: [true, false]) func serverWithPages(usesVariable: Bool) throws {
    let pages = ["http://b.example", "HTTPS://App.example:443"]
    let server =
      usesVariable
      ? try ServerProcess("--port", "0", environment: ["AUTOGRAD_CORS_ORIGINS": pages.joined(separator: ", ")])
      : try ServerProcess("--port", "0", "--cors-origin", pages[0], "--cors-origin", pages[1])
    let port = try #require(server.port(), "\(server.output)")
    for origin in ["http://b.example", Self.page] {
      let answer = try send(port, "POST /v1/evaluate", "Origin: \(origin)")
      #expect(answer.status == 200 && answer.header("Access-Control-Allow-Origin") == origin)
      #expect(answer.text.contains(#""gradients": {"x": {"dtype": "float64", "shape": [], "data": 6.0}}"#))
    }
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
  }
}

extension OriginPolicy.Sender {
  var isOwn: Bool {
    if case .own = self { true } else { false }
  }
}

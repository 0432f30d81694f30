import AutogradCore
import AutogradFormats
import AutogradHTTP
import CEmbedded

/// The server's table: every path and method, one a row.
enum Routes {
  /// - Parameters:
  ///   - plans: the plan cache; nil turns it off.
  ///   - memory: memory that runs reuse.
  ///   - metrics: what `/metrics` shows; nil shows nothing.
  ///   - isReady: false once the server is draining.
  ///   - isAlive: false while a thread that serves connections is stuck.
  static func all(
    limits: Limits, plans: PlanCache? = nil, memory: RunMemoryPool = RunMemoryPool(), metrics: Metrics? = nil,
    isAlive: @escaping @Sendable () -> Bool = { true }, isReady: @escaping @Sendable () -> Bool
  ) -> [Route] {
    let handler = DifferentialHandler(limits: limits, plans: plans, memory: memory)
    let differential = Endpoint.allCases.filter { $0 != .check }.map { endpoint in
      Route("POST", "/v1/\(endpoint.rawValue)", answers: [MediaTypes.json, MediaTypes.safetensors], reads: true) {
        request, _ in handler.reply(to: request, endpoint)
      }
    }
    let check = CheckHandler(limits: limits)
    let inspect = InspectHandler(limits: limits)
    let queries = queries(limits, handler, check, inspect)
    return differential + queries + [
      Route("POST", "/v1/check", reads: true, isHeavy: true) { request, _ in check.reply(to: request) },
      Route("POST", "/v1/inspect", reads: true, isHeavy: true) { request, _ in inspect.reply(to: request) },
      Route("GET", "/v1/operations") { _, _ in .now(.shared(OperationsDocument.list)) },
      Route("GET", "/v1/operations/{name}") { _, path throws(Problem) in
        .now(try OperationsDocument.response(name: path["name"]))
      },
      Route("GET", "/livez", isPublic: true, isProbe: true) { _, _ throws(Problem) in
        guard isAlive() else {
          throw Problem(.internal, "a thread that serves connections is stuck; restart the server")
        }
        return .now(Response(body: ByteBuffer("{\"status\": \"ok\"}\n")))
      },
      Route("GET", "/readyz", isPublic: true, isProbe: true) { _, _ throws(Problem) in
        guard isReady() else { throw Problem(Refusal.shuttingDown) }
        return .now(Response(body: ByteBuffer("{\"status\": \"ready\"}\n")))
      },
      Route("GET", "/metrics", answers: [MetricsPage.mediaType], isProbe: true) { _, _ in
        .now(metrics.map(MetricsPage.response) ?? Response(contentType: MetricsPage.mediaType, body: ByteBuffer()))
      },
      Route("GET", "/version") { _, _ in .now(Response(body: version)) },
      Route("GET", "/", answers: ["text/html"]) { _, _ in .now(docs) },
      Route("GET", "/docs", answers: ["text/html"]) { _, _ in .now(docs) },
      Route("GET", "/openapi.yaml", answers: ["application/yaml"]) { _, _ in
        .now(.shared(openapiYAML, contentType: "application/yaml"))
      },
      Route("GET", "/openapi.json") { _, _ in .now(.shared(openapiJSON)) },
      Route("GET", "/problems") { _, _ in .now(.shared(ProblemsDocument.list)) },
      Route("GET", "/problems/{code}") { _, path throws(Problem) in
        .now(try ProblemsDocument.response(code: path["code"]))
      },
    ]
  }

  /// The same endpoints for addresses: `GET /v1/evaluate?graph=…&x=1`.
  private static func queries(
    _ limits: Limits, _ handler: DifferentialHandler, _ check: CheckHandler, _ inspect: InspectHandler
  ) -> [Route] {
    func route(
      _ name: String, isHeavy: Bool, _ members: (RequestMember) -> Bool, _ reply: @escaping @Sendable (Request) -> Reply
    ) -> Route {
      let known = RequestMember.all.filter(members).map { ("\($0.name)", $0) }
      let query = QueryHandler(limits: limits, reply: reply, members: Dictionary(uniqueKeysWithValues: known))
      return Route(
        "GET", "/v1/\(name)", answers: [MediaTypes.json, "text/csv", MediaTypes.safetensors], readsQuery: true,
        isHeavy: isHeavy
      ) { request, _ in query.reply(to: request) }
    }
    return Endpoint.allCases.map { endpoint in
      route(endpoint.rawValue, isHeavy: endpoint == .check, { $0.isTaken(by: endpoint, isInspected: false) }) {
        endpoint == .check ? check.reply(to: $0) : handler.reply(to: $0, endpoint)
      }
    } + [route("inspect", isHeavy: true, { _ in true }, inspect.reply)]
  }

  /// The paths of all, each once, in order.
  static var paths: [String] { Router.paths(of: all(limits: Limits()) { false }) }

  private static var version: ByteBuffer {
    ByteBuffer("{\"version\": \"\(Version.current)\", \"api\": \"v1\", \"kernels\": \"\(Kernels.instructionSet)\"}\n")
  }

  private static let openapiYAML = document(embedded_openapi_yaml())
  private static let openapiJSON = document(embedded_openapi_json())

  /// The page has no scripts and loads nothing; its Content-Security-Policy enforces that.
  private static let docs: Response = {
    var page = Response.shared(document(embedded_docs_html()), contentType: "text/html; charset=utf-8")
    page.headers = [("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")]
    return page
  }()

  private static func document(_ embedded: embedded_document) -> ByteBuffer {
    let buffer = ByteBuffer(capacity: embedded.count)
    buffer.append(UnsafeRawBufferPointer(start: embedded.bytes, count: embedded.count))
    return buffer
  }
}

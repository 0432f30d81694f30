import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP
import CEmbedded

/// The server's table: every path and method, one a row.
enum Routes {
  /// - Parameters:
  ///   - plans: the plan cache; nil turns it off.
  ///   - memory: memory that runs reuse.
  ///   - graphs: graphs that are kept under names; nil keeps none.
  ///   - metrics: what `/metrics` shows; nil shows nothing.
  ///   - isReady: false once the server is draining.
  ///   - isAlive: false while a thread that serves connections is stuck.
  static func all(
    limits: Limits, plans: PlanCache? = nil, memory: RunMemoryPool = RunMemoryPool(), graphs: GraphStore? = nil,
    metrics: Metrics? = nil,
    isAlive: @escaping @Sendable () -> Bool = { true }, isReady: @escaping @Sendable () -> Bool
  ) -> [Route] {
    let handler = DifferentialHandler(limits: limits, plans: plans, memory: memory)
    let store = graphs ?? GraphStore(NoGraphs(), limits.storedGraphs)
    return asking(limits, handler, store) + self.graphs(store, limits) + [
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
      Route("GET", "/", answers: [MediaTypes.json, "text/html"], isOpen: true) { request, _ throws(Problem) in
        .now(try PageFiles.start(request))
      },
      Route(
        "GET", "/page/{name}", answers: ["text/html", "text/css", "text/javascript", "image/svg+xml"], isOpen: true
      ) {
        _, path throws(Problem) in .now(try PageFiles.response(path["name"]))
      },
      Route("GET", "/client.js", answers: ["text/javascript"], isOpen: true) { _, _ in
        .now(.shared(clientJS, contentType: "text/javascript; charset=utf-8"))
      },
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

  /// The endpoints that take a graph: for bodies and for addresses, with the graph in the request and by its name.
  private static func asking(
    _ limits: Limits, _ handler: DifferentialHandler, _ store: GraphStore
  ) -> [Route] {
    let check = CheckHandler(limits: limits)
    let inspect = InspectHandler(limits: limits)
    let named = NamedGraphHandler(store: store)
    func routes(
      _ name: String, isHeavy: Bool, answers: [String], _ members: (RequestMember) -> Bool,
      _ reply: @escaping @Sendable (Request, StoredGraph?) -> Reply
    ) -> [Route] {
      let known = RequestMember.all.filter(members).map { ("\($0.name)", $0) }
      let query = QueryHandler(limits: limits, members: Dictionary(uniqueKeysWithValues: known))
      let parts = [MediaTypes.json, "text/csv", MediaTypes.safetensors]
      return [
        Route(
          "POST", "/v1/\(name)", answers: answers + ["text/csv"], reads: true, readsQuery: true, isHeavy: isHeavy
        ) { request, _ in
          MediaTypes.isFormula(request) ? query.reply(to: request) { reply($0, nil) } : reply(request, nil)
        },
        Route("GET", "/v1/\(name)", answers: parts, readsQuery: true, isHeavy: isHeavy) { request, _ in
          query.reply(to: request) { reply($0, nil) }
        },
        Route("POST", "/v1/graphs/{name}/\(name)", answers: answers, reads: true, isHeavy: isHeavy) {
          request, path throws(Problem) in try named.reply(to: request, path, reply)
        },
        Route("GET", "/v1/graphs/{name}/\(name)", answers: parts, readsQuery: true, isHeavy: isHeavy) {
          request, path throws(Problem) in
          try named.reply(to: request, path) { request, graph in query.reply(to: request) { reply($0, graph) } }
        },
      ]
    }
    let differential = Endpoint.allCases.filter { $0 != .check }.flatMap { endpoint in
      routes(
        endpoint.rawValue, isHeavy: false, answers: [MediaTypes.json, MediaTypes.safetensors],
        { $0.isTaken(by: endpoint, isInspected: false) }
      ) { handler.reply(to: $0, endpoint, $1) }
    }
    let members: (RequestMember) -> Bool = { $0.isTaken(by: .check, isInspected: false) }
    return differential
      + routes("check", isHeavy: true, answers: [MediaTypes.json], members) { check.reply(to: $0, $1) }
      + routes("inspect", isHeavy: true, answers: [MediaTypes.json], { _ in true }) { inspect.reply(to: $0, $1) }
  }

  /// Graphs that are kept under names.
  private static func graphs(_ store: GraphStore, _ limits: Limits) -> [Route] {
    let handler = GraphsHandler(store: store, limits: limits)
    let sources = ["text/plain", MediaTypes.json, MediaTypes.safetensors]
    return [
      Route("GET", "/v1/graphs", readsQuery: true, isHeavy: true) { request, _ throws(Problem) in
        .now(try handler.list(request))
      },
      Route("GET", "/v1/graphs/{name}", readsConditions: true, isHeavy: true) { request, path throws(Problem) in
        .now(try handler.describe(request, path))
      },
      Route(
        "PUT", "/v1/graphs/{name}", reads: true, readsQuery: true, readsConditions: true, writes: true, isHeavy: true,
        check: GraphUpload.check
      ) { request, path throws(Problem) in .now(try handler.put(request, path)) },
      Route("DELETE", "/v1/graphs/{name}", readsQuery: true, readsConditions: true, writes: true, isHeavy: true) {
        request, path throws(Problem) in
        .now(try handler.delete(request, path))
      },
      Route("GET", "/v1/graphs/{name}/source", answers: sources, readsConditions: true, isHeavy: true) {
        request, path throws(Problem) in .now(try handler.source(request, path))
      },
      Route("GET", "/v1/graphs/{name}/versions", isHeavy: true) { _, path throws(Problem) in
        .now(try handler.versions(path))
      },
    ]
  }

  /// The paths of all, each once, in order.
  static var paths: [String] { Router.paths(of: all(limits: Limits()) { false }) }

  private static var version: ByteBuffer {
    ByteBuffer("{\"version\": \"\(Version.current)\", \"api\": \"v1\", \"kernels\": \"\(Kernels.instructionSet)\"}\n")
  }

  private static let openapiYAML = embedded_openapi_yaml().buffer
  private static let openapiJSON = embedded_openapi_json().buffer
  private static let clientJS = embedded_client_js().buffer

  /// The page has no scripts and loads nothing; its Content-Security-Policy enforces that.
  private static let docs: Response = {
    var page = Response.shared(embedded_docs_html().buffer, contentType: "text/html; charset=utf-8")
    page.headers = [("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")]
    return page
  }()
}

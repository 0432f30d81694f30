import AutogradCore
import AutogradFormats

/// Finds the handler of a path and refuses what no handler should see.
final class Router: Responder {
  let routes: [Route]
  /// Paths without a parameter, which nearly every request has.
  private let exact: [String: [Int]]
  /// Memory that the values of a body may take.
  private let documentBytes: Int

  init(routes: [Route], documentBytes: Int = Limits().documentBytes) {
    self.routes = routes
    self.documentBytes = documentBytes
    exact = Dictionary(grouping: routes.indices.filter { routes[$0].prefix == nil }, by: { routes[$0].path })
  }

  func place(of path: String, _ method: String) -> RoutePlace {
    let indices = self.indices(of: path)
    // A method that the path does not take is refused under the path all the same.
    guard let index = indices.first(where: { routes[$0].takes(method) }) ?? indices.first else {
      return RoutePlace(index: routes.count)
    }
    let route = routes[index]
    return RoutePlace(
      index: index, isPublic: route.isPublic && route.takes(method), isProbe: route.isProbe && route.takes(method))
  }

  /// The routes of a path, one for each method.
  private func indices(of path: String) -> [Int] {
    exact[path] ?? routes.indices.filter { routes[$0].parameter(of: path) != nil }
  }

  func methods(of path: String) -> [String] {
    indices(of: path).flatMap { routes[$0].method == "GET" ? ["GET", "HEAD"] : [routes[$0].method] }
  }

  /// Larger bodies are read on the compute pool: a socket's thread has other clients too.
  private static let largestInline = 64 << 10
  /// Nanoseconds that a byte of a body takes, about.
  private static let costOfByte: Int64 = 5

  func respond(to request: Request) -> Reply {
    do throws(Problem) {
      // Where the transport has found the route and it has no parameter, there is nothing left to look for.
      if let index = request.route ?? exact[request.path]?.first, index < routes.count {
        let route = routes[index]
        if route.prefix == nil, route.takes(request.method) { return try reply(route, request, "") }
      }
      let (route, parameter) = try route(for: request)
      return try reply(route, request, parameter)
    } catch {
      return .now(error.response(requestID: request.id))
    }
  }

  private func reply(_ route: Route, _ request: Request, _ parameter: String) throws(Problem) -> Reply {
    try MediaTypes.checkAccept(
      request.accept, route.contentType, or: route.answersSafetensors ? MediaTypes.safetensors : nil)
    if route.method == "POST" { try MediaTypes.checkBody(request) }
    guard route.isHeavy || request.body.count > Router.largestInline else { return route.handle(request, parameter) }
    return .later(
      Work(cost: Int64(request.body.count) * Router.costOfByte, byteCount: memory(for: request.body.count)) {
        interruption in
        var request = request
        request.interruption = interruption
        return route.handle(request, parameter)
      })
  }

  /// What reading a body may take beside it: its values, or as bytes the tensors of one that is mostly base64.
  private func memory(for bodySize: Int) -> Int {
    max(bodySize, min(bodySize * Limits.documentBytesPerByte, documentBytes))
  }

  private func route(for request: Request) throws(Problem) -> (route: Route, parameter: String) {
    let matches = indices(of: request.path).map { (routes[$0], routes[$0].parameter(of: request.path) ?? "") }
    if let match = matches.first(where: { $0.0.takes(request.method) }) { return match }
    guard !matches.isEmpty else { throw Problem(.notFound, unknownPath(request.path)) }
    let allowed = methods(of: request.path).joined(separator: ", ")
    throw Problem(
      .methodNotAllowed, "\(request.path) takes \(allowed), not \(request.method)", headers: [("Allow", allowed)])
  }

  /// What people look for under other names.
  private static let otherPaths = [
    "jacfwd": "/v1/jacobian", "jacrev": "/v1/jacobian", "hess": "/v1/hessian", "jacobians": "/v1/jacobian",
    "hessians": "/v1/hessian",
    "pushforward": "/v1/jvp", "plan": "/v1/inspect", "gradcheck": "/v1/check",
    "vjp": "/v1/evaluate", "grad": "/v1/evaluate", "gradient": "/v1/evaluate", "gradients": "/v1/evaluate",
    "backward": "/v1/evaluate",
    "value_and_grad": "/v1/evaluate", "forward": "/v1/evaluate", "eval": "/v1/evaluate", "run": "/v1/evaluate",
    "ops": "/v1/operations",
    "health": "/livez", "healthz": "/livez", "ready": "/readyz", "docs": "/docs", "index.html": "/docs",
    "swagger": "/openapi.json",
  ]

  private func unknownPath(_ path: String) -> String {
    let shown = path.isEmpty ? "empty path" : path.count > 64 ? path.prefix(64) + "…" : path
    let last = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    if let meant = Router.otherPaths[last] { return "there is no \(shown); use \(meant)" }
    let near = NearestNames.find(path, among: routes.map(\.path))
    let hint =
      near.isEmpty
      ? "POST a graph to /v1/evaluate; /docs describes everything"
      : "did you mean \(near.joined(separator: " or "))?"
    return "there is no \(shown); \(hint)"
  }
}

/// One path and method.
final class Route: Sendable {
  let method: String
  /// May end in `{name}`, which matches one segment.
  let path: String
  /// What stands before the parameter; nil for a path without one.
  let prefix: String?
  let contentType: String
  /// Whether the answer may also be a safetensors file.
  let answersSafetensors: Bool
  /// Whether it may take long even for a small body, and so is always left to the compute pool.
  let isHeavy: Bool
  /// Whether it needs no token where others do.
  let isPublic: Bool
  /// See ``RoutePlace/isProbe``.
  let isProbe: Bool
  let handle: @Sendable (_ request: Request, _ parameter: String) -> Reply

  init(
    _ method: String, _ path: String, contentType: String = MediaTypes.json, answersSafetensors: Bool = false,
    isHeavy: Bool = false,
    isPublic: Bool = false, isProbe: Bool = false,
    _ handle: @escaping @Sendable (_ request: Request, _ parameter: String) -> Reply
  ) {
    self.method = method
    self.path = path
    prefix = path.firstIndex(of: "{").map { String(path[..<$0]) }
    self.contentType = contentType
    self.answersSafetensors = answersSafetensors
    self.isHeavy = isHeavy
    self.isPublic = isPublic
    self.isProbe = isProbe
    self.handle = handle
  }

  /// HEAD is GET without the body, which the transport leaves out.
  func takes(_ method: String) -> Bool { method == self.method || (method == "HEAD" && self.method == "GET") }

  /// The parameter, or nil if the path does not match or has none.
  func parameter(of path: String) -> String? {
    guard let prefix, path.hasPrefix(prefix) else { return nil }
    let rest = path.dropFirst(prefix.count)
    return rest.isEmpty || rest.contains("/") ? nil : String(rest)
  }
}

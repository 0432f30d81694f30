/// What the routes of a program have in common.
package struct RoutingRules: Sendable {
  /// Why a body is not read, by the head of its request; nil where it is.
  package var checkBody: @Sendable (Request) -> Refusal? = { _ in nil }
  /// Memory that reading a body of so many bytes may take beside it.
  package var memoryOfBody: @Sendable (Int) -> Int = { $0 }
  /// Makes the answer to what the router refuses. The second argument is the request's identifier.
  package var refuse: @Sendable (Refusal, String) -> Response

  package init(refuse: @escaping @Sendable (Refusal, String) -> Response) { self.refuse = refuse }
}

/// Finds the handler of a path and refuses what no handler should see.
package final class Router: Responder {
  package let routes: [Route]
  /// Paths without a parameter, which nearly every request has.
  private let exact: [String: [Int]]
  private let rules: RoutingRules

  package init(routes: [Route], rules: RoutingRules) {
    self.routes = routes
    self.rules = rules
    exact = Dictionary(grouping: routes.indices.filter { routes[$0].prefix == nil }, by: { routes[$0].path })
  }

  package func place(of path: String, _ method: String) -> RoutePlace {
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

  package func methods(of path: String) -> [String] {
    indices(of: path).flatMap { routes[$0].method == "GET" ? ["GET", "HEAD"] : [routes[$0].method] }
  }

  /// Larger bodies are read on the compute pool: a socket's thread has other clients too.
  private static let largestInline = 64 << 10
  /// Nanoseconds that a byte of a body takes, about.
  private static let costOfByte: Int64 = 5

  package func respond(to request: Request) -> Reply {
    // Where the transport has found the route and it has no parameter, there is nothing left to look for.
    if let index = request.route ?? exact[request.path]?.first, index < routes.count {
      let route = routes[index]
      if route.prefix == nil, route.takes(request.method) { return reply(route, request, "") }
    }
    let matches = indices(of: request.path).map { (routes[$0], routes[$0].parameter(of: request.path) ?? "") }
    if let (route, parameter) = matches.first(where: { $0.0.takes(request.method) }) {
      return reply(route, request, parameter)
    }
    let refusal: Refusal =
      matches.isEmpty
      ? .unknownPath(request.path, known: routes.map(\.path))
      : .methodNotAllowed(request.method, path: request.path, allowed: methods(of: request.path))
    return refuse(refusal, request)
  }

  private func refuse(_ refusal: Refusal, _ request: Request) -> Reply { .now(rules.refuse(refusal, request.id)) }

  private func reply(_ route: Route, _ request: Request, _ parameter: String) -> Reply {
    if let refusal = MediaTypes.checkAccept(request.accept, route.answers) { return refuse(refusal, request) }
    if route.method == "POST", let refusal = rules.checkBody(request) { return refuse(refusal, request) }
    guard route.isHeavy || request.body.count > Router.largestInline else { return route.handle(request, parameter) }
    let size = request.body.count
    return .later(
      Work(cost: Int64(size) * Router.costOfByte, byteCount: rules.memoryOfBody(size)) { cancellation in
        var request = request
        request.cancellation = cancellation
        return route.handle(request, parameter)
      })
  }
}

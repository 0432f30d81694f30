import AutogradHTTP

/// Answers the admin address: health and metrics, and nothing else.
struct AdminResponder: Responder {
  private let router: Router

  /// - Parameter routes: all routes of the server, so that each has the number under which it is counted.
  init(routes: [Route]) { router = Router(routes: routes) }

  func facts(of path: String, _ method: String) -> RouteFacts {
    let route = router.facts(of: path, method)
    return isServed(route.index) ? route : RouteFacts(index: router.routes.count, path: router.paths.count)
  }

  func respond(to request: Request) -> Reply {
    if isServed(request.route?.index ?? router.routes.count) { return router.respond(to: request) }
    let paths = router.routes.filter(\.isProbe).map(\.path)
    let detail =
      "this address answers GET \(paths.joined(separator: ", GET ")) alone; everything else is at the other address"
    return .now(Problem(.notFound, detail).response(requestID: request.id))
  }

  private func isServed(_ index: Int) -> Bool { index < router.routes.count && router.routes[index].isProbe }

  /// The routes of the main address if there is an admin address: without metrics.
  static func withoutMetrics(_ routes: [Route]) -> [Route] {
    routes.map { route in
      guard route.path == "/metrics" else { return route }
      return route.handled(
        by: RouteHandler { request, _ in
          .now(Problem(.notFound, "metrics are at this server's admin address").response(requestID: request.id))
        })
    }
  }
}

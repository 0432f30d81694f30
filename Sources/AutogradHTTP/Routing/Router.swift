/// Rules for all routes of a program.
package struct RoutingRules: Sendable {
  /// Memory that reading a body of so many bytes may take beside it.
  package var memoryOfBody: @Sendable (Int) -> Int = { $0 }
  /// Makes the answer to what the transport or the router refuses. The second argument is the request's identifier.
  package var refuse: @Sendable (Refusal, String) -> Response

  package init(refuse: @escaping @Sendable (Refusal, String) -> Response) { self.refuse = refuse }
}

/// Finds the handler of a path and rejects requests that have none.
package final class Router: Responder {
  package let routes: [Route]
  /// The paths of all routes, each once, in the order of the table. A request is counted under the number of its path.
  package let paths: [String]
  /// The routes of a path, one for each method. Nothing in it is counted by reference, because every request on every
  /// thread looks it up.
  private struct Rows: Sendable {
    let path: Int
    let first: Int
  }
  /// For each route, the next one of its path; -1 for the last.
  private let next: [Int]
  /// Paths without a parameter, which nearly every request has.
  private let exact: [String: Rows]
  /// The others, those with more fixed segments first.
  private let patterns: PatternTable<Rows>
  private let rules: RoutingRules

  package init(routes: [Route], rules: RoutingRules) {
    self.routes = routes
    self.rules = rules
    paths = Router.paths(of: routes)
    var rows: [String: Rows] = [:]
    var next = [Int](repeating: -1, count: routes.count)
    for (index, route) in routes.enumerated().reversed() {
      next[index] = rows[route.path]?.first ?? -1
      rows[route.path] = Rows(path: paths.firstIndex(of: route.path) ?? 0, first: index)
    }
    self.next = next
    let patterns = paths.compactMap { path in
      PathPattern(path).flatMap { pattern in rows[path].map { (pattern: pattern, value: $0) } }
    }
    self.patterns = PatternTable(
      patterns.sorted { ($1.pattern.fixedCount, $0.value.path) < ($0.pattern.fixedCount, $1.value.path) })
    exact = rows.filter { PathPattern($0.key) == nil }
  }

  /// Each once, in their order.
  package static func paths(of routes: [Route]) -> [String] {
    var known: Set<String> = []
    return routes.map(\.path).filter { known.insert($0).inserted }
  }

  private func find(_ path: String) -> (rows: Rows, parameters: ParameterRanges)? {
    if let rows = exact[path] { return (rows, .none) }
    var path = path
    return path.withUTF8 { patterns.find($0).map { ($0.value, $0.parameters) } }
  }

  package func facts(of path: String, _ method: String) -> RouteFacts {
    guard let (rows, parameters) = find(path) else { return RouteFacts(index: routes.count, path: paths.count) }
    // A method that the path does not take is refused under the path all the same.
    guard let index = route(among: rows, taking: method) else {
      return RouteFacts(index: rows.first, path: rows.path, parameters: parameters)
    }
    return RouteFacts(
      index: index, path: rows.path, parameters: parameters, readsQuery: routes[index].readsQuery,
      readsConditions: routes[index].readsConditions, writes: routes[index].writes, isPublic: routes[index].isPublic,
      isOpen: routes[index].isOpen,
      isProbe: routes[index].isProbe)
  }

  private func route(among rows: Rows, taking method: String) -> Int? {
    var index = rows.first
    while index >= 0 {
      if routes[index].takes(method) { return index }
      index = next[index]
    }
    return nil
  }

  package func methods(of path: String) -> [String] { find(path).map { methods(of: $0.rows) } ?? [] }

  private func methods(of rows: Rows) -> [String] {
    sequence(first: rows.first) { self.next[$0] < 0 ? nil : self.next[$0] }.flatMap {
      routes[$0].method == "GET" ? ["GET", "HEAD"] : [routes[$0].method]
    }
  }

  /// Larger bodies are read on the compute pool, because a socket thread serves many clients.
  private static let largestInline = 64 << 10
  /// Approximate nanoseconds to read a byte of a body.
  private static let costOfByte: Int64 = 5

  package func respond(to request: Request) -> Reply {
    // Mostly the transport has found the route.
    if let found = request.route, found.index < routes.count, routes[found.index].takes(request.method) {
      return reply(routes[found.index], request, found.parameters)
    }
    guard let (rows, parameters) = find(request.path) else {
      return .now(rules.refuse(.unknownPath(request.path, known: paths), request.id))
    }
    guard let index = route(among: rows, taking: request.method) else {
      let allowed = methods(of: rows)
      return .now(
        refuse(.methodNotAllowed(request.method, path: request.path, allowed: allowed), rows.first, request.id))
    }
    return reply(routes[index], request, parameters)
  }

  package func refuse(_ refusal: Refusal, at route: RouteFacts, requestID: String) -> Response? {
    refuse(refusal, route.index, requestID)
  }

  private func refuse(_ refusal: Refusal, _ index: Int?, _ requestID: String) -> Response {
    let route = index.flatMap { routes.indices.contains($0) ? routes[$0] : nil }
    return (route?.handler.refuse ?? rules.refuse)(refusal, requestID)
  }

  private func reply(_ route: Route, _ request: Request, _ ranges: ParameterRanges) -> Reply {
    let parameters = PathParameters(request.path, names: route.pattern?.names ?? [], ranges)
    if let refusal = MediaTypes.checkAccept(request.accept, route.answers) ?? route.checkBody?(request) {
      return .now((route.handler.refuse ?? rules.refuse)(refusal, request.id))
    }
    guard route.isHeavy || request.body.count > Router.largestInline else {
      return route.handler.handle(request, parameters)
    }
    let size = request.body.count
    return .later(
      Work(cost: Int64(size) * Router.costOfByte, byteCount: rules.memoryOfBody(size)) { cancellation in
        var request = request
        request.cancellation = cancellation
        return route.handler.handle(request, parameters)
      })
  }
}

/// Answers requests: the router in a program, a stub in tests of the transport.
package protocol Responder: Sendable {
  /// The route of a request, from its head.
  func facts(of path: String, _ method: String) -> RouteFacts
  /// The methods that a path accepts.
  func methods(of path: String) -> [String]
  func respond(to request: Request) -> Reply
  /// The answer to what the transport refuses; nil for ``HTTPServer/Configuration/refuse``.
  func refuse(_ refusal: Refusal, at route: RouteFacts, requestID: String) -> Response?
}

extension Responder {
  package func facts(of path: String, _ method: String) -> RouteFacts { RouteFacts() }
  package func methods(of path: String) -> [String] { [] }
  package func refuse(_ refusal: Refusal, at route: RouteFacts, requestID: String) -> Response? { nil }
}

/// What a responder knows of a request's route.
package struct RouteFacts: Sendable {
  /// The number of its row in the table; that of requests without a route comes after the last.
  package var index: Int
  /// The number of its path, under which it is counted; that of requests without a route comes after the last.
  package var path: Int
  /// Where in the path its parameters are, which may have percent signs in them.
  package var parameters: ParameterRanges
  package var hasParameters: Bool { !parameters.isEmpty }
  /// What requests take with them.
  package var found: FoundRoute { FoundRoute(index: index, parameters: parameters) }
  /// Whether it reads the query, which others ignore.
  package var readsQuery: Bool
  /// Whether it reads If-Match and If-None-Match.
  package var readsConditions: Bool
  /// Whether it changes what the server keeps.
  package var writes: Bool
  /// Whether it is for everybody, see ``Route/isPublic``.
  package var isPublic: Bool
  /// Whether it needs no token.
  package var isOpen: Bool
  /// Whether it is about the server's health, which the health thread answers.
  package var isProbe: Bool

  package init(
    index: Int = 0, path: Int = 0, parameters: ParameterRanges = .none, readsQuery: Bool = false,
    readsConditions: Bool = false, writes: Bool = false, isPublic: Bool = false, isOpen: Bool = false,
    isProbe: Bool = false
  ) {
    self.index = index
    self.path = path
    self.parameters = parameters
    self.readsQuery = readsQuery
    self.readsConditions = readsConditions
    self.writes = writes
    self.isPublic = isPublic
    self.isOpen = isOpen
    self.isProbe = isProbe
  }
}

/// A row of the table, and where in the request's path the row's parameters are.
package struct FoundRoute: Sendable {
  package let index: Int
  let parameters: ParameterRanges
}

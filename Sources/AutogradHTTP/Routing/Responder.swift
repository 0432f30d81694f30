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
  /// Whether some of the path stands for itself, and may have percent signs in it.
  package var hasParameters: Bool
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
    index: Int = 0, path: Int = 0, hasParameters: Bool = false, readsQuery: Bool = false,
    readsConditions: Bool = false, writes: Bool = false, isPublic: Bool = false, isOpen: Bool = false,
    isProbe: Bool = false
  ) {
    self.index = index
    self.path = path
    self.hasParameters = hasParameters
    self.readsQuery = readsQuery
    self.readsConditions = readsConditions
    self.writes = writes
    self.isPublic = isPublic
    self.isOpen = isOpen
    self.isProbe = isProbe
  }
}

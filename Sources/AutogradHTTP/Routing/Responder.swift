/// Whatever answers requests: the router in a program, a stub in a transport test.
package protocol Responder: Sendable {
  /// Where a request belongs, known from its head.
  func place(of path: String, _ method: String) -> RoutePlace
  /// The methods that a path takes.
  func methods(of path: String) -> [String]
  func respond(to request: Request) -> Reply
}

extension Responder {
  package func place(of path: String, _ method: String) -> RoutePlace { RoutePlace() }
  package func methods(of path: String) -> [String] { [] }
}

/// Which of a responder's routes a request takes.
package struct RoutePlace: Sendable {
  /// Its number; that of requests without a route comes after the last.
  package var index: Int
  /// Whether it is for everybody, where others need a token.
  package var isPublic: Bool
  /// Whether it is a page about the server's health, which a thread of its own answers.
  package var isProbe: Bool

  package init(index: Int = 0, isPublic: Bool = false, isProbe: Bool = false) {
    self.index = index
    self.isPublic = isPublic
    self.isProbe = isProbe
  }
}

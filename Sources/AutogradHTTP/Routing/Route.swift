/// A row of a program's table: a path and a method, all that is said of them, and who answers.
package final class Route: Sendable {
  package let method: String
  /// May have parameters, see ``PathPattern``. Also the name under which its requests are counted and logged.
  package let path: String
  let pattern: PathPattern?
  /// The media types that answers may have, the usual one first. Errors are sent whatever a client accepts.
  package let answers: [String]
  /// Why a body is not read, by the head of its request; nil for a route that reads none.
  package let checkBody: (@Sendable (Request) -> Refusal?)?
  /// Whether it reads the query, which others ignore. That of a POST is read beside a body of text only.
  package let readsQuery: Bool
  /// Whether it reads the request's conditions, see ``Conditions``.
  package let readsConditions: Bool
  /// Whether it changes what the server keeps, so that not everybody may call it.
  package let writes: Bool
  /// Whether it may take long even for a small body, and so is always left to the compute pool.
  package let isHeavy: Bool
  /// Whether it is for everybody: it needs no token, and answers under any name and to any page.
  package let isPublic: Bool
  /// Whether it needs no token, but otherwise keeps to the rules of all others.
  package let isOpen: Bool
  /// See ``RouteFacts/isProbe``.
  package let isProbe: Bool
  package let handler: RouteHandler

  package init(
    _ method: String, _ path: String, answers: [String] = [MediaTypes.json],
    checkBody: (@Sendable (Request) -> Refusal?)? = nil, readsQuery: Bool = false,
    readsConditions: Bool = false, writes: Bool = false, isHeavy: Bool = false, isPublic: Bool = false,
    isOpen: Bool = false, isProbe: Bool = false, handler: RouteHandler
  ) {
    self.method = method
    self.path = path
    pattern = PathPattern(path)
    self.answers = answers
    self.checkBody = checkBody
    self.readsQuery = readsQuery
    self.readsConditions = readsConditions
    self.writes = writes
    self.isHeavy = isHeavy
    self.isPublic = isPublic
    self.isOpen = isOpen
    self.isProbe = isProbe
    self.handler = handler
  }

  /// HEAD is GET without the body, which the transport leaves out.
  func takes(_ method: String) -> Bool { method == self.method || (method == "HEAD" && self.method == "GET") }

  /// The same row with another handler.
  package func handled(by handler: RouteHandler) -> Route {
    Route(
      method, path, answers: answers, checkBody: checkBody, readsQuery: readsQuery,
      readsConditions: readsConditions, writes: writes, isHeavy: isHeavy, isPublic: isPublic, isOpen: isOpen,
      isProbe: isProbe, handler: handler)
  }
}

/// Who answers the requests of a route, and in which form they are refused.
package struct RouteHandler: Sendable {
  /// Says what the transport or the router refuses; nil for the form of all others, ``RoutingRules/refuse``. The second
  /// argument is the request's identifier.
  package let refuse: (@Sendable (Refusal, String) -> Response)?
  package let handle: @Sendable (Request, PathParameters) -> Reply

  package init(
    refuse: (@Sendable (Refusal, String) -> Response)? = nil,
    handle: @escaping @Sendable (Request, PathParameters) -> Reply
  ) {
    self.refuse = refuse
    self.handle = handle
  }
}

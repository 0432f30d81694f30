/// Why the transport or the router rejects a request before a handler sees it, as facts. The program makes the answer,
/// in ``HTTPServer/Configuration/refuse`` and ``RoutingRules/refuse``.
package enum Refusal: Sendable, Equatable {
  /// The end of the request is ambiguous, so another server might read it differently: 400.
  case framing(String)
  /// A header has an invalid value: 400.
  case header(String)
  /// A transfer coding other than chunked: 501.
  case transferCoding(String)
  /// The body is larger than the limit; `length` if the client gave it: 413.
  case bodyTooLarge(limit: Int, length: Int?)
  /// No valid token: 401.
  case unauthorized
  /// The server does not answer to the request's host: 421. `taken` are the names that it answers to.
  case misdirected(host: String, taken: [String])
  /// It would change what the server keeps, and its sender may not: 403.
  case unwritable(WriteRefusal)
  /// It comes from a web page that may not call the server: 403. Nil if the page's origin is unknown.
  case foreignOrigin(String?)
  /// The work needs more memory than all requests together may take: 413.
  case planTooLarge(limit: Int, needed: Int)
  /// 503 with Retry-After.
  case overloaded(Overload)
  /// More than the client's token allows: 429 with Retry-After.
  case quota(QuotaLimit, seconds: Int)
  /// The server is shutting down and does not wait for this request: 503.
  case shuttingDown
  /// The head or the body did not come in time: 408.
  case tooSlow
  /// The work did not end in time: 504.
  case deadlineExceeded
  /// No route has this path; `known` are the existing paths: 404.
  case unknownPath(String, known: [String])
  /// The path takes other methods, which the answer's Allow lists: 405.
  case methodNotAllowed(String, path: String, allowed: [String])
  /// The Accept header allows none of the route's media types: 406.
  case notAcceptable(accept: String, answers: [String])
  /// The body has an unsupported type or coding; the text lists the supported ones: 415.
  case unsupportedMediaType(String)
}

/// Why somebody may not change what the server keeps.
package enum WriteRefusal: Sendable, Equatable {
  /// The token allows reading only.
  case token
  /// There are no tokens, and other machines can reach the server.
  case address
  /// There are no tokens, and the request calls the server by a name that a page could have chosen.
  case host(String)
}

/// What is used up by all requests together.
package enum Overload: Sendable, Equatable {
  /// Too many requests wait for the compute pool.
  case queue
  /// The work would not be done in time, because of the jobs before it.
  case deadline
  case connections
  case memory
}

/// What is used up by the holder of a token, see ``Quota``.
package enum QuotaLimit: Sendable, Equatable {
  case requestRate, workRate, tokenMemory
}

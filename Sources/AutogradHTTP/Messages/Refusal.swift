/// What the transport and the router refuse, before any handler sees the request. It knows the facts; how the answer
/// looks the program says, in ``HTTPServer/Configuration/refuse`` and ``RoutingRules/refuse``.
package enum Refusal: Sendable, Equatable {
  /// The request cannot be told from what follows it, or another server might tell it differently: 400.
  case framing(String)
  /// A header says what it cannot: 400.
  case header(String)
  /// A transfer coding other than chunked: 501.
  case transferCoding(String)
  /// The body is larger than the limit; `length` where the client said it: 413.
  case bodyTooLarge(limit: Int, length: Int?)
  /// No token, or none that opens this server: 401.
  case unauthorized
  /// The request is for a host that the server is not: 421. `taken` are the names that it goes by.
  case misdirected(host: String, taken: [String])
  /// A page that may not call the server has sent it: 403. Nil where its origin is not known.
  case foreignOrigin(String?)
  /// The work needs more memory than all requests together may take: 413.
  case planTooLarge(limit: Int, needed: Int)
  /// 503 with Retry-After.
  case overloaded(Overload)
  /// More than the client's token allows: 429 with Retry-After.
  case quota(QuotaLimit, seconds: Int)
  /// The server ends and will not wait for this request: 503.
  case shuttingDown
  /// The head or the body did not come in time: 408.
  case tooSlow
  /// The work did not end in time: 504.
  case deadlineExceeded
  /// No route has the path; `known` are those that there are: 404.
  case unknownPath(String, known: [String])
  /// The path takes other methods, which the answer's Allow lists: 405.
  case methodNotAllowed(String, path: String, allowed: [String])
  /// The Accept header takes none of the media types that the route answers with: 406.
  case notAcceptable(accept: String, answers: [String])
  /// A body of this type or coding is not read; the text says what is: 415.
  case unsupportedMediaType(String)
}

/// What all requests together have used up.
package enum Overload: Sendable, Equatable {
  /// Too many requests wait for the compute pool.
  case queue
  /// The work would not be done in time, for what is waiting before it.
  case deadline
  case connections
  case memory
}

/// What the holder of a token has used up, see ``Quota``.
package enum QuotaLimit: Sendable, Equatable {
  case requestRate, workRate, tokenMemory
}

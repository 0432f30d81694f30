/// What the transport itself refuses, before any handler sees the request. It knows the facts; how the answer looks is
/// said in one place by the server, in ``HTTPServer/Configuration/refuse``.
enum Refusal: Sendable, Equatable {
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
  case overloaded(LimitReason)
  /// More than the client's token allows: 429 with Retry-After.
  case quota(LimitReason, seconds: Int)
  /// The server ends and will not wait for this request: 503.
  case shuttingDown
  /// The head or the body did not come in time: 408.
  case tooSlow
  /// The work did not end in time: 504.
  case deadlineExceeded
}

/// One request as it went, for the log and the metrics.
struct RequestRecord: Sendable {
  var method: String
  var path: String
  /// The number of its route, see ``Responder``.
  var route = 0
  /// What was answered. Without an answer: 408 after a time-out, 413 when an endless body was cut off, 499 when the
  /// client went away.
  var status: Int
  var durationNanoseconds: Int64
  var requestID: String
  /// From its traceparent header.
  var trace: TraceContext?
  /// Bytes of the bodies.
  var bytesIn: Int
  var bytesOut: Int
  var observation = Observation()
}

/// A finished request, for the log and the metrics.
package struct RequestRecord: Sendable {
  package var method: String
  package var path: String
  /// The number of its path among those of the routes, see ``RouteFacts``.
  package var route = 0
  /// The status of the answer. Without an answer: 408 after a timeout, 413 if an endless body was cut off, 499 if the
  /// client disconnected.
  package var status: Int
  package var durationNanoseconds: Int64
  package var requestID: String
  /// From its traceparent header.
  package var trace: TraceContext?
  /// Bytes of the bodies.
  package var bytesIn: Int
  package var bytesOut: Int
  /// Whether the client did not get all of the answer.
  package var isBroken = false
  package var observation = Observation()
}

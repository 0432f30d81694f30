/// What the transport counts.
package enum TransportFigure: Sendable {
  /// As many as there are now: changes come as 1 and -1.
  case requestsInFlight, connectionsOpen, jobsQueued, jobsRunning
  /// As many as there ever were.
  case connectionsAccepted, threadsStuck
}

/// Where a program lets the transport count. Called from many threads at a time, also for each request: a few additions
/// are all that it may take.
package protocol TransportMetrics: Sendable {
  func count(_ change: Int, _ figure: TransportFigure)
}

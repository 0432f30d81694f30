/// Figures that the transport counts.
package enum TransportFigure: Sendable {
  /// Gauges: changes are 1 and -1.
  case requestsInFlight, connectionsOpen, jobsQueued, jobsRunning
  /// Counters.
  case connectionsAccepted, threadsStuck
}

/// Where the transport counts. It is called concurrently and for each request, so it may take only a few additions.
package protocol TransportMetrics: Sendable {
  func count(_ change: Int, _ figure: TransportFigure)
}

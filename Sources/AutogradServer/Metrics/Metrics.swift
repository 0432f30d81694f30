import AutogradHTTP

/// What this process counts for `GET /metrics`, and what all processes of the server have counted.
///
/// Counting is a few additions to cells that no other thread writes: no lock, no memory, no text. All names are made
/// when somebody asks.
final class Metrics: Sendable {
  let area: MetricsArea
  let region: MetricsRegion
  /// Paths by their numbers in the router; others come after the last.
  let routes: [String]

  /// - Parameter area: of the region, and this process's.
  init(routes: [String], region: MetricsRegion, area: Int = 0, worker: Int = 1) {
    self.routes = routes
    self.region = region
    self.area = region.area(area)
    self.area.claim(worker: worker)
  }

  /// A request is over.
  func observe(_ record: RequestRecord) {
    let shard = area.shard
    let path = min(max(record.route, 0), routes.count)
    let method = MetricsLayout.place(ofMethod: record.method)
    let status = MetricsLayout.place(ofStatus: record.status)
    shard.add(to: MetricsLayout.request(path: path, method: method, status: status))
    shard.observe(record.durationNanoseconds, MetricsLayout.durations(path: path))
    shard.add(record.bytesIn, to: MetricsLayout.counters + MetricsLayout.Counter.bytesIn.rawValue)
    shard.add(record.bytesOut, to: MetricsLayout.counters + MetricsLayout.Counter.bytesOut.rawValue)
    observe(record.observation.phases, shard)
    if let problem = record.observation.problemNumber { observe(problem, record.observation.reasonNumber, shard) }
  }

  private func observe(_ phases: PhaseDurations, _ shard: MetricsArea.Shard) {
    var cell = MetricsLayout.phases
    for index in 0..<PhaseDurations.count {
      if phases[index] >= 0 { shard.observe(phases[index], cell) }
      cell += MetricsLayout.histogramCells
    }
  }

  /// A problem with a reason is counted by that, which tells the problem too.
  private func observe(_ problem: UInt8, _ reason: UInt8?, _ shard: MetricsArea.Shard) {
    shard.add(to: reason.map { MetricsLayout.reasons + Int($0) } ?? MetricsLayout.problems + Int(problem))
  }
}

extension MetricsArea.Shard {
  /// In the histogram whose cells begin there.
  fileprivate func observe(_ nanoseconds: Int64, _ histogram: Int) {
    add(to: histogram + MetricsLayout.bucket(of: nanoseconds))
    add(Int(max(nanoseconds, 0)), to: histogram + MetricsLayout.histogramCells - 1)
  }
}

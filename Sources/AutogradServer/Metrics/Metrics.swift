import AutogradHTTP

/// Counts for `GET /metrics` in this process, and reads the counts of all processes of the server.
///
/// Counting is a few additions to cells that no other thread writes, without locks, allocation or text. Names are
/// written only when the page is requested.
final class Metrics: Sendable {
  let area: MetricsArea
  let region: MetricsRegion
  /// Paths by the number of their route.
  let routes: [String]

  /// - Parameter area: the number of this process's area in the region.
  init(routes: [String], region: MetricsRegion, area: Int = 0, worker: Int = 1) {
    self.routes = routes
    self.region = region
    self.area = region.area(area)
    self.area.claim(worker: worker)
  }

  /// Counts a finished request.
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

  /// A problem with a reason is counted under the reason, which implies the problem.
  private func observe(_ problem: UInt8, _ reason: UInt8?, _ shard: MetricsArea.Shard) {
    shard.add(to: reason.map { MetricsLayout.reasons + Int($0) } ?? MetricsLayout.problems + Int(problem))
  }
}

extension MetricsArea.Shard {
  /// Counts in the histogram whose cells begin at `histogram`.
  fileprivate func observe(_ nanoseconds: Int64, _ histogram: Int) {
    add(to: histogram + MetricsLayout.bucket(of: nanoseconds))
    add(Int(max(nanoseconds, 0)), to: histogram + MetricsLayout.histogramCells - 1)
  }
}

import AutogradHTTP
import CCounters

/// The layout of an area of a ``MetricsRegion``: which cell counts what.
///
/// A cell is a number that only one process writes. Counters keep their values when the process ends, and its successor
/// continues them. Gauges are shown only while the process lives.
enum MetricsLayout {
  static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "other"]
  static let statuses = [
    200, 201, 204, 304, 400, 401, 403, 404, 405, 406, 408, 412, 413, 415, 421, 422, 429, 499, 500, 501, 503, 504, 507,
  ]

  /// Upper ends of the histograms' buckets, in nanoseconds; the last bucket has none.
  static let bounds: [20 of Int64] = [
    10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
    1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000, 30_000_000_000,
  ]

  /// Single counters.
  enum Counter: Int, CaseIterable {
    case bytesIn, bytesOut, connectionsAccepted
    case planHits, planMisses, planRecalled, planFallbacks, planEvictions
    case logLinesLost
    case threadsStuck
    static var count: Int { threadsStuck.rawValue + 1 }
  }

  /// Current values.
  enum Gauge: Int, CaseIterable {
    case requestsInFlight, connectionsOpen, jobsQueued, jobsRunning, plans, planBytes, graphs, graphsDamaged
    static var count: Int { graphsDamaged.rawValue + 1 }
  }

  // The offsets are computed, not stored, so that they are constants in the code that counts.

  /// Cells of a histogram: one for each bucket, then the sum in nanoseconds.
  static var histogramCells: Int { 22 }

  // Offsets of the parts. Cells that each request uses come first.
  static var counters: Int { 0 }
  static var gauges: Int { counters + Counter.count }
  static var phases: Int { gauges + Gauge.count }
  /// Room for 64.
  static var problems: Int { phases + PhaseDurations.count * histogramCells }
  /// Room for 32.
  static var reasons: Int { problems + 64 }
  /// Then what there is for each path of the server, and at last for all other paths together: how long its requests
  /// took, and how many there were of each method and status.
  static var paths: Int { reasons + 32 }
  static var pathCells: Int { histogramCells + methodCells * statusCells }
  static var methodCells: Int { 7 }
  static var statusCells: Int { 24 }

  /// - Parameter pathCount: of the server.
  static func cells(pathCount: Int) -> Int { paths + (pathCount + 1) * pathCells }

  /// The histogram of a path, by its number.
  static func durations(path: Int) -> Int { paths + path * pathCells }

  static func request(path: Int, method: Int, status: Int) -> Int {
    paths + path * pathCells + histogramCells + method * statusCells + status
  }

  static func place(ofMethod method: String) -> Int {
    switch method {
    case "GET": 0
    case "HEAD": 1
    case "POST": 2
    case "PUT": 3
    case "DELETE": 4
    case "PATCH": 5
    default: 6
    }
  }

  static func place(ofStatus status: Int) -> Int {
    if status == 200 { return 0 }
    for index in statuses.indices where statuses[index] == status { return index }
    return statuses.count
  }

  static func bucket(of nanoseconds: Int64) -> Int {
    var bucket = 0
    while bucket < bounds.count && nanoseconds > bounds[bucket] { bucket += 1 }
    return bucket
  }

  /// A number that differs between versions with different layouts. Workers may have another version than the
  /// supervisor that made the memory.
  static func signature(routes paths: [String]) -> UInt64 {
    let numbers = statuses.map(String.init) + (0..<bounds.count).map { String(bounds[$0]) }
    let names = paths + methods + numbers + ProblemCode.allCases.map(\.rawValue) + LimitReason.allCases.map(\.rawValue)
    let cases = Counter.allCases.map { "\($0)" } + Gauge.allCases.map { "\($0)" } + Phase.allCases.map { "\($0)" }
    let hash = (names + cases).joined(separator: "\n").utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
    }
    return max(hash, 1)
  }
}

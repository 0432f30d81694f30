import AutogradCore
import AutogradFormats
import AutogradHTTP

/// `GET /metrics` in Prometheus' text format: sums of the counters of all processes, and gauges of those that are
/// running.
struct MetricsPage {
  static let mediaType = "text/plain"
  private let metrics: Metrics
  private let areas: [MetricsArea]
  /// The areas of running processes, by worker; a worker that is being replaced has two.
  private let workers: [(number: Int, areas: [MetricsArea])]
  private let page = ByteBuffer(capacity: 16 << 10)

  private init(_ metrics: Metrics) {
    self.metrics = metrics
    areas = metrics.region.areas
    workers = Dictionary(grouping: areas.filter { $0.owner != nil }, by: \.worker).sorted { $0.key < $1.key }.map {
      ($0.key, $0.value)
    }
  }

  static func response(_ metrics: Metrics) -> Response {
    let page = MetricsPage(metrics)
    for family in MetricFamily.allCases {
      page.page.append("# HELP \(family.rawValue) \(family.help)\n# TYPE \(family.rawValue) \(family.kind.rawValue)\n")
      page.append(family)
    }
    return Response(contentType: "\(mediaType); version=0.0.4; charset=utf-8", body: page.page)
  }

  private func append(_ family: MetricFamily) {
    switch family {
    case .build: sample(family, [Version.current, Kernels.instructionSet, HTTPServer.libraryVersion], 1)
    case .workers: sample(family, [], workers.reduce(0) { $0 + $1.areas.count })
    case .requests: requests(family)
    case .requestDuration: requestDurations(family)
    case .phaseDuration:
      for phase in Phase.allCases {
        histogram(family, "\(phase.name)", MetricsLayout.phases + phase.rawValue * MetricsLayout.histogramCells)
      }
    case .refusals: refusals(family)
    case .requestsInFlight: gauge(family, .requestsInFlight)
    case .requestBytes: counter(family, .bytesIn)
    case .responseBytes: counter(family, .bytesOut)
    case .connectionsAccepted: counter(family, .connectionsAccepted)
    case .connectionsOpen: gauge(family, .connectionsOpen)
    case .queueLength: gauge(family, .jobsQueued)
    case .jobsRunning: gauge(family, .jobsRunning)
    case .planHits: counter(family, .planHits)
    case .planMisses: counter(family, .planMisses)
    case .planRecalled: counter(family, .planRecalled)
    case .planFallbacks: counter(family, .planFallbacks)
    case .planEvictions: counter(family, .planEvictions)
    case .plans: gauge(family, .plans)
    case .planBytes: gauge(family, .planBytes)
    case .graphs: gauge(family, .graphs)
    case .graphsDamaged: gauge(family, .graphsDamaged)
    case .logLinesLost: counter(family, .logLinesLost)
    case .threadsStuck: counter(family, .threadsStuck)
    case .processorTime: sample(family, [], nanoseconds: areas.reduce(0) { $0 + $1.processorMicroseconds } &* 1000)
    case .residentMemory: process(family, ProcessFacts.residentBytes)
    case .openDescriptors: process(family, ProcessFacts.openDescriptors)
    case .mostDescriptors: if let most = ProcessFacts.mostDescriptors { sample(family, [], most) }
    case .startTime:
      for worker in workers {
        sample(family, ["\(worker.number)"], nanoseconds: (worker.areas.map(\.started).max() ?? 0) &* 1000)
      }
    }
  }

  // MARK: Families

  private func total(_ cell: Int) -> Int { areas.reduce(0) { $0 &+ $1.value(cell) } }

  private func counter(_ family: MetricFamily, _ counter: MetricsLayout.Counter) {
    sample(family, [], total(MetricsLayout.counters + counter.rawValue))
  }

  private func gauge(_ family: MetricFamily, _ gauge: MetricsLayout.Gauge) {
    for worker in workers { sample(family, ["\(worker.number)"], worker.areas.reduce(0) { $0 + $1.value(of: gauge) }) }
  }

  private func process(_ family: MetricFamily, _ fact: (Int32) -> Int?) {
    for worker in workers {
      let facts = worker.areas.compactMap(\.owner).compactMap(fact)
      if !facts.isEmpty { sample(family, ["\(worker.number)"], facts.reduce(0, +)) }
    }
  }

  /// Every path with its index, and the index of all unknown paths.
  private var routes: [(index: Int, path: String)] {
    metrics.routes.enumerated().map { ($0, $1) } + [(metrics.routes.count, "other")]
  }

  /// Whether a path has had a request: most of a large table have had none.
  private func isUsed(_ path: Int) -> Bool {
    let first = MetricsLayout.durations(path: path)
    return (first..<first + MetricsLayout.histogramCells).contains { total($0) > 0 }
  }

  private func requests(_ family: MetricFamily) {
    for (number, path) in routes where isUsed(number) {
      for (method, name) in MetricsLayout.methods.enumerated() {
        for status in 0..<MetricsLayout.statusCells {
          let count = total(MetricsLayout.request(path: number, method: method, status: status))
          let word = status < MetricsLayout.statuses.count ? "\(MetricsLayout.statuses[status])" : "other"
          if count > 0 { sample(family, [path, name, word], count) }
        }
      }
    }
  }

  private func requestDurations(_ family: MetricFamily) {
    for (number, path) in routes where isUsed(number) {
      histogram(family, path, MetricsLayout.durations(path: number))
    }
  }

  private func refusals(_ family: MetricFamily) {
    for code in ProblemCode.allCases {
      let count = total(MetricsLayout.problems + code.index)
      if count > 0 { sample(family, [code.rawValue, ""], count) }
    }
    for reason in LimitReason.allCases {
      let count = total(MetricsLayout.reasons + reason.index)
      if count > 0 { sample(family, [reason.code.rawValue, reason.rawValue], count) }
    }
  }

  /// The count is read from the last bucket, so that the two agree even if requests are counted meanwhile.
  private func histogram(_ family: MetricFamily, _ label: String, _ first: Int) {
    var count = 0
    for bucket in 0...MetricsLayout.bounds.count {
      count += total(first + bucket)
      let isLast = bucket == MetricsLayout.bounds.count
      let bound = isLast ? "+Inf" : MetricsPage.seconds(Int(MetricsLayout.bounds[bucket]))
      line("\(family.rawValue)_bucket", [(family.labels[0], label), ("le", bound)], "\(count)")
    }
    let sum = total(first + MetricsLayout.histogramCells - 1)
    line("\(family.rawValue)_sum", [(family.labels[0], label)], MetricsPage.seconds(sum))
    line("\(family.rawValue)_count", [(family.labels[0], label)], "\(count)")
  }

  // MARK: Lines

  private func sample(_ family: MetricFamily, _ labels: [String], _ value: Int) {
    line(family.rawValue, Array(zip(family.labels, labels)), "\(value)")
  }

  private func sample(_ family: MetricFamily, _ labels: [String], nanoseconds: Int) {
    line(family.rawValue, Array(zip(family.labels, labels)), MetricsPage.seconds(nanoseconds))
  }

  /// Label values are fixed texts that need no escaping.
  private func line(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
    page.append(name)
    if !labels.isEmpty { page.append("{\(labels.map { "\($0.name)=\"\($0.value)\"" }.joined(separator: ","))}") }
    page.append(" \(value)\n")
  }

  /// Exact decimal text.
  private static func seconds(_ nanoseconds: Int) -> String {
    let (whole, rest) = max(nanoseconds, 0).quotientAndRemainder(dividingBy: 1_000_000_000)
    if rest == 0 { return "\(whole)" }
    var digits = String(1_000_000_000 + rest).dropFirst()
    while digits.hasSuffix("0") { digits = digits.dropLast() }
    return "\(whole).\(digits)"
  }
}

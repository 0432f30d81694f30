import AutogradHTTPTestSupport
import AutogradTestSupport
import Foundation
import Glibc
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// `GET /metrics`: what is counted, and that it is Prometheus' format.
@Suite(.timeLimit(.minutes(60)))
struct MetricsTests {
  private let square =
    #"{"graph": {"nodes": [{"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}]}, "inputs": {"x": 3}}"#

  private func ask(_ live: LiveServer, _ requests: String...) throws {
    for request in requests {
      let connection = try RawConnection(port: live.server.port)
      try connection.send(request)
      _ = try connection.readResponse(toHead: request.hasPrefix("HEAD"))
    }
    // An answer is there before its request is over.
    #expect(eventually { live.server.requestsInFlight == 0 && live.server.connectionCount == 0 })
  }

  @Test func everythingIsCounted() throws {
    let live = try LiveServer()
    let secret = "x-secret-path"
    try ask(
      live, rawPost("/v1/evaluate", square), rawPost("/v1/evaluate", square), rawPost("/v1/evaluate", square),
      rawPost("/v1/jvp", "{"),
      "GET /\(secret) HTTP/1.1\r\nHost: localhost\r\n\r\n", "PUT /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "HEAD /v1/operations/add HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let page = try PrometheusPage(
      port: live.server.port, headers: "Accept: application/openmetrics-text;q=0.5,text/plain;version=0.0.4;q=0.3\r\n")
    #expect(Set(page.families.keys) == Set(MetricFamily.allCases.map(\.rawValue)))
    for family in MetricFamily.allCases {
      #expect(page.families[family.rawValue]?.type == family.kind.rawValue)
      for sample in page.families[family.rawValue]?.samples ?? [] {
        #expect(Set(sample.labels.keys).subtracting(["le"]) == Set(family.labels), "\(sample)")
      }
    }
    func requests(_ route: String, _ method: String, _ status: String) -> Double {
      page.value("autograd_requests_total", ["route": route, "method": method, "status": status])
    }
    #expect(requests("/v1/evaluate", "POST", "200") == 3 && requests("/v1/jvp", "POST", "400") == 1)
    #expect(requests("other", "GET", "404") == 1 && requests("/livez", "PUT", "405") == 1)
    #expect(requests("/v1/operations/{name}", "HEAD", "200") == 1)
    #expect(page.value("autograd_requests_total") == 7)
    #expect(page.value("autograd_request_duration_seconds_count", ["route": "/v1/evaluate"]) == 3)
    #expect(page.value("autograd_request_duration_seconds_sum", ["route": "/v1/evaluate"]) > 0)
    #expect(page.value("autograd_phase_duration_seconds_count", ["phase": "plan"]) == 1)
    for phase in ["read", "run", "write"] {
      #expect(page.value("autograd_phase_duration_seconds_count", ["phase": phase]) == 3)
    }
    for code in ["invalid_json", "not_found", "method_not_allowed"] {
      #expect(page.value("autograd_refusals_total", ["code": code]) == 1, "\(code)")
    }
    #expect(page.value("autograd_request_body_bytes_total") == Double(3 * square.utf8.count + 1))
    #expect(page.value("autograd_response_body_bytes_total") > 500)
    #expect(page.value("autograd_connections_accepted_total") == 8 && page.value("autograd_connections_open") == 1)
    #expect(page.value("autograd_requests_in_flight", ["worker": "1"]) == 1, "this one")
    #expect(page.value("autograd_plan_cache_misses_total") == 1 && page.value("autograd_plan_cache_hits_total") == 2)
    #expect(page.value("autograd_plan_cache_plans") == 1 && page.value("autograd_plan_cache_bytes") > 0)
    #expect(page.value("autograd_build_info", ["version": Version.current]) == 1 && page.value("autograd_workers") == 1)
    #expect(page.value("process_resident_memory_bytes") > 1e6 && page.value("process_cpu_seconds_total") > 0)
    #expect(page.value("process_open_fds") > 3 && page.value("process_max_fds") > 3)
    #expect(abs(page.value("process_start_time_seconds") - Date().timeIntervalSince1970) < 60)
  }

  @Test func answersWhileEveryComputeThreadIsBusy() throws {
    let live = try LiveServer()
    let gate = Gate()
    for _ in 0..<5 { #expect(live.pool.submit { _ in gate.pass() } == nil) }
    #expect(eventually { gate.arrived == 2 })
    let page = try PrometheusPage(port: live.server.port)
    #expect(page.value("autograd_compute_jobs_running") == 2 && page.value("autograd_compute_queue_length") == 3)
    gate.open()
    #expect(eventually { gate.arrived == 5 })
    #expect(eventually { (try? PrometheusPage(port: live.server.port).value("autograd_compute_jobs_running")) == 0 })
  }

  @Test func thePageIsReadStrictly() {
    let head = "# HELP a_total x\n# TYPE a_total counter\n"
    #expect(throws: Never.self) { try PrometheusPage(head + "a_total{b=\"c\",d=\"\"} 1\n") }
    let histogram = "# HELP h x\n# TYPE h histogram\n"
    for bad in [
      "a_total 1\n", head + "a_total 1", head + "a_total 1\na_total 2\n", head + head, head + "b_total 1\n",
      head + "a_total{b=c} 1\n",
      head + "a_total x\n", head + "a_total -1\n", head + "\n", "# TYPE a_total counter\n# HELP a_total x\na_total 1\n",
      histogram + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
      histogram + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 3\n",
      histogram + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
    ] {
      #expect(throws: PrometheusPage.Fault.self, "\(bad)") { try PrometheusPage(bad) }
    }
  }

  // MARK: The memory behind it

  @Test func thereIsRoomForEverything() {
    #expect(PhaseDurations.count == Phase.allCases.count)
    #expect(MetricsLayout.Counter.count == MetricsLayout.Counter.allCases.count)
    #expect(MetricsLayout.Gauge.count == MetricsLayout.Gauge.allCases.count)
    #expect(MetricsLayout.histogramCells == MetricsLayout.bounds.count + 2)
    #expect(
      MetricsLayout.statusCells == MetricsLayout.statuses.count + 1
        && MetricsLayout.methodCells == MetricsLayout.methods.count)
    #expect(ProblemCode.allCases.count <= MetricsLayout.reasons - MetricsLayout.problems)
    #expect(LimitReason.allCases.count <= MetricsLayout.paths - MetricsLayout.reasons)
    for count in [0, 1, 30, 1000] {
      let last = MetricsLayout.request(
        path: count, method: MetricsLayout.methodCells - 1, status: MetricsLayout.statusCells - 1)
      #expect(last == MetricsLayout.cells(pathCount: count) - 1)
      #expect(MetricsLayout.durations(path: count) > MetricsLayout.request(path: count - 1, method: 6, status: 20))
      #expect(MetricsLayout.cells(pathCount: count) * 8 <= MetricsRegion.shardBytes(count))
    }
    for (place, name) in MetricsLayout.methods.dropLast().enumerated() {
      #expect(MetricsLayout.place(ofMethod: name) == place)
    }
    #expect(MetricsLayout.place(ofMethod: "BREW") == MetricsLayout.methods.count - 1)
    for code in ProblemCode.allCases { #expect(MetricsLayout.statuses.contains(code.status), "\(code)") }
    for reason in LimitReason.allCases { #expect([413, 429, 503].contains(reason.code.status)) }
  }

  @Test func bucketsHaveTheirUpperEnds() {
    #expect(
      MetricsLayout.bucket(of: -1) == 0 && MetricsLayout.bucket(of: 10_000) == 0
        && MetricsLayout.bucket(of: 10_001) == 1)
    #expect(MetricsLayout.bucket(of: 30_000_000_000) == 19 && MetricsLayout.bucket(of: .max) == 20)
  }

  /// More threads than have cells of their own.
  @Test func noCountIsLost() {
    let area = MetricsArea.own()
    onThreads(2 * MetricsRegion.shards) { _ in
      for _ in 0..<50_000 {
        area.add(to: .bytesIn)
        area.add(1, to: .plans)
        area.add(-1, to: .plans)
      }
    }
    #expect(area.value(of: .bytesIn) == 100_000 * MetricsRegion.shards)
    #expect(area.value(of: .plans) == 0)
  }

  @Test func countsOutliveTheirProcessAndGaugesDoNot() throws {
    let region = try MetricsRegion.shared(areas: 2, paths: Routes.paths.count)
    let theirs = try #require(
      MetricsRegion.inherited(fcntl(region.descriptor, F_DUPFD_CLOEXEC, 0), paths: Routes.paths))
    #expect(theirs.areaCount == 2)
    let (area, seen) = (theirs.area(1), region.area(1))
    #expect(seen.owner == nil)
    area.claim(worker: 7)
    area.add(5, to: .bytesIn)
    area.add(3, to: .connectionsOpen)
    #expect(
      seen.owner == getpid() && seen.worker == 7 && seen.value(of: .bytesIn) == 5
        && seen.value(of: .connectionsOpen) == 3)
    let time = seen.processorMicroseconds
    seen.release(processorMicroseconds: 10_000_000_000)
    #expect(area.owner == nil && seen.processorMicroseconds >= max(time, 10_000_000_000))
    area.claim(worker: 8)
    #expect(seen.value(of: .bytesIn) == 5 && seen.value(of: .connectionsOpen) == 0)
    #expect(seen.processorMicroseconds >= 10_000_000_000 + time)
  }

  @Test func memoryOfAnotherLayoutIsLeftAlone() throws {
    let region = try MetricsRegion.shared(areas: 1, paths: 1)
    func inherit(_ routes: [String]) -> MetricsRegion? {
      .inherited(fcntl(region.descriptor, F_DUPFD_CLOEXEC, 0), paths: routes)
    }
    #expect(inherit(["/a"]) != nil && inherit(["/a"]) != nil && inherit(["/b"]) == nil)
    #expect(inherit((0..<100).map { "/\($0)" }) == nil)
    #expect(MetricsRegion.inherited(-1, paths: []) == nil)
  }

  @Test func processesAreAskedOfTheSystem() {
    #expect(
      ProcessFacts.residentBytes(of: getpid()) ?? 0 > 1_000_000 && ProcessFacts.openDescriptors(of: getpid()) ?? 0 > 2)
    let gone: pid_t = 4_194_305  // Beyond what the kernel gives.
    #expect(ProcessFacts.residentBytes(of: gone) == nil && ProcessFacts.processorMicroseconds(of: gone) == nil)
    #expect(ProcessFacts.openDescriptors(of: gone) == nil)
  }
}

/// One page for all workers.
@Suite(.serialized) struct WorkerMetricsTests {
  private func workers(_ page: PrometheusPage) -> Set<String?> {
    Set((page.families["process_start_time_seconds"]?.samples ?? []).map { $0.labels["worker"] })
  }

  @Test(.timeLimit(.minutes(60))) func countersGoOnWhenWorkersDoNot() throws {
    let server = try ServerProcess("--port", "0", "--workers", "2", "--log-requests", "false")
    let port = try #require(server.port(), "\(server.output)")
    try #require(eventually { server.workers.count == 2 && ServerProcess.get("/livez", port: port) == 200 })
    try #require(eventually { (try? PrometheusPage(port: port).value("autograd_workers")) == 2 })
    var last = try PrometheusPage(port: port)
    var asked = last.value("autograd_requests_total", ["route": "/version"])
    func check(_ count: Int) throws {
      for _ in 0..<count where ServerProcess.get("/version", port: port) == 200 { asked += 1 }
      let page = try PrometheusPage(port: port)
      #expect(page.fallen(since: last) == [])
      last = page
    }
    for round in 0..<3 {
      try check(20)
      let victim = try #require(server.workers.first)
      if round < 2 { kill(victim, SIGKILL) } else { server.signal(SIGHUP) }
      for _ in 0..<10 { try check(2) }
      #expect(eventually { !server.workers.contains(victim) && server.workers.count == 2 }, "\(server.output)")
      #expect(eventually { (try? PrometheusPage(port: port).value("autograd_workers")) == 2 })
    }
    // Whoever answers knows of all, and the last that are over are counted soon.
    #expect(
      eventually {
        (try? PrometheusPage(port: port).value("autograd_requests_total", ["route": "/version", "status": "200"]))
          == asked
      })
    for _ in 0..<20 { #expect(workers(try PrometheusPage(port: port)) == ["1", "2"]) }
    #expect(eventually { (try? PrometheusPage(port: port).value("autograd_connections_open")) == 1 })
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0, "\(server.output)")
  }
}

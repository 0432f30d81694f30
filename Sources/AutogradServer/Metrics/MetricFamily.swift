/// One metric. Both the page of metrics and the table in `docs/operating.md` are made from these cases.
enum MetricFamily: String, CaseIterable {
  case build = "autograd_build_info"
  case workers = "autograd_workers"
  case requests = "autograd_requests_total"
  case requestDuration = "autograd_request_duration_seconds"
  case phaseDuration = "autograd_phase_duration_seconds"
  case requestsInFlight = "autograd_requests_in_flight"
  case refusals = "autograd_refusals_total"
  case requestBytes = "autograd_request_body_bytes_total"
  case responseBytes = "autograd_response_body_bytes_total"
  case connectionsAccepted = "autograd_connections_accepted_total"
  case connectionsOpen = "autograd_connections_open"
  case queueLength = "autograd_compute_queue_length"
  case jobsRunning = "autograd_compute_jobs_running"
  case planHits = "autograd_plan_cache_hits_total"
  case planMisses = "autograd_plan_cache_misses_total"
  case planRecalled = "autograd_plan_cache_recalled_total"
  case planFallbacks = "autograd_plan_cache_fallbacks_total"
  case planEvictions = "autograd_plan_cache_evictions_total"
  case plans = "autograd_plan_cache_plans"
  case planBytes = "autograd_plan_cache_bytes"
  case graphs = "autograd_graphs"
  case graphsDamaged = "autograd_graphs_damaged"
  case logLinesLost = "autograd_log_lines_lost_total"
  case threadsStuck = "autograd_threads_stuck_total"
  case processorTime = "process_cpu_seconds_total"
  case residentMemory = "process_resident_memory_bytes"
  case openDescriptors = "process_open_fds"
  case mostDescriptors = "process_max_fds"
  case startTime = "process_start_time_seconds"

  enum Kind: String { case counter, gauge, histogram }

  var kind: Kind {
    switch self {
    case .requestDuration, .phaseDuration: .histogram
    default: rawValue.hasSuffix("_total") ? .counter : .gauge
    }
  }

  var labels: [String] {
    switch self {
    case .build: ["version", "kernels", "libmicrohttpd"]
    case .requests: ["route", "method", "status"]
    case .requestDuration: ["route"]
    case .phaseDuration: ["phase"]
    case .refusals: ["code", "reason"]
    case .requestsInFlight, .connectionsOpen, .queueLength, .jobsRunning, .plans, .planBytes, .graphs,
      .graphsDamaged, .residentMemory,
      .openDescriptors,
      .startTime:
      ["worker"]
    default: []
    }
  }

  var help: String {
    switch self {
    case .build: "Always 1; the labels hold versions."
    case .workers: "Worker processes."
    case .requests: "Finished requests, by route, method and status. 408 and 499: ended without an answer."
    case .requestDuration: "Time from a request's headers to the last byte of its answer, by route."
    case .phaseDuration:
      "Time of requests for derivatives by phase: read the numbers, plan the graph, wait for a compute thread or a "
        + "plan, run, write."
    case .requestsInFlight: "Requests in flight."
    case .refusals: "Error answers, by code and, where a code covers several limits, by reason."
    case .requestBytes: "Bytes of request bodies."
    case .responseBytes: "Bytes of response bodies."
    case .connectionsAccepted: "Accepted connections."
    case .connectionsOpen: "Connections open now."
    case .queueLength: "Requests waiting for a compute thread."
    case .jobsRunning: "Busy compute threads."
    case .planHits: "Plan cache hits."
    case .planMisses: "Plan cache misses."
    case .planRecalled: "Hits found from the request's text, without parsing."
    case .planFallbacks: "Hits that had to be parsed in full, because a number could not be read or the run failed."
    case .planEvictions: "Evicted plans."
    case .plans: "Cached plans."
    case .planBytes: "Approximate size of the cached plans in bytes."
    case .graphs: "Registered graphs."
    case .graphsDamaged: "Registered graphs that cannot be used because their bytes have changed; see the log."
    case .logLinesLost: "Log lines dropped because the reader was too slow, or lost because they could not be written."
    case .threadsStuck: "Times that a serving thread was stuck for 5 s. This is a fault in the server; see the log."
    case .processorTime: "User and system time of all workers, past and present."
    case .residentMemory: "Resident memory, shared pages included."
    case .openDescriptors: "Open file descriptors."
    case .mostDescriptors: "Maximum number of open file descriptors of a process."
    case .startTime: "Start time of the worker's process, in seconds of Unix time."
    }
  }
}

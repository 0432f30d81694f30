import AutogradFormats
import AutogradHTTP

/// Which limit a request exceeded: the member `reason` of a problem, more specific than its code. `GET
/// /problems/{reason}` explains each.
enum LimitReason: String, CaseIterable, Sendable {
  // Of one request: 413, limit_exceeded.
  case body = "body_too_large"
  case nodes = "too_many_nodes"
  case outputs = "too_many_outputs"
  case rank = "rank_too_high"
  case elements = "tensor_too_large"
  case planMemory = "plan_too_large"
  case planWork = "too_much_work"
  case answer = "answer_too_large"
  // Of registered graphs: 413, limit_exceeded.
  case graphBytes = "graph_too_large"
  case graphs = "too_many_graphs"
  case graphVersions = "too_many_versions"
  case allGraphBytes = "graphs_too_large"
  // Of all requests together: 503, overloaded.
  case queue = "queue_full"
  case deadline = "would_miss_deadline"
  case connections = "too_many_connections"
  case memory = "memory_in_flight"
  // Of one token: 429, quota_exceeded.
  case requestRate = "requests_per_second"
  case workRate = "work_per_second"
  case tokenMemory = "bytes_in_flight"

  var code: ProblemCode { entry.code }
  /// The option of `serve` that sets the limit.
  var option: String { entry.option }
  var title: String { entry.title }

  private var entry: (code: ProblemCode, option: String, title: String) {
    switch self {
    case .body: (.limitExceeded, "--max-body-bytes", "The body is too large")
    case .nodes: (.limitExceeded, "--max-nodes", "The graph has too many nodes")
    case .outputs: (.limitExceeded, "--max-outputs", "Too many tensors to answer with")
    case .rank: (.limitExceeded, "--max-rank", "A tensor has too many axes")
    case .elements: (.limitExceeded, "--max-elements", "A tensor has too many elements")
    case .planMemory: (.limitExceeded, "--max-plan-bytes", "The graph needs too much memory")
    case .planWork: (.limitExceeded, "--max-plan-work", "The graph takes too much work")
    case .answer: (.limitExceeded, "--max-answer-elements", "Too many numbers to answer with")
    case .graphBytes: (.limitExceeded, "--max-graph-bytes", "The graph is too large")
    case .graphs: (.limitExceeded, "--max-graphs", "There are too many graphs")
    case .graphVersions: (.limitExceeded, "--max-graph-versions", "The graph has too many versions")
    case .allGraphBytes: (.limitExceeded, "--max-graphs-bytes", "The graphs are too large together")
    case .queue: (.overloaded, "--max-queue", "Too many requests are waiting")
    case .deadline: (.overloaded, "--request-timeout", "The request could not finish in time")
    case .connections: (.overloaded, "--max-connections", "Too many connections are open")
    case .memory: (.overloaded, "--max-bytes-in-flight", "Requests in flight use all memory")
    case .requestRate: (.quotaExceeded, "--token-file", "The token's request rate is used up")
    case .workRate: (.quotaExceeded, "--token-file", "The token's work rate is used up")
    case .tokenMemory: (.quotaExceeded, "--token-file", "The token's memory quota is used up")
    }
  }
}

extension LimitReason {
  init(_ limit: FormatError.Limit) {
    switch limit {
    case .body: self = .body
    case .nodes: self = .nodes
    case .outputs: self = .outputs
    case .rank: self = .rank
    case .elements: self = .elements
    case .planMemory: self = .planMemory
    case .planWork: self = .planWork
    case .answer: self = .answer
    }
  }

  init(_ overload: Overload) {
    switch overload {
    case .queue: self = .queue
    case .deadline: self = .deadline
    case .connections: self = .connections
    case .memory: self = .memory
    }
  }

  init(_ limit: QuotaLimit) {
    switch limit {
    case .requestRate: self = .requestRate
    case .workRate: self = .workRate
    case .tokenMemory: self = .tokenMemory
    }
  }
}

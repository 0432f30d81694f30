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
  // Of all requests together: 503, overloaded.
  case queue = "queue_full"
  case deadline = "would_miss_deadline"
  case connections = "too_many_connections"
  case memory = "memory_in_flight"
  // Of one token: 429, quota_exceeded.
  case requestRate = "requests_per_second"
  case workRate = "work_per_second"
  case tokenMemory = "bytes_in_flight"

  var code: ProblemCode {
    switch self {
    case .body, .nodes, .outputs, .rank, .elements, .planMemory, .planWork, .answer: .limitExceeded
    case .queue, .deadline, .connections, .memory: .overloaded
    case .requestRate, .workRate, .tokenMemory: .quotaExceeded
    }
  }

  /// The option of `serve` that sets the limit.
  var option: String {
    switch self {
    case .body: "--max-body-bytes"
    case .nodes: "--max-nodes"
    case .outputs: "--max-outputs"
    case .rank: "--max-rank"
    case .elements: "--max-elements"
    case .planMemory: "--max-plan-bytes"
    case .planWork: "--max-plan-work"
    case .answer: "--max-answer-elements"
    case .queue: "--max-queue"
    case .deadline: "--request-timeout"
    case .connections: "--max-connections"
    case .memory: "--max-bytes-in-flight"
    case .requestRate, .workRate, .tokenMemory: "--token-file"
    }
  }

  var title: String {
    switch self {
    case .body: "The body is too large"
    case .nodes: "The graph has too many nodes"
    case .outputs: "Too many tensors to answer with"
    case .rank: "A tensor has too many axes"
    case .elements: "A tensor has too many elements"
    case .planMemory: "The graph needs too much memory"
    case .planWork: "The graph takes too much work"
    case .answer: "Too many numbers to answer with"
    case .queue: "Too many requests are waiting"
    case .deadline: "The request could not finish in time"
    case .connections: "Too many connections are open"
    case .memory: "Requests in flight use all memory"
    case .requestRate: "The token's request rate is used up"
    case .workRate: "The token's work rate is used up"
    case .tokenMemory: "The token's memory quota is used up"
    }
  }
}

extension LimitReason {
  /// Both have the same raw values.
  init(_ limit: FormatError.Limit) { self = LimitReason(rawValue: limit.rawValue) ?? .planWork }

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

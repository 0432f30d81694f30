/// Which of the server's limits refused a request, where a ``ProblemCode`` stands for several.
enum ProblemReason: String, CaseIterable, Sendable {
  // Of limit_exceeded.
  case bodyTooLarge = "body_too_large"
  case tooManyNodes = "too_many_nodes"
  case tooManyOutputs = "too_many_outputs"
  case rankTooHigh = "rank_too_high"
  case tensorTooLarge = "tensor_too_large"
  case planTooLarge = "plan_too_large"
  case tooMuchWork = "too_much_work"
  case answerTooLarge = "answer_too_large"
  // Of overloaded.
  case queueFull = "queue_full"
  case wouldMissDeadline = "would_miss_deadline"
  case tooManyConnections = "too_many_connections"
  case memoryInFlight = "memory_in_flight"

  var code: ProblemCode {
    switch self {
    case .bodyTooLarge, .tooManyNodes, .tooManyOutputs, .rankTooHigh, .tensorTooLarge, .planTooLarge, .tooMuchWork, .answerTooLarge:
      .limitExceeded
    case .queueFull, .wouldMissDeadline, .tooManyConnections, .memoryInFlight: .overloaded
    }
  }
}

extension ProblemCode {
  /// Its place among all.
  var index: Int { ProblemCode.indices[self] ?? 0 }
  private static let indices = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}

extension ProblemReason {
  var index: Int { ProblemReason.indices[self] ?? 0 }
  private static let indices = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}

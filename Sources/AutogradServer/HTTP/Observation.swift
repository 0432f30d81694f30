/// What is to be seen of an answer from outside, beside the answer: for the log and the metrics.
struct Observation: Sendable {
  /// Why the request was refused.
  var problem: ProblemCode?
  var reason: LimitReason?
  /// Where its time went.
  var phases = PhaseDurations()
  /// Of the graph that was answered.
  var graphDigest: String?
}

/// The parts of the time that a request for derivatives takes.
enum Phase: Int, CaseIterable, Sendable {
  case read, plan, wait, run, write

  var name: StaticString {
    switch self {
    case .read: "read"
    case .plan: "plan"
    case .wait: "wait"
    case .run: "run"
    case .write: "write"
    }
  }
}

/// Nanoseconds of each phase; less than 0 for one that a request did not have.
struct PhaseDurations: Sendable {
  static var count: Int { 5 }
  private var durations = InlineArray<5, Int64>(repeating: -1)

  subscript(phase: Phase) -> Int64 { durations[phase.rawValue] }
  /// The phase of that number.
  subscript(index: Int) -> Int64 { durations[index] }

  /// A phase may come in several pieces.
  mutating func add(_ nanoseconds: Int64, to phase: Phase) {
    durations[phase.rawValue] = max(durations[phase.rawValue], 0) + nanoseconds
  }
}

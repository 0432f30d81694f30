import AutogradHTTP

/// The phases of a request for derivatives, each measured.
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

extension PhaseDurations {
  subscript(phase: Phase) -> Int64 { self[phase.rawValue] }

  /// A phase may occur several times; its times are added.
  mutating func add(_ nanoseconds: Int64, to phase: Phase) { add(nanoseconds, toPhase: phase.rawValue) }
}

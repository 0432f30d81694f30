/// What logs and metrics record about an answer. The program defines what the numbers mean.
package struct Observation: Sendable {
  /// The number of the problem, if the request was rejected; nil otherwise.
  package var problemNumber: UInt8?
  /// The number of the problem's reason, if it has one.
  package var reasonNumber: UInt8?
  /// The times of its phases.
  package var phases: PhaseDurations
  /// A digest of what was asked for, which does not reveal it.
  package var digest: String?

  package init(phases: PhaseDurations = PhaseDurations(), digest: String? = nil) {
    self.phases = phases
    self.digest = digest
  }
}

/// Nanoseconds of each phase of a request, numbered by the program; negative for a phase that the request did not have.
package struct PhaseDurations: Sendable {
  @inlinable package static var count: Int { 5 }
  @usableFromInline var durations = InlineArray<5, Int64>(repeating: -1)

  @inlinable package init() {}

  /// The phase of that number, from 0 to ``count`` - 1.
  @inlinable package subscript(index: Int) -> Int64 { durations[index] }

  /// A phase may come in several pieces.
  @inlinable
  package mutating func add(_ nanoseconds: Int64, toPhase index: Int) {
    durations[index] = max(durations[index], 0) + nanoseconds
  }
}

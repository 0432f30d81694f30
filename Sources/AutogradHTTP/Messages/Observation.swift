/// What logs and metrics record about an answer, beside the answer. What the numbers stand for is the program's
/// business.
package struct Observation: Sendable {
  /// The number of the program's problem for which the request was refused; nil for an answer.
  package var problemNumber: UInt8?
  /// That of its reason, where the problem has one.
  package var reasonNumber: UInt8?
  /// Where its time went.
  package var phases: PhaseDurations
  /// Tells what was asked for apart from other things, without telling what it is.
  package var digest: String?

  package init(phases: PhaseDurations = PhaseDurations(), digest: String? = nil) {
    self.phases = phases
    self.digest = digest
  }
}

/// Nanoseconds of each phase of a request, by the program's numbers; less than 0 for one that a request did not have.
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

import CKernels
import Glibc

/// Ends building, planning and runs early, from any thread and for good. The caller raises it after a deadline or a
/// disconnect; it can also raise itself when a step has taken too long for its thread. Until then it can also pause the
/// work: at its next check the thread sleeps and keeps its memory.
package final class Interruption: Sendable {
  /// Kernels check it by its address. It is read and written only atomically, and freed with this object.
  nonisolated(unsafe) private let memory = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

  /// In nanoseconds of the monotonic clock; `max` if only others raise it.
  private let deadline: Int64

  package init() {
    memory.initialize(to: 0)
    deadline = .max
  }

  /// Raises itself at the first check after this many nanoseconds. Kernels alone do not notice the time.
  package init(after nanoseconds: Int64) {
    memory.initialize(to: 0)
    deadline = Interruption.now &+ nanoseconds
  }

  private static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  deinit { memory.deallocate() }

  package func interrupt() { ck_raise(memory) }

  /// Makes the work sleep at its next check, also in a kernel, until ``resume()`` or ``interrupt()``.
  package func pause() { ck_pause(memory) }

  package func resume() { ck_resume(memory) }

  /// Whether it has been raised. For threads that do not do the work; it does not pause them.
  package var hasEnded: Bool { ck_is_ended(memory) }

  /// Whether the work must end. If it must pause, this returns after the pause.
  package var isInterrupted: Bool {
    if deadline != .max, Interruption.now > deadline { ck_raise(memory) }
    return ck_is_raised(memory)
  }

  /// - Throws: `interrupted`, if it has been raised.
  package func check() throws(GraphError) {
    if isInterrupted { throw Interruption.error }
  }

  /// Valid as long as this object lives.
  var flag: StopFlag { StopFlag(memory) }

  package static let error = GraphError(.interrupted, "interrupted: the results are no longer needed")
}

/// The flag that ``Interruption`` raises. It stays raised, so code that skips work because of it can rely on the run to
/// end with an error before anything reads the missing results.
typealias StopFlag = UnsafePointer<Int32>

extension StopFlag {
  /// Never raised.
  nonisolated(unsafe) static let never: StopFlag = {
    let flag = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    flag.initialize(to: 0)
    return StopFlag(flag)
  }()

  @inline(__always)
  var isRaised: Bool { ck_is_raised(self) }
}

/// Elements processed between two checks of the flag: at most a millisecond's work.
let longestPiece = 65_536

import CKernels
import Glibc

/// Ends building, planning and runs early, from any thread and once for all: raised by whoever no longer waits for the
/// results, after a deadline or a disconnect, or by itself when a step has taken too long for the thread that it is on.
/// Until then it can also make them pause, where they would look whether they shall end: their threads sleep, and their
/// memory stays.
package final class Interruption: Sendable {
  /// Kernels look at it by its address. Read and written atomically only, and freed with this.
  nonisolated(unsafe) private let memory = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

  /// Of the monotonic clock in nanoseconds; `max` for one that is only raised by others.
  private let deadline: Int64

  package init() {
    memory.initialize(to: 0)
    deadline = .max
  }

  /// Raises itself, when it is next looked at, once so many nanoseconds have passed. Kernels do not notice by
  /// themselves.
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

  /// Work that looks here next, or in a kernel, waits for ``resume()`` or ``interrupt()``.
  package func pause() { ck_pause(memory) }

  package func resume() { ck_resume(memory) }

  /// Whether it has been raised. For those who do not work, and so do not pause.
  package var hasEnded: Bool { ck_is_ended(memory) }

  /// Whether work shall end. Where it shall pause, this returns afterwards.
  package var isInterrupted: Bool {
    if deadline != .max, Interruption.now > deadline { ck_raise(memory) }
    return ck_is_raised(memory)
  }

  /// - Throws: `interrupted`, once it is.
  package func check() throws(GraphError) {
    if isInterrupted { throw Interruption.error }
  }

  /// Valid as long as this lives.
  var flag: StopFlag { StopFlag(memory) }

  static let error = GraphError(.interrupted, "interrupted, since nobody waits for the results any more")
}

/// What ``Interruption`` raises. Once raised it stays so: whoever leaves work undone because of it can rely on the run
/// to end with an error before anything reads what is missing.
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

/// Elements of what is done between two looks at the flag: no more than a millisecond's work.
let longestPiece = 65_536

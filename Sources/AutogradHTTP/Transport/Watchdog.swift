import Glibc
import Synchronization

/// Notices when a serving thread is stuck in one turn of its loop. That is a fault of the server, because a turn takes
/// milliseconds.
///
/// It looks a few times within the limit and counts its looks, not the time: after a process was stopped and continued,
/// no thread counts as stuck.
///
/// `@unchecked Sendable`: mutable state is used only by its thread or under `monitor`.
final class Watchdog: @unchecked Sendable {
  private struct Seen {
    var turn: UInt?
    /// Number of consecutive looks in which the turn was the same.
    var looks = 0
    var isReported = false
  }

  /// Looks within the limit.
  private static let looks = 5

  private let threads: ServerThreads
  private let configuration: HTTPServer.Configuration
  private let interval: Int64
  private var seen: [Seen]
  private let stuckCount = Atomic<Int>(0)
  private let monitor = Monitor()
  private let changed = Condition()
  private var isStopped = false

  init(_ threads: ServerThreads, _ configuration: HTTPServer.Configuration) throws(StartError) {
    self.threads = threads
    self.configuration = configuration
    interval = max(configuration.turnPatience / Int64(Watchdog.looks), 1_000_000)
    seen = Array(repeating: Seen(), count: threads.all.count)
    let thread = NativeThread.start(name: "watchdog", stackSize: 256 << 10) { [self] in run() }
    guard let thread else { throw StartError("cannot start the thread that watches the others") }
    pthread_detach(thread)
  }

  /// Whether a thread is stuck at the moment.
  var hasStuckThread: Bool { stuckCount.load(ordering: .relaxed) > 0 }

  func stop() {
    monitor.withLock {
      isStopped = true
      changed.signal()
    }
  }

  private func run() {
    var last = monotonicNanoseconds()
    while rest() {
      let now = monotonicNanoseconds()
      look(isRegular: now - last < 2 * interval)
      last = now
    }
  }

  /// False when the watchdog is to end.
  private func rest() -> Bool {
    monitor.withLock {
      let until = monotonicNanoseconds() + interval
      while !isStopped && changed.wait(in: monitor, until: until) {}
      return !isStopped
    }
  }

  /// - Parameter isRegular: whether the last look was one interval ago; if not, the process did not run.
  private func look(isRegular: Bool) {
    var allTurn = true
    for thread in threads.all {
      let turn = threads.turn(of: thread)
      if turn == nil || turn != seen[thread].turn {
        if seen[thread].isReported { configuration.warn("\(threads.name(of: thread)) goes on") }
        seen[thread] = Seen(turn: turn)
        continue
      }
      allTurn = false
      seen[thread].looks = isRegular ? seen[thread].looks + 1 : 0
      guard seen[thread].looks >= Watchdog.looks, !seen[thread].isReported else { continue }
      seen[thread].isReported = true
      report(threads.name(of: thread))
    }
    stuckCount.store(seen.count { $0.isReported }, ordering: .relaxed)
    if allTurn { configuration.allTurn() }
  }

  private func report(_ name: String) {
    configuration.metrics?.count(1, .threadsStuck)
    let seconds = Double(configuration.turnPatience) / 1e9
    configuration.alarm("\(name) is stuck: it has not looked at its connections for \(seconds) s")
  }
}

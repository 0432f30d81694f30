import CMicroHTTPD
import Glibc
import Logging

/// Keeps worker processes on one listening socket: starts them again when they die, replaces them one by one on SIGHUP, lets them finish on
/// SIGTERM or SIGINT. It holds the socket itself and serves nobody, so that there is next to nothing in it that could fail; a crash costs
/// the requests in flight of one worker.
struct Supervisor {
  private let executable: String
  private let arguments: [String]
  private let listening: Int32
  private let patience: Int64
  private let logger: Logger

  private var workers: [WorkerProcess] = []
  private var slots: [Slot]
  /// Slots whose workers are still to be replaced; the first one's successor may be starting.
  private var toReplace: [Int] = []
  private var isStopping = false
  private var hasServed = false
  private var hasFailed = false

  private struct Slot {
    /// Deaths in a row of workers that lived only briefly.
    var failures = 0
    var startAt: Int64 = 0
  }

  /// - Parameters:
  ///   - arguments: of the program, which its workers get too.
  ///   - listening: the listening socket, which the supervisor closes.
  ///   - drainSeconds: how long a worker may take to finish its requests.
  init(workers count: Int, arguments: [String], listening: Int32, drainSeconds: Int, logger: Logger) {
    // Looked up now: after an upgrade the same path is the new program.
    executable = Supervisor.ownPath() ?? "/proc/self/exe"
    self.arguments = arguments
    self.listening = WorkerProcess.lifted(listening)
    // A worker gives up by itself; this is for one that hangs.
    patience = Int64(drainSeconds + 5) * 1_000_000_000
    slots = Array(repeating: Slot(), count: count)
    self.logger = logger
  }

  /// To be called before any thread is started, for threads inherit the mask.
  static func blockSignals() {
    var signals = handled
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Runs until a signal ends it.
  /// - Returns: whether all went well; false if no worker could ever serve.
  mutating func run() -> Bool {
    while true {
      reap()
      for index in workers.indices {
        workers[index].listen()
        workers[index].enforceDeadline()
        if case .serving = workers[index].state { hasServed = true }
      }
      if isStopping && workers.isEmpty { break }
      if !isStopping {
        advanceReplacement()
        startMissing()
      }
      switch waitForSignal() {
      case SIGTERM, SIGINT: stop()
      case SIGHUP where !isStopping:
        logger.info("SIGHUP: replacing the workers one by one")
        toReplace = Array(slots.indices)
      default: break
      }
    }
    close(listening)
    return !hasFailed
  }

  // MARK: Starting

  private mutating func startMissing() {
    let now = monotonicNanoseconds()
    for slot in slots.indices where slots[slot].startAt <= now && !workers.contains(where: { $0.slot == slot && !$0.isRetiring }) {
      start(slot)
    }
  }

  private mutating func start(_ slot: Int) {
    do throws(StartError) {
      let worker = try WorkerProcess(slot: slot, executable: executable, arguments: arguments, listening: listening)
      logger.info("worker \(slot + 1) is process \(worker.pid)")
      workers.append(worker)
    } catch {
      logger.error("\(error)")
      delay(slot)
    }
  }

  /// The first death is made good at once, later ones in a row after longer and longer times.
  private mutating func delay(_ slot: Int) {
    slots[slot].failures += 1
    let doublings = min(slots[slot].failures - 1, 6)
    slots[slot].startAt = doublings == 0 ? 0 : monotonicNanoseconds() + 50_000_000 << Int64(doublings)
  }

  // MARK: Ending

  private mutating func reap() {
    var status: Int32 = 0
    while true {
      let pid = waitpid(-1, &status, WNOHANG)
      guard pid > 0 else { return }
      guard let index = workers.firstIndex(where: { $0.pid == pid }) else { continue }
      let worker = workers.remove(at: index)
      worker.forget()
      ended(worker, status)
    }
  }

  private mutating func ended(_ worker: WorkerProcess, _ status: Int32) {
    let end = Supervisor.words(for: status)
    if worker.isRetiring || isStopping {
      logger.info("worker \(worker.slot + 1), process \(worker.pid), \(end)")
      return
    }
    logger.error("worker \(worker.slot + 1), process \(worker.pid), \(end)")
    if !hasServed {
      // What keeps the first worker from serving keeps the others too, and it has said why.
      hasFailed = true
      stop()
    } else if toReplace.first == worker.slot, case .starting = worker.state {
      logger.error("the new worker does not start: the others stay as they are")
      toReplace = []
    } else {
      if monotonicNanoseconds() - worker.started > 10_000_000_000 { slots[worker.slot].failures = 0 }
      delay(worker.slot)
    }
  }

  private mutating func stop() {
    guard !isStopping else { return }
    isStopping = true
    logger.info("draining \(workers.count) workers")
    // Who is connected already is served by the workers before they end: nobody waits in the socket when it is closed.
    if amhd_refuse_connections(listening) { usleep(20_000) }
    for index in workers.indices { workers[index].retire(until: monotonicNanoseconds() + patience) }
  }

  // MARK: Replacing

  /// One step of it: the successor starts, serves, and then the predecessor may go.
  private mutating func advanceReplacement() {
    guard let slot = toReplace.first else { return }
    let there = workers.indices.filter { workers[$0].slot == slot && !workers[$0].isRetiring }
    guard let newest = there.last else { return }
    if there.count == 1 {
      // The one that is there is the predecessor, or the successor of one that died meanwhile; a new one is right in both cases.
      start(slot)
    } else if case .serving = workers[newest].state {
      for index in there.dropLast() { workers[index].retire(until: monotonicNanoseconds() + patience) }
      toReplace.removeFirst()
      if toReplace.isEmpty { logger.info("all workers are replaced") }
    }
  }

  // MARK: Signals

  private static var handled: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD] { sigaddset(&signals, signal) }
    return signals
  }

  /// The next signal; 0 when it is time to look at the workers again.
  private func waitForSignal() -> Int32 {
    var signals = Supervisor.handled
    let isQuiet = !isStopping && toReplace.isEmpty && workers.count == slots.count && workers.allSatisfy(\.isServing)
    var time = timespec(tv_sec: isQuiet ? 60 : 0, tv_nsec: isQuiet ? 0 : 5_000_000)
    return max(sigtimedwait(&signals, nil, &time), 0)
  }

  // MARK: Words

  private static func words(for status: Int32) -> String {
    let signal = status & 0x7f
    if signal == 0 {
      let code = (status >> 8) & 0xff
      return code == 0 ? "has ended" : "has failed with status \(code)"
    }
    return "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
  }

  private static func ownPath() -> String? {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let length = readlink("/proc/self/exe", &path, Int(PATH_MAX))
    guard length > 0 else { return nil }
    return String(decoding: path.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension WorkerProcess {
  fileprivate var isRetiring: Bool {
    if case .retiring = state { return true }
    return false
  }

  fileprivate var isServing: Bool {
    if case .serving = state { return true }
    return false
  }
}

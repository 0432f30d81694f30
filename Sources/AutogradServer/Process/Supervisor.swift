import AutogradHTTP
import CSystem
import Glibc
import Logging

/// Keeps worker processes on one listening socket: starts them again when they die, replaces them one by one on SIGHUP,
/// lets them finish on SIGTERM or SIGINT. It holds the socket but serves no client, so very little in it can fail. A
/// crash loses only the requests in flight in one worker.
struct Supervisor {
  private let executable: String
  private let arguments: [String]
  private let listening: Int32
  private let admin: Int32?
  /// Memory for registered graphs, which outlives the workers.
  private let graphs: Int32
  private let readinessDelay: Int64
  private let patience: Int64
  private let logger: Logger
  /// Counters that outlive the workers.
  private let metrics: MetricsRegion

  private var workers: [WorkerProcess] = []
  private var slots: [Launches]
  /// When SIGHUP came: workers that started before it are to be replaced. Nil if there is no replacement going on.
  private var replacementOrder: Int64?
  private var isStopping = false
  /// When to start refusing new clients, while stopping.
  private var refuseAt = Int64.max
  private var hasServed = false
  private var hasFailed = false

  private struct Launches {
    /// Consecutive deaths of workers that lived only briefly.
    var failures = 0
    var startAt: Int64 = 0
  }

  /// - Parameters:
  ///   - arguments: of the program; workers get the same.
  ///   - listening: the listening socket, which the supervisor closes.
  ///   - admin: that of the admin address, likewise.
  ///   - graphs: the memory for registered graphs, likewise.
  ///   - drainSeconds: how long a worker may take to finish its requests.
  ///   - readinessDelaySeconds: how long workers say that they are not ready before they stop accepting.
  init(
    workers count: Int, arguments: [String], listening: Int32, admin: Int32? = nil, graphs: Int32, drainSeconds: Int,
    readinessDelaySeconds: Int,
    logger: Logger
  ) throws(StartError) {
    // A worker and its successor each have one; two more for those whose end is not noticed yet.
    metrics = try .shared(areas: 2 * count + 2, paths: Routes.paths.count)
    // Looked up now: after an upgrade the same path is the new program.
    executable = Supervisor.ownPath() ?? "/proc/self/exe"
    self.arguments = arguments
    self.listening = WorkerProcess.lifted(listening)
    self.admin = admin.map(WorkerProcess.lifted)
    self.graphs = WorkerProcess.lifted(graphs)
    // A worker ends by itself at its drain time; this limit is for one that hangs.
    patience = Int64(max(drainSeconds, readinessDelaySeconds) + 5) * 1_000_000_000
    readinessDelay = Int64(readinessDelaySeconds) * 1_000_000_000
    slots = Array(repeating: Launches(), count: count)
    self.logger = logger
  }

  /// To be called before ``run()``, which waits for them.
  static func blockSignals() {
    var signals = handled
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Runs until a signal ends it.
  /// - Returns: whether all went well; false if no worker could ever serve.
  mutating func run() -> Bool {
    var lastPass = monotonicNanoseconds()
    while true {
      reap()
      // Time in which this process did not run says nothing about the others' silence.
      let now = monotonicNanoseconds()
      let elapsed = min(now - lastPass, 2 * Supervisor.listeningInterval)
      lastPass = now
      for index in workers.indices {
        listen(to: index, after: elapsed)
        if workers[index].enforceDeadline(at: monotonicNanoseconds()) {
          logger.error(
            "worker \(workers[index].slot + 1), process \(workers[index].pid), missed its deadline; killing it")
        }
      }
      if isStopping {
        if workers.isEmpty { break }
        if monotonicNanoseconds() >= refuseAt { refuseConnections() }
      } else {
        replaceStuck()
        advanceReplacement()
        startMissing()
      }
      obey(waitForSignal())
    }
    close(listening)
    if let admin { close(admin) }
    return !hasFailed
  }

  private mutating func listen(to index: Int, after elapsed: Int64) {
    workers[index].listen(after: elapsed)
    if workers[index].isServing { hasServed = true }
  }

  private mutating func obey(_ signal: Int32) {
    switch signal {
    case SIGTERM, SIGINT:
      if isStopping { giveUp(signal) }
      stop()
    case SIGHUP where !isStopping:
      logger.info("SIGHUP: replacing the workers one by one")
      replacementOrder = monotonicNanoseconds()
    default: break
    }
  }

  // MARK: Starting

  /// Workers that died before any has served are not started again until one serves. If all have died, the supervisor
  /// gives up.
  private mutating func startMissing() {
    let now = monotonicNanoseconds()
    for slot in slots.indices where slots[slot].startAt <= now && newest(slot) == nil {
      if hasServed || slots[slot].failures == 0 { start(slot) }
    }
    if !hasServed && workers.isEmpty {
      // The workers have logged the reason.
      hasFailed = true
      stop()
    }
  }

  private mutating func start(_ slot: Int) {
    do throws(StartError) {
      let area = (0..<metrics.areaCount).first { area in !workers.contains { $0.area == area } }
      let worker = try WorkerProcess(
        slot: slot, executable: executable, arguments: arguments, listening: listening, admin: admin,
        graphs: graphs, metrics: area.map { (metrics.descriptor, $0) })
      logger.info("worker \(slot + 1) is process \(worker.pid)")
      workers.append(worker)
    } catch {
      logger.error("\(error)")
      delay(slot)
    }
  }

  /// The first death is followed by a restart at once, consecutive ones by longer and longer waits.
  private mutating func delay(_ slot: Int) {
    slots[slot].failures += 1
    let doublings = min(slots[slot].failures - 1, 6)
    slots[slot].startAt = doublings == 0 ? 0 : monotonicNanoseconds() + 50_000_000 << Int64(doublings)
  }

  // MARK: Ending

  private mutating func reap() {
    var status: Int32 = 0
    var usage = rusage()
    while true {
      let pid = wait4(-1, &status, WNOHANG, &usage)
      guard pid > 0 else { return }
      guard let index = workers.firstIndex(where: { $0.pid == pid }) else { continue }
      // It may have become ready since the last look.
      listen(to: index, after: 0)
      let worker = workers.remove(at: index)
      worker.forget()
      if let area = worker.area { metrics.area(area).release(processorMicroseconds: usage.processorMicroseconds) }
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
    if replacementOrder != nil && !worker.isServing && newest(worker.slot) != nil {
      logger.error("the new worker does not start; keeping the old ones")
      replacementOrder = nil
    } else {
      if monotonicNanoseconds() - worker.started > 10_000_000_000 { slots[worker.slot].failures = 0 }
      delay(worker.slot)
    }
  }

  private mutating func stop() {
    guard !isStopping else { return }
    isStopping = true
    logger.info("draining \(workers.count) workers")
    if readinessDelay == 0 {
      refuseConnections()
    } else {
      // Load balancers must be able to connect until then, to learn that the server is not ready.
      refuseAt = monotonicNanoseconds() + readinessDelay - 100_000_000
    }
    for index in workers.indices { workers[index].retire(SIGTERM, until: monotonicNanoseconds() + patience) }
  }

  /// To be called shortly before the workers stop accepting. They then accept all completed connections, so that none
  /// is left in the queue when the socket is closed.
  private mutating func refuseConnections() {
    refuseAt = .max
    // Time to finish pending handshakes.
    if system_refuse_connections(listening) { usleep(20_000) }
  }

  /// For a second signal: ends without waiting for the drain.
  private func giveUp(_ signal: Int32) -> Never {
    for worker in workers { kill(worker.pid, SIGKILL) }
    _exit(128 + signal)
  }

  // MARK: Replacing

  /// One step of the replacement, for the first slot that is not done: the successor starts; when it serves, the
  /// predecessor drains. A slot never has more than these two, however often SIGHUP comes.
  private mutating func advanceReplacement() {
    guard let order = replacementOrder else { return }
    for slot in slots.indices {
      guard let newest = newest(slot), workers[newest].isServing else { return }
      for index in workers.indices where workers[index].slot == slot && index != newest {
        workers[index].retire(WorkerProcess.replacedSignal, until: monotonicNanoseconds() + patience)
      }
      if workers[newest].started < order {
        if slots[slot].startAt <= monotonicNanoseconds() { start(slot) }
        return
      }
    }
    replacementOrder = nil
    logger.info("replaced all workers")
  }

  /// A stuck worker gets a successor at once. It is told to drain, so that it accepts no new clients while its other
  /// threads finish their requests. If it does not end, it is killed at the drain's deadline, or when its successor is
  /// stuck too.
  private mutating func replaceStuck() {
    let now = monotonicNanoseconds()
    for index in workers.indices where workers[index].isStuck {
      let worker = workers[index]
      logger.critical("worker \(worker.slot + 1), process \(worker.pid), is stuck; replacing it")
      for older in workers where older.slot == worker.slot && older.isGivenUp { kill(older.pid, SIGKILL) }
      workers[index].giveUp(until: now + patience)
    }
  }

  /// The index of the slot's successor if there is one, else of its worker.
  private func newest(_ slot: Int) -> Int? {
    workers.lastIndex { $0.slot == slot && !$0.isRetiring }
  }

  // MARK: Signals

  private static var handled: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD] { sigaddset(&signals, signal) }
    return signals
  }

  /// Nanoseconds between reads of the workers' channels.
  private static let listeningInterval: Int64 = 1_000_000_000

  /// The next signal; 0 when it is time to look at the workers again.
  private func waitForSignal() -> Int32 {
    var signals = Supervisor.handled
    let isQuiet =
      !isStopping && replacementOrder == nil && workers.count == slots.count && workers.allSatisfy(\.isServing)
    var time = timespec(tv_sec: isQuiet ? 1 : 0, tv_nsec: isQuiet ? 0 : 5_000_000)
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

extension rusage {
  /// In user and system mode.
  fileprivate var processorMicroseconds: UInt64 {
    [ru_utime, ru_stime].reduce(0) { $0 + UInt64(max($1.tv_sec, 0)) * 1_000_000 + UInt64(max($1.tv_usec, 0)) }
  }
}

import AutogradHTTP
import Glibc

/// A worker as the supervisor sees it: a process of the same program that serves the same listening socket, and a
/// channel to it. The worker sends a byte when it serves, and then one each second while none of its threads is stuck.
/// When the channel closes, it knows that the supervisor has gone.
struct WorkerProcess {
  enum State {
    /// It is killed if it does not serve by then.
    case starting(until: Int64)
    case serving
    /// It was told to drain, and is killed if it has not ended by then.
    case retiring(until: Int64)
  }

  let slot: Int
  let pid: pid_t
  let started: Int64
  private var state: State
  /// Its area of the shared counters; nil if it has private counters.
  let area: Int?
  private let channel: Int32
  /// Whether its version sends a heartbeat each second.
  private var beats = false
  /// Nanoseconds without a heartbeat. Only time in which the supervisor ran counts.
  private var silence: Int64 = 0
  /// Whether it is to end because it was stuck.
  private(set) var isGivenUp = false

  /// Nanoseconds that a worker may take from its start until it serves: a thousand times what it needs on an idle
  /// machine.
  static let startPatience: Int64 = 30_000_000_000
  /// Nanoseconds that it may send nothing. Longer than the watchdog's limit in the worker, so that the worker's log
  /// first says which thread is stuck.
  static let silencePatience: Int64 = 6_500_000_000

  /// What a worker finds in its environment: the descriptors of the listening socket and of the channel.
  static let variable = "AUTOGRAD_SUPERVISED"
  /// The same for the counters: their descriptor, the worker's area, and its number. A separate variable, because
  /// programs of other versions read the first.
  static let metricsVariable = "AUTOGRAD_SUPERVISED_METRICS"
  /// The descriptor of the admin address, if there is one.
  static let adminVariable = "AUTOGRAD_SUPERVISED_ADMIN"
  /// The descriptor of the memory for registered graphs.
  static let graphsVariable = "AUTOGRAD_SUPERVISED_GRAPHS"
  static let variables = [variable, metricsVariable, adminVariable, graphsVariable]
  /// Tells a worker to drain because another replaces it. Unlike SIGTERM, load balancers need not know.
  static let replacedSignal = SIGINT
  private static let (listeningDescriptor, channelDescriptor, metricsDescriptor, adminDescriptor, graphsDescriptor):
    (Int32, Int32, Int32, Int32, Int32) = (3, 4, 5, 6, 7)
  /// The heartbeat. Workers of older versions send 1 instead, and only once.
  static let beat: UInt8 = 2

  /// Starts a worker.
  /// - Parameters:
  ///   - listening: above the descriptors that workers get.
  ///   - admin: the admin address, likewise.
  ///   - graphs: the memory for registered graphs, likewise.
  ///   - metrics: the descriptor of the counters, likewise, and the area for this worker.
  init(
    slot: Int, executable: String, arguments: [String], listening: Int32, admin: Int32? = nil,
    graphs: Int32? = nil, metrics: (descriptor: Int32, area: Int)?
  ) throws(StartError) {
    self.slot = slot
    started = monotonicNanoseconds()
    state = .starting(until: started + WorkerProcess.startPatience)
    area = metrics?.area
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw StartError("cannot make a channel to a worker: \(String(cString: strerror(errno)))")
    }
    let theirs = WorkerProcess.lifted(ends[1])
    defer { close(theirs) }
    channel = ends[0]
    var pid: pid_t = 0
    var marks = ["\(WorkerProcess.variable)=\(WorkerProcess.listeningDescriptor),\(WorkerProcess.channelDescriptor)"]
    var descriptors = [(listening, WorkerProcess.listeningDescriptor), (theirs, WorkerProcess.channelDescriptor)]
    if let metrics {
      marks.append("\(WorkerProcess.metricsVariable)=\(WorkerProcess.metricsDescriptor),\(metrics.area),\(slot + 1)")
      descriptors.append((metrics.descriptor, WorkerProcess.metricsDescriptor))
    }
    if let admin {
      marks.append("\(WorkerProcess.adminVariable)=\(WorkerProcess.adminDescriptor)")
      descriptors.append((admin, WorkerProcess.adminDescriptor))
    }
    if let graphs {
      marks.append("\(WorkerProcess.graphsVariable)=\(WorkerProcess.graphsDescriptor)")
      descriptors.append((graphs, WorkerProcess.graphsDescriptor))
    }
    let failure = WorkerProcess.spawn(&pid, executable, arguments, descriptors, marks)
    guard failure == 0 else {
      close(channel)
      throw StartError("cannot start a worker: \(String(cString: strerror(failure)))")
    }
    self.pid = pid
  }

  /// Duplicates the descriptor to a number above those that workers use, so that `dup2` to those cannot overwrite it.
  static func lifted(_ descriptor: Int32) -> Int32 {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 64)
    guard copy >= 0 else { return descriptor }
    close(descriptor)
    return copy
  }

  private static func spawn(
    _ pid: inout pid_t, _ executable: String, _ arguments: [String], _ descriptors: [(ours: Int32, theirs: Int32)],
    _ marks: [String]
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (ours, theirs) in descriptors { posix_spawn_file_actions_adddup2(&actions, ours, theirs) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A process group of its own, because Ctrl-C is meant for the supervisor, which then ends its workers in order. And
    // a signal mask without the signals that the supervisor blocks.
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
    posix_spawnattr_setpgroup(&attributes, 0)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    return withCStrings(arguments) { arguments in
      withCStrings(environmentEntries() + marks) { environment in
        posix_spawn(&pid, executable, &actions, &attributes, arguments, environment)
      }
    }
  }

  /// Reads the worker's channel.
  /// - Parameter elapsed: nanoseconds since the last call in which the supervisor ran.
  mutating func listen(after elapsed: Int64) {
    silence += elapsed
    var bytes: [16 of UInt8] = .init(repeating: 0)
    var said = bytes.mutableSpan
    while true {
      let count = said.withUnsafeMutableBytes { recv(channel, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
      guard count > 0 else { return }
      silence = 0
      if case .starting = state {
        state = .serving
        beats = said[0] == WorkerProcess.beat
      }
    }
  }

  /// Tells it to drain because it is stuck.
  mutating func giveUp(until deadline: Int64) {
    isGivenUp = true
    retire(WorkerProcess.replacedSignal, until: deadline)
  }

  /// Whether heartbeats have stopped because a thread or the process is stuck. A worker under a debugger does not
  /// count.
  var isStuck: Bool { beats && isServing && silence >= WorkerProcess.silencePatience && !ProcessFacts.isTraced(pid) }

  /// Tells it to drain; a second signal would end it at once.
  mutating func retire(_ signal: Int32, until deadline: Int64) {
    guard !isRetiring else { return }
    state = .retiring(until: deadline)
    kill(pid, signal)
  }

  var isRetiring: Bool {
    if case .retiring = state { return true }
    return false
  }

  var isServing: Bool {
    if case .serving = state { return true }
    return false
  }

  /// Kills it if its deadline has passed.
  /// - Returns: whether it was.
  mutating func enforceDeadline(at now: Int64) -> Bool {
    switch state {
    case .starting(let deadline) where now > deadline: state = .starting(until: .max)
    case .retiring(let deadline) where now > deadline: state = .retiring(until: .max)
    case .starting, .serving, .retiring: return false
    }
    kill(pid, SIGKILL)
    return true
  }

  /// Closes its channel, after its end.
  func forget() { close(channel) }
}

/// The worker's side of the supervision.
struct Supervision {
  let listeningDescriptor: Int32
  /// The descriptor of the shared counters, this worker's area, and its number; nil if the supervisor's version has
  /// none.
  let metrics: (descriptor: Int32, area: Int, worker: Int)?
  /// Descriptor of the admin address; nil if there is none.
  let adminDescriptor: Int32?
  /// Descriptor of the memory for registered graphs; nil if the supervisor's version has none.
  let graphsDescriptor: Int32?
  private let channel: Int32

  /// Nil if the process was not started by a supervisor.
  init?() {
    let numbers = Supervision.numbers(WorkerProcess.variable)
    guard numbers.count == 2 else { return nil }
    listeningDescriptor = numbers[0]
    channel = numbers[1]
    let marks = Supervision.numbers(WorkerProcess.metricsVariable)
    metrics = marks.count == 3 ? (marks[0], Int(marks[1]), Int(marks[2])) : nil
    adminDescriptor = Supervision.numbers(WorkerProcess.adminVariable).first
    graphsDescriptor = Supervision.numbers(WorkerProcess.graphsVariable).first
    for descriptor in numbers + marks.prefix(1) + [adminDescriptor, graphsDescriptor].compactMap({ $0 }) {
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
  }

  /// Reads and removes the variable.
  private static func numbers(_ variable: String) -> [Int32] {
    guard let text = getenv(variable).map({ String(cString: $0) }) else { return [] }
    unsetenv(variable)
    return text.split(separator: ",").compactMap { Int32($0) }
  }

  /// Tells the supervisor that no thread is stuck. An older supervisor reads only the first byte; the others fill the
  /// channel and are then dropped.
  func beat() { Supervision.beat(on: channel) }

  static func beat(on channel: Int32) {
    var byte = WorkerProcess.beat
    send(channel, &byte, 1, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
  }

  /// Tells the supervisor that requests are served. If the supervisor ends, the process drains.
  func serving() {
    beat()
    let channel = channel
    let thread = NativeThread.start(name: "supervision", stackSize: 256 << 10) {
      var byte: UInt8 = 0
      while recv(channel, &byte, 1, 0) < 0 && errno == EINTR {}
      kill(getpid(), SIGTERM)
    }
    if let thread { pthread_detach(thread) }
  }
}

/// The process's environment, as `posix_spawn` takes it.
func environmentEntries() -> [String] {
  var entries: [String] = []
  var next = environ
  while let entry = next.pointee {
    entries.append(String(cString: entry))
    next += 1
  }
  return entries
}

private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers = strings.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeMutableBufferPointer { buffer in
    // Not empty: it ends with nil.
    body(buffer.baseAddress ?? UnsafeMutablePointer.allocate(capacity: 1))
  }
}

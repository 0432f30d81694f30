import AutogradHTTP
import Glibc

/// A worker as the supervisor sees it: a process of the same program that serves the same listening socket, and a
/// channel to it. The worker says on the channel that it serves, and then again each second while none of its threads
/// is stuck; that the supervisor is gone it sees by the channel's end.
struct WorkerProcess {
  enum State {
    /// Killed if it does not serve by then.
    case starting(until: Int64)
    case serving
    /// Told to drain, and killed if it has not ended by then.
    case retiring(until: Int64)
  }

  let slot: Int
  let pid: pid_t
  let started: Int64
  private var state: State
  /// Its area of the shared counters; nil for one that counts by itself.
  let area: Int?
  private let channel: Int32
  /// Whether it is of a version that says each second that it is well.
  private var beats = false
  /// How long it has said nothing, in nanoseconds during which the supervisor listened.
  private var silence: Int64 = 0
  /// Whether it is to end because it was stuck.
  private(set) var isGivenUp = false

  /// Nanoseconds that a worker may take from its start until it serves: a thousand times what it needs on a quiet
  /// machine.
  static let startPatience: Int64 = 30_000_000_000
  /// Nanoseconds that it may say nothing. More than its own limit for its threads, so that its log says first which
  /// one is stuck.
  static let silencePatience: Int64 = 6_500_000_000

  /// What a worker finds in its environment: the descriptors of the listening socket and of the channel.
  static let variable = "AUTOGRAD_SUPERVISED"
  /// The same for the counters: their descriptor, which area is its own, and its number among the workers. Apart from
  /// the other, which programs of another version read.
  static let metricsVariable = "AUTOGRAD_SUPERVISED_METRICS"
  /// The descriptor of the admin address, where there is one.
  static let adminVariable = "AUTOGRAD_SUPERVISED_ADMIN"
  static let variables = [variable, metricsVariable, adminVariable]
  /// Tells a worker to drain because others take its place: unlike SIGTERM nothing that a load balancer should know of.
  static let replacedSignal = SIGINT
  private static let (listeningDescriptor, channelDescriptor, metricsDescriptor, adminDescriptor):
    (Int32, Int32, Int32, Int32) = (
      3, 4, 5, 6
    )
  /// What a worker says that will say it again each second. Those of older versions say 1, and once only.
  static let beat: UInt8 = 2

  /// Starts one.
  /// - Parameters:
  ///   - listening: above the descriptors that workers get.
  ///   - admin: the admin address, likewise.
  ///   - metrics: the descriptor of the counters, likewise, and the area for this worker.
  init(
    slot: Int, executable: String, arguments: [String], listening: Int32, admin: Int32? = nil,
    metrics: (descriptor: Int32, area: Int)?
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
    let failure = WorkerProcess.spawn(&pid, executable, arguments, descriptors, marks)
    guard failure == 0 else {
      close(channel)
      throw StartError("cannot start a worker: \(String(cString: strerror(failure)))")
    }
    self.pid = pid
  }

  /// The same descriptor with a number that no worker's descriptor has, so that copying it down cannot overwrite it.
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
    // A group of its own: Ctrl-C is for the supervisor, which ends its workers in order. And none of the supervisor's
    // signals blocked.
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

  /// Reads what the worker has to say.
  /// - Parameter elapsed: nanoseconds for which the supervisor has been there to listen since the last time.
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

  /// Whether it has stopped saying that it is well: a thread of it is stuck, or the whole process. Not one that a
  /// debugger has stopped.
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

  /// Kills it if it is past its deadline.
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

  /// After its end.
  func forget() { close(channel) }
}

/// A worker's side of it.
struct Supervision {
  let listeningDescriptor: Int32
  /// The descriptor of the shared counters, this worker's area, and its number; nil if the supervisor knows of no such
  /// thing.
  let metrics: (descriptor: Int32, area: Int, worker: Int)?
  /// Of the admin address; nil if there is none.
  let adminDescriptor: Int32?
  private let channel: Int32

  /// Nil in a process that no supervisor started.
  init?() {
    let numbers = Supervision.numbers(WorkerProcess.variable)
    guard numbers.count == 2 else { return nil }
    listeningDescriptor = numbers[0]
    channel = numbers[1]
    let marks = Supervision.numbers(WorkerProcess.metricsVariable)
    metrics = marks.count == 3 ? (marks[0], Int(marks[1]), Int(marks[2])) : nil
    adminDescriptor = Supervision.numbers(WorkerProcess.adminVariable).first
    for descriptor in numbers + marks.prefix(1) + [adminDescriptor].compactMap({ $0 }) {
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
  }

  /// Takes them out of the environment.
  private static func numbers(_ variable: String) -> [Int32] {
    guard let text = getenv(variable).map({ String(cString: $0) }) else { return [] }
    unsetenv(variable)
    return text.split(separator: ",").compactMap { Int32($0) }
  }

  /// Tells the supervisor that no thread is stuck. One of an older version reads only the first of these; then the
  /// rest is not sent.
  func beat() { Supervision.beat(on: channel) }

  static func beat(on channel: Int32) {
    var byte = WorkerProcess.beat
    send(channel, &byte, 1, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
  }

  /// Tells the supervisor that requests are served, and drains when there is no supervisor any more.
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
    // Never empty: it ends with nil.
    body(buffer.baseAddress ?? UnsafeMutablePointer.allocate(capacity: 1))
  }
}

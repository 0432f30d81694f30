import Glibc

/// A worker as the supervisor sees it: a process of the same program that serves the same listening socket, and a channel to it. The worker
/// says on the channel that it serves; that the supervisor is gone it sees by the channel's end.
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

  /// Nanoseconds that a worker may take from its start until it serves: a thousand times what it needs on a quiet machine.
  static let startPatience: Int64 = 30_000_000_000

  /// What a worker finds in its environment: the descriptors of the listening socket and of the channel.
  static let variable = "AUTOGRAD_SUPERVISED"
  /// The same for the counters: their descriptor, which area is its own, and its number among the workers. Apart from the other, which
  /// programs of another version read.
  static let metricsVariable = "AUTOGRAD_SUPERVISED_METRICS"
  static let variables = [variable, metricsVariable]
  /// Tells a worker to drain because others take its place: unlike SIGTERM nothing that a load balancer should know of.
  static let replacedSignal = SIGINT
  private static let (listeningDescriptor, channelDescriptor, metricsDescriptor): (Int32, Int32, Int32) = (3, 4, 5)

  /// Starts one.
  /// - Parameters:
  ///   - listening: above the descriptors that workers get.
  ///   - metrics: the descriptor of the counters, likewise, and the area for this worker.
  init(
    slot: Int, executable: String, arguments: [String], listening: Int32, metrics: (descriptor: Int32, area: Int)?
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
    _ pid: inout pid_t, _ executable: String, _ arguments: [String], _ descriptors: [(ours: Int32, theirs: Int32)], _ marks: [String]
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (ours, theirs) in descriptors { posix_spawn_file_actions_adddup2(&actions, ours, theirs) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A group of its own: Ctrl-C is for the supervisor, which ends its workers in order. And none of the supervisor's signals blocked.
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
  mutating func listen() {
    guard case .starting = state else { return }
    var byte: UInt8 = 0
    if recv(channel, &byte, 1, Int32(MSG_DONTWAIT)) == 1 { state = .serving }
  }

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
  /// The descriptor of the shared counters, this worker's area, and its number; nil if the supervisor knows of no such thing.
  let metrics: (descriptor: Int32, area: Int, worker: Int)?
  private let channel: Int32

  /// Nil in a process that no supervisor started.
  init?() {
    let numbers = Supervision.numbers(WorkerProcess.variable)
    guard numbers.count == 2 else { return nil }
    listeningDescriptor = numbers[0]
    channel = numbers[1]
    let marks = Supervision.numbers(WorkerProcess.metricsVariable)
    metrics = marks.count == 3 ? (marks[0], Int(marks[1]), Int(marks[2])) : nil
    for descriptor in numbers + marks.prefix(1) { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  }

  /// Takes them out of the environment.
  private static func numbers(_ variable: String) -> [Int32] {
    guard let text = getenv(variable).map({ String(cString: $0) }) else { return [] }
    unsetenv(variable)
    return text.split(separator: ",").compactMap { Int32($0) }
  }

  /// Tells the supervisor that requests are served, and drains when there is no supervisor any more.
  func serving() {
    let channel = channel
    var byte: UInt8 = 1
    send(channel, &byte, 1, Int32(MSG_NOSIGNAL))
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

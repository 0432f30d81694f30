import Glibc

/// A worker as the supervisor sees it: a process of the same program that serves the same listening socket, and a channel to it. The worker
/// says on the channel that it serves; that the supervisor is gone it sees by the channel's end.
struct WorkerProcess {
  enum State {
    case starting
    case serving
    /// Told to drain, and killed if it has not ended by then.
    case retiring(until: Int64)
  }

  let slot: Int
  let pid: pid_t
  let started = monotonicNanoseconds()
  var state = State.starting
  private let channel: Int32

  /// What a worker finds in its environment: the descriptors of the listening socket and of the channel.
  static let variable = "AUTOGRAD_SUPERVISED"
  /// Tells a worker to drain because others take its place: unlike SIGTERM nothing that a load balancer should know of.
  static let replacedSignal = SIGINT
  private static let (listeningDescriptor, channelDescriptor): (Int32, Int32) = (3, 4)

  /// Starts one.
  /// - Parameter listening: above the descriptors that workers get.
  init(slot: Int, executable: String, arguments: [String], listening: Int32) throws(StartError) {
    self.slot = slot
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw StartError("cannot make a channel to a worker: \(String(cString: strerror(errno)))")
    }
    let theirs = WorkerProcess.lifted(ends[1])
    defer { close(theirs) }
    channel = ends[0]
    var pid: pid_t = 0
    let failure = WorkerProcess.spawn(&pid, executable, arguments, listening: listening, channel: theirs)
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
    _ pid: inout pid_t, _ executable: String, _ arguments: [String], listening: Int32, channel: Int32
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, listening, listeningDescriptor)
    posix_spawn_file_actions_adddup2(&actions, channel, channelDescriptor)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A group of its own: Ctrl-C is for the supervisor, which ends its workers in order. And none of the supervisor's signals blocked.
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
    posix_spawnattr_setpgroup(&attributes, 0)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    let marks = "\(variable)=\(listeningDescriptor),\(channelDescriptor)"
    return withCStrings(arguments) { arguments in
      withCStrings(environmentEntries() + [marks]) { environment in
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
  mutating func enforceDeadline() {
    guard case .retiring(let deadline) = state, monotonicNanoseconds() > deadline else { return }
    kill(pid, SIGKILL)
    state = .retiring(until: .max)
  }

  /// After its end.
  func forget() { close(channel) }
}

/// A worker's side of it.
struct Supervision {
  let listeningDescriptor: Int32
  private let channel: Int32

  /// Nil in a process that no supervisor started.
  init?() {
    guard let text = getenv(WorkerProcess.variable) else { return nil }
    let numbers = String(cString: text).split(separator: ",").compactMap { Int32($0) }
    guard numbers.count == 2 else { return nil }
    unsetenv(WorkerProcess.variable)
    listeningDescriptor = numbers[0]
    channel = numbers[1]
    for descriptor in numbers { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
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
private func environmentEntries() -> [String] {
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

import AutogradHTTP
import CSystem
import Glibc

/// The signals that end the server, taken by waiting for them rather than by handlers, in which next to nothing may be
/// done.
enum SignalWait {
  /// Waits for SIGTERM or SIGINT and returns which. Where SIGHUP is blocked too, it calls `onHangup` meanwhile.
  static func wait(onHangup: (() -> Void)? = nil) -> Int32 {
    var signals = ending
    if onHangup != nil { sigaddset(&signals, SIGHUP) }
    while true {
      var received: Int32 = 0
      guard sigwait(&signals, &received) == 0 else { continue }
      guard received == SIGHUP, let onHangup else { return received }
      onHangup()
    }
  }

  /// From now on such a signal ends the process at once, with the exit status a shell gives for it: for those who will
  /// not wait for the drain.
  ///
  /// A thread that waits, not the default action: as process 1 of a container the default action of SIGTERM is to do
  /// nothing.
  static func exitOnNext() {
    let thread = NativeThread.start(name: "signals", stackSize: 256 << 10) { _exit(128 + wait()) }
    if let thread { pthread_detach(thread) }
  }

  private static var ending: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    return signals
  }
}

/// What SIGTERM and SIGINT mean while the server starts, when no request can be lost yet: they end it at once, with the
/// exit status a shell gives for it.
///
/// A thread that waits, for no handler runs, and no default action is taken, where it matters: the main thread may hang
/// in the file system of a machine that is gone, from which only the end of the whole process calls it back; and as
/// process 1 of a container the default action of SIGTERM is to do nothing.
struct StartWatch {
  /// Tells the thread that the start is over.
  private static let wakeup = SIGUSR2
  private let thread: pthread_t?

  /// To be called first. From here on the signals are blocked for all other threads.
  ///
  /// - Parameter hangups: whether SIGHUP will have a meaning; otherwise it ends the process as ever.
  init(hangups: Bool) {
    // A client that is gone is an error code of the write, not the end of the process; likewise a log that nobody
    // reads.
    signal(SIGPIPE, SIG_IGN)
    var blocked = StartWatch.signals([SIGTERM, SIGINT] + (hangups ? [SIGHUP] : []))
    pthread_sigmask(SIG_BLOCK, &blocked, nil)
    thread = NativeThread.start(name: "start", stackSize: 256 << 10) {
      var (signals, received) = (StartWatch.signals([SIGTERM, SIGINT, StartWatch.wakeup]), Int32(0))
      while sigwait(&signals, &received) != 0 {}
      if received != StartWatch.wakeup { _exit(128 + received) }
    }
  }

  /// From here on the signals stay pending for who waits for them. To be called before the first client is accepted.
  func end() {
    guard let thread else { return }
    pthread_kill(thread, StartWatch.wakeup)
    pthread_join(thread, nil)
  }

  private static func signals(_ numbers: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in numbers { sigaddset(&set, number) }
    return set
  }
}

/// glibc's allocator, set for a server whose requests allocate and free megabytes.
enum MallocTuning {
  /// Keeps freed memory instead of giving it back to the kernel only to fault it in again at the next request: mixed
  /// requests took 2.4 to 3.1 times as long without it. To be called before the first thread is started.
  /// - Parameter bytes: of what is freed, at most so much is kept.
  static func apply(keeping bytes: Int) {
    system_tune_malloc(bytes)
  }

  /// Gives what was kept back, for when nothing has been asked for a while.
  static func giveBack() { system_trim_malloc() }
}

import AutogradHTTP
import CSystem
import Glibc

/// The signals that end the server. A thread waits for them, because handlers may do next to nothing.
enum SignalWait {
  /// Waits for SIGTERM or SIGINT and returns which. Meanwhile it calls `onHangup` at each SIGHUP, if SIGHUP is blocked.
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

  /// From now on such a signal ends the process at once, with the exit status that a shell gives for it: the second
  /// signal, of an operator who does not want to wait for the drain.
  ///
  /// A thread waits for it, because in process 1 of a container the default action of SIGTERM is to do nothing.
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

/// SIGTERM and SIGINT during the start end the process at once, with the exit status that a shell gives for them. No
/// request can be lost yet.
///
/// A thread waits for them. The main thread may hang in the file system of an unreachable machine, where no handler
/// would run. And in process 1 of a container the default action of SIGTERM is to do nothing.
struct StartWatch {
  /// Tells the thread that the start is over.
  private static let wakeup = SIGUSR2
  private let thread: pthread_t?

  /// To be called first. From here on the signals are blocked in all other threads.
  ///
  /// - Parameter hangups: whether SIGHUP will be handled; otherwise it ends the process as usual.
  init(hangups: Bool) {
    // Writing to a client that has gone, or to a log without a reader, shall give an error and not end the process.
    signal(SIGPIPE, SIG_IGN)
    var blocked = StartWatch.signals([SIGTERM, SIGINT] + (hangups ? [SIGHUP] : []))
    pthread_sigmask(SIG_BLOCK, &blocked, nil)
    thread = NativeThread.start(name: "start", stackSize: 256 << 10) {
      var (signals, received) = (StartWatch.signals([SIGTERM, SIGINT, StartWatch.wakeup]), Int32(0))
      while sigwait(&signals, &received) != 0 {}
      if received != StartWatch.wakeup { _exit(128 + received) }
    }
  }

  /// From here on the signals stay pending until ``SignalWait`` waits for them. To be called before the first client is
  /// accepted.
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

/// Settings of glibc's allocator for a server whose requests allocate and free megabytes.
enum MallocTuning {
  /// Keeps freed memory instead of returning it to the kernel, because the next request would fault it in again.
  /// Without this, mixed requests took 2.4 to 3.1 times as long. To be called before the first thread is started.
  /// - Parameter bytes: how much freed memory is kept at most.
  static func apply(keeping bytes: Int) {
    system_tune_malloc(bytes)
  }

  /// Returns the kept memory to the kernel. Called after an idle time.
  static func giveBack() { system_trim_malloc() }
}

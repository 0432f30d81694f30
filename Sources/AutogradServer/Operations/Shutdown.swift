import CMicroHTTPD
import Glibc

/// The signals that end the server, taken by waiting for them rather than by handlers, in which next to nothing may be done.
enum SignalWait {
  /// To be called before any thread is started, for threads inherit the mask: else the kernel may give the signal to one that dies of it.
  ///
  /// - Parameter hangups: whether SIGHUP has a meaning, see ``wait(onHangup:)``; otherwise it ends the process as ever.
  static func block(hangups: Bool = false) {
    // A client that is gone is an error code of the write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    var signals = ending
    if hangups { sigaddset(&signals, SIGHUP) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

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

  /// From now on such a signal ends the process at once, with the exit status a shell gives for it: for those who will not wait for the
  /// drain.
  ///
  /// A thread that waits, not the default action: as process 1 of a container the default action of SIGTERM is to do nothing.
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

/// glibc's allocator, set for a server whose requests allocate and free megabytes.
enum MallocTuning {
  /// Keeps freed memory instead of giving it back to the kernel only to fault it in again at the next request: mixed requests took 2.4 to
  /// 3.1 times as long without it. To be called before the first thread is started.
  /// - Parameter memory: bytes that the process may use; an eighth of it at most is kept.
  static func apply(memory: Int) {
    amhd_tune_malloc(memory / 8)
  }

  /// Gives what was kept back, for when nothing has been asked for a while.
  static func giveBack() { amhd_trim_malloc() }
}

import Glibc

/// Nanoseconds of a clock that never goes back.
@inlinable
package func monotonicNanoseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
}

extension Duration {
  /// Clamped to an Int64, which holds 292 years.
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let limit: Int64 = 1 << 32
    return min(max(seconds, 0), limit) * 1_000_000_000 + max(attoseconds, 0) / 1_000_000_000
  }
}

/// A lock with condition variables, which `Synchronization.Mutex` does not offer.
///
/// `@unchecked Sendable`: a pthread mutex is made to be shared.
package final class Monitor: @unchecked Sendable {
  @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>

  package init() {
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  // Inlined also where other targets call it, some for each request: what is generic would else be so at run time.
  @inlinable
  @inline(__always)
  package func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }

  /// Releases the lock while `body` runs. Only inside ``withLock(_:)``.
  package func unlocked(_ body: () -> Void) {
    pthread_mutex_unlock(mutex)
    body()
    pthread_mutex_lock(mutex)
  }
}

/// A value protected by a lock. `Synchronization.Mutex` is not used because ThreadSanitizer does not see its locking
/// and would report every use.
///
/// `@unchecked Sendable`: the value is touched under the lock only.
package final class Locked<Value>: @unchecked Sendable {
  @usableFromInline let monitor = Monitor()
  @usableFromInline var value: Value

  package init(_ value: sending Value) { self.value = value }

  @inlinable
  package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    try monitor.withLock { try body(&value) }
  }
}

/// A condition variable for a ``Monitor``. Waits may end spuriously: check the condition in a loop.
///
/// `@unchecked Sendable`: a pthread condition is made to be shared.
package final class Condition: @unchecked Sendable {
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  package init() {
    condition = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // Setting the time of day must not change how long waits take.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
  }

  package func wait(in monitor: Monitor) {
    pthread_cond_wait(condition, monitor.mutex)
  }

  /// False once the time (of ``monotonicNanoseconds()``) has passed.
  package func wait(in monitor: Monitor, until deadline: Int64) -> Bool {
    var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    return pthread_cond_timedwait(condition, monitor.mutex, &time) != ETIMEDOUT
  }

  package func signal() { pthread_cond_signal(condition) }
  package func broadcast() { pthread_cond_broadcast(condition) }
}

/// Threads with a fixed stack size, because the default size differs between machines.
package enum NativeThread {
  private final class Start {
    let name: String
    let niceness: Int32
    let body: @Sendable () -> Void
    init(name: String, niceness: Int32, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.niceness = niceness
      self.body = body
    }
  }

  /// Starts a thread; nil if the system has no more. It must be joined or detached.
  /// - Parameter niceness: its nice value; threads that it starts inherit it.
  package static func start(name: String, stackSize: Int, niceness: Int32 = 0, body: @escaping @Sendable () -> Void)
    -> pthread_t?
  {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    guard pthread_attr_setstacksize(&attributes, stackSize) == 0 else { return nil }
    let start = Unmanaged.passRetained(Start(name: name, niceness: niceness, body: body))
    var thread = pthread_t()
    // The thread inherits the mask, so that signals to the process go only to the thread that waits for them.
    var (signals, before) = (NativeThread.processSignals, sigset_t())
    pthread_sigmask(SIG_BLOCK, &signals, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let failure = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument {
          let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
          NativeThread.setName(start.name)
          // On Linux each thread has its own nice value, and 0 is the calling thread.
          if start.niceness > 0 { setpriority(Int32(PRIO_PROCESS.rawValue), 0, start.niceness) }
          start.body()
        }
        return nil
      }, start.toOpaque())
    guard failure == 0 else {
      start.release()
      return nil
    }
    return thread
  }

  /// Signals of faults are not in it: if they were blocked, the process would end without a message.
  private static var processSignals: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR2] { sigaddset(&signals, signal) }
    return signals
  }

  /// Names the calling thread for `top` and debuggers. Through the file because pthread_setname_np is hidden from
  /// Swift; without /proc the thread just has no name.
  private static func setName(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = name.withCString { write(file, $0, strlen($0)) }
    close(file)
  }
}

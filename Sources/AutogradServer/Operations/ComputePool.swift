import Glibc

/// Threads for the work that would hold a socket's thread for too long, and a bounded queue before them.
///
/// The threads are the pool's own: blocking work on Swift's cooperative pool would stall whatever else runs there.
///
/// `@unchecked Sendable`: everything mutable is touched under `monitor` only.
final class ComputePool: @unchecked Sendable {
  typealias Job = @Sendable () -> Void

  let queueLimit: Int
  private let monitor = Monitor()
  private let jobsWaiting = Condition()
  private let threadEnded = Condition()
  /// A ring: `head` is the oldest job, `count` of them wait.
  private var ring: [Job?]
  private var head = 0
  private var count = 0
  private var isAccepting = true
  private var liveThreads = 0
  private var jobsRunning = 0
  /// When the last job was done; nil once its memory has been given back.
  private var lastWork: Int64?
  private let metrics: MetricsArea?
  private let quiet: Int64
  private let whenQuiet: @Sendable () -> Void

  /// - Parameters:
  ///   - queueLimit: how many jobs may wait, beside those that run.
  ///   - metrics: where jobs are counted.
  ///   - quiet: nanoseconds without a job after which `whenQuiet` is called, on a thread of the pool; again only after other jobs.
  init(
    threads: Int, queueLimit: Int, stackSize: Int = 8 << 20, metrics: MetricsArea? = nil, quiet: Int64 = 1_000_000_000,
    whenQuiet: @escaping @Sendable () -> Void = {}
  ) throws(StartError) {
    self.queueLimit = max(queueLimit, 1)
    self.metrics = metrics
    self.quiet = quiet
    self.whenQuiet = whenQuiet
    ring = Array(repeating: nil, count: self.queueLimit)
    for index in 0..<max(threads, 1) {
      monitor.withLock { liveThreads += 1 }
      guard let thread = NativeThread.start(name: "compute-\(index)", stackSize: stackSize, body: { [self] in run() }) else {
        monitor.withLock { liveThreads -= 1 }
        shutdown()
        throw StartError("cannot start compute thread \(index + 1) of \(threads)")
      }
      pthread_detach(thread)
    }
  }

  /// Queues a job. False, and the job never runs, when the queue is full or the pool is shut down.
  func submit(_ job: @escaping Job) -> Bool {
    monitor.withLock {
      guard isAccepting, count < ring.count else { return false }
      ring[(head + count) % ring.count] = job
      count += 1
      metrics?.add(1, to: .jobsQueued)
      jobsWaiting.signal()
      return true
    }
  }

  /// How many jobs wait.
  var queueLength: Int { monitor.withLock { count } }

  /// Takes no more jobs, finishes those it took and ends its threads. Without it the threads, and so the pool, live for ever.
  ///
  /// False when they were not through by the deadline (of ``monotonicNanoseconds()``); they then go on by themselves.
  @discardableResult
  func shutdown(until deadline: Int64 = .max) -> Bool {
    monitor.withLock {
      isAccepting = false
      jobsWaiting.broadcast()
      while liveThreads > 0 {
        if !threadEnded.wait(in: monitor, until: deadline) { return liveThreads == 0 }
      }
      return true
    }
  }

  private func run() {
    while let job = next() {
      job()
      monitor.withLock {
        jobsRunning -= 1
        metrics?.add(-1, to: .jobsRunning)
        lastWork = monotonicNanoseconds()
      }
    }
    monitor.withLock {
      liveThreads -= 1
      threadEnded.broadcast()
    }
  }

  /// The oldest job, waiting for one if need be; nil when the pool is shut down and empty.
  private func next() -> Job? {
    monitor.withLock {
      while count == 0 {
        guard isAccepting else { return nil }
        waitForJob()
      }
      let job = ring[head]
      ring[head] = nil
      head = (head + 1) % ring.count
      count -= 1
      jobsRunning += 1
      metrics?.add(-1, to: .jobsQueued)
      metrics?.add(1, to: .jobsRunning)
      return job
    }
  }

  /// Waits until there may be one. Under `monitor`.
  private func waitForJob() {
    guard let end = lastWork, jobsRunning == 0 else { return jobsWaiting.wait(in: monitor) }
    if jobsWaiting.wait(in: monitor, until: end &+ quiet) || count > 0 { return }
    // Nothing may have happened since, and one thread does it.
    guard lastWork == end, jobsRunning == 0 else { return }
    lastWork = nil
    monitor.unlocked(whenQuiet)
  }
}

/// Why something that the server needs could not be set up.
struct StartError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

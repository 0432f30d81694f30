import Glibc

/// Threads for work that would block a socket thread for too long, shared fairly among tenants.
///
/// There is a slot for each job that runs at a time. The next job is that of the tenant that has used the threads least
/// lately ("least attained service", Kleinrock 1975); a tenant's jobs run in the order of arrival. A running job pauses
/// if its tenant has used more than that of a waiting job, or if another job of its own tenant is much shorter. It
/// pauses where it checks its cancellation, keeps its thread, and continues when it is its turn again. So neither many
/// jobs nor long jobs of one client keep others waiting.
///
/// Brief jobs do not wait for long ones: if all slots have long jobs, one more thread takes brief jobs, and the system
/// divides the processors. A job that cannot be done in time is rejected on arrival: if the queue is full, or if the
/// jobs before it take longer than it may wait. In a full queue, a tenant with fewer jobs displaces one with more.
///
/// The pool has its own threads, because blocking work on Swift's cooperative pool would stall everything else there.
///
/// `@unchecked Sendable`: everything mutable is touched under `monitor` only.
package final class ComputePool: @unchecked Sendable {
  enum Lane: Sendable { case brief, long }

  typealias Job = @Sendable (Turn) -> Void

  /// What a job knows of its run, and can report.
  final class Turn {
    /// Which jobs the thread takes: `long` for all.
    let lane: Lane
    /// Its total cost, which may have grown since it was submitted.
    private(set) var cost: Int64
    /// It was interrupted, so its time does not count for estimates.
    var wasCutShort = false

    init(lane: Lane, cost: Int64) {
      self.lane = lane
      self.cost = cost
    }

    /// Adds to the cost, if the job turns out to be more work than it was submitted with.
    func add(_ cost: Int64) { self.cost = min(self.cost + min(cost, largestCost), largestCost) }
  }

  /// Jobs of at most this many expected nanoseconds are brief. They may still take longer.
  static let longestBrief: Int64 = 10_000_000

  /// Costs are clamped to this, so that sums of them cannot overflow.
  private static let largestCost: Int64 = 1 << 40
  /// Stack size of a thread. No code recurses over the graph, so this is many times what is used.
  package static let stackSize = 2 << 20
  /// Nice value of compute threads. Socket threads run briefly and many clients wait for them, so with this value the
  /// system gives them two and a half times the processor time if they need it.
  private static let niceness: Int32 = 4
  /// Nanoseconds that a job runs before it may pause for others, and by which the other's tag must be smaller.
  static let slice: Int64 = 30_000_000
  /// How often that is checked while jobs wait.
  private static let interval: Int64 = 10_000_000
  /// Default limit of paused jobs. Each keeps a thread and its memory.
  package static let mostPaused = 64

  let queueLimit: Int
  let slots: Int
  private let mostPaused: Int
  private let monitor = Monitor()
  let jobGranted = Condition()
  let briefJobsWaiting = Condition()
  let clockWanted = Condition()
  private let threadEnded = Condition()
  /// Shares of tenants with jobs.
  var shares: [ComputeShare] = []
  /// The share of jobs submitted without one.
  private let common = ComputeShare()
  var running: [RunningJob] = []
  /// Jobs that may run, and that no thread has taken yet.
  var granted: [RunningJob] = []
  /// Threads that wait for a job, without those that have been granted one.
  var idleThreads = 0
  var waitingCount = 0
  /// Whether a tenant waited for another at the last decision.
  var wasContended = false
  private var arrivals = 0
  private var isAccepting = true
  private var liveThreads = 0
  private var computeThreads = 0
  private var jobsRunning = 0
  /// The clock thread does not wake every ``interval``: it only waits for the pool to be quiet, or for nothing.
  var isClockResting = false
  /// When the last job ended; nil once `whenQuiet` was called.
  private var lastWork: Int64?
  private let metrics: (any TransportMetrics)?
  private let quiet: Int64
  private let whenQuiet: @Sendable () -> Void

  /// - Parameters:
  ///   - threads: how many jobs may run at a time, besides one more thread for brief jobs and paused jobs.
  ///   - queueLimit: how many jobs may wait, not counting those that have begun.
  ///   - mostPaused: how many jobs may be paused at a time.
  ///   - metrics: where jobs are counted.
  ///   - quiet: nanoseconds without a job after which `whenQuiet` is called, on a thread of the pool, once until the
  ///     next job.
  package init(
    threads: Int, queueLimit: Int, mostPaused: Int = mostPaused, metrics: (any TransportMetrics)? = nil,
    quiet: Int64 = 1_000_000_000,
    whenQuiet: @escaping @Sendable () -> Void = {}
  ) throws(StartError) {
    self.queueLimit = max(queueLimit, 1)
    self.metrics = metrics
    self.quiet = quiet
    self.whenQuiet = whenQuiet
    slots = max(threads, 1)
    self.mostPaused = max(mostPaused, 1)
    let areStarted = monitor.withLock {
      (0..<slots).allSatisfy { _ in startComputeThread() } && startThread("compute-brief") { [self] in runBrief() }
        && startThread("compute-clock", stackSize: 256 << 10) { [self] in runClock() }
    }
    if areStarted { return }
    shutdown()
    throw StartError("cannot start the threads that compute")
  }

  private func startThread(
    _ name: String, stackSize: Int = ComputePool.stackSize, niceness: Int32 = 0, _ body: @escaping @Sendable () -> Void
  ) -> Bool {
    guard let thread = NativeThread.start(name: name, stackSize: stackSize, niceness: niceness, body: body) else {
      return false
    }
    pthread_detach(thread)
    liveThreads += 1
    return true
  }

  private func startComputeThread() -> Bool {
    guard startThread("compute-\(computeThreads)", niceness: ComputePool.niceness, { [self] in run() }) else {
      return false
    }
    computeThreads += 1
    idleThreads += 1
    return true
  }

  /// Whether there is a thread for another job. Starts one if paused jobs hold the others.
  func findsThread() -> Bool {
    if idleThreads > 0 { return true }
    return isAccepting && computeThreads < slots + mostPaused && startComputeThread()
  }

  static func lane(of cost: Int64) -> Lane { cost <= longestBrief ? .brief : .long }

  // MARK: Jobs that come

  /// Queues a job, or returns why not; the job then never runs.
  /// - Parameters:
  ///   - cost: approximate nanoseconds on one thread. Estimates are corrected by the actual times of earlier jobs.
  ///   - deadline: when it must be done, in the time of ``monotonicNanoseconds()``.
  ///   - share: the share of its tenant.
  ///   - cancellation: pauses it.
  ///   - refused: called if it is rejected later, to make room for others.
  func submit(
    cost: Int64 = 0, until deadline: Int64 = .max, for share: ComputeShare? = nil,
    _ cancellation: (any Cancellation)? = nil,
    isContinuation: Bool = false, refused: @escaping @Sendable (Overload) -> Void = { _ in }, _ job: @escaping Job
  ) -> Overload? {
    let cost = min(max(cost, 0), ComputePool.largestCost)
    var displaced: WaitingJob?
    let refusal: Overload? = monitor.withLock {
      let share = share ?? common
      if isContinuation {
        guard isAccepting else { return .queue }
      } else {
        if let refusal = self.refusal(cost, deadline, share) { return refusal }
        displaced = makeRoom(for: share)
      }
      arrivals += 1
      let waiting = WaitingJob(
        job: job, cost: cost, cancellation: cancellation, refused: refused, arrival: arrivals,
        isContinuation: isContinuation)
      if share.isIdle { shares.append(share) }
      if ComputePool.lane(of: cost) == .brief { share.brief.append(waiting) } else { share.long.append(waiting) }
      countWaiting(1)
      balance()
      return nil
    }
    displaced?.refused(.queue)
    return refusal
  }

  /// Why a job would be rejected now; nil if it would be accepted. An accepted job should be done in time even if
  /// everything takes 1.5 times as long as expected.
  func refusal(of cost: Int64, until deadline: Int64, for share: ComputeShare? = nil) -> Overload? {
    monitor.withLock { refusal(min(max(cost, 0), ComputePool.largestCost), deadline, share ?? common) }
  }

  private func refusal(_ cost: Int64, _ deadline: Int64, _ share: ComputeShare) -> Overload? {
    guard isAccepting, waitingCount < queueLimit || fullest.waitingCount > share.waitingCount + 1 else { return .queue }
    if deadline == .max { return nil }
    let now = monotonicNanoseconds()
    let (before, own) = (timeBefore(ComputePool.lane(of: cost), share, now), share.load.time(of: cost))
    // If the job itself takes too long, that is not a matter of load, and retrying would not help.
    if before <= own / 16 { return nil }
    let (end, isFar) = now.addingReportingOverflow((before &+ own) / 2 * 3)
    return isFar || end > deadline ? .deadline : nil
  }

  /// The time that a new job would wait: the work that its tenant has before it, and the same for each other tenant,
  /// divided by the slots.
  private func timeBefore(_ lane: Lane, _ share: ComputeShare, _ now: Int64) -> Int64 {
    let own = share.timeLeft(at: now)
    let all = shares.reduce(Int64(0)) { $0 + min($1.timeLeft(at: now), own) }
    guard lane == .brief else { return all / Int64(slots) }
    return min(all, shares.reduce(0) { $0 + $1.load.time(of: $1.brief.cost) }) / Int64(slots)
  }

  /// In a full queue, removes the last job of the tenant with the most waiting jobs.
  private func makeRoom(for share: ComputeShare) -> WaitingJob? {
    guard waitingCount >= queueLimit else { return nil }
    let fullest = fullest
    guard let displaced = fullest.long.popLast() ?? fullest.brief.popLast() else { return nil }
    countWaiting(-1)
    forgetIfIdle(fullest)
    return displaced
  }

  private var fullest: ComputeShare { shares.max { $0.waitingCount < $1.waitingCount } ?? common }

  func countWaiting(_ change: Int) {
    waitingCount += change
    metrics?.count(change, .jobsQueued)
  }

  private func forgetIfIdle(_ share: ComputeShare) {
    if share.isIdle { shares.removeAll { $0 === share } }
  }

  /// How many jobs wait.
  var queueLength: Int { monitor.withLock { waitingCount } }

  // MARK: The threads

  /// Accepts no more jobs, finishes those accepted, and ends the threads. Without it the threads, and so the pool,
  /// never end.
  ///
  /// False if jobs were not done by the deadline (of ``monotonicNanoseconds()``); they then continue.
  @discardableResult
  package func shutdown(until deadline: Int64 = .max) -> Bool {
    monitor.withLock {
      isAccepting = false
      jobGranted.broadcast()
      briefJobsWaiting.broadcast()
      clockWanted.broadcast()
      while liveThreads > 0 {
        if !threadEnded.wait(in: monitor, until: deadline) { return liveThreads == 0 }
      }
      return true
    }
  }

  /// Whether there are jobs, or may be later.
  private var isOpen: Bool { isAccepting || waitingCount > 0 || !granted.isEmpty }

  private func run() {
    monitor.withLock {
      while let job = nextGranted() {
        var body = job.takeBody()
        perform(&body, job.turn)
        end(job)
      }
      leave()
    }
  }

  private func nextGranted() -> RunningJob? {
    balance()
    while granted.isEmpty {
      guard isOpen else { return nil }
      jobGranted.wait(in: monitor)
    }
    return granted.removeFirst()
  }

  private func end(_ job: RunningJob) {
    let now = monotonicNanoseconds()
    if job.since == nil {
      // It was told to pause but ended before its next check. Clears the pause, which must not affect work that
      // continues from it.
      job.share.paused.removeAll { $0 === job }
      job.cancellation?.resume()
    } else {
      leaveSlot(job, at: now)
    }
    if !job.turn.wasCutShort { job.share.load.learn(cost: job.turn.cost, time: job.served(at: now)) }
    forgetIfIdle(job.share)
    idleThreads += 1
    if !isOpen { jobGranted.broadcast() }
  }

  /// The additional thread, for brief jobs only.
  private func runBrief() {
    monitor.withLock {
      while isOpen {
        if isBusyWithLongJobs || !isAccepting, let (job, cost, share) = nextBrief() {
          let since = monotonicNanoseconds()
          var body: Job? = consume job
          perform(&body, Turn(lane: .brief, cost: cost))
          let now = monotonicNanoseconds()
          share.charge(now - since, counted: now - since, at: now)
        } else if isAccepting {
          briefJobsWaiting.wait(in: monitor)
        } else {
          break
        }
      }
      leave()
    }
  }

  private func nextBrief() -> (Job, cost: Int64, ComputeShare)? {
    let now = monotonicNanoseconds()
    let share = shares.filter { !$0.brief.isEmpty }
      .min { ($0.attained(at: now), $0.brief.firstArrival) < ($1.attained(at: now), $1.brief.firstArrival) }
    guard let share, let job = share.brief.popFirst() else { return nil }
    countWaiting(-1)
    forgetIfIdle(share)
    return (job.job, job.cost, share)
  }

  /// Checks regularly whether jobs must pause, and notices when the pool has been quiet for a while.
  private func runClock() {
    monitor.withLock {
      while isOpen {
        if isContended {
          _ = clockWanted.wait(in: monitor, until: monotonicNanoseconds() + ComputePool.interval)
          balance()
          continue
        }
        isClockResting = true
        if let end = lastWork {
          _ = clockWanted.wait(in: monitor, until: (jobsRunning > 0 ? monotonicNanoseconds() : end) + quiet)
          sayWhetherQuiet()
        } else {
          clockWanted.wait(in: monitor)
        }
        isClockResting = false
      }
      leave()
    }
  }

  private func sayWhetherQuiet() {
    guard let end = lastWork, jobsRunning == 0, !isContended, monotonicNanoseconds() - end >= quiet else { return }
    lastWork = nil
    monitor.unlocked(whenQuiet)
  }

  /// Runs the job and releases it, both without the lock: releasing it may submit the jobs of requests that waited for
  /// it.
  private func perform(_ job: inout Job?, _ turn: Turn) {
    jobsRunning += 1
    metrics?.count(1, .jobsRunning)
    monitor.unlocked {
      job?(turn)
      job = nil
    }
    jobsRunning -= 1
    metrics?.count(-1, .jobsRunning)
    if lastWork == nil { clockWanted.signal() }
    lastWork = monotonicNanoseconds()
  }

  private func leave() {
    liveThreads -= 1
    jobGranted.broadcast()
    threadEnded.broadcast()
  }
}

import Glibc

/// Threads for the work that would hold a socket's thread for too long, shared out fairly among those who want them.
///
/// So many jobs run at a time as there are slots. Whose job is next is decided by what each tenant has had of the
/// threads lately, the least first ("least attained service", Kleinrock 1975); among one tenant's jobs, by arrival. A
/// job whose tenant has had more than that of one that waits gives way, and so does one that has much longer to go than
/// another of its own tenant: it pauses where it would look whether it shall end, on a thread of its own, and goes on
/// when it is its turn again. So neither who floods the pool nor what takes long keeps others waiting.
///
/// What is brief is not stuck behind what takes long: when all slots have long jobs, one more thread takes the brief
/// ones, and the system shares the processors among them. A job is turned away when it comes rather than kept until it
/// is too late: when the queue is full, or when what its tenant has before it will take longer than it may wait. In a
/// full queue there is still room for who has less in it than another.
///
/// The threads are the pool's own: blocking work on Swift's cooperative pool would stall whatever else runs there.
///
/// `@unchecked Sendable`: everything mutable is touched under `monitor` only.
package final class ComputePool: @unchecked Sendable {
  enum Lane: Sendable { case brief, long }

  typealias Job = @Sendable (Turn) -> Void

  /// A job's turn on a thread.
  final class Turn {
    /// Which jobs the thread is for: `long` for one that takes all.
    let lane: Lane
    /// What it takes in all, if more than it was submitted with.
    private(set) var cost: Int64
    /// It was ended before its time, and says nothing of what jobs take.
    var wasCutShort = false

    init(lane: Lane, cost: Int64) {
      self.lane = lane
      self.cost = cost
    }

    /// The job turns out to be more than it was submitted as.
    func add(_ cost: Int64) { self.cost = min(self.cost + min(cost, largestCost), largestCost) }
  }

  /// Jobs of at most so many nanoseconds are brief. A brief one may take more when it is not what it seemed.
  static let longestBrief: Int64 = 10_000_000

  /// What a job costs at most, for its place in the queue: sums of as many as there may be stay far from an overflow.
  private static let largestCost: Int64 = 1 << 40
  /// Of a thread: nothing that computes goes deeper with the graph, so this is many times what is used.
  package static let stackSize = 2 << 20
  /// Of the threads that compute: those that serve sockets do for a moment at a time, and many wait for them. With this
  /// the system gives them two and a half shares of a processor for one, where they want it.
  private static let niceness: Int32 = 4
  /// Nanoseconds that a job runs before it gives way, and by which others must have had less.
  static let slice: Int64 = 30_000_000
  /// How often it is looked whether one shall, while somebody waits.
  private static let interval: Int64 = 10_000_000
  /// Jobs that may be paused at a time, for want of another limit: each keeps a thread and its memory.
  package static let mostPaused = 64

  let queueLimit: Int
  let slots: Int
  private let mostPaused: Int
  private let monitor = Monitor()
  let jobGranted = Condition()
  let briefJobsWaiting = Condition()
  let clockWanted = Condition()
  private let threadEnded = Condition()
  /// Those with jobs.
  var shares: [ComputeShare] = []
  /// Of those who come without.
  private let common = ComputeShare()
  var running: [RunningJob] = []
  /// Begun, and not yet taken by a thread.
  var granted: [RunningJob] = []
  /// Threads that wait for a job, without those to which one has been granted.
  var idleThreads = 0
  var waitingCount = 0
  /// Whether some tenant waited for another when it was last looked whose turn it is.
  var wasContended = false
  private var arrivals = 0
  private var isAccepting = true
  private var liveThreads = 0
  private var computeThreads = 0
  private var jobsRunning = 0
  /// It does not look every ``interval``, but only whether the pool is quiet, or at nothing.
  var isClockResting = false
  /// When the last job was done; nil once its memory has been given back.
  private var lastWork: Int64?
  private let metrics: (any TransportMetrics)?
  private let quiet: Int64
  private let whenQuiet: @Sendable () -> Void

  /// - Parameters:
  ///   - threads: how many jobs of all kinds may run; there is one more for brief ones, and some are paused.
  ///   - queueLimit: how many jobs may wait, beside those that have begun.
  ///   - mostPaused: how many jobs may have given way at a time.
  ///   - metrics: where jobs are counted.
  ///   - quiet: nanoseconds without a job after which `whenQuiet` is called, on a thread of the pool; again only after
  ///     other jobs.
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

  /// Whether one is there for another job; started where jobs that gave way have those that there were.
  func findsThread() -> Bool {
    if idleThreads > 0 { return true }
    return isAccepting && computeThreads < slots + mostPaused && startComputeThread()
  }

  static func lane(of cost: Int64) -> Lane { cost <= longestBrief ? .brief : .long }

  // MARK: Jobs that come

  /// Queues a job. Otherwise says why not, and the job never runs.
  /// - Parameters:
  ///   - cost: nanoseconds that it will take a thread, about; how wrong such estimates are is learnt from the jobs that
  ///     were done.
  ///   - deadline: when it must be done, of ``monotonicNanoseconds()``.
  ///   - share: of whom it is.
  ///   - cancellation: what makes it pause.
  ///   - isContinuation: whether it goes on with what has begun, and is turned away only when the pool has ended.
  ///   - refused: called when it is turned away later, to make room for others.
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

  /// Why a job would be turned away now. What was accepted should be done in time even if it takes half as long again
  /// as expected.
  func refusal(of cost: Int64, until deadline: Int64, for share: ComputeShare? = nil) -> Overload? {
    monitor.withLock { refusal(min(max(cost, 0), ComputePool.largestCost), deadline, share ?? common) }
  }

  private func refusal(_ cost: Int64, _ deadline: Int64, _ share: ComputeShare) -> Overload? {
    guard isAccepting, waitingCount < queueLimit || fullest.waitingCount > share.waitingCount + 1 else { return .queue }
    if deadline == .max { return nil }
    let now = monotonicNanoseconds()
    let (before, own) = (timeBefore(ComputePool.lane(of: cost), share, now), share.load.time(of: cost))
    // Whether it has the time that it needs by itself is not a matter of load: coming again would not help.
    if before <= own / 16 { return nil }
    let (end, isFar) = now.addingReportingOverflow((before &+ own) / 2 * 3)
    return isFar || end > deadline ? .deadline : nil
  }

  /// The time of what a new job would wait for, shared out to the slots: what its tenant has before it, and as much for
  /// each of the others.
  private func timeBefore(_ lane: Lane, _ share: ComputeShare, _ now: Int64) -> Int64 {
    let own = share.timeLeft(at: now)
    let all = shares.reduce(Int64(0)) { $0 + min($1.timeLeft(at: now), own) }
    guard lane == .brief else { return all / Int64(slots) }
    return min(all, shares.reduce(0) { $0 + $1.load.time(of: $1.brief.cost) }) / Int64(slots)
  }

  /// In a full queue the last job of whoever has most in it makes room.
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

  /// Takes no more jobs, finishes those it took and ends its threads. Without it the threads, and so the pool, live for
  /// ever.
  ///
  /// False when they were not through by the deadline (of ``monotonicNanoseconds()``); they then go on by themselves.
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

  /// Whether there is, or may yet be, something for a thread to do.
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
      // It was told to pause and has ended before it looked. What it left to others to go on with shall not pause.
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

  /// One more thread, for brief jobs alone.
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

  /// Sees to it that jobs give way while others wait, and notices when there have been none for a while.
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

  /// Does the job and lets go of it. Both without the lock: it may hold what, when it goes, submits the jobs of those
  /// who waited for it.
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

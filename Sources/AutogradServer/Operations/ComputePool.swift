import Glibc

/// Threads for the work that would hold a socket's thread for too long, and a bounded queue before them.
///
/// What is brief is not stuck behind what takes long: when all threads are at long jobs, one more takes the brief ones, and the system shares
/// the processors among them. Otherwise jobs are taken in the order in which they came. A job is turned away when it comes rather than kept
/// until it is too late: when the queue is full, or when what is before it will take longer than it may wait.
///
/// The threads are the pool's own: blocking work on Swift's cooperative pool would stall whatever else runs there.
///
/// `@unchecked Sendable`: everything mutable is touched under `monitor` only.
final class ComputePool: @unchecked Sendable {
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

    fileprivate init(lane: Lane, cost: Int64) {
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
  private static let stackSize = 8 << 20

  let queueLimit: Int
  private let monitor = Monitor()
  private let jobsWaiting = Condition()
  private let briefJobsWaiting = Condition()
  private let threadEnded = Condition()
  private var brief: JobQueue
  private var long: JobQueue
  private var arrivals = 0
  private var isAccepting = true
  private var liveThreads = 0
  private var jobsRunning = 0
  private var running: [Running]
  private var load = LoadEstimate()
  /// When the last job was done; nil once its memory has been given back.
  private var lastWork: Int64?
  private let metrics: MetricsArea?
  private let quiet: Int64
  private let whenQuiet: @Sendable () -> Void

  private struct Running {
    var lane = Lane.brief
    /// Nil when the thread has nothing to do.
    var cost: Int64?
    var since: Int64 = 0
  }

  /// - Parameters:
  ///   - threads: for jobs of all kinds; there is one more for brief ones.
  ///   - queueLimit: how many jobs may wait, beside those that run.
  ///   - metrics: where jobs are counted.
  ///   - quiet: nanoseconds without a job after which `whenQuiet` is called, on a thread of the pool; again only after other jobs.
  init(
    threads: Int, queueLimit: Int, metrics: MetricsArea? = nil, quiet: Int64 = 1_000_000_000,
    whenQuiet: @escaping @Sendable () -> Void = {}
  ) throws(StartError) {
    self.queueLimit = max(queueLimit, 1)
    self.metrics = metrics
    self.quiet = quiet
    self.whenQuiet = whenQuiet
    brief = JobQueue()
    long = JobQueue()
    running = Array(repeating: Running(), count: max(threads, 1))
    for index in running.indices {
      try startThread("compute-\(index)") { [self] in run(index) }
    }
    try startThread("compute-brief") { [self] in runBrief() }
  }

  private func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(StartError) {
    monitor.withLock { liveThreads += 1 }
    guard let thread = NativeThread.start(name: name, stackSize: ComputePool.stackSize, body: body) else {
      monitor.withLock { liveThreads -= 1 }
      shutdown()
      throw StartError("cannot start the thread \(name)")
    }
    pthread_detach(thread)
  }

  static func lane(of cost: Int64) -> Lane { cost <= longestBrief ? .brief : .long }

  /// Queues a job. Otherwise says why not, and the job never runs.
  /// - Parameters:
  ///   - cost: nanoseconds that it will take a thread, about; how wrong such estimates are is learnt from the jobs that were done.
  ///   - deadline: when it must be done, of ``monotonicNanoseconds()``.
  func submit(cost: Int64 = 0, until deadline: Int64 = .max, _ job: @escaping Job) -> LimitReason? {
    let cost = min(max(cost, 0), ComputePool.largestCost)
    return monitor.withLock {
      if let refusal = refusal(cost, deadline) { return refusal }
      arrivals += 1
      let lane = ComputePool.lane(of: cost)
      let waiting = WaitingJob(job: job, cost: cost, arrival: arrivals)
      if lane == .brief { brief.append(waiting) } else { long.append(waiting) }
      metrics?.add(1, to: .jobsQueued)
      if isBusyWithLongJobs { briefJobsWaiting.signal() } else { jobsWaiting.signal() }
      return nil
    }
  }

  /// Why a job would be turned away now. What was accepted should be done in time even if it takes half as long again as expected.
  func refusal(of cost: Int64, until deadline: Int64) -> LimitReason? {
    monitor.withLock { refusal(min(max(cost, 0), ComputePool.largestCost), deadline) }
  }

  private func refusal(_ cost: Int64, _ deadline: Int64) -> LimitReason? {
    guard isAccepting, brief.count + long.count < queueLimit else { return .queue }
    if deadline == .max { return nil }
    let now = monotonicNanoseconds()
    let before = workBefore(ComputePool.lane(of: cost), now)
    // Whether it has the time that it needs by itself is not a matter of load: coming again would not help.
    if before == 0 { return nil }
    let (end, isFar) = now.addingReportingOverflow(load.time(of: before &+ cost) / 2 * 3)
    return isFar || end > deadline ? .deadline : nil
  }

  /// The cost of what a new job would wait for, shared out to the threads that do it.
  private func workBefore(_ lane: Lane, _ now: Int64) -> Int64 {
    let left = running.reduce(Int64(0)) { sum, thread in sum + (thread.cost.map { max(0, $0 - load.cost(of: now - thread.since)) } ?? 0) }
    let whole = (left + brief.cost + long.cost) / Int64(running.count)
    return lane == .brief ? min(whole, brief.cost) : whole
  }

  private var isBusyWithLongJobs: Bool { running.allSatisfy { $0.cost != nil && $0.lane == .long } }

  /// How many jobs wait.
  var queueLength: Int { monitor.withLock { brief.count + long.count } }

  /// Takes no more jobs, finishes those it took and ends its threads. Without it the threads, and so the pool, live for ever.
  ///
  /// False when they were not through by the deadline (of ``monotonicNanoseconds()``); they then go on by themselves.
  @discardableResult
  func shutdown(until deadline: Int64 = .max) -> Bool {
    monitor.withLock {
      isAccepting = false
      jobsWaiting.broadcast()
      briefJobsWaiting.broadcast()
      while liveThreads > 0 {
        if !threadEnded.wait(in: monitor, until: deadline) { return liveThreads == 0 }
      }
      return true
    }
  }

  // MARK: The threads

  private func run(_ index: Int) {
    monitor.withLock {
      while let next = next() {
        let now = monotonicNanoseconds()
        running[index] = Running(lane: ComputePool.lane(of: next.cost), cost: next.cost, since: now)
        if !brief.isEmpty && isBusyWithLongJobs { briefJobsWaiting.signal() }
        let turn = Turn(lane: .long, cost: next.cost)
        perform(next.job, turn)
        running[index].cost = nil
        if !turn.wasCutShort { load.learn(cost: turn.cost, time: monotonicNanoseconds() - now) }
      }
      leave()
    }
  }

  /// One more thread, for brief jobs alone.
  private func runBrief() {
    monitor.withLock {
      while true {
        if isBusyWithLongJobs || !isAccepting, let next = brief.popFirst() {
          perform(next.job, Turn(lane: .brief, cost: next.cost))
          // Who waits for jobs also waits for the time when there have been none for a while.
          jobsWaiting.signal()
        } else if isAccepting {
          briefJobsWaiting.wait(in: monitor)
        } else {
          break
        }
      }
      leave()
    }
  }

  private func perform(_ job: Job, _ turn: Turn) {
    jobsRunning += 1
    metrics?.add(-1, to: .jobsQueued)
    metrics?.add(1, to: .jobsRunning)
    monitor.unlocked { job(turn) }
    jobsRunning -= 1
    metrics?.add(-1, to: .jobsRunning)
    lastWork = monotonicNanoseconds()
  }

  private func leave() {
    liveThreads -= 1
    threadEnded.broadcast()
  }

  /// The oldest job, waiting for one if need be; nil when the pool is shut down and empty.
  private func next() -> WaitingJob? {
    while brief.isEmpty && long.isEmpty {
      guard isAccepting else { return nil }
      waitForJob()
    }
    return brief.firstArrival < long.firstArrival ? brief.popFirst() : long.popFirst()
  }

  /// Waits until there may be one.
  private func waitForJob() {
    guard let end = lastWork, jobsRunning == 0 else { return jobsWaiting.wait(in: monitor) }
    if jobsWaiting.wait(in: monitor, until: end &+ quiet) || !brief.isEmpty || !long.isEmpty { return }
    // Nothing may have happened since, and one thread does it.
    guard lastWork == end, jobsRunning == 0 else { return }
    lastWork = nil
    monitor.unlocked(whenQuiet)
  }
}

private struct WaitingJob {
  let job: ComputePool.Job
  let cost: Int64
  /// The how manieth it is.
  let arrival: Int
}

/// First in, first out.
private struct JobQueue {
  private var jobs: [WaitingJob?] = []
  private var head = 0
  /// Of all that wait.
  private(set) var cost: Int64 = 0

  var count: Int { jobs.count - head }
  var isEmpty: Bool { count == 0 }
  var firstArrival: Int { isEmpty ? .max : jobs[head]?.arrival ?? .max }

  mutating func append(_ job: WaitingJob) {
    jobs.append(job)
    cost += job.cost
  }

  mutating func popFirst() -> WaitingJob? {
    guard !isEmpty else { return nil }
    let first = jobs[head]
    jobs[head] = nil
    head += 1
    cost -= first?.cost ?? 0
    // Moved up now and then, so that each job is moved once at most.
    if head * 2 >= jobs.count {
      jobs.removeFirst(head)
      head = 0
    }
    return first
  }
}

/// How long jobs take beside what they were said to cost, learnt from the last ones.
private struct LoadEstimate {
  private var time: Double = 1_000_000
  private var cost: Double = 1_000_000
  /// Of what came before, at each new job.
  private static let memory = 0.9

  mutating func learn(cost: Int64, time: Int64) {
    self.cost = self.cost * LoadEstimate.memory + Double(cost)
    self.time = self.time * LoadEstimate.memory + Double(time)
  }

  private var ratio: Double { min(max(time / cost, 1.0 / 64), 64) }

  func time(of cost: Int64) -> Int64 { Int64(min(Double(cost) * ratio, 1e18)) }
  func cost(of time: Int64) -> Int64 { Int64(min(Double(time) / ratio, 1e18)) }
}

import Glibc

/// What one tenant has in a ``ComputePool``: its jobs, and how much of the threads it has had lately.
///
/// `@unchecked Sendable`: touched under the pool's monitor only.
final class ComputeShare: @unchecked Sendable {
  var brief = JobQueue()
  var long = JobQueue()
  /// Jobs that have one of the pool's slots, and those that had one and gave way.
  var running: [RunningJob] = []
  var paused: [RunningJob] = []

  /// Nanoseconds of threads that it has had while somebody waited, those of long ago counted less: half after each
  /// ``halfLife``.
  private var service = 0.0
  private var asOf: Int64 = 0
  private static let halfLife = 10_000_000_000.0
  private static let longestAhead: Int64 = 1_000_000_000

  /// Learnt from its jobs alone: others may ask for what is misjudged.
  var load = LoadEstimate()
  /// What it is charged to beside.
  private let quota: Quota?

  init(_ quota: Quota? = nil) { self.quota = quota }

  var waitingCount: Int { brief.count + long.count }

  /// The cost and the arrival of the job that waits longest.
  var firstWaiting: (cost: Int64, arrival: Int)? {
    let first = brief.firstArrival < long.firstArrival ? brief.first : long.first
    return first.map { ($0.cost, $0.arrival) }
  }

  func popFirst() -> WaitingJob? { brief.firstArrival < long.firstArrival ? brief.popFirst() : long.popFirst() }
  var isIdle: Bool { waitingCount == 0 && running.isEmpty && paused.isEmpty }

  /// The nanoseconds of ``service`` at this time, with those of what runs.
  func attained(at now: Int64) -> Double {
    running.reduce(service * fading(now)) { $0 + Double($1.counted(at: now)) }
  }

  /// What decides who is next, the least first: how much of the threads this tenant will have had when such a job is
  /// done. So who has had little goes first, and of those who have had about as much who needs little more. Beyond
  /// ``longestAhead`` length does not count, so that what takes long has its share too.
  func tag(costLeft: Int64, at now: Int64) -> Double {
    attained(at: now) + Double(min(load.time(of: costLeft), ComputeShare.longestAhead))
  }

  /// Notes what a job has taken, and how much of it counts as service.
  func charge(_ nanoseconds: Int64, counted: Int64, at now: Int64) {
    service = service * fading(now) + Double(counted)
    asOf = now
    quota?.charge(nanoseconds, at: now)
  }

  private func fading(_ now: Int64) -> Double { exp2(-Double(now - asOf) / ComputeShare.halfLife) }

  /// Nanoseconds that all its jobs will still take a thread, about.
  func timeLeft(at now: Int64) -> Int64 {
    load.time(of: (running + paused).reduce(brief.cost + long.cost) { $0 + $1.costLeft(at: now) })
  }
}

/// A job that has begun.
final class RunningJob {
  private var body: ComputePool.Job?
  let share: ComputeShare
  let turn: ComputePool.Turn
  /// Nil for one that cannot be made to pause.
  let cancellation: (any Cancellation)?
  /// When it last began to run; nil while it is paused.
  private(set) var since: Int64?
  /// Since when its service counts; nil while it does not.
  private var countedSince: Int64?
  /// Of this slice, what counted before that.
  private var countedBefore: Int64 = 0
  /// Nanoseconds that it had before this slice.
  private var had: Int64 = 0

  init(_ job: WaitingJob, _ share: ComputeShare) {
    body = job.job
    self.share = share
    cancellation = job.cancellation
    turn = ComputePool.Turn(lane: .long, cost: job.cost)
  }

  /// What it does, once: whoever takes it also frees it.
  func takeBody() -> ComputePool.Job? {
    defer { body = nil }
    return body
  }

  func served(at now: Int64) -> Int64 { had + slice(at: now) }
  /// Nanoseconds since it last began to run.
  func slice(at now: Int64) -> Int64 { since.map { now - $0 } ?? 0 }

  func counted(at now: Int64) -> Int64 { countedBefore + (countedSince.map { now - $0 } ?? 0) }

  func countService(_ counts: Bool, at now: Int64) {
    countedBefore = counted(at: now)
    countedSince = counts ? now : nil
  }

  func enterSlot(at now: Int64, isContended: Bool) {
    since = now
    countService(isContended, at: now)
    share.running.append(self)
  }

  func leaveSlot(at now: Int64) {
    share.running.removeAll { $0 === self }
    share.charge(slice(at: now), counted: counted(at: now), at: now)
    had = served(at: now)
    (since, countedSince, countedBefore) = (nil, nil, 0)
  }

  /// What is left of its cost.
  func costLeft(at now: Int64) -> Int64 { max(0, turn.cost - share.load.cost(of: served(at: now))) }

  func tag(at now: Int64) -> Double { share.tag(costLeft: likelyCostLeft(at: now), at: now) }

  /// The same where it is compared with that of others: one that takes longer than it should is likely to take as long
  /// again.
  func likelyCostLeft(at now: Int64) -> Int64 {
    let had = share.load.cost(of: served(at: now))
    return had < turn.cost ? turn.cost - had : had
  }
}

/// A job that has not begun.
struct WaitingJob {
  let job: ComputePool.Job
  let cost: Int64
  let cancellation: (any Cancellation)?
  /// Told when it is turned away after all.
  let refused: @Sendable (Overload) -> Void
  /// The how manieth it is.
  let arrival: Int
  /// Whether it must not be turned away.
  let isContinuation: Bool
}

/// First in, first out.
struct JobQueue {
  private var jobs: [WaitingJob?] = []
  private var head = 0
  /// Of all that wait.
  private(set) var cost: Int64 = 0

  var count: Int { jobs.count - head }
  var isEmpty: Bool { count == 0 }
  var first: WaitingJob? { isEmpty ? nil : jobs[head] }
  var firstArrival: Int { first?.arrival ?? .max }

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

  /// Of those that may be turned away, the one that came last.
  mutating func popLast() -> WaitingJob? {
    guard let index = jobs[head...].lastIndex(where: { !($0?.isContinuation ?? true) }) else { return nil }
    let last = jobs.remove(at: index)
    cost -= last?.cost ?? 0
    if isEmpty { (jobs, head) = ([], 0) }
    return last
  }
}

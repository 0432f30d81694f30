import Glibc

/// A tenant's share of a ``ComputePool``: its jobs, and how much of the threads it has used lately.
///
/// `@unchecked Sendable`: touched under the pool's monitor only.
final class ComputeShare: @unchecked Sendable {
  var brief = JobQueue()
  var long = JobQueue()
  /// Jobs that hold a slot, and paused jobs.
  var running: [RunningJob] = []
  var paused: [RunningJob] = []

  /// Nanoseconds of threads used while others waited. The value halves after each ``halfLife``.
  private var service = 0.0
  private var asOf: Int64 = 0
  private static let halfLife = 10_000_000_000.0
  private static let longestAhead: Int64 = 1_000_000_000

  /// Learnt from this tenant's jobs only, because others may send jobs of another kind.
  var load = LoadEstimate()
  /// The quota that is charged too.
  private let quota: Quota?

  init(_ quota: Quota? = nil) { self.quota = quota }

  var waitingCount: Int { brief.count + long.count }

  /// Cost and arrival of the job that has waited longest.
  var firstWaiting: (cost: Int64, arrival: Int)? {
    let first = brief.firstArrival < long.firstArrival ? brief.first : long.first
    return first.map { ($0.cost, $0.arrival) }
  }

  func popFirst() -> WaitingJob? { brief.firstArrival < long.firstArrival ? brief.popFirst() : long.popFirst() }
  var isIdle: Bool { waitingCount == 0 && running.isEmpty && paused.isEmpty }

  /// ``service`` at this time, including running jobs.
  func attained(at now: Int64) -> Double {
    running.reduce(service * fading(now)) { $0 + Double($1.counted(at: now)) }
  }

  /// Decides which job is next; the smallest tag goes first. It is the time that this tenant will have used when the
  /// job is done. So tenants that have used little go first, and among about equal ones the shorter job. Length counts
  /// only up to ``longestAhead``, so that long jobs get their share too.
  func tag(costLeft: Int64, at now: Int64) -> Double {
    attained(at: now) + Double(min(load.time(of: costLeft), ComputeShare.longestAhead))
  }

  /// Adds the time of a job, and the part of it that counts as service.
  func charge(_ nanoseconds: Int64, counted: Int64, at now: Int64) {
    service = service * fading(now) + Double(counted)
    asOf = now
    quota?.charge(nanoseconds, at: now)
  }

  private func fading(_ now: Int64) -> Double { exp2(-Double(now - asOf) / ComputeShare.halfLife) }

  /// Approximate nanoseconds of one thread that all its jobs still need.
  func timeLeft(at now: Int64) -> Int64 {
    load.time(of: (running + paused).reduce(brief.cost + long.cost) { $0 + $1.costLeft(at: now) })
  }
}

/// A job that has begun.
final class RunningJob {
  private var body: ComputePool.Job?
  let share: ComputeShare
  let turn: ComputePool.Turn
  /// Nil if it cannot pause.
  let cancellation: (any Cancellation)?
  /// When it last began to run; nil while it is paused.
  private(set) var since: Int64?
  /// Since when its time counts as service; nil while it does not.
  private var countedSince: Int64?
  /// Nanoseconds of this slice that counted before that.
  private var countedBefore: Int64 = 0
  /// Nanoseconds before this slice.
  private var had: Int64 = 0

  init(_ job: WaitingJob, _ share: ComputeShare) {
    body = job.job
    self.share = share
    cancellation = job.cancellation
    turn = ComputePool.Turn(lane: .long, cost: job.cost)
  }

  /// Returns the closure, once; the caller then owns it.
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

  /// Its remaining cost.
  func costLeft(at now: Int64) -> Int64 { max(0, turn.cost - share.load.cost(of: served(at: now))) }

  func tag(at now: Int64) -> Double { share.tag(costLeft: likelyCostLeft(at: now), at: now) }

  /// The remaining cost for comparisons with other jobs: a job that has exceeded its estimate is expected to take as
  /// long again.
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
  /// Called if it is rejected after all.
  let refused: @Sendable (Overload) -> Void
  /// Its number in the order of arrival.
  let arrival: Int
  /// Whether it must not be turned away.
  let isContinuation: Bool
}

/// First in, first out.
struct JobQueue {
  private var jobs: [WaitingJob?] = []
  private var head = 0
  /// Total cost of the waiting jobs.
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
    // Compacted now and then, so that each job is moved once at most.
    if head * 2 >= jobs.count {
      jobs.removeFirst(head)
      head = 0
    }
    return first
  }

  /// Removes the job that came last.
  mutating func popLast() -> WaitingJob? {
    guard let index = jobs[head...].lastIndex(where: { !($0?.isContinuation ?? true) }) else { return nil }
    let last = jobs.remove(at: index)
    cost -= last?.cost ?? 0
    if isEmpty { (jobs, head) = ([], 0) }
    return last
  }
}

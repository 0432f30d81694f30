/// Decides which jobs run. All under the pool's monitor.
extension ComputePool {
  /// A job that could run now: a waiting one, or a paused one.
  private struct Candidate {
    let share: ComputeShare
    /// Nil for the job of its tenant that has waited longest.
    let paused: RunningJob?
    let cost: Int64
    let tag: Double
    let arrival: Int

    func precedes(_ other: Candidate) -> Bool { (tag, arrival) < (other.tag, other.arrival) }
  }

  /// Fills free slots, and pauses jobs in favour of others.
  func balance() {
    let now = monotonicNanoseconds()
    while let next = next(at: now) {
      if running.count >= slots {
        guard let one = whoGivesWay(to: next, at: now) else { break }
        pause(one, at: now)
      }
      start(next, at: now)
    }
    noteContention(at: now)
    if isBusyWithLongJobs, shares.contains(where: { !$0.brief.isEmpty }) { briefJobsWaiting.signal() }
    if isClockResting && isContended { clockWanted.signal() }
  }

  var isContended: Bool { waitingCount > 0 || shares.contains { !$0.paused.isEmpty } }
  var isBusyWithLongJobs: Bool {
    running.count >= slots && running.allSatisfy { ComputePool.lane(of: $0.turn.cost) == .long }
  }

  /// Time that is used while no other tenant waits is not counted.
  private func noteContention(at now: Int64) {
    // A single tenant waits only for itself.
    guard (isContended && shares.count > 1) != wasContended else { return }
    wasContended.toggle()
    for job in running { job.countService(wasContended, at: now) }
  }

  private func next(at now: Int64) -> Candidate? {
    var best: Candidate?
    for share in shares {
      guard let one = candidate(of: share, at: now) else { continue }
      if best.map(one.precedes) ?? true { best = one }
    }
    return best
  }

  /// Paused jobs continue before waiting ones begin, unless these are much shorter.
  private func candidate(of share: ComputeShare, at now: Int64) -> Candidate? {
    let paused = share.paused.map { ($0, $0.likelyCostLeft(at: now)) }.min { $0.1 < $1.1 }
    if let (cost, arrival) = share.firstWaiting, paused.map({ cost < $0.1 / 2 }) ?? true, findsThread() {
      return Candidate(share: share, paused: nil, cost: cost, tag: share.tag(costLeft: cost, at: now), arrival: arrival)
    }
    return paused.map {
      Candidate(share: share, paused: $0.0, cost: $0.1, tag: share.tag(costLeft: $0.1, at: now), arrival: 0)
    }
  }

  /// Nil if all running jobs come before the candidate.
  private func whoGivesWay(to next: Candidate, at now: Int64) -> RunningJob? {
    let able = running.filter { job in
      guard job.cancellation != nil, job.slice(at: now) >= ComputePool.slice else { return false }
      // Only one job of a tenant pauses for shorter ones, because each keeps its memory.
      if job.share === next.share { return next.cost < job.likelyCostLeft(at: now) / 2 && job.share.paused.isEmpty }
      return job.tag(at: now) > next.tag + Double(ComputePool.slice)
    }
    return able.max { ($0.tag(at: now), $0.served(at: now)) < ($1.tag(at: now), $1.served(at: now)) }
  }

  private func start(_ next: Candidate, at now: Int64) {
    let share = next.share
    if let job = next.paused {
      share.paused.removeAll { $0 === job }
      begin(job, at: now)
      job.cancellation?.resume()
      return
    }
    guard let waiting = share.popFirst() else { return }
    countWaiting(-1)
    let job = RunningJob(waiting, share)
    begin(job, at: now)
    granted.append(job)
    idleThreads -= 1
    jobGranted.signal()
  }

  private func begin(_ job: RunningJob, at now: Int64) {
    job.enterSlot(at: now, isContended: wasContended)
    running.append(job)
  }

  private func pause(_ job: RunningJob, at now: Int64) {
    job.cancellation?.pause()
    leaveSlot(job, at: now)
    job.share.paused.append(job)
  }

  func leaveSlot(_ job: RunningJob, at now: Int64) {
    running.removeAll { $0 === job }
    job.leaveSlot(at: now)
  }
}

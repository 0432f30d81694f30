import AutogradCore
import AutogradHTTPTestSupport
import AutogradTestSupport
import Foundation
import Synchronization
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// The compute pool and the memory are shared out by tenant: no one keeps the others waiting.
@Suite struct FairShareTests {
  private static let second: Int64 = 1_000_000_000

  /// A job that computes until it is told to stop, and looks at its interruption as the core does.
  private final class Endless: Sendable {
    let interruption = Interruption()
    let laps = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)
    let hasEnded = Atomic<Bool>(false)

    func run() {
      while !interruption.isInterrupted && !isOver.load(ordering: .relaxed) {
        laps.add(1, ordering: .relaxed)
        usleep(500)
      }
      hasEnded.store(true, ordering: .relaxed)
    }

    func stop() { isOver.store(true, ordering: .relaxed) }
    var isStuck: Bool {
      let before = laps.load(ordering: .relaxed)
      usleep(50_000)
      return laps.load(ordering: .relaxed) <= before + 1
    }
  }

  private func submit(_ job: Endless, to pool: ComputePool, for share: ComputeShare, cost: Int64 = 30 * second)
    -> Overload?
  {
    pool.submit(cost: cost, for: share, job.interruption) { _ in job.run() }
  }

  // MARK: Threads

  @Test func jobsOfOthersGiveWayAndGoOn() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let (greedy, other) = (ComputeShare(), ComputeShare())
    let jobs = [Endless(), Endless()]
    for job in jobs { #expect(submit(job, to: pool, for: greedy) == nil) }
    #expect(eventually { jobs[0].laps.load(ordering: .relaxed) > 100 })
    let guest = Endless()
    #expect(submit(guest, to: pool, for: other) == nil)
    #expect(eventually { guest.laps.load(ordering: .relaxed) > 10 })
    #expect(jobs[0].isStuck && jobs[1].laps.load(ordering: .relaxed) == 0)
    guest.stop()
    #expect(eventually { guest.hasEnded.load(ordering: .relaxed) })
    let laps = jobs[0].laps.load(ordering: .relaxed)
    #expect(eventually { jobs[0].laps.load(ordering: .relaxed) > laps + 10 })
    for job in jobs { job.stop() }
    #expect(pool.shutdown())
    #expect(jobs.allSatisfy { $0.hasEnded.load(ordering: .relaxed) })
  }

  /// What is done for each of them comes to the same, however many jobs they have.
  @Test func timeIsSharedOutByTenant() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let shares = [ComputeShare(), ComputeShare(), ComputeShare()]
    let jobs = [3, 1, 1].map { (0..<$0).map { _ in Endless() } }
    for (share, jobs) in zip(shares, jobs) {
      for job in jobs { #expect(submit(job, to: pool, for: share) == nil) }
    }
    usleep(3_000_000)
    for job in jobs.joined() { job.stop() }
    #expect(pool.shutdown())
    let laps = jobs.map { $0.reduce(0) { $0 + $1.laps.load(ordering: .relaxed) } }
    let total = laps.reduce(0, +)
    for count in laps { #expect(count > total / 5 && count < total / 2, "\(laps)") }
  }

  @Test func shortJobsOfTheSameTenantOvertake() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let share = ComputeShare()
    let (long, like, short) = (Endless(), Endless(), Endless())
    #expect(submit(long, to: pool, for: share) == nil)
    #expect(eventually { long.laps.load(ordering: .relaxed) > 100 })
    #expect(submit(like, to: pool, for: share) == nil)
    usleep(200_000)
    #expect(like.laps.load(ordering: .relaxed) == 0, "as long as the other: it waits")
    like.stop()
    long.stop()
    #expect(eventually { like.hasEnded.load(ordering: .relaxed) && long.hasEnded.load(ordering: .relaxed) })
    let again = Endless()
    #expect(submit(again, to: pool, for: share) == nil)
    #expect(eventually { again.laps.load(ordering: .relaxed) > 100 })
    #expect(submit(short, to: pool, for: share, cost: Self.second / 10) == nil)
    #expect(eventually { short.laps.load(ordering: .relaxed) > 10 })
    #expect(again.isStuck)
    for job in [short, again] { job.stop() }
    #expect(pool.shutdown())
  }

  /// Among those who have had about as much, who needs little goes first.
  @Test func shortJobsOfOtherTenantsGoFirst() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let (long, short, gate) = (Endless(), Endless(), Gate())
    #expect(pool.submit(cost: Self.second) { _ in gate.pass() } == nil)
    #expect(eventually { gate.arrived == 1 })
    #expect(submit(long, to: pool, for: ComputeShare()) == nil)
    #expect(submit(short, to: pool, for: ComputeShare(), cost: Self.second / 5) == nil)
    gate.open()
    #expect(eventually { short.laps.load(ordering: .relaxed) > 10 })
    #expect(long.laps.load(ordering: .relaxed) == 0)
    for job in [short, long] { job.stop() }
    #expect(pool.shutdown())
  }

  /// What one has while nobody else wants anything is not held against it.
  @Test func whatNobodyElseWantedDoesNotCount() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let (old, jobs) = (ComputeShare(), [Endless(), Endless()])
    // The second waits, but for its own tenant's.
    for job in jobs { #expect(submit(job, to: pool, for: old, cost: Self.second) == nil) }
    usleep(500_000)
    for job in jobs { job.stop() }
    #expect(eventually { jobs.allSatisfy { $0.hasEnded.load(ordering: .relaxed) } })
    #expect(eventually { old.isIdle } && old.attained(at: monotonicNanoseconds()) == 0)
    let (again, other) = (Endless(), Endless())
    #expect(submit(again, to: pool, for: old) == nil)
    #expect(submit(other, to: pool, for: ComputeShare()) == nil)
    #expect(eventually { other.laps.load(ordering: .relaxed) > 10 })
    #expect(old.attained(at: monotonicNanoseconds()) > 0)
    for job in [again, other] { job.stop() }
    #expect(pool.shutdown())
  }

  @Test func manyTenantsGetTheirTurns() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let jobs = (0..<12).map { _ in Endless() }
    for job in jobs { #expect(submit(job, to: pool, for: ComputeShare()) == nil) }
    #expect(eventually { jobs.allSatisfy { $0.laps.load(ordering: .relaxed) > 10 } })
    let guest = Endless()
    #expect(submit(guest, to: pool, for: ComputeShare()) == nil)
    #expect(eventually { guest.laps.load(ordering: .relaxed) > 10 })
    for job in jobs + [guest] { job.stop() }
    #expect(pool.shutdown())
  }

  /// One that gives way and ends before it looks has not made what goes on in its place pause.
  @Test func whatComesAfterAPausedJobGoesOn() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let (share, first, guest) = (ComputeShare(), Endless(), Endless())
    let (isOver, gate) = (Locked(false), Gate())
    let refusal = pool.submit(cost: 30 * Self.second, for: share, first.interruption) { _ in gate.pass() }
    #expect(refusal == nil && eventually { gate.arrived == 1 })
    #expect(submit(guest, to: pool, for: ComputeShare()) == nil)
    #expect(eventually { guest.laps.load(ordering: .relaxed) > 10 })
    gate.open()
    guest.stop()
    #expect(eventually { guest.hasEnded.load(ordering: .relaxed) })
    let again = pool.submit(cost: Self.second, for: share, first.interruption) { _ in
      isOver.withLock { $0 = !first.interruption.isInterrupted }
    }
    #expect(again == nil && eventually { isOver.withLock { $0 } })
    first.interruption.interrupt()
    #expect(pool.shutdown())
  }

  /// What a job holds may submit others when it goes.
  @Test func jobsAreFreedWithoutTheLock() throws {
    final class Last: Sendable {
      let pool: ComputePool
      let done: Locked<Int>
      init(_ pool: ComputePool, _ done: Locked<Int>) { (self.pool, self.done) = (pool, done) }
      deinit {
        let done = done
        _ = pool.submit { _ in done.withLock { $0 += 1 } }
      }
    }
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let done = Locked(0)
    for cost in [0, 30 * Self.second] {
      let last = Last(pool, done)
      #expect(pool.submit(cost: cost) { _ in withExtendedLifetime(last) {} } == nil)
    }
    #expect(eventually { done.withLock { $0 } == 2 })
    #expect(pool.shutdown())
  }

  /// However short its jobs are said to be, a tenant does not come to have all of them begun.
  @Test func misjudgedJobsOfOneTenantWait() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let (share, jobs) = (ComputeShare(), (0..<5).map { _ in Endless() })
    for job in jobs {
      #expect(submit(job, to: pool, for: share, cost: Self.second / 20) == nil)
      usleep(200_000)
    }
    #expect(jobs.count { $0.laps.load(ordering: .relaxed) > 0 } <= 2)
    for job in jobs { job.stop() }
    #expect(pool.shutdown())
  }

  @Test func whatIsPausedCanBeEnded() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let (paused, guest) = (Endless(), Endless())
    #expect(submit(paused, to: pool, for: ComputeShare()) == nil)
    #expect(eventually { paused.laps.load(ordering: .relaxed) > 100 })
    #expect(submit(guest, to: pool, for: ComputeShare(), cost: Self.second) == nil)
    #expect(eventually { guest.laps.load(ordering: .relaxed) > 0 })
    paused.interruption.interrupt()
    #expect(eventually { paused.hasEnded.load(ordering: .relaxed) })
    guest.stop()
    #expect(pool.shutdown())
  }

  @Test func aFullQueueHasRoomForWhoHasLess() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 4)
    let (greedy, other, gate) = (ComputeShare(), ComputeShare(), Gate())
    let done = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
    func submit(_ share: ComputeShare) -> Overload? {
      pool.submit(for: share, refused: { reason in if reason == .queue { refused.add(1, ordering: .relaxed) } }) { _ in
        gate.pass()
        done.add(1, ordering: .relaxed)
      }
    }
    #expect(submit(greedy) == nil)
    #expect(eventually { gate.arrived == 1 })
    for _ in 0..<4 { #expect(submit(greedy) == nil) }
    #expect(submit(greedy) == .queue && refused.load(ordering: .relaxed) == 0)
    #expect(submit(other) == nil && submit(other) == nil)
    #expect(refused.load(ordering: .relaxed) == 2 && pool.queueLength == 4)
    #expect(submit(other) == .queue)
    gate.open()
    #expect(pool.shutdown())
    #expect(done.load(ordering: .relaxed) == 5)
  }

  /// Whose queue is full of long jobs is turned away, and others are not.
  @Test func deadlinesAreOfOnesOwnQueue() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let (greedy, gate) = (ComputeShare(), Gate())
    for _ in 0..<3 { #expect(pool.submit(cost: 10 * Self.second, for: greedy) { _ in gate.pass() } == nil) }
    let deadline = monotonicNanoseconds() + 20 * Self.second
    #expect(pool.refusal(of: Self.second, until: deadline, for: greedy) == .deadline)
    #expect(pool.refusal(of: Self.second, until: deadline, for: ComputeShare()) == nil)
    gate.open()
    #expect(pool.shutdown())
  }

  /// A plan that another tenant makes may be long in coming.
  @Test func nobodyWaitsForPlansOfOthers() {
    let cache = PlanCache(plans: 4, bytes: 1 << 20)
    let (one, other) = (Tenant(), Tenant())
    let key: [UInt8] = [1, 2, 3]
    key.withUnsafeBytes { key in
      guard case .nobody(let making) = cache.find(key, for: ObjectIdentifier(one)) else {
        Issue.record("nobody makes it yet")
        return
      }
      if case .somebody = cache.find(key, for: ObjectIdentifier(one)) {} else { Issue.record("the same tenant waits") }
      if case .others = cache.find(key, for: ObjectIdentifier(other)) {} else { Issue.record("another does not") }
      making.end()
      if case .nobody = cache.find(key, for: ObjectIdentifier(other)) {} else { Issue.record("nobody makes it") }
    }
  }

  // MARK: Memory

  @Test func memoryIsSharedOutByTenant() {
    let budget = MemoryBudget(limit: 1000)
    let tenants = (0..<3).map { _ in Tenant() }
    // Requests of 10 bytes each, as many as are taken.
    func fill(_ tenant: Tenant) -> Int {
      var count = 0
      while budget.reserve(10, for: tenant, beside: 0) { count += 1 }
      return count
    }
    let alone = fill(tenants[0])
    #expect((740...760).contains(alone * 10))
    let second = fill(tenants[1])
    #expect(second * 10 >= 180)
    #expect(fill(tenants[2]) > 0)
    for _ in 0..<alone { budget.release(10, of: tenants[0]) }
    #expect(budget.reserve(600, for: tenants[0], beside: 0), "the only request of its tenant")
    #expect(!budget.reserve(10, for: tenants[0], beside: 0))
    #expect(!MemoryBudget(limit: 1000).reserve(900, for: Tenant(), beside: 0), "an eighth is for others")
  }

  // MARK: Connections

  /// Whoever holds all connections and says nothing loses some of them, so that others can connect.
  @Test func silentConnectionsOfOneClientLeavePlaces() throws {
    try withTransportServer(configure: { $0.connectionLimit = 1 }) { server in
      let most = 1 + 1024 / 2
      let clients = try (0..<most + 20).map { _ in try server.connect() }
      #expect(
        eventually { (most - 5...most).contains(server.server.connectionCount) }, "\(server.server.connectionCount)")
      withExtendedLifetime(clients) {}
    }
  }

  // MARK: Addresses

  @Test func addressesAreRead() throws {
    for (text, same) in [
      ("192.0.2.1", "192.0.2.1:4711"), ("192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8::1", "[2001:db8::1]:80"),
      ("::1", "[::1]"),
    ] { #expect(try #require(IPAddress(text)) == #require(IPAddress(same)), "\(text) \(same)") }
    for text in [
      "", "unknown", "_hidden", "192.0.2", "192.0.2.256", "1.2.3.4.5", "2001:db8", "[::1", "::1%eth0", "1.2.3.4 ",
    ] {
      #expect(IPAddress(text) == nil, "\(text)")
    }
    #expect(try #require(IPAddress("2001:db8::1")).host == #require(IPAddress("2001:db8::2")).host)
    #expect(try #require(IPAddress("192.0.2.1")).host != #require(IPAddress("192.0.2.2")).host)
  }

  @Test func onlyTrustedProxiesAreBelieved() throws {
    var proxies = TrustedProxies()
    for text in ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"] {
      let isAdded = proxies.add(text)
      #expect(isAdded)
    }
    for text in [
      "", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/9", "proxy", "::/129", "10.0.0.0/", "10.0.0.7:80", "[::1]",
      "10.0.0.0/+8",
    ] {
      var refusing = proxies
      let isAdded = refusing.add(text)
      #expect(!isAdded, "\(text)")
    }
    for (text, isTrusted) in [
      ("10.9.8.7", true), ("11.0.0.1", false), ("2001:db8:1::1", true), ("192.0.2.8", false), ("192.0.2.7", true),
    ] {
      #expect(try proxies.contains(#require(IPAddress(text))) == isTrusted, "\(text)")
    }
    for (forwarded, client) in [
      ("203.0.113.5", "203.0.113.5"), ("198.51.100.1, 203.0.113.5", "203.0.113.5"),
      ("198.51.100.1,203.0.113.5 ,\t10.0.0.2", "203.0.113.5"),
      ("forged, 203.0.113.5, 10.0.0.2", "203.0.113.5"), ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
      ("forged, 10.0.0.2", "10.0.0.2"),
    ] { #expect(proxies.client(in: forwarded) == IPAddress(client), "\(forwarded)") }
    #expect(proxies.client(in: "") == nil && proxies.client(in: "203.0.113.5, forged") == nil)
    var all = TrustedProxies()
    let isAdded = all.add("0.0.0.0/0") && all.add("::ffff:192.0.2.0/120")
    #expect(isAdded)
    #expect(try all.contains(#require(IPAddress("203.0.113.5"))) && !all.contains(#require(IPAddress("::1"))))
  }

  // MARK: Quotas

  private static let moment = 5 * second

  @Test func requestsASecondAreCounted() {
    let quota = Quota(.init(requestsPerSecond: 4))
    for _ in 0..<4 { #expect(quota.refusal(at: Self.moment) == nil) }
    #expect(quota.refusal(at: Self.moment) == .quota(.requestRate, seconds: 1))
    #expect(quota.refusal(at: Self.moment + Self.second / 4) == nil)
    #expect(quota.refusal(at: Self.moment + Self.second / 4) != nil)
    let rare = Quota(.init(requestsPerSecond: 0.1))
    #expect(rare.refusal(at: Self.moment) == nil && rare.refusal(at: Self.moment) == .quota(.requestRate, seconds: 10))
    #expect(rare.refusal(at: Self.moment + 10 * Self.second) == nil)
  }

  @Test func workIsPaidForAfterwards() {
    let quota = Quota(.init(workPerSecond: 0.5))
    #expect(quota.refusal(at: Self.moment) == nil)
    quota.charge(3 * Self.second, at: Self.moment)
    #expect(quota.refusal(at: Self.moment) == .quota(.workRate, seconds: 5))
    #expect(quota.refusal(at: Self.moment + 5 * Self.second) == nil)
    let stricter = quota.changed(to: .init(requestsPerSecond: 1, workPerSecond: 0.1))
    #expect(stricter.refusal(at: Self.moment) == .quota(.workRate, seconds: 5), "what was had is not forgotten")
  }
}

import AutogradFormats
import AutogradHTTP
import Glibc

/// Plans of earlier requests by their ``PlanKey``. Most graphs are posted many times with other numbers.
///
/// Limited in plans and in bytes. Eviction follows the clock algorithm (second chance): the hand skips plans that were
/// used since it last passed, and evicts the first that was not. So graphs that are posted only once do not displace
/// those in use.
///
/// The lock is held only for a look into the table, not while a plan is made or run. If several requests post the same
/// new graph at the same time, the first makes the plan. The others of its tenant are suspended until it is done,
/// without holding a thread. If it fails, each makes its own attempt and gets its own error: failures are not cached.
/// Requests of other tenants do not wait, because the first one's turn may come late.
final class PlanCache: Sendable {
  let counters: PlanCacheCounters
  private let planLimit: Int
  private let byteLimit: Int
  private let table = Locked(Table())

  fileprivate final class Entry: Sendable {
    let key: [UInt8]
    let hash: UInt64
    let plan: PreparedPlan
    let byteCount: Int

    init(_ key: UnsafeRawBufferPointer, _ hash: UInt64, _ plan: PreparedPlan) {
      self.key = Array(key)
      self.hash = hash
      self.plan = plan
      byteCount = key.count + plan.byteCount + 512
    }

    func isFor(_ other: UnsafeRawBufferPointer) -> Bool {
      guard key.count == other.count, let start = other.baseAddress else { return false }
      return key.withUnsafeBytes { $0.baseAddress.map { memcmp($0, start, other.count) == 0 } ?? false }
    }
  }

  fileprivate struct Table {
    /// The entries that the clock's hand goes round.
    var circle: [(entry: Entry, wasUsed: Bool)] = []
    var hand = 0
    var byteCount = 0
    /// Indices in the circle by hash. A second key with the same hash is not stored; clients cannot cause one.
    var places: [UInt64: Int] = [:]
    /// Plans that are being made, by the hashes of their keys. A request that waits for another key with the same hash
    /// then makes its own plan.
    var flights: [UInt64: (flight: Flight, tenant: ObjectIdentifier?)] = [:]
  }

  enum Finding {
    case plan(PreparedPlan)
    /// There is no plan and no request is making it. The caller makes it.
    case nobody(PlanInMaking)
    /// Another request of the tenant is making it.
    case somebody(Flight)
    /// Another tenant is making it. Do not wait, because its turn may come late.
    case others
  }

  /// - Parameter area: where hits, misses and so on are counted.
  init(plans: Int, bytes: Int, area: MetricsArea = .own()) {
    counters = PlanCacheCounters(area: area)
    planLimit = plans
    byteLimit = bytes
  }

  /// The plan for exactly this key, or who is making it.
  func find(_ key: UnsafeRawBufferPointer, for tenant: ObjectIdentifier? = nil) -> Finding {
    let hash = KeyedHash.process(key)
    let (entry, flight, isFirst, isOthers) = table.withLock { table -> (Entry?, Flight?, Bool, Bool) in
      if let entry = table.use(hash) { return (entry, nil, false, false) }
      if let (flight, maker) = table.flights[hash] { return (nil, flight, false, maker != tenant) }
      let flight = Flight()
      table.flights[hash] = (flight, tenant)
      return (nil, flight, true, false)
    }
    if let flight, !isFirst { return isOthers ? .others : .somebody(flight) }
    if let plan = plan(in: entry, for: key) { return .plan(plan) }
    return .nobody(PlanInMaking(cache: self, hash: hash, flight: flight ?? Flight()))
  }

  /// The plan for exactly this key.
  func plan(for key: UnsafeRawBufferPointer) -> PreparedPlan? {
    let hash = KeyedHash.process(key)
    return plan(in: table.withLock { $0.use(hash) }, for: key)
  }

  /// Compares outside the lock, because a key may have megabytes.
  private func plan(in entry: Entry?, for key: UnsafeRawBufferPointer) -> PreparedPlan? {
    guard let entry, entry.isFor(key) else {
      counters.misses.add(1)
      return nil
    }
    counters.hits.add(1)
    return entry.plan
  }

  fileprivate func end(_ flight: Flight, _ hash: UInt64) {
    table.withLock { table in
      if table.flights[hash]?.flight === flight { table.flights[hash] = nil }
    }
    flight.end()
  }

  func insert(_ plan: PreparedPlan, for key: UnsafeRawBufferPointer) {
    let entry = Entry(key, KeyedHash.process(key), plan)
    guard planLimit > 0, entry.byteCount <= byteLimit else { return }
    // Freed when this returns, not under the lock.
    var evicted: [Entry] = []
    let isNew = table.withLock { table in
      guard table.places[entry.hash] == nil else { return false }
      while table.circle.count >= planLimit || table.byteCount + entry.byteCount > byteLimit {
        evicted.append(table.evict())
      }
      table.places[entry.hash] = table.circle.count
      table.circle.append((entry, false))
      table.byteCount += entry.byteCount
      return true
    }
    guard isNew else { return }
    counters.plans.add(1 - evicted.count)
    counters.bytes.add(evicted.reduce(entry.byteCount) { $0 - $1.byteCount })
    counters.evictions.add(evicted.count)
  }
}

/// A plan that its holder is making. When it is released, also after an error, those who wait continue.
final class PlanInMaking: Sendable {
  private let cache: PlanCache
  private let hash: UInt64
  private let flight: Flight

  fileprivate init(cache: PlanCache, hash: UInt64, flight: Flight) {
    self.cache = cache
    self.hash = hash
    self.flight = flight
  }

  /// The plan is in the cache, or will not be.
  func end() { cache.end(flight, hash) }

  deinit { end() }
}

extension PlanCache.Table {
  fileprivate mutating func use(_ hash: UInt64) -> PlanCache.Entry? {
    guard let place = places[hash] else { return nil }
    circle[place].wasUsed = true
    return circle[place].entry
  }

  /// Removes the first plan, from the hand on, that was not used since the hand last passed. There is one, because the
  /// table is not empty.
  fileprivate mutating func evict() -> PlanCache.Entry {
    while true {
      if hand >= circle.count { hand = 0 }
      guard circle[hand].wasUsed else { break }
      circle[hand].wasUsed = false
      hand += 1
    }
    let entry = circle[hand].entry
    places[entry.hash] = nil
    byteCount -= entry.byteCount
    // The last entry moves to its index.
    let last = circle.removeLast()
    if hand < circle.count {
      circle[hand] = last
      places[last.entry.hash] = hand
    }
    return entry
  }
}

/// Counters of the plan cache, for the metrics: `hits / (hits + misses)` is its hit ratio.
struct PlanCacheCounters: Sendable {
  let area: MetricsArea

  struct Counter: Sendable {
    fileprivate let area: MetricsArea
    fileprivate let counter: MetricsLayout.Counter
    func add(_ amount: Int) { area.add(amount, to: counter) }
    var value: Int { area.value(of: counter) }
  }

  struct Gauge: Sendable {
    fileprivate let area: MetricsArea
    fileprivate let gauge: MetricsLayout.Gauge
    func add(_ amount: Int) { area.add(amount, to: gauge) }
    var value: Int { area.value(of: gauge) }
  }

  var hits: Counter { Counter(area: area, counter: .planHits) }
  var misses: Counter { Counter(area: area, counter: .planMisses) }
  /// Hits found from the text, see ``BodySkeleton``.
  var recalled: Counter { Counter(area: area, counter: .planRecalled) }
  func countRecall() {
    hits.add(1)
    recalled.add(1)
  }

  /// Hits that were then answered in full, because data could not be read or the run failed.
  var fallbacks: Counter { Counter(area: area, counter: .planFallbacks) }
  var evictions: Counter { Counter(area: area, counter: .planEvictions) }
  /// Plans in the cache, and approximately their size in bytes.
  var plans: Gauge { Gauge(area: area, gauge: .plans) }
  var bytes: Gauge { Gauge(area: area, gauge: .planBytes) }
}

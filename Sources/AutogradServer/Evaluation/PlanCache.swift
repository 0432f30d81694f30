import AutogradFormats
import AutogradHTTP
import Glibc

/// Plans of requests that came before, by their ``PlanKey``: a graph is mostly posted again and again with other
/// numbers.
///
/// Bounded in plans and in bytes. What goes is chosen by a clock: its hand passes over a plan that was used since it
/// last came by, and takes the first that was not. So graphs posted once, however many, do not drive out those in use.
///
/// The lock is held for a look into the table, never while a plan is made or run. Of requests of one new graph that
/// come at the same time the first plans it. The others of its tenant are put aside until it is done and hold up no
/// thread meanwhile; if nothing came of it, each plans, and fails, by itself: mistakes are not kept. Those of other
/// tenants do not wait: the first one's turn may come late.
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
    /// The circle that the hand goes round.
    var circle: [(entry: Entry, wasUsed: Bool)] = []
    var hand = 0
    var byteCount = 0
    /// Places in the circle. One for each hash: a second key under a hash, which a client cannot bring about, would
    /// not be kept.
    var places: [UInt64: Int] = [:]
    /// Plans that are being made, by the hashes of their keys. Who waits for another key of the same hash has
    /// waited in vain, no more.
    var flights: [UInt64: (flight: Flight, tenant: ObjectIdentifier?)] = [:]
  }

  enum Finding {
    case plan(PreparedPlan)
    /// There is none and nobody makes it: make it, and tell when it is done.
    case nobody(PlanInMaking)
    /// Somebody makes it.
    case somebody(Flight)
    /// Another tenant makes it, whose turn may come late: nobody waits for others.
    case others
  }

  /// - Parameter area: where its work is counted.
  init(plans: Int, bytes: Int, area: MetricsArea = .own()) {
    counters = PlanCacheCounters(area: area)
    planLimit = plans
    byteLimit = bytes
  }

  /// The plan of exactly this key, or who makes it.
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

  /// The plan of exactly this key.
  func plan(for key: UnsafeRawBufferPointer) -> PreparedPlan? {
    let hash = KeyedHash.process(key)
    return plan(in: table.withLock { $0.use(hash) }, for: key)
  }

  /// Compares outside of the lock: a graph may have megabytes.
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

/// A plan that its holder makes. It ends with its holder's failures too: nobody waits for what will not come.
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

  /// Takes out the first plan from the hand on that was not used since the hand last came by. There is one: the table
  /// is not empty.
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
    // The last one takes its place in the circle.
    let last = circle.removeLast()
    if hand < circle.count {
      circle[hand] = last
      places[last.entry.hash] = hand
    }
    return entry
  }
}

/// What the cache of plans has done, for the metrics: `hits / (hits + misses)` is its hit ratio.
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
  /// Hits that were known by their text, see ``BodySkeleton``.
  var recalled: Counter { Counter(area: area, counter: .planRecalled) }
  func countRecall() {
    hits.add(1)
    recalled.add(1)
  }

  /// Hits that were then answered in full, because data could not be read or the run failed: the full path finds the
  /// words for that.
  var fallbacks: Counter { Counter(area: area, counter: .planFallbacks) }
  var evictions: Counter { Counter(area: area, counter: .planEvictions) }
  /// Plans in the cache, and about how many bytes they take.
  var plans: Gauge { Gauge(area: area, gauge: .plans) }
  var bytes: Gauge { Gauge(area: area, gauge: .planBytes) }
}

import Synchronization

/// The memory that requests in flight may use together: bodies as they arrive, graphs, plans and runs, and answers
/// until they are sent.
///
/// No tenant may use it all. By "dynamic thresholds" (Choudhury and Hahne 1998) a tenant may hold at most three times
/// the free memory. So a single tenant gets three quarters, two get three sevenths each, and some is always left. A
/// tenant's only request may use up to seven eighths.
package final class MemoryBudget: Sendable {
  let limit: Int
  /// The most for one request.
  package let mostForOne: Int
  private static let timesFree = 3
  private static let shareOfOthers = 8
  private static let shareOfPages = 16
  private let used = Atomic<Int>(0)
  private let wasShort = Atomic<Bool>(false)

  /// Clamped to 2^58 bytes, so that sums of sizes cannot overflow.
  package init(limit: Int) {
    self.limit = min(limit, 1 << 58)
    mostForOne = self.limit - self.limit / MemoryBudget.shareOfOthers
  }

  var usedBytes: Int { used.load(ordering: .relaxed) }

  /// False, with nothing reserved, if it would be too much.
  /// - Parameters:
  ///   - tenant: the request's tenant.
  ///   - size: what the request has reserved already.
  ///   - isPage: for a document about the server itself, which must be answered even if requests use all memory: some
  ///     is reserved for it.
  func reserve(_ more: Int, for tenant: Tenant, beside size: Int, isPage: Bool = false) -> Bool {
    let most = isPage ? limit + limit / MemoryBudget.shareOfPages : limit
    guard more <= most else { return false }
    // Sizes are bounded by the limit and there are few at a time, so sums cannot overflow.
    let (held, used) = (tenant.hold(more), used.add(more, ordering: .relaxed).newValue)
    let isOnlyRequest = held - more <= size && size + more <= mostForOne
    if used <= most, isPage || isOnlyRequest || held <= MemoryBudget.timesFree * (limit - used) { return true }
    release(more, of: tenant)
    wasShort.store(true, ordering: .relaxed)
    return false
  }

  /// Whether a request got no memory since the last call.
  func takeShortage() -> Bool { wasShort.exchange(false, ordering: .relaxed) }

  func release(_ size: Int, of tenant: Tenant) {
    used.subtract(size, ordering: .relaxed)
    tenant.hold(-size)
  }
}

/// What one request has reserved; released when this is destroyed. Used by the thread that owns the request at the
/// time.
struct Reservation: ~Copyable {
  private let budget: MemoryBudget
  let tenant: Tenant
  private(set) var size = 0

  init(_ budget: MemoryBudget, for tenant: Tenant) {
    self.budget = budget
    self.tenant = tenant
  }

  mutating func add(_ more: Int, isPage: Bool = false) -> Bool {
    guard budget.reserve(more, for: tenant, beside: size, isPage: isPage) else { return false }
    size += more
    return true
  }

  /// Releases what is no longer needed.
  mutating func shrink(to less: Int) {
    guard less < size else { return }
    budget.release(size - less, of: tenant)
    size = less
  }

  deinit { if size > 0 { budget.release(size, of: tenant) } }
}

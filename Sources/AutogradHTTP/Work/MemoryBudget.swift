import Synchronization

/// The memory that the requests in flight may take together: their bodies as they come in, what is made of these, what
/// their plans need, and their answers until they are sent.
///
/// No tenant may take it all. What one may hold depends on what is left, by "dynamic thresholds" (Choudhury and Hahne
/// 1998): at most three times as much as is free. So one alone gets three quarters, two get three sevenths each, and
/// there is always something for one more. A tenant's only request may take more, but for an eighth of all.
package final class MemoryBudget: Sendable {
  let limit: Int
  /// The most for one request.
  package let mostForOne: Int
  private static let timesFree = 3
  private static let shareOfOthers = 8
  private static let shareOfPages = 16
  private let used = Atomic<Int>(0)
  private let wasShort = Atomic<Bool>(false)

  /// Beyond 2^58 bytes sums of sizes might overflow.
  package init(limit: Int) {
    self.limit = min(limit, 1 << 58)
    mostForOne = self.limit - self.limit / MemoryBudget.shareOfOthers
  }

  var usedBytes: Int { used.load(ordering: .relaxed) }

  /// False, and nothing is reserved, where it would be too much.
  /// - Parameters:
  ///   - tenant: whose request it is for.
  ///   - size: what that request has already.
  ///   - isPage: for a page about the server itself, which shall be seen when requests take all memory: there is a
  ///     little more.
  func reserve(_ more: Int, for tenant: Tenant, beside size: Int, isPage: Bool = false) -> Bool {
    let most = isPage ? limit + limit / MemoryBudget.shareOfPages : limit
    guard more <= most else { return false }
    // Sizes are bounded by the limit and few at a time: no sum comes near an overflow.
    let (held, used) = (tenant.hold(more), used.add(more, ordering: .relaxed).newValue)
    let isOnlyRequest = held - more <= size && size + more <= mostForOne
    if used <= most, isPage || isOnlyRequest || held <= MemoryBudget.timesFree * (limit - used) { return true }
    release(more, of: tenant)
    wasShort.store(true, ordering: .relaxed)
    return false
  }

  /// Whether somebody got none since this was last asked.
  func takeShortage() -> Bool { wasShort.exchange(false, ordering: .relaxed) }

  func release(_ size: Int, of tenant: Tenant) {
    used.subtract(size, ordering: .relaxed)
    tenant.hold(-size)
  }
}

/// What one request has reserved, given back with it. Used by whoever has the request at the time.
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

  /// Gives back what is not needed any more.
  mutating func shrink(to less: Int) {
    guard less < size else { return }
    budget.release(size - less, of: tenant)
    size = less
  }

  deinit { if size > 0 { budget.release(size, of: tenant) } }
}

import Synchronization

/// The memory that the requests in flight may take together: their bodies as they come in, what is made of these, what their plans need, and
/// their answers until they are sent.
final class MemoryBudget: Sendable {
  let limit: Int
  private static let shareOfPages = 16
  private let used = Atomic<Int>(0)
  private let wasShort = Atomic<Bool>(false)

  /// Beyond 2^61 bytes sums of sizes might overflow.
  init(limit: Int) { self.limit = min(limit, 1 << 61) }

  var usedBytes: Int { used.load(ordering: .relaxed) }

  /// False, and nothing is reserved, where it would be too much.
  /// - Parameter isPage: for a page about the server itself, which shall be seen when requests take all memory: there is a little more.
  func reserve(_ size: Int, isPage: Bool = false) -> Bool {
    let most = isPage ? limit + limit / MemoryBudget.shareOfPages : limit
    guard size <= most else { return false }
    // Sizes are bounded by the limit and few at a time: no sum comes near an overflow.
    if used.add(size, ordering: .relaxed).newValue <= most { return true }
    used.subtract(size, ordering: .relaxed)
    wasShort.store(true, ordering: .relaxed)
    return false
  }

  /// Whether somebody got none since this was last asked.
  func takeShortage() -> Bool { wasShort.exchange(false, ordering: .relaxed) }

  func release(_ size: Int) { used.subtract(size, ordering: .relaxed) }
}

/// What one request has reserved, given back with it. Used by whoever has the request at the time.
struct Reservation: ~Copyable {
  private let budget: MemoryBudget
  private(set) var size = 0

  init(_ budget: MemoryBudget) { self.budget = budget }

  mutating func add(_ more: Int, isPage: Bool = false) -> Bool {
    guard budget.reserve(more, isPage: isPage) else { return false }
    size += more
    return true
  }

  /// Gives back what is not needed any more.
  mutating func shrink(to less: Int) {
    guard less < size else { return }
    budget.release(size - less)
    size = less
  }

  deinit { if size > 0 { budget.release(size) } }
}

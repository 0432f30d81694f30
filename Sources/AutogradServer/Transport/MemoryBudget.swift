import Synchronization

/// The memory that the requests in flight may take together: their bodies as they come in, and what their plans need.
final class MemoryBudget: Sendable {
  let limit: Int
  private let used = Atomic<Int>(0)

  init(limit: Int) { self.limit = limit }

  var usedBytes: Int { used.load(ordering: .relaxed) }

  /// False, and nothing is reserved, where it would be too much.
  func reserve(_ size: Int) -> Bool {
    guard size <= limit else { return false }
    // Sizes are bounded by the limit and few at a time: no sum comes near an overflow.
    if used.add(size, ordering: .relaxed).newValue <= limit { return true }
    used.subtract(size, ordering: .relaxed)
    return false
  }

  func release(_ size: Int) { used.subtract(size, ordering: .relaxed) }
}

/// What one request has reserved, given back with it. Used by whoever has the request at the time.
struct Reservation: ~Copyable {
  private let budget: MemoryBudget
  private(set) var size = 0

  init(_ budget: MemoryBudget) { self.budget = budget }

  mutating func add(_ more: Int) -> Bool {
    guard budget.reserve(more) else { return false }
    size += more
    return true
  }

  deinit { if size > 0 { budget.release(size) } }
}

import CSystem
import Glibc

/// The body of a request while it arrives. It is reserved by its announced length; without one it grows by doubling, up
/// to the limit.
///
/// Beyond ``largestMoved`` it is mapped by pages, which are moved without copying: copying megabytes would block a
/// socket thread.
struct BodyBuffer: ~Copyable {
  private static let largestMoved = 1 << 20

  private var base: UnsafeMutableRawPointer?
  private(set) var count = 0
  private var capacity = 0
  private var isMapped = false

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Reserves `size` bytes in all, before the first arrives. False if the system has no memory.
  mutating func reserve(_ size: Int) -> Bool {
    guard capacity == 0, size > 0 else { return true }
    base = malloc(size)
    capacity = base == nil ? 0 : size
    return base != nil
  }

  /// Adds bytes; the caller has checked that they stay within `limit`. False if the system has no memory.
  mutating func append(_ source: UnsafeRawBufferPointer, limit: Int) -> Bool {
    guard let start = source.baseAddress, source.count > 0 else { return true }
    let needed = count + source.count
    if needed > capacity && !grow(to: max(needed, min(limit, max(capacity, 2048) * 2))) { return false }
    guard let base else { return false }
    memcpy(base + count, start, source.count)
    count = needed
    return true
  }

  private mutating func grow(to size: Int) -> Bool {
    guard isMapped || size > BodyBuffer.largestMoved else {
      guard let grown = realloc(base, size) else { return false }
      (base, capacity) = (grown, size)
      return true
    }
    guard let grown = system_map(isMapped ? base : nil, capacity, size) else { return false }
    if !isMapped, let base {
      memcpy(grown, base, count)
      free(base)
    }
    (base, capacity, isMapped) = (grown, size, true)
    return true
  }

  mutating func removeAll() {
    release()
    (base, count, capacity, isMapped) = (nil, 0, 0, false)
  }

  private func release() {
    if isMapped, let base { system_unmap(base, capacity) } else { free(base) }
  }

  deinit { release() }
}

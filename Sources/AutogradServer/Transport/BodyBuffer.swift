import Glibc

/// The body of a request as it comes in: reserved by its announced length, never beyond the limit. Where there is none it grows by doubling,
/// and from ``largestDoubled`` on to the limit at once: that takes only address space, and moving megabytes would keep a socket's thread.
struct BodyBuffer: ~Copyable {
  private var base: UnsafeMutableRawPointer?
  private(set) var count = 0
  private var capacity = 0

  private static let largestDoubled = 1 << 20

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Room for `size` bytes in all. False when the system has no memory.
  mutating func reserve(_ size: Int) -> Bool {
    if size <= capacity { return true }
    guard let grown = realloc(base, size) else { return false }
    base = grown
    capacity = size
    return true
  }

  /// Adds bytes; the caller has checked that they stay within `limit`. False when the system has no memory.
  mutating func append(_ source: UnsafeRawBufferPointer, limit: Int) -> Bool {
    guard let start = source.baseAddress, source.count > 0 else { return true }
    let needed = count + source.count
    if needed > capacity && !grow(to: needed, limit: limit) { return false }
    guard let base else { return false }
    memcpy(base + count, start, source.count)
    count = needed
    return true
  }

  private mutating func grow(to needed: Int, limit: Int) -> Bool {
    if capacity >= BodyBuffer.largestDoubled && reserve(max(needed, limit)) { return true }
    return reserve(max(needed, min(limit, max(capacity, 2048) * 2)))
  }

  mutating func removeAll() {
    free(base)
    base = nil
    count = 0
    capacity = 0
  }

  deinit { free(base) }
}

import Glibc

/// A copy of the bytes of a small version.
///
/// `@unchecked Sendable`: only the initializer writes.
final class SharedCopy: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  /// From a place in the shared memory.
  init(_ region: SharedRegion, _ offset: Int, _ count: Int) throws(StoreError) {
    // Not Swift's allocation, which ends the process where there is no memory.
    guard let memory = aligned_alloc(64, (max(count, 1) + 63) / 64 * 64) else {
      throw .unavailable("no memory for a copy of \(count) bytes")
    }
    bytes = UnsafeRawBufferPointer(start: memory, count: count)
    try region.read(into: UnsafeMutableRawBufferPointer(start: memory, count: count), at: offset)
  }

  deinit { free(UnsafeMutableRawPointer(mutating: bytes.baseAddress)) }
}

/// The bytes of a large version, where they are. Its memory is not freed before this goes, also if it is deleted.
///
/// `@unchecked Sendable`: nobody writes to the bytes.
final class SharedMapping: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  private let pin: Int
  private let writing: SharedWriting

  /// Nil if the process has too many mappings; then a copy does.
  init?(_ writing: SharedWriting, record: Int, _ offset: Int, _ count: Int) {
    guard let pin = writing.pins.pin(record) else { return nil }
    let memory = mmap(nil, count, PROT_READ, MAP_SHARED, writing.region.descriptor, off_t(offset))
    guard let memory, memory != MAP_FAILED else {
      writing.pins.unpin(pin)
      writing.mappingHasEnded()
      return nil
    }
    (self.pin, self.writing) = (pin, writing)
    bytes = UnsafeRawBufferPointer(start: memory, count: count)
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    writing.pins.unpin(pin)
    writing.mappingHasEnded()
  }
}

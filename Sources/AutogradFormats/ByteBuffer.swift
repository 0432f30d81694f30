import AutogradCore
import Glibc

/// A growing run of bytes on the C heap: what an answer is written into and what the socket sends from, with no copy between.
///
/// One thread fills it; from then on it is only read. It is a class so that the HTTP library can hold on to it while it sends.
///
/// `@unchecked Sendable`: nobody appends once the buffer has left the function that filled it.
package final class ByteBuffer: @unchecked Sendable {
  // Touched for every few bytes of an answer, and by no method inside another's access: checks of exclusivity would cost more than writing.
  @exclusivity(unchecked) @usableFromInline package internal(set) var base: UnsafeMutablePointer<UInt8>
  @exclusivity(unchecked) @usableFromInline package internal(set) var count = 0
  @exclusivity(unchecked) @usableFromInline package internal(set) var capacity: Int

  package init(capacity: Int = 512) {
    self.capacity = max(capacity, 64)
    base = ByteBuffer.allocate(self.capacity)
  }

  package convenience init(_ text: String) {
    self.init(capacity: text.utf8.count)
    append(text)
  }

  deinit { free(base) }

  @inlinable
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
  package var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Room for at least `extra` more bytes; returns where they start. Follow with ``commit(_:)``.
  @inlinable @inline(__always)
  package func reserve(_ extra: Int) -> UnsafeMutablePointer<UInt8> {
    if capacity - count < extra { grow(extra) }
    return base + count
  }

  @inlinable @inline(__always)
  package func commit(_ written: Int) { count += written }

  @inlinable @inline(__always)
  package func append(_ byte: UInt8) {
    reserve(1).pointee = byte
    count += 1
  }

  @inlinable
  package func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  package func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  @inlinable
  package func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    memcpy(reserve(bytes.count), start, bytes.count)
    count += bytes.count
  }

  /// Forgets the last `n` bytes (a trailing comma, say).
  func dropLast(_ n: Int) { count -= min(n, count) }

  package func removeAll() { count = 0 }

  @usableFromInline
  func grow(_ extra: Int) {
    // Out of memory here is fatal by nature: every size is checked against the limits before anything is written.
    capacity = max(capacity * 2, count + extra)
    guard let grown = realloc(base, capacity) else { abort() }
    base = grown.assumingMemoryBound(to: UInt8.self)
  }

  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<UInt8> {
    guard let memory = malloc(capacity) else { abort() }
    AlignedMemory.preferHugePages(memory, capacity)
    return memory.assumingMemoryBound(to: UInt8.self)
  }
}

import AutogradCore
import Glibc

/// A growing buffer on the C heap. An answer is written into it, and the socket sends from it without a copy.
///
/// One thread fills it; from then on it is only read. It is a class so that the HTTP library can keep it alive while it
/// sends.
///
/// `@unchecked Sendable`: nothing is appended once the buffer has left the function that filled it.
package final class ByteBuffer: @unchecked Sendable {
  // Accessed for every few bytes of an answer; no method calls another during an access. Exclusivity checks would cost
  // more than writing. Other modules would still check stored properties, so they get computed ones.
  @exclusivity(unchecked) private var start: UnsafeMutablePointer<UInt8>
  @exclusivity(unchecked) private var used = 0
  @exclusivity(unchecked) private var room: Int

  package var base: UnsafeMutablePointer<UInt8> { start }
  package var count: Int { used }
  package var capacity: Int { room }

  package init(capacity: Int = 512) {
    room = max(capacity, 64)
    start = ByteBuffer.allocate(room)
  }

  package convenience init(_ text: String) {
    self.init(capacity: text.utf8.count)
    append(text)
  }

  deinit { free(start) }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: used) }
  package var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Room for at least `extra` more bytes; returns where they start. Follow with ``commit(_:)``.
  @inline(__always)
  package func reserve(_ extra: Int) -> UnsafeMutablePointer<UInt8> {
    if room - used < extra { grow(extra) }
    return start + used
  }

  @inline(__always)
  package func commit(_ written: Int) { used += written }

  @inline(__always)
  package func append(_ byte: UInt8) {
    reserve(1).pointee = byte
    used += 1
  }

  package func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  package func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// The bytes of another buffer. Unlike ``bytes``, this keeps a buffer alive that nobody else holds.
  package func append(_ other: ByteBuffer) { withExtendedLifetime(other) { append(other.bytes) } }
  package func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    memcpy(reserve(bytes.count), source, bytes.count)
    used += bytes.count
  }

  package func removeAll() { used = 0 }

  private func grow(_ extra: Int) {
    // Running out of memory here is fatal: every size has been checked against the limits before.
    room = max(room * 2, used + extra)
    guard let grown = realloc(start, room) else { abort() }
    start = grown.assumingMemoryBound(to: UInt8.self)
  }

  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<UInt8> {
    guard let memory = malloc(capacity) else { abort() }
    AlignedMemory.preferHugePages(memory, capacity)
    return memory.assumingMemoryBound(to: UInt8.self)
  }
}

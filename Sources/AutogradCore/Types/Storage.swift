#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Aligned bytes that tensors share. Freed with the last tensor that holds them.
///
/// `@unchecked Sendable`: it is filled before a second reference exists; afterwards it is only read. What is borrowed
/// is never written.
package final class Storage: @unchecked Sendable {
  /// A cache line, and the widest vector of the machines we build for.
  package static let alignment = 64

  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  /// Who keeps the bytes, where they are borrowed.
  private let owner: AnyObject?

  /// The contents are undefined until written.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    base = AlignedMemory.allocate(byteCount)
    owner = nil
  }

  /// Bytes that somebody else keeps. They need be no better aligned than their elements.
  package init(borrowing bytes: UnsafeRawBufferPointer, of owner: AnyObject) {
    guard let start = bytes.baseAddress, bytes.count > 0 else {
      byteCount = 0
      base = AlignedMemory.allocate(0)
      self.owner = nil
      return
    }
    byteCount = bytes.count
    base = UnsafeMutableRawPointer(mutating: start)
    self.owner = owner
  }

  deinit { if owner == nil { free(base) } }
}

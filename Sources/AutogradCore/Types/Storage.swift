#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Aligned bytes that tensors share. Freed with the last tensor that holds them.
///
/// `@unchecked Sendable`: it is filled before a second reference exists; afterwards it is only read.
package final class Storage: @unchecked Sendable {
  /// A cache line, and the widest vector of the machines we build for.
  package static let alignment = 64

  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// The contents are undefined until written.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    base = AlignedMemory.allocate(byteCount)
  }

  deinit { free(base) }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Aligned bytes that tensors share. Freed with the last tensor that holds them.
///
/// `@unchecked Sendable`: whoever makes a storage fills it before a second reference exists; afterwards it is only read.
package final class Storage: @unchecked Sendable {
  /// A cache line, and the widest vector of the machines we build for.
  package static let alignment = 64

  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// The contents are undefined until written.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    var memory: UnsafeMutableRawPointer?
    // Sizes were admitted against the limits before; a machine that still has no memory left cannot go on.
    guard posix_memalign(&memory, Storage.alignment, max(byteCount, Storage.alignment)) == 0, let memory else { abort() }
    base = memory
  }

  deinit { free(base) }
}

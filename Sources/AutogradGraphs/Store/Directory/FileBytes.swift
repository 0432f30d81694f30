import AutogradFormats
import Glibc

/// The bytes of a file: a copy of a small one, a mapping of a large one.
///
/// `@unchecked Sendable`: only the initializer writes.
final class FileBytes: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool

  /// From this size on a file is mapped, so that processes share its memory.
  private static let mappedFrom = 64 << 10

  /// - Parameters:
  ///   - maps: whether a large file may be mapped: nobody cuts it off while it is in use.
  ///   - failure: makes the error from `errno`.
  init(
    _ file: Int32, byteCount: Int, maps: Bool = true, _ failure: (Int32) -> StoreError
  ) throws(StoreError) {
    if maps, byteCount >= FileBytes.mappedFrom {
      let memory = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, file, 0)
      guard let memory, memory != MAP_FAILED else { throw failure(errno) }
      (bytes, isMapped) = (UnsafeRawBufferPointer(start: memory, count: byteCount), true)
      return
    }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
    var position = 0
    while position < byteCount {
      let count = pread(file, copy.baseAddress.map { $0 + position }, byteCount - position, off_t(position))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let error = count < 0 ? errno : 0
        copy.deallocate()
        throw failure(error)
      }
      position += count
    }
    (bytes, isMapped) = (UnsafeRawBufferPointer(rebasing: copy[..<byteCount]), false)
  }

  deinit {
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    } else {
      bytes.deallocate()
    }
  }
}

extension StoreError {
  /// From `errno`; 0 means that a file is shorter than it was.
  /// - Parameter damaged: makes the error for one that says something about the file itself.
  init(_ number: Int32, _ damaged: (String) -> StoreError) {
    switch number {
    case 0: self = damaged("it is shorter than it was")
    case EIO, EISDIR, ENXIO, ELOOP: self = damaged(String(cString: strerror(number)))
    default: self.init(number)
    }
  }

  /// From `errno` of a call that concerns the folder.
  init(_ number: Int32) {
    switch number {
    case EROFS, EACCES, EPERM:
      self = .readOnly("the folder of graphs cannot be written (\(String(cString: strerror(number))))")
    case ENOSPC, EDQUOT, EFBIG: self = .full
    default: self = .unavailable(String(cString: strerror(number)))
    }
  }
}

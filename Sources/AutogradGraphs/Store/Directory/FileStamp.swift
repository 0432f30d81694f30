import Glibc

/// By what one sees that a file or folder has changed.
struct FileStamp: Equatable {
  private let device: UInt
  private let inode: UInt
  private let size: Int
  private let seconds: Int
  private let nanoseconds: Int
  /// Of the last change of anything, which nobody can set.
  private let changeSeconds: Int
  private let changeNanoseconds: Int
  let isDirectory: Bool

  /// File systems give changes of the same few milliseconds the same time.
  private static let resolution = 2

  /// Nil where there is nothing.
  init?(_ path: String) {
    var status = stat()
    // A link that leads nowhere is there too.
    guard stat(path, &status) == 0 || lstat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init(_ status: stat) {
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
    size = Int(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
    changeSeconds = status.st_ctim.tv_sec
    changeNanoseconds = status.st_ctim.tv_nsec
    isDirectory = status.st_mode & S_IFMT == S_IFDIR
  }

  /// Milliseconds of Unix time.
  var modified: Int { min(max(seconds, 0), FileStamp.latest) * 1000 + nanoseconds / 1_000_000 }

  /// The end of the year 9999.
  private static let latest = 253_402_300_799

  /// Whether what changes now gets another stamp.
  var isSettled: Bool { time(nil) - max(seconds, 0) > FileStamp.resolution }
}

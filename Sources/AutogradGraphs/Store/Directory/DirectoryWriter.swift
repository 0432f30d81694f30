import AutogradFormats
import Glibc
import Synchronization

/// Writes versions into the folder of graphs.
struct DirectoryWriter {
  private let path: String
  private static let count = Atomic<Int>(0)

  init(_ path: String) { self.path = path }

  /// Writes the file of a version and syncs it.
  /// - Parameter published: called as soon as others can see it, before it is certain that it outlives the machine.
  /// - Returns: false if there is one of its number already.
  func write(
    _ version: StoredVersion, _ source: UnsafeRawBufferPointer, published: () -> Void
  ) throws(StoreError) -> Bool {
    let folder = "\(path)/\(version.name)"
    let isNew = mkdir(folder, 0o755) == 0
    guard isNew || errno == EEXIST else { throw StoreError(errno) }
    // Opened before anything is there to be seen: afterwards nothing should fail.
    var status = stat()
    guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .readOnly("\(version.name) is the name of a file in the folder of graphs, which is kept by hand")
    }
    let own = try open(folder)
    defer { close(own) }
    let parent = try isNew ? open(path) : own
    defer { if isNew { close(parent) } }
    removeOldDrafts(folder)
    let number = DirectoryWriter.count.add(1, ordering: .relaxed).newValue
    let draft = "\(folder)/.\(version.version)-\(getpid())-\(number)"
    do throws(StoreError) {
      defer { unlink(draft) }
      try fill(draft, version, source)
      guard link(draft, "\(folder)/\(version.version)") == 0 || isLinked(draft) else {
        if errno == EEXIST { return false }
        throw StoreError(errno)
      }
    } catch {
      // A folder without a version is nothing; one with a version is not removed.
      if isNew { rmdir(folder) }
      throw error
    }
    published()
    guard fsync(own) == 0, !isNew || fsync(parent) == 0 else { throw StoreError(errno) }
    return true
  }

  /// Removes what writers have left that were killed. On a file system without locks another may still be at work, so
  /// what is new stays.
  private func removeOldDrafts(_ folder: String) {
    for draft in DirectoryReader.drafts(in: folder) {
      var status = stat()
      guard stat("\(folder)/\(draft)", &status) == 0, time(nil) - max(status.st_mtim.tv_sec, 0) > 60 else { continue }
      unlink("\(folder)/\(draft)")
    }
  }

  /// Whether a draft has been linked although the answer says that somebody was faster: over a network the call may
  /// have been repeated.
  private func isLinked(_ draft: String) -> Bool {
    let number = errno
    defer { errno = number }
    var status = stat()
    return number == EEXIST && stat(draft, &status) == 0 && status.st_nlink == 2
  }

  private func open(_ folder: String) throws(StoreError) -> Int32 {
    let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreError(errno) }
    return descriptor
  }

  private func fill(_ draft: String, _ version: StoredVersion, _ source: UnsafeRawBufferPointer) throws(StoreError) {
    let file = Glibc.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw StoreError(errno) }
    defer { close(file) }
    let line = VersionFile.line(of: version)
    for bytes in [line.bytes, source] {
      var rest = bytes
      while let start = rest.baseAddress, rest.count > 0 {
        let count = Glibc.write(file, start, rest.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw StoreError(count == 0 ? ENOSPC : errno) }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
    withExtendedLifetime(line) {}
    guard fsync(file) == 0 else { throw StoreError(errno) }
  }

  /// Removes the files of all earlier versions, the last one last: as long as a deletion is there, those before it are
  /// gone for everybody. What cannot be removed now is removed with the next deletion.
  func removeVersions(before version: StoredVersion) {
    let numbers = DirectoryReader.numbers(of: version.name, in: path).filter { $0 < version.version }
    for number in numbers.sorted() { unlink("\(path)/\(version.name)/\(number)") }
  }
}

/// One writer at a time, on all machines that share the folder, for as long as this exists.
final class DirectoryLock {
  private let descriptor: Int32
  /// Microseconds between two attempts, and how often to try: 5 s in all.
  private static let (pause, attempts): (UInt32, Int) = (2000, 2500)

  init(_ path: String) throws(StoreError) {
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreError(errno) }
    for _ in 0..<DirectoryLock.attempts {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
      guard errno == EWOULDBLOCK || errno == EINTR else { break }
      usleep(DirectoryLock.pause)
    }
    close(descriptor)
    throw .unavailable("another process holds the folder's lock")
  }

  deinit { close(descriptor) }
}

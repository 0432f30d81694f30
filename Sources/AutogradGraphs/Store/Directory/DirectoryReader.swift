import Glibc

/// Reads what is in the folder of graphs. It knows nothing that it has read before.
struct DirectoryReader {
  let path: String
  /// Bytes that a file may have which is kept by hand, and so is not mapped.
  let mostBytes: Int

  /// Nanoseconds of a clock that never goes back.
  static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  /// Milliseconds of Unix time.
  static var wallClock: Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }

  // MARK: Names

  /// All names that files and folders have.
  func names() throws(StoreError) -> Set<GraphName> {
    var names: Set<GraphName> = []
    try DirectoryReader.forEachEntry(of: path) { entry in
      if let name = GraphName(entry) { names.insert(name) }
      if let (name, _) = FlatFile.name(of: entry) { names.insert(name) }
    }
    return names
  }

  private static func forEachEntry(of path: String, _ body: (String) -> Void) throws(StoreError) {
    guard let folder = opendir(path) else { throw StoreError(errno) }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { body(String(cString: $0)) }
      }
    }
  }

  // MARK: One name

  /// What is found under a name; nil where nothing is.
  /// - Parameter known: what was found before: if its stamp is still right, nothing is read.
  func read(_ name: GraphName, _ known: FoundGraph?) throws(StoreError) -> FoundGraph? {
    let folder = FileStamp("\(path)/\(name)").flatMap { $0.isDirectory ? $0 : nil }
    let files = FlatFile.all(path, name)
    if let known, known.newest.damage == nil, known.stamp.isSettled, known.stamp == folder ?? files.first?.stamp,
      files.count + (folder == nil ? 0 : 1) == 1
    {
      return known
    }
    let inFolder = try folder.flatMap { stamp throws(StoreError) in try readFolder(name, stamp, known) }
    guard let file = files.first else { return inFolder }
    guard files.count == 1, inFolder == nil else {
      var found = FoundGraph.damaged(
        name, 1, "there are several files for it, or a file and a folder; leave one", file.stamp)
      found.newest.isReadOnly = true
      return found
    }
    return try file.read(atMost: mostBytes)
  }

  private func readFolder(_ name: GraphName, _ stamp: FileStamp, _ known: FoundGraph?) throws(StoreError) -> FoundGraph?
  {
    var newest = 0
    try DirectoryReader.forEachEntry(of: "\(path)/\(name)") { newest = max(newest, DirectoryReader.number($0) ?? 0) }
    if newest == 0 { return nil }
    do throws(StoreError) {
      var found = FoundGraph(newest: try version(newest, of: name), stamp: stamp)
      if let known, !known.newest.isDeleted, !found.newest.isDeleted, 0...1 ~= newest - known.newest.version {
        found.first = known.first
      } else if newest == 1 {
        found.first = 1
      }
      return found
    } catch {
      guard case .damaged(_, _, let reason) = error else { throw error }
      return .damaged(name, newest, reason, stamp)
    }
  }

  /// The numbers of all files of versions; none where they cannot be read.
  static func numbers(of name: GraphName, in path: String) -> [Int] {
    var numbers: [Int] = []
    try? DirectoryReader.forEachEntry(of: "\(path)/\(name)") { entry in
      if let number = DirectoryReader.number(entry) { numbers.append(number) }
    }
    return numbers
  }

  /// Files that writers have begun: `.3-1234-1`.
  static func drafts(in folder: String) -> [String] {
    var drafts: [String] = []
    try? forEachEntry(of: folder) { entry in
      let parts = entry.utf8.dropFirst().split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
      let isDraft = parts.count == 3 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }
      if entry.hasPrefix("."), isDraft { drafts.append(entry) }
    }
    return drafts
  }

  /// The number of a version's file: digits that do not begin with 0.
  private static func number(_ entry: String) -> Int? {
    guard let first = entry.utf8.first, (49...57).contains(first), entry.utf8.allSatisfy({ (48...57).contains($0) })
    else { return nil }
    return Int(entry).flatMap { $0 <= greatest ? $0 : nil }
  }

  /// Numbers in JSON are exact up to here.
  private static let greatest = 1 << 53

  /// - Throws: `missing` where there is no such file.
  func version(_ number: Int, of name: GraphName) throws(StoreError) -> StoredVersion {
    let file = try open(name, number)
    defer { close(file) }
    return try VersionFile.read(file, name, number).0
  }

  func bytes(of version: StoredVersion) throws(StoreError) -> StoredBytes {
    if version.isReadOnly {
      let source = try FlatFile(path, version).content(atMost: mostBytes)
      // It may have changed since it was looked at.
      guard SHA256Digest(of: source.bytes) == version.digest else { throw .missing }
      return source
    }
    let file = try open(version.name, version.version)
    defer { close(file) }
    let (found, start) = try VersionFile.read(file, version.name, version.version)
    return try VersionFile.source(file, of: found, from: start)
  }

  private func open(_ name: GraphName, _ number: Int) throws(StoreError) -> Int32 {
    let file = Glibc.open("\(path)/\(name)/\(number)", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    if file >= 0 { return file }
    switch errno {
    case ENOENT, ENOTDIR: throw .missing
    case EACCES, EPERM:
      throw .damaged(name.text, number, "it cannot be read: \(String(cString: strerror(errno)))")
    case let error: throw StoreError(error) { .damaged(name.text, number, $0) }
    }
  }
}

extension FoundGraph {
  /// Something that is there, and of which no more can be said.
  static func damaged(_ name: GraphName, _ number: Int, _ reason: String, _ stamp: FileStamp) -> FoundGraph {
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    var version = StoredVersion(
      name: name, version: number, type: .formula, created: stamp.modified, description: nil, byteCount: 0,
      digest: SHA256Digest(of: nothing))
    version.damage = reason
    return FoundGraph(newest: version, stamp: stamp)
  }
}

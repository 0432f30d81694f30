import Glibc

/// A graph that somebody keeps by hand: `fit.txt`, `fit.json`, `fit.safetensors`, as a ConfigMap or a checkout of git
/// has them. It may change underneath, and may be cut off while it is read, so it is read and never mapped.
struct FlatFile {
  let path: String
  let name: GraphName
  let type: GraphMediaType
  let stamp: FileStamp

  private static let endings: [(ending: String, type: GraphMediaType)] = [
    (".txt", .formula), (".json", .json), (".safetensors", .safetensors),
  ]

  /// The graph that a file of this name would be.
  static func name(of entry: String) -> (GraphName, GraphMediaType)? {
    for (ending, type) in endings where entry.hasSuffix(ending) {
      if let name = GraphName(entry.dropLast(ending.count)) { return (name, type) }
    }
    return nil
  }

  /// The files that there are for a name.
  static func all(_ folder: String, _ name: GraphName) -> [FlatFile] {
    endings.compactMap { ending, type in
      let path = "\(folder)/\(name)\(ending)"
      guard let stamp = FileStamp(path), !stamp.isDirectory else { return nil }
      return FlatFile(path: path, name: name, type: type, stamp: stamp)
    }
  }

  private init(path: String, name: GraphName, type: GraphMediaType, stamp: FileStamp) {
    (self.path, self.name, self.type, self.stamp) = (path, name, type, stamp)
  }

  /// - Throws: `missing` where the file has gone.
  init(_ folder: String, _ version: StoredVersion) throws(StoreError) {
    guard let file = FlatFile.all(folder, version.name).first(where: { $0.type == version.type }) else {
      throw .missing
    }
    self = file
  }

  func read(atMost most: Int) throws(StoreError) -> FoundGraph? {
    do throws(StoreError) {
      let bytes = try content(atMost: most)
      var version = StoredVersion(
        name: name, version: 1, type: type, created: stamp.modified, description: nil, byteCount: bytes.bytes.count,
        digest: SHA256Digest(of: bytes.bytes))
      version.isReadOnly = true
      return FoundGraph(newest: version, first: 1, stamp: stamp)
    } catch {
      switch error {
      case .missing: return FileStamp(path) == nil ? nil : damaged("it is a link that leads nowhere")
      case .damaged(_, _, let reason): return damaged(reason)
      default: throw error
      }
    }
  }

  private func damaged(_ reason: String) -> FoundGraph {
    var found = FoundGraph.damaged(name, 1, reason, stamp)
    found.newest.isReadOnly = true
    return found
  }

  func content(atMost most: Int) throws(StoreError) -> StoredBytes {
    let damaged = { (reason: String) in StoreError.damaged(name.text, 1, reason) }
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard file >= 0 else {
      let error = errno
      if error == ENOENT { throw .missing }
      if error == EACCES { throw damaged("it cannot be read: \(String(cString: strerror(error)))") }
      throw StoreError(error, damaged)
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw damaged("it is not a file") }
    let size = Int(status.st_size)
    guard size <= most else { throw damaged("it has \(size) bytes, at most \(most) are kept") }
    let copy = try FileBytes(file, byteCount: size, maps: false) { StoreError($0, damaged) }
    return StoredBytes(copy.bytes, owner: copy)
  }
}

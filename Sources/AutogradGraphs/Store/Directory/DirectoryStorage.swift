import AutogradFormats
import Glibc

/// Registered graphs in a folder: version 3 of `fit` is the file `fit/3`, see ``VersionFile``. A flat file `fit.txt`,
/// `fit.json` or `fit.safetensors`, which somebody else keeps, is version 1 and can only be read.
///
/// A version is written under another name, synced, and linked to its number. A writer that is killed leaves only a
/// file whose name begins with a point, which the next one removes. Writers take turns by a lock on the folder: a
/// deletion removes the files of earlier versions, whose numbers would look free to somebody who has not seen it.
/// Linking fails if the number is there, also where a file system has no locks.
package final class DirectoryStorage: GraphStorage {
  package let isPersistent = true
  private let path: String
  private let limits: StoreLimits
  private let changes: StoreChanges
  private let index = Guarded(DirectoryIndex())
  /// Of the whole folder, when all of it was read last.
  private let scanned = Guarded<FileStamp?>(nil)
  private let reader: DirectoryReader

  /// - Parameters:
  ///   - path: a folder, which is made if it is not there.
  ///   - changes: shared with the other processes of the server.
  package init(_ path: String, limits: StoreLimits, changes: StoreChanges) throws(StoreError) {
    if FileStamp(path) == nil, mkdir(path, 0o755) != 0 {
      throw .unavailable("\(path): \(String(cString: strerror(errno)))")
    }
    guard FileStamp(path)?.isDirectory ?? false else { throw .unavailable("\(path) is not a folder") }
    self.path = path
    self.limits = limits
    self.changes = changes
    reader = DirectoryReader(path: path, mostBytes: limits.bytes)
  }

  // MARK: Reading

  package func newest(of name: GraphName) throws(StoreError) -> StoredVersion? {
    if let entry = fresh(name) { return entry.found?.newest }
    return try look(name)?.newest
  }

  package func isNewest(_ version: StoredVersion) -> Bool {
    fresh(version.name)?.found?.newest.isSame(as: version) ?? false
  }

  private func fresh(_ name: GraphName) -> DirectoryIndex.Entry? {
    let now = DirectoryReader.now
    return index.withLock { index in
      index.follow(changes)
      return index.fresh(name, at: now)
    }
  }

  /// Reads what is there now.
  @discardableResult
  private func look(_ name: GraphName) throws(StoreError) -> FoundGraph? {
    let (known, generation) = index.withLock { index in
      index.follow(changes)
      return (index.entries[name]?.found, index.seen)
    }
    let time = DirectoryReader.now
    let found = try reader.read(name, known)
    index.withLock { $0.store(found, of: name, generation, time) }
    return found
  }

  package func newest() throws(StoreError) -> [StoredVersion] {
    try scan()
    return index.withLock { $0.entries.values.compactMap { $0.found?.newest } }
  }

  /// Reads every name that may have changed.
  private func scan() throws(StoreError) {
    let stamp = FileStamp(path)
    let names = try reader.names()
    // Those that have gone are looked at too.
    let known = index.withLock { Array($0.entries.keys) }
    for name in names.union(known) where fresh(name) == nil { try look(name) }
    scanned.withLock { $0 = stamp }
  }

  package func versions(of name: GraphName) throws(StoreError) -> [StoredVersion] {
    guard let found = try look(name), !found.newest.isDeleted else { return [] }
    if found.newest.isReadOnly { return [found.newest] }
    let first = min(try firstVersion(of: found), found.newest.version)
    return try (first..<found.newest.version).map { number throws(StoreError) in
      do throws(StoreError) {
        return try reader.version(number, of: name)
      } catch {
        guard case .damaged(_, _, let reason) = error else { throw error }
        return FoundGraph.damaged(name, number, reason, found.stamp).newest
      }
    } + [found.newest]
  }

  package func version(_ number: Int, of name: GraphName) throws(StoreError) -> StoredVersion? {
    let found = if let entry = fresh(name) { entry.found } else { try look(name) }
    guard let found, !found.newest.isDeleted, number >= 1, number <= found.newest.version else { return nil }
    if number == found.newest.version { return found.newest }
    if found.newest.isReadOnly { return nil }
    guard number >= (try firstVersion(of: found)) else { return nil }
    return try reader.version(number, of: name)
  }

  /// The first version since the last deletion.
  private func firstVersion(of found: FoundGraph) throws(StoreError) -> Int {
    if let first = found.first { return first }
    var first = found.newest.version
    while first > 1 {
      do throws(StoreError) {
        if try reader.version(first - 1, of: found.newest.name).isDeleted { break }
      } catch {
        // A damaged version is one of them; behind a missing one there are none.
        if case .missing = error { break }
      }
      first -= 1
    }
    index.withLock { $0.remember(first: first, of: found.newest) }
    return first
  }

  package func bytes(of version: StoredVersion) throws(StoreError) -> StoredBytes {
    if let damage = version.damage { throw .damaged(version.name.text, version.version, damage) }
    do throws(StoreError) {
      return try reader.bytes(of: version)
    } catch {
      // Another machine has deleted it; what is there now shows at once.
      if case .missing = error { try look(version.name) }
      throw error
    }
  }

  // MARK: Writing

  package func put(
    _ content: StoredContent, as name: GraphName, if condition: (String?) -> Bool
  ) throws(StoreError) -> (version: StoredVersion, isNew: Bool) {
    while true {
      // Most refusals need no lock.
      try check(condition, try look(name)?.newest)
      let lock = try DirectoryLock(path)
      defer { withExtendedLifetime(lock) {} }
      let found = try look(name)
      let newest = found?.newest
      try check(condition, newest)
      if let newest, !newest.isDeleted, newest.damage == nil, newest.digest == content.digest,
        newest.type == content.type, newest.description == content.description, isSound(newest)
      {
        return (newest, false)
      }
      if newest?.isReadOnly ?? false { throw .readOnly("\(name.text) is a file that is kept by hand in the folder") }
      let version = StoredVersion(
        name: name, version: (newest?.version ?? 0) + 1, type: content.type, created: DirectoryReader.wallClock,
        description: content.description, byteCount: content.bytes.count, digest: content.digest)
      if newest?.isDeleted ?? true { try refreshNames() }
      try checkLimits(version, found)
      guard try DirectoryWriter(path).write(version, content.bytes, published: { changes.note(name) }) else { continue }
      if newest?.isDeleted ?? false { DirectoryWriter(path).removeVersions(before: version) }
      // It is stored: whoever asks next looks again, if this cannot.
      _ = try? look(name)
      return (version, true)
    }
  }

  package func delete(_ name: GraphName, if condition: (String?) -> Bool) throws(StoreError) {
    while true {
      let lock = try DirectoryLock(path)
      defer { withExtendedLifetime(lock) {} }
      let newest = try look(name)?.newest
      try check(condition, newest)
      guard let newest, !newest.isDeleted else { throw .missing }
      if newest.isReadOnly { throw .readOnly("\(name.text) is a file that is kept by hand in the folder") }
      var deletion = StoredVersion(
        name: name, version: newest.version + 1, type: newest.type, created: DirectoryReader.wallClock,
        description: nil, byteCount: 0, digest: SHA256Digest(of: UnsafeRawBufferPointer(start: nil, count: 0)))
      deletion.isDeleted = true
      guard try DirectoryWriter(path).write(deletion, deletion.noBytes, published: { changes.note(name) }) else {
        continue
      }
      DirectoryWriter(path).removeVersions(before: deletion)
      _ = try? look(name)
      return
    }
  }

  /// Whether the bytes are those that were put. Putting them again mends them.
  private func isSound(_ version: StoredVersion) -> Bool {
    do throws(StoreError) {
      _ = try reader.bytes(of: version)
      return true
    } catch {
      if case .damaged = error { return false }
      return true
    }
  }

  private func check(_ condition: (String?) -> Bool, _ newest: StoredVersion?) throws(StoreError) {
    let present = newest.flatMap { $0.isDeleted ? nil : $0 }
    guard condition(present?.tag) else { throw .preconditionFailed(tag: present?.tag, version: present?.version) }
  }

  /// Looks at names that others have made; on other machines too.
  private func refreshNames() throws(StoreError) {
    let stamp = FileStamp(path)
    guard scanned.withLock({ $0 != stamp || !($0?.isSettled ?? false) }) else { return }
    let names = try reader.names()
    let unknown = index.withLock { index in names.filter { index.entries[$0]?.found == nil } }
    for name in unknown { try look(name) }
    scanned.withLock { $0 = stamp }
  }

  private func checkLimits(_ version: StoredVersion, _ found: FoundGraph?) throws(StoreError) {
    for name in index.withLock({ index in
      index.follow(changes)
      return index.stale
    }) { try look(name) }
    let (totals, twin) = index.withLock { ($0.totals, $0.twin(of: version.name)) }
    if let twin, found == nil { throw .sameButForCase(twin.text) }
    let isNew = found?.newest.isDeleted ?? true
    if isNew, totals.graphs >= limits.graphs { throw .limit(.graphs, most: limits.graphs, value: totals.graphs + 1) }
    if found == nil, totals.names >= limits.names {
      throw .limit(.names, most: limits.names, value: totals.names + 1)
    }
    if let found, !isNew {
      let count = version.version - (try firstVersion(of: found)) + 1
      if count > limits.versions { throw .limit(.versions, most: limits.versions, value: count) }
    }
    let bytes = totals.bytes - (isNew ? 0 : found?.newest.byteCount ?? 0) + version.byteCount
    if bytes > limits.bytes { throw .limit(.bytes, most: limits.bytes, value: bytes) }
  }
}

extension StoredVersion {
  fileprivate var noBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}

import CSystem
import Glibc

extension SharedMemoryStorage {
  package func put(
    _ content: StoredContent, as name: GraphName, if condition: (String?) -> Bool
  ) throws(StoreError) -> (version: StoredVersion, isNew: Bool) {
    try writing.locked { space throws(StoreError) in
      let found = try find(name)
      let newest = found?.entry.newest
      try check(condition, newest)
      if let newest, !newest.isDeleted, newest.damage == nil, newest.digest == content.digest,
        newest.type == content.type, newest.description == content.description
      {
        return (newest, false)
      }
      let previous = newest.map { $0.isDeleted ? 0 : $0.place } ?? 0
      try checkLimits(content, name, found?.entry)
      let record = SharedRecord(
        place: found?.place ?? region.nameCount, version: (newest?.version ?? 0) + 1, floor: found?.entry.floor ?? 0,
        created: SharedMemoryStorage.wallClock, type: content.type, description: content.description,
        byteCount: content.bytes.count, digest: content.digest,
        total: (found?.entry.total ?? 0) + content.bytes.count, previous: previous)
      return (try publish(record, content.bytes, name, space).stored(as: name), true)
    }
  }

  /// Writes a record, and then the word by which everybody sees it.
  private func publish(
    _ record: SharedRecord, _ bytes: UnsafeRawBufferPointer, _ name: GraphName, _ space: SharedSpace
  ) throws(StoreError) -> SharedRecord {
    let size = record.size(region.layout)
    // Small sources take a page each.
    let most = limits.bytes + min(limits.overhead, .max - limits.bytes)
    guard size <= available() - SharedMemoryStorage.kept, size <= most - region.allocatedByteCount else { throw .full }
    var record = record
    record.offset = try space.reserve(size, for: record.place)
    let isNewName = record.place == region.nameCount
    do throws(StoreError) {
      try record.write(bytes, to: region)
      if isNewName { try region.write(name, record.place) }
    } catch {
      space.abandon()
      throw error
    }
    region.publish(.record(record.offset), record.place)
    if isNewName { region[number: .nameCount] = record.place + 1 }
    space.settle()
    changes.note(name)
    return record
  }

  package func delete(_ name: GraphName, if condition: (String?) -> Bool) throws(StoreError) {
    try writing.locked { space throws(StoreError) in
      let found = try find(name)
      try check(condition, found?.entry.newest)
      guard let found, !found.entry.newest.isDeleted else { throw .missing }
      // On a page that the name has already, so that a deletion takes no memory.
      system_word_store(region.deletionTime(found.place), UInt64(SharedMemoryStorage.wallClock))
      region[number: .freeing] = found.entry.newest.place
      region.publish(.deletion(found.entry.newest.version + 1), found.place)
      changes.note(name)
      // It is deleted; what cannot be freed costs memory and nothing else.
      try? space.free()
      try? space.sweep()
    }
  }

  private func check(_ condition: (String?) -> Bool, _ newest: StoredVersion?) throws(StoreError) {
    let present = newest.flatMap { $0.isDeleted ? nil : $0 }
    guard condition(present?.tag) else { throw .preconditionFailed(tag: present?.tag, version: present?.version) }
  }

  private func checkLimits(
    _ content: StoredContent, _ name: GraphName, _ entry: SharedIndex.Entry?
  ) throws(StoreError) {
    let (twin, graphs, names, bytes) = index.withLock { index in
      index.refresh(region)
      return (index.twin(of: name), index.graphs, index.entries.count, index.bytes)
    }
    if entry == nil, let twin { throw .sameButForCase(twin.text) }
    let present = entry.flatMap { $0.newest.isDeleted ? nil : $0 }
    if present == nil, graphs >= limits.graphs { throw .limit(.graphs, most: limits.graphs, value: graphs + 1) }
    let mostNames = min(limits.names, region.layout.names)
    if entry == nil, names >= mostNames { throw .limit(.names, most: mostNames, value: names + 1) }
    if let present {
      let count = present.newest.version + 1 - present.floor
      if count > limits.versions { throw .limit(.versions, most: limits.versions, value: count) }
    }
    let total = bytes + content.bytes.count
    if total > limits.bytes { throw .limit(.bytes, most: limits.bytes, value: total) }
  }

  /// Bytes that are left to the rest of the system.
  private static let kept = 16 << 20

  /// Milliseconds of Unix time.
  private static var wallClock: Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}

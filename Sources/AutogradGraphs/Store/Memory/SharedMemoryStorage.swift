import Glibc

/// Registered graphs in memory that all processes of a server share, see ``SharedLayout``. It outlives workers and ends
/// with the server.
///
/// Writers take turns by a lock that survives its owner's death. Readers take no lock that a process could die with: a
/// name has one word that says what its newest version is, and a version is written before that word and never changed.
/// Small sources are copied, and then it is checked that they were still there. Large ones are mapped, so that the
/// weights of a model are in memory once for all workers, and stay as long as they are mapped: see ``PinTable``.
package final class SharedMemoryStorage: GraphStorage {
  package let isPersistent = false
  let writing: SharedWriting
  let limits: StoreLimits
  let changes: any ChangeNotice
  let index = Guarded(SharedIndex())
  /// Bytes that may be taken before the system, or the control group, is short of memory.
  let available: @Sendable () -> Int
  private let history = Guarded(SharedHistory())

  var region: SharedRegion { writing.region }

  /// Makes the memory, for a server that begins.
  /// - Returns: its descriptor, for ``init(inheriting:limits:changes:available:)`` in this process and in workers. It
  ///   is 64 or above, and closes on exec.
  package static func create(_ limits: StoreLimits) throws(StoreError) -> Int32 {
    try SharedRegion.create(names: limits.names)
  }

  /// The list of changes at the start of the memory. It stays mapped for ever.
  package static func changes(in descriptor: Int32) throws(StoreError) -> StoreChanges {
    let memory = mmap(nil, StoreChanges.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let memory, memory != MAP_FAILED else { throw StoreError(memory: errno) }
    return StoreChanges(memory)
  }

  /// The graphs in memory that was made before.
  /// - Parameters:
  ///   - descriptor: the storage's from now on.
  ///   - changes: shared with the other processes.
  ///   - available: bytes that may be taken. The system kills processes rather than refuse memory, so what does not fit
  ///     is refused before.
  package init(
    inheriting descriptor: Int32, limits: StoreLimits, changes: any ChangeNotice,
    available: @escaping @Sendable () -> Int = AvailableMemory.bytes
  ) throws(StoreError) {
    writing = SharedWriting(try SharedRegion(inheriting: descriptor), changes: changes)
    self.limits = limits
    self.changes = changes
    self.available = available
    // This process may replace one that died with the lock.
    writing.recover()
    // So that no request waits for what thousands of graphs take to be read.
    index.withLock { $0.refresh(region) }
  }

  // MARK: Reading

  package func newest() throws(StoreError) -> [StoredVersion] {
    index.withLock { index in
      index.refresh(region)
      return index.entries.compactMap { $0?.newest }
    }
  }

  package func newest(of name: GraphName) throws(StoreError) -> StoredVersion? { try find(name)?.entry.newest }

  package func isNewest(_ version: StoredVersion) -> Bool {
    region.state(version.namePlace) == .record(version.place)
  }

  /// A name's place, and what is there now.
  func find(_ name: GraphName) throws(StoreError) -> (place: Int, entry: SharedIndex.Entry)? {
    try index.withLock { index throws(StoreError) in
      guard let place = index.place(of: name, region), let entry = try index.entry(place, region) else { return nil }
      return (place, entry)
    }
  }

  package func versions(of name: GraphName) throws(StoreError) -> [StoredVersion] {
    while let (place, entry) = try find(name), !entry.newest.isDeleted {
      let known = history.withLock { $0.versions(place, floor: entry.floor) }
      if known.last?.version ?? 0 >= entry.newest.version {
        return Array(known.prefix(entry.newest.version - entry.floor))
      }
      // Nil if it was deleted meanwhile.
      guard let later = try versions(of: entry, place, behind: known.last?.version ?? entry.floor) else { continue }
      let all = known + later
      history.withLock { $0.store(all, place, floor: entry.floor) }
      return all
    }
    return []
  }

  /// The versions behind a number, ascending, read from the newest on; nil if they are gone.
  private func versions(
    of entry: SharedIndex.Entry, _ place: Int, behind number: Int
  ) throws(StoreError) -> [StoredVersion]? {
    var versions = [entry.newest]
    var record = try SharedRecord(at: entry.newest.place, region)
    while let first = versions.last, first.version > number + 1 {
      record = try record.flatMap { record throws(StoreError) in try SharedRecord(at: record.previous, region) }
      guard try isThere(entry.newest.version, place) else { return nil }
      guard let record, record.place == place, record.version == first.version - 1 else {
        throw .damaged(first.name.text, first.version - 1, "the shared memory does not say where it is")
      }
      versions.append(record.stored(as: first.name))
    }
    return versions.reversed()
  }

  /// Whether a version has not been deleted.
  private func isThere(_ number: Int, _ place: Int) throws(StoreError) -> Bool {
    let entry = try index.withLock { index throws(StoreError) in try index.entry(place, region) }
    return number > entry?.floor ?? .max
  }

  package func version(_ number: Int, of name: GraphName) throws(StoreError) -> StoredVersion? {
    guard let (_, entry) = try find(name), !entry.newest.isDeleted, number > entry.floor,
      number <= entry.newest.version
    else { return nil }
    if number == entry.newest.version { return entry.newest }
    return try versions(of: name).first { $0.version == number }
  }

  package func bytes(of version: StoredVersion) throws(StoreError) -> StoredBytes {
    func damaged(_ reason: String) -> StoreError { .damaged(version.name.text, version.version, reason) }
    if let damage = version.damage { throw damaged(damage) }
    guard !version.isDeleted, let (place, _) = try find(version.name), try isThere(version.version, place) else {
      throw .missing
    }
    let record = try SharedRecord(at: version.place, region)
    guard try isThere(version.version, place) else { throw .missing }
    guard let record, record.place == place, record.version == version.version else {
      throw damaged("the shared memory does not say where it is")
    }
    let stored = try bytes(of: record)
    // Whether it was there all the time, or from when it was entered as mapped on.
    guard try isThere(version.version, place) else { throw .missing }
    guard SHA256Digest(of: stored.bytes) == version.digest else {
      throw damaged("its bytes have changed: their SHA-256 is another")
    }
    return stored
  }

  private func bytes(of record: SharedRecord) throws(StoreError) -> StoredBytes {
    let start = record.offset + record.start(region.layout)
    if record.isMapped, let mapping = SharedMapping(writing, record: record.offset, start, record.byteCount) {
      return StoredBytes(mapping.bytes, owner: mapping)
    }
    let copy = try SharedCopy(region, start, record.byteCount)
    return StoredBytes(copy.bytes, owner: copy)
  }
}

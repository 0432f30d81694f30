import CSystem
import Glibc
import Testing

@testable import AutogradGraphs

/// A writer that dies with the lock, at each place where it leaves something to be done. A thread that ends is as dead
/// as a process for a lock.
@Suite struct SharedMemoryRecoveryTests {
  private let large = [UInt8](repeating: 3, count: 100_000)

  /// Does something under the lock, on a thread that ends without releasing it.
  private func die(_ storage: SharedMemoryStorage, _ body: @escaping @Sendable (SharedSpace) throws -> Void) throws {
    let failure = Guarded<String?>(nil)
    onThreads(1) { _ in
      do {
        guard system_lock_take(storage.region.lock, 1) == system_lock_taken else { throw StoreError.missing }
        try body(storage.writing.space)
      } catch {
        failure.withLock { $0 = "\(error)" }
      }
    }
    #expect(failure.withLock { $0 } == nil)
  }

  private func expectNoLeak(_ pair: SharedMemoryPair, _ location: SourceLocation = #_sourceLocation) throws {
    let region = pair.first.region
    #expect(region[.unsettledBytes] == 0 && region[.freeing] == 0, sourceLocation: location)
    let (taken, expected) = (pair.recordBytes, try pair.expectedRecordBytes())
    #expect(taken == expected, sourceLocation: location)
  }

  @Test func whatWasNotPublishedIsGivenBack() throws {
    let pair = try SharedMemoryPair()
    try pair.first.put("fit", "y = x")
    let generation = pair.changes.generation
    try die(pair.first) { _ = try $0.reserve(1 << 20, for: 0) }
    #expect(pair.recordBytes > 1 << 20)
    #expect(try pair.second.newest("fit")?.version == 1)
    #expect(try pair.second.put("fit", "y = 2 * x").version == 2)
    try expectNoLeak(pair)
    // It may have published something without a word.
    #expect(pair.changes.names(since: generation, until: pair.changes.generation) == nil)
  }

  @Test func whatWasPublishedStays() throws {
    let pair = try SharedMemoryPair()
    let before = try pair.first.put("fit", "y = x")
    let bytes = large
    try die(pair.first) { [first = pair.first] space in
      let digest = bytes.withUnsafeBytes { SHA256Digest(of: $0) }
      var record = SharedRecord(
        place: 0, version: 2, floor: 0, created: 1, type: .formula, byteCount: bytes.count, digest: digest,
        total: before.byteCount + bytes.count, previous: before.place)
      record.offset = try space.reserve(record.size(first.region.layout), for: 0)
      try bytes.withUnsafeBytes { try record.write($0, to: first.region) }
      first.region.publish(.record(record.offset), 0)
    }
    let newest = try #require(try pair.second.newest("fit"))
    #expect(try newest.version == 2 && pair.second.copy(of: newest) == large)
    try pair.second.put("other", "y = x")
    #expect(try pair.second.versions("fit").map(\.version) == [1, 2])
    #expect(try pair.second.copy(of: newest) == large)
    try expectNoLeak(pair)
  }

  @Test func aDeletionThatWasNotPublishedIsNone() throws {
    let pair = try SharedMemoryPair()
    let version = try pair.first.put("fit", "y = x")
    try die(pair.first) { $0.region[number: .freeing] = version.place }
    try pair.second.put("other", "y = x")
    #expect(try pair.second.copy(of: version) == Array("y = x".utf8))
    try expectNoLeak(pair)
  }

  @Test(arguments: 0...2)
  func aDeletionIsFinished(_ freed: Int) throws {
    let pair = try SharedMemoryPair()
    let versions = try (0..<4).map { try pair.first.put("fit", large + [UInt8($0)]).version }
    var mapped: StoredBytes? = try pair.second.bytes(of: versions[1])
    try die(pair.first) { space in
      let region = space.region
      system_word_store(region.deletionTime(0), 1)
      region[number: .freeing] = versions[3].place
      region.publish(.deletion(5), 0)
      for version in versions.reversed().prefix(freed) {
        guard let record = try SharedRecord(at: version.place, region) else { throw StoreError.missing }
        region.discard(record.offset, record.size(region.layout))
        region[number: .freeing] = record.previous
      }
    }
    #expect(try pair.second.newest("fit")?.isDeleted == true)
    try pair.first.put("other", "y = x")
    #expect(mapped.map { Array($0.bytes) } == large + [1])
    mapped = nil
    #expect(mapped == nil)
    try expectNoLeak(pair)
    #expect(try pair.first.put("fit", "y = x").version == 6)
  }

  @Test func aRecordThatIsBeingFreedIsFreed() throws {
    let pair = try SharedMemoryPair()
    let versions = try (0..<3).map { try pair.first.put("fit", large + [UInt8($0)]).version }
    try die(pair.first) { space in
      let region = space.region
      region[number: .freeing] = versions[2].place
      region.publish(.deletion(4), 0)
      guard let record = try SharedRecord(at: versions[2].place, region) else { throw StoreError.missing }
      // As reserve does, and no more.
      region[number: .unsettled] = record.offset
      region[number: .unsettledPlace] = 0
      region[number: .unsettledBytes] = record.size(region.layout)
    }
    try pair.second.put("other", "y = x")
    try expectNoLeak(pair)
  }

  @Test func condemnedRecordsOutliveAWriter() throws {
    let pair = try SharedMemoryPair()
    let names = ["a", "b", "c"]
    let versions = try names.map { try pair.first.put($0, large).version }
    var mapped = try versions.map { try pair.second.bytes(of: $0) }
    for name in names { try pair.first.delete(name) }
    // The middle one of the list is no longer mapped, and whoever frees it dies.
    try die(pair.first) { space in
      let region = space.region
      guard let record = try SharedRecord(at: versions[1].place, region) else { throw StoreError.missing }
      region[number: .unsettled] = record.offset
      region[number: .unsettledPlace] = 1
      region[number: .unsettledBytes] = record.size(region.layout)
    }
    mapped.remove(at: 1)
    #expect(mapped.allSatisfy { Array($0.bytes) == large })
    try pair.second.put("other", "y = x")
    #expect(mapped.allSatisfy { Array($0.bytes) == large })
    mapped = []
    #expect(mapped.isEmpty)
    try expectNoLeak(pair)
    #expect(pair.first.region[.condemned] == 0)
  }

  @Test func mappingsOfTheDeadDoNotCount() throws {
    let pair = try SharedMemoryPair()
    let version = try pair.first.put("w", large).version
    // No process has this number: the most that Linux gives is 2^22.
    let dead: UInt64 = 1 << 23
    let region = pair.first.region
    try region.allocate(region.pinOffset(0), SharedLayout.pins * 8)
    for index in 0..<SharedLayout.pins { system_word_store(region.pin(0, index), 0) }
    system_word_store(region.owner(0), dead)
    system_word_store(region.pin(0, 5), UInt64(version.place))
    try pair.first.delete("w")
    try expectNoLeak(pair)
    // Its row is taken over, without what it had.
    let next = try pair.second.put("w", large).version
    let mapped = try pair.second.bytes(of: next)
    #expect(system_word_load(region.owner(0)) == UInt64(getpid()))
    #expect(system_word_load(region.pin(0, 5)) == 0)
    withExtendedLifetime(mapped) {}
  }

  @Test func aNewProcessLooksAfterADeadOne() throws {
    let pair = try SharedMemoryPair()
    try pair.first.put("fit", "y = x")
    let generation = pair.changes.generation
    try die(pair.first) { _ = try $0.reserve(1 << 20, for: 0) }
    let descriptor = fcntl(pair.first.region.descriptor, F_DUPFD_CLOEXEC, 64)
    _ = try SharedMemoryStorage(inheriting: descriptor, limits: StoreLimits(), changes: pair.changes)
    #expect(pair.changes.generation > generation)
    try expectNoLeak(pair)
  }
}

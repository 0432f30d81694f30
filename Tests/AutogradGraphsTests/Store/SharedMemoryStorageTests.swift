import Glibc
import Testing

@testable import AutogradGraphs

/// What every storage of registered graphs promises, in shared memory.
@Suite struct SharedMemoryStorageTests {
  private let large = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

  @Test func aVersionIsSeenByAllAtOnce() throws {
    let pair = try SharedMemoryPair()
    #expect(!pair.first.isPersistent)
    #expect(try pair.second.newest("fit") == nil)
    let generation = pair.changes.generation
    let (version, isNew) = try pair.first.put("fit", Array("y = x".utf8), "a line", as: .json)
    #expect(isNew && version.version == 1 && version.tag == "1" && version.byteCount == 5)
    #expect(try pair.second.newest("fit") == version)
    #expect(try pair.second.newest() == [version])
    #expect(try pair.second.copy(of: version) == Array("y = x".utf8))
    #expect(pair.changes.generation > generation)
    #expect(pair.changes.names(since: generation, until: pair.changes.generation) == [version.name])
    #expect(version.created > 1_700_000_000_000)
  }

  @Test func theSameAgainIsNoNewVersion() throws {
    let pair = try SharedMemoryPair()
    try pair.first.put("fit", "y = x", "a line")
    #expect(try pair.second.put("fit", Array("y = x".utf8), "a line").isNew == false)
    #expect(try pair.second.put("fit", "y = x", "a line").version == 1)
    #expect(try pair.second.put("fit", "y = x", "").version == 2)
    #expect(try pair.second.put("fit", "y = x").version == 3)
    #expect(try pair.second.put("fit", Array("y = x".utf8), as: .json).version.version == 4)
    #expect(try pair.first.versions("fit").map(\.description) == ["a line", "", nil, nil])
    #expect(try pair.first.versions("fit").map(\.type) == [.formula, .formula, .formula, .json])
  }

  @Test(arguments: GraphMediaType.allCases)
  func typesAndLongDescriptionsComeBack(_ type: GraphMediaType) throws {
    let pair = try SharedMemoryPair()
    for (name, description) in [("short", "ä"), ("long", String(repeating: "ä", count: 5000))] {
      for bytes in [[], [7], large] {
        let version = try pair.first.put(name, bytes, description, as: type).version
        #expect(try pair.second.newest(name) == version)
        #expect(version.type == type && version.description == description)
        #expect(try pair.second.copy(of: version) == bytes)
      }
    }
  }

  @Test func aDeletionTakesANumber() throws {
    let pair = try SharedMemoryPair()
    let old = try pair.first.put("fit", "y = x")
    try pair.first.put("fit", "y = 2 * x")
    try pair.second.delete("fit")
    let deletion = try pair.first.newest("fit")
    #expect(deletion?.isDeleted == true && deletion?.version == 3)
    #expect(try pair.first.versions("fit").isEmpty)
    #expect(try pair.first.version(2, of: old.name) == nil)
    #expect(throws: StoreError.missing) { try pair.first.bytes(of: old) }
    #expect(throws: StoreError.missing) { try pair.first.delete("fit") }
    #expect(try pair.first.put("fit", "y = x").version == 4)
    #expect(try pair.second.versions("fit").map(\.version) == [4])
    #expect(throws: StoreError.missing) { try pair.second.bytes(of: old) }
    #expect(try pair.second.newest().map(\.version) == [4])
  }

  @Test func anyVersionIsFound() throws {
    let pair = try SharedMemoryPair()
    for number in 1...300 { try pair.first.put("fit", "y = \(number) * x") }
    let name = try #require(try pair.first.newest("fit")?.name)
    #expect(try pair.second.versions("fit").map(\.version) == Array(1...300))
    try pair.first.put("fit", "y = x")
    #expect(try pair.second.versions("fit").map(\.version) == Array(1...301))
    let version = try #require(try pair.second.version(17, of: name))
    #expect(try pair.second.copy(of: version) == Array("y = 17 * x".utf8))
    #expect(try pair.second.version(0, of: name) == nil && pair.second.version(302, of: name) == nil)
  }

  @Test func conditionsComeFirst() throws {
    let pair = try SharedMemoryPair()
    let bytes = Array("y = x".utf8)
    #expect(throws: StoreError.preconditionFailed(tag: nil, version: nil)) {
      try pair.first.put("fit", bytes, if: { $0 != nil })
    }
    #expect(try pair.first.newest().isEmpty)
    let version = try pair.first.put("fit", bytes, if: { $0 == nil }).version
    #expect(throws: StoreError.preconditionFailed(tag: "1", version: 1)) {
      try pair.second.put("fit", bytes, if: { $0 == nil })
    }
    #expect(throws: StoreError.preconditionFailed(tag: "1", version: 1)) {
      try pair.second.delete(version.name, if: { $0 == "2" })
    }
    try pair.second.delete(version.name, if: { $0 == "1" })
    #expect(throws: StoreError.preconditionFailed(tag: nil, version: nil)) {
      try pair.second.delete(version.name, if: { $0 == "2" })
    }
  }

  @Test func ofEightWritersOneReplacesAVersion() throws {
    let pair = try SharedMemoryPair()
    try pair.first.put("fit", "y = x")
    let outcomes = Guarded<[String]>([])
    onThreads(8) { index in
      let storage = index % 2 == 0 ? pair.first : pair.second
      do throws(StoreError) {
        try storage.put("fit", Array("y = \(index)".utf8), if: { $0 == "1" })
        outcomes.withLock { $0.append("written") }
      } catch {
        outcomes.withLock { $0.append("\(error == .preconditionFailed(tag: "2", version: 2))") }
      }
    }
    #expect(outcomes.withLock { $0.sorted() } == Array(repeating: "true", count: 7) + ["written"])
  }

  @Test func writersOnThreadsLoseNothing() throws {
    let pair = try SharedMemoryPair()
    let lost = Guarded<[String]>([])
    onThreads(4) { writer in
      let storage = writer % 2 == 0 ? pair.first : pair.second
      for number in 0..<100 {
        do throws(StoreError) {
          let bytes = Array("y = \(writer) * \(number)".utf8)
          let version = try storage.put("fit\(number % 3)", bytes).version
          if try storage.copy(of: version) != bytes { lost.withLock { $0.append("\(version)") } }
        } catch {
          lost.withLock { $0.append("\(error)") }
        }
      }
    }
    #expect(lost.withLock { $0 } == [])
    let counts = try (0..<3).map { try pair.first.versions("fit\($0)").map(\.version) }
    #expect(counts.map(\.count).reduce(0, +) == 400)
    for count in counts { #expect(count == Array(1...count.count)) }
    let texts = try (0..<3).flatMap { try pair.second.versions("fit\($0)").map { try pair.second.copy(of: $0) } }
    #expect(Set(texts).count == 400)
    let (taken, expected) = (pair.recordBytes, try pair.expectedRecordBytes())
    #expect(taken == expected)
  }

  @Test func namesThatDifferInCaseAloneAreRefused() throws {
    let pair = try SharedMemoryPair()
    try pair.first.put("Fit", "y = x")
    #expect(throws: StoreError.sameButForCase("Fit")) { try pair.second.put("fit", "y = x") }
    // What is left of a deleted graph is in the way too, as in a folder.
    try pair.first.delete("Fit")
    #expect(throws: StoreError.sameButForCase("Fit")) { try pair.second.put("fit", "y = x") }
    #expect(try pair.second.put("Fit", "y = x").version == 3)
  }

  // MARK: Limits

  @Test func graphsAreLimited() throws {
    var limits = StoreLimits()
    limits.graphs = 2
    let pair = try SharedMemoryPair(limits)
    try pair.first.put("a", "y = 1")
    try pair.first.put("b", "y = 1")
    #expect(throws: StoreError.limit(.graphs, most: 2, value: 3)) { try pair.second.put("c", "y = 1") }
    #expect(try pair.second.put("b", "y = 2").version == 2)
    // Names of deleted graphs stay, and ten times as many are enough.
    try pair.second.delete("b")
    for number in 0..<18 {
      try pair.second.put("n\(number)", "y = 1")
      try pair.second.delete("n\(number)")
    }
    #expect(throws: StoreError.limit(.names, most: 20, value: 21)) { try pair.first.put("c", "y = 1") }
    #expect(try pair.first.put("b", "y = 1").version == 4)
    #expect(try pair.first.newest().count == 20)
  }

  @Test func versionsAreLimited() throws {
    var limits = StoreLimits()
    limits.versions = 2
    let pair = try SharedMemoryPair(limits)
    for number in 1...2 { try pair.first.put("a", "y = \(number)") }
    #expect(throws: StoreError.limit(.versions, most: 2, value: 3)) { try pair.second.put("a", "y = 3") }
    #expect(try pair.second.put("a", "y = 2").version == 2)
    try pair.second.delete("a")
    #expect(try pair.first.put("a", "y = 3").version == 4)
  }

  /// All versions are in memory, so all count.
  @Test func bytesOfAllVersionsAreLimited() throws {
    var limits = StoreLimits()
    limits.bytes = 100
    let pair = try SharedMemoryPair(limits)
    try pair.first.put("a", [UInt8](repeating: 1, count: 60))
    #expect(throws: StoreError.limit(.bytes, most: 100, value: 101)) {
      try pair.second.put("b", [UInt8](repeating: 1, count: 41))
    }
    try pair.second.put("b", [UInt8](repeating: 1, count: 20))
    #expect(throws: StoreError.limit(.bytes, most: 100, value: 101)) {
      try pair.first.put("a", [UInt8](repeating: 2, count: 21))
    }
    try pair.first.put("a", [UInt8](repeating: 2, count: 20))
    try pair.first.delete("a")
    try pair.first.put("a", [UInt8](repeating: 1, count: 80))
    #expect(throws: StoreError.limit(.bytes, most: 100, value: 101)) { try pair.second.put("b", "y") }
  }

  @Test func whatDoesNotFitIsRefusedAndDeletionsWork() throws {
    let available = Guarded(Int.max)
    let pair = try SharedMemoryPair(available: { available.withLock { $0 } })
    try pair.first.put("a", large)
    let taken = pair.recordBytes
    available.withLock { $0 = large.count }
    #expect(throws: StoreError.full) { try pair.first.put("a", large + [1]) }
    #expect(throws: StoreError.full) { try pair.second.put("b", large) }
    #expect(pair.recordBytes == taken && pair.first.region.nameCount == 1)
    available.withLock { $0 = 0 }
    try pair.first.delete("a")
    #expect(pair.recordBytes == 0)
    #expect(try pair.second.newest("b") == nil)
  }

  @Test func theEndOfTheMemoryIsAnError() throws {
    let pair = try SharedMemoryPair()
    pair.first.region[.frontier] = pair.first.region[.size] - UInt64(pair.first.region.layout.pageBytes)
    try pair.first.put("a", "y = x")
    #expect(throws: StoreError.full) { try pair.first.put("b", "y = x") }
    try pair.first.delete("a")
    #expect(pair.recordBytes == 0)
  }

  // MARK: Bytes

  @Test func whatIsMappedStaysUntilItIsNot() throws {
    let pair = try SharedMemoryPair()
    let version = try pair.first.put("w", large).version
    try pair.first.put("w", "y = x")
    var mapped: StoredBytes? = try pair.second.bytes(of: version)
    var again: StoredBytes? = try pair.second.bytes(of: version)
    try pair.first.delete("w")
    let size = pair.recordBytes
    #expect(size >= large.count && size < large.count + 3 * pair.first.region.layout.pageBytes)
    #expect(throws: StoreError.missing) { try pair.first.bytes(of: version) }
    try pair.first.put("w", large)
    #expect(mapped.map { Array($0.bytes) } == large)
    again = nil
    #expect(mapped.map { Array($0.bytes) } == large)
    mapped = nil
    #expect(again == nil && mapped == nil)
    let (taken, expected) = (pair.recordBytes, try pair.expectedRecordBytes())
    #expect(taken == expected)
  }

  @Test func tooManyMappingsAreCopies() throws {
    let pair = try SharedMemoryPair()
    let version = try pair.first.put("w", large).version
    let many = try (0...SharedLayout.pins).map { _ in try pair.second.bytes(of: version) }
    #expect(many.last?.owner is SharedCopy && many.first?.owner is SharedMapping)
    #expect(many.last.map { Array($0.bytes) } == large)
  }

  @Test(arguments: [10, 200_000])
  func changedBytesAreNoticed(_ count: Int) throws {
    let pair = try SharedMemoryPair()
    let version = try pair.first.put("w", Array(large.prefix(count))).version
    let record = try #require(try SharedRecord(at: version.place, pair.first.region))
    let place = record.offset + record.start(pair.first.region.layout) + count / 2
    try pair.first.region.write([large[count / 2] ^ 1], at: place)
    let error = #expect(throws: StoreError.self) { try pair.second.bytes(of: version) }
    guard case .damaged("w", 1, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try pair.second.put("w", "y = x").version == 2)
    let mended = try #require(try pair.first.newest("w"))
    #expect(try pair.first.copy(of: mended) == Array("y = x".utf8))
  }

  // MARK: Memory of others

  @Test func otherMemoryIsRefused() throws {
    let file = fcntl(open("/dev/zero", O_RDWR | O_CLOEXEC), F_DUPFD_CLOEXEC, 900)
    let error = #expect(throws: StoreError.self) {
      try SharedMemoryStorage(inheriting: file, limits: StoreLimits(), changes: StoreChanges())
    }
    #expect(error == .unavailable("the shared memory of registered graphs was made by another version of the server"))
    // It was closed.
    #expect(fcntl(file, F_GETFD) == -1)
  }
}

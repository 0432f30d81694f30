import CSystem
import Glibc

@testable import AutogradGraphs

/// Registered graphs in shared memory, as two processes see them: through mappings of their own.
struct SharedMemoryPair {
  let first: SharedMemoryStorage
  let second: SharedMemoryStorage
  let changes: StoreChanges

  init(_ limits: StoreLimits = StoreLimits(), available: @escaping @Sendable () -> Int = { .max }) throws {
    let descriptor = try SharedMemoryStorage.create(limits)
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 64)
    changes = try SharedMemoryStorage.changes(in: descriptor)
    first = try SharedMemoryStorage(inheriting: descriptor, limits: limits, changes: changes, available: available)
    second = try SharedMemoryStorage(
      inheriting: copy, limits: limits, changes: try SharedMemoryStorage.changes(in: copy), available: available)
    // Pages that nobody has touched are not counted by mincore.
    for process in 0..<SharedLayout.processes { _ = system_word_load(first.region.owner(process)) }
  }

  /// Bytes of memory that are taken, in pages that stand behind the table of names.
  var recordBytes: Int {
    let region = first.region
    var status = stat()
    guard fstat(region.descriptor, &status) == 0 else { return -1 }
    return Int(status.st_blocks) * 512 - tableBytes
  }

  private var tableBytes: Int {
    let (size, page) = (first.region.layout.records, first.region.layout.pageBytes)
    let memory = mmap(nil, size, PROT_READ, MAP_SHARED, first.region.descriptor, 0)
    defer { munmap(memory, size) }
    var pages = [UInt8](repeating: 0, count: size / page)
    guard mincore(memory, size, &pages) == 0 else { return -1 }
    return pages.reduce(0) { $0 + Int($1 & 1) } * page
  }

  /// What the pages of all versions that are there should take.
  func expectedRecordBytes() throws -> Int {
    try first.newest().reduce(0) { sum, newest in
      try first.versions(of: newest.name).reduce(sum) { sum, version in
        sum + (try SharedRecord(at: version.place, first.region)?.size(first.region.layout) ?? 0)
      }
    }
  }
}

extension SharedMemoryStorage {
  @discardableResult
  func put(
    _ name: String, _ bytes: [UInt8], _ description: String? = nil, as type: GraphMediaType = .formula,
    if condition: (String?) -> Bool = { _ in true }
  ) throws(StoreError) -> (version: StoredVersion, isNew: Bool) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    let content = StoredContent(type: type, description: description, bytes: UnsafeRawBufferPointer(copy))
    return try put(content, as: try named(name), if: condition)
  }

  @discardableResult
  func put(_ name: String, _ text: String, _ description: String? = nil) throws(StoreError) -> StoredVersion {
    try put(name, Array(text.utf8), description).version
  }

  func delete(_ name: String) throws(StoreError) { try delete(try named(name), if: { _ in true }) }

  func newest(_ name: String) throws(StoreError) -> StoredVersion? { try newest(of: try named(name)) }

  func versions(_ name: String) throws(StoreError) -> [StoredVersion] { try versions(of: try named(name)) }

  func copy(of version: StoredVersion) throws(StoreError) -> [UInt8] {
    let stored = try bytes(of: version)
    return withExtendedLifetime(stored.owner) { Array(stored.bytes) }
  }

  private func named(_ name: String) throws(StoreError) -> GraphName {
    guard let name = GraphName(name) else { throw .unavailable("\(name) is no name") }
    return name
  }
}

/// Runs a closure on several threads at once, and waits for them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Job: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
  let threads = (0..<count).map { index in
    var thread = pthread_t()
    let job = Unmanaged.passRetained(Job { body(index) })
    let failure = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, job.toOpaque())
    precondition(failure == 0, "no thread")
    return thread
  }
  for thread in threads { pthread_join(thread, nil) }
}

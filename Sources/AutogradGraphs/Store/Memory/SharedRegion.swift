import CSystem
import Glibc

/// The memory of ``SharedMemoryStorage``, as one process has it. What comes before the records is mapped; records are
/// read and written through the descriptor, because a mapping of a freed record would take its memory again.
///
/// `@unchecked Sendable`: words are touched by atomic operations. Names are written under the lock, before the number
/// of names says that they are there.
final class SharedRegion: @unchecked Sendable {
  let descriptor: Int32
  let layout: SharedLayout
  private let base: UnsafeMutableRawPointer

  /// Makes the memory.
  /// - Returns: its descriptor, which closes on exec.
  static func create(names: Int) throws(StoreError) -> Int32 {
    let layout = SharedLayout(names: names)
    var size: UInt64 = 0
    let descriptor = system_shared_create("autograd-graphs", SharedLayout.wantedBytes, &size)
    guard descriptor >= 0 else { throw StoreError(memory: errno) }
    guard size > layout.records else {
      close(descriptor)
      throw .unavailable("files may not be as large as shared memory must be")
    }
    let region = try SharedRegion(descriptor, layout)
    try region.allocate(layout.header, layout.pinned - layout.header)
    guard system_lock_make(region.lock) else { throw .unavailable("the system has no locks for processes") }
    region[.pageBytes] = UInt64(layout.pageBytes)
    region[.names] = UInt64(layout.names)
    region[.size] = size
    region[.frontier] = UInt64(layout.records)
    region[.signature] = SharedLayout.signature
    // The region closes its own when it goes.
    let kept = fcntl(descriptor, F_DUPFD_CLOEXEC, descriptor)
    guard kept >= 0 else { throw StoreError(memory: errno) }
    return kept
  }

  /// Memory that a process of the same server has made. The descriptor becomes the region's.
  convenience init(inheriting descriptor: Int32) throws(StoreError) {
    var names: UInt64 = 0
    do throws(StoreError) {
      names = try SharedRegion.names(descriptor)
    } catch {
      close(descriptor)
      throw error
    }
    try self.init(descriptor, SharedLayout(names: Int(names)))
  }

  /// How many names there is room for; checked, because the memory may be that of another version of the program.
  private static func names(_ descriptor: Int32) throws(StoreError) -> UInt64 {
    var words = [UInt64](repeating: 0, count: 4)
    let count = words.withUnsafeMutableBytes {
      pread(descriptor, $0.baseAddress, $0.count, off_t(StoreChanges.byteCount))
    }
    guard count >= 0 else { throw StoreError(memory: errno) }
    let names = words[SharedLayout.Word.names.rawValue]
    guard count == 32, words[SharedLayout.Word.signature.rawValue] == SharedLayout.signature, names <= 1 << 30,
      SharedLayout(names: Int(names)).pageBytes == words[SharedLayout.Word.pageBytes.rawValue]
    else {
      throw .unavailable("the shared memory of registered graphs was made by another version of the server")
    }
    return names
  }

  /// The descriptor becomes the region's, and is closed on failure.
  private init(_ descriptor: Int32, _ layout: SharedLayout) throws(StoreError) {
    let memory = mmap(nil, layout.records, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0)
    guard let memory, memory != MAP_FAILED else {
      let error = errno
      close(descriptor)
      throw StoreError(memory: error)
    }
    (self.descriptor, self.layout, base) = (descriptor, layout, memory)
  }

  deinit {
    munmap(base, layout.records)
    close(descriptor)
  }

  // MARK: Words

  private func word(_ offset: Int) -> UnsafeMutablePointer<UInt64> {
    (base + offset).assumingMemoryBound(to: UInt64.self)
  }

  var lock: UnsafeMutableRawPointer { base + layout.header + SharedLayout.lock }

  subscript(word: SharedLayout.Word) -> UInt64 {
    get { system_word_load(self.word(layout.header + word.rawValue * 8)) }
    set { system_word_store(self.word(layout.header + word.rawValue * 8), newValue) }
  }

  /// The same for offsets and counts.
  subscript(number word: SharedLayout.Word) -> Int {
    get { Int(self[word]) }
    set { self[word] = UInt64(newValue) }
  }

  func owner(_ process: Int) -> UnsafeMutablePointer<UInt64> { word(layout.owners + process * 8) }

  func pin(_ process: Int, _ index: Int) -> UnsafeMutablePointer<UInt64> {
    word(pinOffset(process) + index * 8)
  }

  func pinOffset(_ process: Int) -> Int { layout.pinned + process * SharedLayout.pins * 8 }

  // MARK: Names

  var nameCount: Int { min(self[number: .nameCount], layout.names) }

  /// Bytes of memory that its pages take.
  var allocatedByteCount: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_blocks) * 512 : 0
  }

  func state(_ place: Int) -> NameState { NameState(system_word_load(word(layout.states + place * 8))) }

  /// The first place from `start` on whose state is another than the one in `known`.
  func firstChange(from start: Int, _ known: [UInt64]) -> Int? {
    let states = word(layout.states)
    return known.withUnsafeBufferPointer { known in
      var place = start
      while place < known.count, system_word_load(states + place) == known[place] { place += 1 }
      return place < known.count ? place : nil
    }
  }

  func publish(_ state: NameState, _ place: Int) { system_word_store(word(layout.states + place * 8), state.word) }

  private func text(_ place: Int) -> UnsafeMutableRawPointer { base + layout.texts + place * SharedLayout.nameBytes }

  func name(_ place: Int) -> GraphName? {
    let text = UnsafeRawBufferPointer(start: text(place), count: GraphName.longest)
    return GraphName(String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))
  }

  /// When it was deleted last, in milliseconds of Unix time.
  func deletionTime(_ place: Int) -> UnsafeMutablePointer<UInt64> {
    (text(place) + GraphName.longest).assumingMemoryBound(to: UInt64.self)
  }

  /// Writes a name in the first place that is free. It is there once it is published.
  func write(_ name: GraphName, _ place: Int) throws(StoreError) {
    // So that touching the pages cannot fail.
    try allocate(layout.states + place * 8, 8)
    try allocate(layout.texts + place * SharedLayout.nameBytes, SharedLayout.nameBytes)
    let text = UnsafeMutableRawBufferPointer(start: text(place), count: SharedLayout.nameBytes)
    text.initializeMemory(as: UInt8.self, repeating: 0)
    text.copyBytes(from: name.text.utf8.prefix(GraphName.longest))
  }

  // MARK: Pages

  func allocate(_ offset: Int, _ size: Int) throws(StoreError) {
    guard system_shared_allocate(descriptor, UInt64(offset), UInt64(size)) else { throw StoreError(memory: errno) }
  }

  func discard(_ offset: Int, _ size: Int) { _ = system_shared_discard(descriptor, UInt64(offset), UInt64(size)) }

  /// Writes to pages that are allocated.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StoreError) {
    try SharedRegion.all(bytes.count) { done in
      pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
    }
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(StoreError) {
    try SharedRegion.all(bytes.count) { done in
      bytes.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(offset + done))
      }
    }
  }

  func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(StoreError) {
    try SharedRegion.all(bytes.count) { done in
      pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
    }
  }

  /// What is read of a record at once.
  func head(at offset: Int) throws(StoreError) -> SharedRecord.Head {
    var head = SharedRecord.Head(repeating: 0)
    try SharedRegion.all(SharedRecord.readAtOnce) { done in
      withUnsafeMutableBytes(of: &head) {
        pread(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(offset + done))
      }
    }
    return head
  }

  func bytes(_ count: Int, at offset: Int) throws(StoreError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try SharedRegion.all(count) { done in
      bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(offset + done))
      }
    }
    return bytes
  }

  /// Repeats a call of the system that does a part of the work until all is done.
  private static func all(_ count: Int, _ call: (Int) -> Int) throws(StoreError) {
    var done = 0
    while done < count {
      let step = call(done)
      if step < 0 && errno == EINTR { continue }
      guard step > 0 else { throw StoreError(memory: step == 0 ? EIO : errno) }
      done += step
    }
  }
}

extension StoreError {
  /// From `errno` of a call that concerns shared memory.
  init(memory number: Int32) {
    switch number {
    case ENOSPC, ENOMEM, EDQUOT, EFBIG: self = .full
    default: self = .unavailable("the shared memory of registered graphs: \(String(cString: strerror(number)))")
    }
  }
}

/// A version in shared memory: a head of words, the description, and the bytes, on pages of their own. It is written
/// before it is published and not changed afterwards, except for the word that links condemned records.
struct SharedRecord {
  /// The place of its name.
  var place: Int
  var version: Int
  /// The number of the last deletion before it; the versions since then are linked by ``previous``.
  var floor: Int
  var created: Int
  var type: GraphMediaType
  var description: String?
  var byteCount: Int
  var digest: SHA256Digest
  /// Bytes of all versions since the last deletion, up to this one: all are in memory.
  var total: Int
  /// The offset of the version before it; 0 if that was a deletion, or none.
  var previous: Int
  /// Why its bytes are of no use.
  private(set) var damage: String?
  /// The next record that waits for its mappings to end.
  private(set) var condemned = 0
  /// Where it begins.
  var offset = 0

  /// In the order of their words. The type is its text, as programs of another version may know other types.
  private enum Word: Int {
    case mark, place, version, floor, created, type
    case description = 10
    case byteCount, digest
    case previous = 16
    case condemned, total
  }

  private static let headBytes = 19 * 8
  private static let typeBytes = 32
  /// Whole pages of large sources, so that they can be mapped, and lie as well as in memory of their own.
  static let mappedFrom = 64 << 10
  private static let alignment = 64
  /// The head and most descriptions are read at once.
  static let readAtOnce = 256
  typealias Head = InlineArray<32, UInt64>

  /// At its beginning, so that zeros and other places are no record.
  private static func mark(_ offset: Int) -> UInt64 { 0x4752_4150_4856_3031 ^ UInt64(offset) }

  /// Where the bytes begin, from the beginning of the record.
  func start(_ layout: SharedLayout) -> Int {
    let head = SharedRecord.headBytes + (description?.utf8.count ?? 0)
    if byteCount >= SharedRecord.mappedFrom { return layout.pages(head) }
    return (head + SharedRecord.alignment - 1) / SharedRecord.alignment * SharedRecord.alignment
  }

  /// All its pages.
  func size(_ layout: SharedLayout) -> Int { layout.pages(start(layout) + byteCount) }

  var isMapped: Bool { byteCount >= SharedRecord.mappedFrom }

  // MARK: Writing

  /// Writes it to pages that are allocated.
  func write(_ bytes: UnsafeRawBufferPointer, to region: SharedRegion) throws(StoreError) {
    let text = Array((description ?? "").utf8)
    var head = [UInt64](repeating: 0, count: SharedRecord.headBytes / 8)
    func set(_ word: Word, _ value: Int) { head[word.rawValue] = UInt64(value) }
    head[Word.mark.rawValue] = SharedRecord.mark(offset)
    set(.place, place)
    set(.version, version)
    set(.floor, floor)
    set(.created, created)
    // One more than its length, so that none and an empty one differ.
    set(.description, description == nil ? 0 : text.count + 1)
    set(.byteCount, byteCount)
    set(.previous, previous)
    set(.total, total)
    head.withUnsafeMutableBytes { head in
      head[(Word.type.rawValue * 8)...].copyBytes(from: type.rawValue.utf8.prefix(SharedRecord.typeBytes))
      head[(Word.digest.rawValue * 8)...].copyBytes(from: digest.bytes)
    }
    try region.write(head.withUnsafeBytes { Array($0) } + text, at: offset)
    try region.write(bytes, at: offset + start(region.layout))
  }

  /// Links it to another record, under the lock.
  func condemn(before next: Int, _ region: SharedRegion) throws(StoreError) {
    let word = withUnsafeBytes(of: UInt64(next)) { Array($0) }
    try region.write(word, at: offset + Word.condemned.rawValue * 8)
  }

  // MARK: Reading

  /// Nil if there is no record, or no longer.
  init?(at offset: Int, _ region: SharedRegion) throws(StoreError) {
    let head = try region.head(at: offset)
    func int(_ word: Word) -> Int { Int(truncatingIfNeeded: head[word.rawValue]) }
    guard head[0] == SharedRecord.mark(offset), int(.byteCount) >= 0, int(.description) >= 0,
      let digest = withUnsafeBytes(of: head, { SharedRecord.digest($0) })
    else { return nil }
    let type = withUnsafeBytes(of: head) { SharedRecord.type($0) }
    self.init(
      place: int(.place), version: int(.version), floor: int(.floor), created: int(.created), type: type ?? .formula,
      byteCount: int(.byteCount), digest: digest, total: int(.total),
      previous: int(.previous))
    if type == nil { damage = "this version of the server does not know its type" }
    condemned = int(.condemned)
    self.offset = offset
    guard int(.description) > 0 else { return }
    let end = SharedRecord.headBytes + int(.description) - 1
    description =
      if end <= SharedRecord.readAtOnce {
        withUnsafeBytes(of: head) { String(decoding: $0[SharedRecord.headBytes..<end], as: UTF8.self) }
      } else {
        String(decoding: try region.bytes(end, at: offset)[SharedRecord.headBytes...], as: UTF8.self)
      }
  }

  private static func digest(_ head: UnsafeRawBufferPointer) -> SHA256Digest? {
    SHA256Digest(bytes: head[(Word.digest.rawValue * 8)...].prefix(SHA256Digest.byteCount))
  }

  private static func type(_ head: UnsafeRawBufferPointer) -> GraphMediaType? {
    let text = head[(Word.type.rawValue * 8)...].prefix(typeBytes)
    return GraphMediaType.allCases.first { type in
      let utf8 = type.rawValue.utf8
      return text.starts(with: utf8) && (utf8.count == typeBytes || text.dropFirst(utf8.count).first == 0)
    }
  }

  init(
    place: Int, version: Int, floor: Int, created: Int, type: GraphMediaType, description: String? = nil,
    byteCount: Int, digest: SHA256Digest, total: Int, previous: Int
  ) {
    (self.place, self.version, self.floor, self.created) = (place, version, floor, created)
    (self.type, self.description, self.byteCount) = (type, description, byteCount)
    (self.digest, self.total, self.previous) = (digest, total, previous)
  }

  /// As callers of the storage see it.
  func stored(as name: GraphName) -> StoredVersion {
    var stored = StoredVersion(
      name: name, version: version, type: type, created: created, description: description, byteCount: byteCount,
      digest: digest)
    stored.place = offset
    stored.namePlace = place
    stored.damage = damage
    return stored
  }
}

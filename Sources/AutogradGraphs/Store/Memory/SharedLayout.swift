import Glibc

/// Where things are in the memory of ``SharedMemoryStorage``, which all processes of a server share by one descriptor.
///
/// | part | what |
/// |---|---|
/// | changes | ``StoreChanges``, at the very start |
/// | header | a page: ``Word`` and the lock |
/// | owners | a word for each process: its number, 0 where there is none |
/// | pins | for each process the records that it has mapped, see ``PinTable`` |
/// | states | a word for each name: its newest version, see ``NameState`` |
/// | names | for each name its text in 64 bytes, and when it was deleted last |
/// | records | the versions, each on pages of its own, see ``SharedRecord`` |
///
/// Only pages that were allocated take memory. Places of names are never given to other names, and offsets of records
/// never to other records: the memory is so large that they do not run out. So a reader that comes late with an offset
/// finds what it looks for, or zeros, and never something else.
struct SharedLayout: Equatable {
  /// "AGSTORE2": to be changed with anything in this file or in ``SharedRecord``.
  static let signature: UInt64 = 0x4147_5354_4f52_4532

  /// Words of the header.
  enum Word: Int {
    case signature, pageBytes, names, size
    /// Where the next record begins.
    case frontier
    /// How many names there are.
    case nameCount
    /// A record that nobody needs unless it is the newest version of the name in this place.
    case unsettled, unsettledPlace, unsettledBytes
    /// The newest record that a deletion has still to free, 0 if there is none; those before it follow.
    case freeing
    /// The first of the records that were deleted while somebody had them mapped.
    case condemned
    /// Whether such a record may have become free.
    case sweepWanted
  }

  /// How many processes can have mappings: two for each of the most workers that a server can have.
  static let processes = 2048
  /// Mappings of one process. What is more is copied. The table takes addresses in every process: 16 MiB.
  static let pins = 1024
  /// The text, and the time of the last deletion.
  static let nameBytes = GraphName.longest + 8
  /// In the header.
  static let lock = 2048
  /// More than a server can write in a hundred years.
  private static let mostBytes: UInt64 = 1 << 62

  let pageBytes: Int
  /// The most names.
  let names: Int

  let header: Int
  let owners: Int
  let pinned: Int
  let states: Int
  let texts: Int
  let records: Int

  /// The size of the memory that is asked for.
  static var wantedBytes: UInt64 { mostBytes }

  init(names: Int) {
    pageBytes = max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096)
    // A limit that nobody can reach must not take more addresses than there are.
    self.names = min(max(names, 1), 1 << 30)
    header = StoreChanges.byteCount
    owners = header + pageBytes
    pinned = owners + SharedLayout.pages(SharedLayout.processes * 8, pageBytes)
    states = pinned + SharedLayout.processes * SharedLayout.pins * 8
    texts = states + SharedLayout.pages(self.names * 8, pageBytes)
    records = texts + SharedLayout.pages(self.names * SharedLayout.nameBytes, pageBytes)
  }

  /// Rounded up to whole pages.
  func pages(_ bytes: Int) -> Int { SharedLayout.pages(bytes, pageBytes) }

  private static func pages(_ bytes: Int, _ page: Int) -> Int { (bytes + page - 1) / page * page }
}

/// The newest version of a name, as one word: its publication is one store.
enum NameState: Equatable {
  /// The offset of its record.
  case record(Int)
  /// A deletion, with its number.
  case deletion(Int)

  /// Records begin at pages, so their lowest bit is 0.
  init(_ word: UInt64) {
    self = word & 1 == 0 ? .record(Int(word)) : .deletion(Int(word >> 1))
  }

  var word: UInt64 {
    switch self {
    case .record(let offset): UInt64(offset)
    case .deletion(let number): UInt64(number) << 1 | 1
    }
  }
}

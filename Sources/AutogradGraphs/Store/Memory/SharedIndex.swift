import CSystem

/// What a process knows of the names in shared memory. An entry is fresh if the state of its place is still the one for
/// which it was read: no state ever comes back.
struct SharedIndex {
  struct Entry {
    var state: NameState
    var newest: StoredVersion
    /// The number of the last deletion.
    var floor: Int
    /// Bytes of all its versions since then.
    var total = 0
  }

  /// By place.
  private(set) var entries: [Entry?] = []
  /// Their states, 0 where there is no entry.
  private var states: [UInt64] = []
  private var names: [GraphName?] = []
  private var places: [GraphName: Int] = [:]
  /// Names as those see them who do not tell cases apart.
  private var folded: [String: GraphName] = [:]
  /// Graphs that are there, and the bytes of all their versions, as far as the entries are fresh.
  private(set) var graphs = 0
  private(set) var bytes = 0

  mutating func place(of name: GraphName, _ region: SharedRegion) -> Int? {
    if let place = places[name] { return place }
    readNames(region)
    return places[name]
  }

  /// Names are only ever added.
  private mutating func readNames(_ region: SharedRegion) {
    let count = region.nameCount
    guard count > names.count else { return }
    if count > 2 * names.count {
      places.reserveCapacity(count)
      folded.reserveCapacity(count)
    }
    for place in names.count..<count {
      let name = region.name(place)
      names.append(name)
      entries.append(nil)
      states.append(0)
      guard let name else { continue }
      places[name] = place
      folded[name.folded] = name
    }
  }

  /// Another name that differs in case alone, deleted or not.
  func twin(of name: GraphName) -> GraphName? {
    guard let twin = folded[name.folded], twin != name else { return nil }
    return twin
  }

  /// The entry of a place, as it is now.
  mutating func entry(_ place: Int, _ region: SharedRegion) throws(StoreError) -> Entry? {
    var state = region.state(place)
    if let entry = entries[place], entry.state == state { return entry }
    guard let name = names[place] else { return nil }
    while true {
      let entry = try SharedIndex.read(state, place, name, region)
      // A record that was deleted meanwhile may have been read half as zeros.
      let now = region.state(place)
      guard now == state else {
        state = now
        continue
      }
      guard let entry else { throw .damaged(name.text, 0, "the shared memory does not say what it is") }
      count(entries[place], -1)
      count(entry, 1)
      entries[place] = entry
      states[place] = state.word
      return entry
    }
  }

  private static func read(
    _ state: NameState, _ place: Int, _ name: GraphName, _ region: SharedRegion
  ) throws(StoreError) -> Entry? {
    switch state {
    case .record(let offset):
      guard let record = try SharedRecord(at: offset, region), record.place == place else { return nil }
      return Entry(state: state, newest: record.stored(as: name), floor: record.floor, total: record.total)
    case .deletion(let number):
      var deletion = StoredVersion(
        name: name, version: number, type: .formula, created: Int(system_word_load(region.deletionTime(place))),
        description: nil, byteCount: 0, digest: SHA256Digest(of: UnsafeRawBufferPointer(start: nil, count: 0)))
      deletion.isDeleted = true
      return Entry(state: state, newest: deletion, floor: number)
    }
  }

  private mutating func count(_ entry: Entry?, _ sign: Int) {
    guard let entry, !entry.newest.isDeleted else { return }
    graphs += sign
    bytes += sign * entry.total
  }

  /// Reads whatever has changed. What cannot be read says so when it is asked for.
  mutating func refresh(_ region: SharedRegion) {
    readNames(region)
    var start = 0
    while let place = region.firstChange(from: start, states) {
      _ = try? entry(place, region)
      start = place + 1
    }
  }
}

/// What a process knows of the graphs in a folder.
///
/// An entry is fresh if it was read after the last change that any process of the machine has noted, and not longer
/// than ``patience`` ago: other machines that share the folder note nothing here.
struct DirectoryIndex {
  struct Entry {
    var found: FoundGraph?
    /// The generation before it was read, and the last one that changed it.
    var readAt: UInt64 = 0
    var changedAt: UInt64 = 0
    /// When it was read, in nanoseconds of the monotonic clock.
    var time = Int64.min
  }

  /// Nanoseconds.
  static let patience: Int64 = 900_000_000

  private(set) var entries: [GraphName: Entry] = [:]
  /// Names as those see them who do not tell cases apart.
  private var folded: [String: GraphName] = [:]
  /// The last generation that was looked at.
  private(set) var seen: UInt64 = 0
  /// Before this generation, everything may have changed.
  private var allChangedAt: UInt64 = 0

  /// Notes what all processes have changed. To be called before anything is asked.
  mutating func follow(_ changes: StoreChanges) {
    let generation = changes.generation
    guard generation != seen else { return }
    if let names = changes.names(since: seen, until: generation) {
      for (index, name) in names.enumerated() {
        entries[name, default: Entry()].changedAt = seen + 1 + UInt64(index)
      }
    } else {
      allChangedAt = generation
    }
    seen = generation
  }

  /// The entry of a name, if it is as new as anybody could tell.
  func fresh(_ name: GraphName, at now: Int64) -> Entry? {
    guard let entry = entries[name], isCurrent(entry), now &- entry.time < DirectoryIndex.patience else { return nil }
    return entry
  }

  /// Whether no process of the machine has changed it since it was read.
  private func isCurrent(_ entry: Entry) -> Bool { entry.readAt >= entry.changedAt && entry.readAt >= allChangedAt }

  /// Names that somebody on the machine has changed since they were read.
  var stale: [GraphName] { entries.filter { !isCurrent($0.value) }.map(\.key) }

  /// Stores what was read.
  /// - Parameters:
  ///   - generation: before reading.
  ///   - time: before reading.
  mutating func store(_ found: FoundGraph?, of name: GraphName, _ generation: UInt64, _ time: Int64) {
    var entry = entries[name] ?? Entry()
    // What somebody else has read later counts.
    guard (entry.readAt, entry.time) <= (generation, time) else { return }
    (entry.found, entry.readAt, entry.time) = (found, generation, time)
    // Who never was is not remembered, or asking for names would take memory.
    if found == nil {
      entries[name] = nil
      if folded[name.folded] == name { folded[name.folded] = nil }
    } else {
      entries[name] = entry
      if folded[name.folded] == nil { folded[name.folded] = name }
    }
  }

  /// Remembers the first version since the last deletion, as long as nothing else is read.
  mutating func remember(first: Int, of newest: StoredVersion) {
    guard entries[newest.name]?.found?.newest == newest else { return }
    entries[newest.name]?.found?.first = first
  }

  /// Another name that differs in case alone.
  func twin(of name: GraphName) -> GraphName? {
    guard let twin = folded[name.folded], twin != name else { return nil }
    return twin
  }

  /// Graphs that are there, all names that ever were, and the bytes of the newest versions.
  var totals: (graphs: Int, names: Int, bytes: Int) {
    var totals = (graphs: 0, names: 0, bytes: 0)
    for entry in entries.values {
      guard let version = entry.found?.newest else { continue }
      totals.names += 1
      if version.isDeleted { continue }
      totals.graphs += 1
      totals.bytes += version.byteCount
    }
    return totals
  }
}

/// What was found under a name.
struct FoundGraph {
  var newest: StoredVersion
  /// The first version since the last deletion, where that is known.
  var first: Int?
  /// Of the folder or file, when it was read.
  var stamp: FileStamp
}

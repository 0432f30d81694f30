/// The graphs that a process has read, by what requests call them: `fit` the newest version, `fit@3` an older one. If
/// they take more than ``mostBytes``, those that were asked for least recently are let go of and read again when
/// somebody asks.
struct KnownGraphs {
  private final class Entry {
    let graph: StoredGraph
    var used: Int

    init(_ graph: StoredGraph, used: Int) {
      self.graph = graph
      self.used = used
    }
  }

  /// Of text and what is computed from the weights. The weights themselves are mapped, or are in one copy.
  static let mostBytes = 256 << 20

  private var entries: [String: Entry] = [:]
  private var byteCount = 0
  /// Counts what is asked for.
  private var clock = 0

  /// The graph of this name, which may not be the newest any more.
  subscript(name: String) -> StoredGraph? {
    mutating get {
      guard let entry = entries[name] else { return nil }
      clock += 1
      entry.used = clock
      return entry.graph
    }
  }

  var all: [(name: String, graph: StoredGraph)] { entries.map { ($0.key, $0.value.graph) } }

  /// - Returns: what is let go of, for the caller to end outside of any lock: ending a mapping takes time.
  mutating func insert(_ graph: StoredGraph, as name: String) -> [StoredGraph] {
    var gone: [StoredGraph] = []
    if let old = remove(name) { gone.append(old) }
    clock += 1
    entries[name] = Entry(graph, used: clock)
    byteCount += graph.memoryByteCount
    while byteCount > KnownGraphs.mostBytes, entries.count > 1,
      let oldest = entries.min(by: { $0.value.used < $1.value.used })?.key, let old = remove(oldest)
    {
      gone.append(old)
    }
    return gone
  }

  mutating func remove(_ name: String) -> StoredGraph? {
    guard let entry = entries.removeValue(forKey: name) else { return nil }
    byteCount -= entry.graph.memoryByteCount
    return entry.graph
  }
}

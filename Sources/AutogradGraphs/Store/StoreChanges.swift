import CCounters
import Glibc

/// The names of graphs that have changed of late, in memory that all processes of a server share: a ring of the last
/// ``capacity`` changes, numbered by their generation.
///
/// No process ever waits for another. A process that is killed while it notes a change leaves a gap, and those who come
/// to it look at everything again.
///
/// `@unchecked Sendable`: the memory is touched by the atomic operations of CCounters only.
package final class StoreChanges: ChangeNotice, @unchecked Sendable {
  /// Bytes at the start of the shared memory.
  package static let byteCount = 1 << 20
  private static let capacity = 4096
  /// An entry: its generation, then the name in 64 bytes, padded with zeros.
  private static let entryCells = 1 + nameCells
  private static let nameCells = GraphName.longest / 8
  /// Cells before the ring: the last generation given out, the last one published.
  private static let (reserved, published, ring) = (0, 1, 8)

  private let cells: UnsafeMutablePointer<UInt64>

  /// - Parameter base: the start of ``byteCount`` bytes of shared memory, zero at first, that stay mapped for ever.
  package init(_ base: UnsafeMutableRawPointer) { cells = base.assumingMemoryBound(to: UInt64.self) }

  /// For a process that shares nothing.
  package convenience init() {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let memory = mmap(nil, StoreChanges.byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED
    else { fatalError("no memory for the list of changes") }
    self.init(memory)
  }

  package var generation: UInt64 { counters_load(cells + StoreChanges.published) }

  package func note(_ name: GraphName) {
    let generation = counters_next(cells + StoreChanges.reserved)
    let entry = entry(of: generation)
    // Until it is whole, whoever reads it sees that it is not.
    counters_store(entry, 0)
    var words = InlineArray<8, UInt64>(repeating: 0)
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: name.text.utf8.prefix(GraphName.longest)) }
    for index in 0..<StoreChanges.nameCells { counters_store(entry + 1 + index, words[index]) }
    counters_store(entry, generation)
    _ = counters_raise(cells + StoreChanges.published, generation)
  }

  package func noteAll() {
    // More than the ring holds, so that everybody has missed something.
    counters_add(cells + StoreChanges.reserved, UInt64(StoreChanges.capacity), false)
    _ = counters_raise(cells + StoreChanges.published, counters_next(cells + StoreChanges.reserved))
  }

  /// The names that have changed since a generation; nil if that is not known, so that any may have.
  package func names(since generation: UInt64, until last: UInt64) -> [GraphName]? {
    guard last - generation < StoreChanges.capacity else { return nil }
    var names: [GraphName] = []
    for generation in generation + 1..<last + 1 {
      let entry = entry(of: generation)
      guard counters_load(entry) == generation else { return nil }
      var words = InlineArray<8, UInt64>(repeating: 0)
      for index in 0..<StoreChanges.nameCells { words[index] = counters_load(entry + 1 + index) }
      let text = withUnsafeBytes(of: words) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      // It may have been overwritten meanwhile.
      guard counters_load(entry) == generation, let name = GraphName(text) else { return nil }
      names.append(name)
    }
    return names
  }

  private func entry(of generation: UInt64) -> UnsafeMutablePointer<UInt64> {
    cells + StoreChanges.ring + Int(generation % UInt64(StoreChanges.capacity)) * StoreChanges.entryCells
  }
}

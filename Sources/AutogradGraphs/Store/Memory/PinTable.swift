import CSystem
import Glibc

/// The records that a process has mapped, in a table that all processes see. The memory of a record in it is not freed,
/// even if the version is deleted. What a process has mapped counts until it ends, however it ends.
///
/// A reader enters a record, and then looks whether the version is still there. A writer deletes the version, and then
/// looks who has entered it. One of the two sees the other.
final class PinTable: Sendable {
  private let region: SharedRegion
  /// This process's row, and which of its places are free, once there was something to map; nil if all rows are taken.
  private let row = Guarded<(process: Int?, free: [Int])?>(nil)

  init(_ region: SharedRegion) { self.region = region }

  deinit {
    let process = row.withLock { $0?.process }
    if let process { system_word_store(region.owner(process), 0) }
  }

  /// Enters a record.
  /// - Returns: the place of the entry; nil if there is none free.
  func pin(_ offset: Int) -> Int? {
    row.withLock { row in
      var mine = row ?? (claim(), Array((0..<SharedLayout.pins).reversed()))
      defer { row = mine }
      guard let process = mine.process, let index = mine.free.popLast() else { return nil }
      system_word_store(region.pin(process, index), UInt64(offset))
      return index
    }
  }

  func unpin(_ index: Int) {
    row.withLock { row in
      guard let process = row?.process else { return }
      system_word_store(region.pin(process, index), 0)
      row?.free.append(index)
    }
  }

  /// Takes a row that nobody has, or whose owner has died.
  private func claim() -> Int? {
    let own = UInt64(getpid())
    for process in 0..<SharedLayout.processes {
      let owner = system_word_load(region.owner(process))
      guard owner == 0 || !PinTable.isAlive(owner) else { continue }
      // Its memory first, so that nobody else meets a page that cannot be had.
      guard system_shared_allocate(region.descriptor, UInt64(region.pinOffset(process)), UInt64(SharedLayout.pins * 8))
      else { return nil }
      guard system_word_exchange(region.owner(process), owner, own) else { continue }
      for index in 0..<SharedLayout.pins { system_word_store(region.pin(process, index), 0) }
      return process
    }
    return nil
  }

  /// The records that living processes have mapped.
  func pinned() -> Set<Int> {
    var offsets: Set<Int> = []
    for process in 0..<SharedLayout.processes {
      let owner = system_word_load(region.owner(process))
      guard owner != 0, PinTable.isAlive(owner) else { continue }
      for index in 0..<SharedLayout.pins {
        let offset = system_word_load(region.pin(process, index))
        if offset != 0 { offsets.insert(Int(offset)) }
      }
    }
    return offsets
  }

  /// A process that has got the number of one that died keeps its mappings alive, which costs memory and nothing else.
  private static func isAlive(_ process: UInt64) -> Bool {
    kill(pid_t(truncatingIfNeeded: process), 0) == 0 || errno == EPERM
  }
}

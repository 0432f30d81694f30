import CSystem
import Glibc

/// The lock of the shared memory: one writer at a time, in all processes. When a writer dies, the next one finishes
/// what it had begun.
final class SharedWriting: Sendable {
  let region: SharedRegion
  let pins: PinTable
  let space: SharedSpace
  private let changes: any ChangeNotice
  /// Seconds. A writer takes as long as it takes to copy what it writes.
  private static let patience: UInt32 = 10

  init(_ region: SharedRegion, changes: any ChangeNotice) {
    self.region = region
    self.changes = changes
    pins = PinTable(region)
    space = SharedSpace(region: region, pins: pins)
  }

  func locked<Result>(_ body: (SharedSpace) throws(StoreError) -> Result) throws(StoreError) -> Result {
    guard take(SharedWriting.patience) else {
      throw .unavailable("another process has been writing registered graphs for \(SharedWriting.patience) seconds")
    }
    defer { release() }
    return try body(space)
  }

  /// Looks after what a dead writer has left, unless somebody else has the lock, who does it then.
  func recover() {
    guard take(0) else { return }
    // What the dead one had mapped is mapped no more.
    if region[.condemned] != 0 { region[.sweepWanted] = 1 }
    release()
  }

  /// A mapping has ended: frees what waits for that.
  func mappingHasEnded() {
    guard region[.condemned] != 0 else { return }
    region[.sweepWanted] = 1
    sweepIfWanted()
  }

  /// Whoever has the lock meanwhile looks again when he has released it.
  private func sweepIfWanted() {
    while region[.sweepWanted] != 0, take(0) {
      // What cannot be freed now is freed after the next change.
      try? space.sweep()
      system_lock_release(region.lock)
    }
  }

  private func take(_ seconds: UInt32) -> Bool {
    switch system_lock_take(region.lock, seconds) {
    case system_lock_taken: return true
    case system_lock_abandoned:
      // What cannot be finished costs memory and nothing else.
      try? space.recover()
      system_lock_mend(region.lock)
      // The dead one may have published something without saying so.
      changes.noteAll()
      return true
    default: return false
    }
  }

  private func release() {
    system_lock_release(region.lock)
    sweepIfWanted()
  }
}

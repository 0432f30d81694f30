import Glibc

/// Allocates and frees records. All of it is done under the lock, and a process may die after each step: ``recover()``
/// then finishes or undoes what was begun.
struct SharedSpace {
  let region: SharedRegion
  let pins: PinTable

  // MARK: Allocating

  /// Takes pages for a record that is going to be published in a place. ``settle()`` ends it.
  func reserve(_ size: Int, for place: Int) throws(StoreError) -> Int {
    let start = region[number: .frontier]
    guard size <= region[number: .size] - start else { throw .full }
    mark(start, size, place)
    region[number: .frontier] = start + size
    do throws(StoreError) {
      try region.allocate(start, size)
    } catch {
      settle()
      throw error
    }
    return start
  }

  private func mark(_ start: Int, _ size: Int, _ place: Int) {
    region[number: .unsettled] = start
    region[number: .unsettledPlace] = place
    // Last, because it says that the others count.
    region[number: .unsettledBytes] = size
  }

  /// What was reserved is published, or given back.
  func settle() { region[.unsettledBytes] = 0 }

  /// Gives back what was reserved and not published.
  func abandon() {
    region.discard(region[number: .unsettled], region[number: .unsettledBytes])
    settle()
  }

  // MARK: Freeing

  /// Frees a record and all before it, which a deletion has put into ``SharedLayout/Word/freeing``.
  func free() throws(StoreError) {
    guard region[.freeing] != 0 else { return }
    let pinned = pins.pinned()
    while let record = try SharedRecord(at: region[number: .freeing], region) {
      if record.isMapped, pinned.contains(record.offset) {
        if region[number: .condemned] != record.offset {
          try record.condemn(before: region[number: .condemned], region)
          region[number: .condemned] = record.offset
        }
        region[number: .freeing] = record.previous
      } else {
        mark(record.offset, record.size(region.layout), record.place)
        region[number: .freeing] = record.previous
        abandon()
      }
      if record.previous == 0 { break }
    }
    region[.freeing] = 0
  }

  /// Frees condemned records that nobody has mapped any longer.
  func sweep() throws(StoreError) {
    region[.sweepWanted] = 0
    guard region[.condemned] != 0 else { return }
    let pinned = pins.pinned()
    var last: SharedRecord?
    while let record = try condemned(behind: last) {
      if pinned.contains(record.offset) {
        last = record
      } else {
        mark(record.offset, record.size(region.layout), record.place)
        try unlink(record, behind: last)
        abandon()
        // Its link has changed.
        last = try last.flatMap { last throws(StoreError) in try SharedRecord(at: last.offset, region) }
      }
    }
  }

  private func condemned(behind last: SharedRecord?) throws(StoreError) -> SharedRecord? {
    let next = last?.condemned ?? region[number: .condemned]
    return next == 0 ? nil : try SharedRecord(at: next, region)
  }

  private func unlink(_ record: SharedRecord, behind last: SharedRecord?) throws(StoreError) {
    if let last {
      try last.condemn(before: record.condemned, region)
    } else {
      region[number: .condemned] = record.condemned
    }
  }

  // MARK: Recovering

  /// Finishes what a process has begun that died with the lock.
  func recover() throws(StoreError) {
    if region[.unsettledBytes] != 0 {
      let (start, place) = (region[number: .unsettled], region[number: .unsettledPlace])
      if place < region.nameCount, region.state(place) == .record(start) {
        settle()
      } else {
        if start == region[number: .freeing], let record = try SharedRecord(at: start, region) {
          region[number: .freeing] = record.previous
        }
        var last: SharedRecord?
        while let record = try condemned(behind: last) {
          if record.offset == start {
            try unlink(record, behind: last)
            break
          }
          last = record
        }
        abandon()
      }
    }
    if region[.freeing] != 0 {
      let offset = region[number: .freeing]
      // The deletion may not have been published.
      if let record = try SharedRecord(at: offset, region), region.state(record.place) == .record(offset) {
        region[.freeing] = 0
      } else {
        try free()
      }
    }
    try sweep()
  }
}

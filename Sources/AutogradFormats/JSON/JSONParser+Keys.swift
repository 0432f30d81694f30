import Glibc

/// A key of an open object.
struct JSONKey {
  /// The first eight bytes, padded with zeros. They distinguish nearly all keys.
  let prefix: UInt64
  let length: UInt32
  /// The entry on the tape.
  let entry: UInt32

  /// - Parameter bodyEnd: the end of the body, in which the bytes of a key without escapes are.
  @inline(__always)
  init(entry: Int, bytes: UnsafeRawBufferPointer, isInBody: Bool, bodyEnd: UnsafePointer<UInt8>) {
    self.entry = UInt32(truncatingIfNeeded: entry)
    length = UInt32(truncatingIfNeeded: bytes.count)
    if bytes.count >= 8 {
      prefix = bytes.loadUnaligned(as: UInt64.self)
    } else if isInBody, let start = bytes.baseAddress, UnsafeRawPointer(bodyEnd) - start >= 8 {
      // Loads all eight at once and masks out the bytes after the key.
      prefix = start.loadUnaligned(as: UInt64.self) & ((1 &<< UInt64(truncatingIfNeeded: 8 &* bytes.count)) &- 1)
    } else {
      prefix = bytes.reversed().reduce(0) { $0 &<< 8 | UInt64($1) }
    }
  }
}

extension JSONParser {
  /// The unescaped bytes of the string at `index` on the tape. Valid until the next string is read.
  @inline(__always)
  func stringBytes(_ index: Int) -> UnsafeRawBufferPointer {
    let entry = tape[index]
    let start =
      entry.flags.contains(.escaped) ? UnsafePointer(unescaped.base) + Int(entry.link) : base + Int(entry.start) + 1
    return UnsafeRawBufferPointer(start: start, count: Int(entry.count))
  }

  /// Rejects the object that is about to close if two of its keys are equal, and removes its keys.
  ///
  /// Done once for the whole object, so that one table serves all objects, however they are nested.
  @inline(__always)
  mutating func checkKeys() throws(JSONSyntaxError) {
    let members = Int(tape[container].count)
    let first = keys.count &- members
    if members <= 8 {
      var later = first &+ 1
      while later < keys.count {
        var earlier = first
        while earlier < later {
          if areEqual(keys[earlier], keys[later]) { throw duplicate(keys[later]) }
          earlier &+= 1
        }
        later &+= 1
      }
    } else {
      try checkManyKeys(from: first)
    }
    keys.truncate(to: first)
  }

  /// Uses an open-addressing table, at most half full, with a hash that clients cannot predict.
  @inline(never)
  private mutating func checkManyKeys(from first: Int) throws(JSONSyntaxError) {
    var slots = 32
    while slots < 2 * (keys.count - first) { slots *= 2 }
    // A slot holds 0 if it is free, otherwise the index of a key of this object plus one.
    try keyTable.fill(0, count: slots, &allowance)
    for index in first..<keys.count {
      let key = keys[index]
      var slot = Int(truncatingIfNeeded: KeyedHash.process(stringBytes(Int(key.entry)))) & (slots - 1)
      while case let other = Int(keyTable[slot]), other > 0 {
        if areEqual(keys[first + other - 1], key) { throw duplicate(key) }
        slot = (slot + 1) & (slots - 1)
      }
      keyTable[slot] = UInt32(truncatingIfNeeded: index - first + 1)
    }
  }

  @inline(__always)
  private func areEqual(_ first: JSONKey, _ second: JSONKey) -> Bool {
    guard first.prefix == second.prefix, first.length == second.length else { return false }
    return first.length <= 8 || haveEqualBytes(first, second)
  }

  private func haveEqualBytes(_ first: JSONKey, _ second: JSONKey) -> Bool {
    guard let left = stringBytes(Int(first.entry)).baseAddress, let right = stringBytes(Int(second.entry)).baseAddress
    else {
      return true
    }
    return memcmp(left, right, Int(first.length)) == 0
  }

  private func duplicate(_ key: JSONKey) -> JSONSyntaxError {
    failure(.unique(Int(key.entry)), at: Int(tape[Int(key.entry)].start))
  }
}

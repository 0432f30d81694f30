import AutogradCore
import AutogradFormats
import Glibc

/// Names, numbered in the order of definition. It is the namespace of a graph or a function: inputs, constants, then
/// results of nodes.
package struct NameTable {
  private struct Entry {
    var name: UnsafeRawBufferPointer
    var hash: UInt64
  }

  private var entries: [Entry] = []
  private var slots: [Int32]

  /// - Parameter capacity: the expected number of names.
  package init(capacity: Int = 0) {
    entries.reserveCapacity(capacity)
    var size = 64
    while size < capacity * 2, size < 1 << 30 { size *= 2 }
    slots = Array(repeating: -1, count: size)
  }

  /// A table of these names; of equal ones the first counts.
  init(_ names: [SourceName]) {
    self.init(capacity: names.count)
    for name in names { _ = define(name) }
  }

  package var count: Int { entries.count }

  /// The number of a name; nil if it is not defined.
  package subscript(_ name: SourceName) -> Int? {
    let slot = slots[find(name.bytes, KeyedHash.process(name.bytes))]
    return slot < 0 ? nil : Int(slot)
  }

  package func name(_ number: Int) -> SourceName { SourceName(entries[number].name) }

  /// Gives a name the next number.
  /// - Returns: false if the name is taken.
  package mutating func define(_ name: SourceName) -> Bool {
    if (entries.count + 1) * 2 > slots.count { grow() }
    let hash = KeyedHash.process(name.bytes)
    let slot = find(name.bytes, hash)
    guard slots[slot] < 0 else { return false }
    slots[slot] = Int32(entries.count)
    entries.append(Entry(name: name.bytes, hash: hash))
    return true
  }

  private func find(_ name: UnsafeRawBufferPointer, _ hash: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 {
      let entry = Int(slots[slot])
      if entries[entry].hash == hash, NameTable.areEqual(entries[entry].name, name) { break }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private static func areEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count, let x = a.baseAddress, let y = b.baseAddress else { return a.count == b.count }
    return memcmp(x, y, a.count) == 0
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: slots.count * 2)
    for (index, entry) in entries.enumerated() { slots[find(entry.name, entry.hash)] = Int32(index) }
  }

  /// Suggestions for an undefined name, as the end of a sentence.
  package func hint(for name: String) -> String {
    let known = entries.lazy.map { String(decoding: $0.name, as: UTF8.self) }
    if let lookalike = Lookalikes.hint(for: name, among: known) { return lookalike }
    let near = NearestNames.find(name, among: known)
    return near.isEmpty ? "" : "; did you mean \(near.joined(separator: " or "))?"
  }

  /// A hint for other spellings of NaN and infinity.
  static func numberHint(for name: String) -> String? {
    let known: Set = ["nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"]
    return known.contains(name.lowercased())
      ? "; these numbers are written \"NaN\", \"Infinity\" and \"-Infinity\"" : nil
  }

  // MARK: Rules for names

  static let longestName = 256

  /// Why a name is not allowed; nil if it is.
  package static func refusal(of name: SourceName) -> String? {
    let bytes = name.bytes
    if bytes.isEmpty { return "a name has 1 to \(longestName) bytes, got an empty one" }
    if bytes.count > longestName { return "a name has 1 to \(longestName) bytes, got \(bytes.count)" }
    if hasControlCharacter(bytes) { return "a name has no control characters" }
    if isNonFinite(name) { return "\"\(name.string)\" is a number, not a name" }
    if bytes[0] == UInt8(ascii: "_"), bytes.count > 1,
      bytes.dropFirst().allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
    {
      return "names of the form _1 are reserved"
    }
    return nil
  }

  /// C0, DEL and C1 (which in UTF-8 are 0xC2 0x80…0x9F).
  private static func hasControlCharacter(_ name: UnsafeRawBufferPointer) -> Bool {
    var previous: UInt8 = 0
    for byte in name {
      if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return true }
      previous = byte
    }
    return false
  }

  /// Whether it is "NaN", "Infinity" or "-Infinity".
  static func isNonFinite(_ name: SourceName) -> Bool {
    let bytes = name.bytes
    return (bytes.count == 3 && bytes.hasPrefix("NaN")) || (bytes.count == 8 && bytes.hasPrefix("Infinity"))
      || (bytes.count == 9 && bytes.hasPrefix("-Infinity"))
  }
}

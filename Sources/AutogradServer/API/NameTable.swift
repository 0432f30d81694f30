import AutogradCore
import AutogradFormats
import Glibc

/// The one namespace of a graph: inputs, constants and results of nodes. Names stay byte ranges of the request; Strings
/// are made only for errors and answers.
struct NameTable {
  /// What a name stands for.
  enum Definition {
    case input(Int)
    case constant(Int)
    /// Result `index` of node `node`.
    case result(node: Int, index: Int)
  }

  private struct Entry {
    var name: UnsafeRawBufferPointer
    var hash: UInt64
    var definition: Definition
  }

  private var entries: [Entry] = []
  private var slots: [Int32] = Array(repeating: -1, count: 64)

  subscript(_ name: UnsafeRawBufferPointer) -> Definition? {
    let slot = slots[find(name, KeyedHash.process(name))]
    return slot < 0 ? nil : entries[Int(slot)].definition
  }

  /// - Returns: false if the name is taken.
  mutating func define(_ name: UnsafeRawBufferPointer, as definition: Definition) -> Bool {
    if (entries.count + 1) * 2 > slots.count { grow() }
    let hash = KeyedHash.process(name)
    let slot = find(name, hash)
    guard slots[slot] < 0 else { return false }
    slots[slot] = Int32(entries.count)
    entries.append(Entry(name: name, hash: hash, definition: definition))
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

  /// What a name that nothing defines may have meant, as the end of a sentence.
  func hint(for name: String) -> String {
    let near = NearestNames.find(name, among: entries.lazy.map { String(decoding: $0.name, as: UTF8.self) })
    return near.isEmpty ? "" : "; did you mean \(near.joined(separator: " or "))?"
  }

  /// For what other languages write for the numbers that JSON lacks.
  static func numberHint(for name: String) -> String? {
    let known: Set = ["nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"]
    return known.contains(name.lowercased())
      ? "; these numbers are written \"NaN\", \"Infinity\" and \"-Infinity\"" : nil
  }

  // MARK: Rules for names

  static let longestName = 256

  /// Why a name cannot be given to anything; nil if it can.
  static func refusal(of name: UnsafeRawBufferPointer) -> String? {
    if name.isEmpty { return "a name has 1 to \(longestName) bytes, got an empty one" }
    if name.count > longestName { return "a name has 1 to \(longestName) bytes, got \(name.count)" }
    if hasControlCharacter(name) { return "a name has no control characters" }
    if isNonFinite(name) { return "\"\(String(decoding: name, as: UTF8.self))\" is a number, not a name" }
    if name[0] == UInt8(ascii: "_"), name.count > 1,
      name.dropFirst().allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
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

  static func isNonFinite(_ name: UnsafeRawBufferPointer) -> Bool {
    (name.count == 3 && name.hasPrefix("NaN")) || (name.count == 8 && name.hasPrefix("Infinity"))
      || (name.count == 9 && name.hasPrefix("-Infinity"))
  }
}

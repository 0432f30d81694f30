import Glibc

/// A value of a ``JSONDocument``, which must outlive it. Two words, free to copy.
package struct JSONValue {
  @usableFromInline let storage: UnsafePointer<JSONStorage>
  @usableFromInline let index: Int

  @inlinable
  package init(storage: UnsafePointer<JSONStorage>, index: Int) {
    self.storage = storage
    self.index = index
  }

  @inlinable @inline(__always)
  var entry: UnsafePointer<JSONEntry> { storage.pointee.entries + index }

  @inlinable
  package var kind: JSONKind { entry.pointee.kind }

  /// The bytes of the body that this value was read from, quotes and brackets included.
  @inlinable
  package var text: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: storage.pointee.bytes + Int(entry.pointee.start), count: Int(entry.pointee.end - entry.pointee.start))
  }

  /// The elements of a list, the members of an object, the numbers of a list of numbers; 0 for everything else.
  @inlinable
  package var count: Int {
    switch kind {
    case .array, .object, .numbers: Int(entry.pointee.count)
    default: 0
    }
  }

  /// Of an ``JSONKind/array``; empty for every other kind.
  @inlinable
  package var elements: JSONElements {
    JSONElements(storage: storage, index: index + 1, remaining: kind == .array ? count : 0)
  }

  /// The same, but a single string counts as a list of one, as people and R write one name.
  @inlinable
  package var listed: JSONElements {
    kind == .string ? JSONElements(storage: storage, index: index, remaining: 1) : elements
  }

  package var listedCount: Int { kind == .string ? 1 : count }

  /// The pointer to an element of ``listed`` within this value.
  package func place(of element: Int) -> String { kind == .string ? "" : "/\(element)" }

  /// Nil for null: an optional member that is null counts as absent.
  package var given: JSONValue? { kind == .null ? nil : self }

  /// Of an ``JSONKind/object``, in the order they were written; empty for every other kind.
  @inlinable
  package var members: JSONMembers {
    JSONMembers(storage: storage, index: index + 1, remaining: kind == .object ? count : 0)
  }

  /// The member with that name, if this is an object that has it. Linear in the number of members.
  @inlinable
  package subscript(_ key: StaticString) -> JSONValue? {
    for (name, value) in members where name == key { return value }
    return nil
  }

  /// The UTF-8 of a string with its escapes undone; empty for every other kind.
  @inlinable
  package var stringBytes: UnsafeRawBufferPointer {
    guard kind == .string else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let start =
      entry.pointee.flags.contains(.escaped)
      ? storage.pointee.unescaped + Int(entry.pointee.link) : storage.pointee.bytes + Int(entry.pointee.start) + 1
    return UnsafeRawBufferPointer(start: start, count: Int(entry.pointee.count))
  }

  /// A string with its escapes undone; empty for every other kind.
  package var string: String { String(decoding: stringBytes, as: UTF8.self) }

  /// The index of the value after this one and all within it.
  @inlinable
  var following: Int {
    switch kind {
    case .array, .object: Int(entry.pointee.link)
    default: index + 1
    }
  }

  /// For the detail of an error: "a string", "the number 2.5".
  package var describe: String {
    switch kind {
    case .null: "null"
    case .false: "false"
    case .true: "true"
    case .string: "a string"
    case .object: "an object"
    case .array, .numbers: "a list"
    case .number: "the number " + String(decoding: text.prefix(40), as: UTF8.self) + (text.count > 40 ? "…" : "")
    }
  }
}

// MARK: - Numbers

extension JSONValue {
  /// The values of a ``JSONKind/numbers`` as doubles; empty for every other kind.
  package var numbers: UnsafeBufferPointer<Double> {
    UnsafeBufferPointer(start: storage.pointee.numbers + numbersOffset, count: kind == .numbers ? count : 0)
  }

  /// ``numbers`` with the flags of their texts.
  var numberRow: NumberRow { NumberRow(values: numbers, flags: kind == .numbers ? entry.pointee.flags : []) }

  /// The numbers of all elements together, if each is a ``JSONKind/numbers`` of `length` numbers; else nil. They are
  /// contiguous in the arena, and their entries on the tape.
  func numberRows(of length: Int) -> NumberRow? {
    guard kind == .array, count > 0 else { return nil }
    let rows = UnsafeBufferPointer(start: entry + 1, count: count)
    var flags = JSONFlags()
    for row in rows {
      guard row.kind == .numbers, Int(row.count) == length else { return nil }
      flags.formUnion(row.flags)
    }
    let first = storage.pointee.numbers + Int(rows[0].link)
    return NumberRow(values: UnsafeBufferPointer(start: first, count: rows.count * length), flags: flags)
  }

  /// Where ``numbers`` start in ``JSONDocument/numberArena``.
  var numbersOffset: Int { kind == .numbers ? Int(entry.pointee.link) : 0 }

  /// Every element is digits with perhaps a minus sign, at most 2^53 and not -0: the doubles are those very integers.
  var allIntegerText: Bool { kind == .numbers && !entry.pointee.flags.contains(.notInteger) }

  /// The literals of a ``JSONKind/numbers`` or ``JSONKind/number``, to decode them in another type; empty for every
  /// other kind.
  package var numberTokens: NumberTokens {
    switch kind {
    case .numbers: NumberTokens(text: text, position: 1, remaining: count)
    case .number: NumberTokens(text: text, position: 0, remaining: 1)
    default: NumberTokens(text: text, position: 0, remaining: 0)
    }
  }

  /// This value as a number: a ``JSONKind/number``, or one of the three strings.
  package var numberToken: NumberToken? {
    switch kind {
    case .number: return NumberToken(text: text)
    case .string:
      let token = NumberToken(text: text)
      return token.isNonFiniteText ? token : nil
    default: return nil
    }
  }
}

/// Numbers of one list or of several that follow each other, as doubles, and the union of the lists' flags.
struct NumberRow {
  let values: UnsafeBufferPointer<Double>
  let flags: JSONFlags
}

/// Cuts the text of a list of numbers, which parsing has checked, into its literals.
package struct NumberTokens: Sequence, IteratorProtocol {
  fileprivate let text: UnsafeRawBufferPointer
  fileprivate var position: Int
  fileprivate var remaining: Int

  package var underestimatedCount: Int { remaining }

  package mutating func next() -> NumberToken? {
    guard remaining > 0 else { return nil }
    remaining -= 1
    while position < text.count, Self.separates(text[position]) { position += 1 }
    let start = position
    while position < text.count, !Self.separates(text[position]) { position += 1 }
    return NumberToken(text: UnsafeRawBufferPointer(rebasing: text[start..<position]))
  }

  @inline(__always)
  private static func separates(_ byte: UInt8) -> Bool {
    byte <= UInt8(ascii: " ") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]")
  }
}

// MARK: - Containers

package struct JSONElements: Sequence, IteratorProtocol {
  @usableFromInline let storage: UnsafePointer<JSONStorage>
  @usableFromInline var index: Int
  @usableFromInline var remaining: Int

  @inlinable
  init(storage: UnsafePointer<JSONStorage>, index: Int, remaining: Int) {
    self.storage = storage
    self.index = index
    self.remaining = remaining
  }

  @inlinable
  package var underestimatedCount: Int { remaining }

  @inlinable
  package mutating func next() -> JSONValue? {
    guard remaining > 0 else { return nil }
    remaining -= 1
    let value = JSONValue(storage: storage, index: index)
    index = value.following
    return value
  }
}

package struct JSONMembers: Sequence, IteratorProtocol {
  @usableFromInline let storage: UnsafePointer<JSONStorage>
  @usableFromInline var index: Int
  @usableFromInline var remaining: Int

  @inlinable
  init(storage: UnsafePointer<JSONStorage>, index: Int, remaining: Int) {
    self.storage = storage
    self.index = index
    self.remaining = remaining
  }

  @inlinable
  package var underestimatedCount: Int { remaining }

  @inlinable
  package mutating func next() -> (key: JSONName, value: JSONValue)? {
    guard remaining > 0 else { return nil }
    remaining -= 1
    let name = JSONName(bytes: JSONValue(storage: storage, index: index).stringBytes)
    let value = JSONValue(storage: storage, index: index + 1)
    index = value.following
    return (name, value)
  }
}

/// The key of a member, escapes undone.
package struct JSONName {
  package let bytes: UnsafeRawBufferPointer

  @inlinable
  package init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  package var string: String { String(decoding: bytes, as: UTF8.self) }

  @inlinable @inline(__always)
  package static func == (name: JSONName, text: StaticString) -> Bool {
    name.bytes.count == text.utf8CodeUnitCount && name.bytes.hasPrefix(text)
  }
}

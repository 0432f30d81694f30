import Glibc

/// Fills the tape of a ``JSONDocument`` in one pass over the body, without recursion.
///
/// The stack of open lists and objects is linked through their entries on the tape, so depth costs no extra memory. The
/// pass only detects that a byte does not fit; JSONDiagnosis.swift explains it.
struct JSONParser: ~Copyable {
  let base: UnsafePointer<UInt8>
  let count: Int
  private let maximumDepth: Int
  let reader = NumberReader()

  var position = 0
  private var depth = 0
  /// The index of the innermost open list or object, -1 outside of any.
  private(set) var container = -1
  private(set) var isInObject = false

  var tape: Column<JSONEntry>
  var numbers: Column<Double>
  var unescaped = Column<UInt8>()
  /// The keys of the open objects: those of the innermost one come last.
  var keys = Column<JSONKey>(capacity: 32)
  var keyTable = Column<UInt32>()
  /// How much the columns may grow.
  var allowance: MemoryAllowance

  init(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int, maximumBytes: Int) {
    // An empty buffer may have no address; then no byte is read either.
    base = bytes.baseAddress.map { $0.assumingMemoryBound(to: UInt8.self) } ?? ("" as StaticString).utf8Start
    count = bytes.count
    self.maximumDepth = maximumDepth
    allowance = MemoryAllowance(maximumBytes)
    // An estimate that small bodies exceed at most once. Memory that is not touched costs nothing.
    tape = Column(capacity: min(count / 8, 1 << 16) + 16)
    numbers = Column(capacity: min(count / 16, 1 << 16) + 16)
  }

  /// After this the tape is complete and its first entry is the root.
  mutating func parse() throws(JSONSyntaxError) {
    guard count < UInt32.max else { throw failure(.tooLarge, at: 0) }
    repeat {
      while try opensContainer() {}
    } while try endsBeforeAnotherValue()
  }

  // MARK: Values

  /// Reads the value that comes next. True if that opened a list or object which is not empty: now its first value
  /// comes next.
  @inline(__always)
  private mutating func opensContainer() throws(JSONSyntaxError) -> Bool {
    skipWhitespace()
    guard position < count else { throw failure(.value, at: position) }
    switch base[position] {
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
    case UInt8(ascii: "t"): try literal("true", .true)
    case UInt8(ascii: "f"): try literal("false", .false)
    case UInt8(ascii: "n"): try literal("null", .null)
    default: throw failure(.value, at: position)
    }
    return false
  }

  private mutating func literal(_ text: StaticString, _ kind: JSONKind) throws(JSONSyntaxError) {
    let length = text.utf8CodeUnitCount
    guard UnsafeRawBufferPointer(start: base + position, count: count - position).hasPrefix(text) else {
      throw failure(.value, at: position)
    }
    try append(kind, to: position + length)
    position += length
  }

  private mutating func number() throws(JSONSyntaxError) {
    guard let decimal = reader.scan(base + position, base + count) else { throw failure(.number, at: position) }
    let end = decimal.end - base
    try append(.number, to: end)
    position = end
  }

  /// Adds an entry for what lies between ``position`` and `end`.
  @inline(__always)
  private mutating func append(_ kind: JSONKind, to end: Int) throws(JSONSyntaxError) {
    try append(
      JSONEntry(
        start: UInt32(truncatingIfNeeded: position), end: UInt32(truncatingIfNeeded: end), count: 0, link: 0,
        kind: kind, flags: []))
  }

  @inline(__always)
  mutating func append(_ entry: JSONEntry) throws(JSONSyntaxError) { try tape.append(entry, &allowance) }

  // MARK: Lists and objects

  @inline(__always)
  private mutating func object() throws(JSONSyntaxError) -> Bool {
    try open(.object)
    skipWhitespace()
    if position < count, base[position] == UInt8(ascii: "}") {
      close()
      return false
    }
    try key()
    return true
  }

  @inline(__always)
  private mutating func array() throws(JSONSyntaxError) -> Bool {
    let start = position
    position = start + 1
    skipWhitespace()
    if position < count {
      let byte = base[position]
      if byte &- UInt8(ascii: "0") <= 9 || byte == UInt8(ascii: "-") {
        guard depth < maximumDepth else { throw failure(.depth(maximumDepth), at: start) }
        if try numberList(from: start) { return false }
      }
    }
    position = start
    try open(.array)
    skipWhitespace()
    if position < count, base[position] == UInt8(ascii: "]") {
      close()
      return false
    }
    return true
  }

  @inline(__always)
  private mutating func open(_ kind: JSONKind) throws(JSONSyntaxError) {
    guard depth < maximumDepth else { throw failure(.depth(maximumDepth), at: position) }
    let index = tape.count
    try append(
      JSONEntry(
        start: UInt32(truncatingIfNeeded: position), end: 0, count: 0, link: UInt32(truncatingIfNeeded: container + 1),
        kind: kind,
        flags: []))
    container = index
    isInObject = kind == .object
    depth &+= 1
    position &+= 1
  }

  /// ``position`` is at the closing bracket.
  @inline(__always)
  private mutating func close() {
    position &+= 1
    depth &-= 1
    var entry = tape[container]
    let index = container
    container = Int(entry.link) &- 1
    entry.end = UInt32(truncatingIfNeeded: position)
    entry.link = UInt32(truncatingIfNeeded: tape.count)
    tape[index] = entry
    isInObject = container >= 0 && tape[container].kind == .object
  }

  /// A value has ended. Closes what ends with it; false once the document is complete, true if another value comes
  /// next.
  @inline(__always)
  private mutating func endsBeforeAnotherValue() throws(JSONSyntaxError) -> Bool {
    while container >= 0 {
      tape.base[container].count &+= 1
      skipWhitespace()
      guard position < count else { throw failure(.separator, at: position) }
      let byte = base[position]
      if byte == UInt8(ascii: ",") {
        position &+= 1
        if isInObject { try key() }
        return true
      }
      guard byte == (isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
        throw failure(.separator, at: position)
      }
      if isInObject { try checkKeys() }
      close()
    }
    skipWhitespace()
    guard position == count else { throw failure(.end, at: position) }
    return false
  }

  /// Reads a key and its colon; its value comes next.
  @inline(__always)
  private mutating func key() throws(JSONSyntaxError) {
    skipWhitespace()
    guard position < count, base[position] == UInt8(ascii: "\"") else { throw failure(.key, at: position) }
    let index = tape.count
    try string()
    tape.base[container].end = UInt32(truncatingIfNeeded: index)
    try keys.append(
      JSONKey(
        entry: index, bytes: stringBytes(index), isInBody: !tape[index].flags.contains(.escaped),
        bodyEnd: base + count),
      &allowance)
    skipWhitespace()
    guard position < count, base[position] == UInt8(ascii: ":") else { throw failure(.colon, at: position) }
    position &+= 1
  }

  @inline(__always)
  mutating func skipWhitespace() {
    while position < count, case let byte = base[position], byte <= UInt8(ascii: " ") {
      guard
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
          || byte == UInt8(ascii: "\t")
      else {
        return
      }
      position &+= 1
    }
  }
}

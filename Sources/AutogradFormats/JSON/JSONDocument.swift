/// A parsed JSON body: strict RFC 8259, in the order it was written.
///
/// The result is a tape: one small entry for each value, in document order. So values cost no objects, and nesting
/// costs no stack frames. Strings without escapes stay in the body. Lists of numbers, which are most of a request, are
/// one entry each; their values are decoded into one arena. The innermost lists of a nested tensor lie there one after
/// the other, so reading a tensor of any rank is one copy.
///
/// The bytes are borrowed: they must outlive the document, and the document its values. A ``JSONValue`` is two words
/// without a reference count; code that uses values must keep the document alive (a stored property, or
/// `withExtendedLifetime`).
///
/// `@unchecked Sendable`: nothing changes once `init` has returned.
package final class JSONDocument: @unchecked Sendable {
  private let tape: Column<JSONEntry>
  private let numbers: Column<Double>
  private let unescaped: Column<UInt8>
  private let storage: UnsafeMutablePointer<JSONStorage>

  /// - Parameters:
  ///   - maximumDepth: how many lists and objects may be open at once.
  ///   - maximumBytes: how much the tape, numbers and the rest may grow by.
  package init(parsing bytes: UnsafeRawBufferPointer, maximumDepth: Int = 64, maximumBytes: Int = .max)
    throws(JSONSyntaxError)
  {
    var parser = JSONParser(bytes, maximumDepth: maximumDepth, maximumBytes: maximumBytes)
    try parser.parse()
    storage = .allocate(capacity: 1)
    storage.initialize(
      to: JSONStorage(
        bytes: parser.base, entries: UnsafePointer(parser.tape.base), numbers: UnsafePointer(parser.numbers.base),
        unescaped: UnsafePointer(parser.unescaped.base)))
    tape = parser.tape
    numbers = parser.numbers
    unescaped = parser.unescaped
  }

  deinit { storage.deallocate() }

  /// Memory in addition to the body.
  package var byteCount: Int {
    tape.capacity * MemoryLayout<JSONEntry>.stride + numbers.capacity * MemoryLayout<Double>.stride + unescaped.capacity
  }

  package var root: JSONValue { JSONValue(storage: UnsafePointer(storage), index: 0) }

  /// The values of all ``JSONKind/numbers`` in document order; see ``JSONValue/numbersOffset``.
  var numberArena: UnsafeBufferPointer<Double> { UnsafeBufferPointer(start: numbers.base, count: numbers.count) }
}

@usableFromInline
package enum JSONKind: UInt8, BitwiseCopyable, Sendable {
  case null, `false`, `true`, number, string, array, object
  /// A list of numbers and of the strings "NaN", "Infinity" and "-Infinity", at least one, the first a number.
  case numbers
}

/// One value, or one key of an object, on the tape. Columns of 32 bits: a body has less than 4 GiB.
@usableFromInline
struct JSONEntry: BitwiseCopyable {
  /// The text in the body, first byte and byte after the last.
  @usableFromInline var start: UInt32
  /// While an object is open: the index of the key whose value is being read.
  @usableFromInline var end: UInt32
  /// Elements, members, numbers, or bytes of an unescaped string.
  @usableFromInline var count: UInt32
  /// For a list or object: the entry after its last descendant; while it is open, the index of its parent plus one. For
  /// numbers: their offset in the arena. For a string with escapes: its offset among the unescaped bytes.
  @usableFromInline var link: UInt32
  @usableFromInline var kind: JSONKind
  @usableFromInline var flags: JSONFlags
}

@usableFromInline
struct JSONFlags: OptionSet, BitwiseCopyable, Sendable {
  @usableFromInline let rawValue: UInt8

  @inlinable
  init(rawValue: UInt8) { self.rawValue = rawValue }

  /// For strings: it is among the unescaped bytes, not in the body.
  @inlinable static var escaped: JSONFlags { JSONFlags(rawValue: 1) }
  /// Numbers: some literal is beyond the largest double.
  static var overflow: JSONFlags { JSONFlags(rawValue: 2) }
  /// Numbers: some element is one of the three strings.
  static var nonFiniteText: JSONFlags { JSONFlags(rawValue: 4) }
  /// Numbers: some element is not an integer literal, or not one that its double holds exactly.
  static var notInteger: JSONFlags { JSONFlags(rawValue: 8) }
}

/// The parts of a document; a ``JSONValue`` points to this.
@usableFromInline
package struct JSONStorage {
  @usableFromInline let bytes: UnsafePointer<UInt8>
  @usableFromInline let entries: UnsafePointer<JSONEntry>
  @usableFromInline let numbers: UnsafePointer<Double>
  @usableFromInline let unescaped: UnsafePointer<UInt8>
}

/// Why a body is not a JSON document, and where.
package struct JSONSyntaxError: Error, Equatable {
  enum Code: Equatable, Sendable {
    case invalidJSON, duplicateKey, tooDeep
    /// Its values take more memory than this many bytes.
    case tooMuchMemory(Int)
  }
  var code: Code
  /// In bytes from the start of the body.
  var offset: Int
  /// RFC 6901 pointer to the innermost known place; "" for the whole document. For a duplicate key, the member itself.
  var pointer: String
  /// For people: where, what was expected, what was found, and how to fix common mistakes.
  var message: String

  static func tooMuchMemory(_ limit: Int) -> JSONSyntaxError {
    JSONSyntaxError(
      code: .tooMuchMemory(limit), offset: 0, pointer: "",
      message: "the values of the body take more memory than the \(limit) bytes that there are for them")
  }
}

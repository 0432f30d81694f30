import AutogradCore

/// The header of an array in NumPy's format, a dictionary in Python's notation:
/// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
struct NPYHeader {
  let dtype: DType
  let isFortranOrder: Bool
  let shape: [Int]

  init(_ text: UnsafeRawBufferPointer) throws(FormatError) {
    var scanner = Scanner(text)
    var (dtype, isFortranOrder, shape): (DType?, Bool?, [Int]?)
    try scanner.expect("{")
    while !scanner.takes("}") {
      let key = try scanner.text()
      try scanner.expect(":")
      switch key {
      case "descr": dtype = try NPYHeader.dtype(&scanner)
      case "fortran_order": isFortranOrder = try scanner.truth()
      case "shape": shape = try scanner.sizes()
      default: throw FormatError(.unknownMember, "the header of an .npy file has no \(key.prefix(64))")
      }
      guard scanner.takes(",") else {
        try scanner.expect("}")
        break
      }
    }
    guard let dtype, let isFortranOrder, let shape else {
      throw FormatError(.missingMember, "the header of an .npy file has descr, fortran_order and shape")
    }
    self.dtype = dtype
    self.isFortranOrder = isFortranOrder
    self.shape = shape
  }

  private static func dtype(_ scanner: inout Scanner) throws(FormatError) -> DType {
    if scanner.takes("[") {
      throw FormatError(.wrongType, "the array has fields with names: save each field with numpy.save")
    }
    let written = try scanner.text()
    switch written {
    case "<f8": return .float64
    case "<f4": return .float32
    case "<i8": return .int64
    case "<i4": return .int32
    case "|b1": return .bool
    default:
      throw FormatError(
        .wrongType, "the dtypes that are read are <f8, <f4, <i8, <i4 and |b1, got \(written.prefix(64))\(hint(written))"
      )
    }
  }

  /// How to save it instead, as the end of a sentence.
  private static func hint(_ written: String) -> String {
    let (order, kind) = (written.prefix(1), written.dropFirst())
    switch kind {
    case "f8", "f4", "i8", "i4": return order == ">" ? "; save x.astype('<\(kind)')" : ""
    case "f2": return "; save x.astype('<f4')"
    case "f16", "f12": return "; save x.astype('<f8')"
    case "i1", "i2", "u1", "u2": return "; save x.astype('<i4')"
    case "u4", "u8": return "; save x.astype('<i8')"
    case "c8", "c16": return "; there are no complex tensors: save x.real and x.imag"
    case "O": return "; the array holds Python objects, not numbers: save x.astype('<f8')"
    default: return kind.hasPrefix("U") || kind.hasPrefix("S") ? "; the array holds texts: save x.astype('<f8')" : ""
    }
  }

  /// Reads Python's notation, as far as headers use it.
  private struct Scanner {
    let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var fault: FormatError {
      FormatError(.wrongType, "the header of the .npy file cannot be read at its byte \(position)")
    }

    private mutating func skipBlanks() { while position < bytes.count, bytes[position] <= 0x20 { position += 1 } }

    /// Whether the word comes next; then it is passed.
    mutating func takes(_ word: StaticString) -> Bool {
      skipBlanks()
      guard UnsafeRawBufferPointer(rebasing: bytes[position...]).hasPrefix(word) else { return false }
      position += word.utf8CodeUnitCount
      return true
    }

    mutating func expect(_ word: StaticString) throws(FormatError) { if !takes(word) { throw fault } }

    mutating func text() throws(FormatError) -> String {
      let quote: UInt8
      if takes("'") { quote = UInt8(ascii: "'") } else { quote = UInt8(ascii: "\"") }
      if quote == UInt8(ascii: "\"") { try expect("\"") }
      guard let end = bytes[position...].firstIndex(of: quote) else { throw fault }
      defer { position = end + 1 }
      return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    mutating func truth() throws(FormatError) -> Bool {
      if takes("True") { return true }
      try expect("False")
      return false
    }

    /// `()`, `(3,)`, `(3, 4)`; Python 2 has written `3L`.
    mutating func sizes() throws(FormatError) -> [Int] {
      var sizes: [Int] = []
      try expect("(")
      while !takes(")") {
        skipBlanks()
        let digits = bytes[position...].prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        guard sizes.count <= Shape.maximumRank, let size = Int(String(decoding: digits, as: UTF8.self)) else {
          throw fault
        }
        sizes.append(size)
        position = digits.endIndex
        _ = takes("L")
        guard takes(",") else {
          try expect(")")
          break
        }
      }
      return sizes
    }
  }
}

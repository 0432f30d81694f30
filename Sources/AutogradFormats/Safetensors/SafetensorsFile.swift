import AutogradCore

/// A body in the safetensors format: the length of the header in eight bytes, little-endian; the header, a JSON object
/// of tensors by name with `__metadata__` beside them; then the data of the tensors.
///
/// Reading checks everything: the tensors cover the data from the first byte to the last without a gap or an overlap,
/// and each has the size that its shape and dtype need. Numbers stay where they are; they may be unaligned.
///
/// The bytes are borrowed, as those of a ``JSONDocument`` are. Names and texts point into the header, which must be
/// kept alive.
package struct SafetensorsFile {
  /// Maximum size of a header in the format.
  static let largestHeader = 100_000_000

  package struct Entry {
    package var name: JSONName
    package var dtype: DType
    /// As in the header.
    package var shape: JSONValue
    /// Where its data are in ``SafetensorsFile/data``.
    package var begin: Int
    package var end: Int
  }

  let header: JSONDocument
  /// What must be kept alive as long as names and texts are used, beside the bytes.
  package var owner: AnyObject { header }
  package let data: UnsafeRawBufferPointer
  /// In the order of the header.
  package let entries: [Entry]
  package let metadata: JSONValue?

  /// - Parameters:
  ///   - maximumDepth: see ``JSONDocument``; so is `maximumBytes`.
  ///   - maximumTensors: maximum number of tensors.
  ///   - pointer: the pointer to a tensor in errors; by default its name.
  package init(
    _ bytes: UnsafeRawBufferPointer, maximumDepth: Int = 64, maximumBytes: Int = .max, maximumTensors: Int = .max,
    pointer: (JSONName) -> String = { Pointer.member($0.string) }
  ) throws(FormatError) {
    let text = try SafetensorsFile.headerText(bytes)
    do throws(JSONSyntaxError) {
      header = try JSONDocument(parsing: text, maximumDepth: maximumDepth, maximumBytes: maximumBytes)
    } catch {
      throw FormatError(error).saying { "the safetensors header: \($0)" }
    }
    data = UnsafeRawBufferPointer(rebasing: bytes[(8 + text.count)...])
    let count = header.root.count
    guard count <= maximumTensors else {
      throw FormatError(
        .nodes, "the file has \(count) tensors, at most \(maximumTensors) are allowed", at: "", most: maximumTensors,
        value: count)
    }
    var metadata: JSONValue?
    var entries: [Entry] = []
    entries.reserveCapacity(header.root.count)
    for (name, value) in header.root.members {
      if name == "__metadata__" {
        metadata = value
      } else {
        entries.append(try SafetensorsFile.entry(name, value, data.count, pointer))
      }
    }
    try SafetensorsFile.checkPlaces(entries, data.count, pointer)
    self.entries = entries
    self.metadata = metadata
  }

  private static func headerText(_ bytes: UnsafeRawBufferPointer) throws(FormatError) -> UnsafeRawBufferPointer {
    guard bytes.count >= 8 else {
      throw FormatError(
        .invalidJSON,
        "a safetensors file starts with eight bytes, the length of its header; the body has \(bytes.count)", at: "")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(bytes.count - 8) else {
      let isText = bytes[0] == UInt8(ascii: "{") && bytes.prefix(8).allSatisfy { $0 >= 9 }
      let hint = isText ? "; this looks like JSON: send it as application/json" : ""
      throw FormatError(
        .invalidJSON,
        "the header of the safetensors file is said to have \(length) bytes, the body has \(bytes.count - 8) after "
          + "that\(hint)",
        at: "")
    }
    guard length <= UInt64(largestHeader) else {
      throw FormatError(
        .body, "the header of a safetensors file has at most \(largestHeader) bytes, this one \(length)", at: "",
        most: largestHeader, value: Int(length))
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[8..<(8 + Int(length))])
    guard text.first == UInt8(ascii: "{") else {
      throw FormatError(
        .invalidJSON,
        "the header of a safetensors file is a JSON object and starts with {, right after the eight bytes", at: "")
    }
    return text
  }

  // MARK: One tensor

  private static func entry(
    _ name: JSONName, _ value: JSONValue, _ dataByteCount: Int, _ pointer: (JSONName) -> String
  ) throws(FormatError) -> Entry {
    do throws(FormatError) {
      return try readEntry(name, value, dataByteCount)
    } catch {
      throw error.under(pointer(name)).saying { "the tensor \(name.string.prefix(64)): \($0)" }
    }
  }

  private static func readEntry(_ name: JSONName, _ value: JSONValue, _ dataByteCount: Int) throws(FormatError) -> Entry
  {
    guard value.kind == .object else {
      throw FormatError(
        .wrongType, "an object with dtype, shape and data_offsets is expected, got \(value.describe)", at: "")
    }
    var parts: (dtype: JSONValue?, shape: JSONValue?, offsets: JSONValue?)
    for (key, member) in value.members {
      if key == "dtype" {
        parts.dtype = member
      } else if key == "shape" {
        parts.shape = member
      } else if key == "data_offsets" {
        parts.offsets = member
      } else {
        throw FormatError.unknownMember(key.string, of: "it", ["dtype", "shape", "data_offsets"], at: "")
      }
    }
    guard let dtype = parts.dtype, let shape = parts.shape, let offsets = parts.offsets else {
      throw FormatError(.missingMember, "dtype, shape and data_offsets are needed", at: "")
    }
    if let index = shape.firstNotInDigits {
      throw FormatError(.wrongType, "a size is written in digits alone, got \(shape.asWritten)", at: "/shape/\(index)")
    }
    let type = TensorType(try readDType(dtype), try TensorDecoder.readShape(shape))
    guard offsets.firstNotInDigits == nil, let range = offsets.integerList, range.count == 2 else {
      throw FormatError(
        .wrongType,
        "data_offsets is a list of two numbers in digits alone, where the data begin and end, got \(offsets.asWritten)",
        at: "")
    }
    guard range[0] >= 0, range[0] <= range[1], range[1] <= dataByteCount else {
      throw FormatError(
        .invalidJSON, "data_offsets [\(range[0]), \(range[1])] is not within the \(dataByteCount) bytes of data", at: ""
      )
    }
    guard range[1] - range[0] == type.byteCount else {
      throw FormatError(
        .shapeMismatch,
        "shape \(type.shape) of \(type.dtype) takes \(type.byteCount) bytes, data_offsets gives \(range[1] - range[0])",
        at: "")
    }
    return Entry(name: name, dtype: type.dtype, shape: shape, begin: range[0], end: range[1])
  }

  private static func readDType(_ value: JSONValue) throws(FormatError) -> DType {
    if value.kind == .string, let dtype = DType(safetensors: value) { return dtype }
    let hint: String
    switch value.string {
    case "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4": hint = "; convert it to F32 before it is saved"
    case "U8", "I8", "U16", "I16": hint = "; convert it to I32 before it is saved"
    case "U32", "U64": hint = "; convert it to I64 before it is saved"
    case "C64": hint = "; there are no complex tensors: send the real and the imaginary part"
    case let text where DType(name: text) != nil:
      hint = "; the format writes \(text) as \(DType(name: text)?.safetensors ?? "")"
    default: hint = ""
    }
    throw FormatError(
      .wrongType, "the dtypes that are read are F64, F32, I64, I32 and BOOL, got \(value.brief)\(hint)", at: "/dtype")
  }

  // MARK: All tensors

  /// The header may list tensors in any order; their data follow each other.
  private static func checkPlaces(
    _ entries: [Entry], _ dataByteCount: Int, _ pointer: (JSONName) -> String
  ) throws(FormatError) {
    var position = 0
    for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      guard entry.begin == position else {
        let fault = entry.begin < position ? "overlap those of another tensor" : "leave a gap"
        throw FormatError(
          .invalidJSON,
          "the data of \(entry.name.string.prefix(64)), from \(entry.begin) to \(entry.end), \(fault): \(position) "
            + "comes next",
          at: pointer(entry.name))
      }
      position = entry.end
    }
    guard position == dataByteCount else {
      throw FormatError(
        .invalidJSON,
        "the tensors of the safetensors file have \(position) bytes of data, the body has \(dataByteCount)", at: "")
    }
  }
}

extension DType {
  /// The format's name of the dtype.
  package var safetensors: StaticString {
    switch self {
    case .float64: "F64"
    case .float32: "F32"
    case .int64: "I64"
    case .int32: "I32"
    case .bool: "BOOL"
    }
  }

  fileprivate init?(safetensors text: JSONValue) {
    let name = JSONName(bytes: text.stringBytes)
    guard let dtype = DType.allCases.first(where: { name == $0.safetensors }) else { return nil }
    self = dtype
  }
}

extension JSONValue {
  /// Its text, cut for an error.
  fileprivate var asWritten: String {
    let text = String(decoding: self.text.prefix(60), as: UTF8.self)
    return self.text.count > 60 ? text + "…" : text
  }

  /// The first number in a list that is written as a fraction, with an exponent or as -0. The format's own library
  /// reads unsigned integers and does not accept these.
  fileprivate var firstNotInDigits: Int? {
    if allIntegerText { return nil }
    return numberTokens.enumerated().first { _, token in
      !token.text.enumerated().allSatisfy { index, byte in
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
          || (index == 0 && byte == UInt8(ascii: "-") && token.text.count > 1)
      } || token.isNegativeZero
    }?.offset
  }
}

extension NumberToken {
  fileprivate var isNegativeZero: Bool {
    text.count == 2 && text[0] == UInt8(ascii: "-") && text[1] == UInt8(ascii: "0")
  }
}

import AutogradCore

/// Reads the tensors of a request: numbers, nested lists, and objects with dtype, shape and data.
package struct TensorDecoder {
  /// The dtype of a tensor without one, and whether another is rejected.
  package enum Expected {
    /// Data without a dtype gets this one; another explicit dtype is allowed.
    case fallback(DType)
    /// This dtype is required; the text names its owner in errors.
    case required(DType, String)

    var dtype: DType {
      switch self {
      case .fallback(let dtype): dtype
      case .required(let dtype, _): dtype
      }
    }
  }

  private let document: JSONDocument
  private let file: UnsafeRawBufferPointer?

  /// - Parameter file: the data of a safetensors file. Then `data` is the position of a tensor in it, `[begin, end]`,
  ///   which has been checked.
  package init(document: JSONDocument, file: UnsafeRawBufferPointer? = nil) {
    self.document = document
    self.file = file
  }

  /// A tensor of a request, or only its type if nothing will be computed.
  package struct Given {
    package var type: TensorType
    package var tensor: Tensor?
  }

  /// - Parameter allowsTypes: whether `{"dtype", "shape"}` without data is allowed.
  package func decode(_ value: JSONValue, _ expected: Expected, allowsTypes: Bool) throws(FormatError) -> Given {
    if allowsTypes, value.kind == .object, value["data"] == nil, value["encoding"] == nil, let sizes = value["shape"] {
      for (key, _) in value.members where key.string != "dtype" && key.string != "shape" {
        throw FormatError.unknownMember(key.string, of: "a tensor", ["dtype", "shape", "encoding", "data"], at: "")
      }
      let explicit: DType? = if let given = value["dtype"] { try DTypeText.read(given, at: "/dtype") } else { nil }
      return Given(
        type: TensorType(try dtype(of: nil, explicit: explicit, expected), try TensorDecoder.readShape(sizes)),
        tensor: nil)
    }
    let tensor = try decode(value, expected)
    return Given(type: tensor.type, tensor: tensor)
  }

  package func decode(_ value: JSONValue, _ expected: Expected) throws(FormatError) -> Tensor {
    if value.kind == .object { return try decodeObject(value, expected) }
    let dtype = try dtype(of: value, explicit: nil, expected)
    return try NestedTensorReader(document, dtype).read(value, as: nil)
  }

  // MARK: {"dtype", "shape", "encoding", "data"}

  private func decodeObject(_ object: JSONValue, _ expected: Expected) throws(FormatError) -> Tensor {
    var parts: (dtype: JSONValue?, shape: JSONValue?, encoding: JSONValue?, data: JSONValue?)
    for (key, member) in object.members {
      if key == "dtype" {
        parts.dtype = member.given
      } else if key == "shape" {
        parts.shape = member.given
      } else if key == "encoding" {
        parts.encoding = member.given
      } else if key == "data" {
        parts.data = member
      } else {
        let hint = key == "0" ? "; is this a JavaScript typed array? send Array.from(x)" : ""
        throw FormatError(
          .unknownMember, "a tensor has dtype, shape, encoding and data, not \(key.string.prefix(64))\(hint)",
          at: Pointer.member(key.string))
      }
    }
    guard let data = parts.data else { throw FormatError(.missingMember, "a tensor object needs data", at: "") }
    let explicit: DType? = if let given = parts.dtype { try DTypeText.read(given, at: "/dtype") } else { nil }
    let shape: Shape? = if let given = parts.shape { try TensorDecoder.readShape(given) } else { nil }
    if let file, let shape {
      let type = TensorType(try dtype(of: nil, explicit: explicit, expected), shape)
      let storage = Storage(byteCount: type.byteCount)
      try readBytes(data.slice(of: file), type, into: storage.base)
      return Tensor(type, storage: storage)
    }
    if let encoding = parts.encoding {
      guard encoding.kind == .string, encoding.string == "base64" else {
        throw FormatError(
          .wrongType, "the encoding of a tensor is \"base64\" or left out, got \(encoding.brief)", at: "/encoding")
      }
      let dtype = try dtype(of: nil, explicit: explicit, expected)
      return try decodeBase64(data, dtype, shape)
    }
    let dtype = try dtype(of: data, explicit: explicit, expected)
    do throws(FormatError) {
      return try NestedTensorReader(document, dtype).read(data, as: shape)
    } catch {
      throw error.under("/data")
    }
  }

  private func decodeBase64(_ data: JSONValue, _ dtype: DType, _ shape: Shape?) throws(FormatError) -> Tensor {
    guard let shape else { throw FormatError(.missingMember, "a base64 tensor needs its shape", at: "") }
    guard data.kind == .string else {
      throw FormatError(.wrongType, "base64 data is a string, got \(data.describe)", at: "/data")
    }
    let type = TensorType(dtype, shape)
    let storage = Storage(byteCount: try checkedByteCount(data, type))
    try readBase64(data, type, into: storage.base)
    return Tensor(type, storage: storage)
  }

  private static var notBase64: FormatError {
    FormatError(.wrongType, "data is not base64: the standard alphabet with padding is expected", at: "/data")
  }

  private func checkedByteCount(_ data: JSONValue, _ type: TensorType) throws(FormatError) -> Int {
    let text = data.stringBytes
    guard let byteCount = Base64.decodedByteCount(text) else { throw TensorDecoder.notBase64 }
    guard byteCount == type.byteCount else {
      guard Base64.isValid(text) else { throw TensorDecoder.notBase64 }
      throw FormatError(
        .shapeMismatch, "shape \(type.shape) of \(type.dtype) takes \(type.byteCount) bytes, the data has \(byteCount)",
        at: "/data")
    }
    return byteCount
  }

  private func readBase64(_ data: JSONValue, _ type: TensorType, into base: UnsafeMutableRawPointer) throws(FormatError)
  {
    guard Base64.decode(data.stringBytes, into: base) else { throw TensorDecoder.notBase64 }
    if type.dtype == .bool, UnsafeRawBufferPointer(start: base, count: type.byteCount).contains(where: { $0 > 1 }) {
      throw FormatError(.numberOutOfRange, "the bytes of a bool tensor are 0 and 1", at: "/data")
    }
  }

  private func readBytes(_ bytes: UnsafeRawBufferPointer?, _ type: TensorType, into base: UnsafeMutableRawPointer)
    throws(FormatError)
  {
    guard let bytes, bytes.count == type.byteCount else {
      throw FormatError(.shapeMismatch, "shape \(type.shape) of \(type.dtype) takes \(type.byteCount) bytes", at: "")
    }
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    base.copyMemory(from: start, byteCount: bytes.count)
    if type.dtype == .bool, bytes.contains(where: { $0 > 1 }) {
      throw FormatError(.numberOutOfRange, "the bytes of a bool tensor are 0 and 1", at: "")
    }
  }

  // MARK: Of a known type

  /// Reads data whose type is known from an earlier request with the same key, into memory that has room for it.
  package func read(_ source: TensorSource, _ type: TensorType, into base: UnsafeMutableRawPointer) throws(FormatError)
  {
    switch source {
    case .lists(let data): try NestedTensorReader(document, type.dtype).read(data, as: type.shape, into: base)
    case .base64(let data):
      _ = try checkedByteCount(data, type)
      try readBase64(data, type, into: base)
    case .bytes(let bytes): try readBytes(bytes, type, into: base)
    }
  }

  package static func readShape(_ value: JSONValue) throws(FormatError) -> Shape {
    guard let sizes = value.integerList else {
      let place = value.firstNonInteger.map { "/shape/\($0)" } ?? "/shape"
      throw FormatError(
        .wrongType, "a shape is a list of sizes, got \(value.firstNonInteger == nil ? value.brief : "something else")",
        at: place)
    }
    if let index = sizes.firstIndex(where: { $0 < 0 }) {
      throw FormatError(.wrongType, "a size cannot be negative, got \(sizes[index])", at: "/shape/\(index)")
    }
    do throws(GraphError) {
      return try Shape(checking: sizes)
    } catch {
      throw FormatError(error, at: "/shape")
    }
  }

  /// The dtype to read the data in: its own, else the expected one. `true` and `false` are always bool.
  private func dtype(of data: JSONValue?, explicit: DType?, _ expected: Expected) throws(FormatError) -> DType {
    if let explicit {
      if case .required(let dtype, let owner) = expected, dtype != explicit {
        throw FormatError(.dtypeMismatch, "\(owner) is \(dtype), the tensor says \(explicit)", at: "")
      }
      return explicit
    }
    if case .fallback = expected, let leaf = data?.firstLeaf {
      switch leaf.kind {
      case .true, .false: return .bool
      default: break
      }
    }
    return expected.dtype
  }
}

/// Reads the names of dtypes.
package enum DTypeText {
  package static func read(_ value: JSONValue, at pointer: String) throws(FormatError) -> DType {
    guard value.kind == .string, let dtype = DType(name: value.string) else {
      let known = DType.allCases.map(\.name).joined(separator: ", ")
      throw FormatError(
        .wrongType, "a dtype is one of \(known), got \(value.brief)\(hint(for: value.string))", at: pointer)
    }
    return dtype
  }

  /// A suggestion for other languages' names, as the end of a sentence.
  package static func hint(for name: String) -> String {
    let meant: DType? =
      switch name.lowercased() {
      case "double", "float", "f64", "float_", "number", "numeric", "torch.float64", "torch.double": .float64
      case "single", "f32", "torch.float32", "torch.float": .float32
      case "int", "integer", "long", "i64", "torch.int64", "torch.long": .int64
      case "i32", "torch.int32": .int32
      case "boolean", "logical", "torch.bool": .bool
      default: nil
      }
    return meant.map { "; did you mean \($0)?" } ?? ""
  }
}

extension JSONValue {
  /// A short description for errors: a string with its text.
  package var brief: String {
    guard kind == .string else { return describe }
    let text = string
    return "\"" + (text.count > 40 ? text.prefix(40) + "…" : text) + "\""
  }

  /// The bytes between the two numbers of a list; nil if they are out of range.
  package func slice(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard let range = integerList, range.count == 2, range[0] >= 0, range[0] <= range[1], range[1] <= bytes.count else {
      return nil
    }
    return UnsafeRawBufferPointer(rebasing: bytes[range[0]..<range[1]])
  }

  /// The integers of a list such as [2, 3]; nil for anything else.
  package var integerList: [Int]? {
    switch kind {
    case .numbers where allIntegerText: return numbers.map { Int($0) }
    case .numbers:
      // 1e3, or a value beyond 2^53: exporters write the largest int64 for "to the end".
      var list: [Int] = []
      list.reserveCapacity(count)
      for token in numberTokens {
        guard !token.isNonFiniteText, case .value(let value) = token.int64() else { return nil }
        list.append(Int(value))
      }
      return list
    case .array where count == 0: return []
    default: return nil
    }
  }

  /// Index of the first element that is not an integer; nil if this is not a list.
  var firstNonInteger: Int? {
    if kind == .numbers {
      return numberTokens.enumerated().first { _, token in
        if case .value = token.int64() { return token.isNonFiniteText } else { return true }
      }?.offset
    }
    return elements.enumerated().first { $1.integer == nil }?.offset
  }

  /// The integer of a number such as 2; nil for anything else.
  package var integer: Int? {
    guard kind == .number, let token = numberToken, case .value(let value) = token.int64() else { return nil }
    return Int(value)
  }

  /// The first number, text or flag inside nested lists; nil if the lists are empty. Lists nest no deeper than the
  /// parser lets them.
  package var firstLeaf: JSONValue? {
    var value = self
    while value.kind == .array {
      guard let first = value.elements.first(where: { _ in true }) else { return nil }
      value = first
    }
    return value
  }
}

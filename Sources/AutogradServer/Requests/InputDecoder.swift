import AutogradCore
import AutogradFormats

/// Brings a graph's declared inputs and the tensors that are given for them together.
struct InputDecoder {
  let document: JSONDocument
  /// Of a safetensors file, the data of the tensors.
  let file: UnsafeRawBufferPointer?
  let builder: GraphBuilder
  let defaultDType: DType
  let allowsTypes: Bool
  let batch: ExampleBatch?

  func decode(declared: JSONValue?, given: JSONValue?) throws(FormatError) -> [GraphDecoder.Input] {
    guard let declared else { return try decodeUndeclared(given) }
    guard declared.kind == .array else {
      let hint = declared.kind == .object ? "; tensors by name are the request's inputs, beside graph" : ""
      throw FormatError(
        .wrongType,
        "the declared inputs are a list of objects with name, dtype and shape, got \(declared.describe)\(hint)",
        at: "/graph/inputs")
    }
    var dimensions: [String: Int] = [:]
    var inputs: [GraphDecoder.Input] = []
    var known = NameTable()
    var givenNames = NameTable()
    var givenValues: [JSONValue] = []
    if let given {
      for (key, value) in given.members {
        _ = givenNames.define(key.bytes, as: .input(givenValues.count))
        givenValues.append(value)
      }
    }
    for (index, element) in declared.elements.enumerated() {
      let declaration: Declaration
      do throws(FormatError) {
        declaration = try readDeclaration(element)
      } catch {
        throw error.under("/graph/inputs/\(index)")
      }
      // A name twice is refused where names are defined.
      _ = known.define(declaration.name.bytes, as: .input(index))
      guard case .input(let position)? = givenNames[declaration.name.bytes] else {
        throw FormatError(
          .inputMismatch, "the graph declares the input \(declaration.name.string), the request does not give it",
          at: "/graph/inputs/\(index)")
      }
      inputs.append(try decode(givenValues[position], position, declaration, &dimensions))
    }
    if let given {
      for (key, _) in given.members where known[key.bytes] == nil {
        throw FormatError(
          .inputMismatch, "the graph declares no input \(key.string)\(known.hint(for: key.string))",
          at: "/inputs" + Pointer.member(key.string))
      }
    }
    return inputs
  }

  private func decodeUndeclared(_ given: JSONValue?) throws(FormatError) -> [GraphDecoder.Input] {
    guard let given else { return [] }
    var inputs: [GraphDecoder.Input] = []
    for (key, value) in given.members {
      do throws(FormatError) {
        let given = try tensor(value, .fallback(defaultDType))
        inputs.append(input(.init(key), given, try exampleType(given.type, .init(key)), place: inputs.count))
      } catch {
        throw error.under("/inputs" + Pointer.member(key.string))
      }
    }
    return inputs
  }

  private func tensor(_ value: JSONValue, _ expected: TensorDecoder.Expected) throws(FormatError) -> TensorDecoder.Given
  {
    try TensorDecoder(document: document, file: file).decode(value, expected, allowsTypes: allowsTypes)
  }

  /// What the graph sees of a tensor: one example, if it is batched.
  private func exampleType(_ type: TensorType, _ name: JSONValue.Text) throws(FormatError) -> TensorType {
    guard let batch, batch.contains(name.bytes) else { return type }
    return try batch.exampleType(type, name.string)
  }

  private func input(_ name: JSONValue.Text, _ given: TensorDecoder.Given, _ type: TensorType, place: Int)
    -> GraphDecoder.Input
  {
    let isBatched = batch?.contains(name.bytes) ?? false
    let value =
      isBatched
      ? batch?.input(given.type, example: type, builder) ?? builder.value(-1)
      : builder.input("", given.type.dtype, given.type.shape)
    return GraphDecoder.Input(name: name, value: value, tensor: given.tensor, place: place)
  }

  // MARK: Declarations

  private struct Declaration {
    var name: JSONValue.Text
    var dtype: DType?
    var shape: JSONValue?
  }

  private func readDeclaration(_ element: JSONValue) throws(FormatError) -> Declaration {
    guard element.kind == .object else {
      throw FormatError(
        .wrongType, "a declared input is an object with name, dtype and shape, got \(element.brief)", at: "")
    }
    var parts: (name: JSONValue?, dtype: DType?, shape: JSONValue?)
    for (key, member) in element.members {
      if key == "name" {
        parts.name = member
      } else if key == "dtype" {
        if let name = member.given { parts.dtype = try DTypeText.read(name, at: "/dtype") }
      } else if key == "shape" {
        parts.shape = member.given
      } else {
        throw FormatError.unknownMember(key.string, of: "a declared input", ["name", "dtype", "shape"], at: "")
      }
    }
    guard let name = parts.name else { throw FormatError(.missingMember, "a declared input needs a name", at: "") }
    guard name.kind == .string else {
      throw FormatError(.wrongType, "a name is expected, got \(name.describe)", at: "/name")
    }
    if let refusal = NameTable.refusal(of: name.stringBytes) { throw FormatError(.wrongType, refusal, at: "/name") }
    if let shape = parts.shape { try checkDimensions(shape) }
    return Declaration(name: .init(name), dtype: parts.dtype, shape: parts.shape)
  }

  private func checkDimensions(_ shape: JSONValue) throws(FormatError) {
    guard shape.kind == .array || shape.kind == .numbers else {
      throw FormatError(
        .wrongType, "a declared shape is a list of sizes, names and nulls, got \(shape.brief)", at: "/shape")
    }
    guard shape.count <= Shape.maximumRank else {
      throw FormatError(
        .rank, "the declared shape has \(shape.count) axes, at most \(Shape.maximumRank) are allowed", at: "/shape",
        most: Shape.maximumRank, value: shape.count)
    }
    for (axis, dimension) in shape.dimensions.enumerated() {
      if case .other(let got) = dimension {
        throw FormatError(.wrongType, "a dimension is a size, null or a name, got \(got)", at: "/shape/\(axis)")
      }
    }
  }

  /// The tensor for a declaration; named dimensions must agree wherever they stand.
  private func decode(
    _ value: JSONValue, _ place: Int, _ declaration: Declaration, _ dimensions: inout [String: Int]
  ) throws(FormatError) -> GraphDecoder.Input {
    let name = declaration.name.string
    let pointer = "/inputs" + Pointer.member(name)
    let given: TensorDecoder.Given
    let type: TensorType
    do throws(FormatError) {
      let expected = declaration.dtype.map { TensorDecoder.Expected.required($0, "the declared input \(name)") }
      given = try tensor(value, expected ?? .fallback(defaultDType))
      type = try exampleType(given.type, declaration.name)
    } catch {
      throw error.under(pointer)
    }
    guard let declared = declaration.shape?.dimensions else {
      return input(declaration.name, given, type, place: place)
    }
    let text = "[" + declared.map(\.description).joined(separator: ", ") + "]"
    guard declared.count == type.shape.rank else {
      throw FormatError(.shapeMismatch, "\(name) is declared with shape \(text), got \(type.shape)", at: pointer)
    }
    for (axis, dimension) in declared.enumerated() {
      let size = type.shape[axis]
      switch dimension {
      case .size(let expected) where expected != size:
        throw FormatError(.shapeMismatch, "\(name) is declared with shape \(text), got \(type.shape)", at: pointer)
      case .named(let symbol):
        if let expected = dimensions[symbol], expected != size {
          throw FormatError(
            .shapeMismatch,
            "the dimension \(symbol) is \(expected) elsewhere and \(size) in \(name), which has shape \(type.shape)",
            at: pointer)
        }
        dimensions[symbol] = size
      default: break
      }
    }
    return input(declaration.name, given, type, place: place)
  }
}

/// An entry of a declared shape.
private enum Dimension: CustomStringConvertible {
  case size(Int)
  case any
  case named(String)
  case other(String)

  var description: String {
    switch self {
    case .size(let size): "\(size)"
    case .any: "null"
    case .named(let name): name
    case .other(let text): text
    }
  }
}

extension JSONValue {
  fileprivate var dimensions: [Dimension] {
    if kind == .numbers {
      return numbers.map { number in
        Int(exactly: number).flatMap { $0 >= 0 && $0 <= 1 << 53 ? .size($0) : nil } ?? .other("the number \(number)")
      }
    }
    return elements.map { element in
      switch element.kind {
      case .null: .any
      case .string where element.count == 0 && !element.stringBytes.isEmpty: .named(element.string)
      case .number: element.integer.flatMap { $0 >= 0 ? .size($0) : nil } ?? .other(element.describe)
      default: .other(element.describe)
      }
    }
  }
}

import AutogradCore
import AutogradFormats

/// Reads the inputs that a graph or a function declares.
extension JSONGraphReader {
  mutating func readInputs(_ list: JSONValue, isFunction: Bool) throws(FormatError) -> Range<Int> {
    guard list.kind == .array else {
      let hint = list.kind == .object && !isFunction ? "; tensors by name are the request's inputs, beside graph" : ""
      throw FormatError(
        .wrongType,
        "the declared inputs are a list of objects with name, dtype and shape, got \(list.describe)\(hint)",
        at: "/inputs")
    }
    let first = source.inputs.count
    try limits.checkNames(first + list.count, "the graph has", "declared inputs", at: "/inputs")
    for (index, element) in list.elements.enumerated() {
      do throws(FormatError) {
        source.inputs.append(try declaration(element, isFunction: isFunction))
      } catch {
        throw error.under("/inputs/\(index)")
      }
    }
    return first..<source.inputs.count
  }

  private func declaration(_ element: JSONValue, isFunction: Bool) throws(FormatError) -> InputDeclaration {
    guard element.kind == .object else {
      throw FormatError(
        .wrongType, "a declared input is an object with name, dtype and shape, got \(element.brief)", at: "")
    }
    var parts: (name: JSONValue?, dtype: DType?, shape: JSONValue?, fallback: JSONValue?)
    for (key, member) in element.members {
      if key == "name" {
        parts.name = member
      } else if key == "dtype" {
        if let name = member.given { parts.dtype = try DTypeText.read(name, at: "/dtype") }
      } else if key == "shape" {
        parts.shape = member.given
      } else if key == "default", !isFunction {
        parts.fallback = member.given
      } else {
        let known = ["name", "dtype", "shape"] + (isFunction ? [] : ["default"])
        throw FormatError.unknownMember(key.string, of: "a declared input", known, at: "")
      }
    }
    guard let name = parts.name else { throw FormatError(.missingMember, "a declared input needs a name", at: "") }
    guard name.kind == .string else {
      throw FormatError(.wrongType, "expected a name, got \(name.describe)", at: "/name")
    }
    if let refusal = NameTable.refusal(of: SourceName(name)) { throw FormatError(.wrongType, refusal, at: "/name") }
    var declaration = InputDeclaration(
      name: SourceName(name), dtype: parts.dtype,
      shape: try parts.shape.map { shape throws(FormatError) in try dimensions(shape) })
    if let fallback = parts.fallback { declaration.fallback = try self.fallback(fallback, declaration) }
    return declaration
  }

  /// The tensor that is used if a request leaves the input out.
  private func fallback(_ value: JSONValue, _ declaration: InputDeclaration) throws(FormatError) -> Tensor {
    let expected = declaration.dtype.map {
      TensorDecoder.Expected.required($0, "the declared input \(declaration.name.string)")
    }
    var declaration = declaration
    do throws(FormatError) {
      let tensor = try TensorDecoder(document: document).decode(value, expected ?? .fallback(defaultDType))
      declaration.fallback = tensor
      if let refusal = declaration.refusalOfFallback { throw FormatError(.shapeMismatch, refusal, at: "") }
      return tensor
    } catch {
      throw error.under("/default")
    }
  }

  private func dimensions(_ shape: JSONValue) throws(FormatError) -> [InputDeclaration.Dimension] {
    guard shape.kind == .array || shape.kind == .numbers else {
      throw FormatError(
        .wrongType, "a declared shape is a list of sizes, names and nulls, got \(shape.brief)", at: "/shape")
    }
    guard shape.count <= Shape.maximumRank else {
      throw FormatError(
        .rank, "the declared shape has \(shape.count) axes, at most \(Shape.maximumRank) are allowed", at: "/shape",
        most: Shape.maximumRank, value: shape.count)
    }
    var dimensions: [InputDeclaration.Dimension] = []
    if shape.kind == .numbers {
      for number in shape.numbers {
        let size = Int(exactly: number).flatMap { $0 >= 0 && $0 <= 1 << 53 ? $0 : nil }
        guard let size else { throw notADimension("the number \(number)", dimensions.count) }
        dimensions.append(.size(size))
      }
      return dimensions
    }
    for element in shape.elements {
      switch element.kind {
      case .null: dimensions.append(.any)
      case .string where !element.stringBytes.isEmpty: dimensions.append(.named(element.string))
      default:
        guard let size = element.integer, size >= 0 else { throw notADimension(element.describe, dimensions.count) }
        dimensions.append(.size(size))
      }
    }
    return dimensions
  }

  private func notADimension(_ got: String, _ axis: Int) -> FormatError {
    FormatError(.wrongType, "a dimension is a size, null or a name, got \(got)", at: "/shape/\(axis)")
  }
}

import AutogradCore
import AutogradFormats
import AutogradGraphs

/// Matches a graph's declared inputs with the tensors given for them.
struct InputDecoder {
  let document: JSONDocument
  /// The data of a safetensors file.
  let file: UnsafeRawBufferPointer?
  let builder: GraphBuilder
  let defaultDType: DType
  let allowsTypes: Bool
  let batch: ExampleBatch?

  /// - Parameters:
  ///   - declared: nil if the graph declares none.
  ///   - given: the request's `inputs`.
  func decode(declared: ArraySlice<InputDeclaration>?, given: JSONValue?) throws(FormatError) -> [RequestGraph.Input] {
    if let given, given.kind != .object {
      throw FormatError(.wrongType, "inputs is an object of tensors by name, got \(given.describe)", at: "/inputs")
    }
    guard let declared else { return try decodeUndeclared(given) }
    var dimensions: [String: Int] = [:]
    var inputs: [RequestGraph.Input] = []
    var known = NameTable(capacity: declared.count)
    var givenNames = NameTable(capacity: given?.count ?? 0)
    var givenValues: [JSONValue] = []
    if let given {
      for (key, value) in given.members {
        _ = givenNames.define(SourceName(key))
        givenValues.append(value)
      }
    }
    for (index, declaration) in declared.enumerated() {
      // Duplicate names are rejected when names are defined.
      _ = known.define(declaration.name)
      guard let position = givenNames[declaration.name] else {
        throw FormatError(
          .inputMismatch, "the graph declares the input \(declaration.name.string), the request does not give it",
          at: "/graph/inputs/\(index)")
      }
      inputs.append(try decode(givenValues[position], position, declaration, &dimensions))
    }
    if let given {
      for (key, _) in given.members where known[SourceName(key)] == nil {
        throw FormatError(
          .inputMismatch, "the graph declares no input \(key.string)\(known.hint(for: key.string))",
          at: "/inputs" + Pointer.member(key.string))
      }
    }
    return inputs
  }

  private func decodeUndeclared(_ given: JSONValue?) throws(FormatError) -> [RequestGraph.Input] {
    guard let given else { return [] }
    var inputs: [RequestGraph.Input] = []
    for (key, value) in given.members {
      do throws(FormatError) {
        let given = try tensor(value, .fallback(defaultDType))
        inputs.append(input(SourceName(key), given, try exampleType(given.type, SourceName(key)), place: inputs.count))
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

  /// The type that the graph sees: that of one example if the tensor is batched.
  private func exampleType(_ type: TensorType, _ name: SourceName) throws(FormatError) -> TensorType {
    guard let batch, batch.contains(name) else { return type }
    return try batch.exampleType(type, name.string)
  }

  private func input(_ name: SourceName, _ given: TensorDecoder.Given, _ type: TensorType, place: Int)
    -> RequestGraph.Input
  {
    let isBatched = batch?.contains(name) ?? false
    let value =
      isBatched
      ? batch?.input(given.type, example: type, builder) ?? builder.value(-1)
      : builder.input("", given.type.dtype, given.type.shape)
    return RequestGraph.Input(name: name, value: value, tensor: given.tensor, place: place)
  }

  /// The tensor for a declaration; named dimensions must have one size everywhere.
  private func decode(
    _ value: JSONValue, _ place: Int, _ declaration: InputDeclaration, _ dimensions: inout [String: Int]
  ) throws(FormatError) -> RequestGraph.Input {
    let name = declaration.name.string
    do throws(FormatError) {
      let expected = declaration.dtype.map { TensorDecoder.Expected.required($0, "the declared input \(name)") }
      let given = try tensor(value, expected ?? .fallback(defaultDType))
      let type = try exampleType(given.type, declaration.name)
      if let refusal = declaration.refusal(of: type.shape, &dimensions) {
        throw FormatError(.shapeMismatch, refusal, at: "")
      }
      return input(declaration.name, given, type, place: place)
    } catch {
      throw error.under("/inputs" + Pointer.member(name))
    }
  }
}

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
  /// The graph, where it is a registered one.
  let stored: StoredGraph?

  /// - Parameters:
  ///   - source: the graph with its declared inputs.
  ///   - defaults: those of inputs that it does not declare.
  ///   - text: where they stand, for errors.
  ///   - given: the request's `inputs`.
  func decode(
    _ source: GraphSource, _ text: any SourceText, defaults: [(name: SourceName, tensor: Tensor)], given: JSONValue?
  ) throws(FormatError) -> [RequestGraph.Input] {
    if let given, given.kind != .object {
      throw FormatError(.wrongType, "inputs is an object of tensors by name, got \(given.describe)", at: "/inputs")
    }
    if let stored { try checkGiven(given, stored) }
    guard let declared = source.declaredInputs else {
      return try decodeUndeclared(given, order: source.order, defaults)
    }
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
    for (index, declaration) in zip(declared.indices, declared) {
      // Duplicate names are rejected when names are defined.
      _ = known.define(declaration.name)
      guard let position = givenNames[declaration.name] else {
        inputs.append(try fallback(declaration, at: index, text, &dimensions))
        continue
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

  /// The default of an input that the request leaves out.
  private func fallback(
    _ declaration: InputDeclaration, at index: Int, _ text: any SourceText, _ dimensions: inout [String: Int]
  ) throws(FormatError) -> RequestGraph.Input {
    let name = declaration.name.string
    guard let tensor = declaration.fallback else {
      throw text.located(
        FormatError(.inputMismatch, "the graph declares the input \(name), the request does not give it", at: ""),
        at: .declaration(index))
    }
    if batch?.contains(declaration.name) ?? false {
      throw text.located(
        FormatError(
          .inputMismatch,
          "batch names the input \(name), the request does not give it, and its default has no examples",
          at: ""),
        at: .declaration(index))
    }
    if let refusal = declaration.refusal(of: tensor.shape, &dimensions) {
      throw text.located(FormatError(.shapeMismatch, refusal, at: ""), at: .declaration(index))
    }
    return fallback(declaration.name, tensor)
  }

  private func fallback(_ name: SourceName, _ tensor: Tensor) -> RequestGraph.Input {
    RequestGraph.Input(
      name: name, value: builder.input("", tensor.dtype, tensor.shape), tensor: tensor, place: nil)
  }

  /// A registered graph has its inputs: what the request leaves out is the request's fault.
  private func checkGiven(_ given: JSONValue?, _ stored: StoredGraph) throws(FormatError) {
    var names = NameTable(capacity: given?.count ?? 0)
    if let given { for (key, _) in given.members { _ = names.define(SourceName(key)) } }
    for input in stored.inputs where names[input.name] == nil {
      if batch?.contains(input.name) ?? false {
        throw FormatError(
          .inputMismatch,
          "batch names the input \(input.name.string), the request does not give it, and its default has no examples",
          at: "/batch")
      }
      if input.hasDefault { continue }
      throw FormatError(
        .inputMismatch, "\(stored.reference) takes the input \(input.name.string), the request does not give it",
        at: "/inputs")
    }
  }

  /// Behind what is given come the defaults of the others, see ``StoredGraph/defaults``.
  /// - Parameter order: names that come first, if they are given.
  private func decodeUndeclared(
    _ given: JSONValue?, order: [SourceName], _ defaults: [(name: SourceName, tensor: Tensor)]
  ) throws(FormatError) -> [RequestGraph.Input] {
    var inputs: [RequestGraph.Input] = []
    var names = NameTable(capacity: given?.count ?? 0)
    let members = given.map { self.members(of: $0, order) } ?? []
    for (place, (key, value)) in members {
      _ = names.define(SourceName(key))
      do throws(FormatError) {
        let given = try tensor(value, .fallback(defaultDType))
        inputs.append(input(SourceName(key), given, try exampleType(given.type, SourceName(key)), place: place))
      } catch {
        throw error.under("/inputs" + Pointer.member(key.string))
      }
    }
    return inputs + defaults.filter { names[$0.name] == nil }.map { fallback($0.name, $0.tensor) }
  }

  /// The members of an object with their positions, those of `order` first.
  private func members(of given: JSONValue, _ order: [SourceName]) -> [(offset: Int, element: (JSONName, JSONValue))] {
    let members = Array(given.members.map { ($0.key, $0.value) }.enumerated())
    if order.isEmpty { return members }
    var wanted = NameTable(capacity: order.count)
    for name in order { _ = wanted.define(name) }
    let rank = { (name: JSONName) in wanted[SourceName(name)] ?? Int.max }
    // Sorting keeps the order of equals.
    return members.sorted { rank($0.element.0) < rank($1.element.0) }
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

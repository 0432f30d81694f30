import AutogradCore
import AutogradFormats
import AutogradGraphs

/// Reads the members that give vectors to values of the graph, each a tensor of its value's type: `cotangents` of
/// outputs, `tangents` (of jvp) and `vectors` (of hvp) of inputs.
struct VectorDecoder {
  let document: JSONDocument
  let graph: RequestGraph

  /// What errors call a value and its vector.
  private struct Words {
    let value: String
    let vector: String
  }

  /// `cotangents`: the weights of each differentiated output.
  /// - Returns: the seeds, and the tensors of the given cotangents, which become inputs of the plan.
  func cotangents(
    _ object: JSONValue?, of outputs: [NamedValue]
  ) throws(FormatError) -> (seeds: [(value: Value, cotangent: Value)], tensors: [Tensor]) {
    guard let object else {
      // Ones everywhere: the gradient of the sum of all outputs, as `y.backward()` gives it. The ones are never stored.
      let seeds = outputs.filter { $0.value.dtype.isFloating }.map { ($0.value, graph.builder.ones($0.value.type)) }
      return (seeds, [])
    }
    try check(object, "cotangents", by: "output")
    var positions = NameTable()
    for output in outputs { _ = positions.define(output.name) }
    let words = Words(value: "output", vector: "cotangent")
    var seeds: [(value: Value, cotangent: Value)] = []
    var tensors: [Tensor] = []
    for (key, value) in object.members {
      let name = key.string
      let pointer = "/cotangents" + Pointer.member(name)
      guard let position = positions[SourceName(key)] else {
        throw FormatError(
          .unknownName,
          "\(name) is not among what is differentiated (of, or else the graph's outputs)\(positions.hint(for: name))",
          at: pointer)
      }
      let output = outputs[position].value
      guard output.dtype.isFloating else {
        throw FormatError(.dtypeMismatch, "\(name) is \(output.dtype), which has no cotangent", at: pointer)
      }
      // In a batch, cotangents have the leading axis, as the outputs do.
      let (cotangent, tensor) = try vector(value, of: output, graph.batch, words, name, pointer)
      seeds.append((output, cotangent))
      if let tensor { tensors.append(tensor) }
    }
    return (seeds, tensors)
  }

  /// `tangents` and `vectors`: a direction for each input named; the others have direction zero.
  /// - Returns: inputs with their directions, and the tensors of the directions, which become inputs of the plan.
  func directions(
    _ root: JSONValue, _ endpoint: Endpoint
  ) throws(FormatError) -> (pairs: [(primal: Value, tangent: Value)], tensors: [Tensor]) {
    let member: StaticString
    switch endpoint {
    case .jvp: member = "tangents"
    case .hvp: member = "vectors"
    default: return ([], [])
    }
    guard let object = root[member] else {
      throw FormatError(
        .missingMember, "\(member) is missing: for each input that changes, a tensor of its shape", at: "")
    }
    try check(object, "\(member)", by: "input")
    let words = Words(value: "input", vector: "direction")
    var pairs: [(primal: Value, tangent: Value)] = []
    var tensors: [Tensor] = []
    for (key, value) in object.members {
      let name = key.string
      let pointer = "/\(member)" + Pointer.member(name)
      guard let position = graph.input(named: SourceName(key)) else {
        throw FormatError(.unknownName, "\(name) is not an input of the request", at: pointer)
      }
      let input = graph.inputs[position].value
      guard input.dtype.isFloating else {
        throw FormatError(
          .dtypeMismatch, "\(name) is \(input.dtype); only floating inputs have directions", at: pointer)
      }
      let isBatched = graph.batch?.contains(SourceName(key)) ?? false
      let (direction, tensor) = try vector(value, of: input, isBatched ? graph.batch : nil, words, name, pointer)
      pairs.append((input, direction))
      if let tensor { tensors.append(tensor) }
    }
    return (pairs, tensors)
  }

  private func check(_ object: JSONValue, _ member: String, by owner: String) throws(FormatError) {
    guard object.kind == .object else {
      throw FormatError(
        .wrongType, "\(member) is an object of tensors by \(owner), got \(object.describe)", at: "/\(member)")
    }
  }

  /// One vector as an input of the plan, and its numbers.
  /// - Parameter batch: nil if the vector has no axis of examples.
  private func vector(
    _ json: JSONValue, of value: Value, _ batch: ExampleBatch?, _ words: Words, _ name: String, _ pointer: String
  ) throws(FormatError) -> (vector: Value, tensor: Tensor?) {
    let given: TensorDecoder.Given
    let type: TensorType
    do throws(FormatError) {
      given = try TensorDecoder(document: document, file: graph.file).decode(
        json, .required(value.dtype, "the \(words.value) \(name)"), allowsTypes: graph.allowsTypes)
      type = try batch?.exampleType(given.type, "the \(words.vector) of \(name)") ?? given.type
    } catch {
      throw error.under(pointer)
    }
    guard type.shape == value.shape else {
      throw FormatError(
        .shapeMismatch, "the \(words.value) \(name) has shape \(value.shape), its \(words.vector) \(type.shape)",
        at: pointer)
    }
    let vector =
      batch?.input(given.type, example: type, graph.builder) ?? graph.builder.input("", type.dtype, type.shape)
    return (vector, given.tensor)
  }
}

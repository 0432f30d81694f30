import AutogradCore
import AutogradFormats
import AutogradGraphs

/// Reads `cotangents`: the weights of each differentiated output.
struct CotangentDecoder {
  let document: JSONDocument
  let graph: RequestGraph

  /// - Returns: the seeds, and the tensors of the given cotangents, which become inputs of the plan.
  func decode(
    _ object: JSONValue?, of outputs: [NamedValue]
  ) throws(FormatError) -> (seeds: [(value: Value, cotangent: Value)], tensors: [Tensor]) {
    guard let object else {
      // Ones everywhere: the gradient of the sum of all outputs, as `y.backward()` gives it. The ones are never stored.
      let seeds = outputs.filter { $0.value.dtype.isFloating }.map { ($0.value, graph.builder.ones($0.value.type)) }
      return (seeds, [])
    }
    guard object.kind == .object else {
      throw FormatError(
        .wrongType, "cotangents is an object of tensors by output, got \(object.describe)", at: "/cotangents")
    }
    var positions = NameTable()
    for output in outputs { _ = positions.define(output.name) }
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
      let given: TensorDecoder.Given
      do throws(FormatError) {
        given = try TensorDecoder(document: document, file: graph.file).decode(
          value, .required(output.dtype, "the output \(name)"), allowsTypes: graph.allowsTypes)
      } catch {
        throw error.under(pointer)
      }
      let type = try example(given.type, name, pointer)
      guard type.shape == output.shape else {
        throw FormatError(
          .shapeMismatch, "the output \(name) has shape \(output.shape), its cotangent \(type.shape)", at: pointer)
      }
      let cotangent =
        graph.batch?.input(given.type, example: type, graph.builder)
        ?? graph.builder.input("", type.dtype, type.shape)
      seeds.append((output, cotangent))
      if let tensor = given.tensor { tensors.append(tensor) }
    }
    return (seeds, tensors)
  }

  /// In a batch, cotangents have the leading axis, as the outputs do.
  private func example(_ type: TensorType, _ name: String, _ pointer: String) throws(FormatError) -> TensorType {
    guard let batch = graph.batch else { return type }
    do throws(FormatError) {
      return try batch.exampleType(type, "the cotangent of \(name)")
    } catch {
      throw error.under(pointer)
    }
  }
}

/// Reads `tangents` (of jvp) and `vectors` (of hvp): a direction for each input named; the others have direction zero.
struct DirectionDecoder {
  let document: JSONDocument
  let graph: RequestGraph

  /// - Returns: inputs with their directions, and the tensors of the directions, which become inputs of the plan.
  func decode(
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
    guard object.kind == .object else {
      throw FormatError(
        .wrongType, "\(member) is an object of tensors by input, got \(object.describe)", at: "/\(member)")
    }
    var pairs: [(primal: Value, tangent: Value)] = []
    var tensors: [Tensor] = []
    for (key, value) in object.members {
      let name = key.string
      let pointer = "/\(member)" + Pointer.member(name)
      guard let position = graph.input(named: SourceName(key)) else {
        throw FormatError(.unknownName, "\(name) is not an input of the request", at: pointer)
      }
      let input = graph.inputs[position]
      guard input.value.dtype.isFloating else {
        throw FormatError(
          .dtypeMismatch, "\(name) is \(input.value.dtype); only floating inputs have directions", at: pointer)
      }
      let given: TensorDecoder.Given
      do throws(FormatError) {
        given = try TensorDecoder(document: document, file: graph.file).decode(
          value, .required(input.value.dtype, "the input \(name)"), allowsTypes: graph.allowsTypes)
      } catch {
        throw error.under(pointer)
      }
      let isBatched = graph.batch?.contains(SourceName(key)) ?? false
      var type = given.type
      if isBatched, let batch = graph.batch {
        do throws(FormatError) {
          type = try batch.exampleType(given.type, "the direction of \(name)")
        } catch {
          throw error.under(pointer)
        }
      }
      guard type.shape == input.value.shape else {
        throw FormatError(
          .shapeMismatch, "the input \(name) has shape \(input.value.shape), its direction \(type.shape)", at: pointer)
      }
      let direction =
        isBatched
        ? graph.batch?.input(given.type, example: type, graph.builder) ?? graph.builder.value(-1)
        : graph.builder.input("", type.dtype, type.shape)
      pairs.append((input.value, direction))
      if let tensor = given.tensor { tensors.append(tensor) }
    }
    return (pairs, tensors)
  }
}

import AutogradCore

/// Reads `cotangents`: what each differentiated output is weighed with.
struct CotangentDecoder {
  let document: JSONDocument
  let decoder: GraphDecoder

  /// - Returns: the seeds, and the tensors of the explicit ones, which become inputs of the plan.
  func decode(
    _ object: JSONValue?, of outputs: [GraphDecoder.Named]
  ) throws(Problem) -> (seeds: [(value: Value, cotangent: Value)], tensors: [Tensor]) {
    guard let object else {
      // Ones everywhere: the gradient of the sum of all outputs, as y.backward() gives it. Never materialised.
      let seeds = outputs.filter { $0.value.dtype.isFloating }.map { ($0.value, decoder.builder.ones($0.value.type)) }
      return (seeds, [])
    }
    guard object.kind == .object else {
      throw Problem(.wrongType, "cotangents is an object of tensors by output, got \(object.describe)", at: "/cotangents")
    }
    var positions = NameTable()
    for (index, output) in outputs.enumerated() { _ = positions.define(output.name.bytes, as: .input(index)) }
    var seeds: [(value: Value, cotangent: Value)] = []
    var tensors: [Tensor] = []
    for (key, value) in object.members {
      let name = key.string
      let pointer = "/cotangents" + Pointer.member(name)
      guard case .input(let position)? = positions[key.bytes] else {
        throw Problem(
          .unknownName, "\(name) is not among what is differentiated (of, or else the graph's outputs)\(positions.hint(for: name))",
          at: pointer)
      }
      let output = outputs[position].value
      guard output.dtype.isFloating else {
        throw Problem(.dtypeMismatch, "\(name) is \(output.dtype), which has no cotangent", at: pointer)
      }
      let given: TensorDecoder.Given
      do throws(Problem) {
        given = try TensorDecoder(document: document).decode(
          value, .required(output.dtype, "the output \(name)"), allowsTypes: decoder.allowsTypes)
      } catch {
        throw error.under(pointer)
      }
      guard given.type.shape == output.shape else {
        throw Problem(.shapeMismatch, "the output \(name) has shape \(output.shape), its cotangent \(given.type.shape)", at: pointer)
      }
      seeds.append((output, decoder.builder.input("", given.type.dtype, given.type.shape)))
      if let tensor = given.tensor { tensors.append(tensor) }
    }
    return (seeds, tensors)
  }
}

/// Reads `tangents` (of jvp) and `vectors` (of hvp): a direction for each input that has one; the others count as zero.
struct DirectionDecoder {
  let document: JSONDocument
  let decoder: GraphDecoder

  /// - Returns: inputs with their directions, and the tensors of these, which become inputs of the plan.
  func decode(
    _ root: JSONValue, _ endpoint: Endpoint
  ) throws(Problem) -> (pairs: [(primal: Value, tangent: Value)], tensors: [Tensor]) {
    let member: StaticString
    switch endpoint {
    case .jvp: member = "tangents"
    case .hvp: member = "vectors"
    default: return ([], [])
    }
    guard let object = root[member] else {
      throw Problem(.missingMember, "the request needs \(member): a tensor of its shape for each input that has a direction", at: "")
    }
    guard object.kind == .object else {
      throw Problem(.wrongType, "\(member) is an object of tensors by input, got \(object.describe)", at: "/\(member)")
    }
    var pairs: [(primal: Value, tangent: Value)] = []
    var tensors: [Tensor] = []
    for (key, value) in object.members {
      let name = key.string
      let pointer = "/\(member)" + Pointer.member(name)
      guard case .input(let position)? = decoder.names[key.bytes] else {
        throw Problem(.unknownName, "\(name) is not an input of the request", at: pointer)
      }
      let input = decoder.inputs[position]
      guard input.value.dtype.isFloating else {
        throw Problem(.dtypeMismatch, "\(name) is \(input.value.dtype); only floating inputs have directions", at: pointer)
      }
      let given: TensorDecoder.Given
      do throws(Problem) {
        given = try TensorDecoder(document: document).decode(
          value, .required(input.value.dtype, "the input \(name)"), allowsTypes: decoder.allowsTypes)
      } catch {
        throw error.under(pointer)
      }
      guard given.type.shape == input.value.shape else {
        throw Problem(.shapeMismatch, "the input \(name) has shape \(input.value.shape), its direction \(given.type.shape)", at: pointer)
      }
      pairs.append((input.value, decoder.builder.input("", given.type.dtype, given.type.shape)))
      if let tensor = given.tensor { tensors.append(tensor) }
    }
    return (pairs, tensors)
  }
}

import AutogradCore

/// A request to `POST /v1/evaluate`, read and checked: the graph is built, and what is asked of it is known.
struct EvaluateRequest {
  let graph: GraphDecoder
  /// What comes back.
  let outputs: [GraphDecoder.Named]
  /// What is differentiated, each with the cotangent it is seeded with.
  let seeds: [(value: Value, cotangent: Value)]
  /// What gradients are wanted of; nil where none are to be in the answer.
  let targets: [GraphDecoder.Named]?
  /// All plan inputs: the request's inputs, then explicit cotangents.
  let tensors: [Tensor]
  let form: TensorEncoder.Form
  let warnings: [Warning]
  /// The bytes of `graph`.
  let graphText: UnsafeRawBufferPointer

  struct Warning {
    var code: String
    var pointer: String
    var detail: String
  }

  static let members = ["graph", "inputs", "dtype", "encoding", "outputs", "of", "wrt", "cotangents", "gradients"]

  init(_ document: JSONDocument, limits: Limits) throws(Problem) {
    let root = document.root
    guard root.kind == .object else {
      throw Problem(.wrongType, "a request is an object with graph and inputs, got \(root.describe)", at: "")
    }
    for (key, _) in root.members where !EvaluateRequest.members.contains(key.string) {
      throw Problem.unknownMember(key.string, of: "the request", EvaluateRequest.members, at: "")
    }
    guard let graphMember = root["graph"] else { throw Problem(.missingMember, "the request needs a graph", at: "") }
    graphText = graphMember.text
    form = try EvaluateRequest.form(root["encoding"])
    let dtype = try EvaluateRequest.defaultDType(root["dtype"])
    var decoder = GraphDecoder(document, limits: limits, defaultDType: dtype)
    let (graphOutputs, areNamed) = try decoder.decode(graphMember, inputs: root["inputs"])
    decoder.builder.label = -1

    outputs = if let list = root["outputs"] { try decoder.namedValues(list, at: "/outputs") } else { graphOutputs }
    let of = if let list = root["of"] { try decoder.namedValues(list, at: "/of") } else { graphOutputs }
    let wanted = try EvaluateRequest.flag(root["gradients"], "gradients", default: true)
    let wrt = try EvaluateRequest.targets(root["wrt"], decoder)
    let cotangents = try CotangentDecoder(document: document, decoder: decoder).decode(root["cotangents"], of: of)
    targets = wanted ? wrt : nil
    seeds = wanted && !wrt.isEmpty ? cotangents.seeds : []
    tensors = decoder.inputs.map(\.tensor) + cotangents.tensors

    var warnings: [Warning] = []
    if wanted, !wrt.isEmpty, !areNamed, root["of"] == nil, of.count(where: { $0.value.dtype.isFloating }) > 1 {
      let names = of.prefix(8).map(\.name.string).joined(separator: ", ") + (of.count > 8 ? ", …" : "")
      warnings.append(
        Warning(
          code: "implied_outputs", pointer: "/graph",
          detail:
            "the graph names no outputs, so the gradients are those of the sum of all results that no node takes: \(names); name them in of"
        ))
    }
    for input in decoder.inputs where !decoder.isUsed(input, outputs: graphOutputs + outputs + of) {
      warnings.append(
        Warning(
          code: "unused_input", pointer: "/inputs" + Pointer.member(input.name.string),
          detail: "nothing uses the input \(input.name.string)"))
    }
    self.warnings = warnings
    graph = decoder
  }

  private static func form(_ value: JSONValue?) throws(Problem) -> TensorEncoder.Form {
    guard let value else { return .nested }
    guard value.kind == .string, let form = TensorEncoder.Form(rawValue: value.string), form != .nested else {
      throw Problem(.wrongType, "encoding is \"flat\", \"base64\" or \"values\", got \(value.brief)", at: "/encoding")
    }
    return form
  }

  private static func defaultDType(_ value: JSONValue?) throws(Problem) -> DType {
    guard let value else { return .float64 }
    guard value.kind == .string, let dtype = DType(name: value.string), dtype.isFloating else {
      throw Problem(.wrongType, "the request's dtype is \"float64\" or \"float32\", got \(value.brief)", at: "/dtype")
    }
    return dtype
  }

  private static func flag(_ value: JSONValue?, _ name: String, default fallback: Bool) throws(Problem) -> Bool {
    switch value?.kind {
    case nil: return fallback
    case .true?: return true
    case .false?: return false
    default: throw Problem(.wrongType, "\(name) is true or false, got \(value?.brief ?? "")", at: "/\(name)")
    }
  }

  /// `wrt`: floating inputs, all of them by default.
  private static func targets(_ list: JSONValue?, _ decoder: GraphDecoder) throws(Problem) -> [GraphDecoder.Named] {
    guard let list else {
      return decoder.inputs.filter { $0.tensor.dtype.isFloating }.map { .init(name: $0.name, value: $0.value) }
    }
    let targets = try decoder.namedValues(list, at: "/wrt", orEmpty: true)
    for (index, target) in targets.enumerated() {
      guard case .input? = decoder.names[target.name.bytes] else {
        throw Problem(
          .unknownName, "\(target.name.string) is not an input of the request; gradients are taken with respect to inputs",
          at: "/wrt/\(index)")
      }
      guard target.value.dtype.isFloating else {
        throw Problem(
          .dtypeMismatch, "\(target.name.string) is \(target.value.dtype); only floating inputs have gradients: give it as float64 or cast",
          at: "/wrt/\(index)")
      }
    }
    return targets
  }
}

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
      let tensor: Tensor
      do throws(Problem) {
        tensor = try TensorDecoder(document: document).decode(value, .required(output.dtype, "the output \(name)"))
      } catch {
        throw error.under(pointer)
      }
      guard tensor.shape == output.shape else {
        throw Problem(.shapeMismatch, "the output \(name) has shape \(output.shape), its cotangent \(tensor.shape)", at: pointer)
      }
      seeds.append((output, decoder.builder.input("", tensor.dtype, tensor.shape)))
      tensors.append(tensor)
    }
    return (seeds, tensors)
  }
}

import AutogradCore
import AutogradFormats
import AutogradGraphs

/// The endpoints under /v1 that take a graph.
enum Endpoint: String, CaseIterable, Sendable {
  case evaluate, jvp, jacobian, hessian, hvp, check
}

/// Where the data of a plan's input come from.
enum InputSource {
  /// A tensor of the request, by its index in the order of ``PlanKey``.
  case request(Int)
  /// The graph's text: a default, or a constant of a formula. The plan holds them.
  case plan
  /// A tensor of the stored graph, see ``StoredGraph/tensors``.
  case stored(Int)
}

/// A part of an answer.
struct Section {
  /// The member of the answer.
  var name: String
  var content: Content

  enum Content {
    /// Tensors by name.
    case tensors([NamedValue])
    /// Tensors by two names: the differentiated value, and the input.
    case table([(row: SourceName, tensors: [NamedValue])])
    case tensor(Value)
    /// JSON text that is the same in every answer of the plan.
    case json(String)
  }

  /// The same section with other values, taken from the front of a list.
  func replacingValues(_ values: inout ArraySlice<Value>) -> Section {
    func replaced(_ named: [NamedValue]) -> [NamedValue] {
      defer { values = values.dropFirst(named.count) }
      return zip(named, values).map { .init(name: $0.name, value: $1) }
    }
    switch content {
    case .tensors(let named): return Section(name: name, content: .tensors(replaced(named)))
    case .table(let rows): return Section(name: name, content: .table(rows.map { ($0.row, replaced($0.tensors)) }))
    case .tensor(let value): return Section(name: name, content: .tensor(values.popFirst() ?? value))
    case .json: return self
    }
  }

  /// All values, in the order of the answer.
  var values: [Value] {
    switch content {
    case .tensors(let named): named.map(\.value)
    case .table(let rows): rows.flatMap { $0.tensors.map(\.value) }
    case .tensor(let value): [value]
    case .json: []
    }
  }
}

/// A request to one of the endpoints that differentiate, read and checked, with its graph built.
struct DifferentialRequest {
  let endpoint: Endpoint
  let graph: RequestGraph
  /// The values to return.
  let outputs: [NamedValue]
  /// The values to differentiate.
  let of: [NamedValue]
  /// The values to differentiate, each with its cotangent.
  let seeds: [(value: Value, cotangent: Value)]
  /// The inputs to differentiate with respect to; nil if the answer has no gradients.
  let targets: [NamedValue]?
  /// Inputs with their directions (`tangents`, `vectors`).
  let directions: [(primal: Value, tangent: Value)]
  /// All plan inputs: the request's inputs, then named constants, then explicit cotangents, then directions.
  let tensors: [Tensor]
  /// Where the data of each plan input come from, in the order of ``tensors``.
  let sources: [InputSource]
  let form: TensorEncoder.Form
  /// Whether derivatives come as one matrix.
  let isStacked: Bool
  /// Whether the first value that is not finite is reported.
  let isDiagnosed: Bool
  let check: CheckOptions
  let warnings: [Warning]
  let graphDigest: String
  /// Length of the graph's text.
  let graphByteCount: Int

  /// - Parameter isInspected: whether nothing will be computed: then tensors may be types only, and the member `for` is
  ///   allowed.
  init(_ endpoint: Endpoint, _ body: ParsedBody, limits: Limits, isInspected: Bool = false) throws(FormatError) {
    let document = body.document
    let root = document.root
    guard root.kind == .object else {
      throw FormatError(.wrongType, "a request is an object with graph and inputs, got \(root.describe)", at: "")
    }
    if body.stored != nil, root["graph"] != nil {
      throw FormatError(.unknownMember, "the path names the graph; leave graph out of the body", at: "/graph")
    }
    for (key, _) in root.members where !endpoint.takes(key, isInspected) {
      if ["nodes", "constants"].contains(key.string) && root["graph"] == nil {
        throw FormatError(
          .unknownMember, "\(key.string) is a member of the graph: write \"graph\": {\"\(key.string)\": …}",
          at: Pointer.member(key.string))
      }
      let name = isInspected ? "inspect" : endpoint.rawValue
      throw FormatError.unknownMember(
        key.string, of: "a request to /v1/\(body.stored == nil ? "" : "graphs/{name}/")\(name)",
        endpoint.members(isInspected: isInspected).filter { body.stored == nil || $0 != "graph" }, at: "")
    }
    try limits.checkNames(in: root)
    self.endpoint = endpoint
    graphDigest = body.graphDigest
    graphByteCount = body.stored?.version.byteCount ?? root["graph"]?.text.count ?? 0
    form = try DifferentialRequest.form(root["encoding"]?.given)
    check = endpoint == .check ? try CheckOptions(root) : CheckOptions()
    let dtype = try DifferentialRequest.defaultDType(root["dtype"]?.given)
    let isPerExample = try DifferentialRequest.flag("per_example", of: root, default: false)
    let batch = try root["batch"]?.given.map { list throws(FormatError) in
      try ExampleBatch(list, isPerExample: isPerExample)
    }
    if isPerExample && batch == nil {
      throw FormatError(.missingMember, "per_example needs batch, the names of the inputs that carry examples", at: "")
    }
    let graph = try RequestGraph(
      root["graph"], inputs: root["inputs"]?.given, of: body, limits: limits, defaultDType: dtype,
      allowsTypes: isInspected, batch: batch)

    outputs =
      if let list = root["outputs"]?.given { try graph.namedValues(list, at: "/outputs") } else { graph.outputs }
    of = if let list = root["of"]?.given { try graph.namedValues(list, at: "/of") } else { graph.outputs }
    let wanted = try DifferentialRequest.flag("gradients", of: root, default: true)
    let wrt = try DifferentialRequest.targets(root["wrt"]?.given, graph)
    let vectors = VectorDecoder(document: document, graph: graph)
    let cotangents = try vectors.cotangents(root["cotangents"]?.given, of: of)
    let directions = try vectors.directions(root, endpoint)
    isStacked = try DifferentialRequest.flag("stacked", of: root, default: false)
    isDiagnosed = try DifferentialRequest.flag("diagnose", of: root, default: false)
    if isStacked { try DifferentialRequest.checkStacked(batch, wrt, endpoint) }
    targets = wanted ? wrt : nil
    seeds = wanted && !wrt.isEmpty ? cotangents.seeds : []
    self.directions = directions.pairs
    tensors = graph.inputs.compactMap(\.tensor) + graph.constantTensors + cotangents.tensors + directions.tensors
    sources = DifferentialRequest.sources(graph, tensors.count)

    let addsUp = endpoint != .jvp && endpoint != .jacobian && wanted && !wrt.isEmpty
    let found =
      (addsUp && !graph.namesOutputs && root["of"]?.given == nil ? DifferentialRequest.impliedOutputs(of) : [])
      + DifferentialRequest.unusedInputs(graph, outputs: graph.outputs + outputs + of)
      + DifferentialRequest.zeroGradients(graph)
      + (wanted && root["wrt"]?.given == nil && wrt.isEmpty ? DifferentialRequest.integerInputs(graph, of) : [])
    warnings = found.map { $0.of(body.stored) }
    self.graph = graph
    try checkAnswer(limits)
  }

  /// Only inputs can be given in an order that differs from their declaration.
  private static func sources(_ graph: RequestGraph, _ count: Int) -> [InputSource] {
    var next = graph.inputs.count { $0.place != nil }
    let shared = graph.isUsedAsStored ? graph.stored : nil
    let inputs = graph.inputs.map { input -> InputSource in
      if let place = input.place { return .request(place) }
      return (shared?.tensor(ofDefault: input.name)).map(InputSource.stored) ?? .plan
    }
    let behind = (0..<max(count - graph.inputs.count, 0)).map { position -> InputSource in
      if position < graph.constantTensors.count {
        if let shared { return .stored(shared.firstConstant + position) }
        if graph.hasFixedConstants || graph.stored != nil { return .plan }
      }
      defer { next += 1 }
      return .request(next)
    }
    return inputs + behind
  }

  /// Checks the number of tensors in the answer before any is made: it can be the square of the number of inputs.
  private func checkAnswer(_ limits: Limits) throws(FormatError) {
    let (rows, columns) = (of.count { $0.value.dtype.isFloating }, targets?.count ?? 0)
    let derivatives =
      switch endpoint {
      case .jacobian: rows * columns
      case .hessian: columns * columns + columns
      default: 0
      }
    let count = outputs.count + derivatives
    guard derivatives > 0, count > limits.outputs else { return }
    throw FormatError(
      .outputs, "the graph yields \(count) tensors to answer with, at most \(limits.outputs) are allowed", at: "/graph",
      most: limits.outputs,
      value: count)
  }

  private static func form(_ value: JSONValue?) throws(FormatError) -> TensorEncoder.Form {
    guard let value else { return .nested }
    guard value.kind == .string, let form = TensorEncoder.Form(rawValue: value.string), form != .nested else {
      throw FormatError(
        .wrongType, "encoding is \"flat\", \"base64\" or \"values\", got \(value.brief)", at: "/encoding")
    }
    return form
  }

  private static func defaultDType(_ value: JSONValue?) throws(FormatError) -> DType {
    guard let value else { return .float64 }
    guard value.kind == .string, let dtype = DType(name: value.string), dtype.isFloating else {
      throw FormatError(
        .wrongType,
        "the request's dtype is \"float64\" or \"float32\", got \(value.brief)\(DTypeText.hint(for: value.string))",
        at: "/dtype")
    }
    return dtype
  }

  private static func flag(_ name: StaticString, of root: JSONValue, default fallback: Bool) throws(FormatError) -> Bool
  {
    guard let value = root[name]?.given else { return fallback }
    switch value.kind {
    case .true: return true
    case .false: return false
    default: throw FormatError(.wrongType, "\(name) is true or false, got \(value.brief)", at: "/\(name)")
    }
  }

  /// `wrt`: floating inputs; default all that the request gives.
  private static func targets(_ list: JSONValue?, _ graph: RequestGraph) throws(FormatError) -> [NamedValue] {
    guard let list else {
      return graph.inputs.filter { $0.value.dtype.isFloating && $0.place != nil }.map {
        .init(name: $0.name, value: $0.value)
      }
    }
    let targets = try graph.namedValues(list, at: "/wrt", orEmpty: true)
    for (index, target) in targets.enumerated() {
      guard graph.input(named: target.name) != nil else {
        throw FormatError(
          .unknownName,
          "\(target.name.string) is not an input of the request; gradients are taken with respect to inputs",
          at: "/wrt/\(index)")
      }
      guard target.value.dtype.isFloating else {
        throw FormatError(
          .dtypeMismatch,
          "\(target.name.string) is \(target.value.dtype); only floating inputs have gradients: give it as float64 or "
            + "cast",
          at: "/wrt/\(index)")
      }
    }
    return targets
  }
}

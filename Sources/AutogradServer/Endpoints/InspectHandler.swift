import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// `POST /v1/inspect`: what a request would compute and what that would cost, without computing it, and its graph as a
/// formula, as JSON, and with its gradients.
struct InspectHandler: Sendable {
  let limits: Limits

  /// - Parameter stored: the graph that the path names; nil for a request that has one.
  func reply(to request: Request, _ stored: StoredGraph? = nil) -> Reply {
    do throws(FormatError) {
      return .now(Response(headers: stored?.headers ?? [], body: try inspect(try ParsedBody(request, limits, stored))))
    } catch {
      return .now(Problem(error, of: stored, in: request).response(requestID: request.id))
    }
  }

  private func inspect(_ body: ParsedBody) throws(FormatError) -> ByteBuffer {
    defer { withExtendedLifetime(body) {} }
    let endpoint = try InspectHandler.endpoint(body.document.root["for"]?.given)
    let request = try DifferentialRequest(endpoint, body, limits: limits, isInspected: true)
    let values = request.sections().flatMap(\.values)
    let (graph, plan, trace) = try planned(request, values, body)
    return try report(request, graph, plan, trace)
  }

  private func planned(_ request: DifferentialRequest, _ values: [Value], _ body: ParsedBody) throws(FormatError)
    -> (Graph, Plan, NonFiniteTrace?)
  {
    do throws(GraphError) {
      let graph = try request.graph.builder.graph(outputs: values)
      let plan = try Plan(graph, interruption: request.graph.builder.interruption)
      let bytes =
        graph.nodeCount * InspectHandler.textBytesPerNode + request.graphByteCount * InspectHandler.textsPerGraph
      if let memory = body.memory, !memory.reserveMore(bytes) {
        throw GraphError(.interrupted, "there is no memory for the graph's text")
      }
      return (graph, plan, request.isDiagnosed ? try NonFiniteTrace(request) : nil)
    } catch {
      throw request.graph.problem(error)
    }
  }

  /// Bytes of the report for each node: the formula of the gradients, in two copies while it is written.
  private static let textBytesPerNode = 400
  /// How much larger than the graph its two forms can be, with copies: numbers such as 1e18 are written in full.
  private static let textsPerGraph = 12

  private static func endpoint(_ value: JSONValue?) throws(FormatError) -> Endpoint {
    guard let value else { return .evaluate }
    guard value.kind == .string, let endpoint = Endpoint(rawValue: value.string) else {
      let known = Endpoint.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw FormatError(.wrongType, "for is one of \(known), got \(value.brief)", at: "/for")
    }
    return endpoint
  }

  // MARK: The report

  private func report(
    _ request: DifferentialRequest, _ graph: Graph, _ plan: Plan, _ trace: NonFiniteTrace?
  ) throws(FormatError) -> ByteBuffer {
    let json = ByteBuffer(capacity: 4096)
    json.append("{\"digest\": \"\(request.graphDigest)\", \"text\": ")
    append(try request.graph.formula(), to: json)
    json.append(", \"graph\": ")
    try request.graph.writeJSON(to: json)
    json.append(", \"gradient_text\": ")
    if let formula = request.graph.gradientFormula(of: request.of, withRespectTo: request.targets ?? []) {
      append(formula, to: json)
    } else {
      json.append("null")
    }
    json.append(", \"inputs\": ")
    appendTypes(request.graph.inputs.map { .init(name: $0.name, value: $0.value) }, to: json)
    json.append(", \"values\": ")
    appendTypes(request.graph.namedValues.filter { !$0.name.isNameless }, to: json)
    json.append(", \"of\": ")
    appendNames(request.of.filter { $0.value.dtype.isFloating }, to: json)
    json.append(", \"wrt\": ")
    appendNames(request.targets ?? [], to: json)
    json.append(
      ", \"cost\": {\"nodes\": \(graph.nodeCount), \"flops\": \(plan.work), \"peak_bytes\": \(plan.peakByteCount)")
    json.append(", \"answer_bytes\": \(answerBytes(plan, request.form))}, \"plan\": ")
    appendPlan(plan, to: json)
    do throws(FormatError) {
      try Admission.check(request.graph.namedValues.map(\.value.shape), limits)
      try Admission.check(plan, limits)
      if let trace { try Admission.check(trace.plan, limits, answers: false) }
      json.append(", \"admitted\": true}\n")
    } catch {
      json.append(", \"admitted\": false, \"limit\": {\"detail\": ")
      json.appendJSONString(error.detail)
      json.append(", \"limit\": \(error.most ?? 0), \"value\": \(error.value ?? 0)}}\n")
    }
    return json
  }

  private func append(_ text: ByteBuffer, to json: ByteBuffer) {
    withExtendedLifetime(text) { json.appendJSONString(text.bytes) }
  }

  private func appendTypes(_ named: [NamedValue], to json: ByteBuffer) {
    json.append("{")
    for (position, entry) in named.enumerated() {
      if position > 0 { json.append(", ") }
      json.appendJSONString(entry.name.bytes)
      json.append(": {\"dtype\": \"\(entry.value.dtype)\", \"shape\": \(entry.value.shape)}")
    }
    json.append("}")
  }

  private func appendNames(_ named: [NamedValue], to json: ByteBuffer) {
    json.append("[")
    for (position, entry) in named.enumerated() {
      if position > 0 { json.append(", ") }
      json.appendJSONString(entry.name.bytes)
    }
    json.append("]")
  }

  private func appendPlan(_ plan: Plan, to json: ByteBuffer) {
    json.append(
      "{\"instructions\": \(plan.instructions.count), \"workspace_bytes\": \(plan.workspaceByteCount), \"kinds\": {")
    var counts: [Instruction.Kind: Int] = [:]
    for instruction in plan.instructions { counts[instruction.kind, default: 0] += 1 }
    for (position, entry) in counts.sorted(by: { $0.key.rawValue < $1.key.rawValue }).enumerated() {
      json.append(position > 0 ? ", \"\(entry.key)\": \(entry.value)" : "\"\(entry.key)\": \(entry.value)")
    }
    json.append("}}")
  }

  /// Approximate upper bound, with the longest number of each dtype.
  private func answerBytes(_ plan: Plan, _ form: TensorEncoder.Form) -> Int {
    plan.outputTypes.reduce(0) { total, type in
      let width =
        switch type.dtype {
        case .float64, .int64: 26
        case .float32: 17
        case .int32: 13
        case .bool: 7
        }
      let (bytes, overflow) = type.elementCount.multipliedReportingOverflow(by: width)
      let size = form == .base64 ? type.byteCount / 3 * 4 + 4 : overflow ? Int.max / 2 : bytes
      let (sum, isTooLarge) = total.addingReportingOverflow(size + 64)
      return isTooLarge ? Int.max / 2 : sum
    }
  }
}

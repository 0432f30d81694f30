import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// `POST /v1/inspect`: what a request would compute and what that would cost, without computing it.
struct InspectHandler: Sendable {
  let limits: Limits

  func reply(to request: Request) -> Reply {
    do throws(FormatError) {
      return .now(Response(body: try inspect(try ParsedBody(request, limits))))
    } catch {
      return .now(error.response(requestID: request.id))
    }
  }

  private func inspect(_ body: ParsedBody) throws(FormatError) -> ByteBuffer {
    defer { withExtendedLifetime(body) {} }
    let endpoint = try InspectHandler.endpoint(body.document.root["for"]?.given)
    let request = try DifferentialRequest(endpoint, body, limits: limits, isInspected: true)
    let values = request.sections().flatMap(\.values)
    do throws(GraphError) {
      let interruption = request.graph.builder.interruption
      let graph = try request.graph.builder.graph(outputs: values)
      let plan = try Plan(graph, interruption: interruption)
      if let memory = body.memory, !memory.reserveMore(graph.nodeCount * InspectHandler.textBytesPerNode) {
        throw GraphError(.interrupted, "there is no memory for the graph's text")
      }
      let trace = request.isDiagnosed ? try NonFiniteTrace(request) : nil
      return report(request, graph, try graph.text(interruption), plan, trace)
    } catch {
      throw request.graph.problem(error)
    }
  }

  /// Bytes of the report for each node: a line of the graph's text, and the names, in two copies while it is written.
  private static let textBytesPerNode = 400

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
    _ request: DifferentialRequest, _ graph: Graph, _ text: String, _ plan: Plan, _ trace: NonFiniteTrace?
  ) -> ByteBuffer {
    let json = ByteBuffer(capacity: 4096)
    json.append("{\"digest\": \"\(GraphDigest.text(request.graphText))\", \"text\": ")
    json.appendJSONString(text)
    json.append(", \"inputs\": ")
    appendTypes(request.graph.inputs.map { .init(name: $0.name, value: $0.value) }, to: json)
    json.append(", \"values\": ")
    appendTypes(request.graph.namedValues, to: json)
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

import AutogradCore

/// `POST /v1/evaluate`, `jvp`, `jacobian`, `hessian` and `hvp`: outputs, and derivatives of one kind.
struct DifferentialHandler: Sendable {
  let limits: Limits

  /// Above this many elementary operations a plan leaves the socket thread: waking another costs 50 to 80 µs, this much work takes a few
  /// times that.
  static let inlineWork = 200_000

  func reply(to request: Request, _ endpoint: Endpoint) -> Reply {
    do throws(Problem) {
      let computation = try Computation(endpoint, body: request.body, limits: limits)
      if computation.plan.work <= DifferentialHandler.inlineWork { return .now(respond(computation, request)) }
      return .later { respond(computation, request) }
    } catch {
      return .now(error.response(requestID: request.id))
    }
  }

  private func respond(_ computation: Computation, _ request: Request) -> Response {
    do throws(Problem) {
      return try computation.run()
    } catch {
      return error.response(requestID: request.id)
    }
  }
}

/// One request: planned, admitted, ready to run.
///
/// `@unchecked Sendable`: it is made on one thread and run once on another; nothing else holds its builder.
final class Computation: @unchecked Sendable {
  let plan: Plan
  private let document: JSONDocument
  private let request: DifferentialRequest
  private let sections: [Section]
  private var clock = PhaseClock()

  init(_ endpoint: Endpoint = .evaluate, body: UnsafeRawBufferPointer, limits: Limits) throws(Problem) {
    do throws(JSONSyntaxError) {
      document = try JSONDocument(parsing: body, maximumDepth: limits.jsonDepth)
    } catch {
      throw Problem(error)
    }
    request = try DifferentialRequest(endpoint, document, limits: limits)
    clock.mark("read")
    sections = request.sections()
    do throws(GraphError) {
      plan = try Plan(try request.graph.builder.graph(outputs: sections.flatMap(\.values)))
    } catch {
      throw request.graph.problem(error)
    }
    try Admission.check(plan, limits)
    clock.mark("plan")
  }

  /// Runs the plan and writes the answer.
  func run() throws(Problem) -> Response {
    clock.mark("wait")
    let results: [Tensor]
    do throws(GraphError) {
      results = try plan.run(request.tensors)
    } catch {
      throw request.graph.problem(error)
    }
    clock.mark("run")
    let body = AnswerWriter(form: request.form).answer(sections, results, request.warnings, estimate: plan.resultByteCount)
    clock.mark("write")
    let headers = [("X-Graph-Digest", GraphDigest.text(request.graphText)), ("Server-Timing", clock.header)]
    // The values of the document are read up to here.
    return withExtendedLifetime(document) { Response(headers: headers, body: body) }
  }
}

extension DifferentialRequest {
  /// Writes what is asked for behind the graph.
  func sections() -> [Section] {
    let builder = graph.builder
    var sections = [Section(name: "outputs", content: .tensors(outputs))]
    let floating = of.filter(\.value.dtype.isFloating)
    switch endpoint {
    case .evaluate:
      if targets != nil { sections.append(Section(name: "gradients", content: .tensors(gradients()))) }
    case .jvp:
      let floating = outputs.filter(\.value.dtype.isFloating)
      sections.append(Section(name: "tangents", content: .tensors(along(directions, floating))))
    case .check: break
    case .jacobian:
      let wrt = targets ?? []
      let jacobians = builder.jacobians(of: floating.map(\.value), withRespectTo: wrt.map(\.value))
      sections.append(Section(name: "jacobians", content: .table(table(floating, wrt, jacobians))))
    case .hessian:
      let (wrt, first) = (targets ?? [], gradients())
      let hessians = builder.hessians(first.map(\.value), withRespectTo: wrt.map(\.value))
      sections.append(Section(name: "gradients", content: .tensors(first)))
      sections.append(Section(name: "hessians", content: .table(table(first, wrt, hessians))))
    case .hvp:
      let first = gradients()
      sections.append(Section(name: "gradients", content: .tensors(first)))
      sections.append(Section(name: "products", content: .tensors(along(directions, first))))
    }
    return inBatch(sections)
  }

  /// Everything for all examples at once. What is taken with respect to shared inputs alone is that of the sum over the examples, unless
  /// asked for per example.
  private func inBatch(_ sections: [Section]) -> [Section] {
    guard let batch = graph.batch else { return sections }
    func isSummed(_ name: JSONValue.Text) -> Bool { !batch.isPerExample && !batch.contains(name.bytes) }
    var values: [(value: Value, isSum: Bool)] = []
    for section in sections {
      switch section.content {
      case .tensors(let named):
        let isByInput = section.name == "gradients" || section.name == "products"
        values += named.map { ($0.value, isByInput && isSummed($0.name)) }
      case .table(let rows):
        let isByInput = section.name == "hessians"
        for row in rows { values += row.tensors.map { ($0.value, isByInput && isSummed(row.row) && isSummed($0.name)) } }
      }
    }
    var results = batch.run(values, graph.builder)[...]
    return sections.map { $0.replacingValues(&results) }
  }

  private func gradients() -> [GraphDecoder.Named] {
    let wrt = targets ?? []
    let gradients = graph.builder.gradients(of: seeds, withRespectTo: wrt.map(\.value))
    return zip(wrt, gradients).map { .init(name: $0.name, value: $1 ?? graph.builder.zeros($0.value.type)) }
  }

  /// The directional derivatives of values.
  private func along(_ directions: [(primal: Value, tangent: Value)], _ values: [GraphDecoder.Named]) -> [GraphDecoder.Named] {
    let tangents = graph.builder.tangents(of: values.map(\.value), along: directions)
    return zip(values, tangents).map { .init(name: $0.name, value: $1 ?? graph.builder.zeros($0.value.type)) }
  }

  private func table(
    _ rows: [GraphDecoder.Named], _ columns: [GraphDecoder.Named], _ values: [[Value]]
  ) -> [(row: JSONValue.Text, tensors: [GraphDecoder.Named])] {
    zip(rows, values).map { row, values in (row.name, zip(columns, values).map { .init(name: $0.name, value: $1) }) }
  }
}

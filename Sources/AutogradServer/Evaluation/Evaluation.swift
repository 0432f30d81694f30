import AutogradCore
import AutogradFormats
import AutogradHTTP

/// Where the numbers of a run come from.
enum Numbers {
  /// Tensors, read while the graph was: of the first request of a plan, which can also say in its words what fails.
  case decoded(DifferentialRequest)
  /// Where they stand in a document, in the order of its ``PlanKey``.
  case listed([TensorSource])
  /// Read from the text before the run had memory, see ``BodySkeleton/numbers(of:)``.
  case packed(BodySkeleton, RunMemory)
  /// They are in the memory of the run already.
  case placed
}

/// A request whose plan is at hand. What is left is one way for all: its numbers are put where the plan wants them, the
/// plan is run, and the answer is written.
///
/// `@unchecked Sendable`: it is made on one thread and run once on another; nothing else holds the builder of its
/// request.
struct Evaluation: @unchecked Sendable {
  let endpoint: Endpoint
  let plan: PreparedPlan
  let numbers: Numbers
  /// What the numbers and the graph's text are part of; nil where the text is not needed any more.
  let body: ParsedBody?
  /// Asked for by `diagnose`; plans of such requests are not kept.
  private let trace: NonFiniteTrace?
  /// Of the graph, where it is known.
  private let digest: String?
  private let cache: StaticString
  private let clock: PhaseClock

  /// Builds, differentiates, plans and admits what is asked for.
  init(planning endpoint: Endpoint, _ body: ParsedBody, _ limits: Limits, cache: StaticString) throws(FormatError) {
    var clock = body.clock
    let request = try DifferentialRequest(endpoint, body, limits: limits)
    clock.mark(.read)
    do throws(GraphError) {
      plan = try PreparedPlan(request, answersSafetensors: body.answersSafetensors)
      trace = request.isDiagnosed ? try NonFiniteTrace(request) : nil
    } catch {
      throw request.graph.problem(error)
    }
    let isMatrix = endpoint == .hessian || endpoint == .jacobian
    try Admission.check(
      plan.plan, limits,
      advice: isMatrix && request.graph.batch == nil
        ? "; for independent examples, batch gives one small matrix for each" : "")
    if let trace { try Admission.check(trace.plan, limits, answers: false) }
    clock.mark(.plan)
    self.endpoint = endpoint
    numbers = .decoded(request)
    self.body = body
    digest = nil
    self.cache = cache
    self.clock = clock
  }

  /// Of a request whose plan an earlier one has left.
  init(_ endpoint: Endpoint, _ plan: PreparedPlan, _ body: ParsedBody, _ key: PlanKey) {
    self.endpoint = endpoint
    self.plan = plan
    numbers = .listed(key.tensors)
    self.body = body
    trace = nil
    digest = nil
    cache = "hit"
    clock = body.clock
  }

  /// Of a request whose text an earlier one has left, its numbers read already.
  init(_ skeleton: BodySkeleton, _ numbers: Numbers, _ clock: PhaseClock) {
    endpoint = skeleton.endpoint
    plan = skeleton.plan
    self.numbers = numbers
    body = nil
    trace = nil
    digest = skeleton.graphDigest
    cache = "hit"
    self.clock = clock
  }

  /// Whether its plan was found by its key.
  var isListed: Bool { if case .listed = numbers { true } else { false } }

  /// Memory that it holds, about, until it has run.
  var byteCount: Int {
    switch numbers {
    case .decoded(let request):
      (body?.byteCount ?? 0) + request.graph.builder.columns.nodeCount * Limits.planningBytesPerNode
    case .listed(let tensors): (body?.byteCount ?? 0) + tensors.count * MemoryLayout<TensorSource>.stride
    case .packed(_, let memory): memory.blockByteCount
    case .placed: 0
    }
  }

  /// What running it takes, for the compute pool.
  var work: (cost: Int64, byteCount: Int) {
    let tracing = (work: trace?.plan.work ?? 0, byteCount: trace?.plan.peakByteCount ?? 0)
    // An operation takes a third of a nanosecond, or more; a byte of the answer a nanosecond.
    let cost = Size.sum(Size.sum(plan.work, tracing.work) / 3, plan.answerByteCount)
    return (Int64(cost), Size.sum(plan.peakByteCount, tracing.byteCount))
  }

  /// Memory that the run needs beside that of the plan's results: where numbers come as tensors, they stay there.
  private var blockByteCount: Int {
    if case .decoded = numbers { plan.layout.byteCountWithoutInputs } else { plan.layout.byteCount }
  }

  /// Runs the plan and writes the answer.
  /// - Parameter memory: given back in any case.
  /// - Returns: nil where something is wrong with the numbers, or the run fails, and only a reading in full has the
  ///   words for it.
  func run(in memory: consuming RunMemory.Lease, _ interruption: Interruption?) throws(FormatError) -> Response? {
    var clock = clock
    let block = memory.block(of: blockByteCount)
    guard place(in: block, &clock) else { return nil }
    do throws(GraphError) {
      var tensors: [Tensor]?
      if case .decoded(let request) = numbers { tensors = request.tensors }
      try plan.run(in: block, interruption, inputs: tensors)
      clock.mark(.run)
      var found = plan.notFinite(in: block, tensors, always: trace != nil)
      if !found.isEmpty, let trace, let tensors { found.insert(try trace.warning(tensors, interruption), at: 0) }
      if plan.isStreamed {
        return respond(.stream(AnswerStream(plan.template, memory, block, plan.layout.results, found)), clock)
      }
      return respond(.whole(try plan.answer(from: block, found, draft: memory.draft, interruption)), clock)
    } catch {
      guard case .decoded(let request) = numbers else { return nil }
      throw request.graph.problem(error)
    }
  }

  /// - Returns: false for numbers that cannot be read.
  private func place(in block: UnsafeMutableRawPointer, _ clock: inout PhaseClock) -> Bool {
    switch numbers {
    case .decoded: clock.mark(.wait)
    case .listed(let tensors):
      guard let body else { return false }
      let decoder = TensorDecoder(document: body.document)
      let types = plan.plan.inputTypes
      do {
        for index in plan.sources.indices {
          try decoder.read(tensors[plan.sources[index]], types[index], into: block + plan.layout.inputs[index])
        }
      } catch {
        return false
      }
      clock.mark(.read)
    case .packed(let skeleton, let memory): skeleton.place(memory, in: block)
    case .placed: break
    }
    return true
  }

  private func respond(_ body: Body, _ clock: consuming PhaseClock) -> Response {
    clock.mark(.write)
    let digest = digest ?? graphDigest
    return Response(
      contentType: plan.contentType,
      headers: [("X-Graph-Digest", digest), ("Server-Timing", clock.header(cache: cache))], content: body,
      observation: Observation(phases: clock.totals, graphDigest: digest))
  }

  private var graphDigest: String {
    withExtendedLifetime(body) {
      GraphDigest.text(body?.document.root["graph"]?.text ?? UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }

  /// For the next request that differs in its numbers only; after ``run(in:_:)`` has answered. Nil where the plan was
  /// not known before, or nothing would be gained.
  func skeleton(of request: Request) -> BodySkeleton? {
    guard case .listed(let tensors) = numbers, let body, body.file == nil, !body.answersSafetensors else { return nil }
    return BodySkeleton(endpoint, request.body, body.document, tensors, plan)
  }
}

import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// Where the numbers for a run come from.
enum Numbers {
  /// Tensors that were decoded with the graph, for the first request of a plan. Only this case can report errors with
  /// the request's names. Indirect, so that later requests do not move room for a whole request about.
  indirect case decoded(DifferentialRequest)
  /// Positions in a parsed body, in the order of its ``PlanKey``.
  case listed([TensorSource])
  /// Read from the text before the run got its memory, see ``BodySkeleton/numbers(of:)``.
  case packed(BodySkeleton, RunMemory)
  /// Already in the memory of the run.
  case placed
}

/// A request whose plan exists. From here on all requests take the same path: the numbers are placed where the plan
/// reads them, the plan runs, and the answer is written.
///
/// `@unchecked Sendable`: it is made on one thread and run once on another; nothing else holds the builder of its
/// request.
struct Evaluation: @unchecked Sendable {
  let endpoint: Endpoint
  let plan: PreparedPlan
  let numbers: Numbers
  /// The body that holds the numbers and the graph's text; nil if the text is no longer needed.
  let body: ParsedBody?
  /// The stored graph that the request names.
  let stored: StoredGraph?
  /// Set by `diagnose`. Plans of such requests are not cached.
  private let trace: NonFiniteTrace?
  /// Digest of the graph, if it is known already.
  private let digest: String?
  private let cache: StaticString
  private let clock: PhaseClock

  /// Builds and differentiates the graph, plans it, and checks the limits.
  /// - Parameter isInline: whether this is a socket thread.
  init(planning endpoint: Endpoint, _ body: ParsedBody, _ limits: Limits, cache: StaticString, isInline: Bool)
    throws(FormatError)
  {
    var clock = body.clock
    let request = try DifferentialRequest(endpoint, body, limits: limits)
    clock.mark(.read)
    do throws(GraphError) {
      plan = try PreparedPlan(
        request, limits, answersSafetensors: body.answersSafetensors, isInline: isInline, memory: body.memory)
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
    stored = body.stored
    digest = nil
    self.cache = cache
    self.clock = clock
  }

  /// For a request whose plan was found in the cache.
  init(_ endpoint: Endpoint, _ plan: PreparedPlan, _ body: ParsedBody, _ key: PlanKey) {
    self.endpoint = endpoint
    self.plan = plan
    numbers = .listed(key.tensors)
    self.body = body
    stored = body.stored
    trace = nil
    digest = nil
    cache = "hit"
    clock = body.clock
  }

  /// For a request whose text matches a skeleton; its numbers have been read already.
  init(_ skeleton: BodySkeleton, _ numbers: Numbers, _ stored: StoredGraph?, _ clock: PhaseClock) {
    endpoint = skeleton.endpoint
    plan = skeleton.plan
    self.numbers = numbers
    body = nil
    self.stored = stored
    trace = nil
    digest = skeleton.graphDigest
    cache = "hit"
    self.clock = clock
  }

  /// Whether more is computed than the plan says, if the answer is not finite.
  var isDiagnosed: Bool { trace != nil }

  /// Whether it may run on a socket thread.
  var isBrief: Bool { plan.isBrief && !isDiagnosed && plan.isReady(for: stored) }

  /// Whether the plan was found by its key.
  var isListed: Bool { if case .listed = numbers { true } else { false } }

  /// Approximate memory that it holds until it has run.
  var byteCount: Int {
    switch numbers {
    case .decoded(let request):
      (body?.byteCount ?? 0) + request.graph.builder.columns.nodeCount * Limits.planningBytesPerNode
    case .listed(let tensors): (body?.byteCount ?? 0) + tensors.count * MemoryLayout<TensorSource>.stride
    case .packed(_, let memory): memory.blockByteCount
    case .placed: 0
    }
  }

  /// Time (nanoseconds) and memory for the run, for the compute pool.
  var work: (cost: Int64, byteCount: Int) {
    let tracing = (work: trace?.plan.work ?? 0, byteCount: trace?.plan.peakByteCount ?? 0)
    let preparation = plan.preparation(for: stored)
    // An operation takes a third of a nanosecond or more, a byte of the answer a nanosecond.
    // What is streamed counts when it is written.
    let writing = plan.isStreamed ? 0 : plan.answerByteCount
    let computing = Size.sum(Size.sum(plan.work, tracing.work), preparation.work)
    return (
      Int64(Size.sum(computing / 3, writing)),
      Size.sum(Size.sum(plan.peakByteCount, tracing.byteCount), preparation.byteCount)
    )
  }

  /// Size of the block for the run. Decoded tensors stay where they are and need no room in it.
  var blockByteCount: Int {
    if case .decoded = numbers { plan.layout.byteCountWithoutInputs } else { plan.layout.byteCount }
  }

  /// Runs the plan and writes the answer.
  /// - Parameter memory: returned to the pool in any case.
  /// - Returns: nil if a number cannot be read or the run fails; then the request must be read in full to get the
  ///   error.
  func run(in memory: consuming RunMemory.Lease, _ interruption: Interruption?) throws(FormatError) -> Response? {
    var clock = clock
    let block = memory.block(of: blockByteCount)
    guard place(in: block, &clock) else { return nil }
    do throws(GraphError) {
      var tensors: [Tensor]?
      if case .decoded(let request) = numbers { tensors = request.tensors }
      try plan.run(in: block, interruption, inputs: tensors, of: stored)
      clock.mark(.run)
      let found = plan.isFinite(in: block) ? [] : try warnings(of: block, tensors, interruption)
      if plan.isStreamed {
        return respond(.stream(AnswerStream(plan.template, memory, block, plan.layout.results, found)), clock)
      }
      return respond(.whole(try plan.answer(from: block, found, draft: memory.draft, interruption)), clock)
    } catch {
      guard case .decoded(let request) = numbers else { return nil }
      throw request.graph.problem(error)
    }
  }

  /// Warnings of an answer that is not finite.
  private func warnings(
    of block: UnsafeRawPointer, _ inputs: [Tensor]?, _ interruption: Interruption?
  ) throws(GraphError) -> [DifferentialRequest.Warning] {
    let found = plan.notFinite(in: block, inputs, of: stored, always: trace != nil)
    guard !found.isEmpty, let trace, let inputs, case .decoded(let request) = numbers else { return found }
    return [try trace.warning(inputs, request.graph, interruption)] + found
  }

  /// - Returns: false for numbers that cannot be read.
  private func place(in block: UnsafeMutableRawPointer, _ clock: inout PhaseClock) -> Bool {
    switch numbers {
    case .decoded: clock.mark(.wait)
    case .listed(let tensors):
      // A key and a plan that disagree would put numbers in wrong places.
      guard let body, tensors.count == plan.sources.count else { return false }
      let decoder = TensorDecoder(document: body.document)
      let types = plan.plan.inputTypes
      do {
        for (input, tensor) in plan.sources {
          try decoder.read(tensors[tensor], types[input], into: block + plan.layout.inputs[input])
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
    if case .whole = body { clock.mark(.write) }
    let digest = digest ?? self.body?.graphDigest ?? ""
    let timing = clock.header(cache: cache)
    // Of the type that answers have: an array of other tuples would be copied.
    let headers: [(name: String, value: String)] =
      if let stored {
        [("X-Graph-Digest", digest), ("X-Graph-Version", stored.versionText), ("Server-Timing", timing)]
      } else {
        [("X-Graph-Digest", digest), ("Server-Timing", timing)]
      }
    return Response(
      contentType: plan.contentType, headers: headers, content: body,
      observation: Observation(phases: clock.totals, graphDigest: digest))
  }

  /// A skeleton for later requests that differ only in their numbers. Call it after ``run(in:_:)`` has answered. Nil if
  /// the plan is new, or a skeleton would not help.
  func skeleton(of request: Request) -> BodySkeleton? {
    guard case .listed(let tensors) = numbers, let body, body.file == nil, !body.answersSafetensors else { return nil }
    return BodySkeleton(endpoint, request.body, body.document, tensors, plan, stored)
  }
}

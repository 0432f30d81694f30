import AutogradCore
import AutogradFormats
import AutogradHTTP

/// `POST /v1/evaluate`, `jvp`, `jacobian`, `hessian` and `hvp`: outputs, and derivatives of one kind.
struct DifferentialHandler: Sendable {
  let limits: Limits
  /// Plans of earlier requests; nil plans each request anew.
  var plans: PlanCache?
  let scratch: ScratchPool
  private let skeletons = RecentSkeletons()

  /// A plan of more work than this leaves the socket thread: waking another costs 50 to 80 µs. In elementary
  /// operations, an instruction itself being worth 25.
  ///
  /// Measured on one core at 2.7 GHz: 200,000 operations take 17 µs in a matrix product, 55 µs as products of elements,
  /// 0.7 ms as tanh, 0.9 ms as lgamma; and an instruction takes 23 ns however few elements it has, so that chains of
  /// scalars count by their instructions.
  static let inlineWork = 200_000
  static let instructionWork = 25
  /// Nor may it take more memory there, or write more: some hundred microseconds.
  static let largestInlineRun = 1 << 20
  static let largestInlineAnswer = 64 << 10
  /// Nanoseconds that a graph may be built and planned for on a socket's thread. What takes longer is begun anew on the
  /// compute pool.
  private static let longestStep: Int64 = 1_000_000
  /// Of a text that is longer, a hundred nodes or so, that is known before.
  private static let longestInlineText = 8 << 10
  /// Nanoseconds that it takes, at least, to plan what is too large to be planned on a socket's thread.
  private static let costOfPlanning: Int64 = 20_000_000

  init(limits: Limits, plans: PlanCache? = nil, scratch: ScratchPool = ScratchPool()) {
    self.limits = limits
    self.plans = plans
    self.scratch = scratch
  }

  func reply(to request: Request, _ endpoint: Endpoint) -> Reply {
    if let plans, let reply = recalledReply(to: request, endpoint, plans) { return reply }
    do throws(FormatError) {
      let body = try ParsedBody(request, limits)
      guard let plans else { return plan(Planning(endpoint: endpoint, body: body, cache: "off"), request) }
      let scratch = scratch.take()
      guard RequestOutline.write(endpoint, body, limits, to: scratch) else {
        self.scratch.give(scratch)
        return plan(Planning(endpoint: endpoint, body: body), request)
      }
      switch plans.find(scratch.key.bytes, for: request.tenant) {
      case .plan(let plan): return reply(RepeatedComputation(plan, body, scratch), request, endpoint)
      case .nobody(let making):
        return plan(Planning(endpoint: endpoint, body: body, making: making, outline: scratch), request)
      case .others: return plan(Planning(endpoint: endpoint, body: body, outline: scratch), request)
      case .somebody(let flight):
        self.scratch.park(scratch)
        let held = body.byteCount + scratch.key.capacity
        return .after(flight, Work(heldByteCount: held) { follow(body, scratch, request.on($0), endpoint, plans) })
      }
    } catch {
      return .now(error.response(requestID: request.id))
    }
  }

  /// What a plan is to be made of, and for whom beside the request.
  private struct Planning {
    let endpoint: Endpoint
    let body: ParsedBody
    var cache: StaticString = "miss"
    /// Those who wait for the same plan go on when this ends, or is gone.
    var making: PlanInMaking?
    /// Holds the key that the plan will be found under.
    var outline: RequestScratch?
  }

  /// Plans, in a step on a socket's thread, and where that is not enough on the compute pool.
  private func plan(_ planning: Planning, _ request: Request) -> Reply {
    if request.interruption == nil, planning.body.textByteCount > DifferentialHandler.longestInlineText {
      return planLater(planning, request)
    }
    let step = request.interruption ?? Interruption(after: DifferentialHandler.longestStep)
    do throws(FormatError) {
      let computation = try Computation(
        planning.endpoint, planning.body.on(step, request.interruption == nil ? nil : request.memory), limits)
      if let outline = planning.outline {
        plans?.insert(computation.plan, for: outline.key.bytes)
        scratch.give(outline)
      }
      planning.making?.end()
      return reply(computation, request, planning.cache)
    } catch {
      guard request.interruption == nil, step.isInterrupted else {
        planning.making?.end()
        return .now(error.response(requestID: request.id))
      }
      return planLater(planning, request)
    }
  }

  private func planLater(_ planning: Planning, _ request: Request) -> Reply {
    if let outline = planning.outline { scratch.park(outline) }
    let held = planning.body.byteCount + (planning.outline?.key.capacity ?? 0)
    return .later(
      Work(cost: DifferentialHandler.costOfPlanning, heldByteCount: held) { plan(planning, request.on($0)) })
  }

  /// For a body that differs from that of a late request in its numbers only.
  private func recalledReply(to request: Request, _ endpoint: Endpoint, _ plans: PlanCache) -> Reply? {
    var clock = PhaseClock()
    for skeleton in skeletons.all where skeleton.endpoint == endpoint && skeleton.begins(request.body) {
      if MediaTypes.isSafetensors(request.contentType) || MediaTypes.answersSafetensors(request) { return nil }
      guard skeleton.plan.isBrief else {
        guard let numbers = skeleton.numbers(of: request.body) else { continue }
        clock.mark(.read)
        countRecall(plans)
        return skeleton.plan.later(holding: numbers.blockByteCount) { [clock] in
          let scratch = self.scratch.take()
          skeleton.place(numbers, in: scratch.block(of: skeleton.plan.layout.byteCount))
          return reply(skeleton, scratch, clock, request.on($0))
        }
      }
      let scratch = scratch.take()
      guard skeleton.read(request.body, into: scratch.block(of: skeleton.plan.layout.byteCount)) else {
        self.scratch.give(scratch)
        continue
      }
      clock.mark(.read)
      countRecall(plans)
      return reply(skeleton, scratch, clock, request)
    }
    return nil
  }

  private func countRecall(_ plans: PlanCache) {
    plans.counters.hits.add(1)
    plans.counters.recalled.add(1)
  }

  private func reply(_ skeleton: BodySkeleton, _ scratch: RequestScratch, _ clock: PhaseClock, _ request: Request)
    -> Reply
  {
    var clock = clock
    let block = scratch.block(of: skeleton.plan.layout.byteCount)
    let answer: ByteBuffer
    do throws(GraphError) {
      try skeleton.plan.run(in: block, request.interruption)
      clock.mark(.run)
      answer = try skeleton.plan.answer(from: block, scratch, request.interruption)
    } catch {
      self.scratch.give(scratch)
      return replyInFull(to: request, skeleton.endpoint)
    }
    let response = clock.respond(skeleton.plan, answer, skeleton.graphDigest, "hit")
    self.scratch.give(scratch)
    return .now(consume response)
  }

  /// After somebody else has planned the graph, or failed to: then this request finds out by itself what is wrong with
  /// it.
  private func follow(
    _ body: ParsedBody, _ scratch: RequestScratch, _ request: Request, _ endpoint: Endpoint, _ plans: PlanCache
  ) -> Reply {
    var body = body
    body.clock.mark(.wait)
    if let plan = plans.plan(for: scratch.key.bytes) {
      return reply(RepeatedComputation(plan, body, scratch), request, endpoint)
    }
    self.scratch.give(scratch)
    let planning = Planning(endpoint: endpoint, body: body)
    return .later(Work(cost: DifferentialHandler.costOfPlanning) { plan(planning, request.on($0)) })
  }

  private func reply(_ computation: Computation, _ request: Request, _ cache: StaticString) -> Reply {
    if computation.plan.isBrief { return .now(respond(computation, request, cache)) }
    return computation.plan.later(holding: computation.byteCount) { .now(respond(computation, request.on($0), cache)) }
  }

  private func reply(_ computation: RepeatedComputation, _ request: Request, _ endpoint: Endpoint) -> Reply {
    if computation.plan.isBrief { return run(computation, request, endpoint) }
    scratch.park(computation.scratch)
    return computation.plan.later(holding: computation.byteCount) {
      scratch.unpark(computation.scratch)
      return run(computation, request.on($0), endpoint)
    }
  }

  private func respond(_ computation: Computation, _ request: Request, _ cache: StaticString) -> Response {
    let scratch = scratch.take()
    defer { self.scratch.give(scratch) }
    do throws(FormatError) {
      return try computation.run(scratch, request.interruption, cache: cache)
    } catch {
      return error.response(requestID: request.id)
    }
  }

  private func run(_ computation: RepeatedComputation, _ request: Request, _ endpoint: Endpoint) -> Reply {
    let response = computation.run(request.interruption)
    if response != nil, skeletons.wantsMore(), let skeleton = computation.skeleton(of: request, endpoint) {
      skeletons.insert(skeleton)
    }
    scratch.give(computation.scratch)
    return response.map { .now($0) } ?? replyInFull(to: request, endpoint)
  }

  /// What does not go as it did before is answered in full: only there is known what things are called, for the words
  /// of a problem.
  private func replyInFull(to request: Request, _ endpoint: Endpoint) -> Reply {
    plans?.counters.fallbacks.add(1)
    do throws(FormatError) {
      // Then it did not fail, it was ended.
      if request.interruption?.isInterrupted ?? false {
        throw FormatError(.deadlineExceeded, "the client is gone, or the deadline has passed")
      }
      return plan(Planning(endpoint: endpoint, body: try ParsedBody(request, limits)), request)
    } catch {
      return .now(error.response(requestID: request.id))
    }
  }
}

extension PreparedPlan {
  private var work: Int {
    let (work, overflow) = plan.work.addingReportingOverflow(
      plan.instructions.count * DifferentialHandler.instructionWork)
    return overflow ? .max : work
  }

  /// Whether it may run on a socket thread, which reserves nothing before.
  fileprivate var isBrief: Bool {
    work <= DifferentialHandler.inlineWork && answerByteCount <= DifferentialHandler.largestInlineAnswer
      && peakByteCount <= DifferentialHandler.largestInlineRun
  }

  fileprivate func later(holding held: Int, _ body: @escaping @Sendable (Interruption) -> Reply) -> Reply {
    // An operation takes a third of a nanosecond, or more; a byte of the answer a nanosecond.
    let cost = Size.sum(work / 3, answerByteCount)
    return .later(Work(cost: Int64(cost), byteCount: peakByteCount, heldByteCount: held, run: body))
  }
}

extension Request {
  /// On the compute pool.
  fileprivate func on(_ interruption: Interruption) -> Request {
    var request = self
    request.interruption = interruption
    return request
  }
}

/// A request for which everything is made: checked, built, differentiated, planned and admitted, it is ready to run.
///
/// `@unchecked Sendable`: it is made on one thread and run once on another; nothing else holds its builder.
final class Computation: @unchecked Sendable {
  let plan: PreparedPlan
  private let body: ParsedBody
  private let request: DifferentialRequest
  @exclusivity(unchecked) private var clock: PhaseClock

  /// Memory that it holds, about, until it has run.
  var byteCount: Int { body.byteCount + request.graph.builder.columns.nodeCount * Limits.planningBytesPerNode }

  init(_ endpoint: Endpoint = .evaluate, _ body: ParsedBody, _ limits: Limits) throws(FormatError) {
    self.body = body
    clock = body.clock
    request = try DifferentialRequest(endpoint, body, limits: limits)
    clock.mark(.read)
    do throws(GraphError) {
      plan = try PreparedPlan(request, answersSafetensors: body.answersSafetensors)
    } catch {
      throw request.graph.problem(error)
    }
    let isMatrix = endpoint == .hessian || endpoint == .jacobian
    try Admission.check(
      plan.plan, limits,
      advice: isMatrix && request.graph.batch == nil
        ? "; for independent examples, batch gives one small matrix for each" : "")
    clock.mark(.plan)
  }

  /// Runs the plan and writes the answer.
  func run(_ scratch: RequestScratch, _ interruption: Interruption?, cache: StaticString) throws(FormatError)
    -> Response
  {
    clock.mark(.wait)
    let block = scratch.block(of: plan.layout.byteCountWithoutInputs)
    let answer: ByteBuffer
    do throws(GraphError) {
      try plan.run(in: block, interruption, inputs: request.tensors)
      clock.mark(.run)
      answer = try plan.answer(from: block, scratch, interruption)
    } catch {
      throw request.graph.problem(error)
    }
    // The values of the body are read up to here.
    return withExtendedLifetime(body) {
      clock.respond(plan, answer, GraphDigest.text(request.graphText), cache)
    }
  }
}

/// A request whose plan is known from an earlier one: its numbers are read straight into the plan's memory.
///
/// `@unchecked Sendable`: it is made on one thread and run once on another.
final class RepeatedComputation: @unchecked Sendable {
  let plan: PreparedPlan
  let scratch: RequestScratch
  private let body: ParsedBody
  @exclusivity(unchecked) private var clock: PhaseClock

  init(_ plan: PreparedPlan, _ body: ParsedBody, _ scratch: RequestScratch) {
    self.plan = plan
    self.scratch = scratch
    self.body = body
    clock = body.clock
  }

  /// Memory that it holds, about, until it has run.
  var byteCount: Int { body.byteCount + scratch.key.capacity }

  /// - Returns: nil where something is wrong with the numbers.
  func run(_ interruption: Interruption?) -> Response? {
    let block = scratch.block(of: plan.layout.byteCount)
    let decoder = TensorDecoder(document: body.document)
    let types = plan.plan.inputTypes
    let answer: ByteBuffer
    do {
      for index in plan.sources.indices {
        try decoder.read(scratch.tensors[plan.sources[index]], types[index], into: block + plan.layout.inputs[index])
      }
      clock.mark(.read)
      try plan.run(in: block, interruption)
      clock.mark(.run)
      answer = try plan.answer(from: block, scratch, interruption)
    } catch {
      return nil
    }
    return withExtendedLifetime(body) {
      let graph = body.document.root["graph"]?.text ?? UnsafeRawBufferPointer(start: nil, count: 0)
      return clock.respond(plan, answer, GraphDigest.text(graph), "hit")
    }
  }

  /// For the next request that differs in its numbers only; after ``run()`` has answered.
  func skeleton(of request: Request, _ endpoint: Endpoint) -> BodySkeleton? {
    guard body.file == nil, !body.answersSafetensors else { return nil }
    return BodySkeleton(endpoint, request.body, body.document, scratch.tensors, plan)
  }
}

extension PhaseClock {
  /// The last phase ends with the answer written.
  fileprivate mutating func respond(
    _ plan: PreparedPlan, _ body: ByteBuffer, _ digest: String, _ cache: StaticString
  ) -> Response {
    mark(.write)
    return Response(
      contentType: plan.contentType,
      headers: [("X-Graph-Digest", digest), ("Server-Timing", header(cache: cache))], body: body,
      observation: Observation(phases: totals, graphDigest: digest))
  }
}

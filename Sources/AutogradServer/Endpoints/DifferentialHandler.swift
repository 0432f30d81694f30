import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// `POST /v1/evaluate`, `jvp`, `jacobian`, `hessian` and `hvp`: outputs, and derivatives of one kind.
struct DifferentialHandler: Sendable {
  let limits: Limits
  /// Plans of earlier requests; nil turns the cache off.
  var plans: PlanCache?
  let memory: RunMemoryPool
  private let skeletons = RecentSkeletons()

  /// A plan with more ``PreparedPlan/work`` than this runs on the compute pool. Waking another thread costs 50 to 80
  /// µs.
  ///
  /// Measured on one core at 2.7 GHz: 200,000 operations take 17 µs in a matrix product, 55 µs as products of elements,
  /// 0.7 ms as tanh, 0.9 ms as lgamma.
  static let inlineWork = 200_000
  /// A run on a socket thread may not use more memory than this, nor write more: some hundred microseconds.
  static let largestInlineRun = 1 << 20
  static let largestInlineAnswer = 64 << 10
  /// Nanoseconds that building and planning a graph may take on a socket thread. If it takes longer, the compute pool
  /// starts from the beginning.
  private static let longestStep: Int64 = 1_000_000
  /// Longer texts, from about a hundred nodes on, go to the compute pool without trying.
  private static let longestInlineText = 8 << 10
  /// Minimum time, in nanoseconds, to plan a graph that is too large for a socket thread.
  private static let costOfPlanning: Int64 = 20_000_000

  init(limits: Limits, plans: PlanCache? = nil, memory: RunMemoryPool = RunMemoryPool()) {
    self.limits = limits
    self.plans = plans
    self.memory = memory
  }

  /// - Parameter stored: the graph that the path names; nil for a request that has one.
  func reply(to request: Request, _ endpoint: Endpoint, _ stored: StoredGraph? = nil) -> Reply {
    if let plans, let reply = recalledReply(to: request, endpoint, stored, plans) { return reply }
    do throws(FormatError) {
      let body = try ParsedBody(request, limits, stored)
      guard let plans else { return plan(Planning(endpoint: endpoint, body: body, cache: "off"), request) }
      guard let key = PlanKey(endpoint, body, limits) else {
        return plan(Planning(endpoint: endpoint, body: body), request)
      }
      switch plans.find(key.bytes, for: request.tenant) {
      case .plan(let plan): return run(Evaluation(endpoint, plan, body, key), request)
      case .nobody(let making):
        return plan(Planning(endpoint: endpoint, body: body, making: making, key: key), request)
      case .others: return plan(Planning(endpoint: endpoint, body: body, key: key), request)
      case .somebody(let flight):
        return .after(
          flight,
          Work(heldByteCount: body.byteCount + key.byteCount) { follow(body, key, request.on($0), endpoint, plans) })
      }
    } catch {
      return refuse(error, stored, request)
    }
  }

  private func refuse(_ error: FormatError, _ stored: StoredGraph?, _ request: Request) -> Reply {
    .now(Problem(error, of: stored, in: request).response(requestID: request.id))
  }

  // MARK: Plans

  /// What a plan is made from, and who else waits for it.
  private struct Planning {
    let endpoint: Endpoint
    let body: ParsedBody
    var cache: StaticString = "miss"
    /// Requests that wait for the same plan continue when this ends or is released.
    var making: PlanInMaking?
    /// The key under which the plan is stored.
    var key: PlanKey?
  }

  /// Plans in one step on a socket thread; if that takes too long, on the compute pool.
  private func plan(_ planning: Planning, _ request: Request) -> Reply {
    if request.interruption == nil, planning.body.textByteCount > DifferentialHandler.longestInlineText {
      return planLater(planning, request)
    }
    let step = request.interruption ?? Interruption(after: DifferentialHandler.longestStep)
    do throws(FormatError) {
      let body = planning.body.on(step, request.interruption == nil ? nil : request.memory)
      let evaluation = try Evaluation(
        planning: planning.endpoint, body, limits, cache: planning.cache, isInline: request.interruption == nil)
      if let key = planning.key { plans?.insert(evaluation.plan, for: key.bytes) }
      planning.making?.end()
      return run(evaluation, request)
    } catch {
      guard request.interruption == nil, step.isInterrupted else {
        planning.making?.end()
        return refuse(error, planning.body.stored, request)
      }
      return planLater(planning, request)
    }
  }

  private func planLater(_ planning: Planning, _ request: Request) -> Reply {
    let held = planning.body.byteCount + (planning.key?.byteCount ?? 0)
    return .later(
      Work(cost: DifferentialHandler.costOfPlanning, heldByteCount: held) { plan(planning, request.on($0)) })
  }

  /// Continues after another request has made the plan. If that failed, this request plans too, and gets its own error.
  private func follow(
    _ body: ParsedBody, _ key: PlanKey, _ request: Request, _ endpoint: Endpoint, _ plans: PlanCache
  ) -> Reply {
    var body = body
    body.clock.mark(.wait)
    if let plan = plans.plan(for: key.bytes) { return run(Evaluation(endpoint, plan, body, key), request) }
    let planning = Planning(endpoint: endpoint, body: body)
    return .later(Work(cost: DifferentialHandler.costOfPlanning) { plan(planning, request.on($0)) })
  }

  // MARK: Runs

  /// Answers a body that differs from a recent one only in its numbers.
  private func recalledReply(
    to request: Request, _ endpoint: Endpoint, _ stored: StoredGraph?, _ plans: PlanCache
  ) -> Reply? {
    var clock = PhaseClock()
    for skeleton in skeletons.all
    where skeleton.endpoint == endpoint && skeleton.begins(request.body) && skeleton.isFor(stored) {
      if MediaTypes.isSafetensors(request.contentType) || MediaTypes.answersSafetensors(request) { return nil }
      guard skeleton.plan.isBrief, skeleton.plan.isReady(for: stored) else {
        guard let numbers = skeleton.numbers(of: request.body) else { continue }
        clock.mark(.read)
        plans.counters.countRecall()
        return run(Evaluation(skeleton, .packed(skeleton, numbers), stored, clock), request)
      }
      let memory = memory.lease()
      guard skeleton.read(request.body, into: memory.block(of: skeleton.plan.layout.byteCount)) else { continue }
      clock.mark(.read)
      plans.counters.countRecall()
      return run(Evaluation(skeleton, .placed, stored, clock), request, in: memory)
    }
    return nil
  }

  /// Runs brief plans at once and leaves the others to the compute pool.
  private func run(_ evaluation: Evaluation, _ request: Request) -> Reply {
    if evaluation.isBrief { return run(evaluation, request, in: memory.lease()) }
    let work = evaluation.work
    return .later(
      Work(cost: work.cost, byteCount: work.byteCount, heldByteCount: evaluation.byteCount) {
        // The memory of a stream is kept until its client has it all.
        let most = evaluation.plan.isStreamed ? Size.product(evaluation.blockByteCount, 2) : .max
        return run(evaluation, request.on($0), in: memory.lease(atMost: most))
      })
  }

  private func run(_ evaluation: Evaluation, _ request: Request, in memory: consuming RunMemory.Lease) -> Reply {
    do throws(FormatError) {
      guard let response = try evaluation.run(in: memory, request.interruption) else {
        return replyInFull(to: request, evaluation.endpoint, evaluation.stored)
      }
      if evaluation.isListed, evaluation.plan.mayHaveSkeleton, skeletons.wantsMore() {
        if let skeleton = evaluation.skeleton(of: request) {
          skeletons.insert(skeleton)
        } else {
          evaluation.plan.countFailedSkeleton()
        }
      }
      return .now(response)
    } catch {
      return refuse(error, evaluation.stored, request)
    }
  }

  /// Starts again without the cache after a run failed: only the full path knows the names for the error.
  private func replyInFull(to request: Request, _ endpoint: Endpoint, _ stored: StoredGraph?) -> Reply {
    plans?.counters.fallbacks.add(1)
    do throws(FormatError) {
      // It did not fail; it was interrupted.
      if request.interruption?.isInterrupted ?? false {
        throw FormatError(.deadlineExceeded, "the client is gone, or the deadline has passed")
      }
      return plan(Planning(endpoint: endpoint, body: try ParsedBody(request, limits, stored)), request)
    } catch {
      return refuse(error, stored, request)
    }
  }
}

extension PreparedPlan {
  /// Whether it may run on a socket thread, where no memory is reserved.
  var isBrief: Bool {
    work <= DifferentialHandler.inlineWork && answerByteCount <= DifferentialHandler.largestInlineAnswer
      && peakByteCount <= DifferentialHandler.largestInlineRun
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

import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// `POST /v1/check`: gradients compared with difference quotients, and the first value that is not finite.
struct CheckHandler: Sendable {
  let limits: Limits

  /// - Parameter stored: the graph that the path names; nil for a request that has one.
  func reply(to request: Request, _ stored: StoredGraph? = nil) -> Reply {
    do throws(FormatError) {
      let check = try CheckRequest(try ParsedBody(request, limits, stored), limits)
      return .later(
        Work(cost: Int64(check.work / 3), byteCount: check.byteCount) { interruption in
          do throws(FormatError) {
            return .now(Response(headers: stored?.headers ?? [], body: try check.run(interruption)))
          } catch {
            return .now(Problem(error, of: stored, in: request).response(requestID: request.id))
          }
        })
    } catch {
      return .now(Problem(error, of: stored, in: request).response(requestID: request.id))
    }
  }
}

/// One check, planned and within the limits. Everything is computed in float64, whatever the request's dtypes, because
/// differences need the precision.
///
/// `@unchecked Sendable`: it is made on one thread and run once on another; nothing else holds its builder.
final class CheckRequest: @unchecked Sendable {
  private let body: ParsedBody
  private let request: DifferentialRequest
  private let inputs: [Tensor]
  private let check: GradientCheck
  /// The floating results of all nodes that are needed, to find the first that is not finite.
  private let trace: Plan
  private let traced: [(node: Int, name: SourceName)]
  /// The inputs that are checked.
  private let names: [SourceName]
  private let shapes: [Shape]
  /// Elementary operations, and bytes of memory, that it takes.
  let work: Int
  let byteCount: Int

  init(_ body: ParsedBody, _ limits: Limits) throws(FormatError) {
    self.body = body
    request = try DifferentialRequest(.check, body, limits: limits)
    let found: [(node: Int, name: SourceName, value: Value)]
    let graphs: Graphs
    do throws(GraphError) {
      let builder = request.graph.builder
      let needed = try builder.graph(outputs: request.of.map(\.value)).reachableNodes
      found = request.graph.floatingResults.filter { needed[Int(builder.columns.producers[Int($0.value.id)])] }
      graphs = try Graphs(request, found.map(\.value))
    } catch {
      throw request.graph.problem(error)
    }
    traced = found.map { ($0.node, $0.name) }
    names = (request.targets ?? []).map(\.name)
    let tensors = request.tensors.map { $0.dtype == .float32 ? $0.converted(to: .float64) : $0 }
    inputs = tensors
    let positions = CheckRequest.positions(request)
    shapes = positions.map { tensors[$0].shape }
    var check: GradientCheck
    do throws(GraphError) {
      check = try GradientCheck(
        function: graphs.function, derivatives: graphs.derivatives, inputs: tensors, checked: positions,
        interruption: body.interruption)
      trace = try Plan(graphs.trace, interruption: body.interruption)
    } catch {
      throw request.graph.problem(error)
    }
    for plan in check.plans + [trace] { try Admission.check(plan, limits, answers: false) }
    byteCount = max(check.peakByteCount, trace.peakByteCount)
    let overflow: Bool
    (work, overflow) = check.work.multipliedReportingOverflow(by: check.evaluations)
    if overflow || work > limits.planWork {
      throw FormatError(
        .planWork,
        "the check takes \(check.evaluations) evaluations of the graph, in all more than \(limits.planWork) elementary "
          + "operations",
        at: "/graph", most: limits.planWork, value: overflow ? Int.max : work)
    }
    check.tolerance = request.check.tolerance
    check.step = request.check.step
    check.closerLooks = (limits.planWork - work) / max(check.work, 1)
    self.check = check
  }

  func run(_ interruption: Interruption) throws(FormatError) -> ByteBuffer {
    do throws(GraphError) {
      let reports = try check.run(interruption)
      let checked = zip(zip(names, shapes), reports).map { (name: $0.0, shape: $0.1, report: $1) }
      let json = CheckAnswer(inputs: checked, nonfinite: try firstNonfinite(interruption)).text()
      request.warnings.append(to: json)
      json.append("}\n")
      return json
    } catch {
      throw request.graph.problem(error)
    }
  }

  /// The first value, in the order of the nodes, that is NaN or infinite.
  private func firstNonfinite(_ interruption: Interruption) throws(GraphError) -> CheckAnswer.Nonfinite? {
    for (result, (node, name)) in zip(try trace.run(inputs, interruption: interruption), traced) {
      if let fault = Finiteness.firstFault(in: result) { return (node, name, result.shape.index(of: fault.position)) }
    }
    return nil
  }

  /// Which of the plan's inputs are checked. Each is looked up by its number, so the time is linear in their count.
  private static func positions(_ request: DifferentialRequest) -> [Int] {
    var positions: [ValueID: Int] = [:]
    for (position, input) in request.graph.inputs.enumerated() { positions[input.value.id] = position }
    return (request.targets ?? []).compactMap { positions[$0.value.id] }
  }
}

/// The graphs that are evaluated, all in float64. The graph is widened before it is differentiated, because derivatives
/// for float32 contain constants rounded to float32.
private struct Graphs {
  /// The cotangent-weighted sum of what is differentiated.
  var function: Graph
  /// The gradients, the sum of the magnitudes of the function's terms, and the sum of the rounding errors of all
  /// results.
  var derivatives: Graph
  /// The results of nodes.
  var trace: Graph

  init(_ request: DifferentialRequest, _ results: [Value]) throws(GraphError) {
    let targets = request.targets ?? []
    let (builder, moved) = try Graphs.widened(request, results)
    let seeds = request.seeds.map { (value: moved($0.value), cotangent: moved($0.cotangent)) }
    let parts = try GradientCheck.Parts(of: seeds, withRespectTo: targets.map { moved($0.value) }, builder)
    var values: [(value: Value, isSum: Bool)] = zip(targets, parts.gradients).map { target, gradient in
      (gradient, request.graph.batch.map { !$0.contains(target.name) } ?? false)
    }
    values += [(parts.size, true), (parts.rounding, true), (parts.total, true)]
    values += results.map { (moved($0), false) }
    let run = request.graph.batch?.run(values, builder, moved: moved) ?? values.map(\.value)
    let last = targets.count + 2
    function = try builder.graph(outputs: [run[last]])
    derivatives = try builder.graph(outputs: Array(run[..<last]))
    trace = try builder.graph(outputs: Array(run[(last + 1)...]))
  }

  /// The request's graph in a builder of its own, and where its values are there.
  private static func widened(
    _ request: DifferentialRequest, _ results: [Value]
  ) throws(GraphError) -> (builder: GraphBuilder, moved: (Value) -> Value) {
    let narrow = request.graph.builder
    var needed = request.seeds.flatMap { [$0.value, $0.cotangent] } + results
    needed += (request.targets ?? []).map(\.value) + (request.graph.batch?.pairs ?? []).map(\.value)
    let builder = GraphBuilder()
    builder.interruption = narrow.interruption
    builder.reserveNodes = narrow.reserveNodes
    builder.maximumNodes = narrow.maximumNodes
    builder.maximumElements = narrow.maximumElements
    builder.maximumRank = narrow.maximumRank
    let values = try narrow.graph(outputs: needed).widened(into: builder)
    return (builder, { values[Int($0.id)] ?? $0 })
  }
}

extension Shape {
  /// The index of an element by its row-major position.
  func index(of position: Int) -> [Int] {
    var rest = position
    var index = [Int](repeating: 0, count: rank)
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      index[axis] = rest % self[axis]
      rest /= self[axis]
    }
    return index
  }
}

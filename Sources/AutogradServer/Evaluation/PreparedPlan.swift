import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP
import Synchronization

/// A computation without its numbers: the plan, where its inputs come from, and the text of its answer. Any number of
/// requests may use it at a time.
final class PreparedPlan: Sendable {
  let plan: Plan
  let layout: RunLayout
  /// Inputs of the plan that requests give: which of their tensors, in the order of ``PlanKey``, each one is.
  let sources: [(input: Int, tensor: Int)]
  /// Inputs whose data the plan has itself: defaults, and constants of formulas.
  private let fixed: [InputElsewhere]
  /// Inputs whose data are in the stored graph, and which of its tensors they are. The plan does not hold the graph, so
  /// that a graph that is deleted takes no memory.
  private let stored: [(input: Int, tensor: Int)]
  /// What is computed once for the stored graph; its results are the plan's last inputs.
  let prelude: StoredPrelude?
  let template: AnswerTemplate
  /// Those of the answer's tensors that may hold NaN or infinity. Nothing in it is counted by reference, because every
  /// request reads it, on all threads.
  private let floats: [FloatingData]

  /// How often no skeleton could be made of a request: one with constants has none, and trying costs as much as a run.
  private let failedSkeletons = Atomic<Int>(0)
  var mayHaveSkeleton: Bool { failedSkeletons.load(ordering: .relaxed) < 4 }
  func countFailedSkeleton() { failedSkeletons.add(1, ordering: .relaxed) }

  /// - Parameters:
  ///   - isInline: whether this is a socket thread.
  ///   - memory: reserves memory that planning needs.
  init(
    _ request: DifferentialRequest, _ limits: Limits, answersSafetensors: Bool, isInline: Bool,
    memory: (any WorkMemory)?
  ) throws(GraphError) {
    let sections = request.sections()
    let builder = request.graph.builder
    var graph = try builder.graph(outputs: sections.flatMap(\.values))
    let sources = request.sources
    var prelude: StoredPrelude?
    if let stored = request.graph.stored, request.graph.isUsedAsStored, !request.isDiagnosed {
      let divided = try StoredPrelude.divide(
        graph, sources, of: stored, limits, builder.interruption, isInline: isInline
      ) { memory?.reserveMore($0) ?? true }
      if let divided { (prelude, graph) = (divided.0, divided.rest) }
    }
    self.prelude = prelude
    plan = try Plan(graph, interruption: builder.interruption)
    layout = plan.runLayout { input in
      guard sources.indices.contains(input), case .request = sources[input] else { return true }
      return false
    }
    self.sources = request.sources.enumerated().compactMap { input, source in
      if case .request(let tensor) = source { (input, tensor) } else { nil }
    }
    fixed = zip(request.sources, request.tensors).enumerated().compactMap { input, entry in
      if case .plan = entry.0 { (input, entry.1) } else { nil }
    }
    stored = sources.enumerated().compactMap { input, source in
      if case .stored(let tensor) = source { (input, tensor) } else { nil }
    }
    template =
      answersSafetensors
      ? .safetensors(sections, plan, request.warnings) : AnswerTemplate(sections, plan, request.form, request.warnings)
    floats = template.fields.enumerated().filter { $1.type.dtype.isFloating }.map { [layout] index, field in
      FloatingData(
        field: index, dtype: field.type.dtype, start: layout.results[field.result], count: field.type.elementCount)
    }
  }

  /// Approximate size in bytes.
  var byteCount: Int {
    let fixed = fixed.reduce(0) { $0 + $1.tensor.type.byteCount }
    return plan.byteCount + template.byteCount + (sources.count + plan.outputs.count) * 64 + fixed
  }

  /// The inputs that no request gives.
  private func elsewhere(
    _ graph: StoredGraph?, _ interruption: Interruption? = nil
  ) throws(GraphError) -> [InputElsewhere] {
    guard let graph, !stored.isEmpty else { return fixed }
    let given = fixed + stored.map { ($0.input, graph.tensors[$0.tensor]) }
    guard let prelude else { return given }
    let first = plan.inputTypes.count
    let derived = try prelude.results(for: graph, interruption)
    return given + derived.enumerated().map { (first - derived.count + $0, $1) }
  }

  /// Whether a run computes nothing that only the graph determines.
  func isReady(for graph: StoredGraph?) -> Bool {
    guard let prelude, let graph else { return true }
    return prelude.isDone(for: graph)
  }

  /// What a run takes before its own if it is not ready: time in elementary operations, and memory.
  func preparation(for graph: StoredGraph?) -> (work: Int, byteCount: Int) {
    guard let prelude, !isReady(for: graph) else { return (0, 0) }
    return (prelude.work, prelude.peakByteCount)
  }

  var contentType: String { template.contentType }

  /// In elementary operations; each instruction counts as ``instructionWork`` more.
  var work: Int {
    let (work, overflow) = plan.work.addingReportingOverflow(plan.instructions.count * PreparedPlan.instructionWork)
    return overflow ? .max : work
  }

  /// Measured on one core at 2.7 GHz: an instruction takes 23 ns however few elements it has, so that chains of scalars
  /// count by their instructions.
  private static let instructionWork = 25

  /// Runs in a block that the inputs have been written to.
  /// - Parameters:
  ///   - inputs: nil if they are in the block.
  ///   - graph: the stored graph of the request, which has the bytes of the one that the plan was made for.
  func run(
    in block: UnsafeMutableRawPointer, _ interruption: Interruption?, inputs: [Tensor]? = nil, of graph: StoredGraph?
  ) throws(GraphError) {
    var inputs = inputs
    if inputs != nil, let prelude, let graph { inputs? += try prelude.results(for: graph, interruption) }
    let elsewhere = inputs == nil ? try elsewhere(graph, interruption) : []
    try plan.run(in: block, layout, inputs: inputs, elsewhere: elsewhere, interruption: interruption)
  }

  /// Whether the answer is written while it is sent.
  var isStreamed: Bool { answerByteCount > AnswerStream.threshold }

  /// Memory that a run and its answer take, about.
  var peakByteCount: Int {
    let writing = isStreamed ? AnswerStream.piecesByteCount : template.answerByteCount
    return Size.sum(max(plan.peakByteCount, RunMemory.least), writing)
  }

  var answerByteCount: Int { template.answerByteCount }

  /// The answer of a run in a block of memory. A small answer is written into the draft and then copied. Its maximum
  /// size is several times its actual size, and larger than what malloc caches for each thread.
  /// - Throws: `interrupted`, because writing many numbers can take longer than computing them.
  func answer(
    from block: UnsafeMutableRawPointer, _ found: [DifferentialRequest.Warning], draft: ByteBuffer,
    _ interruption: Interruption?
  ) throws(GraphError) -> ByteBuffer {
    let isSmall = answerByteCount <= PreparedPlan.largestDraft
    let answer = isSmall ? draft : ByteBuffer(capacity: answerByteCount)
    if isSmall { answer.removeAll() }
    var progress = AnswerTemplate.Progress()
    try template.write(&progress, to: answer, until: .max, from: block, layout.results, found, interruption)
    if !isSmall { return answer }
    let copy = ByteBuffer(capacity: answer.count)
    copy.append(answer)
    return copy
  }

  private static let largestDraft = 16 << 10

  /// Whether all results of the answer are finite.
  func isFinite(in block: UnsafeRawPointer) -> Bool {
    for index in floats.indices where !Finiteness.holds(floats[index], in: block) { return false }
    return true
  }

  /// Warnings for results that are not finite although all inputs are. A client that sends NaN or infinity needs no
  /// warning.
  /// - Parameter always: whether to warn even if inputs are not finite.
  func notFinite(
    in block: UnsafeRawPointer, _ inputs: [Tensor]?, of graph: StoredGraph?, always: Bool
  ) -> [DifferentialRequest.Warning] {
    if !always && !areFinite(inputs, block, graph) { return [] }
    return floats.filter { !Finiteness.holds($0, in: block) }.prefix(DifferentialRequest.mostShown).map {
      .notFinite(at: template.pointers[$0.field], isDiagnosed: always)
    }
  }

  /// Whether all inputs are finite. What was computed from the stored graph's tensors is none.
  private func areFinite(_ inputs: [Tensor]?, _ block: UnsafeRawPointer, _ graph: StoredGraph?) -> Bool {
    let given = inputs ?? (fixed.map(\.tensor) + stored.compactMap { graph?.tensors[$0.tensor] })
    let areFinite = given.allSatisfy { tensor in
      tensor.withUnsafeBytes { bytes in
        bytes.baseAddress.map { Finiteness.holds(tensor.dtype, $0, tensor.elementCount) } ?? true
      }
    }
    guard areFinite, inputs == nil else { return areFinite }
    return sources.allSatisfy { source in
      let type = plan.inputTypes[source.input]
      return Finiteness.holds(type.dtype, block + layout.inputs[source.input], type.elementCount)
    }
  }
}

import AutogradCore
import AutogradFormats

/// Everything of a computation but its numbers: what is run, where its inputs come from, and the text of its answer.
/// One serves any number of requests at a time.
final class PreparedPlan: Sendable {
  let plan: Plan
  let layout: RunLayout
  /// For each input of the plan, which of the request's tensors it is, in the order of ``RequestOutline``.
  let sources: [Int]
  private let template: AnswerTemplate

  init(_ request: DifferentialRequest, answersSafetensors: Bool) throws(GraphError) {
    let sections = request.sections()
    let builder = request.graph.builder
    plan = try Plan(try builder.graph(outputs: sections.flatMap(\.values)), interruption: builder.interruption)
    layout = plan.runLayout
    sources = request.sources
    template =
      answersSafetensors
      ? .safetensors(sections, plan, request.warnings) : AnswerTemplate(sections, plan, request.form, request.warnings)
  }

  /// Bytes that it takes, about.
  var byteCount: Int { plan.byteCount + template.byteCount + (sources.count + plan.outputs.count) * 64 }

  var contentType: String { template.contentType }

  /// Runs in a block of memory where the inputs have been written.
  /// - Parameter inputs: nil where they are in the block.
  func run(in block: UnsafeMutableRawPointer, _ interruption: Interruption?, inputs: [Tensor]? = nil) throws(GraphError)
  {
    try plan.run(in: block, layout, inputs: inputs, interruption: interruption)
  }

  /// Memory that a run and its answer take, about.
  var peakByteCount: Int { Size.sum(plan.peakByteCount, template.answerByteCount) }

  var answerByteCount: Int { template.answerByteCount }

  /// The answer of a run in a block of memory.
  func answer(
    from block: UnsafeMutableRawPointer, _ scratch: RequestScratch, _ interruption: Interruption?
  ) throws(GraphError) -> ByteBuffer {
    try template.answer(draft: scratch.draft, interruption) { UnsafeRawPointer(block + layout.results[$0]) }
  }
}

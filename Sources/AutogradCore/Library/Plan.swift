/// A graph ready to run, any number of times and from any thread: a flat list of instructions and the layout of the
/// workspace that they need.
///
/// Its cost is known before it runs: ``peakByteCount`` and ``work``.
public struct Plan: Sendable {
  package let program: Program

  /// Plans a graph: only what its outputs need becomes instructions.
  /// - Throws: `internal` if a primitive cannot be lowered.
  public init(_ graph: Graph) throws(GraphError) { try self.init(graph, interruption: nil) }

  /// - Throws: also `interrupted`, soon after the interruption has been raised.
  package init(_ graph: Graph, interruption: Interruption?) throws(GraphError) {
    program = try Planner.program(for: graph, interruption)
  }

  public var inputTypes: [TensorType] { program.inputTypes }
  public var outputTypes: [TensorType] { program.outputs.map { program.resultTypes[$0] } }
  /// Types of the distinct result tensors, and for each output the index of its result.
  package var resultTypes: [TensorType] { program.resultTypes }
  package var outputs: [Int] { program.outputs }
  package var instructions: [Instruction] { program.instructions }

  /// Elementary operations: an addition or a product counts as one.
  public var work: Int { program.work }
  /// Bytes in use while it runs, without its inputs: workspace and results.
  public var peakByteCount: Int { workspaceByteCount + resultByteCount }
  /// Bytes of all results.
  public var resultByteCount: Int { program.resultByteCount }
  package var workspaceByteCount: Int { program.workspaceByteCount }
  /// Approximate size of the plan itself in bytes.
  package var byteCount: Int { program.byteCount }
}

extension Plan {
  /// Runs the plan.
  /// - Parameters:
  ///   - inputs: tensors of ``inputTypes``, in that order.
  /// - Returns: tensors of ``outputTypes``.
  /// - Throws: `input_mismatch` if an input has another type; `number_out_of_range` if a cast meets a number that its
  ///   target cannot hold; `index_out_of_range`; `singular_matrix`, `not_positive_definite`; errors of custom
  ///   operations.
  public func run(_ inputs: [Tensor]) throws(GraphError) -> [Tensor] { try program.run(inputs, nil) }

  /// - Throws: also `interrupted`, soon after the interruption has been raised.
  package func run(_ inputs: [Tensor], interruption: Interruption?) throws(GraphError) -> [Tensor] {
    try program.run(inputs, interruption)
  }

  /// - Parameter isElsewhere: whether an input is never in the block of a run.
  package func runLayout(isElsewhere: (Int) -> Bool = { _ in false }) -> RunLayout {
    RunLayout(program, isElsewhere: isElsewhere)
  }

  /// Runs the plan in a block of memory: the results are there afterwards.
  ///
  /// - Parameters:
  ///   - block: aligned to ``Storage/alignment``, of the layout's size, and used by nobody else until this returns.
  ///   - inputs: tensors of ``inputTypes``; nil if the caller has written them into the block.
  ///   - elsewhere: inputs that are not in the block even so.
  ///   - interruption: ends the run early, with the error `interrupted`; the block may hold anything then.
  package func run(
    in block: UnsafeMutableRawPointer, _ layout: RunLayout, inputs: [Tensor]? = nil,
    elsewhere: [InputElsewhere] = [], interruption: Interruption? = nil
  ) throws(GraphError) {
    try program.run(in: block, layout, inputs, elsewhere, interruption)
  }
}

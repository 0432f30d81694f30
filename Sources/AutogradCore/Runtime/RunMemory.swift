/// Where everything that a run of a plan touches lies in one block of memory: the table of base pointers, the workspace, the results, and
/// last the inputs, for callers who have them nowhere else yet. Every part starts on a cache line.
///
/// A block can serve any number of runs, one at a time, of any plans whose layouts it is large enough for. What it holds beforehand does not
/// matter: the plan writes every byte of its results, and of the workspace before it reads it.
package struct RunLayout: Sendable {
  /// Bytes that a run needs whose inputs lie elsewhere.
  package let byteCountWithoutInputs: Int
  package let byteCount: Int
  let workspace: Int
  /// Of each distinct result, in the order of ``Plan/resultTypes``.
  package let results: [Int]
  package let inputs: [Int]

  fileprivate init(_ plan: Plan) {
    var end = 0
    func place(_ byteCount: Int) -> Int {
      defer { end = min(end + (byteCount + Storage.alignment - 1) / Storage.alignment * Storage.alignment, MemoryPlan.beyondAnyLimit) }
      return end
    }
    _ = place(plan.baseCount * MemoryLayout<UnsafeMutableRawPointer>.stride)
    workspace = place(plan.workspaceByteCount)
    results = plan.resultTypes.map { place($0.byteCount) }
    byteCountWithoutInputs = end
    inputs = plan.inputTypes.map { place($0.byteCount) }
    byteCount = end
  }
}

extension Plan {
  package var runLayout: RunLayout { RunLayout(self) }

  /// Runs the plan in a block of memory: the results are there afterwards.
  ///
  /// - Parameters:
  ///   - block: aligned to ``Storage/alignment``, as large as the layout says, and nobody else's until this returns.
  ///   - inputs: tensors of ``inputTypes``; nil where the caller has written them into the block.
  ///   - interruption: ends the run early, with the error `interrupted`; the block may hold anything then.
  package func run(
    in block: UnsafeMutableRawPointer, _ layout: RunLayout, inputs: [Tensor]? = nil, interruption: Interruption? = nil
  ) throws(GraphError) {
    let bases = block.bindMemory(to: UnsafeMutableRawPointer.self, capacity: baseCount)
    bases[Plan.workspaceBase] = block + layout.workspace
    if let inputs {
      for index in inputs.indices { bases[Plan.firstInputBase + index] = inputs[index].storage.base }
    } else {
      for index in layout.inputs.indices { bases[Plan.firstInputBase + index] = block + layout.inputs[index] }
    }
    for index in constants.indices { bases[firstConstantBase + index] = constants[index].storage.base }
    for index in layout.results.indices { bases[firstResultBase + index] = block + layout.results[index] }
    // The memory of tensors is reached through `bases` alone while instructions run.
    defer { withExtendedLifetime((inputs, constants)) {} }
    try run(over: bases, interruption)
  }

  /// Bytes that the plan itself takes, about.
  package var byteCount: Int {
    instructions.count * MemoryLayout<Instruction>.stride + loops.count * MemoryLayout<Loop>.stride
      + reductions.count * MemoryLayout<Reduction>.stride + products.count * MemoryLayout<Product>.stride
      + gathers.count * MemoryLayout<Gather>.stride + matrixCalls.count * MemoryLayout<MatrixCall>.stride
      + regions.count * MemoryLayout<Region>.stride + members.count * MemoryLayout<Member>.stride
      + streams.count * MemoryLayout<Stream>.stride + pool.count * 8
      + constants.reduce(0) { $0 + $1.type.byteCount }
      + (inputTypes.count + resultTypes.count) * MemoryLayout<TensorType>.stride + MemoryLayout<Plan>.stride
  }
}

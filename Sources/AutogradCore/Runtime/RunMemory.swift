/// The layout of a run's block of memory: the table of base pointers, the workspace, the results, and last the inputs,
/// for callers that write them there. Every part starts on a cache line.
///
/// A block can be used for any number of runs, one at a time, of any plans whose layouts fit. Its previous content does
/// not matter: the plan writes every byte of its results, and writes the workspace before it reads it.
package struct RunLayout: Sendable {
  /// Bytes of a run whose inputs are elsewhere.
  package let byteCountWithoutInputs: Int
  package let byteCount: Int
  let workspace: Int
  /// Offset of each distinct result, in the order of ``Program/resultTypes``.
  package let results: [Int]
  /// 0 for inputs that are always elsewhere.
  package let inputs: [Int]

  /// - Parameter isElsewhere: whether an input is never in the block.
  init(_ program: Program, isElsewhere: (Int) -> Bool = { _ in false }) {
    var end = 0
    func place(_ byteCount: Int) -> Int {
      defer {
        end = min(
          end + (byteCount + Storage.alignment - 1) / Storage.alignment * Storage.alignment, Program.beyondAnyLimit)
      }
      return end
    }
    _ = place(program.baseCount * MemoryLayout<UnsafeMutableRawPointer>.stride)
    workspace = place(program.workspaceByteCount)
    results = program.resultTypes.map { place($0.byteCount) }
    byteCountWithoutInputs = end
    inputs = program.inputTypes.enumerated().map { isElsewhere($0) ? 0 : place($1.byteCount) }
    byteCount = end
  }
}

/// An input of a plan whose numbers stay where they are.
package typealias InputElsewhere = (input: Int, tensor: Tensor)

extension Program {
  /// Runs the instructions in a block with this layout; the inputs are given, or have been written there, except for
  /// those that are elsewhere.
  func run(
    in block: UnsafeMutableRawPointer, _ layout: RunLayout, _ inputs: [Tensor]?, _ elsewhere: [InputElsewhere],
    _ interruption: Interruption?
  ) throws(GraphError) {
    let bases = block.bindMemory(to: UnsafeMutableRawPointer.self, capacity: baseCount)
    bases[Program.workspaceBase] = block + layout.workspace
    if let inputs {
      for index in inputs.indices { bases[Program.firstInputBase + index] = inputs[index].storage.base }
    } else {
      for index in layout.inputs.indices { bases[Program.firstInputBase + index] = block + layout.inputs[index] }
      for (index, tensor) in elsewhere { bases[Program.firstInputBase + index] = tensor.storage.base }
    }
    for index in constants.indices { bases[firstConstantBase + index] = constants[index].storage.base }
    for index in layout.results.indices { bases[firstResultBase + index] = block + layout.results[index] }
    // The memory of tensors is reached through `bases` alone while instructions run.
    defer { withExtendedLifetime((inputs, elsewhere, constants)) {} }
    try run(over: bases, interruption)
  }
}

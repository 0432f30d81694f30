/// Makes a program from a graph: lowers nodes to instructions, fuses instructions, and assigns memory.
package enum Planner {
  /// Only what the graph's outputs need becomes instructions.
  ///
  /// - Parameter interruption: ends planning early.
  /// - Throws: `internal` if a primitive cannot be lowered; `interrupted`, soon after the interruption has been raised.
  package static func program(for graph: Graph, _ interruption: Interruption?) throws(GraphError) -> Program {
    let lowering = Lowering(graph.columns, interruption)
    let live = graph.reachableNodes
    let inputs = graph.columns.inputs.count
    for node in 0..<NodeID(graph.columns.nodeCount) where live[Int(node)] && graph.columns.opcodes[Int(node)] == .input
    {
      guard case .index(let position) = graph.columns.attributes(of: node), 0..<inputs ~= position else {
        throw GraphError(.internal, "a placeholder was left in the graph")
      }
    }
    let constants = placeLeaves(graph, live, lowering)
    for node in 0..<NodeID(graph.columns.nodeCount) where live[Int(node)] {
      let opcode = graph.columns.opcodes[Int(node)]
      guard opcode != .input && opcode != .constant else { continue }
      try lowering.look(Int(node))
      var lowered = LoweringNode(lowering: lowering, node: node)
      try opcode.primitive.lower(&lowered)
    }
    let results = placeResults(graph, lowering)
    try Fusion.run(lowering)
    let memory = try MemoryPlan(lowering)
    try lowering.look()
    resolve(lowering, memory, inputs: inputs, constants: constants.count)

    var program = lowering.program
    program.customOperations = graph.columns.customOperations
    program.constants = constants
    program.inputTypes = graph.inputTypes
    (program.resultTypes, program.outputs) = results
    program.workspaceByteCount = min(memory.byteCount + program.ownByteCount, Program.beyondAnyLimit)
    return program
  }

  /// Inputs and constant tensors stay in the caller's memory; scalars are in the pool.
  private static func placeLeaves(_ graph: Graph, _ live: [Bool], _ lowering: Lowering) -> [Tensor] {
    let columns = graph.columns
    var constants: [Tensor] = []
    for (position, value) in columns.inputs.enumerated() {
      lowering.placements[Int(value)] = lowering.allocate(columns.type(of: value), home: .input(position))
    }
    for node in 0..<NodeID(columns.nodeCount) where live[Int(node)] && columns.opcodes[Int(node)] == .constant {
      let value = columns.firstResult[Int(node)]
      switch columns.attributes(of: node) {
      case .scalar(let dtype, let bits): lowering.placements[Int(value)] = lowering.scalar(Scalar(dtype, bits: bits))
      case .index(let index):
        lowering.placements[Int(value)] = lowering.allocate(columns.type(of: value), home: .constant(constants.count))
        constants.append(columns.tensors[index])
      default: break
      }
    }
    return constants
  }

  /// Results are computed in their final memory; results that are layouts of other values are copied there.
  private static func placeResults(_ graph: Graph, _ lowering: Lowering) -> (types: [TensorType], outputs: [Int]) {
    var types: [TensorType] = []
    var outputs: [Int] = []
    var indices: [ValueID: Int] = [:]
    for output in graph.outputs {
      if let known = indices[output] {
        outputs.append(known)
        continue
      }
      let type = graph.columns.type(of: output)
      let index = types.count
      let placement = lowering.placements[Int(output)]
      let buffer = lowering.buffers[Int(placement.buffer)]
      if buffer.home == .workspace, buffer.byteCount == type.byteCount, placement.offset == 0,
        placement.isContiguous(type.shape)
      {
        lowering.setHome(.output(index), of: placement.buffer)
      } else {
        let target = lowering.allocate(type, home: .output(index))
        lowering.emitCopy(into: target, placement, type, graph.columns.producers[Int(output)])
      }
      types.append(type)
      outputs.append(index)
      indices[output] = index
    }
    return (types, outputs)
  }

  /// Turns buffer numbers into bases and byte offsets.
  private static func resolve(_ lowering: Lowering, _ memory: MemoryPlan, inputs: Int, constants: Int) {
    let bases = lowering.buffers.enumerated().map { index, buffer -> Slot in
      switch buffer.home {
      case .workspace: Slot(base: Int32(Program.workspaceBase), offset: memory.offsets[index])
      case .pool: Slot(base: Int32(Program.poolBase), offset: 0)
      case .own(let offset): Slot(base: Int32(Program.ownBase), offset: offset)
      case .input(let position): Slot(base: Int32(Program.firstInputBase + position), offset: 0)
      case .constant(let position): Slot(base: Int32(Program.firstInputBase + inputs + position), offset: 0)
      case .output(let position): Slot(base: Int32(Program.firstInputBase + inputs + constants + position), offset: 0)
      }
    }
    lowering.program.rewriteSlots { slot in
      let home = bases[Int(slot.base)]
      return Slot(base: home.base, offset: home.offset + slot.offset)
    }
  }
}

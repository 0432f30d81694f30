/// A graph ready to run, any number of times and from any thread: a flat list of instructions and one workspace to run them in.
///
/// What it costs is known before it runs: ``peakByteCount`` and ``work``.
public struct Plan: Sendable {
  package let instructions: [Instruction]
  package let loops: [Loop]
  package let regions: [Region]
  package let members: [Member]
  package let streams: [Stream]
  package let reductions: [Reduction]
  package let products: [Product]
  package let gathers: [Gather]
  package let matrixCalls: [MatrixCall]
  package let customCalls: [CustomCall]
  package let customOperations: [any CustomOperation]
  package let pool: [UInt64]
  package let constants: [Tensor]
  package let workspaceByteCount: Int
  /// Of these, at the end, what each thread that joins in needs of its own.
  let ownByteCount: Int
  /// Types of the distinct tensors that are results, and for each output which of these it is.
  package let resultTypes: [TensorType]
  package let outputs: [Int]

  public let inputTypes: [TensorType]
  public var outputTypes: [TensorType] { outputs.map { resultTypes[$0] } }
  /// Elementary operations: an addition or a product counts as one.
  public let work: Int
  /// Bytes in use while it runs, beside its inputs: workspace and results.
  public var peakByteCount: Int { workspaceByteCount + resultByteCount }
  /// Bytes of all results.
  public var resultByteCount: Int { resultTypes.reduce(0) { min($0 + $1.byteCount, MemoryPlan.beyondAnyLimit) } }

  // The table of base pointers: workspace, pool of scalars, the thread's own memory, inputs, constants, results.
  static let workspaceBase = 0
  static let poolBase = 1
  static let ownBase = 2
  static let firstInputBase = 3
  var firstConstantBase: Int { Plan.firstInputBase + inputTypes.count }
  var firstResultBase: Int { firstConstantBase + constants.count }
  var baseCount: Int { firstResultBase + resultTypes.count }

  /// Plans a graph: only what its outputs need becomes instructions.
  /// - Throws: `internal` if a primitive cannot be lowered.
  public init(_ graph: Graph) throws(GraphError) { try self.init(graph, interruption: nil) }

  /// - Throws: also `interrupted`, soon after the interruption has been raised.
  package init(_ graph: Graph, interruption: Interruption?) throws(GraphError) {
    let lowering = Lowering(graph.columns, interruption)
    let live = graph.reachableNodes
    let inputs = graph.columns.inputs.count
    for node in 0..<NodeID(graph.columns.nodeCount) where live[Int(node)] && graph.columns.opcodes[Int(node)] == .input {
      guard case .index(let position) = graph.columns.attributes(of: node), 0..<inputs ~= position else {
        throw GraphError(.internal, "a placeholder was left in the graph")
      }
    }
    let constants = Plan.placeLeaves(graph, live, lowering)
    for node in 0..<NodeID(graph.columns.nodeCount) where live[Int(node)] {
      let opcode = graph.columns.opcodes[Int(node)]
      guard opcode != .input && opcode != .constant else { continue }
      try lowering.look(Int(node))
      var lowered = LoweringNode(lowering: lowering, node: node)
      try opcode.primitive.lower(&lowered)
    }
    let results = Plan.placeResults(graph, lowering)
    try Fusion.run(lowering)
    let memory = try MemoryPlan(lowering)
    try lowering.look()
    Plan.resolve(lowering, memory, inputs: graph.columns.inputs.count, constants: constants.count)

    instructions = lowering.instructions
    loops = lowering.loops
    regions = lowering.regions
    members = lowering.members
    streams = lowering.streams
    reductions = lowering.reductions
    products = lowering.products
    gathers = lowering.gathers
    matrixCalls = lowering.matrixCalls
    customCalls = lowering.customCalls
    customOperations = graph.columns.customOperations
    pool = lowering.pool
    self.constants = constants
    workspaceByteCount = min(memory.byteCount + lowering.ownByteCount, MemoryPlan.beyondAnyLimit)
    ownByteCount = lowering.ownByteCount
    resultTypes = results.types
    outputs = results.outputs
    inputTypes = graph.inputTypes
    work = lowering.cost
  }

  /// Inputs and tensors lie where the caller has them, scalars in the pool.
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

  /// Results are computed where they will be handed out; what is only a layout of something else is copied there.
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
      if buffer.home == .workspace, buffer.byteCount == type.byteCount, placement.offset == 0, placement.isContiguous(type.shape) {
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
      case .workspace: Slot(base: Int32(workspaceBase), offset: memory.offsets[index])
      case .pool: Slot(base: Int32(poolBase), offset: 0)
      case .own(let offset): Slot(base: Int32(ownBase), offset: offset)
      case .input(let position): Slot(base: Int32(firstInputBase + position), offset: 0)
      case .constant(let position): Slot(base: Int32(firstInputBase + inputs + position), offset: 0)
      case .output(let position): Slot(base: Int32(firstInputBase + inputs + constants + position), offset: 0)
      }
    }
    lowering.rewriteSlots { slot in
      let home = bases[Int(slot.base)]
      return Slot(base: home.base, offset: home.offset + slot.offset)
    }
  }
}

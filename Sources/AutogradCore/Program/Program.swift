/// What a plan runs: a flat list of instructions, the tables that they point into, and the memory that they need.
///
/// The planner writes it, the runtime runs it, and neither knows the other.
package struct Program: Sendable {
  package var instructions: [Instruction] = []
  // What instructions say in `detail`, by kind.
  package var loops: [Loop] = []
  package var reductions: [Reduction] = []
  package var products: [Product] = []
  package var gathers: [Gather] = []
  package var matrixCalls: [MatrixCall] = []
  package var customCalls: [CustomCall] = []
  package var customOperations: [any CustomOperation] = []
  package var regions: [Region] = []
  /// Of all regions, end to end.
  package var members: [Member] = []
  package var streams: [Stream] = []

  /// Scalars, by their bits.
  package var pool: [UInt64] = []
  package var constants: [Tensor] = []
  package var inputTypes: [TensorType] = []
  /// Types of the distinct tensors that are results, and for each output which of these it is.
  package var resultTypes: [TensorType] = []
  package var outputs: [Int] = []

  package var workspaceByteCount = 0
  /// Of these, at the end, what each thread that joins in needs of its own.
  package var ownByteCount = 0
  /// Elementary operations: an addition or a product counts as one.
  package var work = 0

  package init() {}
}

/// The table of base pointers that slots count from: workspace, pool of scalars, the thread's own memory, inputs,
/// constants, results.
extension Program {
  static let workspaceBase = 0
  static let poolBase = 1
  static let ownBase = 2
  static let firstInputBase = 3
  var firstConstantBase: Int { Program.firstInputBase + inputTypes.count }
  var firstResultBase: Int { firstConstantBase + constants.count }
  var baseCount: Int { firstResultBase + resultTypes.count }
}

extension Program {
  /// Counts of bytes saturate here: no machine has this much, and offsets within a tensor can still be added without
  /// overflow.
  static let beyondAnyLimit = 1 << 61

  /// Bytes of all results.
  var resultByteCount: Int { resultTypes.reduce(0) { min($0 + $1.byteCount, Program.beyondAnyLimit) } }

  /// Approximate size of the program itself in bytes.
  var byteCount: Int {
    instructions.count * MemoryLayout<Instruction>.stride + loops.count * MemoryLayout<Loop>.stride
      + reductions.count * MemoryLayout<Reduction>.stride + products.count * MemoryLayout<Product>.stride
      + gathers.count * MemoryLayout<Gather>.stride + matrixCalls.count * MemoryLayout<MatrixCall>.stride
      + regions.count * MemoryLayout<Region>.stride + members.count * MemoryLayout<Member>.stride
      + streams.count * MemoryLayout<Stream>.stride + pool.count * 8
      + constants.reduce(0) { $0 + $1.type.byteCount }
      + (inputTypes.count + resultTypes.count) * MemoryLayout<TensorType>.stride + MemoryLayout<Program>.stride
  }
}

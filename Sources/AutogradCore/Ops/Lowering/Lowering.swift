import CKernels

/// A program being written, node by node: what ``Primitive/lower(_:)`` adds its instructions to. Slots hold numbers of
/// buffers until the memory is laid out.
final class Lowering {
  let columns: GraphColumns
  private let interruption: Interruption?
  // No method touches these inside an access of another: checks of exclusivity would cost more than what they check.
  @exclusivity(unchecked) var placements: [Placement]
  @exclusivity(unchecked) private(set) var buffers: [Buffer] = []
  @exclusivity(unchecked) var program = Program()
  /// Of elementwise instructions: what their details say until fusion has made loops or regions of them.
  @exclusivity(unchecked) private(set) var iterations: [Loop] = []

  @exclusivity(unchecked) private var poolIndices: [UInt64: Int] = [:]
  private let poolBuffer: Int32

  /// A stretch of memory that values lie in.
  struct Buffer {
    /// `own` is memory that each thread has of its own, at an offset there.
    enum Home: Equatable { case workspace, pool, own(Int), input(Int), constant(Int), output(Int) }
    var home: Home
    var byteCount: Int
  }

  init(_ columns: GraphColumns, _ interruption: Interruption?) {
    self.columns = columns
    self.interruption = interruption
    placements = Array(repeating: Placement(buffer: -1, offset: 0, strides: []), count: columns.valueCount)
    poolBuffer = 0
    buffers.append(Buffer(home: .pool, byteCount: 0))
  }

  /// Looks whether anybody still waits for the plan, at every so many steps of a pass over it.
  func look(_ step: Int = 0) throws(GraphError) {
    if step % GraphBuilder.nodesBetweenLooks == 0, interruption?.isInterrupted == true { throw Interruption.error }
  }

  // MARK: Memory

  func newBuffer(_ home: Buffer.Home, _ byteCount: Int) -> Int32 {
    buffers.append(Buffer(home: home, byteCount: byteCount))
    return Int32(buffers.count - 1)
  }

  /// A buffer that lives no longer than an instruction, of which each thread that runs it has its own.
  func newOwnBuffer(at offset: Int, _ byteCount: Int) -> Int32 {
    program.ownByteCount = max(program.ownByteCount, (offset + byteCount + 63) / 64 * 64)
    return newBuffer(.own(offset), byteCount)
  }

  func setHome(_ home: Buffer.Home, of buffer: Int32) { buffers[Int(buffer)].home = home }

  func allocate(_ type: TensorType, home: Buffer.Home = .workspace) -> Placement {
    Placement(buffer: newBuffer(home, type.byteCount), offset: 0, strides: type.shape.rowMajorStrides)
  }

  /// A scalar in the pool of scalars.
  func scalar(_ scalar: Scalar) -> Placement {
    let index: Int
    if let known = poolIndices[scalar.bits] {
      index = known
    } else {
      index = program.pool.count
      poolIndices[scalar.bits] = index
      program.pool.append(scalar.bits)
    }
    return Placement(buffer: poolBuffer, offset: index * 8, strides: [])
  }

  // MARK: Instructions
  //
  // None is emitted for a result without elements: a stack of empty matrices costs no memory, and could be of any
  // length.

  /// The iteration over a shape, with neighbouring axes merged where every operand allows it.
  func loop(_ shape: Shape, _ z: Placement, _ x: Placement, _ y: Placement) -> Loop {
    Loop(shape, z.strides, x.strides, y.strides).merged
  }

  /// An instruction that makes each element of the result of the elements at its index.
  func emitElementwise(
    _ kind: Instruction.Kind, _ function: UInt8, _ dtype: DType, _ shape: Shape, _ z: Placement, _ x: Placement,
    _ y: Placement,
    _ node: NodeID, steps: Int = 1
  ) {
    if shape.isEmpty { return }
    let iteration = Loop(shape, z.strides, x.strides, y.strides)
    // Neighbours mostly walk alike, and a loop is four times the size of an instruction.
    if iterations.isEmpty || iterations[iterations.count - 1] != iteration { iterations.append(iteration) }
    append(
      kind, function, dtype, iterations.count - 1, slot(z), slot(x), slot(y), node,
      cost: multiplied(shape.elementCount, steps))
  }

  func emitCopy(into z: Placement, _ x: Placement, _ type: TensorType, _ node: NodeID) {
    emitElementwise(.copy, 0, type.dtype, type.shape, z, x, x, node)
  }

  func emitReduction(
    _ function: ck_reduce_op, into z: Placement, _ x: Placement, kept: Shape, rows: Int, rowStride: Int, _ dtype: DType,
    _ node: NodeID
  ) {
    if kept.isEmpty { return }
    var outer = loop(kept, z, x, x)
    var columns = 1
    var columnStride = 0
    // The innermost kept axis is the kernel's, where results lie next to each other.
    if let last = outer.sizes.last, outer.z.last == 1 {
      columns = last
      columnStride = outer.x[outer.x.rank - 1]
      outer.sizes.removeLast()
      outer.z.removeLast()
      outer.x.removeLast()
      outer.y.removeLast()
    }
    program.reductions.append(
      Reduction(outer: outer, columns: columns, columnStride: columnStride, rows: rows, rowStride: rowStride))
    append(
      .reduce, UInt8(function.rawValue), dtype, program.reductions.count - 1, slot(z), slot(x), slot(x), node,
      cost: multiplied(kept.elementCount, rows))
  }

  /// Lines along one axis, which must stay the innermost of the loop.
  func emitScan(
    _ function: ck_scan_op, into z: Placement, _ x: Placement, _ y: Placement, _ shape: Shape, axis: Int,
    _ dtype: DType, _ node: NodeID,
    steps: Int
  ) {
    if shape.isEmpty { return }
    let others = (0..<shape.rank).filter { $0 != axis }
    func without(_ placement: Placement) -> Placement {
      var part = placement
      part.strides = Shape(others.map { placement.strides[$0] })
      return part
    }
    var lines = loop(Shape(others.map { shape[$0] }), without(z), without(x), without(y))
    lines.sizes.append(shape[axis])
    lines.z.append(z.strides[axis])
    lines.x.append(x.strides[axis])
    lines.y.append(y.strides[axis])
    let cost = multiplied(shape.elementCount, steps)
    append(.scan, UInt8(function.rawValue), dtype, detail(of: lines), slot(z), slot(x), slot(y), node, cost: cost)
  }

  func emitMatMul(_ product: Product, into z: Placement, _ x: Placement, _ y: Placement, _ dtype: DType, _ node: NodeID)
  {
    if product.outer.count == 0 || product.m == 0 || product.n == 0 { return }
    program.products.append(product)
    let work = multiplied(multiplied(multiplied(product.outer.count, product.m), multiplied(product.n, product.k)), 2)
    append(.matmul, 0, dtype, program.products.count - 1, slot(z), slot(x), slot(y), node, cost: work)
  }

  func emitGather(
    _ kind: Instruction.Kind, _ gather: Gather, _ dtype: DType, _ indexDType: DType, _ z: Placement, _ x: Placement,
    _ indices: Placement,
    _ node: NodeID, cost: Int
  ) {
    program.gathers.append(gather)
    append(
      kind, indexDType.rawValue, dtype, program.gathers.count - 1, slot(z), slot(x), slot(indices), node, cost: cost)
  }

  func emitMatrixCall(
    _ function: MatrixFunction, _ call: MatrixCall, _ z: Placement, _ x: Placement, _ y: Placement, _ node: NodeID
  ) {
    if call.outer.count == 0 || function.isEmpty(n: call.n, m: call.m) { return }
    program.matrixCalls.append(call)
    let work = multiplied(call.outer.count, function.work(n: call.n, m: call.m))
    append(
      .matrix, function.rawValue, .float64, program.matrixCalls.count - 1, slot(z), slot(x), slot(y), node, cost: work)
  }

  func emitCustom(
    _ operation: Int, _ operands: [(TensorType, Placement)], _ results: [(TensorType, Placement)], _ node: NodeID
  ) {
    let call = CustomCall(
      operation: operation, operands: operands.map { ($0, slot($1)) }, results: results.map { ($0, slot($1)) })
    program.customCalls.append(call)
    append(.custom, 0, .float64, program.customCalls.count - 1, .none, .none, .none, node, cost: 0)
  }

  private func append(
    _ kind: Instruction.Kind, _ function: UInt8, _ dtype: DType, _ detail: Int, _ z: Slot, _ x: Slot, _ y: Slot,
    _ node: NodeID, cost: Int
  ) {
    let (total, overflow) = program.work.addingReportingOverflow(cost)
    program.work = overflow ? Int.max : total
    program.instructions.append(
      Instruction(
        kind: kind, function: function, dtype: dtype, detail: Int32(detail), z: z, x: x, y: y,
        label: node >= 0 ? columns.labels[Int(node)] : -1))
  }

  private func slot(_ placement: Placement) -> Slot { Slot(base: placement.buffer, offset: placement.offset) }

  /// Saturating: a cost too large to count is too large to admit.
  private func multiplied(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? Int.max : product
  }

  private func detail(of loop: Loop) -> Int {
    if program.loops.last != loop { program.loops.append(loop) }
    return program.loops.count - 1
  }

  // MARK: Loops

  /// An elementwise instruction that stays by itself.
  func withLoop(_ instruction: Instruction, _ iteration: Loop) -> Instruction {
    var alone = instruction
    alone.detail = Int32(detail(of: iteration.merged))
    return alone
  }

  func addLoop(_ loop: Loop) -> Int32 { Int32(detail(of: loop)) }
}

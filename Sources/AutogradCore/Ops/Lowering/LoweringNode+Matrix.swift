extension LoweringNode {
  /// Calls a function on each matrix of an operand's stack, and of a right side's.
  func emitMatrixCall(
    _ function: MatrixFunction, into target: Placement, _ index: Int, right: Int? = nil, form: SolveForm = SolveForm()
  ) {
    let shape = operandType(index).shape
    let stack = shape.axes(0..<(shape.rank - 2))
    let n = shape[shape.rank - 1]
    let m = right.map { operandType($0).shape.last ?? 0 } ?? shape[shape.rank - 2]
    let x = matrices(index)
    let y = right.map(matrices) ?? lowering.allocate(TensorType(.bool, [function.scratchByteCount(n: n, m: m)]))
    // All calls of a stack come one after the other and share the scratch memory.
    let yStrides = right == nil ? Shape(repeating: 0, rank: stack.rank) : y.strides.axes(0..<stack.rank)
    func ofStack(_ placement: Placement, _ strides: Shape) -> Placement {
      Placement(buffer: placement.buffer, offset: placement.offset, strides: strides)
    }
    let outer = lowering.loop(
      stack, ofStack(target, target.strides.axes(0..<stack.rank)), ofStack(x, x.strides.axes(0..<stack.rank)),
      ofStack(y, yStrides))
    lowering.emitMatrixCall(function, MatrixCall(outer: outer, n: n, m: m, form: form), target, x, y, node)
  }

  /// The operand with no gaps in its matrices; the stack may lie as it likes.
  private func matrices(_ index: Int) -> Placement {
    let type = operandType(index)
    let axes = (type.shape.rank - 2)..<type.shape.rank
    let matrix = Placement(buffer: 0, offset: 0, strides: operand(index).strides.axes(axes))
    return matrix.isContiguous(type.shape.axes(axes)) ? operand(index) : contiguous(index)
  }
}

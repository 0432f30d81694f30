extension LoweringNode {
  /// Elements of one operand go to the target, which holds something already, at the indices of another operand.
  func emitScatter(
    _ kind: Instruction.Kind, _ form: GatherForm, into target: Placement, _ updates: Int, at indices: Int, axis: Int,
    size: Int
  ) {
    let (type, shape) = (operandType(updates), operandType(indices).shape)
    guard !type.shape.isEmpty else { return }
    let span = form.span(shape)
    let indexed = Array(axis..<(axis + span))
    let others = type.shape.removing(AxisSet(indexed))
    let x = operand(updates).mergedStride(type.shape, indexed) == nil ? contiguous(updates) : operand(updates)
    var y = form == .take ? contiguous(indices) : operand(indices)
    let indexStride = form == .take ? 1 : y.strides[axis]
    y.strides = form == .take ? Shape(repeating: 0, rank: others.rank) : y.strides.without(axis, 1)
    var outer = lowering.loop(
      others, Placement(buffer: target.buffer, offset: target.offset, strides: target.strides.without(axis, 1)),
      Placement(buffer: x.buffer, offset: x.offset, strides: x.strides.without(axis, span)), y)
    // The kernel runs along an axis whose elements share an index: the last one, or one of a single element.
    let suffix = type.shape.axes((axis + span)..<type.shape.rank)
    if form == .along || suffix.elementCount == 1 {
      outer.sizes.append(1)
      outer.z.append(1)
      outer.x.append(1)
      outer.y.append(1)
    }
    let gather = Gather(
      form: form, outer: outer, count: form == .take ? shape.elementCount : shape[axis], axis: axis, size: size,
      zStride: target.strides[axis], xStride: x.mergedStride(type.shape, indexed) ?? 1, indexStride: indexStride)
    lowering.emitGather(
      kind, gather, type.dtype, operandType(indices).dtype, target, x, y, node, cost: type.elementCount)
  }
}

extension Shape {
  fileprivate func without(_ first: Int, _ count: Int) -> Shape {
    axes(0..<first).appending(axes((first + count)..<rank))
  }
}

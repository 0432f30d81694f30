extension LoweringNode {
  /// The result, in row-major memory, takes elements of operand 0 at the indices of operand 1.
  func emitGather(_ form: GatherForm, into target: Placement, axis: Int, size: Int) {
    let type = resultType()
    guard !type.shape.isEmpty else { return }
    let indices = indexPlacement(form)
    let x = operand(0)
    let span = form.span(operandType(1).shape)
    var gather = gather(
      form, axis, size, indices, type.shape.removing(axes(axis, span)), target.removing(axis, span), x.removing(axis, 1)
    )
    gather.zStride = target.mergedStride(type.shape, Array(axis..<(axis + span))) ?? 1
    gather.xStride = x.strides[axis]
    finish(
      gather, .gather, suffix: type.shape.axes((axis + span)..<type.shape.rank), target, x, indices,
      cost: type.elementCount)
  }

  /// Zeros to which the elements of operand 0 are added at the indices of operand 1. float32 is added up in memory of
  /// double and then rounded.
  func emitScatterAdd(_ form: GatherForm, into result: Placement, axis: Int, size: Int) {
    let type = resultType()
    guard type.dtype == .float32 else {
      emitZero(into: result, type)
      return emitSums(form, into: result, axis: axis, size: size)
    }
    let wide = type.with(dtype: .float64)
    let sums = allocate(wide)
    emitZero(into: sums, wide)
    emitSums(form, into: sums, axis: axis, size: size)
    lowering.emitElementwise(.cast, DType.float32.rawValue, .float64, type.shape, result, sums, sums, node)
  }

  private func emitSums(_ form: GatherForm, into target: Placement, axis: Int, size: Int) {
    let type = operandType(0)
    guard !type.shape.isEmpty else { return }
    let indices = indexPlacement(form)
    let span = form.span(operandType(1).shape)
    let indexed = Array(axis..<(axis + span))
    let x = operand(0).mergedStride(type.shape, indexed) == nil ? contiguous(0) : operand(0)
    var gather = gather(
      form, axis, size, indices, type.shape.removing(axes(axis, span)), target.removing(axis, 1), x.removing(axis, span)
    )
    gather.zStride = target.strides[axis]
    gather.xStride = x.mergedStride(type.shape, indexed) ?? 1
    finish(
      gather, .scatterAdd, suffix: type.shape.axes((axis + span)..<type.shape.rank), target, x, indices,
      cost: type.elementCount)
  }

  /// `take` walks its indices in one stride; `along` has an index for each element, wherever it lies.
  private func indexPlacement(_ form: GatherForm) -> Placement { form == .take ? contiguous(1) : operand(1) }

  private func axes(_ first: Int, _ count: Int) -> AxisSet { AxisSet(first..<(first + count)) }

  /// The loop over all other axes than the indexed one.
  private func gather(
    _ form: GatherForm, _ axis: Int, _ size: Int, _ indices: Placement, _ others: Shape, _ z: Placement, _ x: Placement
  ) -> Gather {
    let shape = operandType(1).shape
    var y = indices
    y.strides = Shape(repeating: 0, rank: others.rank)
    if form == .along { y = indices.removing(axis, 1) }
    return Gather(
      form: form, outer: lowering.loop(others, z, x, y), count: form == .take ? shape.elementCount : shape[axis],
      axis: axis, size: size,
      zStride: 1, xStride: 1, indexStride: form == .take ? 1 : indices.strides[axis])
  }

  /// The kernel copies whole rows where the axes behind the indexed one share an index; otherwise single elements.
  private func finish(
    _ gather: Gather, _ kind: Instruction.Kind, suffix: Shape, _ z: Placement, _ x: Placement, _ indices: Placement,
    cost: Int
  ) {
    var gather = gather
    if gather.form == .along || suffix.elementCount == 1 {
      gather.outer.sizes.append(1)
      gather.outer.z.append(1)
      gather.outer.x.append(1)
      gather.outer.y.append(1)
    }
    lowering.emitGather(kind, gather, operandType(0).dtype, operandType(1).dtype, z, x, indices, node, cost: cost)
  }
}

extension Placement {
  /// The placement as it is walked without some neighbouring axes.
  fileprivate func removing(_ first: Int, _ count: Int) -> Placement {
    var rest = self
    rest.strides = strides.axes(0..<first).appending(strides.axes((first + count)..<strides.rank))
    return rest
  }
}

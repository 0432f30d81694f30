extension GraphBuilder {
  /// Jacobians of outputs with respect to inputs or intermediate values. All directions are one batch, forwards if the
  /// values have fewer elements than the outputs, else backwards. Entries that are structurally 0 (``AlignmentPass``)
  /// need no direction.
  ///
  /// - Returns: for each output and each value, a tensor of the output's dtype, whose shape is the output's followed by
  ///   the value's; zeros if the output does not depend on the value.
  public func jacobians(of outputs: [Value], withRespectTo values: [Value]) -> [[Value]] {
    let width = values.reduce(0) { $0 + $1.shape.elementCount }
    let height = outputs.reduce(0) { $0 + $1.shape.elementCount }
    if width < height { return forwardJacobians(outputs, values) }
    return outputs.map { firstError == nil ? reverseJacobians($0, values) : faulty(values.count) }
  }

  /// Second derivatives, from the `gradients` of a function: for each gradient and each value, a tensor whose shape is
  /// the gradient's followed by the value's. Forward mode, one batch of directions per value.
  public func hessians(_ gradients: [Value], withRespectTo values: [Value]) -> [[Value]] {
    forwardJacobians(gradients, values)
  }

  private static let mostAligned = 16

  /// Invalid results after an error, without computing each of them.
  private func faulty(_ count: Int) -> [Value] { Array(repeating: Value(self, -1), count: count) }

  private func reverseJacobians(_ output: Value, _ values: [Value]) -> [Value] {
    let cotangent = placeholder(output.type)
    // One pass for each value; if there are many, one batch of all directions is less work.
    let isWorthIt = output.shape.elementCount > 1 && values.count <= GraphBuilder.mostAligned
    let pairs: [[(first: Int, second: Int)]?] = values.map { value in
      guard isWorthIt else { return [] }
      return AlignmentPass(self, source: value, through: [output]).pairs(of: output)?.map { ($0.value, $0.source) }
    }
    let together = joint(pairs.map { $0?.map(\.first) }, of: output.shape)
    let gradients = zip(values, gradients(of: [(output, cotangent)], withRespectTo: values)).map {
      $1 ?? zeros($0.type)
    }
    let units = directions(output.type, together: together)
    let count = output.shape.keeping(together).elementCount
    let stacks = batched(gradients, size: count, over: [(cotangent, units)])
    guard firstError == nil else { return faulty(values.count) }
    return values.indices.map { index in
      let (stack, value) = (stacks[index], values[index])
      let rows = reshape(stack, to: output.shape.keeping(together), value.shape)
      let jacobian = spread(
        rows, output.shape, value.shape, (pairs[index] ?? []).filter { together.contains($0.first) })
      return jacobian.isValid && jacobian.dtype != output.dtype ? emit(.cast, jacobian, .dtype(output.dtype)) : jacobian
    }
  }

  private func forwardJacobians(_ outputs: [Value], _ values: [Value]) -> [[Value]] {
    var jacobians = outputs.map { _ in [Value]() }
    for value in values {
      guard firstError == nil else { return outputs.map { _ in faulty(values.count) } }
      let alignment = AlignmentPass(self, source: value, through: value.shape.elementCount > 1 ? outputs : [])
      let pairs = outputs.map { output in
        alignment.pairs(of: output)?.map { (first: $0.value, second: $0.source) }
      }
      let together = joint(pairs.map { $0?.map(\.second) }, of: value.shape)
      let (count, kept) = (value.shape.keeping(together).elementCount, value.shape.keeping(together))
      let tangent = placeholder(value.type)
      let tangents = zip(outputs, tangents(of: outputs, along: [(value, tangent)])).map { $1 ?? zeros($0.type) }
      let stacks = batched(tangents, size: count, over: [(tangent, directions(value.type, together: together))])
      guard firstError == nil else { return outputs.map { _ in faulty(values.count) } }
      for (index, stack) in stacks.enumerated() {
        // The axis of directions is first; in a Jacobian it must be last.
        let shape = outputs[index].shape
        let matrix = transpose(reshape(stack, to: [count, shape.elementCount]), [1, 0])
        let columns = reshape(matrix, to: shape, kept)
        let isDiagonal = (pairs[index] ?? []).filter { together.contains($0.second) }
        jacobians[index].append(spread(columns, shape, value.shape, isDiagonal))
      }
    }
    return jacobians
  }

  /// The axes that are in all of the lists and have more than one position.
  private func joint(_ lists: [[Int]?], of shape: Shape) -> AxisSet {
    let given = lists.compactMap { $0 }
    guard !given.isEmpty, !shape.isEmpty else { return AxisSet() }
    return AxisSet((0..<shape.rank).filter { axis in shape[axis] > 1 && given.allSatisfy { $0.contains(axis) } })
  }

  /// A Jacobian from one position along some axes: entries off the diagonals of these pairs of axes are 0.
  private func spread(_ part: Value, _ first: Shape, _ second: Shape, _ pairs: [(first: Int, second: Int)]) -> Value {
    guard part.isValid else { return part }
    let full = first.appending(second)
    let whole = broadcast(part, to: full)
    func positions(_ axis: Int) -> Value {
      var shape = Shape(repeating: 1, rank: full.rank)
      shape[axis] = full[axis]
      return broadcast(reshape(indexVector(full[axis]), to: shape), to: full)
    }
    let masks = pairs.map { emit(.equal, positions($0.first), positions(first.rank + $0.second)) }
    guard let mask = masks.first else { return whole }
    return select(masks.dropFirst().reduce(mask) { emit(.logicalAnd, $0, $1) }, whole, zeros(whole.type))
  }

  private func reshape(_ value: Value, to first: Shape, _ second: Shape) -> Value {
    guard value.isValid else { return value }
    guard first.rank + second.rank <= Shape.maximumRank else {
      return fail(
        GraphError(
          .limitExceeded, "a Jacobian of shape \(first) by \(second) has more than \(Shape.maximumRank) axes",
          limit: .rank(Shape.maximumRank),
          value: first.rank + second.rank))
    }
    return reshape(value, to: first.appending(second))
  }

  /// All unit tensors of a type, stacked; along the combined axes, all positions at once.
  private func directions(_ type: TensorType, together: AxisSet) -> Value {
    guard type.shape.rank < Shape.maximumRank else { return fail(.noAxisForExamples) }
    let kept = type.shape.keeping(together)
    let (count, isOwn) = (kept.elementCount, diagonalMask(kept.elementCount))
    let units = reshape(emit(.cast, isOwn, .dtype(type.dtype)), to: Shape([count]).appending(kept))
    return broadcast(units, to: Shape([count]).appending(type.shape))
  }
}

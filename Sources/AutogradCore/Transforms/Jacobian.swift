extension GraphBuilder {
  /// Jacobians of outputs by inputs or intermediate values: all directions go through at once as a batch, forwards where the values have
  /// fewer elements than the outputs, else backwards.
  ///
  /// - Returns: for each output and each value a tensor of the output's dtype, of its shape followed by the value's; zeros where nothing connects them.
  public func jacobians(of outputs: [Value], withRespectTo values: [Value]) -> [[Value]] {
    let width = values.reduce(0) { $0 + $1.shape.elementCount }
    let height = outputs.reduce(0) { $0 + $1.shape.elementCount }
    return width < height ? forwardJacobians(outputs, values) : outputs.map { reverseJacobians($0, values) }
  }

  /// Second derivatives of what `gradients` are the gradients of: for each gradient and each value a tensor of the gradient's shape followed
  /// by the value's. Forwards, one batch of directions per value.
  public func hessians(_ gradients: [Value], withRespectTo values: [Value]) -> [[Value]] { forwardJacobians(gradients, values) }

  private func reverseJacobians(_ output: Value, _ values: [Value]) -> [Value] {
    let count = output.shape.elementCount
    let cotangent = placeholder(output.type)
    let gradients = zip(values, gradients(of: [(output, cotangent)], withRespectTo: values)).map { $1 ?? zeros($0.type) }
    let stacks = batched(gradients, size: count, over: [(cotangent, directions(output.type))])
    return zip(stacks, values).map { stack, value in
      let jacobian = reshape(stack, to: output.shape, value.shape)
      return jacobian.isValid && jacobian.dtype != output.dtype ? emit(.cast, jacobian, .dtype(output.dtype)) : jacobian
    }
  }

  private func forwardJacobians(_ outputs: [Value], _ values: [Value]) -> [[Value]] {
    var jacobians = outputs.map { _ in [Value]() }
    for value in values {
      let count = value.shape.elementCount
      let tangent = placeholder(value.type)
      let tangents = zip(outputs, tangents(of: outputs, along: [(value, tangent)])).map { $1 ?? zeros($0.type) }
      let stacks = batched(tangents, size: count, over: [(tangent, directions(value.type))])
      for (index, stack) in stacks.enumerated() {
        // Directions stand first; a Jacobian has them last.
        let elements = outputs[index].shape.elementCount
        let matrix = transpose(reshape(stack, to: [count, elements]), [1, 0])
        jacobians[index].append(reshape(matrix, to: outputs[index].shape, value.shape))
      }
    }
    return jacobians
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

  /// Every unit tensor of a type, one behind the other.
  private func directions(_ type: TensorType) -> Value {
    let count = type.elementCount
    guard type.shape.rank < Shape.maximumRank else { return fail(BatchPass.rankError) }
    let isOwn = diagonalMask(count)
    return reshape(emit(.cast, isOwn, .dtype(type.dtype)), to: Shape([count]).appending(type.shape))
  }
}

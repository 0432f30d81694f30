import CKernels

/// `matmul` of matrices or of equally many pairs of matrices: [batch…, m, k] by [batch…, k, n].
struct MatMulPrimitive: Primitive {
  let name = "matmul"

  let derivative = Derivative.bilinear(
    left: { ct, right in ct.builder.emit(.matmul, ct, ct.builder.matrixTranspose(right)) },
    right: { ct, left in ct.builder.emit(.matmul, ct.builder.matrixTranspose(left), ct) })

  var batch: Batching { .rule(MatMulPrimitive.batched) }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    let x = node.operand(0)
    let y = node.operand(node.operandCount - 1)
    let rank = x.shape.rank
    guard node.operandCount == 2, x.dtype == y.dtype, x.dtype.isNumeric, rank >= 2, y.shape.rank == rank,
      x.shape.axes(0..<(rank - 2)) == y.shape.axes(0..<(rank - 2)), x.shape[rank - 1] == y.shape[rank - 2]
    else { throw node.fault("matmul takes two stacks of matrices that fit, got \(x) and \(y)") }
    var shape = x.shape
    shape[rank - 1] = y.shape[rank - 1]
    try node.result(x.with(shape: shape))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.emitMatMul() }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let (x, y) = (node.operands[0], node.operands[1])
    let shape = node.resultTypes[0].shape
    switch x.dtype {
    case .float64:
      let multiplyAdd: (Double, Double, Double) -> Double =
        Kernels.fuses ? { $0.addingProduct($1, $2) } : { $0 + $1 * $2 }
      return [multiply(x, y, shape, Self.inProductOrder(shape, multiplyAdd, +))]
    case .float32:
      let multiplyAdd: (Float, Float, Float) -> Float = Kernels.fuses ? { $0.addingProduct($1, $2) } : { $0 + $1 * $2 }
      return [multiply(x, y, shape, Self.inProductOrder(shape, multiplyAdd, +))]
    case .int64: return [multiply(x, y, shape) { a, b in zip(a, b).reduce(0 as Int64) { $0 &+ $1.0 &* $1.1 } }]
    case .int32: return [multiply(x, y, shape) { a, b in zip(a, b).reduce(0 as Int32) { $0 &+ $1.0 &* $1.1 } }]
    case .bool: throw GraphError(.internal, "matmul of bool")
    }
  }

  /// A single right matrix serves the whole batch as one product of a taller left matrix.
  @Sendable private static func batched(_ node: BatchedNode) -> [Value] {
    let (x, y) = (node.operand(0), node.operand(1))
    guard x.shape.rank == 2, !node.isBatched(1) else { return node.allStacked() }
    let (builder, m, k, n) = (node.builder, x.shape[0], x.shape[1], y.shape[1])
    let product = builder.emit(.matmul, builder.reshape(node.stacked(0), to: [node.size * m, k]), y)
    return [builder.reshape(product, to: [node.size, m, n])]
  }

  /// How the kernels add up the products of a row and a column: see `ck_matmul_fn` and `ck_matvec_fn`.
  private static func inProductOrder<E: BinaryFloatingPoint>(
    _ shape: Shape, _ multiplyAdd: @escaping (E, E, E) -> E, _ add: @escaping (E, E) -> E
  ) -> ([E], [E]) -> E {
    let isVector = shape[shape.rank - 1] == 1 || shape[shape.rank - 2] == 1
    return { row, column in
      var parts = [E](repeating: 0, count: 16)
      if isVector {
        for l in row.indices { parts[l % 16] = multiplyAdd(parts[l % 16], row[l], column[l]) }
        for width in [8, 4, 2, 1] {
          for part in 0..<width { parts[part] = add(parts[part], parts[part + width]) }
        }
        return parts[0]
      }
      var total: E = 0
      for start in stride(from: 0, to: row.count, by: CK_PRODUCT_DEPTH) {
        var block: E = 0
        for l in start..<min(start + CK_PRODUCT_DEPTH, row.count) { block = multiplyAdd(block, row[l], column[l]) }
        total = start == 0 ? block : add(total, block)
      }
      return total
    }
  }

  private func multiply<E: TensorElement>(_ x: Tensor, _ y: Tensor, _ shape: Shape, _ product: ([E], [E]) -> E)
    -> Tensor
  {
    let rank = shape.rank
    let (m, n, k) = (shape[rank - 2], shape[rank - 1], x.shape[rank - 1])
    let a: [E] = x.values() ?? []
    let b: [E] = y.values() ?? []
    var c: [E] = []
    for batch in 0..<shape.axes(0..<(rank - 2)).elementCount {
      for i in 0..<m {
        let row = Array(a[(batch * m + i) * k..<(batch * m + i + 1) * k])
        for j in 0..<n { c.append(product(row, (0..<k).map { b[(batch * k + $0) * n + j] })) }
      }
    }
    return Tensor(c, shape: shape)
  }
}

struct MatMulOperation: Operation {
  let reference = OperationReference(
    name: "matmul",
    summary: "Matrix product, as NumPy's @: vectors, matrices, and stacks of matrices that broadcast.",
    formula: "z[…, i, j] = Σₖ x[…, i, k] y[…, k, j]", operands: ["x", "y"], results: ["z"],
    dtypes: .numeric,
    shapeRule:
      "[…, m, k] by […, k, n] gives […, m, n]; leading axes broadcast; a 1-D operand is a row on the left, a column "
      + "on the right, "
      + "and its axis goes away",
    derivative: "x: ct yᵀ, y: xᵀ ct, each summed over the leading axes that were stretched",
    conventions: [
      "scalars are refused: use mul", "integers wrap around on overflow", "an inner size of 0 gives zeros",
    ],
    otherNames: ["dot", "mm", "bmm", "gemm", "dot_general", "matrix_multiply", "@", "mv"],
    samples: [
      OperationSample([[2, 3], [3, 4]]), OperationSample([[3], [3]]), OperationSample([[3], [3, 2]]),
      OperationSample([[2, 3], [3]]),
      OperationSample([[2, 2, 3], [3, 4]]), OperationSample([[2, 1, 2, 3], [3, 3, 1]]),
      OperationSample([[2, 0], [0, 3]]),
      OperationSample([[3, 2, 3], [3]]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let builder = call.builder
    let (xShape, yShape) = (call.x.shape, call.y.shape)
    for (index, operand) in [call.x, call.y].enumerated() where operand.shape.isScalar {
      throw GraphError(
        .shapeMismatch, "{\(index)} is a scalar; matmul takes vectors and matrices, use mul to scale",
        at: .operand(index))
    }
    let inner = yShape.rank == 1 ? yShape[0] : yShape[yShape.rank - 2]
    guard xShape[xShape.rank - 1] == inner else {
      throw GraphError(.shapeMismatch, "inner sizes differ: {0} is \(xShape), {1} is \(yShape)", at: .operand(1))
    }
    // A vector is a matrix of one row on the left, of one column on the right.
    let x = xShape.rank == 1 ? builder.reshape(call.x, to: [1, xShape[0]]) : call.x
    let y = yShape.rank == 1 ? builder.reshape(call.y, to: [yShape[0], 1]) : call.y
    var product = try multiply(builder, x, y)
    guard product.isValid else { return [product] }
    var shape = product.shape
    if yShape.rank == 1 { shape.removeLast() }
    if xShape.rank == 1 {
      let columns = yShape.rank == 1 ? nil : shape.last
      shape.removeLast()
      if let columns {
        shape.removeLast()
        shape.append(columns)
      }
    }
    product = builder.reshape(product, to: shape)
    return [product]
  }

  /// Two stacks of matrices. A single right matrix serves a whole stack on the left as one taller matrix: one product,
  /// and a gradient that needs no sum over the stack.
  private func multiply(_ builder: GraphBuilder, _ x: Value, _ y: Value) throws(GraphError) -> Value {
    let (xRank, yRank) = (x.shape.rank, y.shape.rank)
    if xRank == 2 && yRank == 2 { return builder.emit(.matmul, x, y) }
    let (m, k, n) = (x.shape[xRank - 2], x.shape[xRank - 1], y.shape[yRank - 1])
    if yRank == 2 {
      let stack = x.shape.axes(0..<(xRank - 2))
      let rows = stack.elementCount * m
      let product = builder.emit(.matmul, builder.reshape(x, to: [rows, k]), y)
      return builder.reshape(product, to: try stack.checkedAppending([m, n]))
    }
    let (xStack, yStack) = (x.shape.axes(0..<(xRank - 2)), y.shape.axes(0..<(yRank - 2)))
    guard let stack = Shape.broadcast(xStack, yStack) else {
      throw GraphError(
        .shapeMismatch, "leading axes do not broadcast: {0} is \(x.shape), {1} is \(y.shape)", at: .operand(1))
    }
    return builder.emit(
      .matmul, builder.broadcast(x, to: stack.appending([m, k])), builder.broadcast(y, to: stack.appending([k, n])))
  }
}

extension Shape {
  fileprivate func checkedAppending(_ other: Shape) throws(GraphError) -> Shape {
    let joined = appending(other)
    try joined.checkSize()
    return joined
  }
}

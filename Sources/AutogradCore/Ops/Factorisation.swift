/// What is computed of a matrix by one call of a ``MatrixFunction``.
struct FactorisationPrimitive: Primitive {
  let name: String
  let function: MatrixFunction
  let derivative: Derivative
  /// Rows and columns of the result for m rows and n columns; nil where there is none for them.
  private let result: @Sendable (_ m: Int, _ n: Int) -> (rows: Int, columns: Int)?

  // What is made of those without a derivative has one of its own, as ``RuledPrimitive`` states it.

  /// Eigenvectors as columns, and behind the last row the eigenvalues.
  static let eigen = FactorisationPrimitive("eigen", .eigen) { m, n in m == n ? (n + 1, n) : nil }
  /// U, a row of singular values, and V.
  static let svd = FactorisationPrimitive("svd", .svd) { m, n in (m + 1 + n, min(m, n)) }
  /// Q and R.
  static let qr = FactorisationPrimitive("qr", .qr) { m, n in m >= n ? (m + n, n) : nil }

  static let exponential = FactorisationPrimitive("exponential", .exponential, .rule(vjp: exponentialRule)) { m, n in
    m == n ? (n, n) : nil
  }
  /// Of a matrix with a direction below it, the tangent of its exponential.
  static let exponentialTangent = FactorisationPrimitive("exponential_tangent", .exponentialSlope) { m, n in
    m == 2 * n ? (n, n) : nil
  }

  private init(
    _ name: String, _ function: MatrixFunction, _ derivative: Derivative = .none,
    _ result: @escaping @Sendable (_ m: Int, _ n: Int) -> (rows: Int, columns: Int)?
  ) {
    self.name = name
    self.function = function
    self.derivative = derivative
    self.result = result
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 1, node.operand(0).dtype == .float64, node.operand(0).shape.rank >= 2 else {
      throw node.fault("a stack of float64 matrices is expected")
    }
    var type = node.operand(0)
    let rank = type.shape.rank
    let (m, n) = (type.shape[rank - 2], type.shape[rank - 1])
    guard let size = result(m, n) else { throw node.fault("matrices of \(m) rows and \(n) columns do not fit") }
    type.shape[rank - 2] = size.rows
    type.shape[rank - 1] = size.columns
    try node.result(type)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.emitMatrixCall(function, into: node.allocate(), 0) }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    try node.matrixByMatrix(function, node.operands[0])
  }
}

/// A value computed by other nodes, whose derivative is not theirs but is stated by a rule. The value is the last
/// operand and the rule knows it as the result; cotangents go to the other operands.
struct RuledPrimitive: Primitive {
  let name: String
  let derivative: Derivative

  init(_ name: String, _ rule: @escaping @Sendable (Pullback) -> Void) {
    self.name = name
    derivative = .rule(vjp: rule)
  }

  /// Of a symmetric Jacobian by the first operand: what multiplies a cotangent multiplies a tangent, in the same order.
  init(
    _ name: String, symmetric partial: @escaping @Sendable (_ ct: Value, _ node: NodeContext, _ axes: AxisSet) -> Value
  ) {
    self.name = name
    derivative = .pointwise([
      { ct, node in
        switch node.attributes {
        case .axes(let axes): partial(ct, node, axes)
        case .scan(let scan): partial(ct, node, AxisSet([scan.axis]))
        default: node.builder.fail(GraphError(.internal, "\(name) is along axes"))
        }
      }
    ])
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount >= 2 else { throw node.fault("operands and a value are expected") }
    node.result(sameAs: node.operandCount - 1)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.place(node.operand(node.operandCount - 1)) }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    [node.operands[node.operands.count - 1]]
  }
}

/// Rows and columns of the matrices that LAPACK decomposes in one call, which nothing can stop. It takes a second.
private let longestDecomposition = 512

extension OperationCall {
  /// Refuses matrices of which LAPACK would decompose too large ones at once.
  func checkDecomposition(rows: Int, columns: Int) throws(GraphError) {
    let size = min(rows, columns)
    guard size <= longestDecomposition else {
      throw GraphError(
        .limitExceeded,
        "decomposes matrices of at most \(longestDecomposition) rows or columns, {0} has shape \(x.shape)",
        at: .operand(0), limit: .work(longestDecomposition), value: size)
    }
  }
}

extension GraphBuilder {
  /// Some rows of each matrix of a stack.
  func rows(_ matrices: Value, from start: Int, count: Int) -> Value {
    guard matrices.isValid else { return matrices }
    var window = Window(whole: matrices.shape)
    window.starts[matrices.shape.rank - 2] = start
    window.sizes[matrices.shape.rank - 2] = count
    return slice(matrices, window)
  }

  /// One row of each matrix of a stack, as a vector.
  func row(_ matrices: Value, _ index: Int) -> Value {
    let row = rows(matrices, from: index, count: 1)
    guard row.isValid else { return row }
    return reshape(row, to: row.shape.removing(AxisSet([row.shape.rank - 2])))
  }

  /// A vector for each matrix of a stack, repeated as every row of a matrix.
  func asRows(_ vectors: Value, count: Int) -> Value { repeated(vectors, count, isRow: true) }

  /// A vector for each matrix of a stack, repeated as every column of a matrix.
  func asColumns(_ vectors: Value, count: Int) -> Value { repeated(vectors, count, isRow: false) }

  private func repeated(_ vectors: Value, _ count: Int, isRow: Bool) -> Value {
    guard vectors.isValid else { return vectors }
    guard vectors.shape.rank < Shape.maximumRank else { return fail(.noAxisForExamples) }
    let stack = vectors.shape.axes(0..<(vectors.shape.rank - 1))
    let n = vectors.shape[vectors.shape.rank - 1]
    let single = reshape(vectors, to: stack.appending(isRow ? [1, n] : [n, 1]))
    return broadcast(single, to: stack.appending(isRow ? [count, n] : [n, count]))
  }

  /// Each column of the matrices times an element of a vector.
  func scaledColumns(_ matrices: Value, by vectors: Value) -> Value {
    guard matrices.isValid, vectors.isValid else { return value(-1) }
    return matrices * asRows(vectors, count: matrices.shape[matrices.shape.rank - 2])
  }

  /// A product of matrices, from the left.
  func product(_ factors: Value...) -> Value {
    factors.dropFirst().reduce(factors[0]) { emit(.matmul, $0, $1) }
  }

  /// u vᵀ.
  func congruence(_ u: Value, _ v: Value) -> Value { product(u, matrixTranspose(v)) }

  /// u x vᵀ for the square x.
  func congruence(_ u: Value, _ x: Value, _ v: Value) -> Value { product(u, x, matrixTranspose(v)) }

  /// True on the diagonals of n by n matrices of a stack.
  func diagonalMask(of matrices: Value) -> Value {
    guard matrices.isValid else { return matrices }
    return broadcast(diagonalMask(matrices.shape[matrices.shape.rank - 1]), to: matrices.shape)
  }

  /// The matrices with a number in place of their diagonals, to which no cotangent goes.
  func withDiagonal(_ number: Double, _ matrices: Value) -> Value {
    guard matrices.isValid else { return matrices }
    return select(diagonalMask(of: matrices), matrices.filled(number), matrices)
  }
}

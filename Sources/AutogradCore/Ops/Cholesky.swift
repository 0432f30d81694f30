/// `cholesky` of a stack of matrices that are symmetric: only the lower half is read.
struct CholeskyPrimitive: Primitive {
  let name = "cholesky"

  /// With Φ the lower triangle, its diagonal halved: L⁻ᵀ Φ(Lᵀ ct) L⁻¹, made symmetric.
  let derivative = Derivative.rule { node in
    let (builder, factor) = (node.builder, node.result(0))
    let back = SolveForm(isTransposed: true, isLower: true)
    let product = builder.emit(.matmul, builder.matrixTranspose(factor), node.ct)
    let halves = builder.triangle(product, isLower: true) + builder.triangle(product, isLower: true, k: -1)
    let left = builder.emit(.triangularSolve, [factor, halves * 0.5], .solve(back))[0]
    let both = builder.emit(.triangularSolve, [factor, builder.matrixTranspose(left)], .solve(back))[0]
    node.accumulate((both + builder.matrixTranspose(both)) * 0.5, 0)
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    try node.checkMatrices(squareOperands: [0], count: 1)
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.emitMatrixCall(.cholesky, into: node.allocate(), 0) }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    try node.matrixByMatrix(.cholesky, node.operands[0])
  }
}

struct CholeskyOperation: Operation {
  let reference = OperationReference(
    name: "cholesky",
    summary: "The lower triangular factor of a symmetric positive definite matrix.",
    formula: "L with L Lᵀ = (a + aᵀ)/2", operands: ["a"], results: ["L"], dtypes: .floating,
    shapeRule: "that of a, whose last two axes are square matrices",
    derivative: "a: L⁻ᵀ Φ(Lᵀ ct) L⁻¹ made symmetric, Φ being the lower triangle with its diagonal halved",
    conventions: [
      "computed on (a + aᵀ)/2, so the gradient is symmetric", "a matrix that is not positive definite is refused",
      "NaN in a gives NaN", factorizedInDouble,
    ],
    otherNames: ["chol", "potrf", "cholesky_decomposition"],
    samples: [
      OperationSample([[3, 3]]), OperationSample([[2, 2, 2]]), OperationSample([[1, 1]]), OperationSample([[0, 0]]),
    ],
    domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    _ = try call.squareMatrix()
    return [
      call.inDouble { operands in
        let (builder, a) = (call.builder, operands[0])
        // Halved first: a sum of the largest numbers would overflow.
        return builder.emit(.cholesky, a * 0.5 + builder.matrixTranspose(a) * 0.5)
      }
    ]
  }
}

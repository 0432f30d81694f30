/// Scalars of each matrix of a stack, read off its LU factors: `determinant(a, lu(a))` and the two parts of it.
struct DeterminantPrimitive: Primitive {
  let name: String
  let function: MatrixFunction
  let derivative: Derivative

  /// By a, the cofactors: nothing is divided by the determinant, so that singular matrices have their gradient, to any
  /// order.
  static let determinant = DeterminantPrimitive(
    name: "determinant", function: .determinant,
    derivative: .rule { node in
      node.accumulate(node.overMatrix(node.ct) * node.builder.emit(.cofactors, node.operand(0)), 0)
    })

  /// By a, the transposed inverse: NaN for a singular matrix, whose logarithm is at its pole.
  static let log = DeterminantPrimitive(
    name: "determinant_log", function: .determinantLog,
    derivative: .rule { node in
      let (builder, a) = (node.builder, node.operand(0))
      let form = SolveForm(isTransposed: true, givesNaN: true)
      let inverse = builder.emit(.luSolve, [a, node.operand(1), builder.identity(like: a)], .solve(form))[0]
      node.accumulate(node.overMatrix(node.ct) * inverse, 0)
    })

  static let sign = DeterminantPrimitive(name: "determinant_sign", function: .determinantSign, derivative: .none)

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    try node.checkMatrices(squareOperands: [0], factors: 1, count: 2)
    let type = node.operand(0)
    try node.result(type.with(shape: type.shape.axes(0..<(type.shape.rank - 2))))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.emitMatrixCall(function, into: node.allocate(), 1) }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    try node.matrixByMatrix(function, node.operands[1])
  }
}

/// `cofactors`: the gradient of the determinant, with the shape of the matrix.
struct CofactorsPrimitive: Primitive {
  let name = "cofactors"

  /// The Hessian of the determinant times a direction w; it is symmetric. The sum over one row of w times its cofactors
  /// is the determinant of the matrix with that row in place of its own, so the derivative is made of the cofactors of
  /// n such matrices, and its derivatives again.
  let derivative = Derivative.pointwise([
    { w, node in
      let (builder, a) = (node.builder, node.x)
      let rank = a.shape.rank
      guard a.isValid, w.isValid, rank < Shape.maximumRank else {
        return a.isValid && w.isValid ? builder.fail(.noAxisForExamples) : a
      }
      let n = a.shape[rank - 1]
      let (stack, matrix) = (a.shape.axes(0..<(rank - 2)), Shape([n, n]))
      // An axis before the matrix says which row is replaced.
      let full = stack.appending([n]).appending(matrix)
      func repeated(_ value: Value) -> Value {
        builder.broadcast(builder.reshape(value, to: stack.appending([1, n, n])), to: full)
      }
      let isReplaced = builder.broadcast(builder.reshape(builder.diagonalMask(n), to: [n, n, 1]), to: full)
      let cofactors = builder.emit(.cofactors, builder.select(isReplaced, repeated(w), repeated(a)))
      return builder.sum(
        builder.select(isReplaced, builder.zeros(cofactors.type), cofactors), over: AxisSet([rank - 2]))
    }
  ])

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    try node.checkMatrices(squareOperands: [0], count: 1)
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    node.emitMatrixCall(.cofactors, into: node.allocate(), 0)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    try node.matrixByMatrix(.cofactors, node.operands[0])
  }
}

extension Pullback {
  /// A number for each matrix, repeated over its elements.
  fileprivate func overMatrix(_ value: Value) -> Value {
    let shape = operand(0).shape
    return builder.stretch(value, over: AxisSet([shape.rank - 2, shape.rank - 1]), to: shape)
  }
}

struct DeterminantOperation: Operation {
  let reference = OperationReference(
    name: "det",
    summary: "The determinant of a square matrix.",
    formula: "y = det a", operands: ["a"], dtypes: .floating,
    shapeRule: "that of a without the last two axes, which are square matrices",
    derivative: "a: ct times the cofactors of a, which are the adjugate transposed",
    conventions: [
      "nothing is divided by the determinant: singular matrices have their gradient, to any order",
      "an empty matrix has the determinant 1", factorizedInDouble,
    ],
    otherNames: ["determinant"], samples: determinantSamples, domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    _ = try call.squareMatrix()
    return [call.inDouble { call.builder.emit(.determinant, $0[0], $0[0].emit(.lu)) }]
  }
}

struct LogDeterminantOperation: Operation {
  let reference = OperationReference(
    name: "slogdet",
    summary: "The determinant of a square matrix as its sign and the logarithm of its size, which does not overflow.",
    formula: "sign exp(logabsdet) = det a", operands: ["a"], results: ["sign", "logabsdet"], dtypes: .floating,
    shapeRule: "each that of a without the last two axes, which are square matrices",
    derivative: "a: ct a⁻ᵀ with ct that of logabsdet; sign has none",
    conventions: ["a singular matrix gives 0 and -Infinity, and gradient NaN", factorizedInDouble],
    otherNames: ["logdet", "log_det", "log_determinant", "logabsdet"],
    samples: determinantSamples.map { OperationSample($0.shapes, results: 2) }, domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    _ = try call.squareMatrix()
    let builder = call.builder
    return [Opcode.determinantSign, .determinantLog].map { part in
      call.inDouble { builder.emit(part, $0[0], $0[0].emit(.lu)) }
    }
  }
}

private let determinantSamples = [
  OperationSample([[3, 3]]), OperationSample([[2, 2, 2]]), OperationSample([[1, 1]]), OperationSample([[0, 0]]),
]

/// `triangular_solve(a, b)`: t⁻¹ b or t⁻ᵀ b for stacks of matrices, t being one triangle of a.
struct TriangularSolvePrimitive: Primitive {
  let name = "triangular_solve"

  let derivative = Derivative.rule { node in
    guard case .solve(let form) = node.attributes else { return }
    let builder = node.builder
    let right = builder.emit(.triangularSolve, [node.operand(0), node.ct], .solve(form.transposed))[0]
    node.accumulate(right, 1)
    if node.wants(0) {
      node.accumulate(builder.triangle(builder.solveSlope(right, node.result(0), form), isLower: form.isLower), 0)
    }
  }

  var batch: Batching { .sharedMatrices }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    try node.checkMatrices(squareOperands: [0], right: 1, count: 2)
    node.result(sameAs: 1)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .solve(let form) = node.attributes else { return }
    node.emitMatrixCall(.triangularSolve, into: node.allocate(), 0, right: 1, form: form)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .solve(let form) = node.attributes else { return [] }
    return try node.matrixByMatrix(.triangularSolve, node.operands[0], right: node.operands[1], form: form)
  }
}

extension Batching {
  /// The last operand is a right side, the others are of one matrix: a single matrix serves the whole batch as one
  /// equation with more right sides.
  fileprivate static let sharedMatrices = Batching.rule { node in
    guard case .solve(let form) = node.attributes else { return [] }
    let (builder, last) = (node.builder, node.context.operandCount - 1)
    let opcode = builder.columns.opcodes[Int(node.context.node)]
    guard node.operand(0).shape.rank == 2, !(0..<last).contains(where: node.isBatched) else { return node.allStacked() }
    let matrices = (0..<last).map(node.operand)
    return [builder.solve(matrices, node.stacked(last)) { builder.emit(opcode, $0 + [$1], .solve(form))[0] }]
  }
}

/// `lu(a)`: what elimination makes of each matrix, three rows longer, for `lu_solve` and determinants. It is no
/// function of its own to derivatives: those who use it state theirs by a.
struct LUPrimitive: Primitive {
  let name = "lu"
  var derivative: Derivative { .none }
  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    try node.checkMatrices(squareOperands: [0], count: 1)
    var type = node.operand(0)
    type.shape[type.shape.rank - 2] += 3
    try node.result(type)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.emitMatrixCall(.lu, into: node.allocate(), 0) }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    try node.matrixByMatrix(.lu, node.operands[0])
  }
}

/// `lu_solve(a, lu(a), b)`: a⁻¹ b or a⁻ᵀ b for stacks of matrices. Derivatives use the same factors.
struct LUSolvePrimitive: Primitive {
  let name = "lu_solve"

  let derivative = Derivative.rule { node in
    guard case .solve(let form) = node.attributes else { return }
    let builder = node.builder
    let right = builder.emit(.luSolve, [node.operand(0), node.operand(1), node.ct], .solve(form.transposed))[0]
    node.accumulate(right, 2)
    if node.wants(0) { node.accumulate(builder.solveSlope(right, node.result(0), form), 0) }
  }

  var batch: Batching { .sharedMatrices }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    try node.checkMatrices(squareOperands: [0], factors: 1, right: 2, count: 3)
    node.result(sameAs: 2)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .solve(let form) = node.attributes else { return }
    node.emitMatrixCall(.luSolve, into: node.allocate(), 1, right: 2, form: form)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .solve(let form) = node.attributes else { return [] }
    return try node.matrixByMatrix(.luSolve, node.operands[1], right: node.operands[2], form: form)
  }
}

extension GraphBuilder {
  /// The cotangent of the matrix of an equation, given that of its right side and the solution.
  fileprivate func solveSlope(_ right: Value, _ solution: Value, _ form: SolveForm) -> Value {
    let (left, other) = form.isTransposed ? (solution, right) : (right, solution)
    return -emit(.matmul, left, matrixTranspose(other))
  }

  /// Solves for a stack of right sides. One matrix serves them all as columns of one wide right side, as a batch of one
  /// equation does.
  /// - Parameter solve: emits the node for matrices and right sides of equal stacks.
  func solve(_ matrices: [Value], _ right: Value, _ solve: ([Value], Value) -> Value) -> Value {
    guard right.isValid, matrices.allSatisfy(\.isValid) else { return value(-1) }
    let rank = right.shape.rank
    let stack = right.shape.axes(0..<(rank - 2))
    guard matrices[0].shape.rank == 2 && rank > 2 else {
      return solve(
        matrices.map { broadcast($0, to: stack.appending($0.shape.axes(($0.shape.rank - 2)..<$0.shape.rank))) }, right)
    }
    let (n, m) = (right.shape[rank - 2], right.shape[rank - 1])
    let aside = Shape([rank - 2] + Array(0..<(rank - 2)) + [rank - 1])
    let wide = reshape(transpose(right, aside), to: [n, stack.elementCount * m])
    let solution = reshape(solve(matrices, wide), to: Shape([n]).appending(stack).appending([m]))
    return transpose(solution, Shape(Array(1..<(rank - 1)) + [0, rank - 1]))
  }

  /// a⁻¹ b. The matrices' stack broadcasts to that of the right sides.
  func luSolve(_ a: Value, _ b: Value, _ form: SolveForm = SolveForm()) -> Value {
    solve([a, emit(.lu, a)], b) { emit(.luSolve, $0 + [$1], .solve(form))[0] }
  }

  /// The unit matrix of each matrix of a stack.
  func identity(like matrices: Value) -> Value {
    guard matrices.isValid else { return matrices }
    let n = matrices.shape[matrices.shape.rank - 1]
    return broadcast(emit(.cast, diagonalMask(n), .dtype(matrices.dtype)), to: matrices.shape)
  }
}

struct SolveOperation: Operation {
  let reference = OperationReference(
    name: "solve",
    summary: "The solution x of the linear equations a x = b.",
    formula: "x = a⁻¹ b", operands: ["a", "b"], results: ["x"], dtypes: .floating,
    shapeRule: equationShapes,
    derivative: "b: a⁻ᵀ ct, a: -(a⁻ᵀ ct) xᵀ, each summed over the leading axes that were stretched",
    conventions: ["a singular matrix is refused", factorizedInDouble],
    otherNames: ["linsolve", "gesv", "linear_solve"],
    samples: [
      OperationSample([[3, 3], [3]]), OperationSample([[2, 2], [2, 3]]), OperationSample([[2, 2, 2], [2, 1]]),
      OperationSample([[2, 2], [3, 2, 1]]), OperationSample([[2, 1, 2, 2], [3, 2, 2]]),
      OperationSample([[2, 2, 2], [2]]),
      OperationSample([[2, 2], [2, 2]]), OperationSample([[0, 0], [0, 2]]),
    ],
    domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    try [call.equation { call.builder.luSolve($0, $1) }]
  }
}

struct SolveTriangularOperation: Operation {
  let reference = OperationReference(
    name: "solve_triangular",
    summary: "The solution x of the linear equations t x = b, t being one triangle of a.",
    formula: "x = t⁻¹ b, or t⁻ᵀ b if transpose", operands: ["a", "b"], results: ["x"],
    attributes: [
      AttributeReference("lower", .boolean, default: "true", "t is the lower triangle of a; false for the upper one"),
      AttributeReference("transpose", .boolean, default: "false", "solve with the transpose of t"),
    ], dtypes: .floating,
    shapeRule: equationShapes,
    derivative: "b: t⁻ᵀ ct, a: that triangle of -(t⁻ᵀ ct) xᵀ, each summed over the leading axes that were stretched",
    conventions: [
      "the other triangle of a is not read, and has gradient 0", "a 0 on the diagonal is refused", factorizedInDouble,
    ],
    otherNames: ["triangular_solve", "trsm", "trtrs"],
    samples: [
      OperationSample([[3, 3], [3]]), OperationSample([[2, 2], [2, 3]], ["lower": .boolean(false)]),
      OperationSample([[2, 2, 2], [2, 1]], ["transpose": .boolean(true)]),
      OperationSample([[3, 3], [2, 3, 2]], ["lower": .boolean(false), "transpose": .boolean(true)]),
      OperationSample([[2, 2], [2, 2]]),
      OperationSample([[0, 0], [0]]),
    ],
    domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let form = SolveForm(
      isTransposed: call.boolean("transpose", default: false), isLower: call.boolean("lower", default: true))
    let builder = call.builder
    return try [
      call.equation { a, b in builder.solve([a], b) { builder.emit(.triangularSolve, $0 + [$1], .solve(form))[0] } }
    ]
  }
}

struct InverseOperation: Operation {
  let reference = OperationReference(
    name: "inv",
    summary: "The inverse of a square matrix.",
    formula: "y = a⁻¹", operands: ["a"], dtypes: .floating,
    shapeRule: "that of a, whose last two axes are square matrices",
    derivative: "a: -yᵀ ct yᵀ",
    conventions: [
      "a singular matrix is refused", "for a⁻¹ b use solve, which is faster and more exact", factorizedInDouble,
    ],
    otherNames: ["inverse", "matrix_inverse"],
    samples: [
      OperationSample([[3, 3]]), OperationSample([[2, 2, 2]]), OperationSample([[1, 1]]), OperationSample([[0, 0]]),
    ],
    domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    _ = try call.squareMatrix()
    return [call.inDouble { call.builder.luSolve($0[0], call.builder.identity(like: $0[0])) }]
  }
}

private let equationShapes =
  "that of b. a is […, n, n], b is […, n, m], and their leading axes broadcast; or b is [n] and stands for one "
  + "column: then x is […, n]"

extension OperationCall {
  /// a x = b with b as it was given: a vector only if it has one axis.
  fileprivate func equation(_ solve: (_ a: Value, _ b: Value) -> Value) throws(GraphError) -> Value {
    let n = try squareMatrix()
    let (column, stack, isVector) = try rightSide(rows: n)
    return inDouble { operands in
      let right = builder.reshape(operands[1], to: column)
      let full = stack.appending(column.axes((column.rank - 2)..<column.rank))
      let solution = solve(operands[0], builder.broadcast(right, to: full))
      return isVector ? builder.reshape(solution, to: stack.appending([n])) : solution
    }
  }
}

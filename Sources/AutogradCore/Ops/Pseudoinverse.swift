extension RuledPrimitive {
  /// With p the result, a ct: -pᵀ ct pᵀ + (1 - a p) ctᵀ p pᵀ + pᵀ p ctᵀ (1 - p a); G. H. Golub and V. Pereyra, "The
  /// differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate" (1973).
  static let pseudoinverse = RuledPrimitive("pseudoinverse") { node in
    let (builder, a, p) = (node.builder, node.operand(0), node.result(0))
    if a.shape.isEmpty { return }
    let (back, forth) = (builder.matrixTranspose(p), builder.matrixTranspose(node.ct))
    let left = builder.product(forth, p, back)
    let right = builder.product(back, p, forth)
    let outer = builder.product(a, builder.product(p, left)) + builder.product(builder.product(right, p), a)
    let inner = left + right - outer
    node.accumulate(inner - builder.product(back, node.ct, back), 0)
  }
}

extension GraphBuilder {
  /// The pseudo-inverse of a stack of float64 matrices: singular values up to a part of the largest count as 0.
  func pseudoinverse(_ a: Value, _ tolerance: Double) -> Value {
    guard a.isValid else { return a }
    if a.shape.isEmpty { return matrixTranspose(a) }
    let parts = singularParts(a)
    guard parts.values.isValid else { return parts.values }
    let isKept = isAboveRounding(parts.values, tolerance)
    let reciprocals = select(isKept, parts.values.emit(.reciprocal), zeros(parts.values.type))
    let value = product(scaledColumns(parts.right, by: reciprocals), matrixTranspose(parts.left))
    return emit(.pseudoinverse, [a, value], .none)[0]
  }
}

private let ofOneRank =
  "the derivative is that among matrices of the rank that a has but for rounding; at a lower rank than the smaller of "
  + "rows and columns the function jumps, and has no other"

struct PseudoinverseOperation: Operation {
  let reference = OperationReference(
    name: "pinv",
    summary: "The pseudo-inverse (of Moore and Penrose) of a matrix.",
    formula: "y = (aᵀ a)⁻¹ aᵀ for independent columns, aᵀ (a aᵀ)⁻¹ for independent rows", operands: ["a"],
    attributes: [relativeTolerance], dtypes: .floating, shapeRule: "[…, n, m] for a […, m, n]",
    derivative: "a: -yᵀ ct yᵀ + (1 - a y) ctᵀ y yᵀ + yᵀ y ctᵀ (1 - y a)",
    conventions: [
      ofOneRank, "NaN or Infinity in a gives NaN throughout", factorizedInDouble,
      "at most 512 rows or columns, whichever are fewer",
    ],
    otherNames: ["pseudo_inverse", "pseudoinverse"],
    samples: [
      OperationSample([[3, 3]]), OperationSample([[4, 2]]), OperationSample([[2, 3]], ["rtol": .number(1e-6)]),
      OperationSample([[2, 3, 2]]), OperationSample([[0, 2]]),
    ], domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (m, n) = try call.matrix()
    try call.checkDecomposition(rows: m, columns: n)
    let tolerance = try call.relativeTolerance()
    return [call.inDouble { call.builder.pseudoinverse($0[0], tolerance) }]
  }
}

struct LeastSquaresOperation: Operation {
  let reference = OperationReference(
    name: "lstsq",
    summary: "The shortest x for which a x is as near to b as can be.",
    formula: "x = pinv(a) b: minimises |a x - b|², and then |x|²", operands: ["a", "b"], results: ["x"],
    attributes: [relativeTolerance], dtypes: .floating,
    shapeRule: "a is […, m, n], b is […, m, p], x is […, n, p], and the leading axes of a and b broadcast; or b is [m] and "
      + "stands for one column: then x is […, n]",
    derivative: "b: pinv(a)ᵀ ct; a: that of pinv for ct bᵀ, each summed over the leading axes that were stretched",
    conventions: [
      ofOneRank, "any number of rows and columns, more equations than unknowns or fewer",
      "NaN or Infinity in a gives NaN throughout", factorizedInDouble, "at most 512 rows or columns, whichever are fewer",
    ],
    otherNames: ["least_squares", "gelsd", "gelsy"],
    samples: [
      OperationSample([[4, 2], [4]]), OperationSample([[2, 3], [2, 2]]),
      OperationSample([[3, 3], [3, 2]], ["rtol": .number(1e-6)]), OperationSample([[2, 4, 2], [4, 1]]),
      OperationSample([[4, 2], [3, 4, 1]]), OperationSample([[2, 3, 2], [3]]), OperationSample([[0, 2], [0, 1]]),
    ], domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (m, n) = try call.matrix()
    try call.checkDecomposition(rows: m, columns: n)
    let tolerance = try call.relativeTolerance()
    let (aShape, bShape) = (call.operands[0].shape, call.operands[1].shape)
    let isVector = bShape.rank == 1
    guard bShape.rank >= 1, bShape[isVector ? 0 : bShape.rank - 2] == m else {
      throw GraphError(
        .shapeMismatch,
        "{1} is \(bShape), where \(m) rows are needed as in {0}, which is \(aShape)"
          + (bShape.rank > 1 ? "; only a {1} of one axis is a vector, others are matrices" : ""), at: .operand(1))
    }
    let column: Shape = isVector ? [m, 1] : bShape
    guard let stack = Shape.broadcast(aShape.axes(0..<(aShape.rank - 2)), column.axes(0..<(column.rank - 2))) else {
      throw GraphError(.shapeMismatch, "leading axes do not broadcast: {0} is \(aShape), {1} is \(bShape)", at: .operand(1))
    }
    let builder = call.builder
    let p = column[column.rank - 1]
    return [
      call.inDouble { operands in
        let inverse = builder.broadcast(builder.pseudoinverse(operands[0], tolerance), to: stack.appending([n, m]))
        let right = builder.broadcast(builder.reshape(operands[1], to: column), to: stack.appending([m, p]))
        let solution = builder.product(inverse, right)
        return isVector ? builder.reshape(solution, to: stack.appending([n])) : solution
      }
    ]
  }
}

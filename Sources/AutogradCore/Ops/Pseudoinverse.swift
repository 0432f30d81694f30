extension RuledPrimitive {
  /// With p the result, a ct: -pᵀ ct pᵀ + (1 - a p) ctᵀ p pᵀ + pᵀ p ctᵀ (1 - p a); G. H. Golub and V. Pereyra, "The
  /// differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate" (1973). Where a
  /// has singular values that are not kept, ``cutPart`` comes to it.
  ///
  /// Operands: a, which of its singular values are kept, the value.
  static let pseudoinverse = RuledPrimitive("pseudoinverse") { node in
    let (builder, a, isKept) = (node.builder, node.operand(0), node.operand(1))
    if a.shape.isEmpty { return }
    let p = builder.ofFullRank(node.result(0), isKept)
    let (back, forth) = (builder.matrixTranspose(p), builder.matrixTranspose(node.ct))
    let left = builder.product(forth, p, back)
    let right = builder.product(back, builder.product(p, forth))
    // No product of p with p is in the way: it may be out of range where the result is not.
    let scale = builder.largest(a)
    let (scaled, inverse) = (a / scale, p * builder.matrixTranspose(scale))
    let outer =
      builder.product(scaled, builder.product(inverse, left)) + builder.product(builder.product(right, inverse), scaled)
    var slope = left + right - outer - builder.product(back, node.ct, back)
    if case .derivative = node.attributes { slope = slope + builder.cutPart(a, isKept, forth) }
    node.accumulate(slope, 0)
  }

  /// What singular values that are cut, but are not 0, add to the derivative of a pseudo-inverse along c: for each pair
  /// of one that is kept, s, and one that is cut, t, with s² - t² in place of s² in the denominator. Linear in c, and
  /// its own transpose.
  ///
  /// Operands: a, which of its singular values are kept, c, the value.
  static let cutPart = RuledPrimitive("cut_part") { node in
    if node.operand(0).shape.isEmpty { return }
    node.accumulate(node.builder.cutPart(node.operand(0), node.operand(1), node.ct), 2)
  }

  /// p itself, for derivatives of what is made of it: they are NaN unless all singular values are kept. A function of
  /// matrices that is smooth only among those of one rank has no second derivative.
  ///
  /// Operands: p, whether each matrix keeps all, the value.
  static let ofFullRank = RuledPrimitive("of_full_rank") { node in
    let ct = node.ct
    node.accumulate(ct * node.builder.select(node.operand(1), ct.filled(1), ct.filled(.nan)), 0)
  }
}

extension GraphBuilder {
  fileprivate func ofFullRank(_ p: Value, _ isKept: Value) -> Value {
    guard p.isValid, isKept.isValid else { return value(-1) }
    let rank = p.shape.rank
    let isFull = emit(.all, isKept, .axes(AxisSet([rank - 2])))
    return emit(.ofFullRank, [p, stretch(isFull, over: AxisSet([rank - 2, rank - 1]), to: p.shape), p], .none)[0]
  }

  fileprivate func cutPart(_ a: Value, _ isKept: Value, _ c: Value) -> Value {
    let parts = singularParts(a)
    guard parts.values.isValid, isKept.isValid else { return value(-1) }
    let count = parts.values.shape[parts.values.shape.rank - 1]
    let (own, other) = (asColumns(parts.values, count: count), asRows(parts.values, count: count))
    let (kept, cut) = (own.emit(.maximum, other), own.emit(.minimum, other))
    let isPair = asColumns(isKept, count: count).emit(.notEqual, asRows(isKept, count: count))
    let inner = product(matrixTranspose(parts.left), c, parts.right)
    let part = cut / kept
    let slope = (inner * part + matrixTranspose(inner)) * part / kept / (kept - cut) / (part + 1)
    let value = congruence(parts.left, select(isPair, slope, zeros(slope.type)), parts.right)
    return emit(.cutPart, [a, isKept, c, value], .none)[0]
  }

  /// The pseudo-inverse of a stack of float64 matrices: singular values up to a part of the largest count as 0.
  /// - Parameter cutsRoundingAlone: what is cut is 0 but for rounding.
  func pseudoinverse(_ a: Value, _ tolerance: Double, cutsRoundingAlone: Bool) -> Value {
    guard a.isValid else { return a }
    if a.shape.isEmpty { return matrixTranspose(a) }
    let parts = singularParts(a)
    guard parts.values.isValid else { return parts.values }
    let isKept = isAboveRounding(parts.values, tolerance)
    let reciprocals = select(isKept, parts.values.emit(.reciprocal), zeros(parts.values.type))
    let value = product(scaledColumns(parts.right, by: reciprocals), matrixTranspose(parts.left))
    return emit(.pseudoinverse, [a, isKept, value], cutsRoundingAlone ? .none : .derivative(1))[0]
  }
}

private let ofOneRank =
  "where rtol cuts singular values, the derivative is that with as many cut beside a: that among matrices of one "
  + "rank, if "
  + "they are 0 but for rounding; second derivatives are NaN there, the function having jumps beside it"

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
    let cutsRounding = call.number("rtol") == nil
    return [call.inDouble { call.builder.pseudoinverse($0[0], tolerance, cutsRoundingAlone: cutsRounding) }]
  }
}

struct LeastSquaresOperation: Operation {
  let reference = OperationReference(
    name: "lstsq",
    summary: "The shortest x for which a x is as near to b as can be.",
    formula: "x = pinv(a) b: minimises |a x - b|², and then |x|²", operands: ["a", "b"], results: ["x"],
    attributes: [relativeTolerance], dtypes: .floating,
    shapeRule:
      "a is […, m, n], b is […, m, p], x is […, n, p], and the leading axes of a and b broadcast; or b is [m] and "
      + "stands for one column: then x is […, n]",
    derivative: "b: pinv(a)ᵀ ct; a: that of pinv for ct bᵀ, each summed over the leading axes that were stretched",
    conventions: [
      ofOneRank, "any number of rows and columns, more equations than unknowns or fewer",
      "NaN or Infinity in a gives NaN throughout", factorizedInDouble,
      "at most 512 rows or columns, whichever are fewer",
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
    let (column, stack, isVector) = try call.rightSide(rows: m)
    let builder = call.builder
    let p = column[column.rank - 1]
    let cutsRounding = call.number("rtol") == nil
    return [
      call.inDouble { operands in
        let single = builder.pseudoinverse(operands[0], tolerance, cutsRoundingAlone: cutsRounding)
        let inverse = builder.broadcast(single, to: stack.appending([n, m]))
        let right = builder.broadcast(builder.reshape(operands[1], to: column), to: stack.appending([m, p]))
        let solution = builder.product(inverse, right)
        return isVector ? builder.reshape(solution, to: stack.appending([n])) : solution
      }
    ]
  }
}

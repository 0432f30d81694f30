/// The factors of a = Q R of a stack of matrices with at least as many rows as columns, as differentiable values.
struct OrthogonalFactors {
  let a: Value
  let orthogonal: Value
  let triangle: Value

  private var builder: GraphBuilder { a.builder }

  /// The cotangent of a for that of Q: (ct + Q Φ(-ctᵀ Q)) R⁻ᵀ.
  func pulledBackFromOrthogonal(_ ct: Value) -> Value {
    let inner = builder.product(builder.matrixTranspose(ct), orthogonal)
    return overTriangle(ct - builder.product(orthogonal, mirrored(inner)))
  }

  /// The cotangent of a for that of R: Q Φ(R ctᵀ) R⁻ᵀ.
  func pulledBackFromTriangle(_ ct: Value) -> Value {
    let inner = builder.product(triangle, builder.matrixTranspose(ct))
    return overTriangle(builder.product(orthogonal, mirrored(inner)))
  }

  /// Φ: the lower triangle, and its mirror image above the diagonal.
  private func mirrored(_ x: Value) -> Value {
    builder.triangle(x, isLower: true) + builder.matrixTranspose(builder.triangle(x, isLower: true, k: -1))
  }

  /// x R⁻ᵀ. A matrix of lower rank has a 0 on R's diagonal, but for rounding, which goes by the length of the column:
  /// it has no derivative, and gets NaN.
  private func overTriangle(_ x: Value) -> Value {
    guard triangle.isValid else { return triangle }
    let columns = AxisSet([triangle.shape.rank - 2])
    let lengths = builder.stretch(triangle.norm(over: columns), over: columns, to: triangle.shape)
    let rounding = lengths * (Double(triangle.shape[triangle.shape.rank - 1]) * Double.ulpOfOne)
    let isNothing = triangle.emit(.abs).emit(.lessEqual, rounding).emit(.logicalAnd, builder.diagonalMask(of: triangle))
    let divisor = builder.select(isNothing, builder.zeros(triangle.type), triangle)
    let form = SolveForm(givesNaN: true)
    let solution = builder.emit(.triangularSolve, [divisor, builder.matrixTranspose(x)], .solve(form))[0]
    return builder.matrixTranspose(solution)
  }
}

extension GraphBuilder {
  /// - Parameter a: a stack of float64 matrices with at least as many rows as columns.
  func orthogonalFactors(_ a: Value) -> OrthogonalFactors {
    let factors = emit(.qr, a)
    guard factors.isValid else { return OrthogonalFactors(a: a, orthogonal: factors, triangle: factors) }
    let (m, n) = (a.shape[a.shape.rank - 2], a.shape[a.shape.rank - 1])
    return OrthogonalFactors(
      a: a, orthogonal: emit(.orthogonalFactor, [a, rows(factors, from: 0, count: m)], .none)[0],
      triangle: emit(.triangularFactor, [a, rows(factors, from: m, count: n)], .none)[0])
  }
}

extension RuledPrimitive {
  static let orthogonalFactor = RuledPrimitive("orthogonal_factor") { node in
    if node.operand(0).shape.isEmpty { return }
    node.accumulate(node.builder.orthogonalFactors(node.operand(0)).pulledBackFromOrthogonal(node.ct), 0)
  }

  static let triangularFactor = RuledPrimitive("triangular_factor") { node in
    if node.operand(0).shape.isEmpty { return }
    node.accumulate(node.builder.orthogonalFactors(node.operand(0)).pulledBackFromTriangle(node.ct), 0)
  }
}

struct QROperation: Operation {
  let reference = OperationReference(
    name: "qr",
    summary: "A matrix as the product of one with orthogonal columns and an upper triangle, in its short form.",
    formula: "a = q r", operands: ["a"], results: ["q", "r"], dtypes: .floating,
    shapeRule: "q […, m, k], r […, k, n], for a […, m, n] and k the smaller of m and n",
    derivative:
      "a: (ct of q + q Φ(r (ct of r)ᵀ - (ct of q)ᵀ q)) r⁻ᵀ, Φ being the lower triangle with its mirror image; "
      + "a with more columns than rows: of the first m columns, the others being q r there",
    conventions: [
      "r's diagonal has the signs that LAPACK gives it, mostly negative",
      "the gradient is NaN where the first k columns depend on each other", "NaN or Infinity in a gives NaN throughout",
      factorizedInDouble,
    ],
    otherNames: ["geqrf", "qr_decomposition"],
    samples: [[3, 3], [4, 2], [2, 3], [2, 5, 2], [1, 1], [0, 3], [3, 0]].map { OperationSample([$0], results: 2) },
    domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (m, n) = try call.matrix()
    let builder = call.builder
    return call.allInDouble { operands in
      let a = operands[0]
      if m >= n {
        let factors = builder.orthogonalFactors(a)
        return [factors.orthogonal, factors.triangle]
      }
      let axis = a.shape.rank - 1
      let parts = builder.split(a, sizes: [m, n - m], axis: axis)
      guard parts.count == 2 else { return parts }
      let factors = builder.orthogonalFactors(parts[0])
      let others = builder.product(builder.matrixTranspose(factors.orthogonal), parts[1])
      return [factors.orthogonal, builder.concat([factors.triangle, others], axis: axis)]
    }
  }
}

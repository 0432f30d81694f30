/// The singular value decomposition a = U S Vᵀ of a stack of matrices, as differentiable values. All their nodes stand
/// on one call of LAPACK. a is m by n, k the smaller of both.
struct SingularSystem: Spectrum {
  let a: Value
  /// Descending: […, k].
  let values: Value
  /// As columns: […, m, k].
  let left: Value
  /// As columns: […, n, k].
  let right: Value

  private var builder: GraphBuilder { a.builder }
  private var count: Int { values.isValid ? values.shape[values.shape.rank - 1] : 0 }
  private var isTall: Bool { left.isValid && left.shape[left.shape.rank - 2] > count }
  private var isWide: Bool { right.isValid && right.shape[right.shape.rank - 2] > count }

  /// U diag(w) Vᵀ: the gradient of Σ w s.
  func sum(_ weights: Value) -> Value {
    let parts = builder.singularParts(a)
    let value = builder.congruence(builder.scaledColumns(parts.left, by: weights), parts.right)
    return builder.emit(.singularSum, [a, weights, value], .none)[0]
  }

  /// The diagonal of Uᵀ c V: the tangents of the singular values along c.
  func diagonal(_ c: Value) -> Value {
    guard c.isValid else { return c }
    let parts = builder.singularParts(a)
    let product = parts.left * builder.product(c, parts.right)
    guard product.isValid else { return product }
    let value = builder.sum(product, over: AxisSet([product.shape.rank - 2]))
    return builder.emit(.singularDiagonal, [a, c, value], .none)[0]
  }

  /// The tangent of U diag(w) Vᵀ along c with w held, which is also the cotangent of a for the cotangent c. Of Uᵀ c V
  /// the symmetric part has quotients of differences of the weights by those of the values, the other part of sums by
  /// sums; what lies outside of U or V has w / s.
  func slope(_ weights: Value, _ c: Value) -> Value {
    let quotients = Coalescence(values, weights: weights)
    let inner = builder.product(builder.matrixTranspose(left), c, right)
    let transposed = builder.matrixTranspose(inner)
    let parts = quotients.differences * (inner + transposed) + quotients.sums * (inner - transposed)
    // Linear in the weights and in c, as all else is: whatever is made of it is NaN, too.
    let corners = builder.scaledColumns(inner, by: weights * quotients.corners)
    var result = builder.congruence(left, parts * 0.5 + corners, right)
    if isTall {
      let outer = outside(left, builder.product(c, right))
      result = result + builder.congruence(builder.scaledColumns(outer, by: quotients.ratios), right)
    }
    if isWide {
      let outer = outside(right, builder.product(builder.matrixTranspose(c), left))
      result = result + builder.congruence(builder.scaledColumns(left, by: quotients.ratios), outer)
    }
    return result
  }

  /// The cotangent of a, given that of U; see J. Townsend, "Differentiating the singular value decomposition" (2016).
  func pulledBackFromLeft(_ ct: Value) -> Value {
    var factor = builder.product(left, rotation(left, ct))
    if isTall { factor = factor + builder.scaledColumns(outside(left, ct), by: reciprocals) }
    return builder.congruence(factor, right)
  }

  /// The cotangent of a, given that of V: the transpose of the same for aᵀ = V S Uᵀ.
  func pulledBackFromRight(_ ct: Value) -> Value {
    var factor = builder.product(right, rotation(right, ct))
    if isWide { factor = factor + builder.scaledColumns(outside(right, ct), by: reciprocals) }
    return builder.congruence(left, factor)
  }

  /// (uᵀ ct - ctᵀ u)[i, j] sⱼ / (sⱼ² - sᵢ²): infinite or NaN where values coincide. No square of a value is formed.
  private func rotation(_ vectors: Value, _ ct: Value) -> Value {
    let inner = builder.product(builder.matrixTranspose(vectors), ct)
    let scale = builder.spectralScale(values)
    let (own, other) = (builder.asColumns(values, count: count), builder.asRows(values, count: count))
    let differences = builder.withDiagonal(1, builder.distancesOfVectors(other - own, scale, count: count))
    let sums = builder.withDiagonal(1, builder.withoutRounding(other + own, scale, count: count))
    return builder.withDiagonal(0, (inner - builder.matrixTranspose(inner)) / differences * (other / sums))
  }

  /// 1 / s: infinite for what is nothing but rounding beside the largest.
  private var reciprocals: Value {
    builder.withoutRounding(values, builder.row(builder.spectralScale(values), 0), count: count).emit(.reciprocal)
  }

  /// What of x lies outside of the space of the vectors.
  private func outside(_ vectors: Value, _ x: Value) -> Value {
    x - builder.product(vectors, builder.product(builder.matrixTranspose(vectors), x))
  }
}

extension GraphBuilder {
  /// U, the singular values and V as they are computed, without derivatives.
  /// - Parameter a: a stack of float64 matrices.
  func singularParts(_ a: Value) -> (left: Value, values: Value, right: Value) {
    let factors = emit(.svd, a)
    guard factors.isValid else { return (factors, factors, factors) }
    let (m, n) = (a.shape[a.shape.rank - 2], a.shape[a.shape.rank - 1])
    return (rows(factors, from: 0, count: m), row(factors, m), rows(factors, from: m + 1, count: n))
  }

  /// - Parameter a: a stack of float64 matrices.
  func singular(_ a: Value) -> SingularSystem {
    let parts = singularParts(a)
    return SingularSystem(
      a: a, values: emit(.singularValues, [a, parts.values], .none)[0],
      left: emit(.leftVectors, [a, parts.left], .none)[0],
      right: emit(.rightVectors, [a, parts.right], .none)[0])
  }
}

extension Pullback {
  /// The decomposition of the first operand; nil if there is nothing to differentiate.
  fileprivate var singular: SingularSystem? { operand(0).shape.isEmpty ? nil : builder.singular(operand(0)) }
}

extension RuledPrimitive {
  static let singularValues = RuledPrimitive("singular_values") { node in
    if let system = node.singular { node.accumulate(system.sum(node.ct), 0) }
  }

  static let leftVectors = RuledPrimitive("left_vectors") { node in
    if let system = node.singular { node.accumulate(system.pulledBackFromLeft(node.ct), 0) }
  }

  static let rightVectors = RuledPrimitive("right_vectors") { node in
    if let system = node.singular { node.accumulate(system.pulledBackFromRight(node.ct), 0) }
  }

  static let singularSum = spectralSum("singular_sum") { $0.singular }
  static let singularDiagonal = spectralDiagonal("singular_diagonal") { $0.singular }
}

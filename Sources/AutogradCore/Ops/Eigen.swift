/// Eigenvalues and eigenvectors of symmetric matrices, as differentiable values. All their nodes stand on one call of
/// LAPACK.
struct EigenSystem: Spectrum {
  let a: Value
  /// Ascending: […, n].
  let values: Value
  /// As columns: […, n, n].
  let vectors: Value
  /// The same without a derivative, for values whose own is stated.
  let constants: Value

  private var builder: GraphBuilder { a.builder }
  private var count: Int { values.isValid ? values.shape[values.shape.rank - 1] : 0 }

  /// V diag(w) Vᵀ: the gradient of Σ w λ.
  func sum(_ weights: Value) -> Value {
    let value = builder.congruence(builder.scaledColumns(constants, by: weights), constants)
    return builder.emit(.eigenSum, [a, weights, value], .none)[0]
  }

  /// The diagonal of Vᵀ c V: the tangents of the eigenvalues along c.
  func diagonal(_ c: Value) -> Value {
    guard c.isValid else { return c }
    let product = constants * builder.product(c, constants)
    guard product.isValid else { return product }
    let value = builder.sum(product, over: AxisSet([product.shape.rank - 2]))
    return builder.emit(.eigenDiagonal, [a, c, value], .none)[0]
  }

  /// The tangent of V diag(w) Vᵀ along c with w held, which is also the cotangent of a for the cotangent c: its
  /// quotients of differences are those of the weights by the values.
  func slope(_ weights: Value, _ c: Value) -> Value {
    // Equal weights of all values: V Vᵀ times them, whatever the values are.
    if builder.isRepeated(weights) { return c * builder.asRows(values.emit(.zeroOf), count: count) }
    let inner = builder.product(builder.matrixTranspose(vectors), c, vectors)
    return builder.congruence(vectors, Coalescence(values, weights: weights).differences * inner, vectors)
  }

  /// The cotangent of a, given that of the eigenvectors: V (F ∘ Vᵀ ct) Vᵀ with F = 1 / (λⱼ - λᵢ). Eigenvectors of equal
  /// values have no derivative: F is infinite there.
  func pulledBackFromVectors(_ ct: Value) -> Value {
    let inner = builder.product(builder.matrixTranspose(vectors), ct)
    let gaps = builder.asRows(values, count: count) - builder.asColumns(values, count: count)
    let distances = builder.distancesOfVectors(gaps, builder.spectralScale(values), count: count)
    let quotients = builder.withDiagonal(0, inner / builder.withDiagonal(1, distances))
    return builder.congruence(vectors, quotients, vectors)
  }
}

extension GraphBuilder {
  /// - Parameter a: a stack of symmetric float64 matrices.
  func eigen(_ a: Value) -> EigenSystem {
    let factors = emit(.eigen, a)
    guard factors.isValid else { return EigenSystem(a: a, values: factors, vectors: factors, constants: factors) }
    let n = a.shape[a.shape.rank - 1]
    let vectors = rows(factors, from: 0, count: n)
    return EigenSystem(
      a: a, values: emit(.eigenvalues, [a, row(factors, n)], .none)[0],
      vectors: emit(.eigenvectors, [a, vectors], .none)[0], constants: vectors)
  }
}

extension Pullback {
  /// The eigenvalues and eigenvectors of the first operand; nil if there is nothing to differentiate.
  fileprivate var eigen: EigenSystem? { operand(0).shape.isEmpty ? nil : builder.eigen(operand(0)) }
}

extension RuledPrimitive {
  static let eigenvalues = RuledPrimitive("eigenvalues") { node in
    if let system = node.eigen { node.accumulate(system.sum(node.ct), 0) }
  }

  static let eigenvectors = RuledPrimitive("eigenvectors") { node in
    if let system = node.eigen { node.accumulate(system.pulledBackFromVectors(node.ct), 0) }
  }

  static let eigenSum = spectralSum("eigen_sum") { $0.eigen }
  static let eigenDiagonal = spectralDiagonal("eigen_diagonal") { $0.eigen }
}

private let eigenSamples = [
  OperationSample([[3, 3]]), OperationSample([[2, 2, 2]]), OperationSample([[1, 1]]), OperationSample([[0, 0]]),
]

private let eigenConventions = [
  "computed on (a + aᵀ)/2, so the gradient is symmetric", "NaN or Infinity in a gives NaN throughout",
  factorizedInDouble, "at most 512 rows",
]

extension OperationCall {
  /// The eigenvalues and vectors of the symmetric part of the operand.
  fileprivate func eigen(_ parts: (EigenSystem) -> [Value]) throws(GraphError) -> [Value] {
    let n = try squareMatrix()
    try checkDecomposition(rows: n, columns: n)
    return allInDouble { operands in
      let a = operands[0]
      return parts(builder.eigen(a * 0.5 + builder.matrixTranspose(a) * 0.5))
    }
  }
}

struct EigenOperation: Operation {
  let reference = OperationReference(
    name: "eigh",
    summary: "Eigenvalues and eigenvectors of a symmetric matrix.",
    formula: "a = vectors diag(values) vectorsᵀ", operands: ["a"], results: ["values", "vectors"], dtypes: .floating,
    shapeRule: "values […, n], vectors […, n, n], for a […, n, n]",
    derivative: "a: V (diag(ct of values) + F ∘ (Vᵀ ct of vectors)) Vᵀ with F[i, j] = 1 / (λⱼ - λᵢ), made symmetric",
    conventions: eigenConventions + [
      "eigenvalues ascend; eigenvectors are columns, of length 1, with the sign that LAPACK gives them",
      "values have their gradient everywhere; what is the same when values are exchanged (a sum of a function of them) "
        + "has its second derivative where values coincide, too; third and higher derivatives are NaN there, and "
        + blurredDerivatives,
      "vectors of values that coincide have no derivative: it is NaN or infinite there; within 1e-10 of the largest "
        + "value it "
        + "is NaN, the second derivative within 1e-5, the third within 5e-4, where rounding leaves no digits of them",
    ],
    otherNames: ["symeig", "syevd", "eigensystem", "self_adjoint_eig"],
    samples: eigenSamples.map { OperationSample($0.shapes, results: 2) }, domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] { try call.eigen { [$0.values, $0.vectors] } }
}

struct EigenvaluesOperation: Operation {
  let reference = OperationReference(
    name: "eigvalsh",
    summary: "Eigenvalues of a symmetric matrix.",
    formula: "λ₁ ≤ λ₂ ≤ …, the roots of det(a - λ)", operands: ["a"], results: ["values"], dtypes: .floating,
    shapeRule: "[…, n] for a […, n, n]", derivative: "a: V diag(ct) Vᵀ with V the eigenvectors",
    conventions: eigenConventions + [
      "where values coincide, a cotangent that is the same for them has a gradient that does not depend on the choice "
        + "of vectors",
      "what is the same when values are exchanged (a sum of a function of them) has its second derivative there, too, "
        + "but forwards over forwards; that and third derivatives are NaN or infinite, and " + blurredDerivatives,
    ],
    otherNames: ["eigenvalues", "syev"], samples: eigenSamples, domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] { try call.eigen { [$0.values] } }
}

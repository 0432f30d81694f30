private let singularConventions = [
  "singular values descend", "NaN or Infinity in a gives NaN throughout", factorizedInDouble,
  "at most 512 rows or columns, whichever are fewer",
]

private let cornerOfSingularValues =
  "a value of 0 has the gradient u vhᵀ of its vectors, one of those between -u vhᵀ and u vhᵀ that its corner allows; a "
  + "function with such a corner, as the sum of all values has, has NaN or Infinity as second derivative there"

private let singularSamples = [
  OperationSample([[3, 3]]), OperationSample([[4, 2]]), OperationSample([[2, 3]]), OperationSample([[2, 5, 2]]),
  OperationSample([[1, 1]]), OperationSample([[0, 3]]), OperationSample([[3, 0]]),
]

extension OperationCall {
  fileprivate func singular(_ parts: (SingularSystem) -> [Value]) throws(GraphError) -> [Value] {
    let (m, n) = try matrix()
    try checkDecomposition(rows: m, columns: n)
    return allInDouble { parts(builder.singular($0[0])) }
  }
}

struct SVDOperation: Operation {
  let reference = OperationReference(
    name: "svd",
    summary: "The singular value decomposition of a matrix, in its short form.",
    formula: "a = u diag(s) vh", operands: ["a"], results: ["u", "s", "vh"], dtypes: .floating,
    shapeRule: "u […, m, k], s […, k], vh […, k, n], for a […, m, n] and k the smaller of m and n",
    derivative: "a: u diag(ct of s) vh, and those of u and vh with 1 / (sⱼ² - sᵢ²) and, unless a is square, 1 / s",
    conventions: singularConventions + [
      "columns of u and rows of vh have the signs that LAPACK gives them",
      "s has its gradient everywhere, and what is the same when values are exchanged (a sum of a function of them) "
        + "has its "
        + "second derivative where values coincide, too; where they are 0, if the function is even; third and higher "
        + "derivatives are NaN there, and " + blurredDerivatives,
      cornerOfSingularValues,
      "u and vh of values that coincide, and of 0 unless a is square, have no derivative: it is NaN or infinite there",
    ],
    otherNames: ["gesvd", "gesdd", "singular_value_decomposition"],
    samples: singularSamples.map { OperationSample($0.shapes, results: 3) }, domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    try call.singular { [$0.left, $0.values, call.builder.matrixTranspose($0.right)] }
  }
}

struct SingularValuesOperation: Operation {
  let reference = OperationReference(
    name: "svdvals",
    summary: "The singular values of a matrix.",
    formula: "s₁ ≥ s₂ ≥ …, with s² the eigenvalues of aᵀ a", operands: ["a"], results: ["s"], dtypes: .floating,
    shapeRule: "[…, k] for a […, m, n] and k the smaller of m and n", derivative: "a: u diag(ct) vh",
    conventions: singularConventions + [
      "where values coincide, a cotangent that is the same for them has a gradient that does not depend on the choice "
        + "of vectors",
      "what is the same when values are exchanged (a sum of a function of them) has its second derivative there, too, "
        + "and at 0 if the function is even, but forwards over forwards; that and third derivatives are NaN or "
        + "infinite, "
        + "and " + blurredDerivatives,
      cornerOfSingularValues,
    ],
    otherNames: ["singular_values"], samples: singularSamples, domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] { try call.singular { [$0.values] } }
}

struct MatrixRankOperation: Operation {
  let reference = OperationReference(
    name: "matrix_rank",
    summary: "How many singular values of a matrix are not 0 but for rounding.",
    formula: "y = number of s > rtol · the largest s", operands: ["a"], attributes: [relativeTolerance],
    dtypes: .floating,
    shapeRule: "that of a without the last two axes, int64", derivative: "none: the result is an integer",
    conventions: [
      "NaN or Infinity in a gives 0", factorizedInDouble, "at most 512 rows or columns, whichever are fewer",
    ],
    samples: [
      OperationSample([[3, 3]]), OperationSample([[2, 4, 2]], ["rtol": .number(0.5)]), OperationSample([[0, 2]]),
    ], domain: -1...1)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (m, n) = try call.matrix()
    try call.checkDecomposition(rows: m, columns: n)
    let tolerance = try call.relativeTolerance()
    let (builder, stack) = (call.builder, call.x.shape.axes(0..<(call.x.shape.rank - 2)))
    if min(m, n) == 0 { return [builder.zeros(TensorType(.int64, stack))] }
    let a = call.x.dtype == .float64 ? call.x : builder.emit(.cast, call.x, .dtype(.float64))
    let isCounted = builder.isAboveRounding(builder.singularParts(a).values, tolerance)
    return [builder.sum(builder.emit(.cast, isCounted, .dtype(.int64)), over: AxisSet([stack.rank]))]
  }
}

let relativeTolerance = AttributeReference(
  "rtol", .number, default: "null",
  "singular values up to this part of the largest count as 0; null for the larger of rows and columns times the "
    + "distance "
    + "of 1 to the next number of the dtype")

extension OperationCall {
  /// The attribute `rtol`, or its default for the matrices of the first operand.
  func relativeTolerance() throws(GraphError) -> Double {
    guard let given = number("rtol") else {
      let (m, n) = try matrix()
      return Double(max(m, n)) * (x.dtype == .float32 ? Double(Float.ulpOfOne) : Double.ulpOfOne)
    }
    guard given >= 0 else { throw invalid("rtol", "rtol must not be negative, got \(given)") }
    return given
  }
}

extension GraphBuilder {
  /// Which of the singular values are larger than a part of the largest, which stands first.
  /// - Precondition: there is at least one.
  func isAboveRounding(_ values: Value, _ tolerance: Double) -> Value {
    guard values.isValid else { return values }
    let last = values.shape.rank - 1
    var window = Window(whole: values.shape)
    window.sizes[last] = 1
    let largest = broadcast(slice(values, window), to: values.shape)
    return (largest * tolerance).emit(.less, values)
  }
}

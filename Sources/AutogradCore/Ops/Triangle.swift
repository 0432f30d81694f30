/// `tril` and `triu`: a comparison of row and column numbers selects; nothing is multiplied, so that a NaN on the other
/// side vanishes.
struct TriangleOperation: Operation {
  let reference: OperationReference
  private let isLower: Bool

  static let lower = TriangleOperation(
    isLower: true, name: "tril", summary: "The lower triangle of a matrix, zeros above it.", condition: "j ≤ i + k",
    otherNames: ["lower_triangle"])
  static let upper = TriangleOperation(
    isLower: false, name: "triu", summary: "The upper triangle of a matrix, zeros below it.", condition: "j ≥ i + k",
    otherNames: ["upper_triangle", "trilu"])

  private init(isLower: Bool, name: String, summary: String, condition: String, otherNames: [String]) {
    self.isLower = isLower
    reference = OperationReference(
      name: name, summary: summary, formula: "y[i, j] = x[i, j] if \(condition) else 0", operands: ["x"],
      attributes: [
        AttributeReference(
          "k", .integer, default: "0", "the last diagonal that is kept: 0 the main one, 1 the next above, -1 below")
      ],
      dtypes: .any, shapeRule: "that of x, of whose last two axes each pair is a matrix",
      derivative: "x: the same triangle of ct",
      conventions: ["elements outside are selected away, never multiplied: a NaN there becomes 0"],
      otherNames: otherNames,
      samples: [
        OperationSample([[3, 3]]), OperationSample([[2, 3]], ["k": .integer(1)]),
        OperationSample([[3, 2]], ["k": .integer(-1)]),
        OperationSample([[2, 2, 3]]), OperationSample([[2, 2]], ["k": .integer(9)]), OperationSample([[0, 2]]),
      ])
  }

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    _ = try call.matrix()
    return [call.builder.triangle(call.x, isLower: isLower, k: call.integer("k") ?? 0)]
  }
}

struct DiagonalOperation: Operation {
  let reference = OperationReference(
    name: "diagonal",
    summary: "A diagonal of a matrix.",
    formula: "y[i] = x[i, i + offset]", operands: ["x"],
    attributes: [diagonalOffset],
    dtypes: .any,
    shapeRule: "that of x, with the length of the diagonal in place of the last two axes",
    derivative: "x: zeros with ct on the diagonal", conventions: ["a diagonal outside of the matrix is empty"],
    otherNames: ["diag_part", "matrix_diag_part"], samples: diagonalSamples)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] { [try call.diagonal()] }
}

struct TraceOperation: Operation {
  let reference = OperationReference(
    name: "trace",
    summary: "Sum of a diagonal of a matrix.",
    formula: "y = Σ x[i, i + offset]", operands: ["x"],
    attributes: [diagonalOffset],
    dtypes: .any,
    shapeRule: "that of x without the last two axes", derivative: "x: zeros with ct everywhere on the diagonal",
    conventions: ["the dtype stays; bool is counted in int64", "a diagonal outside of the matrix has the sum 0"],
    samples: diagonalSamples)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let diagonal = try call.diagonal()
    let terms = diagonal.dtype == .bool ? call.builder.emit(.cast, diagonal, .dtype(.int64)) : diagonal
    return [call.builder.sum(terms, over: AxisSet([terms.shape.rank - 1]))]
  }
}

private let diagonalOffset = AttributeReference(
  "offset", .integer, default: "0", "which one: 0 the main one, 1 the next above, -1 below")
private let diagonalSamples = [
  OperationSample([[3, 3]]), OperationSample([[2, 4]], ["offset": .integer(1)]),
  OperationSample([[3, 2]], ["offset": .integer(-1)]),
  OperationSample([[2, 2, 3]]), OperationSample([[2, 2]], ["offset": .integer(5)]), OperationSample([[0, 2]]),
]

extension OperationCall {
  fileprivate func diagonal() throws(GraphError) -> Value {
    _ = try matrix()
    return builder.diagonal(x, offset: integer("offset") ?? 0)
  }
}

extension GraphBuilder {
  /// 0, 1, …, count - 1 in int64.
  ///
  /// Long vectors are put together while the plan runs, from digits to base 1024: building a graph must not take memory
  /// that admission has not seen, whatever the shapes in it.
  func indexVector(_ count: Int) -> Value {
    let base = 1024
    var lengths = [count]
    while let length = lengths.last, length > base { lengths.append((length + base - 1) / base) }
    var vector = shortIndexVector(lengths.removeLast())
    for length in lengths.reversed() {
      let rows = vector.shape[0]
      let shape: Shape = [rows, base]
      let high = emit(.mul, vector, broadcast(constant(Scalar(Int64(base))), to: [rows]))
      let sum = emit(
        .add, broadcast(reshape(high, to: [rows, 1]), to: shape), broadcast(shortIndexVector(base), to: shape))
      var window = Window(whole: [rows * base])
      window.sizes[0] = length
      vector = slice(reshape(sum, to: [rows * base]), window)
    }
    return vector
  }

  /// One constant for each length, however often it is used.
  private func shortIndexVector(_ count: Int) -> Value {
    if let known = indexVectors[count] { return value(known) }
    let vector = constant(Tensor((0..<count).map { Int64($0) }, shape: [count]))
    indexVectors[count] = vector.id
    return vector
  }
}

/// `diag_embed` and `diag`: vectors on the diagonals of matrices.
struct DiagonalEmbedOperation: Operation {
  let reference: OperationReference
  private let takesMatrices: Bool

  private static let offset = AttributeReference(
    "offset", .integer, default: "0", "which diagonal: 0 the main one, 1 the next above, -1 below")

  static let embed = DiagonalEmbedOperation(
    takesMatrices: false,
    OperationReference(
      name: "diag_embed", summary: "Matrices of zeros with the vectors along the last axis on a diagonal.",
      formula: "y[i, i + offset] = x[i], else 0", operands: ["x"], attributes: [offset], dtypes: .any,
      shapeRule: "that of x with [m, m] in place of the last axis of size n, m = n + |offset|",
      derivative: "x: the diagonal of ct",
      otherNames: ["matrix_diag", "batch_diag", "diagflat"],
      samples: [
        OperationSample([[3]]), OperationSample([[2]], ["offset": .integer(1)]),
        OperationSample([[2, 3]], ["offset": .integer(-2)]),
        OperationSample([[2, 0]]), OperationSample([[0]], ["offset": .integer(2)]),
      ]))

  static let diag = DiagonalEmbedOperation(
    takesMatrices: true,
    OperationReference(
      name: "diag", summary: "A vector as the diagonal of a matrix, or the diagonal of a matrix as a vector.",
      formula: "y[i, i + offset] = x[i], else 0; y[i] = x[i, i + offset] for a matrix", operands: ["x"],
      attributes: [offset], dtypes: .any,
      shapeRule: "[m, m] for a vector of n elements, m = n + |offset|; the length of the diagonal for a matrix",
      derivative: "x: the diagonal of ct, or zeros with ct on the diagonal",
      conventions: [
        "one or two axes: for stacks diag_embed and diagonal", "a diagonal outside of the matrix is empty",
      ],
      otherNames: ["spdiags"],
      samples: [
        OperationSample([[3]]), OperationSample([[2]], ["offset": .integer(-1)]), OperationSample([[3, 3]]),
        OperationSample([[2, 4]], ["offset": .integer(1)]), OperationSample([[2, 2]], ["offset": .integer(5)]),
        OperationSample([[0]]),
      ]))

  private init(takesMatrices: Bool, _ reference: OperationReference) {
    self.takesMatrices = takesMatrices
    self.reference = reference
  }

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, shape) = (call.builder, call.x.shape)
    let offset = call.integer("offset") ?? 0
    if takesMatrices && shape.rank == 2 { return [builder.diagonal(call.x, offset: offset)] }
    guard takesMatrices ? shape.rank == 1 : shape.rank >= 1 else {
      let takes = takesMatrices ? "a vector or a matrix" : "vectors, with one axis or more"
      throw GraphError(.shapeMismatch, "takes \(takes); {0} has shape \(shape)", at: .operand(0))
    }
    let count = shape[shape.rank - 1]
    let stack = shape.axes(0..<(shape.rank - 1))
    _ = try call.checkedRank(shape.rank + 1)
    guard offset.magnitude <= UInt(Shape.maximumElementCount) else {
      throw GraphError(
        .limitExceeded, "offset \(offset) makes a matrix of more than \(Shape.maximumElementCount) elements",
        at: .attribute("offset"), limit: .elements(Shape.maximumElementCount), value: Int.max)
    }
    let distance = abs(offset)
    let size = count + distance
    do throws(GraphError) {
      // The matrix flattened is on the way, in which sizes of 0 elsewhere do not count.
      let result = try Shape(checking: stack.array + [size, size])
      try builder.checkLimits(result)
    } catch {
      throw error.with(place: .attribute("offset"))
    }
    guard call.x.isValid else { return [call.x] }
    var window = Window(whole: stack.appending([size * size]))
    window.sizes[stack.rank] = count
    window.starts[stack.rank] = count == 0 ? 0 : offset >= 0 ? distance : distance * size
    window.steps[stack.rank] = count > 1 ? size + 1 : 1
    return [builder.reshape(builder.emit(.unslice, call.x, .window(window)), to: stack.appending([size, size]))]
  }
}

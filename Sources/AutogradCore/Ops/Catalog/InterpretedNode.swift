/// A node as the interpreter shows it to its primitive.
public struct InterpretedNode {
  public let operands: [Tensor]
  public let resultTypes: [TensorType]
  public let attributes: Attributes
  let customOperations: [any CustomOperation]
}

extension InterpretedNode {
  /// The function on each matrix of a stack of its own.
  func matrixByMatrix(_ function: MatrixFunction, _ x: Tensor, right: Tensor? = nil, form: SolveForm = SolveForm())
    throws(GraphError)
    -> [Tensor]
  {
    let type = resultTypes[0]
    let n = x.shape[x.shape.rank - 1]
    let m = right.map { $0.shape[$0.shape.rank - 1] } ?? x.shape[x.shape.rank - 2]
    let count = x.shape.axes(0..<(x.shape.rank - 2)).elementCount
    let scratch = Tensor(repeating: 0.0, shape: [function.scratchByteCount(n: n, m: m) / DType.float64.byteWidth])
    var refused: GraphError?
    let result = Tensor(type) { base in
      for matrix in 0..<count where refused == nil {
        let y = right.map { $0.storage.base + matrix * n * m * DType.float64.byteWidth } ?? scratch.storage.base
        refused = function.run(
          n: n, m: m, form, base + matrix * (type.byteCount / count),
          x.storage.base + matrix * (x.type.byteCount / count), y, .never
        )?.error(matrix: count > 1 ? matrix : nil)
      }
    }
    if let refused { throw refused }
    return [result]
  }
}

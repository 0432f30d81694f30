/// What operations on square matrices share.

/// A sentence of their documentation.
let factorizedInDouble = "float32 is factorised in double precision"

extension TypeInference {
  /// Checks the operands of a primitive that works matrix by matrix: float64, square where asked for, stacks of one
  /// shape.
  func checkMatrices(squareOperands: [Int], factors: Int? = nil, right: Int? = nil, count: Int) throws(GraphError) {
    guard operandCount == count,
      (0..<count).allSatisfy({ operand($0).dtype == .float64 && operand($0).shape.rank >= 2 })
    else {
      throw fault("\(count) stacks of float64 matrices are expected")
    }
    let shape = operand(squareOperands[0]).shape
    let stack = shape.axes(0..<(shape.rank - 2))
    let n = shape[shape.rank - 1]
    func fits(_ operand: Int, rows: Int, columns: Int?) -> Bool {
      let other = self.operand(operand).shape
      return other.rank == shape.rank && other.axes(0..<(other.rank - 2)) == stack && other[other.rank - 2] == rows
        && (columns == nil || other[other.rank - 1] == columns)
    }
    guard squareOperands.allSatisfy({ fits($0, rows: n, columns: n) }),
      factors.map({ fits($0, rows: n + 3, columns: n) }) ?? true,
      right.map({ fits($0, rows: n, columns: nil) }) ?? true
    else { throw fault("stacks of matrices that fit are expected, got \((0..<count).map(operand))") }
    // LAPACK counts in 32 bits.
    let widest = right.map { operand($0).shape.last ?? 0 } ?? 0
    guard widest <= Int(Int32.max) else {
      throw GraphError(
        .limitExceeded, "\(widest) right sides are too many", limit: .elements(Int(Int32.max)), value: widest)
    }
  }
}

extension OperationCall {
  /// Rows and columns of the matrices that stand in the last two axes of the first operand.
  func matrix() throws(GraphError) -> (rows: Int, columns: Int) {
    let shape = x.shape
    guard shape.rank >= 2 else {
      throw GraphError(.shapeMismatch, "takes matrices, with two axes or more; {0} has shape \(shape)", at: .operand(0))
    }
    return (shape[shape.rank - 2], shape[shape.rank - 1])
  }

  /// Rows, which are as many as columns, of the matrices that stand in the last two axes of the first operand.
  func squareMatrix() throws(GraphError) -> Int {
    let (rows, columns) = try matrix()
    guard rows == columns else {
      throw GraphError(.shapeMismatch, "takes square matrices; {0} has shape \(x.shape)", at: .operand(0))
    }
    return rows
  }

  /// The second operand as the right side of equations whose matrices, of so many rows, are the first: as columns, with
  /// what the leading axes of both broadcast to. Of one axis it is a vector, and stands for one column.
  func rightSide(rows: Int) throws(GraphError) -> (column: Shape, stack: Shape, isVector: Bool) {
    let (aShape, bShape) = (operands[0].shape, operands[1].shape)
    let isVector = bShape.rank == 1
    guard bShape.rank >= 1, bShape[isVector ? 0 : bShape.rank - 2] == rows else {
      throw GraphError(
        .shapeMismatch,
        "{1} is \(bShape), where \(rows) rows are needed as in {0}, which is \(aShape)"
          + (bShape.rank > 1 ? "; only a {1} of one axis is a vector, others are matrices" : ""), at: .operand(1))
    }
    let column: Shape = isVector ? [rows, 1] : bShape
    guard let stack = Shape.broadcast(aShape.axes(0..<(aShape.rank - 2)), column.axes(0..<(column.rank - 2))) else {
      throw GraphError(
        .shapeMismatch, "leading axes do not broadcast: {0} is \(aShape), {1} is \(bShape)", at: .operand(1))
    }
    return (column, stack, isVector)
  }

  /// Computes on the operands in float64 and brings the result back to their dtype.
  func inDouble(_ body: ([Value]) -> Value) -> Value { allInDouble { [body($0)] }[0] }

  /// The same for several results.
  func allInDouble(_ body: ([Value]) -> [Value]) -> [Value] {
    guard let faulty = operands.first(where: { !$0.isValid }) ?? operands.first else { return [builder.value(-1)] }
    guard faulty.isValid else { return [faulty] }
    let dtype = faulty.dtype
    if dtype == .float64 { return body(operands) }
    let results = body(operands.map { builder.emit(.cast, $0, .dtype(.float64)) })
    return results.map { $0.isValid ? builder.emit(.cast, $0, .dtype(dtype)) : $0 }
  }
}

extension GraphBuilder {
  /// True on the diagonal of an n by n matrix: a comparison of positions, so that nothing large exists before it is
  /// admitted.
  func diagonalMask(_ n: Int) -> Value {
    let positions = indexVector(n)
    let square: Shape = [n, n]
    return emit(.equal, broadcast(reshape(positions, to: [n, 1]), to: square), broadcast(positions, to: square))
  }

  /// A diagonal of each matrix of a stack: every (columns + 1)-th element of the flattened matrix, a layout where that
  /// has no gaps.
  func diagonal(_ matrices: Value, offset given: Int) -> Value {
    guard matrices.isValid else { return matrices }
    let shape = matrices.shape
    let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
    let offset = min(max(given, -rows), columns)
    let length = offset >= 0 ? min(rows, columns - offset) : min(rows + offset, columns)
    let stack = shape.axes(0..<(shape.rank - 2))
    var window = Window(whole: stack.appending([rows * columns]))
    window.sizes[stack.rank] = length
    window.starts[stack.rank] = length == 0 ? 0 : offset >= 0 ? offset : -offset * columns
    window.steps[stack.rank] = length > 1 ? columns + 1 : 1
    return slice(reshape(matrices, to: window.whole), window)
  }

  /// Whether an element of a matrix lies in its lower (upper) triangle, `k` diagonals above the main one and all beyond
  /// them included.
  func triangleMask(rows: Int, columns: Int, isLower: Bool, k: Int) -> Value {
    let matrix: Shape = [rows, columns]
    let offset = broadcast(constant(Scalar(Int64(min(max(k, -rows), columns)))), to: [rows])
    let row = broadcast(reshape(emit(.add, indexVector(rows), offset), to: [rows, 1]), to: matrix)
    let column = broadcast(indexVector(columns), to: matrix)
    return isLower ? emit(.lessEqual, column, row) : emit(.lessEqual, row, column)
  }

  /// A triangle of each matrix of a stack, zeros elsewhere: selected, never multiplied.
  func triangle(_ matrices: Value, isLower: Bool, k: Int = 0) -> Value {
    guard matrices.isValid else { return matrices }
    let shape = matrices.shape
    let mask = triangleMask(rows: shape[shape.rank - 2], columns: shape[shape.rank - 1], isLower: isLower, k: k)
    return select(broadcast(mask, to: shape), matrices, zeros(matrices.type))
  }
}

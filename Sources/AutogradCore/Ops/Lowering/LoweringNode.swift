import CKernels

/// A node being lowered: where its operands lie, and the means to place its results.
public struct LoweringNode {
  let lowering: Lowering
  let node: NodeID

  var attributes: Attributes { lowering.columns.attributes(of: node) }
  var operandCount: Int { lowering.columns.operandRange(node).count }

  func operand(_ index: Int) -> Placement { lowering.placements[Int(lowering.columns.operand(node, index))] }
  func operandType(_ index: Int) -> TensorType { lowering.columns.type(of: lowering.columns.operand(node, index)) }
  func resultType(_ index: Int = 0) -> TensorType {
    lowering.columns.type(of: lowering.columns.firstResult[Int(node)] + ValueID(index))
  }

  /// The result is a layout of memory that exists.
  func place(_ placement: Placement, result: Int = 0) {
    lowering.placements[Int(lowering.columns.firstResult[Int(node)]) + result] = placement
  }

  /// New row-major memory for a result.
  func allocate(_ result: Int = 0) -> Placement {
    let placement = lowering.allocate(resultType(result))
    place(placement, result: result)
    return placement
  }

  /// New row-major memory for what a node needs on the way.
  func allocate(_ type: TensorType) -> Placement { lowering.allocate(type) }

  /// The operand without gaps, copied if need be.
  func contiguous(_ index: Int) -> Placement {
    let type = operandType(index)
    if operand(index).isContiguous(type.shape) { return operand(index) }
    let copy = lowering.allocate(type)
    emitCopy(into: copy, operand(index), type)
    return copy
  }

  func emitCopy(into target: Placement, _ source: Placement, _ type: TensorType) {
    lowering.emitCopy(into: target, source, type, node)
  }

  func emitZero(into target: Placement, _ type: TensorType) {
    var zero = lowering.scalar(Scalar(0, as: type.dtype))
    zero.broadcast(from: [], to: type.shape)
    lowering.emitCopy(into: target, zero, type, node)
  }

  func emitUnary(_ function: ck_unary_op, into target: Placement, _ x: Placement) {
    lowering.emitElementwise(
      .unary, UInt8(function.rawValue), operandType(0).dtype, resultType().shape, target, x, x, node,
      steps: function.steps)
  }

  func emitBinary(_ function: ck_binary_op, into target: Placement, _ x: Placement, _ y: Placement) {
    lowering.emitElementwise(
      .binary, UInt8(function.rawValue), operandType(0).dtype, resultType().shape, target, x, y, node,
      steps: function.steps)
  }

  /// Where the condition is true the target takes x; elsewhere it keeps what it has.
  func emitSelect(into target: Placement, _ condition: Placement, _ x: Placement) {
    lowering.emitElementwise(.select, 0, resultType().dtype, resultType().shape, target, condition, x, node)
  }

  func emitCast(into target: Placement, _ x: Placement) {
    lowering.emitElementwise(
      .cast, resultType().dtype.rawValue, operandType(0).dtype, resultType().shape, target, x, x, node)
  }

  /// Reduces an operand over axes into a row-major target. Terms are taken in row-major order of the reduced axes;
  /// where these do not merge into one stride, the operand is first laid out with them together.
  func emitReduction(_ function: ck_reduce_op, into target: Placement, _ index: Int, over axes: AxisSet) {
    let type = operandType(index)
    var x = operand(index)
    let reduced = (0..<type.shape.rank).filter(axes.contains)
    let kept = (0..<type.shape.rank).filter { !axes.contains($0) }
    let keptSizes = Shape(kept.map { type.shape[$0] })
    var rowStride = 0
    if let merged = x.mergedStride(type.shape, reduced) {
      rowStride = merged
      x.strides = Shape(kept.map { x.strides[$0] })
    } else {
      let order = kept + reduced
      var permuted = x
      permuted.strides = Shape(order.map { x.strides[$0] })
      let shape = Shape(order.map { type.shape[$0] })
      x = lowering.allocate(TensorType(type.dtype, shape))
      emitCopy(into: x, permuted, TensorType(type.dtype, shape))
      rowStride = 1
      x.strides = x.strides.axes(0..<kept.count)
    }
    lowering.emitReduction(
      function, into: target, x, kept: keptSizes, rows: Shape(reduced.map { type.shape[$0] }).elementCount,
      rowStride: rowStride,
      type.dtype, node)
  }

  /// Runs along lines of the operands, backwards if asked: then all are walked from their far ends.
  ///
  /// - Parameter steps: elementary operations that each element takes.
  func emitScan(
    _ function: ck_scan_op, into target: Placement, _ x: Placement, _ y: Placement, _ scan: Scan, steps: Int = 1
  ) {
    let type = operandType(0)
    func directed(_ placement: Placement, _ byteWidth: Int) -> Placement {
      var result = placement
      if scan.reverse { result.cut(.reversing(scan.axis, of: type.shape), byteWidth: byteWidth) }
      return result
    }
    let width = type.dtype.byteWidth
    lowering.emitScan(
      function, into: directed(target, width), directed(x, width), directed(y, width), type.shape, axis: scan.axis,
      type.dtype, node,
      steps: steps)
  }

  /// Sorts lines, with scratch memory for the places of one.
  func emitArgsort(into target: Placement, _ axis: Int) {
    let type = operandType(0)
    // Nothing is sorted of a tensor without elements, however long its lines are.
    if type.shape.isEmpty { return }
    var scratch = lowering.allocate(TensorType(.int64, [type.shape[axis], 4]))
    scratch.strides = Shape(repeating: 0, rank: type.shape.rank)
    // An element goes through a few buckets, whatever the length.
    let steps = min(Int.bitWidth - type.shape[axis].leadingZeroBitCount, 16)
    lowering.emitScan(
      CK_ARGSORT, into: target, operand(0), scratch, type.shape, axis: axis, type.dtype, node, steps: steps)
  }

  /// The product of the operands. Where all rows of the left or all columns of the right matrices are one (a cotangent
  /// of ones, say), that one is multiplied, and the result repeats it as a layout.
  func emitMatMul() {
    let (x, y, type) = (operand(0), operand(1), resultType())
    let rank = type.shape.rank
    let (row, column) = (rank - 2, rank - 1)
    var computed = type
    if x.strides[row] == 0 { computed.shape[row] = min(type.shape[row], 1) }
    if y.strides[column] == 0 { computed.shape[column] = min(type.shape[column], 1) }
    let target = lowering.allocate(computed)
    func ofStack(_ placement: Placement) -> Placement {
      Placement(buffer: placement.buffer, offset: placement.offset, strides: placement.strides.axes(0..<row))
    }
    let product = Product(
      hasVector: type.shape[row] == 1 || type.shape[column] == 1,
      outer: lowering.loop(type.shape.axes(0..<row), ofStack(target), ofStack(x), ofStack(y)), m: computed.shape[row],
      n: computed.shape[column], k: operandType(0).shape[column], xRow: x.strides[row], xColumn: x.strides[column],
      yRow: y.strides[row],
      yColumn: y.strides[column])
    lowering.emitMatMul(product, into: target, x, y, type.dtype, node)
    var result = target
    if computed.shape[row] != type.shape[row] { result.strides[row] = 0 }
    if computed.shape[column] != type.shape[column] { result.strides[column] = 0 }
    place(result)
  }

  func emitCustom(_ operation: Int) {
    let operands = (0..<operandCount).map { (operandType($0), contiguous($0)) }
    let results = (0..<lowering.columns.resultRange(node).count).map { (resultType($0), allocate($0)) }
    lowering.emitCustom(operation, operands, results, node)
  }
}

extension Placement {
  /// The one stride by which several axes can be walked in row-major order, or nil.
  func mergedStride(_ shape: Shape, _ axes: [Int]) -> Int? {
    var stride: Int?
    var expected = 0
    for axis in axes.reversed() where shape[axis] != 1 {
      if stride == nil {
        stride = strides[axis]
      } else if strides[axis] != expected {
        return shape.isEmpty ? 0 : nil
      }
      expected = strides[axis] * shape[axis]
    }
    return stride ?? 0
  }
}

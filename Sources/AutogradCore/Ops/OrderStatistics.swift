import CKernels

/// `top_k` and `kthvalue`: elements by their rank along an axis, and where they stand.
struct RankOperation: Operation {
  let reference: OperationReference
  private let picksLargest: Bool

  static let topK = RankOperation(
    picksLargest: true,
    OperationReference(
      name: "top_k", summary: "The k largest elements along an axis, the largest first, and their indices.",
      formula: "values₀ >= values₁ >= …, values = x[indices]", operands: ["x"], results: ["values", "indices"],
      attributes: [
        AttributeReference("k", .integer, "how many, 0 to the size of the axis"),
        AttributeReference("axis", .integer, default: "-1", "the axis to search"),
      ],
      dtypes: .numeric, shapeRule: "both results: that of x with size k along the axis",
      derivative: "x: the ct of values at the indices, else 0; indices carry none",
      conventions: [
        "of ties the one with the lowest index comes first", "NaN counts as the largest, as in sort",
      ],
      otherNames: ["topk", "largest", "nlargest", "argpartition"],
      samples: [
        OperationSample([[2, 4]], ["k": .integer(2)], results: 2),
        OperationSample([[4, 2]], ["k": .integer(3), "axis": .integer(0)], results: 2),
        OperationSample([[2, 3, 2]], ["k": .integer(1), "axis": .integer(1)], results: 2),
        OperationSample([[3]], ["k": .integer(3)], results: 2),
        OperationSample([[2, 3]], ["k": .integer(0)], results: 2),
      ]))

  static let kthValue = RankOperation(
    picksLargest: false,
    OperationReference(
      name: "kthvalue", summary: "The k-th smallest element along an axis, and its index.",
      formula: "values = sort(x)[k - 1], values = x[indices]",
      operands: ["x"], results: ["values", "indices"],
      attributes: [
        AttributeReference("k", .integer, "which one, 1 for the smallest"),
        AttributeReference("axis", .integer, default: "-1", "the axis to search"),
        AttributeReference("keepdims", .boolean, default: "false", "keep the axis with size 1"),
      ],
      dtypes: .numeric, shapeRule: "both results: that of x without the axis, or with size 1 there if keepdims",
      derivative: "x: the ct of values at the index, else 0; indices carry none",
      conventions: [
        "k counts from 1", "ties are ranked by their indices", "NaN counts as the largest, as in sort",
      ],
      otherNames: ["kth_value", "kth", "nth_element", "order_statistic"],
      samples: [
        OperationSample([[2, 4]], ["k": .integer(2)], results: 2),
        OperationSample([[3, 2]], ["k": .integer(3), "axis": .integer(0)], results: 2),
        OperationSample(
          [[2, 3, 2]], ["k": .integer(1), "axis": .integer(-2), "keepdims": .boolean(true)], results: 2),
        OperationSample([[1]], ["k": .integer(1)], results: 2),
      ]))

  private init(picksLargest: Bool, _ reference: OperationReference) {
    self.picksLargest = picksLargest
    self.reference = reference
  }

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, x, shape) = (call.builder, call.x, call.x.shape)
    let axis = try call.axis(call.integer("axis") ?? -1, rank: shape.rank, of: "axis")
    let (k, size) = (call.integer("k") ?? 0, shape[axis])
    let least = picksLargest ? 0 : 1
    guard k >= least, k <= size else {
      throw call.invalid("k", "k must be from \(least) to \(size), the size of axis \(axis) of {0}, got \(k)")
    }
    let indices =
      picksLargest
      ? largest(x, k, axis) : builder.places(x, ofRanks: [k - 1], along: axis)
    let values = builder.emit(.gatherAlong, [x, indices], .along(axis: axis, size: size))[0]
    if picksLargest || call.boolean("keepdims", default: false) { return [values, indices] }
    let rest = shape.removing(AxisSet([axis]))
    return [builder.reshape(values, to: rest), builder.reshape(indices, to: rest)]
  }

  /// Sorted backwards and read backwards: so ties stand in the order of their indices, and NaN comes first.
  private func largest(_ x: Value, _ k: Int, _ axis: Int) -> Value {
    guard x.isValid else { return x }
    let (builder, size) = (x.builder, x.shape[axis])
    let backwards = builder.slice(x, .reversing(axis, of: x.shape))
    // Many ranks are the end of the sorted line; a constant that lists them would be as long.
    let last =
      k <= min(4096, size / 8)
      ? builder.places(backwards, ofRanks: Array((size - k)..<size), along: axis)
      : builder.part(builder.emit(.argsort, backwards, .axis(axis)), axis, from: size - k, count: k)
    guard last.isValid else { return last }
    let places = builder.slice(last, .reversing(axis, of: last.shape))
    return builder.emit(
      .sub, builder.broadcast(builder.constant(Scalar(Int64(max(size - 1, 0)))), to: places.shape), places)
  }
}

extension GraphBuilder {
  /// `count` positions along an axis, from the one with index `start` on.
  func part(_ value: Value, _ axis: Int, from start: Int, count: Int) -> Value {
    guard value.isValid else { return value }
    var window = Window(whole: value.shape)
    window.starts[axis] = count > 0 ? start : 0
    window.sizes[axis] = count
    return slice(value, window)
  }
}

/// `searchsorted`: how many elements of a sorted line are before each value.
struct SearchSortedOperation: Operation {
  let reference = OperationReference(
    name: "searchsorted",
    summary: "Where values would be inserted into a sorted line to keep it sorted.",
    formula: "y = least i with x[i] >= value, or x[i] > value for the side \"right\"", operands: ["sorted", "values"],
    attributes: [
      AttributeReference("side", .text, default: "\"left\"", "\"left\": before equal elements; \"right\": behind them")
    ],
    dtypes: .numeric,
    shapeRule: "that of values; sorted has one axis, or as many as values, all but the last of the same sizes",
    derivative: "none: the result is int64",
    conventions: [
      "sorted must ascend along its last axis, which is not checked",
      "NaN counts as the largest, as in sort",
    ],
    otherNames: ["search_sorted", "digitize", "bucketize", "bisect", "lower_bound"],
    samples: [
      OperationSample([[4], [3]]), OperationSample([[3], [2, 2]], ["side": .text("right")]),
      OperationSample([[2, 3], [2, 4]]),
      OperationSample([[3], []]), OperationSample([[0], [2]]), OperationSample([[2], [0]]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let builder = call.builder
    let (line, values) = (call.x.shape, call.y.shape)
    let side = call.text("side") ?? "left"
    guard side == "left" || side == "right" else {
      throw call.invalid("side", "side is \"left\" or \"right\", got \"\(side)\"")
    }
    guard line.rank > 0 else {
      throw GraphError(.shapeMismatch, "{0} is a scalar; a sorted line has an axis", at: .operand(0))
    }
    let stack = line.axes(0..<(line.rank - 1))
    guard line.rank == 1 || (values.rank == line.rank && values.axes(0..<(values.rank - 1)) == stack) else {
      throw GraphError(
        .shapeMismatch, "{0} is \(line), {1} is \(values): lines of several axes need values of the same leading sizes",
        at: .operand(1))
    }
    guard call.x.isValid, call.y.isValid else { return [call.x.isValid ? call.y : call.x] }
    let flat = line.rank == 1 ? Shape([values.elementCount]) : values
    let counts = builder.emit(side == "left" ? .searchLeft : .searchRight, builder.reshape(call.y, to: flat), call.x)
    return [builder.reshape(counts, to: values)]
  }
}

/// `search_left(values, line)`: how many elements of a line, which ascends along the last axis, are before each of the
/// values; `search_right`: before it or equal. By bisection, NaN being the largest.
struct SearchPrimitive: Primitive {
  let isRight: Bool
  var name: String { isRight ? "search_right" : "search_left" }
  var derivative: Derivative { .none }
  private var kernel: ck_scan_op { isRight ? CK_SEARCH_RIGHT : CK_SEARCH_LEFT }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 2, node.operand(0).dtype.isNumeric, node.operand(0).dtype == node.operand(1).dtype,
      node.operand(0).shape.rank >= 1, node.operand(0).shape.rank == node.operand(1).shape.rank,
      node.operand(0).shape.axes(0..<(node.operand(0).shape.rank - 1))
        == node.operand(1).shape.axes(0..<(node.operand(0).shape.rank - 1))
    else { throw node.fault("\(name) takes values and lines of one numeric dtype and the same leading sizes") }
    try node.result(node.operand(0).with(dtype: .int64))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    let target = node.allocate()
    let type = node.operandType(1)
    let (axis, size) = (type.shape.rank - 1, type.shape.last ?? 0)
    if node.resultType().shape.isEmpty { return }
    var line = node.operand(1)
    if size > 1, line.strides[axis] != 1 {
      line = node.allocate(type)
      node.emitCopy(into: line, node.operand(1), type)
    }
    // The kernel takes the step along the axis for the length of the line.
    line.strides[axis] = size
    node.emitScan(
      kernel, into: target, node.operand(0), line, Scan(axis: axis, reverse: false),
      steps: Int.bitWidth - size.leadingZeroBitCount)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let (values, lines) = (node.operands[0], node.operands[1])
    let (count, size, width) = (values.shape.last ?? 0, lines.shape.last ?? 0, values.dtype.byteWidth)
    guard let kernel = Kernels.scan(UInt8(kernel.rawValue), values.dtype) else {
      throw GraphError(.internal, "\(name) of \(values.dtype)")
    }
    return [
      Tensor(node.resultTypes[0]) { base in
        for line in 0..<(count == 0 ? 0 : values.elementCount / count) {
          kernel(
            count, base + line * count * 8, 1, values.storage.base + line * count * width, 1,
            lines.storage.base + line * size * width, size, nil)
        }
      }
    ]
  }
}

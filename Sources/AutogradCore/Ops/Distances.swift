/// `coincident`: what belongs to pairs of points of one set, as it is. A point less itself is 0 wherever it is, as is
/// its distance from itself: neither has a derivative, though that of a length at 0 has no bound.
struct CoincidentPrimitive: Primitive {
  let name = "coincident"

  let derivative = Derivative.pointwise([
    { ct, node in
      guard case .axes(let axes) = node.attributes, let row = axes.array.first, ct.isValid else { return ct }
      let (builder, shape) = (node.builder, node.x.shape)
      var square = Shape(repeating: 1, rank: shape.rank)
      for axis in axes.array { square[axis] = shape[axis] }
      let isItself = builder.broadcast(builder.reshape(builder.diagonalMask(shape[row]), to: square), to: shape)
      // What is NaN stays so.
      let isZero = isItself.emit(.logicalAnd, node.x.emit(.equal, node.x))
      return builder.select(isZero, builder.zeros(ct.type), ct)
    }
  ])

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .axes(let axes) = node.attributes, node.operandCount == 1, node.operand(0).dtype.isFloating,
      axes.array.count == 2, axes.array[1] < node.operand(0).shape.rank,
      node.operand(0).shape[axes.array[0]] == node.operand(0).shape[axes.array[1]]
    else { throw node.fault("coincident takes one floating operand and two axes of it of one size") }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.place(node.operand(0)) }
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] { node.operands }
}

extension Value {
  fileprivate func coincident(_ axis: Int) -> Value {
    isValid ? builder.emit(.coincident, self, .axes(AxisSet([axis, axis + 1]))) : self
  }
}

/// `cdist`: the lengths of all differences, so that it is as right as `norm`, near points and far ones alike.
struct DistanceOperation: Operation {
  let reference = OperationReference(
    name: "cdist",
    summary: "The distance of each point of x from each point of y.",
    formula: "z[i, j] = ‖x[i] - y[j]‖", operands: ["x", "y"], results: ["z"],
    attributes: [AttributeReference("p", .numberOrText, default: "2", "which norm: 1, 2 or \"Infinity\"")],
    dtypes: .floating,
    shapeRule: "[…, n, d] and […, m, d] give […, n, m]; leading axes broadcast",
    derivative: "x[i]: Σ over j of ct[i, j] times the derivative of norm at x[i] - y[j]; y[j]: the same, negated",
    conventions: [
      "at the distance 0 the gradient is 0, as that of norm",
      "of one value as x and y, a point's distance from itself is 0 with all its derivatives",
      "differences are formed first: no cancellation between near points",
      "all differences are formed: n m d elements",
    ],
    otherNames: ["pairwise_distance", "pairwise_distances", "distance_matrix", "pdist", "euclidean_distances"],
    samples: [
      OperationSample([[2, 3], [4, 3]]), OperationSample([[2, 3], [2, 3]], ["p": .integer(1)]),
      OperationSample([[2, 2], [3, 2]], ["p": .text("Infinity")]), OperationSample([[2, 2, 3], [1, 3, 3]]),
      OperationSample([[2, 1], [2, 1]]),
      OperationSample([[0, 2], [3, 2]]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, x, y) = (call.builder, call.x.shape, call.y.shape)
    for (index, shape) in [x, y].enumerated() where shape.rank < 2 {
      throw GraphError(
        .shapeMismatch, "{\(index)} has shape \(shape); points are the rows of a matrix", at: .operand(index))
    }
    guard x.last == y.last else {
      throw GraphError(
        .shapeMismatch, "{0} is \(x), {1} is \(y): points must have equally many coordinates", at: .operand(1))
    }
    _ = try call.checkedRank(max(x.rank, y.rank) + 1)
    var (rows, columns) = (x, y)
    rows.insert(1, at: x.rank - 1)
    columns.insert(1, at: y.rank - 2)
    guard let common = Shape.broadcast(rows, columns) else {
      throw GraphError(.shapeMismatch, "leading axes do not broadcast: {0} is \(x), {1} is \(y)", at: .operand(1))
    }
    try common.checkSize()
    let isOneSet = call.x.isValid && call.x == call.y
    let left = builder.broadcast(builder.reshape(call.x, to: rows), to: common)
    let right = builder.broadcast(builder.reshape(call.y, to: columns), to: common)
    guard let norm = OpCatalog.operation(named: "norm") else { return [] }
    let attributes: [String: AttributeValue] = ["ord": try order(call), "axis": .integer(-1)]
    guard isOneSet, case let rank = common.rank - 3 else {
      return try builder.apply(norm, [.value(left - right)], attributes)
    }
    let distances = try builder.apply(norm, [.value((left - right).coincident(rank))], attributes)
    return distances.map { $0.coincident(rank) }
  }

  private func order(_ call: OperationCall) throws(GraphError) -> AttributeValue {
    switch (call.number("p"), call.text("p")) {
    case (nil, nil), (2, nil): return .integer(2)
    case (1, nil): return .integer(1)
    case (.infinity, nil), (nil, "Infinity"): return .text("Infinity")
    case (let number, let text):
      let got = text.map { "\"\($0)\"" } ?? number.map { "\($0)" } ?? "null"
      throw call.invalid("p", "p is 1, 2 or \"Infinity\", got \(got)")
    }
  }
}

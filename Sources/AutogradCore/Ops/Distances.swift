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
    let left = builder.broadcast(builder.reshape(call.x, to: rows), to: common)
    let right = builder.broadcast(builder.reshape(call.y, to: columns), to: common)
    guard let norm = OpCatalog.operation(named: "norm") else { return [] }
    let attributes: [String: AttributeValue] = ["ord": try order(call), "axis": .integer(-1)]
    return try builder.apply(norm, [.value(left - right)], attributes)
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

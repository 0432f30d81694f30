struct ConcatOperation: Operation {
  let reference = OperationReference(
    name: "concat",
    summary: "Joins tensors along one axis.",
    formula: "y = x₀, x₁, … one behind the other along axis", operands: ["x0", "x1", "…"],
    attributes: [AttributeReference("axis", .integer, default: "0", "the axis along which they follow each other")],
    dtypes: .any,
    shapeRule: "that of the operands, which agree but along axis; there the sum of their sizes",
    derivative: "each operand: its own part of ct",
    conventions: ["one operand or more", "the operands have the same number of axes, at least one"],
    otherNames: ["concatenate", "cat", "append", "merge"],
    samples: [
      OperationSample([[2, 2], [1, 2]]), OperationSample([[2, 1], [2, 3], [2, 2]], ["axis": .integer(-1)]),
      OperationSample([[3]]), OperationSample([[0, 2], [2, 2]]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let first = call.x.shape
    let axis = try call.axis(call.integer("axis") ?? 0, rank: first.rank, of: "axis")
    var size = 0
    for (index, operand) in call.operands.enumerated() {
      let shape = operand.shape
      guard shape.rank == first.rank, (0..<first.rank).allSatisfy({ $0 == axis || shape[$0] == first[$0] }) else {
        throw GraphError(
          .shapeMismatch, "shapes must agree except along axis \(axis): {0} is \(first), {\(index)} is \(shape)",
          at: .operand(index))
      }
      size += shape[axis]
      // Checked at each step, so that no number of operands makes the sum overflow.
      guard size <= Shape.maximumExtent else {
        throw GraphError(
          .limitExceeded, "the joined axis has more than \(Shape.maximumExtent) positions",
          limit: .elements(Shape.maximumExtent),
          value: size)
      }
    }
    return [call.builder.concat(call.operands, axis: axis)]
  }
}

struct StackOperation: Operation {
  let reference = OperationReference(
    name: "stack",
    summary: "Joins tensors of one shape along a new axis.",
    formula: "y[i, …] = xᵢ", operands: ["x0", "x1", "…"],
    attributes: [AttributeReference("axis", .integer, default: "0", "where the new axis stands in the result")],
    dtypes: .any,
    shapeRule: "that of the operands with a new axis, whose size is their number",
    derivative: "each operand: its own slice of ct",
    conventions: ["one operand or more, of equal shapes"],
    otherNames: ["pack"],
    samples: [
      OperationSample([[2], [2], [2]]), OperationSample([[2, 3], [2, 3]], ["axis": .integer(-1)]),
      OperationSample([[2, 3], [2, 3]], ["axis": .integer(1)]), OperationSample([[], []]), OperationSample([[2]]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    var shape = call.x.shape
    for (index, operand) in call.operands.enumerated() where operand.shape != shape {
      throw GraphError(
        .shapeMismatch, "shapes must agree: {0} is \(shape), {\(index)} is \(operand.shape)", at: .operand(index))
    }
    let axis = try call.newAxes([call.integer("axis") ?? 0], in: shape)[0]
    shape.insert(1, at: axis)
    return [call.builder.concat(call.operands.map { call.builder.reshape($0, to: shape) }, axis: axis)]
  }
}

struct UnstackOperation: Operation {
  let reference = OperationReference(
    name: "unstack",
    summary: "The slices of a tensor along one axis, which goes away.",
    formula: "yᵢ = x[i, …]", operands: ["x"], results: ["y0", "y1", "…"],
    attributes: [AttributeReference("axis", .integer, default: "0", "the axis to take apart")],
    dtypes: .any,
    shapeRule: "that of x without the axis; as many results as its size",
    derivative: "x: the cotangents of the slices stacked again; zeros for a slice that is not used",
    otherNames: ["unbind", "unpack"],
    samples: [
      OperationSample([[2, 3]], results: 2), OperationSample([[2, 3]], ["axis": .integer(-1)], results: 3),
      OperationSample([[2]], results: 2), OperationSample([[1, 3]], results: 1),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    var shape = call.x.shape
    let axis = try call.axis(call.integer("axis") ?? 0, rank: shape.rank, of: "axis")
    let count = shape[axis]
    guard count == call.resultCount else {
      throw GraphError(
        .wrongArity, "axis \(axis) of {0} has size \(count); \(call.givenOutputs)", at: .results)
    }
    shape = shape.removing(AxisSet([axis]))
    let slices =
      count == 1 ? [call.x] : call.builder.split(call.x, sizes: Array(repeating: 1, count: count), axis: axis)
    return slices.map { call.builder.reshape($0, to: shape) }
  }
}

struct ExpandDimsOperation: Operation {
  let reference = OperationReference(
    name: "expand_dims",
    summary: "New axes of size 1.",
    formula: "y[i, 0, j] = x[i, j]", operands: ["x"],
    attributes: [AttributeReference("axis", .integerOrList, "where the new axes stand in the result")],
    dtypes: .any,
    shapeRule: "that of x with axes of size 1 put in", derivative: "x: ct without the new axes",
    conventions: ["axes are counted in the result, negative ones from its end"],
    otherNames: ["unsqueeze", "newaxis", "expanddims"],
    samples: [
      OperationSample([[3]], ["axis": .integer(0)]), OperationSample([[2, 3]], ["axis": .integers([-1, 1])]),
      OperationSample([[]], ["axis": .integers([0, 1])]), OperationSample([[2]], ["axis": .integers([])]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    var shape = call.x.shape
    for axis in try call.newAxes(call.integers("axis") ?? [], in: shape).sorted() { shape.insert(1, at: axis) }
    return [call.builder.reshape(call.x, to: shape)]
  }
}

struct SqueezeOperation: Operation {
  let reference = OperationReference(
    name: "squeeze",
    summary: "Takes axes of size 1 away.",
    formula: "y[i, j] = x[i, 0, j]", operands: ["x"],
    attributes: [
      AttributeReference("axis", .integerOrList, default: "null", "the axes that go; null means all of size 1")
    ],
    dtypes: .any,
    shapeRule: "that of x without these axes", derivative: "x: ct with the axes put back",
    conventions: ["a named axis of another size than 1 is refused"],
    samples: [
      OperationSample([[1, 3, 1]]), OperationSample([[1, 3, 1]], ["axis": .integer(-1)]),
      OperationSample([[1, 2, 1]], ["axis": .integers([2, 0])]), OperationSample([[]]), OperationSample([[2, 3]]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let shape = call.x.shape
    guard let given = call.integers("axis") else {
      return [call.builder.reshape(call.x, to: Shape(shape.array.filter { $0 != 1 }))]
    }
    let axes = try call.axes(given, rank: shape.rank, of: "axis")
    if let axis = axes.first(where: { shape[$0] != 1 }) {
      throw GraphError(
        .shapeMismatch, "axis \(axis) of {0} has size \(shape[axis]), and only axes of size 1 can be taken away",
        at: .attribute("axis"))
    }
    return [call.builder.reshape(call.x, to: shape.removing(AxisSet(axes)))]
  }
}

extension OperationCall {
  /// Positions of new axes, counted in a result that has the axes of `shape` and these.
  /// - Throws: `invalid_attribute` naming `axis`; `limit_exceeded` where the result would have too many axes.
  func newAxes(_ given: [Int], in shape: Shape) throws(GraphError) -> [Int] {
    let rank = try checkedRank(shape.rank + given.count)
    if let axis = given.first(where: { $0 < -rank || $0 >= rank }) {
      throw invalid(
        "axis", "axis \(axis) is out of range for the result, which has \(rank == 1 ? "1 axis" : "\(rank) axes")")
    }
    return try axes(given, rank: rank, of: "axis")
  }

  /// - Throws: `limit_exceeded` for more axes than a tensor may have.
  func checkedRank(_ rank: Int) throws(GraphError) -> Int {
    guard rank <= Shape.maximumRank else {
      throw GraphError(
        .limitExceeded, "the result would have \(rank) axes, a tensor may have \(Shape.maximumRank)",
        limit: .rank(Shape.maximumRank),
        value: rank)
    }
    return rank
  }
}

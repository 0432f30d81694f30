/// `diff`: neighbours taken from one another, so often.
struct DifferenceOperation: Operation {
  let reference = OperationReference(
    name: "diff",
    summary: "Differences of neighbours along an axis.",
    formula: "yᵢ = xᵢ₊₁ - xᵢ, n times in turn", operands: ["x"],
    attributes: [
      AttributeReference("n", .integer, default: "1", "how many times"),
      AttributeReference("axis", .integer, default: "-1", "the axis to go along"),
    ],
    dtypes: .numeric,
    shapeRule: "that of x, the axis shorter by n, but not below 0", derivative: "xᵢ: ctᵢ₋₁ - ctᵢ, n times in turn",
    conventions: ["n = 0 is x itself", "integers wrap around on overflow"],
    otherNames: ["difference", "ediff1d", "finite_difference"],
    samples: [
      OperationSample([[2, 4]]), OperationSample([[4, 2]], ["axis": .integer(0), "n": .integer(2)]),
      OperationSample([[3]], ["n": .integer(0)]),
      OperationSample([[3]], ["n": .integer(5)]), OperationSample([[0, 2]]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, shape) = (call.builder, call.x.shape)
    let axis = try call.axis(call.integer("axis") ?? -1, rank: shape.rank, of: "axis")
    let times = call.integer("n") ?? 1
    guard times >= 0 else { throw call.invalid("n", "n cannot be negative, got \(times)") }
    guard times < shape[axis] else {
      return [times == 0 ? call.x : builder.part(call.x, axis, from: 0, count: 0)]
    }
    var result = call.x
    for _ in 0..<times {
      guard builder.firstError == nil else { break }
      let count = result.shape[axis] - 1
      result = builder.part(result, axis, from: 1, count: count).emit(
        .sub, builder.part(result, axis, from: 0, count: count))
    }
    return [result]
  }
}

/// `trapezoid`: the integral of a function between given points, taken for straight in between.
struct TrapezoidOperation: Operation {
  let reference = OperationReference(
    name: "trapezoid",
    summary: "Integral along an axis by the trapezoidal rule.",
    formula: "z = Σ (xᵢ₊₁ - xᵢ) (yᵢ + yᵢ₊₁) / 2", operands: ["y", "x"], results: ["z"],
    attributes: [
      AttributeReference("dx", .number, default: "1.0", "the distance of the points where x is not given"),
      AttributeReference("axis", .integer, default: "-1", "the axis of y to integrate along"),
    ],
    dtypes: .floating,
    shapeRule: "that of y without the axis; x has one axis, as long as that of y, or broadcasts to y",
    derivative: "yᵢ: ct (xᵢ₊₁ - xᵢ₋₁) / 2, xᵢ: ct (yᵢ₋₁ - yᵢ₊₁) / 2, with the ends counted once",
    conventions: [
      "x need not ascend: steps back count negative", "of one point, and of none, it is 0", "no overflow in between",
    ],
    otherNames: ["trapz", "trapezoidal", "integrate"],
    samples: [
      OperationSample([[2, 4], [4]]), OperationSample([[5]]), OperationSample([[3, 2], [3]], ["axis": .integer(0)]),
      OperationSample([[3, 2]], ["axis": .integer(0), "dx": .number(0.25)]), OperationSample([[2, 3], [2, 3]]),
      OperationSample([[2, 3], [1, 3]]), OperationSample([[1]]),
      OperationSample([[0, 2], [0]], ["axis": .integer(0)]),
    ],
    minimumOperandCount: 1)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, y, shape) = (call.builder, call.x, call.x.shape)
    let axis = try call.axis(call.integer("axis") ?? -1, rank: shape.rank, of: "axis")
    let points = try points(call, axis)
    let count = max(shape[axis] - 1, 0)
    guard y.isValid else { return [y] }
    func neighbours(_ value: Value) -> (Value, Value) {
      let first = min(1, value.shape[axis])
      return (builder.part(value, axis, from: 0, count: count), builder.part(value, axis, from: first, count: count))
    }
    let (left, right) = neighbours(y)
    let means = builder.mean(left, right)
    let area: Value
    if let points {
      let (start, end) = neighbours(points)
      area = (end - start) * means
    } else {
      area = means * (call.number("dx") ?? 1)
    }
    return [builder.sum(area, over: AxisSet([axis]))]
  }

  /// Where y was taken, in its shape; nil if only their distance is given.
  private func points(_ call: OperationCall, _ axis: Int) throws(GraphError) -> Value? {
    guard call.operands.count > 1 else { return nil }
    let (y, x) = (call.x.shape, call.y.shape)
    if call.isGiven("dx") { throw call.invalid("dx", "dx is for points of one distance; here {1} says where they are") }
    var along = call.y
    if x.rank == 1, x[0] == y[axis] {
      var line = Shape(repeating: 1, rank: y.rank)
      line[axis] = x[0]
      along = call.builder.reshape(along, to: line)
    }
    guard along.shape.rank == y.rank, along.shape[axis] == y[axis], along.shape.broadcasts(to: y) else {
      throw GraphError(
        .shapeMismatch,
        "{1} is \(x), {0} is \(y): there is one point for each of the \(y[axis]) values along axis \(axis)",
        at: .operand(1))
    }
    return call.builder.broadcast(along, to: y)
  }
}

extension GraphBuilder {
  /// Half the sum of two values: halves are added where the sum might overflow, and the sum is halved where halves
  /// might vanish.
  func mean(_ a: Value, _ b: Value) -> Value {
    let isLarge = a.filled(1).emit(.less, a.emit(.abs))
    return select(isLarge, a * 0.5 + b * 0.5, (a + b) * 0.5)
  }
}

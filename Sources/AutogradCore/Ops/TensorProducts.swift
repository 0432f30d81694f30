struct KroneckerOperation: Operation {
  let reference = OperationReference(
    name: "kron",
    summary: "Kronecker product: each element of x times the whole of y, as blocks.",
    formula: "z[i p + k, j q + l] = x[i, j] y[k, l]", operands: ["x", "y"], results: ["z"],
    dtypes: .numeric,
    shapeRule: "the sizes of x times those of y; the shorter shape gets leading 1s",
    derivative: "x: for each element the sum of ct · y over its block; y: the sum of ct · x over the blocks",
    conventions: ["at most 4 axes with more than one element", "integers wrap around on overflow"],
    otherNames: ["kronecker", "kronecker_product"],
    samples: [
      OperationSample([[2, 2], [2, 3]]), OperationSample([[2], [3]]), OperationSample([[2, 3], [2]]),
      OperationSample([[], [2, 2]]),
      OperationSample([[2, 1, 2], [3, 2]]), OperationSample([[2, 0], [3, 2]]), OperationSample([[], []]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let builder = call.builder
    let rank = max(call.x.shape.rank, call.y.shape.rank)
    let x = Shape(repeating: 1, rank: rank - call.x.shape.rank).appending(call.x.shape)
    let y = Shape(repeating: 1, rank: rank - call.y.shape.rank).appending(call.y.shape)
    let result = try Shape(
      checking: (0..<rank).map { axis in
        let (size, overflow) = x[axis].multipliedReportingOverflow(by: y[axis])
        return overflow ? Int.max : size
      })
    // An axis that one operand alone has needs no second one beside it.
    var (rows, columns) = (Shape(), Shape())
    for axis in 0..<rank where x[axis] != 1 || y[axis] != 1 {
      let isDouble = x[axis] != 1 && y[axis] != 1
      guard rows.rank + (isDouble ? 2 : 1) <= Shape.maximumRank else {
        throw GraphError(
          .limitExceeded,
          "{0} is \(call.x.shape), {1} is \(call.y.shape): at most 4 axes can have more than one element",
          limit: .rank(Shape.maximumRank), value: rank * 2)
      }
      if isDouble || y[axis] == 1 {
        rows.append(x[axis])
        columns.append(1)
      }
      if isDouble || x[axis] == 1 {
        rows.append(1)
        columns.append(y[axis])
      }
    }
    let (left, right) = try builder.broadcastTogether(
      builder.reshape(call.x, to: rows), builder.reshape(call.y, to: columns))
    return [builder.reshape(left.emit(.mul, right), to: result)]
  }
}

struct TensorDotOperation: Operation {
  let reference = OperationReference(
    name: "tensordot",
    summary: "Sum of products over axes of both operands, as NumPy's tensordot.",
    formula: "z[i, j] = Σₖ x[i, k] y[k, j], i, j and k standing for any number of axes", operands: ["x", "y"],
    results: ["z"],
    attributes: [
      AttributeReference(
        "axes", .integerOrLists, default: "2",
        "the axes to sum over: how many (the last of x, the first of y), or two lists, those of x and those of y"
      )
    ],
    dtypes: .numeric,
    shapeRule: "the other axes of x, then the other axes of y",
    derivative: "x: ct times y over the other axes of y; y: x times ct over those of x",
    conventions: ["0 sums over nothing: the outer product", "integers wrap around on overflow"],
    otherNames: ["tensor_dot", "contract", "tensor_contraction"],
    samples: [
      OperationSample([[2, 3, 4], [3, 4, 2]]), OperationSample([[2, 3], [3, 4]], ["axes": .integer(1)]),
      OperationSample([[2], [3, 2]], ["axes": .integer(0)]),
      OperationSample([[2, 3, 4], [4, 2]], ["axes": .integerLists([[0, -1], [1, 0]])]),
      OperationSample([[3], [3]], ["axes": .integer(1)]), OperationSample([[2, 0], [0, 3]], ["axes": .integer(1)]),
      OperationSample([[], []], ["axes": .integer(0)]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, x, y) = (call.builder, call.x.shape, call.y.shape)
    let (left, right) = try axes(call)
    guard left.map({ x[$0] }) == right.map({ y[$0] }) else {
      throw GraphError(
        .shapeMismatch,
        "the axes \(left) of {0} have sizes \(left.map { x[$0] }), "
          + "the axes \(right) of {1} have sizes \(right.map { y[$0] })",
        at: .operand(1))
    }
    let rows = (0..<x.rank).filter { !left.contains($0) }
    let columns = (0..<y.rank).filter { !right.contains($0) }
    let sizes = rows.map { x[$0] } + columns.map { y[$0] }
    _ = try call.checkedRank(sizes.count)
    let result = try Shape(checking: sizes)
    let (m, n) = (Shape(rows.map { x[$0] }).elementCount, Shape(columns.map { y[$0] }).elementCount)
    let k = Shape(left.map { x[$0] }).elementCount
    let a = builder.reshape(builder.transpose(call.x, Shape(rows + left)), to: [m, k])
    let b = builder.reshape(builder.transpose(call.y, Shape(right + columns)), to: [k, n])
    return [builder.reshape(builder.emit(.matmul, a, b), to: result)]
  }

  private func axes(_ call: OperationCall) throws(GraphError) -> (left: [Int], right: [Int]) {
    let (x, y) = (call.x.shape, call.y.shape)
    if let lists = call.integerLists("axes") {
      guard lists.count == 2, lists[0].count == lists[1].count else {
        throw call.invalid("axes", "axes is a number of axes, or two lists of equally many, got \(lists)")
      }
      return (try call.axes(lists[0], rank: x.rank, of: "axes"), try call.axes(lists[1], rank: y.rank, of: "axes"))
    }
    let count = call.integer("axes") ?? 2
    guard count >= 0, count <= x.rank, count <= y.rank else {
      let fault = count < 0 ? "is below 0" : "is more than {0} or {1} has: their shapes are \(x) and \(y)"
      throw call.invalid("axes", "axes \(count) \(fault); a list of two lists says which axes are meant")
    }
    return (Array((x.rank - count)..<x.rank), Array(0..<count))
  }
}

struct CrossOperation: Operation {
  let reference = OperationReference(
    name: "cross",
    summary: "Cross product of vectors of three elements.",
    formula: "z = [x₁ y₂ - x₂ y₁, x₂ y₀ - x₀ y₂, x₀ y₁ - x₁ y₀]", operands: ["x", "y"], results: ["z"],
    attributes: [
      AttributeReference("axis", .integer, default: "-1", "the axis of the result along which the three elements stand")
    ],
    dtypes: .numeric,
    shapeRule: "x and y broadcast together; the axis has size 3 in both",
    derivative: "x: y × ct, y: ct × x, each summed over the axes that were stretched",
    conventions: ["three elements only: NumPy's vectors of two are refused", "integers wrap around on overflow"],
    otherNames: ["cross_product", "vector_product", "vecprod"],
    samples: [
      OperationSample([[3], [3]]), OperationSample([[2, 3], [3]]),
      OperationSample([[3, 2], [3, 1]], ["axis": .integer(0)]),
      OperationSample([[2, 1, 3], [2, 3]]), OperationSample([[0, 3], [3]]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let builder = call.builder
    let (x, y) = try builder.broadcastTogether(call.x, call.y)
    guard x.isValid, y.isValid else { return [x.isValid ? y : x] }
    let axis = try call.axis(call.integer("axis") ?? -1, rank: x.shape.rank, of: "axis")
    for (index, operand) in call.operands.enumerated() {
      let own = axis - (x.shape.rank - operand.shape.rank)
      guard own >= 0, operand.shape[own] == 3 else {
        throw GraphError(
          .shapeMismatch, "{\(index)} has shape \(operand.shape): axis \(axis) of \(x.shape) must have size 3 in both",
          at: .operand(index))
      }
    }
    func element(_ value: Value, _ index: Int) -> Value { builder.part(value, axis, from: index % 3, count: 1) }
    let parts = (0..<3).map { i in
      let forward = element(x, i + 1).emit(.mul, element(y, i + 2))
      return forward.emit(.sub, element(x, i + 2).emit(.mul, element(y, i + 1)))
    }
    return [builder.concat(parts, axis: axis)]
  }
}

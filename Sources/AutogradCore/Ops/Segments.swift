/// `scatter_max`: for each place along an axis the largest of the slices whose index names it, -Infinity where none
/// does.
struct ScatterMaxPrimitive: Primitive {
  let name = "scatter_max"

  /// As that of `max`: winners share evenly, and a segment that has come to NaN passes NaN to all its elements.
  let derivative = Derivative.rule { node in
    guard case .along = node.attributes else { return }
    let (builder, x, indices, y) = (node.builder, node.operand(0), node.operand(1), node.result(0))
    func picked(_ value: Value) -> Value { builder.emit(.gather, [value, indices], node.attributes)[0] }
    let wins = x.emit(.equal, picked(y))
    let counts = builder.emit(.scatterAdd, [builder.emit(.cast, wins, .dtype(x.dtype)), indices], node.attributes)[0]
    // A segment without elements has no winners, and nobody asks for its share.
    let winners = counts.emit(.maximum, builder.ones(counts.type)).emit(.stopGradient)
    let isNaN = y.emit(.isNaN)
    let share = node.ct / builder.select(isNaN, y.filled(.nan), winners)
    let receives = wins.emit(.logicalOr, picked(isNaN))
    node.accumulate(builder.select(receives, picked(share), builder.zeros(x.type)), 0)
  }

  var batch: Batching { .sharedIndices }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes, node.operandCount == 2, node.operand(0).dtype.isFloating,
      node.operand(1).dtype.isInteger,
      let shape = GatherForm.take.target(of: node.operand(0).shape, by: node.operand(1).shape, axis, size)
    else { throw node.fault("scatter_max takes a floating operand, integer indices and an axis") }
    try node.result(node.operand(0).with(shape: shape))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes else { return }
    let result = node.allocate()
    node.emitFill(-.infinity, into: result)
    node.emitScatter(.scatterMax, .take, into: result, 0, at: 1, axis: axis, size: size)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .along(let axis, let size) = node.attributes else { return [] }
    let (x, indices) = (node.operands[0], node.operands[1])
    let places = x.shape.isEmpty ? [] : try GatherForm.take.scatterPlaces(indices, axis: axis, size: size)
    let shape = node.resultTypes[0].shape
    let targets = x.shape.indices.map {
      shape.position(of: GatherForm.take.source(of: $0, places, indices.shape, axis))
    }
    return [x.dtype == .float64 ? largest(x, Double.self, targets, shape) : largest(x, Float.self, targets, shape)]
  }

  private func largest<E: TensorElement & BinaryFloatingPoint>(_ x: Tensor, _: E.Type, _ targets: [Int], _ shape: Shape)
    -> Tensor
  {
    var results = [E](repeating: -.infinity, count: shape.elementCount)
    for (value, target) in zip(x.values(as: E.self) ?? [], targets)
    where !(results[target] >= value || results[target].isNaN) {
      results[target] = value
    }
    return Tensor(results, shape: shape)
  }
}

extension LoweringNode {
  /// One number everywhere in a floating target.
  func emitFill(_ number: Double, into target: Placement) {
    lowering.emitCopy(into: target, filled(number), resultType(), node)
  }

  /// One number everywhere, laid out as a floating result, without memory of its own.
  func filled(_ number: Double) -> Placement {
    let type = resultType()
    var scalar = lowering.scalar(Scalar(floating: number, as: type.dtype))
    scalar.broadcast(from: [], to: type.shape)
    return scalar
  }
}

/// `segment_sum` and `segment_max`: the rows of a tensor, combined by a number that each row has.
struct SegmentOperation: Operation {
  let reference: OperationReference
  private let opcode: Opcode

  static let sum = SegmentOperation(
    .scatterAdd, name: "segment_sum", summary: "Sums of the rows that have the same segment number.",
    formula: "y[s] = Σ x[i] with ids[i] = s",
    derivative: "x: to each row the ct of its segment",
    conventions: ["the rows of a segment are added up in their order", "a segment without rows is 0"],
    otherNames: ["unsorted_segment_sum", "bincount", "group_sum", "scatter_reduce"])

  static let max = SegmentOperation(
    .scatterMax, name: "segment_max",
    summary: "The largest of the rows that have the same segment number, column by column.",
    formula: "y[s] = max x[i] with ids[i] = s",
    derivative: "x: to each element the ct of its segment where it is the largest, else 0",
    conventions: [
      "ties share the gradient evenly", "a NaN in a segment gives NaN, and NaN gradients for the whole segment",
      "a segment without rows is -Infinity",
    ],
    otherNames: ["unsorted_segment_max", "scatter_max", "group_max"])

  private init(
    _ opcode: Opcode, name: String, summary: String, formula: String, derivative: String, conventions: [String],
    otherNames: [String]
  ) {
    self.opcode = opcode
    reference = OperationReference(
      name: name, summary: summary, formula: formula, operands: ["x", "segment_ids"],
      attributes: [AttributeReference("num_segments", .integer, "how many segments there are: the rows of the result")],
      dtypes: .floating, shapeRule: "that of x with num_segments rows; segment_ids has one number for each row of x",
      derivative: derivative + "; segment_ids: none",
      conventions: conventions + [
        "segment numbers need not be sorted", "negative numbers count from the end",
        "a number out of range is refused, not dropped",
      ],
      otherNames: otherNames,
      samples: [
        OperationSample([[4, 2], [4]], ["num_segments": .integer(3)]),
        OperationSample([[3], [3]], ["num_segments": .integer(5)]),
        OperationSample([[2, 2, 3], [2]], ["num_segments": .integer(1)]),
        OperationSample([[0, 2], [0]], ["num_segments": .integer(2)]),
      ],
      kinds: [.promoted, .index], indexedCount: "num_segments")
  }

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (shape, ids) = (call.x.shape, call.y.shape)
    guard shape.rank > 0, ids == Shape([shape[0]]) else {
      let wanted = shape.rank > 0 ? "[\(shape[0])]" : "an axis of rows in {0}"
      throw GraphError(
        .shapeMismatch, "{0} is \(shape), {1} is \(ids): there is one number for each row, \(wanted)", at: .operand(1))
    }
    let count = call.integer("num_segments") ?? 0
    guard count >= 0 else { throw call.invalid("num_segments", "num_segments cannot be negative, got \(count)") }
    do throws(GraphError) {
      let result = try Shape(checking: [count] + shape.array.dropFirst())
      try call.builder.checkLimits(result)
    } catch {
      throw error.with(place: .attribute("num_segments"))
    }
    guard count > 0 || ids.isEmpty else {
      throw GraphError(.indexOutOfRange, "with num_segments 0 no number in {1} is in range", at: .operand(1))
    }
    return [call.builder.emit(opcode, [call.x, call.y], .along(axis: 0, size: count))[0]]
  }
}

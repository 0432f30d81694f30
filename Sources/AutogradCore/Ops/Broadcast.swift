/// `broadcast` and its transpose, the sum over stretched axes, in one place: no other rule un-broadcasts.
struct BroadcastPrimitive: Primitive {
  let name = "broadcast"

  let derivative = Derivative.linear { node in
    node.accumulate(node.builder.sum(node.ct, downTo: node.operand(0).shape), 0)
  }

  var batch: Batching { .rule(BroadcastPrimitive.batched) }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .shape(let shape) = node.attributes, node.operandCount == 1 else {
      throw node.fault("broadcast takes one operand and a shape")
    }
    guard node.operand(0).shape.broadcasts(to: shape) else {
      throw node.fault("\(node.operand(0).shape) does not broadcast to \(shape)")
    }
    try node.result(node.operand(0).with(shape: shape))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    var placement = node.operand(0)
    placement.broadcast(from: node.operandType(0).shape, to: node.resultType().shape)
    node.place(placement)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let x = node.operands[0]
    let target = node.resultTypes[0].shape
    return [
      x.gathered(to: target) { index in
        (0..<x.shape.rank).map { axis in x.shape[axis] == 1 ? 0 : index[axis + target.rank - x.shape.rank] }
      }
    ]
  }

  /// Shapes are aligned at the last axis, so the operand first gets the axes that it lacks.
  @Sendable private static func batched(_ node: BatchedNode) -> [Value] {
    let (inner, shape) = (node.operand(0).shape, node.context.result().shape)
    let aligned = Shape(repeating: 1, rank: shape.rank - inner.rank).appending(inner)
    let x = node.builder.reshape(node.stacked(0), to: node.withAxis(aligned))
    return [node.builder.broadcast(x, to: node.withAxis(shape))]
  }
}

extension GraphBuilder {
  /// Stretches a value to a shape that it broadcasts to.
  package func broadcast(_ value: Value, to shape: Shape) -> Value {
    value.isValid && value.shape != shape ? emit(.broadcast, value, .shape(shape)) : value
  }

  /// Stretches two values to their common shape.
  /// - Throws: `shape_mismatch`, naming both.
  package func broadcastTogether(_ x: Value, _ y: Value) throws(GraphError) -> (Value, Value) {
    guard x.isValid, y.isValid, x.typeID != y.typeID else { return (x, y) }
    guard let shape = Shape.broadcast(x.shape, y.shape) else {
      throw GraphError(.shapeMismatch, "shapes do not broadcast: {0} is \(x.shape), {1} is \(y.shape)", at: .operand(1))
    }
    return (broadcast(x, to: shape), broadcast(y, to: shape))
  }

  /// The transpose of broadcasting: sums over the axes that were stretched.
  package func sum(_ value: Value, downTo shape: Shape) -> Value {
    guard value.isValid, value.shape != shape else { return value }
    let extra = value.shape.rank - shape.rank
    let stretched = (0..<value.shape.rank).filter { $0 < extra || (shape[$0 - extra] == 1 && value.shape[$0] != 1) }
    return reshape(sum(value, over: AxisSet(stretched)), to: shape)
  }
}

struct BroadcastOperation: Operation {
  let reference = OperationReference(
    name: "broadcast_to",
    summary: "Repeats a tensor along new axes and along axes of size 1 until it has the given shape.",
    formula: "y[…, i, j] = x[i or 0, j or 0]", operands: ["x"],
    attributes: [AttributeReference("shape", .integers, "sizes of the result")],
    dtypes: .any,
    shapeRule: "the attribute shape; x must broadcast to it as in NumPy",
    derivative: "x: ct summed over the repeated axes",
    otherNames: ["broadcast", "expand", "expand_as", "stretch", "broadcast_in_dim"],
    samples: [
      OperationSample([[3]], ["shape": .integers([2, 3])]),
      OperationSample([[2, 1]], ["shape": .integers([4, 2, 3])]),
      OperationSample([[]], ["shape": .integers([2, 2])]), OperationSample([[1]], ["shape": .integers([0])]),
      OperationSample([[]], ["shape": .integers([])]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let shape = try call.shape("shape")
    guard call.x.shape.broadcasts(to: shape) else {
      throw GraphError(
        .shapeMismatch, "{0} of shape \(call.x.shape) does not broadcast to \(shape)", at: .attribute("shape"))
    }
    return [call.builder.broadcast(call.x, to: shape)]
  }
}

/// `select`: x where a condition is true, y elsewhere. Its derivative selects cotangents and never multiplies them, so
/// a NaN in the branch not taken stays there.
struct SelectPrimitive: Primitive {
  let name = "select"

  let derivative = Derivative.linear { node in
    let zeros = node.builder.zeros(node.ct.type)
    if node.wants(1) { node.accumulate(node.builder.select(node.operand(0), node.ct, zeros), 1) }
    if node.wants(2) { node.accumulate(node.builder.select(node.operand(0), zeros, node.ct), 2) }
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 3, node.operand(0) == node.operand(1).with(dtype: .bool),
      node.typeID(1) == node.typeID(2)
    else {
      throw node.fault(
        "select takes a condition and two operands of one type, got \((0..<node.operandCount).map(node.operand))")
    }
    node.result(sameAs: 1)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    let result = node.allocate()
    node.emitCopy(into: result, node.operand(2), node.operandType(2))
    node.emitSelect(into: result, node.operand(0), node.operand(1))
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let condition: [Bool] = node.operands[0].values() ?? []
    let shape = node.resultTypes[0].shape
    return [
      Tensor.gathered(node.resultTypes[0]) { index in
        (condition[shape.position(of: index)] ? node.operands[1] : node.operands[2], index)
      }
    ]
  }
}

extension GraphBuilder {
  /// - Precondition: shapes and the dtypes of both branches agree.
  package func select(_ condition: Value, _ x: Value, _ y: Value) -> Value {
    emit(.select, [condition, x, y], .none)[0]
  }
}

extension Value {
  package func emit(_ opcode: Opcode) -> Value { builder.emit(opcode, self) }
  package func emit(_ opcode: Opcode, _ other: Value) -> Value { builder.emit(opcode, self, other) }

  /// A number as a value of this one's type.
  func filled(_ number: Double) -> Value {
    builder.broadcast(builder.constant(Scalar(floating: number, as: dtype)), to: shape)
  }
}

struct WhereOperation: Operation {
  let reference = OperationReference(
    name: "where",
    summary: "x where the condition is true, y elsewhere.",
    formula: "z = x if condition else y", operands: ["condition", "x", "y"], results: ["z"],
    dtypes: .any,
    shapeRule: "condition, x and y broadcast together",
    derivative:
      "x: ct where the condition is true, y: ct where it is false; 0 elsewhere, summed over the axes that were "
      + "stretched",
    conventions: [
      "cotangents are selected, never multiplied",
      "both branches are computed: a NaN that the derivative of the branch not taken makes of a zero cotangent stays "
        + "NaN",
    ],
    otherNames: ["select", "if_else", "ternary"],
    samples: [
      OperationSample([[2, 3], [2, 3], [2, 3]]), OperationSample([[3], [2, 1], []]), OperationSample([[], [], []]),
    ],
    kinds: [.condition, .promoted, .promoted])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (condition, x, y) = (call.operands[0], call.operands[1], call.operands[2])
    guard let branches = Shape.broadcast(x.shape, y.shape) else {
      throw GraphError(.shapeMismatch, "shapes do not broadcast: {1} is \(x.shape), {2} is \(y.shape)", at: .operand(2))
    }
    guard let shape = Shape.broadcast(condition.shape, branches) else {
      // The branch that does not fit the condition by itself is to blame.
      let branch = Shape.broadcast(condition.shape, x.shape) == nil ? 1 : 2
      throw GraphError(
        .shapeMismatch, "shapes do not broadcast: {0} is \(condition.shape), {1} and {2} together \(branches)",
        at: .operand(branch))
    }
    let builder = call.builder
    return [
      builder.select(
        builder.broadcast(condition, to: shape), builder.broadcast(x, to: shape), builder.broadcast(y, to: shape))
    ]
  }
}

/// `stop_gradient`: the same value, through which no cotangent goes back.
struct StopGradientPrimitive: Primitive {
  let name = "stop_gradient"
  var derivative: Derivative { .none }
  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 1 else { throw node.fault("stop_gradient takes one operand") }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.place(node.operand(0)) }
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] { node.operands }
}

struct StopGradientOperation: Operation {
  let reference = OperationReference(
    name: "stop_gradient",
    summary: "The operand itself, taken for a constant by derivatives.",
    formula: "y = x", operands: ["x"], dtypes: .any, shapeRule: "that of x", derivative: "x: 0",
    otherNames: ["detach", "stopgradient", "no_grad", "block_grad"],
    samples: [OperationSample([[2, 3]]), OperationSample([[]])], stopsGradients: true)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] { [call.x.emit(.stopGradient)] }
}

/// `input` and `constant`: values that no operation computes. The planner places them itself.
struct LeafPrimitive: Primitive {
  let name: String
  var derivative: Derivative { .none }
  var batch: Batching { .none }

  func inferTypes(_ node: TypeInference) throws(GraphError) { throw node.fault("\(name) is typed when it is made") }
  func lower(_ node: inout LoweringNode) throws(GraphError) {
    throw GraphError(.internal, "\(name) is placed by the planner")
  }
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    throw GraphError(.internal, "\(name) is bound by the interpreter")
  }
}

/// `identity`: another name for the same value; no node at all.
struct IdentityOperation: Operation {
  let reference = OperationReference(
    name: "identity",
    summary: "The operand itself, under another name.",
    formula: "y = x", operands: ["x"], dtypes: .any,
    shapeRule: "that of x", derivative: "x: ct",
    otherNames: ["copy", "id", "noop", "pass"],
    samples: [OperationSample([[2, 3]]), OperationSample([[]])])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] { [call.x] }
}

/// `constant`: a tensor written into the graph.
struct ConstantOperation: Operation {
  let reference = OperationReference(
    name: "constant",
    summary: "A tensor written into the graph. It gets no gradient.",
    formula: "y = value", operands: [],
    attributes: [AttributeReference("value", .tensor, "the tensor, in any form that a request may use")],
    dtypes: .any,
    shapeRule: "that of value", derivative: "none: it has no operands",
    otherNames: ["asarray", "array", "literal", "const", "tensor", "full"],
    samples: [OperationSample([], ["value": .tensor([[1, 2], [3, 4]])])])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    guard case .tensor(let tensor)? = call.attributes["value"] else { throw call.invalid("value", "value is a tensor") }
    return [call.builder.constant(tensor)]
  }
}

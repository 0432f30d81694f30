/// `grad`: differentiates inside the graph, to any order.
package struct GradOperation: Operation {
  package let reference = OperationReference(
    name: "grad",
    summary:
      "The gradient of the sum of the first operand with respect to each of the others, as values of the graph: "
      + "derivatives can appear "
      + "in the model itself.",
    formula: "dxᵢ = ∂(Σ loss)/∂xᵢ", operands: ["loss", "x", "…"], results: ["dx", "…"], dtypes: .floating,
    shapeRule: "result i has the shape of xᵢ",
    derivative: "that of the derivative: the result is made of ordinary nodes, which can be differentiated again",
    conventions: [
      "the operands may be inputs or intermediate values; the derivative is total, through every path",
      "a derivative by what a value is made of does not depend on the value: of y = e^x, dy/dx is made of x",
      "values that the loss does not depend on give zeros", "constants and integers are refused",
    ],
    otherNames: ["gradient", "derivative", "backward"],
    samples: [OperationSample([[2], [2]]), OperationSample([[], [2, 3], [3]], results: 2)],
    kinds: [.asItIs, .asItIs, .asItIs], minimumOperandCount: 2)

  package func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let builder = call.builder
    guard call.operands.count == call.resultCount + 1 else {
      throw GraphError(
        .wrongArity,
        "yields one result for each operand after the first: \(call.operands.count - 1); \(call.givenOutputs)",
        at: .results)
    }
    for (index, operand) in call.operands.enumerated() {
      guard operand.dtype.isFloating else {
        throw GraphError(.dtypeMismatch, "{\(index)} is \(operand.dtype), which has no derivative", at: .operand(index))
      }
      if index > 0, builder.isConstant(operand) {
        throw GraphError(
          .invalidAttribute, "{\(index)} is a constant; differentiate by inputs or computed values", at: .operand(index)
        )
      }
    }
    let targets = Array(call.operands.dropFirst())
    let gradients = builder.gradients(of: [(call.x, builder.ones(call.x.type))], withRespectTo: targets)
    return zip(targets, gradients).map { $1 ?? builder.zeros($0.type) }
  }
}

struct OuterOperation: Operation {
  let reference = OperationReference(
    name: "outer",
    summary: "All products of an element of one vector with an element of another.",
    formula: "z[i, j] = x[i] y[j]", operands: ["x", "y"], results: ["z"],
    dtypes: .numeric,
    shapeRule: "[n, m] for vectors of n and of m elements", derivative: "x: ct y, y: ctᵀ x (matrix times vector)",
    conventions: [
      "both operands have one axis; for more use einsum or broadcasting", "integers wrap around on overflow",
    ],
    otherNames: ["ger", "outer_product"],
    samples: [OperationSample([[2], [3]]), OperationSample([[1], [2]]), OperationSample([[0], [3]])])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    for (index, operand) in call.operands.enumerated() where operand.shape.rank != 1 {
      throw GraphError(.shapeMismatch, "takes vectors, {\(index)} has shape \(operand.shape)", at: .operand(index))
    }
    let shape: Shape = [call.x.shape[0], call.y.shape[0]]
    let column = call.builder.reshape(call.x, to: [shape[0], 1])
    return [
      call.builder.emit(.mul, call.builder.broadcast(column, to: shape), call.builder.broadcast(call.y, to: shape))
    ]
  }
}

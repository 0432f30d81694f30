extension CustomOperation {
  public func resultTypes(_ operands: [TensorType]) throws(GraphError) -> [TensorType] {
    guard let first = operands.first else { throw GraphError(.wrongArity, "\(name) needs an operand") }
    return [first]
  }

  /// Applies the operation: its first result. ``GraphBuilder/apply(_:_:)`` gives all of them.
  public func callAsFunction(_ first: Value, _ others: Value...) -> Value {
    first.builder.apply(self, [first] + others)[0]
  }
}

struct CustomPrimitive: Primitive {
  let name = "custom"
  var derivative: Derivative { .custom }
  var batch: Batching { .oneByOne }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard let operation = node.customOperation else { throw node.fault("custom names no registered operation") }
    do throws(GraphError) {
      for type in try operation.resultTypes((0..<node.operandCount).map(node.operand)) { try node.result(type) }
    } catch {
      throw error.with(operation: operation.name)
    }
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .index(let operation) = node.attributes else { return }
    node.emitCustom(operation)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .index(let index) = node.attributes else { return [] }
    return try CustomPrimitive.forward(node.customOperations[index], node.operands, node.resultTypes)
  }

  /// Runs the forward function and holds it to its word.
  static func forward(_ operation: any CustomOperation, _ operands: [Tensor], _ types: [TensorType]) throws(GraphError)
    -> [Tensor]
  {
    let results: [Tensor]
    do throws(GraphError) {
      results = try operation.forward(operands)
    } catch {
      throw error.with(operation: operation.name)
    }
    guard results.map(\.type) == types else {
      throw GraphError(
        .internal, "forward yields \(results.map(\.type)), resultTypes promised \(types)", operation: operation.name)
    }
    return results
  }

  static func pullBack(_ node: Pullback) {
    guard case .index(let index) = node.attributes else { return }
    let operation = node.builder.columns.customOperations[index]
    let cotangents = operation.backward(
      (0..<node.operandCount).map(node.operand), (0..<node.resultCount).map(node.result),
      (0..<node.resultCount).map(node.cotangent))
    guard cotangents.count == node.operandCount else {
      node.builder.fail(
        GraphError(
          .internal, "backward yields \(cotangents.count) cotangents for \(node.operandCount) operands",
          operation: operation.name))
      return
    }
    for (operand, cotangent) in cotangents.enumerated() {
      if let cotangent { node.accumulate(cotangent, operand) }
    }
  }
}

extension GraphBuilder {
  /// Applies an operation of one's own.
  /// - Returns: its results; one faulty value if the operands do not fit.
  public func apply(_ operation: some CustomOperation, _ operands: Value...) -> [Value] { apply(operation, operands) }

  func apply(_ operation: some CustomOperation, _ operands: [Value]) -> [Value] {
    precondition(operands.allSatisfy { $0.builder === self }, "values of two builders cannot be mixed")
    return emit(.custom, operands, .index(register(operation)))
  }
}

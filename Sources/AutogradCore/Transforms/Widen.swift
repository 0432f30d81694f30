extension Graph {
  /// The same graph with every float32 replaced by float64, for comparisons that need the precision.
  /// - Throws: `internal` if a node does not accept float64; all nodes that accept float32 do.
  package func widened() throws(GraphError) -> Graph {
    let builder = GraphBuilder()
    let values = try widened(into: builder)
    return try builder.graph(outputs: outputs.compactMap { values[Int($0)] }, names: outputNames)
  }

  /// Copies this graph to an empty builder with every float32 replaced by float64.
  /// - Returns: the values there by those of this graph, as far as the outputs need them.
  package func widened(into builder: GraphBuilder) throws(GraphError) -> [Value?] {
    var values = [Value?](repeating: nil, count: columns.valueCount)
    for (value, name) in zip(columns.inputs, columns.inputNames) {
      let type = columns.type(of: value)
      values[Int(value)] = builder.input(name, Graph.wide(type.dtype), type.shape)
    }
    let live = reachableNodes
    for node in 0..<NodeID(columns.nodeCount) where live[Int(node)] {
      if columns.opcodes[Int(node)] == .input {
        // What is given was declared; what stands for something is made anew.
        let value = ValueID(columns.firstResult[Int(node)])
        let type = columns.type(of: value)
        if values[Int(value)] == nil {
          values[Int(value)] = builder.placeholder(TensorType(Graph.wide(type.dtype), type.shape))
        }
        continue
      }
      let operands = columns.operandRange(node).compactMap { values[Int(columns.operands[$0])] }
      let results = wide(node, operands, builder)
      for (result, value) in zip(columns.resultRange(node), results) { values[result] = value }
    }
    builder.label = -1
    return values
  }

  private static func wide(_ dtype: DType) -> DType { dtype == .float32 ? .float64 : dtype }

  private func wide(_ node: NodeID, _ operands: [Value], _ builder: GraphBuilder) -> [Value] {
    let opcode = columns.opcodes[Int(node)]
    builder.label = columns.labels[Int(node)]
    switch (opcode, columns.attributes(of: node)) {
    case (.constant, .scalar(let dtype, let bits)):
      return [builder.constant(Scalar(of: Scalar(dtype, bits: bits).tensor.converted(to: Graph.wide(dtype))))]
    case (.constant, .index(let index)):
      return [builder.constant(columns.tensors[index].converted(to: Graph.wide(columns.tensors[index].dtype)))]
    case (.cast, .dtype(let dtype)):
      let target = Graph.wide(dtype)
      return operands[0].dtype == target ? operands : builder.emit(.cast, operands, .dtype(target))
    case (.custom, .index(let index)):
      return builder.emit(.custom, operands, .index(builder.register(columns.customOperations[index])))
    case (_, let attributes): return builder.emit(opcode, operands, attributes)
    }
  }
}

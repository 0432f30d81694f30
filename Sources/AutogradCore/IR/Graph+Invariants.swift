extension Graph {
  /// Checks the invariants of a graph: operands precede their uses, and every node's results have exactly the types
  /// that its primitive infers from its operands. Builders maintain them; tests call this after every transform.
  /// - Throws: `internal`, naming the node that violates an invariant.
  public func validate() throws(GraphError) {
    let builder = GraphBuilder(extending: self)
    for node in 0..<NodeID(columns.nodeCount) {
      for index in columns.operandRange(node) where columns.producers[Int(columns.operands[index])] >= node {
        throw GraphError(.internal, "node %\(node) uses a value that comes later", node: Int(node))
      }
      let opcode = columns.opcodes[Int(node)]
      guard opcode != .input && opcode != .constant else { continue }
      let expected = try builder.inferredTypes(of: node)
      let actual = columns.resultRange(node).map { columns.type(of: ValueID($0)) }
      guard expected == actual else {
        throw GraphError(
          .internal, "node %\(node) \(opcode.name) has results \(actual), its operands give \(expected)",
          node: Int(node))
      }
    }
    for output in outputs where output < 0 || Int(output) >= columns.valueCount {
      throw GraphError(.internal, "output %\(output) does not exist")
    }
  }
}

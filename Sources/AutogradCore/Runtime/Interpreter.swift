/// Runs a graph node by node on whole tensors, in the simplest way. It is slow, and the reference for planner and
/// executor.
public enum Interpreter {
  /// - Returns: the graph's outputs.
  /// - Throws: as ``Plan/run(_:)``.
  public static func run(_ graph: Graph, _ inputs: [Tensor]) throws(GraphError) -> [Tensor] {
    let columns = graph.columns
    guard inputs.map(\.type) == graph.inputTypes else {
      throw GraphError(.inputMismatch, "inputs are \(graph.inputTypes), \(inputs.map(\.type)) are given")
    }
    var values = [Tensor?](repeating: nil, count: columns.valueCount)
    for (value, input) in zip(columns.inputs, inputs) { values[Int(value)] = input }
    let live = graph.reachableNodes
    for node in 0..<NodeID(columns.nodeCount) where live[Int(node)] && columns.opcodes[Int(node)] != .input {
      let results = columns.resultRange(node)
      if columns.opcodes[Int(node)] == .constant {
        values[results.lowerBound] = constant(columns, node)
        continue
      }
      let operands = columns.operandRange(node).compactMap { values[Int(columns.operands[$0])] }
      let types = results.map { columns.type(of: ValueID($0)) }
      let context = InterpretedNode(
        operands: operands, resultTypes: types, attributes: columns.attributes(of: node),
        customOperations: columns.customOperations)
      let label = columns.labels[Int(node)]
      do throws(GraphError) {
        for (result, tensor) in zip(results, try columns.opcodes[Int(node)].primitive.interpret(context)) {
          values[result] = tensor
        }
      } catch {
        throw label >= 0 ? error.with(node: Int(label)) : error
      }
    }
    return graph.outputs.compactMap { values[Int($0)] }
  }

  private static func constant(_ columns: GraphColumns, _ node: NodeID) -> Tensor? {
    switch columns.attributes(of: node) {
    case .scalar(let dtype, let bits): Scalar(dtype, bits: bits).tensor
    case .index(let index): columns.tensors[index]
    default: nil
    }
  }
}

/// Index of a value in its graph.
package typealias ValueID = Int32
/// Index of a node in its graph.
package typealias NodeID = Int32

/// The columns of a graph: a node is a handful of integers.
///
/// A graph of boxed nodes with String names costs microseconds a node to build, intern and differentiate; integer
/// columns cost tens of nanoseconds. Everything that is not an integer (types, attributes, tensors) is interned in
/// tables.
package struct GraphColumns: Sendable {
  // Per node.
  package var opcodes: [Opcode] = []
  package var attributes: [Int32] = []
  /// Where a node's operands start in `operands`; one entry more than there are nodes.
  package var firstOperand: [Int32] = [0]
  /// Where a node's results start among the values; one entry more than there are nodes.
  package var firstResult: [Int32] = [0]
  /// The caller's label of each node, for errors.
  package var labels: [Int32] = []

  /// Operands of all nodes, concatenated.
  package var operands: [ValueID] = []

  // Per value.
  package var types: [Int32] = []
  package var producers: [NodeID] = []

  // Interned.
  package var typeTable: [TensorType] = []
  package var attributeTable: [Attributes] = [.none]
  package var tensors: [Tensor] = []
  package var customOperations: [any CustomOperation] = []

  /// Values of the nodes `input`, in order of declaration.
  package var inputs: [ValueID] = []
  package var inputNames: [String] = []

  package var nodeCount: Int { opcodes.count }
  package var valueCount: Int { types.count }

  @inline(__always)
  package func operandRange(_ node: NodeID) -> Range<Int> {
    Int(firstOperand[Int(node)])..<Int(firstOperand[Int(node) + 1])
  }

  @inline(__always)
  package func resultRange(_ node: NodeID) -> Range<Int> {
    Int(firstResult[Int(node)])..<Int(firstResult[Int(node) + 1])
  }

  @inline(__always)
  package func operand(_ node: NodeID, _ index: Int) -> ValueID { operands[Int(firstOperand[Int(node)]) + index] }

  @inline(__always)
  package func type(of value: ValueID) -> TensorType { typeTable[Int(types[Int(value)])] }

  @inline(__always)
  package func attributes(of node: NodeID) -> Attributes { attributeTable[Int(attributes[Int(node)])] }

  /// The name of a node's operation; a custom operation has its own name.
  package func operationName(of node: NodeID) -> String {
    if opcodes[Int(node)] == .custom, case .index(let index) = attributes(of: node) {
      return customOperations[index].name
    }
    return opcodes[Int(node)].name
  }
}

/// A computation: immutable, typed, single-assignment. Operands precede their uses, so forward passes go through the
/// nodes in order and reverse passes backwards, without recursion.
///
/// Make one with a ``GraphBuilder``; transform it with ``vjp(_:)``; run it with a ``Plan`` or, as a slow reference,
/// with an ``Interpreter``.
public struct Graph: Sendable {
  package let columns: GraphColumns
  package let outputs: [ValueID]
  public let outputNames: [String]

  package init(columns: GraphColumns, outputs: [ValueID], outputNames: [String] = []) {
    self.columns = columns
    self.outputs = outputs
    self.outputNames = outputNames
  }

  public var nodeCount: Int { columns.nodeCount }
  public var inputNames: [String] { columns.inputNames }
  public var inputTypes: [TensorType] { columns.inputs.map(columns.type(of:)) }
  public var outputTypes: [TensorType] { outputs.map(columns.type(of:)) }

  /// For each node, whether an output needs it.
  package var reachableNodes: [Bool] {
    var live = [Bool](repeating: false, count: columns.nodeCount)
    for output in outputs { live[Int(columns.producers[Int(output)])] = true }
    for node in stride(from: columns.nodeCount - 1, through: 0, by: -1) where live[node] {
      for index in columns.operandRange(NodeID(node)) {
        live[Int(columns.producers[Int(columns.operands[index])])] = true
      }
    }
    return live
  }
}

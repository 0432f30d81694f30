/// Everything the system must know about a node of a graph: its result types, its derivative, how it takes many
/// examples, how it becomes instructions, and what it means in the plainest terms.
///
/// Primitives are stateless, one per ``Opcode``. Their operands arrive with broadcasting made explicit, dtypes equal
/// and attributes normalised; that is the business of the ``Operation`` that emitted them.
public protocol Primitive: Sendable {
  var name: String { get }

  /// States the result types through `node.result(_:)`.
  /// - Throws: what is wrong with the operands; their names stand as `{0}`, `{1}` in the message.
  func inferTypes(_ node: TypeInference) throws(GraphError)

  /// Stated once; JVP and VJP both follow from it.
  var derivative: Derivative { get }

  /// How it takes many examples at once. There is no default.
  var batch: Batching { get }

  /// Places the results: as layouts of existing memory where that is enough, otherwise as instructions.
  func lower(_ node: inout LoweringNode) throws(GraphError)

  /// The results on concrete tensors, slow and obvious: the oracle of what `lower` emits.
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor]
}

/// How an operation differentiates.
public enum Derivative: Sendable {
  /// The Jacobian by each operand is symmetric, as that of every elementwise function is, being diagonal. One function
  /// per operand: the cotangent (or tangent) times that Jacobian.
  case pointwise([@Sendable (_ ct: Value, _ node: NodeContext) -> Value])
  /// Linear in all floating operands: how a cotangent goes back. Tangents go through the operation itself.
  case linear(transpose: @Sendable (Pullback) -> Void)
  /// Linear in each of two operands: the cotangent of the left given the right, and of the right given the left.
  case bilinear(
    left: @Sendable (_ ct: Value, _ right: Value) -> Value,
    right: @Sendable (_ ct: Value, _ left: Value) -> Value)
  /// How cotangents go back, where the function is not linear and not pointwise. Tangents follow: the rule is linear in
  /// the cotangents.
  case rule(vjp: @Sendable (Pullback) -> Void)
  /// What a library user's operation says.
  case custom
  /// Carries no gradient: integer and bool results, leaves.
  case none
}

/// A node as its derivative rule sees it.
public struct NodeContext {
  package let builder: GraphBuilder
  package let node: NodeID

  public func operand(_ index: Int) -> Value { builder.value(builder.columns.operand(node, index)) }
  public func result(_ index: Int = 0) -> Value {
    builder.value(builder.columns.firstResult[Int(node)] + ValueID(index))
  }
  public var operandCount: Int { builder.columns.operandRange(node).count }
  public var resultCount: Int { builder.columns.resultRange(node).count }
  public var attributes: Attributes { builder.columns.attributes(of: node) }

  // In rules of pointwise operations the operands are x and y and the result is z.
  public var x: Value { operand(0) }
  public var y: Value { operand(1) }
  public var z: Value { result(0) }
}

/// Everything that must be known about a kind of node: its result types, its derivative, how it is batched, how it
/// becomes instructions, and a reference implementation.
///
/// Primitives are stateless, one per ``Opcode``. Their operands have equal dtypes and explicit broadcasting, and their
/// attributes are normalised; the ``Operation`` that emits them ensures that.
public protocol Primitive: Sendable {
  var name: String { get }

  /// States the result types through `node.result(_:)`.
  /// - Throws: errors in the operands, which the message names `{0}`, `{1}`.
  func inferTypes(_ node: TypeInference) throws(GraphError)

  /// Its derivative. JVP and VJP both follow from it.
  var derivative: Derivative { get }

  /// How it is batched. There is no default.
  var batch: Batching { get }

  /// Lowers the node: to layouts of existing memory if possible, otherwise to instructions.
  func lower(_ node: inout LoweringNode) throws(GraphError)

  /// The results on concrete tensors, in the simplest way: the reference for `lower`.
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor]
}

/// How an operation differentiates.
public enum Derivative: Sendable {
  /// The Jacobian with respect to each operand is symmetric; for elementwise functions it is diagonal. One function per
  /// operand: the cotangent (or tangent) times that Jacobian.
  case pointwise([@Sendable (_ ct: Value, _ node: NodeContext) -> Value])
  /// Linear in all floating operands. States the transpose; tangents go through the operation itself.
  case linear(transpose: @Sendable (Pullback) -> Void)
  /// Linear in each of two operands. States the cotangent of the left given the right, and of the right given the left.
  case bilinear(
    left: @Sendable (_ ct: Value, _ right: Value) -> Value,
    right: @Sendable (_ ct: Value, _ left: Value) -> Value)
  /// Any other function. States the rule for cotangents; tangents follow, because the rule is linear in the cotangents.
  case rule(vjp: @Sendable (Pullback) -> Void)
  /// The rule of a custom operation.
  case custom
  /// No gradient: integer and bool results, leaves.
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

/// Primitives by which a derivative is given a value at points where mathematics has none, without a change to what
/// follows from it.

/// `settled`: c where a mask is true, x elsewhere, with the derivative of x *everywhere*. A `select` would make x
/// constant where the mask holds: then the second derivative of a function with a corner would be 0 at the corner,
/// where it has no bound.
///
/// Operands: the mask, c, x.
struct SettledPrimitive: Primitive {
  let name = "settled"
  private let choice = SelectPrimitive()

  let derivative = Derivative.pointwise([
    { ct, _ in ct }, { ct, node in node.builder.zeros(ct.type) }, { ct, _ in ct },
  ])

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) { try choice.inferTypes(node) }
  func lower(_ node: inout LoweringNode) throws(GraphError) { try choice.lower(&node) }
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] { try choice.interpret(node) }
}

/// `guarded`: x itself, whose derivative is NaN where x is NaN. For functions that choose a branch by a comparison,
/// which is false of NaN:
/// without this the derivative of whatever branch that is would come out.
struct GuardedPrimitive: Primitive {
  let name = "guarded"

  let derivative = Derivative.pointwise([{ ct, node in node.builder.select(node.x.emit(.isNaN), node.z, ct) }])

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 1, node.operand(0).dtype.isFloating else {
      throw node.fault("guarded takes one floating operand")
    }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.place(node.operand(0)) }
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] { node.operands }
}

/// `kept`: x itself, as a node of its own, for derivatives by it: no rewrite looks through it, and the rule of the
/// operation that made x knows x only. So what that rule makes of x does not count as made of it.
struct KeptPrimitive: Primitive {
  let name = "kept"

  let derivative = Derivative.pointwise([{ ct, _ in ct }])

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 1, node.operand(0).dtype.isFloating else {
      throw node.fault("kept takes one floating operand")
    }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.place(node.operand(0)) }
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] { node.operands }
}

extension Value {
  /// This value, but `number` where a mask is true, with this value's derivative everywhere: for conventions about
  /// first derivatives.
  func settled(where mask: Value, to number: Double) -> Value {
    guard isValid, mask.isValid else { return self }
    return builder.emit(.settled, [mask, filled(number), self], .none)[0]
  }

  /// This value, whose derivative is NaN where it is NaN.
  var guarded: Value { emit(.guarded) }

  /// This value, but NaN with a NaN derivative where a mask, which is repeated along axes of size 1, is true.
  func spoilt(where mask: Value) -> Value {
    guard isValid, mask.isValid else { return isValid ? mask : self }
    let one = TensorType(dtype, mask.shape)
    let factor = builder.select(mask, builder.filled(one, with: .nan), builder.filled(one, with: 1))
    return self * builder.broadcast(factor, to: shape)
  }
}

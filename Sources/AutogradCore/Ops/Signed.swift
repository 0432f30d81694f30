/// The derivative of |x|: a cotangent times the sign of x. A node of its own, so that another derivative that goes
/// through the same |x| is known for one: there the sign, which is 0 at 0 by convention, must not count as 0 twice.
///
/// g(|x|) has the second derivative g''(0) on both sides of 0, as |x| sin |x| has 2, and not g''(0) times 0 times 0. Where
/// elements of |x| are mixed, as those of (Σ |x|)² are, that of an element with itself is NaN, as are higher derivatives.
///
/// Operands: the cotangent, x, the product.
struct SignedPrimitive: Primitive {
  let name = "signed"

  let derivative = Derivative.pointwise([
    { ct, node in node.y.signed(ct) }, { ct, node in ct * node.x * node.y.emit(.zeroOf) },
  ])

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 3, (0..<3).allSatisfy({ node.typeID($0) == node.typeID(0) }), node.operand(0).dtype.isFloating
    else { throw node.fault("signed takes three floating operands of one type") }
    node.result(sameAs: 2)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) { node.place(node.operand(2)) }
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] { [node.operands[2]] }
}

extension Value {
  /// A cotangent of |self| as one of self.
  func signed(_ ct: Value) -> Value {
    guard isValid, ct.isValid else { return isValid ? ct : self }
    let product = builder.emit(.mul, [ct, emit(.sign)], .none)[0]
    guard product.isValid else { return product }
    let within = (builder.signs[id] ?? []).map(builder.value).compactMap { sign -> (sign: Value, pairs: [(source: Int, value: Int)])? in
      guard builder.mayWalk(from: sign, to: ct) else { return nil }
      return AlignmentPass(builder, source: sign, through: [ct]).pairs(of: ct).map { (sign: sign, pairs: $0) }
    }
    guard !within.isEmpty else {
      let result = builder.emit(.signed, [ct, self, product], .none)[0]
      if result.isValid { builder.signs[id, default: []].append(result.id) }
      return result
    }
    let isZero = emit(.equal, builder.zeros(type))
    let directions = within.map { (primal: $0.sign, tangent: builder.operands(of: $0.sign)[0]) }
    let isAligned = within.allSatisfy { sign in
      // An axis with one position goes with any.
      (0..<shape.rank).allSatisfy { axis in shape[axis] == 1 || sign.pairs.contains { $0.source == axis && $0.value == axis } }
    }
    guard isAligned else {
      // What an element is to others has the sign of 0 once.
      let isMoved = directions.map { $0.tangent.emit(.notEqual, builder.zeros(type)) }
      return product.spoilt(where: isZero.emit(.logicalAnd, isMoved.dropFirst().reduce(isMoved[0]) { $0.emit(.logicalOr, $1) }))
    }
    let unknown = product.spoilt(where: isZero)
    guard let limit = builder.tangents(of: [ct], along: directions)[0] else { return product }
    return builder.emit(.settled, [isZero, limit, unknown], .none)[0]
  }
}

extension GraphBuilder {
  /// Counts the nodes between, which are walked over for each use of |x|. Beyond a million in all, a sign is 0 at 0
  /// however often it counts.
  fileprivate func mayWalk(from first: Value, to last: Value) -> Bool {
    signSteps += max(Int(columns.producers[Int(last.id)]) - Int(columns.producers[Int(first.id)]), 0)
    return signSteps <= 1 << 20
  }

  fileprivate func operands(of value: Value) -> [Value] {
    columns.operandRange(columns.producers[Int(value.id)]).map { self.value(columns.operands[$0]) }
  }
}

/// The derivative of |x|: a cotangent times the sign of x. A node of its own, so that another derivative that goes
/// through the same |x| is known for one: there the sign, which is 0 at 0 by convention, must not count as 0 twice.
///
/// g(|x|) has the second derivative g''(0) on both sides of 0, as |x| sin |x| has 2, and not g''(0) times 0 times 0.
/// Where elements of |x| are mixed, as those of (Σ |x|)² are, that of an element with itself is NaN, as are higher
/// derivatives.
/// The same holds of |p| and |q| where p and q are 0 together and cross 0 together, as those of |2x| |3x| do.
///
/// Operands: the cotangent, x, the product.
struct SignedPrimitive: Primitive {
  let name = "signed"

  let derivative = Derivative.pointwise([
    { ct, node in node.y.signed(ct) }, { ct, node in ct * node.x * node.y.emit(.zeroOf) },
  ])

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 3, (0..<3).allSatisfy({ node.typeID($0) == node.typeID(0) }),
      node.operand(0).dtype.isFloating
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
    let met = builder.signs(within: ct, at: self)
    if met.isEmpty { return builder.emit(.signed, [ct, self, product], .none)[0] }
    // What is 0 here alone is another corner of this |self|, which must be known for one.
    let isOwn = met.contains { $0.isSame }
    let plain = isOwn ? product : builder.emit(.signed, [ct, self, product], .none)[0]
    var (result, known) = (plain, met.filter(\.isAligned))
    let limits = builder.tangents(of: [ct], along: known.map { (primal: $0.sign, tangent: $0.step) })
    if let limit = limits[0] {
      let isMet = known.dropFirst().reduce(known[0].isMet) { $0.emit(.logicalOr, $1.isMet) }
      result = builder.emit(.settled, [isMet, limit, plain.spoilt(where: isMet)], .none)[0]
    }
    known = met.filter { !$0.isAligned }
    // What an element is to others has the sign of 0 once.
    return known.reduce(result) { $0.spoilt(where: $1.isMet) }
  }
}

/// The sign of a number that is 0 together with another whose size a cotangent goes back through.
private struct MetSign {
  /// The derivative of the size, which the cotangent depends on.
  var sign: Value
  /// Whether both are the same number.
  var isSame: Bool
  /// Whether the cotangent depends on it element by element.
  var isAligned: Bool
  /// Where both are 0; if they are not aligned, where an element would have the sign of 0 twice.
  var isMet: Value
  /// What the derivative is without its sign, times the limit of both signs.
  var step: Value
}

extension GraphBuilder {
  /// Signs of 0 that would count twice in a cotangent of |x| times the sign of x.
  fileprivate func signs(within ct: Value, at x: Value) -> [MetSign] {
    signs.extend(columns)
    let isZero = x.emit(.equal, zeros(x.type))
    return signs.within(ct.id).compactMap { found in
      let (sign, y) = (value(found.result), value(found.operand))
      let isSame = y.id == x.id
      // Elements of different shapes do not meet one by one. What is nested is a corner of its own.
      guard y.typeID == x.typeID, isSame || !signs.areNested(x.id, y.id), mayWalk(nodes(from: sign, to: ct)),
        let pairs = AlignmentPass(self, source: sign, through: [ct]).pairs(of: ct)
      else { return nil }
      // An axis with one position goes with any.
      let isAligned = (0..<x.shape.rank).allSatisfy { axis in
        x.shape[axis] == 1 || pairs.contains { $0.source == axis && $0.value == axis }
      }
      let change = operands(of: sign)[0]
      let isMoved = change.emit(.notEqual, zeros(change.type))
      if isSame {
        let isMet = isAligned ? isZero : isZero.emit(.logicalAnd, isMoved)
        return MetSign(sign: sign, isSame: true, isAligned: isAligned, isMet: isMet, step: change)
      }
      guard let joint = jointSign(x, y) else { return nil }
      var isMet = isZero.emit(.logicalAnd, y.emit(.equal, zeros(y.type)))
      if isAligned {
        let step = select(isMet.emit(.logicalAnd, isMoved), joint * change, zeros(change.type))
        return MetSign(sign: sign, isSame: false, isAligned: true, isMet: isMet, step: step)
      }
      // Those that do not follow each other may have nothing to do with each other.
      isMet = isMet.emit(.logicalAnd, isMoved).emit(.logicalAnd, (joint * joint).emit(.equal, joint.filled(1)))
      return MetSign(sign: sign, isSame: false, isAligned: false, isMet: isMet, step: change)
    }
  }

  private func nodes(from first: Value, to last: Value) -> Int {
    max(Int(columns.producers[Int(last.id)]) - Int(columns.producers[Int(first.id)]), 0)
  }

  /// Counts the nodes that are walked over for each use of |x|. Beyond a million in all, a sign is 0 at 0 however often
  /// it counts.
  func mayWalk(_ nodes: Int) -> Bool {
    signs.steps += nodes
    return signs.steps <= 1 << 20
  }

  func operands(of value: Value) -> [Value] {
    columns.operandRange(columns.producers[Int(value.id)]).map { self.value(columns.operands[$0]) }
  }
}

import CKernels

/// What the derivatives of `softmax`, `log_softmax` and `logsumexp` are made of, for weights w that add up to 1 along
/// an axis and any numbers x: their deviations from the weighted mean m = Σ w x, the deviations weighted again, and
/// x - w Σ x. The kernels lose nothing where one weight is near 1, and the derivatives are these functions again, so
/// that no order loses anything. A third operand, where there is one, is the value as a formula.
///
/// Weights come from softmax, whose derivative takes no notice of a constant along the axis. So a cotangent of w may be
/// given up to one, and is given in deviations.
struct WeightedPrimitive: Primitive {
  let name: String
  let function: ck_scan_op
  let derivative: Derivative

  private init(
    _ name: String, _ function: ck_scan_op,
    _ rule: @escaping @Sendable (_ node: Pullback, _ w: Value, _ x: Value, _ scan: Scan) -> Void
  ) {
    self.name = name
    self.function = function
    derivative = .rule { node in
      guard case .scan(let scan) = node.attributes else { return }
      if node.isTarget(0) {
        node.builder.fail(
          GraphError(
            .invalidAttribute,
            "the value of softmax is a target of what holds derivatives of softmax, which know it up to a constant "
              + "along "
              + "the axis only; call keepAsTarget on it first, and use what that returns"))
      }
      rule(node, node.operand(0), node.operand(1), scan)
    }
  }

  /// x - m.
  static let deviations = WeightedPrimitive("deviations", CK_DEVIATIONS) { node, w, _, scan in
    node.accumulate(w.weighting(.withoutShare, node.ct, scan), 1)
    if node.wants(0) { node.accumulate(-(node.ct.total(scan) * node.result(0)), 0) }
  }

  /// w (x - m), which is symmetric as a function of x.
  static let weightedDeviations = WeightedPrimitive("weighted_deviations", CK_WEIGHTED_DEVIATIONS) {
    node, w, x, scan in
    node.accumulate(w.weighting(.weightedDeviations, node.ct, scan), 1)
    if node.wants(0) {
      node.accumulate(w.weighting(.deviations, node.ct, scan) * w.weighting(.deviations, x, scan), 0)
    }
  }

  /// x - w Σ x.
  static let withoutShare = WeightedPrimitive("without_share", CK_WITHOUT_SHARE) { node, w, x, scan in
    let deviations = w.weighting(.deviations, node.ct, scan)
    node.accumulate(deviations, 1)
    if node.wants(0) { node.accumulate(-(x.total(scan) * deviations), 0) }
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .scan(let scan) = node.attributes, 2...3 ~= node.operandCount, node.operand(0).dtype.isFloating,
      (1..<node.operandCount).allSatisfy({ node.typeID($0) == node.typeID(0) }), scan.axis < node.operand(0).shape.rank
    else { throw node.fault("\(name) takes floating operands of one type and an axis of them") }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .scan(let scan) = node.attributes else { return }
    if node.operandCount == 3 { return node.place(node.operand(2)) }
    node.emitScan(function, into: node.allocate(), node.operand(0), node.operand(1), scan)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .scan(let scan) = node.attributes else { return [] }
    if node.operands.count == 3 { return [node.operands[2]] }
    return [node.scanned(function, scan, second: node.operands[1])]
  }
}

extension Value {
  /// A function of ``WeightedPrimitive`` with this value as weights.
  func weighting(_ opcode: Opcode, _ x: Value, _ scan: Scan) -> Value {
    guard isValid, x.isValid else { return isValid ? x : self }
    let isLast = scan.axis == shape.rank - 1
    return builder.emit(opcode, [self, x] + (isLast ? [] : [weighted(opcode, x, scan)]), .scan(scan))[0]
  }

  /// The same as a formula: along other axes than the last, elements of a line are far apart in memory.
  private func weighted(_ opcode: Opcode, _ x: Value, _ scan: Scan) -> Value {
    let (isMain, zeros) = (filled(0.5).emit(.less, self), builder.zeros(type))
    if opcode == .withoutShare {
      let others = builder.select(isMain, zeros, x).total(scan)
      let rest = builder.select(isMain, zeros, self).total(scan)
      return builder.select(isMain, x * rest - self * others, x - self * x.total(scan))
    }
    let centred = x - builder.select(isMain, x, zeros).total(scan)
    let deviations = centred - (self * centred).total(scan)
    return opcode == .deviations ? deviations : self * deviations
  }

  /// The sum along an axis, repeated along it.
  fileprivate func total(_ scan: Scan) -> Value {
    guard isValid else { return self }
    let axes = AxisSet([scan.axis])
    return builder.stretch(builder.sum(self, over: axes), over: axes, to: shape)
  }
}

import CKernels

/// x y / z, what derivatives of quotients are made of. The product may leave the range of numbers where the quotient
/// does not: that of log(sum(exp x)) at 400 has second derivatives of e^400 · e^-400 / e^400. Its derivatives are of
/// its own kind, so every order stays in range.
extension PointwiseFunction {
  static let quotients: [PointwiseFunction] = [
    derived(
      .productQuotient, .ternary(CK_PRODUCT_QUOTIENT), "product_quotient", "x y / z",
      [
        { ct, node in ct.times(node.operand(1), over: node.operand(2)) },
        { ct, node in ct.times(node.operand(0), over: node.operand(2)) },
        { ct, node in -ct.times(node.result(), over: node.operand(2)) },
      ])
  ]
}

extension Value {
  /// self · factor / divisor.
  func times(_ factor: Value, over divisor: Value) -> Value {
    guard isValid, factor.isValid, divisor.isValid else { return isValid ? (factor.isValid ? divisor : factor) : self }
    if builder.isFilled(self, with: 1) { return factor / divisor }
    if builder.isFilled(factor, with: 1) { return self / divisor }
    return builder.emit(.productQuotient, [self, factor, divisor], .none)[0]
  }
}

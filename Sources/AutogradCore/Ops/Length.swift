import CKernels

/// The length of a vector, and what its derivatives are made of: the vector's direction, and quotients by the length.
/// Each has a derivative made of these again, so that every order is one.
///
/// The kernel gives lengths in a code in which no bits are lost and nothing overflows, so that the direction of
/// [1e-320, 1e-320] and that of [1e308, 1e308] are as exact as that of [1, 1].
extension ReductionPrimitive {
  static let lengthCode = ReductionPrimitive(
    name: "length_code", function: CK_LENGTH_CODE, operands: .floating, derivative: .none)
}

extension PointwiseFunction {
  static let lengths: [PointwiseFunction] = [
    derived(.lengthOf, .unary(CK_LENGTH_OF), "length_of", "the length that x is the code of", [constant]),
    derived(
      .perLength, .binary(CK_PER_LENGTH), "per_length", "x over the length that y is the code of",
      [{ ct, node in ct.emit(.perLength, node.y) }, constant]),
  ]

  /// The rules below differentiate by the vector itself, not by the code of its length.
  private static let constant: Partial = { ct, node in node.builder.zeros(ct.type) }
}

extension RuledPrimitive {
  /// Operands: x, the value. The gradient is the direction of x. At 0, where there is none, it is 0 by convention; what
  /// follows from it there has no bound.
  static let norm = RuledPrimitive("norm") { node in
    guard case .axes(let axes) = node.attributes else { return }
    node.accumulate(node.stretched(node.ct) * node.operand(0).direction(over: axes), 0)
  }

  /// Operands: x, the value x / |x|, 0 at 0. The derivative takes what is across the direction, and divides it by the
  /// length.
  static let unit = RuledPrimitive(
    "unit",
    symmetric: { ct, node, axes in
      ct.across(node.z, over: axes).perLength(of: node.x, over: axes)
    })

  /// Operands: v, x, the value v / |x|.
  static let quotientByLength = RuledPrimitive("quotient_by_length") { node in
    guard case .axes(let axes) = node.attributes else { return }
    let x = node.operand(1)
    node.accumulate(node.ct.perLength(of: x, over: axes), 0)
    if node.wants(1) {
      let total = node.stretched(node.builder.sum(node.ct * node.result(0), over: axes))
      node.accumulate(-(x.direction(over: axes) * total.perLength(of: x, over: axes)), 1)
    }
  }
}

extension Value {
  /// The root of the sum of squares.
  func norm(over axes: AxisSet) -> Value {
    guard isValid else { return self }
    if axes.isEmpty { return emit(.abs) }
    return builder.emit(.norm, [self, builder.emit(.lengthCode, self, .axes(axes)).emit(.lengthOf)], .axes(axes))[0]
  }

  /// x / |x|, and 0 where x is 0.
  func direction(over axes: AxisSet) -> Value {
    guard isValid else { return self }
    let code = builder.emit(.lengthCode, self, .axes(axes))
    let divisor = builder.select(code.emit(.equal, builder.zeros(code.type)), code.filled(1), code)
    return builder.emit(
      .unit, [self, emit(.perLength, builder.stretch(divisor, over: axes, to: shape))], .axes(axes))[0]
  }

  /// self / |x|.
  fileprivate func perLength(of x: Value, over axes: AxisSet) -> Value {
    guard isValid, x.isValid else { return x.isValid ? self : x }
    let code = builder.stretch(builder.emit(.lengthCode, x, .axes(axes)), over: axes, to: shape)
    return builder.emit(.quotientByLength, [self, x, emit(.perLength, code)], .axes(axes))[0]
  }

  /// self - u Σ u self for unit vectors u. Where one entry of u is near ±1, what is left of the same entry of self is
  /// the sum of squares of the others of u times it, not the difference of what is equal to the last bits.
  fileprivate func across(_ u: Value, over axes: AxisSet) -> Value {
    guard isValid, u.isValid else { return u.isValid ? self : u }
    func total(_ value: Value) -> Value { builder.stretch(builder.sum(value, over: axes), over: axes, to: shape) }
    // Of one entry at most, also where squares of 1/2 are rounded up.
    let isMain = filled(0.75).emit(.less, u * u)
    let minor = builder.select(isMain, filled(0), u)
    return builder.select(isMain, self * total(minor * minor) - u * total(minor * self), self - u * total(u * self))
  }
}

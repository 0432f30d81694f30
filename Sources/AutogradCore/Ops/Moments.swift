import CKernels

/// Reductions that divide or take a root in the kernel, which keeps what is added up in the range of numbers wherever
/// the result is.
extension ReductionPrimitive {
  /// Linear: each element has its share of the cotangent.
  static let mean = ReductionPrimitive(
    name: "mean", function: CK_MEAN, operands: .floating,
    derivative: .linear { node in node.accumulate(node.stretched(node.ct / node.reducedCount), 0) })

  static let meanSquare = ReductionPrimitive(
    name: "mean_square", function: CK_MEAN_SQUARE, operands: .floating,
    derivative: .rule { node in node.accumulate(node.operand(0) * node.stretched(node.ct * 2 / node.reducedCount), 0) })

  /// The sum of the terms below 1: of exponentials whose largest is 1, what they have beside it.
  static let rest = ReductionPrimitive(name: "rest", function: CK_REST, operands: .floating, derivative: .none)

  /// A power of two by which differences of elements, and their sums, stay in range and keep their bits.
  static let scale = ReductionPrimitive(name: "scale", function: CK_SCALE, operands: .floating, derivative: .none)
}

extension RuledPrimitive {
  /// Operands: x, the value, which is x less its mean. The derivative of what is scaled on the way needs no scale.
  static let centred = RuledPrimitive(
    "centred",
    symmetric: { ct, node, axes in
      ct - node.builder.stretch(ct.mean(over: axes), over: axes, to: ct.shape)
    })
}

extension Pullback {
  /// How many elements each result of a reduction is made of.
  fileprivate var reducedCount: Double {
    guard case .axes(let axes) = attributes else { return 1 }
    return Double(operand(0).shape.elementCount(of: axes))
  }
}

extension Value {
  func mean(over axes: AxisSet) -> Value { builder.reduce(.mean, self, over: axes) }

  /// The sum of squares over their number.
  func meanSquare(over axes: AxisSet) -> Value {
    axes.isEmpty ? self * self : builder.reduce(.meanSquare, self, over: axes)
  }

  /// Differences from the mean, times a power of two that keeps them in range, and 1 over it. They are taken from one
  /// of the elements first: what all have in common then cancels exactly, so that a constant has none. Deviations do
  /// not depend on that element, so it counts as a constant.
  private func deviations(over axes: AxisSet) -> (scaled: Value, inverse: Value) {
    func stretched(_ value: Value) -> Value { builder.stretch(value, over: axes, to: shape) }
    guard isValid else { return (self, self) }
    guard shape.elementCount(of: axes) > 0 else {
      let empty = mean(over: axes)
      return (self - stretched(empty), empty)
    }
    if axes.isEmpty { return (self - self, filled(1)) }
    let scale = builder.emit(.scale, self, .axes(axes))
    let first = Window(
      starts: Shape(repeating: 0, rank: shape.rank), steps: Shape(repeating: 1, rank: shape.rank),
      sizes: shape.keeping(axes),
      whole: shape)
    let origin = builder.emit(.slice, self, .window(first)).emit(.stopGradient)
    let start = builder.broadcast(origin * builder.reshape(scale, to: shape.keeping(axes)), to: shape)
    let centred = self * stretched(scale) - start
    return (centred - stretched(centred.mean(over: axes)), scale.emit(.reciprocal))
  }

  func variance(over axes: AxisSet, correction: Double) -> Value {
    let (scaled, inverse) = deviations(over: axes)
    guard scaled.isValid else { return scaled }
    let deviations = scaled * builder.stretch(inverse, over: axes, to: shape)
    let square = builder.emit(.centred, [self, deviations], .axes(axes))[0].meanSquare(over: axes)
    let count = Double(shape.elementCount(of: axes))
    return correction == 0 ? square : square * (count / Swift.max(count - correction, 0))
  }

  /// The length of the deviations, not the root of the variance, whose square may be out of range.
  func standardDeviation(over axes: AxisSet, correction: Double) -> Value {
    let count = Double(shape.elementCount(of: axes))
    let (scaled, inverse) = deviations(over: axes)
    guard scaled.isValid else { return scaled }
    return scaled.norm(over: axes) / Swift.max(count - correction, 0).squareRoot() * inverse
  }
}

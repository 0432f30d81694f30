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

  /// The gradient is the direction of x. At 0, where there is none, it is 0 by convention; what follows from it there
  /// is NaN, because the second derivative has no bound near 0.
  static let norm = ReductionPrimitive(
    name: "norm", function: CK_NORM, operands: .floating,
    derivative: .rule { node in
      let length = node.stretched(node.result(0))
      let isZero = length.emit(.equal, node.builder.zeros(length.type))
      let direction = (node.operand(0) / length).settled(where: isZero, to: 0)
      node.accumulate(node.stretched(node.ct) * direction, 0)
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

  /// The root of the sum of squares.
  func norm(over axes: AxisSet) -> Value { axes.isEmpty ? emit(.abs) : builder.reduce(.norm, self, over: axes) }

  /// Differences from the mean. They are taken from one of the elements first: what all have in common then cancels
  /// exactly, so that a constant has none. Deviations do not depend on that element, so it counts as a constant.
  func deviations(over axes: AxisSet) -> Value {
    guard isValid else { return self }
    var centred = self
    if shape.elementCount(of: axes) > 0 {
      let first = Window(
        starts: Shape(repeating: 0, rank: shape.rank), steps: Shape(repeating: 1, rank: shape.rank),
        sizes: shape.keeping(axes),
        whole: shape)
      centred = self - builder.broadcast(builder.emit(.slice, self, .window(first)).emit(.stopGradient), to: shape)
    }
    return centred - builder.stretch(centred.mean(over: axes), over: axes, to: shape)
  }

  func variance(over axes: AxisSet, correction: Double) -> Value {
    let square = deviations(over: axes).meanSquare(over: axes)
    let count = Double(shape.elementCount(of: axes))
    return correction == 0 ? square : square * (count / Swift.max(count - correction, 0))
  }

  /// The length of the deviations, not the root of the variance, whose square may be out of range.
  func standardDeviation(over axes: AxisSet, correction: Double) -> Value {
    let count = Double(shape.elementCount(of: axes))
    return deviations(over: axes).norm(over: axes) / Swift.max(count - correction, 0).squareRoot()
  }
}

/// `softmax`, `log_softmax`: exact and stable as formulas.
extension CompositeOperation {
  static let normalisers = [softmax, logSoftmax]

  private init(
    _ name: String, _ summary: String, _ formula: String, _ derivative: String, _ otherNames: [String],
    _ body: @escaping @Sendable (_ x: Value, _ axes: AxisSet) -> Value
  ) {
    self.init(
      OperationReference(
        name: name, summary: summary, formula: formula, operands: ["x"],
        attributes: [AttributeReference("axis", .integer, default: "-1", "the axis along which the exponentials add up to 1")],
        dtypes: .floating, shapeRule: "that of x", derivative: derivative,
        conventions: ["no overflow in between", "nothing but -Infinity along the axis gives NaN"], otherNames: otherNames,
        samples: [OperationSample([[2, 3]])] + ScanOperation.samples)
    ) { call throws(GraphError) in
      let axis = try call.axis(call.integer("axis") ?? -1, rank: call.x.shape.rank, of: "axis")
      return body(call.x, AxisSet([axis]))
    }
  }

  private static let softmax = CompositeOperation(
    "softmax", "Exponentials along an axis, scaled to add up to 1.", "y = e^x / Σ e^x", "x: y (ct - Σ ct y)", ["normalized_exponential"]
  ) { x, axes in
    let builder = x.builder
    let powers = (x - builder.stretch(x.peak(over: axes), over: axes, to: x.shape)).emit(.exp)
    return powers / builder.stretch(builder.sum(powers, over: axes), over: axes, to: x.shape)
  }

  private static let logSoftmax = CompositeOperation(
    "log_softmax", "Logarithm of softmax.", "y = x - ln Σ e^x", "x: ct - softmax(x) Σ ct", ["logsoftmax"]
  ) { x, axes in
    let builder = x.builder
    let shifted = x - builder.stretch(x.peak(over: axes), over: axes, to: x.shape)
    let logarithm = builder.sum(shifted.emit(.exp), over: axes).emit(.log)
    return shifted - builder.stretch(logarithm, over: axes, to: x.shape)
  }
}

import CKernels

/// `softmax`, `log_softmax`, `logsumexp`: stable as formulas, with derivatives of their own (``WeightedPrimitive``).
extension CompositeOperation {
  static let normalisers = [softmax, logSoftmax]

  private init(
    _ name: String, _ summary: String, _ formula: String, _ derivative: String, _ otherNames: [String],
    _ body: @escaping @Sendable (_ x: Value, _ axis: Int) -> Value
  ) {
    self.init(
      OperationReference(
        name: name, summary: summary, formula: formula, operands: ["x"],
        attributes: [
          AttributeReference("axis", .integer, default: "-1", "the axis along which the exponentials add up to 1")
        ],
        dtypes: .floating, shapeRule: "that of x", derivative: derivative,
        conventions: ["no overflow in between", "nothing but -Infinity along the axis gives NaN"],
        otherNames: otherNames,
        samples: [OperationSample([[2, 3]])] + ScanOperation.samples)
    ) { call throws(GraphError) in
      let axis = try call.axis(call.integer("axis") ?? -1, rank: call.x.shape.rank, of: "axis")
      return body(call.x, axis)
    }
  }

  private static let softmax = CompositeOperation(
    "softmax", "Exponentials along an axis, scaled to add up to 1.", "y = e^x / Σ e^x", "x: y (ct - Σ ct y)",
    ["normalized_exponential"]
  ) { x, axis in x.softmax(axis) }

  private static let logSoftmax = CompositeOperation(
    "log_softmax", "Logarithm of softmax.", "y = x - ln Σ e^x", "x: ct - softmax(x) Σ ct", ["logsoftmax"]
  ) { x, axis in
    guard x.isValid else { return x }
    let parts = Exponentials(x, axis)
    let result = parts.shifted - parts.stretched(parts.logarithm)
    return x.builder.emit(.logSoftmax, [x, result], .scan(Scan(axis: axis, reverse: false)))[0]
  }
}

extension RuledPrimitive {
  /// Operands: x, the value.
  static let softmax = RuledPrimitive(
    "softmax",
    symmetric: { ct, node, axes in
      node.z.weighting(.weightedDeviations, ct, Scan(axis: axes.array[0], reverse: false))
    })

  static let logSoftmax = RuledPrimitive("log_softmax") { node in
    guard case .scan(let scan) = node.attributes else { return }
    node.accumulate(node.operand(0).softmax(scan.axis).weighting(.withoutShare, node.ct, scan), 0)
  }

  static let logSumExp = RuledPrimitive("logsumexp") { node in
    guard case .scan(let scan) = node.attributes else { return }
    let (builder, x, axes) = (node.builder, node.operand(0), AxisSet([scan.axis]))
    // Nothing but -infinity has the gradient 0.
    let weights = x.softmax(scan.axis, ofNothing: 1)
    node.accumulate(builder.stretch(node.ct, over: axes, to: x.shape) * weights, 0)
  }
}

/// The exponentials along an axis, over that of the largest element: so none is above 1.
private struct Exponentials {
  let shifted: Value
  let powers: Value
  /// By which everything is over.
  let peak: Value
  private let axes: AxisSet

  init(_ x: Value, _ axis: Int) {
    axes = AxisSet([axis])
    peak = x.peak(over: axes)
    shifted = x - x.builder.stretch(peak, over: axes, to: x.shape)
    powers = shifted.emit(.exp)
  }

  func stretched(_ value: Value) -> Value { value.builder.stretch(value, over: axes, to: powers.shape) }

  var total: Value { powers.builder.sum(powers, over: axes) }

  /// ln Σ, by what the sum is beside the 1 of the largest element: e^-50 counts. Elements that equal the largest are 1
  /// each.
  var logarithm: Value {
    guard powers.isValid else { return powers }
    let rest = powers.builder.emit(.rest, powers, .axes(axes))
    return (rest + ((total - rest).emit(.round) - 1)).emit(.log1p)
  }
}

extension Value {
  /// - Parameter ofNothing: what to divide by where everything is -infinity.
  fileprivate func softmax(_ axis: Int, ofNothing: Double? = nil) -> Value {
    guard isValid else { return self }
    let parts = Exponentials(self, axis)
    var total = parts.total
    if let ofNothing {
      total = builder.select(total.emit(.equal, builder.zeros(total.type)), total.filled(ofNothing), total)
    }
    let scan = Scan(axis: axis, reverse: false)
    return builder.emit(.softmax, [self, parts.powers / parts.stretched(total)], .scan(scan))[0]
  }

  func logSumExp(over axes: AxisSet) -> Value {
    guard isValid, !axes.isEmpty else { return self }
    // Several axes become one.
    guard axes.array.count == 1 else {
      let lines = builder.lines(self, axes)
      return lines.isValid ? lines.logSumExp(over: AxisSet([lines.shape.rank - 1])) : lines
    }
    let axis = axes.array[0]
    let parts = Exponentials(self, axis)
    let scan = Scan(axis: axis, reverse: false)
    return builder.emit(.logSumExp, [self, parts.logarithm + parts.peak], .scan(scan))[0]
  }
}

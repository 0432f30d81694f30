/// Reductions that are exact and stable as formulas of others.
extension CompositeOperation {
  static let statistics = [mean, variance, standardDeviation, logSumExp, norm]

  private init(
    _ name: String, _ summary: String, _ formula: String, _ derivative: String, more: [AttributeReference] = [],
    conventions: [String] = [], otherNames: [String] = [], samples: [OperationSample] = [],
    _ body: @escaping @Sendable (_ call: OperationCall, _ axes: AxisSet) throws(GraphError) -> Value
  ) {
    self.init(
      OperationReference(
        name: name, summary: summary, formula: formula, operands: ["x"],
        attributes: ReductionOperation.attributes("reduce") + more,
        dtypes: .floating, shapeRule: ReductionOperation.shapeRule, derivative: derivative, conventions: conventions,
        otherNames: otherNames,
        samples: ReductionOperation.samples + [OperationSample([[0, 3]], ["axis": .integer(1)])] + samples)
    ) { call throws(GraphError) in
      let axes = try call.reducedAxes(rank: call.x.shape.rank)
      return call.keepingDimensions(try body(call, axes), axes)
    }
  }

  // MARK: Moments

  private static let mean = CompositeOperation(
    "mean", "Arithmetic mean of the elements along axes.", "y = Σ x / n", "x: ct / n",
    conventions: [
      "of nothing it is NaN", "no overflow in between", "integers are refused: cast them to a float dtype",
    ],
    otherNames: ["average", "avg", "reduce_mean", "reducemean"]
  ) { call, axes in call.x.mean(over: axes) }

  private static let correction = AttributeReference(
    "correction", .number, default: "0", "what is taken off n; 1 for a sample's estimate")
  // A fraction, because the sweep shrinks every axis to 1 and 0 / 0 has no difference quotient.
  private static let corrected = [OperationSample([[3, 2]], ["axis": .integer(0), "correction": .number(0.5)])]

  private static let variance = CompositeOperation(
    "var", "Variance of the elements along axes.", "y = Σ (x - mean)² / (n - correction)",
    "x: 2 ct (x - mean) / (n - correction)",
    more: [correction],
    conventions: [
      "of nothing it is NaN", "with n <= correction it is divided by 0",
      "of a constant value and gradient are 0, exactly",
    ],
    otherNames: ["variance", "reduce_variance"], samples: corrected
  ) { call, axes in call.x.variance(over: axes, correction: call.number("correction") ?? 0) }

  private static let standardDeviation = CompositeOperation(
    "std", "Standard deviation of the elements along axes.", "y = √(Σ (x - mean)² / (n - correction))",
    "x: ct (x - mean) / ((n - correction) y)", more: [correction],
    conventions: [
      "of nothing it is NaN", "with n <= correction it is divided by 0",
      "no overflow in between: 1e200 and 1e-200 are as good as 1",
      "the gradient of a constant is 0, second derivatives there are NaN; the square of std is var, also for "
        + "derivatives",
    ],
    otherNames: ["stddev", "standard_deviation", "reduce_std"], samples: corrected
  ) { call, axes in call.x.standardDeviation(over: axes, correction: call.number("correction") ?? 0) }

  // MARK: logsumexp

  private static let logSumExp = CompositeOperation(
    "logsumexp", "Logarithm of the sum of exponentials along axes.", "y = ln Σ e^x over axis", "x: ct e^(x - y)",
    conventions: [
      "no overflow in between", "of nothing, and of -Infinity alone, it is -Infinity with gradient 0",
      "of Infinity it is Infinity, with gradient NaN there and 0 elsewhere",
    ], otherNames: ["log_sum_exp", "reduce_logsumexp", "reducelogsumexp"]
  ) { call, axes in call.x.logSumExp(over: axes) }

  // MARK: Norms

  private static let norm = CompositeOperation(
    "norm", "Length of the vector of all elements along axes.", "y = (Σ |x|^ord)^(1 / ord)",
    "x: ct x / y for ord 2, ct sign(x) for ord 1, ct sign(x) where |x| = y for \"Infinity\"",
    more: [AttributeReference("ord", .numberOrText, default: "2", "1, 2 or \"Infinity\"")],
    conventions: [
      "always a vector norm, never one of matrices", "of nothing it is 0", "no overflow in between",
      "the gradient at 0 is 0; for ord 2 second derivatives there are NaN, but those of its square are those of Σ x²",
      "for \"Infinity\" ties share the gradient evenly",
    ],
    otherNames: ["vector_norm", "reducel1", "reducel2", "reduce_l1", "reduce_l2", "euclidean_norm", "length"],
    samples: [
      OperationSample([[2, 3]], ["ord": .integer(1), "axis": .integer(1)]),
      OperationSample([[2, 3]], ["ord": .text("Infinity"), "axis": .integer(-1)]),
      OperationSample([[0, 2]], ["ord": .text("Infinity"), "axis": .integer(0)]),
    ]
  ) { call, axes throws(GraphError) in
    let (builder, x) = (call.builder, call.x)
    switch (call.number("ord"), call.text("ord")) {
    case (nil, nil), (2, nil): return x.norm(over: axes)
    case (1, nil): return builder.sum(x.emit(.abs), over: axes)
    case (.infinity, nil), (nil, "Infinity"):
      if x.shape.elementCount(of: axes) == 0 { return builder.zeros(x.type.with(shape: x.shape.removing(axes))) }
      return builder.reduce(.max, x.emit(.abs), over: axes)
    case (let number, let text):
      let got = text.map { "\"\($0)\"" } ?? number.map { "\($0)" } ?? "null"
      throw call.invalid("ord", "ord is 1, 2 or \"Infinity\", got \(got)")
    }
  }
}

extension Value {
  /// The largest element along axes as a constant to subtract before exponentials. Results do not depend on it. An
  /// infinite one is made finite, so that infinity - infinity does not come up; NaN stays.
  func peak(over axes: AxisSet) -> Value {
    let largest = dtype == .float32 ? Double(Float.greatestFiniteMagnitude) : Double.greatestFiniteMagnitude
    let peak = builder.reduce(.max, self, over: axes).emit(.stopGradient)
    return peak.emit(.minimum, peak.filled(largest)).emit(.maximum, peak.filled(-largest))
  }
}

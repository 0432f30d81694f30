import CKernels

/// An operation that is exact and stable as a formula of others: documentation, and the formula.
struct CompositeOperation: Operation {
  let reference: OperationReference
  let formula: @Sendable (OperationCall) throws(GraphError) -> Value

  func build(_ call: OperationCall) throws(GraphError) -> [Value] { [try formula(call)] }

  init(_ reference: OperationReference, _ formula: @escaping @Sendable (OperationCall) throws(GraphError) -> Value) {
    self.reference = reference
    self.formula = formula
  }

  private static let unarySamples = [OperationSample([[2, 3]]), OperationSample([[]]), OperationSample([[0]])]

  // MARK: Comparisons the other way round

  static let comparisons = [
    swapped("greater", "Whether x is greater than y.", "x > y", .less, ["gt", "greater_than", ">"]),
    swapped(
      "greater_equal", "Whether x is at least y.", "x ≥ y", .lessEqual,
      ["ge", "greater_or_equal", "greaterequal", ">="]),
  ]

  private static func swapped(
    _ name: String, _ summary: String, _ formula: String, _ opcode: Opcode, _ others: [String]
  )
    -> CompositeOperation
  {
    CompositeOperation(
      OperationReference(
        name: name, summary: summary, formula: "z = " + formula, operands: ["x", "y"], results: ["z"], dtypes: .any,
        shapeRule: "x and y broadcast together, as in NumPy", derivative: "none: the result is bool",
        conventions: ["comparisons with NaN are false"], otherNames: others,
        samples: [OperationSample([[2, 3], [3]]), OperationSample([[], []])])
    ) { call throws(GraphError) in
      let (x, y) = try call.builder.broadcastTogether(call.x, call.y)
      return y.emit(opcode, x)
    }
  }

  // MARK: Activations

  static let activations = [
    CompositeOperation(
      OperationReference(
        name: "leaky_relu", summary: "x where it is not negative, else alpha x.",
        formula: "y = x if x > 0 else alpha x", operands: ["x"],
        attributes: [AttributeReference("alpha", .number, default: "0.01", "slope of the negative side")],
        dtypes: .floating,
        shapeRule: "that of x", derivative: "x: ct where x > 0, else alpha ct",
        conventions: ["the gradient at 0 is alpha", "NaN stays NaN"],
        otherNames: ["leakyrelu", "lrelu"], samples: unarySamples + [OperationSample([[3]], ["alpha": .number(0.2)])])
    ) { call in
      guard call.x.isValid else { return call.x }
      let x = call.x.guarded
      return call.builder.select(x.filled(0).emit(.less, x), x, x * (call.number("alpha") ?? 0.01))
    },
    CompositeOperation(
      OperationReference(
        name: "elu", summary: "x where it is positive, else alpha (e^x - 1).",
        formula: "y = x if x > 0 else alpha (e^x - 1)",
        operands: ["x"],
        attributes: [
          AttributeReference("alpha", .number, default: "1.0", "value approached far on the negative side, negated")
        ],
        dtypes: .floating, shapeRule: "that of x", derivative: "x: ct where x > 0, else alpha e^x ct",
        conventions: ["the gradient at 0 is alpha", "no overflow for large x"],
        samples: unarySamples + [OperationSample([[3]], ["alpha": .number(0.5)])])
    ) { call in
      let x = call.x
      // The branch not taken sees 0, so that its derivative cannot overflow.
      let isPositive = x.filled(0).emit(.less, x)
      let negative = call.builder.select(isPositive, x.filled(0), x)
      return call.builder.select(isPositive, x, negative.emit(.expm1) * (call.number("alpha") ?? 1))
    },
    CompositeOperation(
      OperationReference(
        name: "silu", summary: "x times its logistic function (\"swish\").", formula: "y = x sigmoid(x)",
        operands: ["x"],
        dtypes: .floating,
        shapeRule: "that of x", derivative: "x: ct sigmoid(x) (1 + x (1 - sigmoid(x)))",
        conventions: ["the limits at -Infinity and Infinity, with gradients 0 and 1"], otherNames: ["swish"],
        samples: unarySamples)
    ) { call in call.x.likeReLU { x in (x * x.emit(.scaledSigmoid)).fromTail } },
    CompositeOperation(
      OperationReference(
        name: "gelu", summary: "x times the probability that a standard normal variable is below it.",
        formula: "y = x Φ(x)",
        operands: ["x"],
        attributes: [
          AttributeReference(
            "approximate", .text, default: "\"none\"",
            "\"none\", or \"tanh\" for the approximation that some networks were trained with")
        ],
        dtypes: .floating, shapeRule: "that of x", derivative: "x: ct (Φ(x) + x φ(x))",
        conventions: ["exact in both tails", "the limits at -Infinity and Infinity, with gradients 0 and 1"],
        samples: unarySamples + [OperationSample([[3]], ["approximate": .text("tanh")])])
    ) { call throws(GraphError) in
      switch call.text("approximate") ?? "none" {
      case "none":
        return call.x.likeReLU { x in
          // Scaled back, and Φ is half of it.
          (x * (x * -0.707106781186547524400844362104849039).emit(.scaledErfc)) * 0x1p-13
        }
      case "tanh":
        return call.x.likeReLU { x in
          // (1 + tanh u) / 2, which cancels for negative u, is sigmoid(2 u).
          let c = 2 * 0.797884560802865355879892119868763737
          let inner = x * (x * x * (0.044715 * c) + c)
          return (x * inner.emit(.scaledSigmoid)).fromTail
        }
      case let other: throw call.invalid("approximate", "approximate is \"none\" or \"tanh\", got \"\(other)\"")
      }
    },
  ]

  // MARK: Clip

  static let clip = CompositeOperation(
    OperationReference(
      name: "clip", summary: "x held between two bounds.", formula: "y = min(max(x, min), max)", operands: ["x"],
      attributes: [
        AttributeReference("min", .number, default: "null", "lower bound; null for none"),
        AttributeReference("max", .number, default: "null", "upper bound; null for none; one of both must be given"),
      ],
      dtypes: .floating, shapeRule: "that of x", derivative: "x: ct where min < x < max, else 0",
      conventions: ["the gradient at a bound is 0", "NaN stays NaN"],
      otherNames: ["clamp", "clip_by_value", "hardtanh"],
      samples: [
        OperationSample([[2, 3]], ["min": .number(-0.5), "max": .number(0.5)]),
        OperationSample([[]], ["min": .integer(0)]),
        OperationSample([[3]], ["max": .number(0.25)]),
      ])
  ) { call throws(GraphError) in
    let x = call.x.isValid ? call.x.guarded : call.x
    guard call.isGiven("min") || call.isGiven("max") else {
      throw GraphError(.invalidAttribute, "needs min, max or both")
    }
    if let low = call.number("min"), let high = call.number("max"), !(low <= high) {
      throw call.invalid("min", "min \(low) is above max \(high)")
    }
    var result = x
    if let low = call.number("min") {
      let bound = x.filled(low)
      result = call.builder.select(x.emit(.lessEqual, bound), bound, result)
    }
    if let high = call.number("max") {
      let bound = x.filled(high)
      result = call.builder.select(bound.emit(.lessEqual, x), bound, result)
    }
    return result
  }
}

/// `polygamma`: n is an attribute, as it is of the primitive.
struct PolygammaOperation: Operation {
  let reference = OperationReference(
    name: "polygamma", summary: "The n-th derivative of digamma.", formula: "y = ψ⁽ⁿ⁾(x)", operands: ["x"],
    attributes: [AttributeReference("n", .integer, "which derivative, 0 to 90; 0 is digamma itself")],
    dtypes: .floating,
    shapeRule: "that of x", derivative: "x: ct * polygamma(n + 1, x)",
    samples: [
      OperationSample([[2, 3]], ["n": .integer(1)]), OperationSample([[]], ["n": .integer(0)]),
      OperationSample([[3]], ["n": .integer(3)]),
    ],
    domain: 0.3...4)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let n = call.integer("n") ?? 0
    // The kernel goes to 100, and each derivative asks for the next.
    guard (0...90).contains(n) else { throw call.invalid("n", "n must be from 0 to 90, got \(n)") }
    return [call.x.polygamma(n)]
  }
}

extension Value {
  /// A function that is relu to the last bit where the operand is beyond 1000 in size: there relu takes its place, so
  /// that infinite operands come to no 0 · ∞ in value or gradient.
  fileprivate func likeReLU(_ function: (Value) -> Value) -> Value {
    guard isValid else { return self }
    let isInside = emit(.abs).emit(.lessEqual, filled(1000))
    return builder.select(isInside, function(builder.select(isInside, self, builder.zeros(type))), emit(.relu))
  }

  func polygamma(_ n: Int) -> Value { n == 0 ? emit(.digamma) : member(.polygamma, n) }
}

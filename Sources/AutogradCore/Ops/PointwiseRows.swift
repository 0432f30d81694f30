import CKernels

/// How rows of pointwise functions are written.
extension PointwiseFunction {
  /// A function of one operand, its derivative as mathematics: `{ x, y in 1 - y * y }` for tanh.
  static func unary(
    _ opcode: Opcode, _ kernel: ck_unary_op, _ name: String, _ summary: String, _ formula: String,
    domain: ClosedRange<Double> = -3...3,
    dtypes: DTypeRule = .floating, _ derivativeText: String, conventions: [String] = [], otherNames: [String] = [],
    _ partial: @escaping @Sendable (_ x: Value, _ y: Value) -> Value
  ) -> PointwiseFunction {
    unary(
      opcode, kernel, name, summary, formula, domain: domain, dtypes: dtypes, derivativeText, conventions: conventions,
      otherNames: otherNames
    ) { ct, x, y in ct * partial(x, y) }
  }

  /// The same with the derivative times a cotangent or tangent: where the product is in range and the derivative alone
  /// is not.
  static func unary(
    _ opcode: Opcode, _ kernel: ck_unary_op, _ name: String, _ summary: String, _ formula: String,
    domain: ClosedRange<Double> = -3...3,
    dtypes: DTypeRule = .floating, _ derivativeText: String, conventions: [String] = [], otherNames: [String] = [],
    _ product: @escaping @Sendable (_ ct: Value, _ x: Value, _ y: Value) -> Value
  ) -> PointwiseFunction {
    let reference = OperationReference(
      name: name, summary: summary, formula: "y = " + formula, operands: ["x"], dtypes: dtypes, shapeRule: "that of x",
      derivative: "x: ct * " + derivativeText, conventions: conventions, otherNames: otherNames, samples: unarySamples,
      domain: domain)
    return PointwiseFunction(
      opcode, .unary(kernel), reference, .pointwise([{ ct, node in product(ct, node.x, node.z) }]))
  }

  /// A function whose derivative is zero everywhere, or that has none.
  static func step(
    _ opcode: Opcode, _ kernel: ck_unary_op, _ name: String, _ summary: String, _ formula: String,
    dtypes: DTypeRule = .floating,
    isPredicate: Bool = false, conventions: [String] = [], otherNames: [String] = []
  ) -> PointwiseFunction {
    let reference = OperationReference(
      name: name, summary: summary, formula: "y = " + formula, operands: ["x"], dtypes: dtypes, shapeRule: "that of x",
      derivative: isPredicate ? "none: the result is bool" : "x: 0", conventions: conventions, otherNames: otherNames,
      samples: unarySamples
    )
    // 0 whatever the cotangent, as selected, not multiplied; but NaN of NaN.
    let flat = Derivative.pointwise([{ _, node in node.x.emit(.zeroOf) }])
    return PointwiseFunction(opcode, .unary(kernel), reference, isPredicate ? .none : flat, isPredicate: isPredicate)
  }

  /// A function of two operands, each partial multiplied by the cotangent.
  static func binary(
    _ opcode: Opcode, _ kernel: ck_binary_op, _ name: String, _ summary: String, _ formula: String,
    domain: ClosedRange<Double> = -3...3,
    dtypes: DTypeRule = .floating, _ derivativeText: String, conventions: [String] = [], otherNames: [String] = [],
    _ derivative: Derivative
  ) -> PointwiseFunction {
    let reference = OperationReference(
      name: name, summary: summary, formula: "z = " + formula, operands: ["x", "y"], results: ["z"], dtypes: dtypes,
      shapeRule: "x and y broadcast together, as in NumPy: aligned at the last axis, size 1 stretches",
      derivative: derivativeText + ", each summed over the axes that were stretched", conventions: conventions,
      otherNames: otherNames,
      samples: binarySamples, domain: domain)
    return PointwiseFunction(opcode, .binary(kernel), reference, derivative)
  }

  /// A function that only derivatives make, which no user names. Its operands come first to last.
  static func derived(_ opcode: Opcode, _ kernel: Kernel, _ name: String, _ formula: String, _ partials: [Partial])
    -> PointwiseFunction
  {
    let reference = OperationReference(
      name: name, summary: "", formula: formula, operands: Array(["x", "y", "z"].prefix(kernel.arity)),
      dtypes: .floating, shapeRule: "",
      derivative: "", samples: [])
    return PointwiseFunction(opcode, kernel, reference, .pointwise(partials))
  }

  /// A comparison or a logical function: bool, without a gradient.
  static func predicate(
    _ opcode: Opcode, _ kernel: ck_binary_op, _ name: String, _ summary: String, _ formula: String,
    dtypes: DTypeRule = .any,
    otherNames: [String] = []
  ) -> PointwiseFunction {
    let reference = OperationReference(
      name: name, summary: summary, formula: "z = " + formula, operands: ["x", "y"], results: ["z"], dtypes: dtypes,
      shapeRule: "x and y broadcast together, as in NumPy", derivative: "none: the result is bool",
      conventions: dtypes == .any ? ["comparisons with NaN are false, but NaN is not equal to anything"] : [],
      otherNames: otherNames,
      samples: binarySamples)
    return PointwiseFunction(opcode, .binary(kernel), reference, .none, isPredicate: true)
  }

  private static let unarySamples = [OperationSample([[2, 3]]), OperationSample([[]]), OperationSample([[0]])]
  private static let binarySamples = [
    OperationSample([[2, 3], [2, 3]]), OperationSample([[2, 3], [3]]), OperationSample([[2, 1], [1, 3]]),
    OperationSample([[], [2, 2]]), OperationSample([[2, 0], [1, 1]]), OperationSample([[], []]),
  ]
}

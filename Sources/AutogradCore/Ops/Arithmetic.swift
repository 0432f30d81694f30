import CKernels

extension PointwiseFunction {
  private static let wraps = "integers wrap around on overflow"

  static let arithmetic: [PointwiseFunction] = [
    binary(
      .add, CK_ADD, "add", "Sum of two tensors, element by element.", "x + y", dtypes: .numeric, "x: ct, y: ct",
      conventions: [wraps],
      otherNames: ["plus", "addition", "+"],
      .linear {
        $0.accumulate($0.ct, 0)
        $0.accumulate($0.ct, 1)
      }),
    binary(
      .sub, CK_SUB, "sub", "Difference of two tensors, element by element.", "x - y", dtypes: .numeric, "x: ct, y: -ct",
      conventions: [wraps],
      otherNames: ["subtract", "minus", "subtraction", "-"],
      .linear {
        $0.accumulate($0.ct, 0)
        if $0.wants(1) { $0.accumulate(-$0.ct, 1) }
      }),
    binary(
      .mul, CK_MUL, "mul", "Product of two tensors, element by element.", "x * y", dtypes: .numeric,
      "x: ct * y, y: ct * x",
      conventions: [wraps], otherNames: ["multiply", "times", "multiplication", "*", "hadamard"],
      .bilinear(left: { ct, right in ct * right }, right: { ct, left in ct * left })),
    binary(
      .div, CK_DIV, "div", "Quotient of two tensors, element by element.", "x / y", domain: 0.5...3,
      "x: ct / y, y: -ct * x / y^2",
      conventions: [
        "division by zero follows IEEE 754: 1/0 is Infinity, 0/0 is NaN",
        "integers are refused: cast them to a float dtype",
      ],
      otherNames: ["divide", "true_divide", "truediv", "division", "/"],
      // z is x/y, and ct z/y is formed with exponents apart: neither 1/y, nor z/y, nor ct z has to be in range.
      .pointwise([{ ct, node in ct.quotient(by: node.y) }, { ct, node in -ct.times(node.z, over: node.y) }])),
    PointwiseFunction(
      .neg, .unary(CK_NEG),
      OperationReference(
        name: "neg", summary: "The negative of a tensor, element by element.", formula: "y = -x", operands: ["x"],
        dtypes: .numeric,
        shapeRule: "that of x", derivative: "x: -ct", conventions: [wraps],
        otherNames: ["negative", "negate", "minus", "unary_minus"],
        samples: [OperationSample([[2, 3]]), OperationSample([[]]), OperationSample([[0]])]),
      .linear { $0.accumulate(-$0.ct, 0) }),
  ]
}

extension Value {
  /// self / y. Where y is a root, 1 / y leaves the range of numbers nowhere, and half of it is what the root's
  /// derivative divides: then one division serves both.
  fileprivate func quotient(by y: Value) -> Value {
    guard isValid, y.isValid, builder.operand(of: y, if: .sqrt) != nil else { return self / y }
    return self * (0.5 / (y + 0) * 2)
  }
}

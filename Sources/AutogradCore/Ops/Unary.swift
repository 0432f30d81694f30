import CKernels

extension PointwiseFunction {
  private static let ieee = "outside its domain the value is NaN, as IEEE 754 has it"

  static let unary: [PointwiseFunction] = exponentials + trigonometric + special + activations + rounding + tests

  // MARK: Powers, exponentials, logarithms

  static let exponentials: [PointwiseFunction] = [
    unary(
      .abs, CK_ABS, "abs", "Absolute value.", "|x|", dtypes: .numeric, "sign(x)",
      conventions: ["the gradient at 0 is 0"],
      otherNames: ["absolute", "fabs", "magnitude"]
    ) { ct, x, _ in x.signed(ct) },
    unary(
      .square, CK_SQUARE, "square", "Square.", "x^2", dtypes: .numeric, "2 x",
      conventions: ["integers wrap around on overflow"],
      otherNames: ["sqr", "pow2"]
    ) { x, _ in x * 2 },
    unary(
      .reciprocal, CK_RECIPROCAL, "reciprocal", "Reciprocal.", "1 / x", domain: 0.5...3, "-y^2",
      conventions: ["at 0: value Infinity, gradient -Infinity"], otherNames: ["inverse", "rcp"]
    ) { ct, _, y in -(ct * y * y) },
    unary(
      .sqrt, CK_SQRT, "sqrt", "Square root.", "√x", domain: 0.2...4, "1 / (2 y)",
      conventions: ["the gradient at 0 is Infinity", ieee]
    ) {
      // 0 is added for -0, whose root is -0.
      _, y in 0.5 / (y + 0)
    },
    unary(
      .rsqrt, CK_RSQRT, "rsqrt", "Reciprocal of the square root.", "1 / √x", domain: 0.2...4, "-y / (2 x)",
      conventions: [ieee],
      otherNames: ["inversesqrt"]
    ) { ct, x, y in ct.times(y * -0.5, over: x) },
    unary(.exp, CK_EXP, "exp", "Exponential function.", "e^x", "y") { _, y in y },
    unary(.expm1, CK_EXPM1, "expm1", "e^x - 1, exact near 0.", "e^x - 1", "e^x") { x, _ in x.emit(.exp) },
    unary(
      .log, CK_LOG, "log", "Natural logarithm.", "ln x", domain: 0.2...4, "1 / x",
      conventions: ["at 0: value -Infinity, gradient Infinity", ieee],
      otherNames: ["ln", "loge"]
    ) { ct, x, _ in ct / (x + 0) },
    unary(
      .log1p, CK_LOG1P, "log1p", "ln(1 + x), exact near 0.", "ln(1 + x)", domain: -0.8...3, "1 / (1 + x)",
      conventions: [ieee]
    ) {
      ct, x, _ in ct / (x + 1)
    },
    unary(
      .log2, CK_LOG2, "log2", "Logarithm to base 2.", "log₂ x", domain: 0.2...4, "1 / (x ln 2)", conventions: [ieee]
    ) {
      ct, x, _ in ct * 1.442695040888963407359924681001892137 / (x + 0)
    },
    unary(
      .log10, CK_LOG10, "log10", "Logarithm to base 10.", "log₁₀ x", domain: 0.2...4, "1 / (x ln 10)",
      conventions: [ieee]
    ) {
      ct, x, _ in ct * 0.434294481903251827651128918916605082 / (x + 0)
    },
  ]

  // MARK: Trigonometric and hyperbolic functions

  static let trigonometric: [PointwiseFunction] = [
    unary(.sin, CK_SIN, "sin", "Sine.", "sin x", "cos(x)") { x, _ in x.emit(.cos) },
    unary(.cos, CK_COS, "cos", "Cosine.", "cos x", "-sin(x)") { x, _ in -x.emit(.sin) },
    unary(.tan, CK_TAN, "tan", "Tangent.", "tan x", domain: -1.2...1.2, "(1 + y^2)") { x, _ in x.emit(.tanSlope) },
    unary(
      .asin, CK_ASIN, "asin", "Arc sine.", "arcsin x", domain: -0.9...0.9, "1 / √(1 - x^2)", conventions: [ieee],
      otherNames: ["arcsin"]
    ) {
      x, _ in x.emit(.asinSlope)
    },
    unary(
      .acos, CK_ACOS, "acos", "Arc cosine.", "arccos x", domain: -0.9...0.9, "-1 / √(1 - x^2)", conventions: [ieee],
      otherNames: ["arccos"]
    ) {
      x, _ in -x.emit(.asinSlope)
    },
    unary(
      .atan, CK_ATAN, "atan", "Arc tangent.", "arctan x", "1 / (1 + x^2)",
      conventions: ["derivatives up to order 101, refused beyond"], otherNames: ["arctan"]
    ) { x, _ in
      x.filled(1).emit(.inversion, x)
    },
    unary(.sinh, CK_SINH, "sinh", "Hyperbolic sine.", "sinh x", "cosh(x)") { x, _ in x.emit(.cosh) },
    unary(.cosh, CK_COSH, "cosh", "Hyperbolic cosine.", "cosh x", "sinh(x)") { x, _ in x.emit(.sinh) },
    unary(.tanh, CK_TANH, "tanh", "Hyperbolic tangent.", "tanh x", "1 / cosh(x)^2") { x, _ in x.emit(.sech2) },
    unary(
      .asinh, CK_ASINH, "asinh", "Inverse hyperbolic sine.", "arsinh x", "1 / √(x^2 + 1)",
      conventions: ["derivatives up to order \(CK_MOST_ORDERS), refused beyond"], otherNames: ["arcsinh", "arsinh"]
    ) { x, _ in
      x.filled(1).emit(.direction, x)
    },
    unary(
      .acosh, CK_ACOSH, "acosh", "Inverse hyperbolic cosine.", "arcosh x", domain: 1.2...4, "1 / √(x^2 - 1)",
      conventions: [ieee],
      otherNames: ["arccosh", "arcosh"]
    ) { x, _ in (x - 1).emit(.rsqrt) * (x + 1).emit(.rsqrt) },
    unary(
      .atanh, CK_ATANH, "atanh", "Inverse hyperbolic tangent.", "artanh x", domain: -0.9...0.9, "1 / (1 - x^2)",
      conventions: [ieee],
      otherNames: ["arctanh", "artanh"]
    ) { x, _ in x.emit(.atanhSlope) },
  ]

  // MARK: Special functions

  private static let twoOverRootPi = 1.128379167095512573896158903121545172

  static let special: [PointwiseFunction] = [
    unary(.erf, CK_ERF, "erf", "Error function.", "2/√π ∫₀ˣ e^(-t²) dt", "2/√π e^(-x^2)") { x, _ in
      x.emit(.gaussian) * twoOverRootPi
    },
    unary(.erfc, CK_ERFC, "erfc", "1 - erf(x), exact for large x.", "1 - erf x", "-2/√π e^(-x^2)") { x, _ in
      x.emit(.gaussian) * -twoOverRootPi
    },
    unary(
      .erfinv, CK_ERFINV, "erfinv", "Inverse of the error function.", "erf⁻¹ x", domain: -0.9...0.9, "√π/2 e^(y^2)",
      conventions: ["±1 gives ±Infinity", ieee], otherNames: ["inverse_erf", "erf_inv"]
    ) { x, _ in x.derivative(CK_OF_ERFINV) },
    unary(
      .lgamma, CK_LGAMMA, "lgamma", "Logarithm of the absolute value of the gamma function.", "ln |Γ(x)|",
      domain: 0.3...4, "digamma(x)",
      conventions: ["Infinity at 0 and the negative integers"], otherNames: ["gammaln", "loggamma", "log_gamma"]
    ) { x, _ in x.emit(.digamma) },
    unary(
      .digamma, CK_DIGAMMA, "digamma", "Derivative of lgamma.", "ψ(x)", domain: 0.3...4, "polygamma(1, x)",
      conventions: ["-Infinity at 0, NaN at the negative integers"], otherNames: ["psi"]
    ) { x, _ in x.polygamma(1) },
  ]

  // MARK: Activations

  static let activations: [PointwiseFunction] = [
    unary(
      .sigmoid, CK_SIGMOID, "sigmoid", "Logistic function.", "1 / (1 + e^-x)", "y (1 - y)",
      conventions: ["exact in both tails"], otherNames: ["logistic", "expit"]
    ) { x, _ in (x * 0.5).emit(.sech2) * 0.25 },
    unary(
      .softplus, CK_SOFTPLUS, "softplus", "Smooth maximum of 0 and x.", "ln(1 + e^x)", "sigmoid(x)",
      conventions: ["no overflow for large x"]
    ) { x, _ in x.emit(.sigmoid) },
    unary(
      .logSigmoid, CK_LOG_SIGMOID, "log_sigmoid", "Logarithm of the logistic function.", "-ln(1 + e^-x)", "sigmoid(-x)",
      conventions: ["no overflow for large -x"], otherNames: ["logsigmoid"]
    ) { x, _ in (-x).emit(.sigmoid) },
    PointwiseFunction(
      .relu, .unary(CK_RELU),
      OperationReference(
        name: "relu", summary: "x where it is positive, else 0.", formula: "y = max(x, 0)", operands: ["x"],
        dtypes: .floating,
        shapeRule: "that of x", derivative: "x: ct where x > 0, else 0",
        conventions: ["the gradient at 0 is 0", "NaN stays NaN"],
        otherNames: ["rectifier", "ramp"],
        samples: [OperationSample([[2, 3]]), OperationSample([[]]), OperationSample([[0]])]),
      .pointwise([
        { ct, node in
          let isPositive = node.builder.zeros(node.x.type).emit(.less, node.x)
          return node.builder.select(isPositive, ct, node.x.emit(.zeroOf))
        }
      ])),
  ]

  // MARK: Rounding

  static let rounding: [PointwiseFunction] = [
    step(
      .sign, CK_SIGN, "sign", "-1, 0 or 1.", "x / |x|, 0 at 0", dtypes: .numeric, otherNames: ["signum", "sgn"]),
    step(.floor, CK_FLOOR, "floor", "Largest integer not above x.", "⌊x⌋"),
    step(.ceil, CK_CEIL, "ceil", "Smallest integer not below x.", "⌈x⌉", otherNames: ["ceiling"]),
    step(
      .round, CK_ROUND, "round", "Nearest integer.", "nearest integer",
      conventions: ["halves go to the even neighbour"],
      otherNames: ["rint", "around", "nearbyint"]),
    step(.trunc, CK_TRUNC, "trunc", "x without its fraction.", "x cut off toward 0", otherNames: ["truncate", "fix"]),
  ]

  // MARK: Tests

  static let tests: [PointwiseFunction] = [
    step(.isNaN, CK_ISNAN, "isnan", "Whether x is NaN.", "x is NaN", isPredicate: true, otherNames: ["is_nan"]),
    step(
      .isInfinite, CK_ISINF, "isinf", "Whether x is Infinity or -Infinity.", "|x| = ∞", isPredicate: true,
      otherNames: ["is_inf"]),
    step(
      .isFinite, CK_ISFINITE, "isfinite", "Whether x is neither NaN nor infinite.", "|x| < ∞", isPredicate: true,
      otherNames: ["is_finite"]),
    step(
      .logicalNot, CK_NOT, "logical_not", "Whether x is false.", "not x", dtypes: .boolean, isPredicate: true,
      otherNames: ["not", "invert"]),
  ]
}

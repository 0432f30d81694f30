import CKernels

/// Functions that stand in derivatives and that no user names: each is exact where the formula of mathematics cancels,
/// overflows or has the form 0 · ∞, and its own derivative is made of these again. So derivatives of every order are
/// right at every point, whatever mode they are taken in.
extension PointwiseFunction {
  static let slopes: [PointwiseFunction] = [
    derived(
      .sech2, .unary(CK_SECH2), "sech2", "1 / cosh(x)^2", [{ ct, node in ct * (node.x.emit(.tanh) * node.z * -2) }]),
    derived(
      .tanSlope, .unary(CK_TAN_SLOPE), "tan_slope", "1 + tan(x)^2",
      [{ ct, node in ct * (node.x.emit(.tan) * node.z * 2) }]),
    derived(
      .asinSlope, .unary(CK_ASIN_SLOPE), "asin_slope", "1 / √(1 - x^2)",
      [{ ct, node in ct * (node.x * node.z * node.z * node.z) }]),
    derived(
      .atanhSlope, .unary(CK_ATANH_SLOPE), "atanh_slope", "1 / (1 - x^2)",
      [{ ct, node in ct * (node.x * 2 * node.z * node.z) }]),
    derived(
      .gaussian, .unary(CK_GAUSSIAN), "gaussian", "e^(-x^2)",
      [{ ct, node in ct * node.x.member(.gaussianDerivative, 1) }]),
    // Every derivative of a step is one again.
    derived(.zeroOf, .unary(CK_ZERO_OF), "zero_of", "0, NaN of NaN", [{ _, node in node.z }]),
    derived(
      .direction, .binary(CK_DIRECTION), "direction", "x / √(x^2 + y^2), 0 at (0, 0)",
      [{ ct, node in ct * node.x.hypotPartial(2, 0, node.y) }, { ct, node in ct * node.x.hypotPartial(1, 1, node.y) }]),
    derived(
      .inversion, .binary(CK_INVERSION), "inversion", "x / (x^2 + y^2), 0 at (0, 0)",
      [
        { ct, node in ct * node.x.member(.inversionPartial, 1, node.y) },
        { ct, node in ct * node.x.member(.inversionPartial, Int(CK_CODE_STEP), node.y) },
      ]),
    derived(
      .powByX, .binary(CK_POW_BY_X), "pow_by_x", "y x^(y - 1)",
      [{ ct, node in ct.powDerivative(2, 0, of: node) }, { ct, node in ct.powDerivative(1, 1, of: node) }]),
    derived(
      .powByY, .binary(CK_POW_BY_Y), "pow_by_y", "x^y ln x",
      [{ ct, node in ct.powDerivative(1, 1, of: node) }, { ct, node in ct.powDerivative(0, 2, of: node) }]),
  ]

  /// Functions with tails, times 2^12: a tail that is subnormal has lost bits, and what is made of it and of something
  /// large, as x sigmoid(x) is, would lack them. It is scaled back at the end (`Value.fromTail`).
  static let tails: [PointwiseFunction] = [
    derived(
      .scaledSigmoid, .unary(CK_SCALED_SIGMOID), "scaled_sigmoid", "2^12 / (1 + e^-x)",
      [{ ct, node in ct * ((node.x * 0.5).emit(.scaledSech2) * 0.25) }]),
    derived(
      .scaledSech2, .unary(CK_SCALED_SECH2), "scaled_sech2", "2^12 / cosh(x)^2",
      [{ ct, node in ct * (node.x.emit(.tanh) * node.z * -2) }]),
    derived(
      .scaledErfc, .unary(CK_SCALED_ERFC), "scaled_erfc", "2^12 erfc(x)",
      [{ ct, node in ct * (node.x.emit(.scaledGaussian) * -1.128379167095512573896158903121545172) }]),
    derived(
      .scaledGaussian, .unary(CK_SCALED_GAUSSIAN), "scaled_gaussian", "2^12 e^(-x^2)",
      [{ ct, node in ct * (node.x * node.z * -2) }]),
  ]

  /// Families: the order of the derivative is the node's attribute.
  static let families: [PointwiseFunction] = [
    family(
      .polygamma, CK_POLYGAMMA, "polygamma", "the n-th derivative of digamma(x)",
      DerivativeFamily(of: [["digamma"]], most: 100)),
    // The Gaussian is erf's derivative itself.
    family(
      .gaussianDerivative, CK_GAUSSIAN_DERIVATIVE, "gaussian_derivative", "the n-th derivative of e^(-x^2)",
      DerivativeFamily(of: [["erf", "erfc"]], most: 101, first: 1)),
    family(
      .hypotPartial, CK_HYPOT_PARTIAL, "hypot_partial",
      "√(x^2 + y^2), m times by x and n times by y, numbered m + \(CK_CODE_STEP) n",
      DerivativeFamily(
        of: ["hypot", "asinh"], by: [("x", .max), ("y", .max)], most: Int(CK_MOST_ORDERS), step: Int(CK_CODE_STEP))),
    // The inversion is the arc tangent's derivative itself.
    family(
      .inversionPartial, CK_INVERSION_PARTIAL, "inversion_partial",
      "x / (x^2 + y^2), m times by x and n times by y, numbered m + \(CK_CODE_STEP) n",
      DerivativeFamily(
        of: ["atan", "atan2"], by: [("x", .max), ("y", .max)], most: 101, step: Int(CK_CODE_STEP), first: 1)),
  ]
}

extension Value {
  /// The derivative of √(self² + y²), m times by self and n times by y.
  fileprivate func hypotPartial(_ m: Int, _ n: Int, _ y: Value) -> Value {
    member(.hypotPartial, m + Int(CK_CODE_STEP) * n, y)
  }

  /// A product of something and of a scaled tail, scaled back.
  var fromTail: Value { self * 0x1p-12 }
}

import CKernels

/// Functions that stand in derivatives and that no user names: each is exact where the formula of mathematics cancels, overflows or has the
/// form 0 · ∞, and its own derivative is made of these again. So derivatives of every order are right at every point, whatever mode they are
/// taken in.
extension PointwiseFunction {
  static let slopes: [PointwiseFunction] = [
    derived(.sech2, .unary(CK_SECH2), "sech2", "1 / cosh(x)^2", [{ ct, node in ct * (node.x.emit(.tanh) * node.z * -2) }]),
    derived(.tanSlope, .unary(CK_TAN_SLOPE), "tan_slope", "1 + tan(x)^2", [{ ct, node in ct * (node.x.emit(.tan) * node.z * 2) }]),
    derived(
      .asinSlope, .unary(CK_ASIN_SLOPE), "asin_slope", "1 / √(1 - x^2)", [{ ct, node in ct * (node.x * node.z * node.z * node.z) }]),
    derived(.atanhSlope, .unary(CK_ATANH_SLOPE), "atanh_slope", "1 / (1 - x^2)", [{ ct, node in ct * (node.x * 2 * node.z * node.z) }]),
    derived(.gaussian, .unary(CK_GAUSSIAN), "gaussian", "e^(-x^2)", [{ ct, node in ct * node.x.member(.gaussianDerivative, 1) }]),
    // Every derivative of a step is one again.
    derived(.zeroOf, .unary(CK_ZERO_OF), "zero_of", "0, NaN of NaN", [{ _, node in node.z }]),
    // With c = x / r, s = y / r, r = √(x² + y²): dc/dx = s²/r, dc/dy = -c s / r. Without bound beside the origin, so NaN there.
    derived(
      .direction, .binary(CK_DIRECTION), "direction", "x / √(x^2 + y^2), 0 at (0, 0)",
      [
        { ct, node in
          // s / √r squared: s / r may overflow, and s² underflow, where s² / r does not.
          let part = node.y.emit(.direction, node.x) / node.x.emit(.hypot, node.y).emit(.sqrt)
          return ct * (part * part)
        },
        { ct, node in -(ct * (node.y.emit(.direction, node.x) * node.z / node.x.emit(.hypot, node.y))) },
      ]),
    // With c, s and r as before: d(x/r²)/dx = (s² - c²) / r², d(x/r²)/dy = -2 c s / r².
    derived(
      .inversion, .binary(CK_INVERSION), "inversion", "x / (x^2 + y^2), 0 at (0, 0)",
      [
        { ct, node in
          let (cosine, sine, radius) = (node.x.emit(.direction, node.y), node.y.emit(.direction, node.x), node.x.emit(.hypot, node.y))
          // Not (s - c) (s + c): of its derivative s alone would be left where c is small.
          return ct * ((sine * sine - cosine * cosine) / radius / radius)
        },
        { ct, node in
          let (cosine, sine, radius) = (node.x.emit(.direction, node.y), node.y.emit(.direction, node.x), node.x.emit(.hypot, node.y))
          return ct * (cosine * sine / radius / radius * -2)
        },
      ]),
    derived(
      .powByX, .binary(CK_POW_BY_X), "pow_by_x", "y x^(y - 1)",
      [{ ct, node in ct.powDerivative(2, 0, of: node) }, { ct, node in ct.powDerivative(1, 1, of: node) }]),
    derived(
      .powByY, .binary(CK_POW_BY_Y), "pow_by_y", "x^y ln x",
      [{ ct, node in ct.powDerivative(1, 1, of: node) }, { ct, node in ct.powDerivative(0, 2, of: node) }]),
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
  ]
}

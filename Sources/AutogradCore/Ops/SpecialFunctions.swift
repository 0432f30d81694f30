import CKernels

/// Special functions whose derivatives are families: the n-th derivative is a primitive like the function itself, right
/// at every point where a formula in terms of other functions would cancel or come to 0 · ∞.
extension PointwiseFunction {
  private static let outside = "outside its domain the value is NaN"

  // MARK: Of one operand

  static let normal: [PointwiseFunction] = [
    family(
      .ndtr, CK_NDTR, CK_OF_NDTR, "ndtr", "Normal distribution: the probability of at most x.",
      "Φ(x)",
      "φ(x) = e^(-x^2/2) / √(2π)", conventions: ["exact in the lower tail"],
      otherNames: ["normcdf", "pnorm", "norm_cdf", "normal_cdf", "standard_normal_cdf"]),
    family(
      .logNdtr, CK_LOG_NDTR, CK_OF_LOG_NDTR, "log_ndtr",
      "Logarithm of the normal distribution.", "ln Φ(x)",
      "φ(x) / Φ(x)", conventions: ["exact in both tails", "-Infinity has the gradient Infinity"],
      otherNames: ["log_normal_cdf", "lognormcdf", "norm_logcdf", "lnnorm"]),
    family(
      .ndtri, CK_NDTRI, CK_OF_NDTRI, "ndtri", "Quantile of the normal distribution, the inverse of ndtr.",
      "Φ⁻¹(x)",
      domain: 0.1...0.9, "1 / φ(y)", conventions: ["0 gives -Infinity, 1 gives Infinity", outside],
      otherNames: ["probit", "qnorm", "norminv", "norm_ppf", "normal_quantile", "inverse_normal_cdf"]),
    family(
      .erfcx, CK_ERFCX, CK_OF_ERFCX, "erfcx", "erfc scaled, without underflow for large x.",
      "e^(x^2) erfc(x)",
      "2 x y - 2/√π", conventions: ["Infinity below -26.6, where it overflows"],
      otherNames: ["scaled_erfc", "erfc_scaled"]),
  ]

  static let oscillating: [PointwiseFunction] = [
    family(
      .sinc, CK_SINC, CK_OF_SINC, "sinc", "Normalised sinc, as NumPy's.", "sin(π x) / (π x)", "(cos(π x) - y) / x",
      conventions: ["1 at 0, smooth there to every order"], otherNames: ["normalized_sinc", "sinus_cardinalis"]),
    family(
      .i0e, CK_I0E, CK_OF_I0E, "i0e", "Modified Bessel function of order 0, scaled.", "e^(-|x|) I₀(x)",
      "i1e(x) - sign(x) y",
      conventions: ["at the corner 0 derivatives are the mean of both sides: the gradient is 0"],
      otherNames: ["bessel_i0e", "scaled_bessel_i0"]),
    family(
      .i1e, CK_I1E, CK_OF_I1E, "i1e", "Modified Bessel function of order 1, scaled.", "e^(-|x|) I₁(x)",
      "i0e(x) - y (sign(x) + 1/x)",
      conventions: ["at 0 derivatives are the mean of both sides: the gradient is 1/2"],
      otherNames: ["bessel_i1e", "scaled_bessel_i1"]),
  ]

  private static func family(
    _ opcode: Opcode, _ kernel: ck_unary_op, _ family: ck_family, _ name: String, _ summary: String, _ formula: String,
    domain: ClosedRange<Double> = -3...3, _ derivative: String, conventions: [String], otherNames: [String]
  ) -> PointwiseFunction {
    unary(
      opcode, kernel, name, summary, formula, domain: domain, derivative, conventions: conventions,
      otherNames: otherNames
    ) { x, _ in x.derivative(family) }
  }

  // MARK: Of two operands

  static let parametric: [PointwiseFunction] = [
    gamma(
      .gammaInc, CK_GAMMAINC, "gammainc", "Regularised lower incomplete gamma function.",
      "∫₀ˣ t^(a-1) e^(-t) dt / Γ(a)", isLower: true,
      ["igamma", "gamma_inc", "gammainc_lower", "regularized_gamma_p", "pgamma", "gammp"]),
    gamma(
      .gammaIncC, CK_GAMMAINCC, "gammaincc", "Regularised upper incomplete gamma function.",
      "∫ₓ^∞ t^(a-1) e^(-t) dt / Γ(a)",
      isLower: false, ["igammac", "gamma_incc", "gammainc_upper", "regularized_gamma_q", "gammq"]),
    PointwiseFunction(
      .zeta, .binary(CK_ZETA),
      OperationReference(
        name: "zeta", summary: "Hurwitz's zeta function; Riemann's for q = 1.",
        formula: "z = Σ (q + k)^(-x) over k ≥ 0",
        operands: ["x", "q"], results: ["z"], dtypes: .floating, shapeRule: broadcasting,
        derivative:
          "x: -ct Σ ln(q + k) (q + k)^(-x), q: -ct x zeta(x + 1, q), each summed over the axes that were stretched",
        conventions: [
          "Infinity at x = 1, NaN below", "Infinity where q is 0 or a negative integer",
          "between these only integers x have a value, and no gradient in x",
          "derivatives up to order \(CK_MOST_PARAMETER_ORDERS) by x and \(CK_MOST_ORDERS) by q, refused beyond",
        ],
        otherNames: ["hurwitz_zeta", "hurwitz", "riemann_zeta", "zetac"], samples: pairs, domain: 1.5...4),
      .pointwise([
        { ct, node in ct * node.x.member(.zetaPartial, byFirst, node.y) },
        { ct, node in ct * node.x.member(.zetaPartial, bySecond, node.y) },
      ])),
  ]

  private static func gamma(
    _ opcode: Opcode, _ kernel: ck_binary_op, _ name: String, _ summary: String, _ formula: String, isLower: Bool,
    _ otherNames: [String]
  ) -> PointwiseFunction {
    let sign = isLower ? "" : "-"
    return PointwiseFunction(
      opcode, .binary(kernel),
      OperationReference(
        name: name, summary: summary, formula: "z = " + formula, operands: ["a", "x"], results: ["z"],
        dtypes: .floating,
        shapeRule: broadcasting,
        derivative:
          "a: ct ∂z/∂a, x: \(sign)ct x^(a-1) e^(-x) / Γ(a), each summed over the axes that were stretched",
        conventions: [
          "\(isLower ? 1 : 0) at a = 0 and at x = Infinity, \(isLower ? 0 : 1) at x = 0 and at a = Infinity",
          "NaN at a = 0, x = 0 and where both are infinite",
          "NaN for negative a or x",
          "derivatives up to order \(CK_MOST_PARAMETER_ORDERS) by a and \(CK_MOST_ORDERS) by x, refused beyond",
        ],
        otherNames: otherNames, samples: pairs, domain: 0.3...4),
      .pointwise([
        { ct, node in
          let slope = ct * node.x.member(.gammaIncPartial, byFirst, node.y)
          return isLower ? slope : -slope
        },
        { ct, node in
          let slope = ct * node.x.member(.gammaIncPartial, bySecond, node.y)
          return isLower ? slope : -slope
        },
      ]))
  }

  // MARK: Their derivatives

  static let specialDerivatives: [PointwiseFunction] = [
    family(
      .familyDerivative, CK_FAMILY_DERIVATIVE, "family_derivative", "f⁽ⁿ⁾(x), numbered n + \(CK_CODE_STEP) f",
      DerivativeFamily(
        of: ["ndtr", "log_ndtr", "ndtri", "erfcx", "sinc", "i0e", "i1e", "erfinv"].map { [$0] },
        most: Int(CK_MOST_ORDERS))),
    partials(.gammaIncPartial, CK_GAMMAINC_PARTIAL, ["gammainc", "gammaincc"], "a", "x"),
    partials(.zetaPartial, CK_ZETA_PARTIAL, ["zeta"], "x", "q"),
  ]

  private static func partials(
    _ opcode: Opcode, _ kernel: ck_binary_op, _ names: [String], _ parameter: String, _ variable: String
  ) -> PointwiseFunction {
    family(
      opcode, kernel, names[0] + "_partial",
      "\(names[0])(x, y), m times by x and n times by y, numbered m + \(CK_CODE_STEP) n",
      DerivativeFamily(
        of: names, by: [(parameter, Int(CK_MOST_PARAMETER_ORDERS)), (variable, Int(CK_MOST_ORDERS))],
        step: Int(CK_CODE_STEP)))
  }

  private static let broadcasting =
    "the operands broadcast together, as in NumPy: aligned at the last axis, size 1 stretches"
  private static let pairs = [
    OperationSample([[2, 3], [2, 3]]), OperationSample([[2, 3], [3]]), OperationSample([[2, 1], [1, 3]]),
    OperationSample([[], []]),
  ]
}

/// What one more derivative adds to the code of the orders of a function of two operands.
private let byFirst = 1
private let bySecond = Int(CK_CODE_STEP)

extension Value {
  /// The first derivative of a function of one operand.
  func derivative(_ family: ck_family) -> Value {
    member(.familyDerivative, Int(family.rawValue) * Int(CK_CODE_STEP) + 1)
  }
}

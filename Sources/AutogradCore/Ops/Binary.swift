import CKernels

extension PointwiseFunction {
  static let binary: [PointwiseFunction] = [
    binary(
      .pow, CK_POW, "pow", "Power.", "x^y", domain: 0.3...3, dtypes: .numeric, "x: ct y x^(y-1), y: ct z ln x",
      conventions: [
        "a power 0 has gradient 0 in x, also at x = 0", "the gradient in y is 0 where x = 0 and y >= 0",
        "of a negative x the gradient in y is NaN", "of NaN the gradients are NaN, also where the value is 1",
        "negative integer powers of integers are refused",
      ], otherNames: ["power", "**", "^"],
      .pointwise([{ ct, node in ct * node.x.emit(.powByX, node.y) }, { ct, node in ct * node.x.emit(.powByY, node.y) }])
    ),
    extremum(
      .maximum, CK_MAXIMUM, "maximum", "The larger of two, element by element.", "max(x, y)", ["fmax"], larger: true),
    extremum(
      .minimum, CK_MINIMUM, "minimum", "The smaller of two, element by element.", "min(x, y)", ["fmin"], larger: false),
    binary(
      .atan2, CK_ATAN2, "atan2", "Angle of the point (y, x): the arc tangent of x / y in the right quadrant.",
      "arctan(x / y)",
      "x: ct y / (x^2 + y^2), y: -ct x / (x^2 + y^2)",
      conventions: [
        "both gradients at (0, 0) are 0, second derivatives there NaN", "derivatives up to order 101, refused beyond",
      ],
      otherNames: ["arctan2"],
      .pointwise([
        { ct, node in ct * node.y.emit(.inversion, node.x) }, { ct, node in -(ct * node.x.emit(.inversion, node.y)) },
      ])),
    binary(
      .hypot, CK_HYPOT, "hypot", "Length of the vector (x, y).", "√(x² + y²)", "x: ct x / z, y: ct y / z",
      conventions: [
        "both gradients at (0, 0) are 0, second derivatives there NaN", "no overflow in between",
        "derivatives up to order \(CK_MOST_ORDERS), refused beyond",
      ],
      .pointwise([
        { ct, node in ct * node.x.emit(.direction, node.y) }, { ct, node in ct * node.y.emit(.direction, node.x) },
      ])),
    binary(
      .logAddExp, CK_LOGADDEXP, "logaddexp", "Logarithm of the sum of two exponentials.", "ln(e^x + e^y)",
      "x: ct sigmoid(x - y), y: ct sigmoid(y - x)",
      conventions: ["no overflow in between", "-Infinity with -Infinity gives -Infinity and gradients 0"],
      .pointwise([
        // Not e^(x - z): the rounding of a large z would show in it.
        { ct, node in ct * (node.x - node.y).finite(node.z).emit(.sigmoid) },
        { ct, node in ct * (node.y - node.x).finite(node.z).emit(.sigmoid) },
      ])),
    binary(
      .remainder, CK_REMAINDER, "remainder", "Remainder with the sign of the divisor, as Python's %.", "x - ⌊x / y⌋ y",
      domain: 0.5...3,
      dtypes: .numeric, "x: ct, y: -ct floor(x / y)",
      conventions: [
        "integers cannot be divided by 0; floats give NaN",
        "beside an infinite y of the other sign z is y, and its gradient in y the limit, ct",
      ],
      otherNames: ["mod", "modulo", "%"],
      .pointwise([
        { ct, node in node.builder.select(node.z.emit(.isNaN), node.z, ct) },
        { ct, node in
          // floor(x / y), but always that of the value: the quotient may round up to the next integer. Where the value
          // is infinite, it is -1.
          let isFar = node.z.emit(.isInfinite)
          let multiple = node.builder.select(isFar, node.x.filled(-1), node.x - node.z)
          return -(ct * (multiple / node.builder.select(isFar, node.x.filled(1), node.y)).emit(.round))
        },
      ])),
    binary(
      .xlogy, CK_XLOGY, "xlogy", "x ln y, and 0 where x is 0.", "x ln y", domain: 0.3...3, "x: ct ln y, y: ct x / y",
      conventions: ["the gradients at (0, 0) are 0, the mixed second derivative there is Infinity"],
      .pointwise([
        { ct, node in ct * node.y.emit(.log).settled(where: node.bothZero, to: 0) },
        { ct, node in ct * (node.x / (node.y + 0)).settled(where: node.bothZero, to: 0) },
      ])),
  ]

  static let comparisons: [PointwiseFunction] = [
    predicate(.equal, CK_EQUAL, "equal", "Whether x equals y.", "x = y", otherNames: ["eq", "=="]),
    predicate(.notEqual, CK_NOT_EQUAL, "not_equal", "Whether x differs from y.", "x ≠ y", otherNames: ["ne", "!="]),
    predicate(.less, CK_LESS, "less", "Whether x is less than y.", "x < y", otherNames: ["lt", "less_than", "<"]),
    predicate(
      .lessEqual, CK_LESS_EQUAL, "less_equal", "Whether x is at most y.", "x ≤ y",
      otherNames: ["le", "less_or_equal", "lessequal", "<="]),
    predicate(
      .logicalAnd, CK_AND, "logical_and", "Whether both are true.", "x and y", dtypes: .boolean,
      otherNames: ["and", "&", "&&", "bitwise_and"]),
    predicate(
      .logicalOr, CK_OR, "logical_or", "Whether one of both is true.", "x or y", dtypes: .boolean,
      otherNames: ["or", "|", "||", "bitwise_or"]),
    predicate(
      .logicalXor, CK_XOR, "logical_xor", "Whether exactly one is true.", "x xor y", dtypes: .boolean,
      otherNames: ["xor", "bitwise_xor"]),
  ]

  private static func extremum(
    _ opcode: Opcode, _ kernel: ck_binary_op, _ name: String, _ summary: String, _ formula: String,
    _ otherNames: [String], larger: Bool
  ) -> PointwiseFunction {
    binary(
      opcode, kernel, name, summary, formula, dtypes: .numeric, "x: ct where x wins, y: ct where y wins",
      conventions: ["a tie shares the gradient evenly", "NaN on either side gives NaN, and NaN gradients for both"],
      otherNames: otherNames,
      .pointwise([
        { ct, node in node.winner(ct, node.x, over: node.y, larger) },
        { ct, node in node.winner(ct, node.y, over: node.x, larger) },
      ]))
  }
}

// MARK: Words of these rules

extension Value {
  /// This difference of two operands, but -infinity where their z is -infinity: there both are, and have no gradient.
  fileprivate func finite(_ z: Value) -> Value {
    let negativeInfinity = builder.broadcast(builder.constant(Scalar(floating: -.infinity, as: z.dtype)), to: z.shape)
    return builder.select(z.emit(.equal, negativeInfinity), negativeInfinity, self)
  }
}

extension NodeContext {
  fileprivate var bothZero: Value {
    let zero = builder.zeros(x.type)
    return x.emit(.equal, zero).emit(.logicalAnd, y.emit(.equal, zero))
  }

  /// ct where x wins over y, half of it at a tie, none where it loses; the result's NaN where there is one.
  fileprivate func winner(_ ct: Value, _ x: Value, over y: Value, _ larger: Bool) -> Value {
    let wins = larger ? y.emit(.less, x) : x.emit(.less, y)
    let share = builder.select(x.emit(.equal, y), ct * 0.5, builder.select(wins, ct, builder.zeros(ct.type)))
    return builder.select(z.emit(.isNaN), z, share)
  }
}

/// The way back of the derivative of an exponential is the derivative of that of aᵀ.
let exponentialRule: @Sendable (Pullback) -> Void = { node in
  let (builder, a) = (node.builder, node.operand(0))
  if !a.shape.isEmpty { node.accumulate(builder.exponentialSlope(builder.matrixTranspose(a), node.ct), 0) }
}

extension RuledPrimitive {
  /// The derivative of the exponential of a along c: by c the same of aᵀ, by a the second derivative of the exponential
  /// of aᵀ along cᵀ and ct. With b = [[aᵀ, cᵀ], [0, aᵀ]] that is a block of the derivative of the exponential of b
  /// along [[ct, 0], [0, ct]]; so every order has matrices twice as large as the last.
  static let exponentialSlope = RuledPrimitive("exponential_slope") { node in
    let (builder, a, c) = (node.builder, node.operand(0), node.operand(1))
    if a.shape.isEmpty { return }
    let back = builder.matrixTranspose(a)
    if node.wants(1) { node.accumulate(builder.exponentialSlope(back, node.ct), 1) }
    guard node.wants(0) else { return }
    // A large c would cost digits. All is linear in it, so that the scale can be held constant.
    let scale = builder.largest(c)
    let zeros = builder.zeros(a.type)
    let second = builder.exponentialSlope(
      builder.blocks([[back, builder.matrixTranspose(c / scale)], [zeros, back]]),
      builder.blocks([[node.ct, zeros], [zeros, node.ct]]))
    guard second.isValid else { return }
    let (rank, n) = (a.shape.rank, a.shape[a.shape.rank - 1])
    var window = Window(whole: second.shape)
    window.starts[rank - 1] = n
    window.sizes[rank - 2] = n
    window.sizes[rank - 1] = n
    node.accumulate(builder.slice(second, window) * scale, 0)
  }
}

extension GraphBuilder {
  /// The derivative of the exponential of a along c.
  func exponentialSlope(_ a: Value, _ c: Value) -> Value {
    let value = emit(.exponentialTangent, blocks([[a], [c]]))
    return emit(.exponentialSlope, [a, c, value], .none)[0]
  }

  /// Matrices of rows of blocks.
  func blocks(_ rows: [[Value]]) -> Value {
    guard let first = rows.first?.first, rows.allSatisfy({ $0.allSatisfy(\.isValid) }) else { return value(-1) }
    let rank = first.shape.rank
    return concat(rows.map { concat($0, axis: rank - 1) }, axis: rank - 2)
  }

  /// The largest element of each matrix in size, everywhere in it, as a constant; 1 where it is no scale.
  func largest(_ matrices: Value) -> Value {
    guard matrices.isValid else { return matrices }
    let rank = matrices.shape.rank
    let axes = AxisSet([rank - 2, rank - 1])
    let largest = emit(.max, matrices.emit(.stopGradient).emit(.abs), .axes(axes))
    let isScale = largest.emit(.isFinite).emit(.logicalAnd, zeros(largest.type).emit(.less, largest))
    return stretch(select(isScale, largest, ones(largest.type)), over: axes, to: matrices.shape)
  }
}

struct MatrixExponentialOperation: Operation {
  let reference = OperationReference(
    name: "expm",
    summary: "The exponential of a square matrix: not that of its elements, which is exp.",
    formula: "y = 1 + a + a²/2 + a³/6 + …", operands: ["a"], dtypes: .floating,
    shapeRule: "that of a, whose last two axes are square matrices",
    derivative: "a: the upper right block of the exponential of [[aᵀ, ct], [0, aᵀ]]",
    conventions: [
      "computed by scaling, an approximation of Padé of order 13, and squaring (Higham 2005)",
      "NaN or Infinity in a gives NaN throughout; what overflows gives Infinity or NaN",
      "the error grows with the largest sum of a row: beyond about 10^16 what neither vanishes nor overflows is NaN",
      "float32 is computed in double precision",
    ],
    otherNames: ["matrix_exp", "matrix_exponential"],
    samples: [
      OperationSample([[3, 3]]), OperationSample([[2, 2, 2]]), OperationSample([[1, 1]]), OperationSample([[0, 0]]),
    ], domain: -1...1)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    _ = try call.squareMatrix()
    return [call.inDouble { call.builder.emit(.exponential, $0[0]) }]
  }
}

struct MatrixPowerOperation: Operation {
  let reference = OperationReference(
    name: "matrix_power",
    summary: "A whole power of a square matrix, as a product of matrices.",
    formula: "y = aⁿ", operands: ["a"],
    attributes: [AttributeReference("n", .integer, "the exponent; below 0 the inverse is multiplied")],
    dtypes: .floating, shapeRule: "that of a, whose last two axes are square matrices",
    derivative: "a: Σ (aᵀ)ⁱ ct (aᵀ)ⁿ⁻¹⁻ⁱ for i from 0 to n - 1",
    conventions: [
      "n = 0 gives the unit matrix, with gradient 0", "n below 0 refuses a singular matrix",
      "float32 is computed in double precision",
    ],
    otherNames: ["mpow", "matpow"],
    samples: [
      OperationSample([[3, 3]], ["n": .integer(3)]), OperationSample([[2, 2, 2]], ["n": .integer(-2)]),
      OperationSample([[2, 2]], ["n": .integer(0)]), OperationSample([[2, 2]], ["n": .integer(1)]),
      OperationSample([[0, 0]], ["n": .integer(5)]),
    ], domain: -1...1, factorizedOperand: 0)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    _ = try call.squareMatrix()
    let n = call.integer("n") ?? 0
    let builder = call.builder
    return [
      call.inDouble { operands in
        let unit = builder.identity(like: operands[0])
        var (power, rest) = (n < 0 ? builder.luSolve(operands[0], unit) : operands[0], n.magnitude)
        var result: Value?
        while rest > 0 {
          if rest & 1 == 1 { result = result.map { builder.product($0, power) } ?? power }
          rest >>= 1
          if rest > 0 { power = builder.product(power, power) }
        }
        return result ?? unit
      }
    ]
  }
}

/// The derivative of the exponential along c is a block of the exponential of [[a, c], [0, a]]; that of the way back is the
/// same with aᵀ. So every order has the exponential of a matrix twice as large as the last.
///
/// c is brought to a sum of rows of at most 1, so that a large one does not cost digits; the scale is held constant,
/// which is exact since the block is linear in c.
let exponentialRule: @Sendable (Pullback) -> Void = { node in
  let (builder, a) = (node.builder, node.operand(0))
  if a.shape.isEmpty { return }
  let (rank, n) = (a.shape.rank, a.shape[a.shape.rank - 1])
  let axes = AxisSet([rank - 2, rank - 1])
  let largest = builder.emit(.max, node.ct.emit(.stopGradient).emit(.abs), .axes(axes))
  let isUsable = largest.emit(.isFinite).emit(.logicalAnd, builder.zeros(largest.type).emit(.less, largest))
  let scale = builder.stretch(builder.select(isUsable, largest, builder.ones(largest.type)), over: axes, to: a.shape)
  let direction = node.ct / scale / Double(n)
  let back = builder.matrixTranspose(a)
  let upper = builder.concat([back, direction], axis: rank - 1)
  let lower = builder.concat([builder.zeros(a.type), back], axis: rank - 1)
  let exponential = builder.emit(.exponential, builder.concat([upper, lower], axis: rank - 2))
  guard exponential.isValid else { return }
  var window = Window(whole: exponential.shape)
  window.starts[rank - 1] = n
  window.sizes[rank - 2] = n
  window.sizes[rank - 1] = n
  node.accumulate(builder.slice(exponential, window) * scale * Double(n), 0)
}

struct MatrixExponentialOperation: Operation {
  let reference = OperationReference(
    name: "expm",
    summary: "The exponential of a square matrix: not that of its elements, which is exp.",
    formula: "y = 1 + a + a²/2 + a³/6 + …", operands: ["a"], dtypes: .floating,
    shapeRule: "that of a, whose last two axes are square matrices",
    derivative: "a: the upper right block of the exponential of [[aᵀ, ct], [0, aᵀ]], to any order",
    conventions: [
      "computed by scaling, an approximation of Padé of order 13, and squaring (Higham 2005)",
      "NaN or Infinity in a gives NaN throughout; what overflows gives Infinity or NaN", "float32 is computed in double precision",
    ],
    otherNames: ["matrix_exp", "matrix_exponential"],
    samples: [OperationSample([[3, 3]]), OperationSample([[2, 2, 2]]), OperationSample([[1, 1]]), OperationSample([[0, 0]])],
    domain: -1...1)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    _ = try call.squareMatrix()
    return [call.inDouble { call.builder.emit(.exponential, $0[0]) }]
  }
}

struct MatrixPowerOperation: Operation {
  let reference = OperationReference(
    name: "matrix_power",
    summary: "A whole power of a square matrix, as a product of matrices.",
    formula: "y = aⁿ", operands: ["a"], attributes: [AttributeReference("n", .integer, "the exponent; below 0 the inverse is multiplied")],
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

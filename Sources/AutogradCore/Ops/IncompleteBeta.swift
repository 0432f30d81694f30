import CKernels

/// I(a, b, x) and its derivatives: the attribute says how often by each operand, as the index of one of
/// `ck_betainc_orders`, and stands for a kernel of its own. Orders that come to more than four are refused.
struct IncompleteBetaPrimitive: Primitive {
  let name = "betainc"

  let derivative = Derivative.pointwise([
    { $0 * $1.betaDerivative(by: 0) }, { $0 * $1.betaDerivative(by: 1) }, { $0 * $1.betaDerivative(by: 2) },
  ])

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 3, node.typeID(1) == node.typeID(0), node.typeID(2) == node.typeID(0),
      case .derivative(let index) = node.attributes,
      Self.orders.indices.contains(index)
    else { throw node.fault("betainc takes 3 operands of one type, got \((0..<node.operandCount).map(node.operand))") }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    let result = node.allocate()
    node.emitCopy(into: result, node.operand(0), node.operandType(0))
    node.emitBinary(Self.kernel(node.attributes), into: result, node.operand(1), node.operand(2))
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let (a, b, x) = (node.operands[0], node.operands[1], node.operands[2])
    let width = a.dtype.byteWidth
    let kernel = UInt8(Self.kernel(node.attributes).rawValue)
    return [
      Tensor(node.resultTypes[0]) { base in
        for offset in stride(from: 0, to: a.elementCount * width, by: width) {
          (base + offset).copyMemory(from: a.storage.base + offset, byteCount: width)
          _ = Kernels.binary(kernel, a.dtype)?(
            1, base + offset, 1, b.storage.base + offset, 1, x.storage.base + offset, 1)
        }
      }
    ]
  }

  /// How often by a, b and x, for each number that the attribute can have.
  static let orders: [[Int]] = (0..<Int(CK_BETAINC_COUNT)).map { index in
    (0..<3).map { Int(ck_betainc_order(Int32(index), Int32($0))) }
  }

  private static func kernel(_ attributes: Attributes) -> ck_binary_op {
    guard case .derivative(let index) = attributes else { return CK_BETAINC }
    return ck_binary_op(rawValue: CK_BETAINC.rawValue + UInt32(index))
  }
}

extension NodeContext {
  /// One more derivative of `betainc` by an operand.
  fileprivate func betaDerivative(by operand: Int) -> Value {
    guard case .derivative(let index) = attributes else { return result() }
    var orders = IncompleteBetaPrimitive.orders[index]
    orders[operand] += 1
    guard let next = IncompleteBetaPrimitive.orders.firstIndex(of: orders) else {
      let total = orders.reduce(0, +)
      return builder.fail(DerivativeFamily.refusal(["betainc"], total, total - 1))
    }
    return builder.emit(.betaInc, [self.operand(0), self.operand(1), self.operand(2)], .derivative(next))[0]
  }
}

struct IncompleteBetaOperation: Operation {
  let reference = OperationReference(
    name: "betainc", summary: "Regularised incomplete beta function.",
    formula: "z = ∫₀ˣ t^(a-1) (1-t)^(b-1) dt / B(a, b)",
    operands: ["a", "b", "x"], results: ["z"], dtypes: .floating,
    shapeRule: "the operands broadcast together, as in NumPy: aligned at the last axis, size 1 stretches",
    derivative:
      "a: ct ∂z/∂a, b: ct ∂z/∂b, x: ct x^(a-1) (1-x)^(b-1) / B(a, b), each summed over the axes that were stretched",
    conventions: [
      "NaN unless a > 0, b > 0 and 0 ≤ x ≤ 1", "derivatives up to order 4 in all, refused beyond",
      "at x = 0 and x = 1 the limits from inside",
    ],
    otherNames: ["beta_inc", "ibeta", "incomplete_beta", "regularized_beta", "pbeta", "betai"],
    samples: [
      OperationSample([[2, 3], [2, 3], [2, 3]]), OperationSample([[3], [2, 1], []]), OperationSample([[], [], []]),
    ],
    domain: 0.2...0.8)

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (a, b, x) = (call.operands[0], call.operands[1], call.operands[2])
    guard let parameters = Shape.broadcast(a.shape, b.shape) else {
      throw GraphError(.shapeMismatch, "shapes do not broadcast: {0} is \(a.shape), {1} is \(b.shape)", at: .operand(1))
    }
    guard let shape = Shape.broadcast(parameters, x.shape) else {
      throw GraphError(
        .shapeMismatch, "shapes do not broadcast: {0} and {1} together are \(parameters), {2} is \(x.shape)",
        at: .operand(2))
    }
    let builder = call.builder
    return builder.emit(.betaInc, [a, b, x].map { builder.broadcast($0, to: shape) }, .derivative(0))
  }
}

import CKernels

/// A number times a derivative of x^y: operands ct, x, y; the attribute says how often by x and how often by y,
/// numbered m + 256 n. The derivative alone may leave the range of numbers where the product does not, as that of 1 /
/// (1 + e^x) at 300 does, so it is computed with an exponent of its own. Its derivatives are of its own kind.
struct PowerDerivativePrimitive: Primitive {
  let name = "pow_derivative"

  private static let family = DerivativeFamily(of: ["pow"], by: [("x", 100), ("y", 100)], most: 100, step: 256)

  let derivative = Derivative.pointwise([
    { ct, node in ct.powDerivative(node.powCode, node.operand(1), node.operand(2)) },
    { ct, node in (ct * node.operand(0)).powDerivative(node.powCode + 1, node.operand(1), node.operand(2)) },
    { ct, node in (ct * node.operand(0)).powDerivative(node.powCode + 256, node.operand(1), node.operand(2)) },
  ])

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 3, node.typeID(1) == node.typeID(0), node.typeID(2) == node.typeID(0) else {
      throw node.fault("\(name) takes 3 operands of one type, got \((0..<node.operandCount).map(node.operand))")
    }
    try Self.family.check(node.attributes)
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    let result = node.allocate()
    let code = Double(Self.family.code(node.attributes))
    let (scaled, scale) = (node.allocate(node.resultType()), node.allocate(node.resultType()))
    for (target, part) in [(scaled, 0), (scale, Double(CK_POW_SCALE))] {
      node.emitFill(code + part, into: target)
      node.emitBinary(CK_POW_DERIVATIVE, into: target, node.operand(1), node.operand(2))
    }
    node.emitCopy(into: result, node.operand(0), node.operandType(0))
    node.emitBinary(CK_PRODUCT_QUOTIENT, into: result, scaled, scale)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let (ct, x, y) = (node.operands[0], node.operands[1], node.operands[2])
    let (count, width) = (ct.type.byteCount, ct.dtype.byteWidth)
    let code = Self.family.code(node.attributes)
    func filled(_ number: Int) -> Tensor {
      Tensor(ct.type) { base in
        for offset in stride(from: 0, to: count, by: width) {
          Self.family.putCode(.derivative(number), ct.dtype, base + offset)
          let (a, b) = (x.storage.base + offset, y.storage.base + offset)
          _ = Kernels.binary(UInt8(CK_POW_DERIVATIVE.rawValue), ct.dtype)?(1, base + offset, 1, a, 1, b, 1)
        }
      }
    }
    let (scaled, scale) = (filled(code), filled(code + Int(CK_POW_SCALE)))
    return [
      Tensor(ct.type) { base in
        base.copyMemory(from: ct.storage.base, byteCount: count)
        _ = Kernels.binary(UInt8(CK_PRODUCT_QUOTIENT.rawValue), ct.dtype)?(
          ct.elementCount, base, 1, scaled.storage.base, 1, scale.storage.base, 1)
      }
    ]
  }
}

extension NodeContext {
  fileprivate var powCode: Int {
    if case .derivative(let code) = attributes { code } else { 0 }
  }
}

extension Value {
  /// self times the derivative of x^y, m times by x and n times by y, of a node's operands.
  func powDerivative(_ m: Int, _ n: Int, of node: NodeContext) -> Value { powDerivative(m + 256 * n, node.x, node.y) }

  fileprivate func powDerivative(_ code: Int, _ x: Value, _ y: Value) -> Value {
    guard isValid else { return self }
    return builder.emit(.powDerivative, [self, x, y], .derivative(code))[0]
  }
}

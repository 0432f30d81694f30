import CKernels

/// An operation that acts on each element by itself: one row of a table holds its kernel, its documentation and its
/// derivative.
struct PointwiseFunction: Sendable {
  /// Which C kernel computes it.
  enum Kernel: Sendable {
    case unary(ck_unary_op)
    case binary(ck_binary_op)
    /// A kernel of two operands that takes the first of three from where the result goes.
    case ternary(ck_binary_op)
    /// The derivatives of a function, numbered by the node's attribute, which is the kernel's first operand.
    case family(ck_binary_op, DerivativeFamily)

    var arity: Int {
      switch self {
      case .unary: 1
      case .binary: 2
      case .ternary: 3
      case .family(_, let family): family.arity
      }
    }
  }

  /// The cotangent of the result times the partial derivative by one operand. The Jacobian is diagonal, so it serves
  /// tangents as well.
  typealias Partial = @Sendable (_ ct: Value, _ node: NodeContext) -> Value

  let opcode: Opcode
  let kernel: Kernel
  let reference: OperationReference
  let derivative: Derivative
  /// Comparisons and tests yield bool.
  let isPredicate: Bool

  init(
    _ opcode: Opcode, _ kernel: Kernel, _ reference: OperationReference, _ derivative: Derivative,
    isPredicate: Bool = false
  ) {
    self.opcode = opcode
    self.kernel = kernel
    self.reference = reference
    self.derivative = derivative
    self.isPredicate = isPredicate
  }

  static let all =
    arithmetic + unary + binary + comparisons + slopes + tails + families + quotients
    + normal + oscillating + parametric + specialDerivatives + lengths
}

/// The node of a ``PointwiseFunction``: operands of one type, broadcast already.
struct PointwisePrimitive: Primitive {
  let function: PointwiseFunction

  var name: String { function.reference.name }
  var derivative: Derivative { function.derivative }
  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    let arity = function.kernel.arity
    guard node.operandCount == arity, (1..<arity).allSatisfy({ node.typeID($0) == node.typeID(0) }) else {
      throw node.fault("\(name) takes \(arity) operands of one type, got \((0..<node.operandCount).map(node.operand))")
    }
    if case .family(_, let family) = function.kernel { try family.check(node.attributes) }
    if function.isPredicate {
      try node.result(node.operand(0).with(dtype: .bool))
    } else {
      node.result(sameAs: 0)
    }
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    let result = node.allocate()
    switch function.kernel {
    case .unary(let kernel): node.emitUnary(kernel, into: result, node.operand(0))
    case .binary(let kernel): node.emitBinary(kernel, into: result, node.operand(0), node.operand(1))
    case .ternary(let kernel):
      node.emitCopy(into: result, node.operand(0), node.operandType(0))
      node.emitBinary(kernel, into: result, node.operand(1), node.operand(2))
    case .family(let kernel, let family):
      let code = Double(family.code(node.attributes))
      if family.arity == 1 {
        node.emitBinary(kernel, into: result, node.filled(code), node.operand(0))
      } else {
        // A kernel of three operands takes the first from where the result goes.
        node.emitFill(code, into: result)
        node.emitBinary(kernel, into: result, node.operand(0), node.operand(1))
      }
    }
  }

  /// Element by element through the same elementary functions as the executor.
  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let (x, y) = (node.operands[0], node.operands[node.operands.count - 1])
    let (from, to) = (x.dtype.byteWidth, node.resultTypes[0].dtype.byteWidth)
    var refused: Int?
    let result = Tensor(node.resultTypes[0]) { base in
      for index in 0..<x.elementCount {
        let (a, b, z) = (x.storage.base + index * from, y.storage.base + index * from, base + index * to)
        switch function.kernel {
        case .unary(let kernel): Kernels.unary(UInt8(kernel.rawValue), x.dtype)?(1, z, 1, a, 1)
        case .binary(let kernel):
          if Kernels.binary(UInt8(kernel.rawValue), x.dtype)?(1, z, 1, a, 1, b, 1) != -1, refused == nil {
            refused = index
          }
        case .ternary(let kernel):
          z.copyMemory(from: a, byteCount: from)
          let second = node.operands[1].storage.base + index * from
          _ = Kernels.binary(UInt8(kernel.rawValue), x.dtype)?(1, z, 1, second, 1, b, 1)
        case .family(let kernel, let family):
          // The code lies where the result goes: a kernel of three operands expects it there, one of two reads it
          // first.
          family.putCode(node.attributes, x.dtype, z)
          let operand = family.arity == 1 ? UnsafeRawPointer(z) : UnsafeRawPointer(a)
          _ = Kernels.binary(UInt8(kernel.rawValue), x.dtype)?(1, z, 1, operand, 1, b, 1)
        }
      }
    }
    if let refused, case .binary(let kernel) = function.kernel { throw PointwiseFunction.refusal(kernel, at: refused) }
    return [result]
  }
}

extension PointwiseFunction {
  /// Integers have no answer to some operands.
  static func refusal(_ kernel: ck_binary_op, at index: Int) -> GraphError {
    kernel == CK_POW
      ? GraphError(
        .numberOutOfRange,
        "element \(index) of {1} is negative, and an integer has no negative powers; cast to a float dtype",
        operation: "pow", at: .operand(1))
      : GraphError(
        .numberOutOfRange, "element \(index) of {1} is 0, and integers cannot be divided by it", operation: "remainder",
        at: .operand(1))
  }
}

/// The named operation of a ``PointwiseFunction``: broadcast, then emit.
struct PointwiseOperation: Operation {
  let function: PointwiseFunction
  var reference: OperationReference { function.reference }

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    if call.operands.count == 1 { return [call.builder.emit(function.opcode, call.x)] }
    let (x, y) = try call.builder.broadcastTogether(call.x, call.y)
    return [call.builder.emit(function.opcode, x, y)]
  }
}

import CKernels

/// An operation that acts on each element by itself. One row a function: its kernel, its meaning, its derivative written as mathematics.
struct Pointwise: Primitive {
  let name: String
  let kernel: Kernel
  let meaning: Meaning
  let derivative: Derivative

  /// Which C kernel computes it.
  enum Kernel: Sendable {
    case unary(ck_unary_op)
    case binary(ck_binary_op)
  }

  /// What it means, for the interpreter: scalar functions of the operands, one for each kind of number.
  struct Meaning: Sendable {
    var float64: @Sendable (Double, Double) -> Double
    var float32: @Sendable (Float, Float) -> Float
    /// Integers wrap. Nil where integers are refused.
    var int64: (@Sendable (Int64, Int64) -> Int64)?
    var int32: (@Sendable (Int32, Int32) -> Int32)?
  }

  static let neg = Pointwise(
    name: "neg", kernel: .unary(CK_NEG),
    meaning: Meaning(float64: { x, _ in -x }, float32: { x, _ in -x }, int64: { x, _ in 0 &- x }, int32: { x, _ in 0 &- x }),
    derivative: .linear { $0.accumulate(-$0.ct, 0) })

  static let add = Pointwise(
    name: "add", kernel: .binary(CK_ADD),
    meaning: Meaning(float64: { $0 + $1 }, float32: { $0 + $1 }, int64: { $0 &+ $1 }, int32: { $0 &+ $1 }),
    derivative: .linear {
      $0.accumulate($0.ct, 0)
      $0.accumulate($0.ct, 1)
    })

  static let sub = Pointwise(
    name: "sub", kernel: .binary(CK_SUB),
    meaning: Meaning(float64: { $0 - $1 }, float32: { $0 - $1 }, int64: { $0 &- $1 }, int32: { $0 &- $1 }),
    derivative: .linear {
      $0.accumulate($0.ct, 0)
      if $0.wants(1) { $0.accumulate(-$0.ct, 1) }
    })

  static let mul = Pointwise(
    name: "mul", kernel: .binary(CK_MUL),
    meaning: Meaning(float64: { $0 * $1 }, float32: { $0 * $1 }, int64: { $0 &* $1 }, int32: { $0 &* $1 }),
    derivative: .bilinear(left: { ct, right in ct * right }, right: { ct, left in ct * left }))

  static let div = Pointwise(
    name: "div", kernel: .binary(CK_DIV),
    meaning: Meaning(float64: { $0 / $1 }, float32: { $0 / $1 }),
    // Not x/y²: the square of a small or large y leaves the range of numbers where the quotient does not.
    derivative: .pointwise([{ ct, node in ct / node.y }, { ct, node in -(ct / node.y * node.z) }]))

  private var arity: Int {
    switch kernel {
    case .unary: 1
    case .binary: 2
    }
  }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == arity, node.typeID(0) == node.typeID(arity - 1) else {
      throw node.fault("\(name) takes \(arity) operands of one type, got \((0..<node.operandCount).map(node.operand))")
    }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    let result = node.allocate()
    switch kernel {
    case .unary(let function): node.emitUnary(function, into: result, node.operand(0))
    case .binary(let function): node.emitBinary(function, into: result, node.operand(0), node.operand(1))
    }
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let x = node.operands[0]
    let y = node.operands[arity - 1]
    switch x.dtype {
    case .float64: return [map(x, y, meaning.float64)]
    case .float32: return [map(x, y, meaning.float32)]
    case .int64: if let function = meaning.int64 { return [map(x, y, function)] }
    case .int32: if let function = meaning.int32 { return [map(x, y, function)] }
    case .bool: break
    }
    throw GraphError(.internal, "\(name) is not defined for \(x.dtype)")
  }

  private func map<E: TensorElement>(_ x: Tensor, _ y: Tensor, _ function: (E, E) -> E) -> Tensor {
    x.withElements { (a: UnsafeBufferPointer<E>) in
      y.withElements { (b: UnsafeBufferPointer<E>) in
        Tensor((0..<a.count).map { function(a[$0], b[$0]) }, shape: x.shape)
      }
    }
  }
}

/// The named operations of one or two operands that act element by element: broadcast, then emit.
struct PointwiseOperation: Operation {
  let reference: OperationReference
  let opcode: Opcode

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    if call.operands.count == 1 { return [call.builder.emit(opcode, call.x)] }
    let (x, y) = try call.builder.broadcastTogether(call.x, call.y)
    return [call.builder.emit(opcode, x, y)]
  }

  private static let binarySamples = [
    OperationSample([[2, 3], [2, 3]]), OperationSample([[2, 3], [3]]), OperationSample([[2, 1], [1, 3]]),
    OperationSample([[], [2, 2]]), OperationSample([[2, 0], [1, 1]]), OperationSample([[], []]),
  ]
  private static let broadcastRule = "x and y broadcast together, as in NumPy: aligned at the last axis, size 1 stretches"
  private static let wraps = "integers wrap around on overflow"

  static let add = PointwiseOperation(
    reference: OperationReference(
      name: "add", summary: "Sum of two tensors, element by element.", formula: "z = x + y",
      operands: ["x", "y"], results: ["z"], dtypes: .numeric, shapeRule: broadcastRule,
      derivative: "x: ct, y: ct, each summed over the axes that were stretched", conventions: [wraps],
      otherNames: ["plus", "addition", "+"], samples: binarySamples), opcode: .add)

  static let sub = PointwiseOperation(
    reference: OperationReference(
      name: "sub", summary: "Difference of two tensors, element by element.", formula: "z = x - y",
      operands: ["x", "y"], results: ["z"], dtypes: .numeric, shapeRule: broadcastRule,
      derivative: "x: ct, y: -ct, each summed over the axes that were stretched", conventions: [wraps],
      otherNames: ["subtract", "minus", "subtraction", "-"], samples: binarySamples), opcode: .sub)

  static let mul = PointwiseOperation(
    reference: OperationReference(
      name: "mul", summary: "Product of two tensors, element by element.", formula: "z = x * y",
      operands: ["x", "y"], results: ["z"], dtypes: .numeric, shapeRule: broadcastRule,
      derivative: "x: ct * y, y: ct * x, each summed over the axes that were stretched", conventions: [wraps],
      otherNames: ["multiply", "times", "multiplication", "*", "hadamard"], samples: binarySamples), opcode: .mul)

  static let div = PointwiseOperation(
    reference: OperationReference(
      name: "div", summary: "Quotient of two tensors, element by element.", formula: "z = x / y",
      operands: ["x", "y"], results: ["z"], dtypes: .floating, shapeRule: broadcastRule,
      derivative: "x: ct / y, y: -ct * x / y^2, each summed over the axes that were stretched",
      conventions: ["division by zero follows IEEE 754: 1/0 is Infinity, 0/0 is NaN", "integers are refused: cast them to a float dtype"],
      otherNames: ["divide", "true_divide", "truediv", "division", "/"], samples: binarySamples), opcode: .div)

  static let neg = PointwiseOperation(
    reference: OperationReference(
      name: "neg", summary: "The negative of a tensor, element by element.", formula: "y = -x",
      operands: ["x"], dtypes: .numeric, shapeRule: "that of x", derivative: "x: -ct", conventions: [wraps],
      otherNames: ["negative", "negate", "minus", "unary_minus"],
      samples: [OperationSample([[2, 3]]), OperationSample([[]]), OperationSample([[0]])]), opcode: .neg)
}

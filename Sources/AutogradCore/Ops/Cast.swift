import CKernels

/// `cast`: between floats it is linear; from or to integers and bool it carries no gradient.
struct CastPrimitive: Primitive {
  let name = "cast"

  let derivative = Derivative.linear { node in
    let x = node.operand(0)
    guard x.dtype.isFloating else { return }
    node.accumulate(node.builder.emit(.cast, node.ct, .dtype(x.dtype)), 0)
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .dtype(let dtype) = node.attributes, node.operandCount == 1 else {
      throw node.fault("cast takes one operand and a dtype")
    }
    try node.result(node.operand(0).with(dtype: dtype))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    let result = node.allocate()
    node.emitCast(into: result, node.operand(0))
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let x = node.operands[0]
    let target = node.resultTypes[0].dtype
    switch x.dtype {
    case .float64: return [try cast(x, Double.self, to: target)]
    case .float32: return [try cast(x, Float.self, to: target)]
    case .int64: return [castInteger(x, Int64.self, to: target)]
    case .int32: return [castInteger(x, Int32.self, to: target)]
    case .bool:
      let numbers = Tensor((x.values(as: Bool.self) ?? []).map { $0 ? Int32(1) : 0 }, shape: x.shape)
      return [castInteger(numbers, Int32.self, to: target)]
    }
  }

  private func cast<E: TensorElement & BinaryFloatingPoint>(_ x: Tensor, _: E.Type, to target: DType) throws(GraphError)
    -> Tensor
  {
    let values: [E] = x.values() ?? []
    if target.isInteger {
      for (index, value) in values.enumerated() {
        let whole = value.rounded(.towardZero)
        if target == .int64 ? Int64(exactly: whole) == nil : Int32(exactly: whole) == nil {
          throw CastPrimitive.refusal(Double(value), at: index, target)
        }
      }
    }
    return switch target {
    case .float64: Tensor(values.map(Double.init), shape: x.shape)
    case .float32: Tensor(values.map(Float.init), shape: x.shape)
    case .int64: Tensor(values.map { Int64($0) }, shape: x.shape)
    case .int32: Tensor(values.map { Int32($0) }, shape: x.shape)
    case .bool: Tensor(values.map { $0 != 0 }, shape: x.shape)
    }
  }

  private func castInteger<E: TensorElement & FixedWidthInteger>(_ x: Tensor, _: E.Type, to target: DType) -> Tensor {
    let values: [E] = x.values() ?? []
    return switch target {
    case .float64: Tensor(values.map { Double($0) }, shape: x.shape)
    case .float32: Tensor(values.map { Float($0) }, shape: x.shape)
    case .int64: Tensor(values.map { Int64(truncatingIfNeeded: $0) }, shape: x.shape)
    case .int32: Tensor(values.map { Int32(truncatingIfNeeded: $0) }, shape: x.shape)
    case .bool: Tensor(values.map { $0 != 0 }, shape: x.shape)
    }
  }

  static func refusal(_ value: Double, at index: Int, _ target: DType) -> GraphError {
    GraphError(
      .numberOutOfRange, "element \(index) of {0} is \(value), which no \(target) can hold", operation: "cast",
      at: .operand(0))
  }
}

struct CastOperation: Operation {
  let reference = OperationReference(
    name: "cast",
    summary: "The same numbers in another dtype.",
    formula: "y = x as dtype", operands: ["x"],
    attributes: [AttributeReference("dtype", .dtype, "float64, float32, int64, int32 or bool")],
    dtypes: .any,
    shapeRule: "that of x",
    derivative: "x: ct cast back to the dtype of x, between floats; none from or to integers and bool",
    conventions: [
      "float to integer truncates toward zero; NaN and numbers out of range are refused",
      "int64 to int32 wraps around", "to bool: true where x is not 0; NaN is true", "from bool: 0 and 1",
    ],
    otherNames: ["astype", "convert", "convert_element_type", "to", "type_as", "float", "double"],
    samples: [
      OperationSample([[2, 3]], ["dtype": .text("float32")]), OperationSample([[3]], ["dtype": .text("float64")]),
      OperationSample([[2, 2]], ["dtype": .text("int64")]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    guard case .text(let name)? = call.attributes["dtype"], let dtype = DType(name: name) else {
      let got = if case .text(let name)? = call.attributes["dtype"] { name } else { "none" }
      throw call.invalid(
        "dtype", "\"\(got)\" is not a dtype; known are " + DType.allCases.map(\.name).joined(separator: ", "))
    }
    return [call.x.dtype == dtype ? call.x : call.builder.emit(.cast, call.x, .dtype(dtype))]
  }
}

import CKernels

/// `cummax_place` and `cummin_place`: for each position of a line the place of the extremum so far, the last of ties,
/// of a NaN before all others.
struct RunningPlacePrimitive: Primitive {
  let name: String
  let function: ck_scan_op
  var derivative: Derivative { .none }

  static let largest = RunningPlacePrimitive(name: "cummax_place", function: CK_CUMMAX)
  static let smallest = RunningPlacePrimitive(name: "cummin_place", function: CK_CUMMIN)

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .axis(let axis) = node.attributes, node.operandCount == 1, node.operand(0).dtype.isNumeric,
      axis < node.operand(0).shape.rank
    else { throw node.fault("\(name) takes one numeric operand and an axis of it") }
    try node.result(node.operand(0).with(dtype: .int64))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .axis(let axis) = node.attributes else { return }
    let result = node.allocate()
    node.emitScan(function, into: result, node.operand(0), node.operand(0), Scan(axis: axis, reverse: false))
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .axis(let axis) = node.attributes else { return [] }
    return [node.scanned(function, Scan(axis: axis, reverse: false), second: node.operands[0])]
  }
}

extension ScanOperation {
  static let runningExtrema = [
    runningExtremum(.cummaxPlace, "cummax", "largest", "max", ["cumulative_max", "running_max", "maximum_accumulate"]),
    runningExtremum(
      .cumminPlace, "cummin", "smallest", "min", ["cumulative_min", "running_min", "minimum_accumulate"]),
  ]

  /// The element at the place of the extremum, so that all derivatives are those of picking it; of lines in which there
  /// is a NaN they are NaN.
  private static func runningExtremum(
    _ opcode: Opcode, _ name: String, _ adjective: String, _ function: String, _ otherNames: [String]
  ) -> ScanOperation {
    ScanOperation(
      reference: OperationReference(
        name: name, summary: "The \(adjective) element so far along an axis.", formula: "yᵢ = \(function)(x₀, …, xᵢ)",
        operands: ["x"],
        attributes: requiredAxis, dtypes: .numeric, shapeRule: "that of x",
        derivative: "x: to each element the ct of the positions whose \(adjective) element so far it is",
        conventions: [
          "of ties the last one has the gradient, as in PyTorch",
          "from the first NaN on all is NaN, and the gradients of the whole line are",
          "the values alone: argsort and take_along_axis give places",
        ], otherNames: otherNames, samples: samples)
    ) { call, axis in
      let (builder, x) = (call.builder, call.x)
      guard x.isValid, !x.shape.isEmpty else { return x }
      let along = Attributes.along(axis: axis, size: x.shape[axis])
      let places = builder.emit(opcode, x, .axis(axis))
      let picked = builder.emit(.gatherAlong, [x, places], along)[0]
      return x.dtype.isFloating ? builder.emit(.runningExtremum, [x, places, picked], along)[0] : picked
    }
  }
}

extension RuledPrimitive {
  /// Operands: x, the places of the extrema, the value: the elements there. If there is a NaN in a line, its last
  /// result is one.
  static let runningExtremum = RuledPrimitive("running_extremum") { node in
    guard case .along(let axis, let size) = node.attributes else { return }
    let (builder, y) = (node.builder, node.result(0))
    let isNaN = builder.part(y, axis, from: size - 1, count: 1).emit(.isNaN)
    let back = builder.emit(.scatterAddAlong, [node.ct, node.operand(1)], node.attributes)[0]
    node.accumulate(back.spoilt(where: isNaN), 0)
  }
}

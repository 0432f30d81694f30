import CKernels

extension ReductionPrimitive {
  static let max = ReductionPrimitive(
    name: "max", function: CK_MAX, operands: .numeric, derivative: .rule(vjp: pullBackExtremum))
  static let min = ReductionPrimitive(
    name: "min", function: CK_MIN, operands: .numeric, derivative: .rule(vjp: pullBackExtremum))
  static let argmax = ReductionPrimitive(name: "argmax", function: CK_ARGMAX, operands: .numeric, derivative: .none)
  static let argmin = ReductionPrimitive(name: "argmin", function: CK_ARGMIN, operands: .numeric, derivative: .none)

  /// The winners share the cotangent evenly. Cotangents are selected, not multiplied, so an infinite one stays with
  /// them; a slice whose result is NaN passes NaN to every element.
  @Sendable private static func pullBackExtremum(_ node: Pullback) {
    guard case .axes(let axes) = node.attributes else { return }
    let (builder, x, y) = (node.builder, node.operand(0), node.result(0))
    let wins = x.emit(.equal, node.stretched(y))
    let winners = builder.sum(builder.emit(.cast, wins, .dtype(y.dtype)), over: axes)
    let isNaN = y.emit(.isNaN)
    // Not ct * y for NaN: with an infinite y its own derivative would be 0 · ∞ where it is not taken.
    let share = node.ct / builder.select(isNaN, y, winners)
    node.accumulate(
      builder.select(wins.emit(.logicalOr, node.stretched(isNaN)), node.stretched(share), builder.zeros(x.type)), 0)
  }
}

extension ReductionOperation {
  static let max = extremum(
    .max, "max", "Largest element along axes.", ["amax", "reduce_max", "reducemax", "maximum_reduce"])
  static let min = extremum(
    .min, "min", "Smallest element along axes.", ["amin", "reduce_min", "reducemin", "minimum_reduce"])

  private static func extremum(_ opcode: Opcode, _ name: String, _ summary: String, _ otherNames: [String])
    -> ReductionOperation
  {
    ReductionOperation(
      opcode, needsElements: true,
      OperationReference(
        name: name, summary: summary, formula: "y = \(name) x over axis", operands: ["x"],
        attributes: attributes("reduce"),
        dtypes: .numeric, shapeRule: shapeRule, derivative: "x: ct where x = y, else 0",
        conventions: [
          "ties share the gradient evenly", "a NaN in a slice gives NaN, and NaN gradients for the whole slice",
          "an empty axis is refused",
        ], otherNames: otherNames, samples: samples))
  }
}

/// `argmax`, `argmin`.
struct PlaceOperation: Operation {
  let opcode: Opcode
  let reference: OperationReference

  static let all: [any Operation] = [
    PlaceOperation(.argmax, "argmax", "Index of the largest element along an axis.", ["arg_max"]),
    PlaceOperation(.argmin, "argmin", "Index of the smallest element along an axis.", ["arg_min"]),
  ]

  private init(_ opcode: Opcode, _ name: String, _ summary: String, _ otherNames: [String]) {
    self.opcode = opcode
    reference = OperationReference(
      name: name, summary: summary, formula: "y = least i with xᵢ = \(opcode == .argmax ? "max" : "min") x",
      operands: ["x"],
      attributes: [
        AttributeReference(
          "axis", .integer, default: "null", "the axis to search; null means all elements in row-major order"),
        AttributeReference("keepdims", .boolean, default: "false", "keep the searched axes with size 1"),
      ], dtypes: .numeric, shapeRule: "that of x without the searched axes, or with size 1 there if keepdims",
      derivative: "none: the result is int64",
      conventions: ["the first of ties", "the first NaN, where there is one", "an empty axis is refused"],
      otherNames: otherNames,
      samples: [
        OperationSample([[2, 3]]), OperationSample([[2, 3]], ["axis": .integer(0)]),
        OperationSample([[2, 3, 4]], ["axis": .integer(-2), "keepdims": .boolean(true)]), OperationSample([[]]),
      ])
  }

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, shape) = (call.builder, call.x.shape)
    guard let given = call.integer("axis") else {
      let axes = AxisSet(0..<shape.rank)
      try call.checkNotEmpty(axes)
      let place = builder.emit(opcode, builder.reshape(call.x, to: [shape.elementCount]), .axes(AxisSet([0])))
      return [call.keepingDimensions(place, axes)]
    }
    let axes = AxisSet([try call.axis(given, rank: shape.rank, of: "axis")])
    try call.checkNotEmpty(axes)
    return [call.keepingDimensions(builder.emit(opcode, call.x, .axes(axes)), axes)]
  }
}

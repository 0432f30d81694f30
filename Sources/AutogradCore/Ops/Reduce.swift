import CKernels

/// A reduction over a set of axes, which go away: one row for each function.
struct ReductionPrimitive: Primitive {
  let name: String
  let function: ck_reduce_op
  let operands: DTypeRule
  let derivative: Derivative

  /// The transpose of a sum is broadcasting.
  static let sum = ReductionPrimitive(
    name: "sum", function: CK_SUM, operands: .numeric, derivative: .linear { $0.accumulate($0.stretched($0.ct), 0) })
  static let all = ReductionPrimitive(name: "all", function: CK_ALL, operands: .boolean, derivative: .none)
  static let any = ReductionPrimitive(name: "any", function: CK_ANY, operands: .boolean, derivative: .none)

  /// The place of an extremum, along one axis.
  private var yieldsPlace: Bool { function.rawValue >= CK_ARGMAX.rawValue }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .axes(let axes) = node.attributes, node.operandCount == 1, operands.admits(node.operand(0).dtype),
      axes.array.allSatisfy({ $0 < node.operand(0).shape.rank }), !yieldsPlace || axes.array.count == 1
    else {
      throw node.fault("\(name) takes one \(operands.rawValue) operand and \(yieldsPlace ? "one axis" : "axes") of it")
    }
    let x = node.operand(0)
    try node.result(TensorType(yieldsPlace ? .int64 : x.dtype, x.shape.removing(axes)))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .axes(let axes) = node.attributes else { return }
    let result = node.allocate()
    node.emitReduction(function, into: result, 0, over: axes)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .axes(let axes) = node.attributes else { return [] }
    let x = node.operands[0]
    let reduced = Shape(axes.array.map { x.shape[$0] })
    let kept = (0..<x.shape.rank).filter { !axes.contains($0) }
    guard let kernel = Kernels.reduce(UInt8(function.rawValue), x.dtype) else {
      throw GraphError(.internal, "\(name) of \(x.dtype)")
    }
    let width = node.resultTypes[0].dtype.byteWidth
    let result = Tensor(node.resultTypes[0]) { base in
      for (position, index) in node.resultTypes[0].shape.indices.enumerated() {
        // Gather what this element is made of, in row-major order, and combine it in the one order that there is.
        let terms = x.gathered(to: reduced) { inner in
          var source = [Int](repeating: 0, count: x.shape.rank)
          for (place, axis) in kept.enumerated() { source[axis] = index[place] }
          for (place, axis) in axes.array.enumerated() { source[axis] = inner[place] }
          return source
        }
        kernel(1, reduced.elementCount, base + position * width, terms.storage.base, 0, 1, nil)
      }
    }
    return [result]
  }
}

extension Pullback {
  /// What belongs to the result of a reduction, repeated along the reduced axes of its operand.
  func stretched(_ value: Value) -> Value {
    guard case .axes(let axes) = attributes else { return value }
    return builder.stretch(value, over: axes, to: operand(0).shape)
  }
}

extension Shape {
  /// The shape with the axes of a reduction taken out.
  func removing(_ axes: AxisSet) -> Shape {
    var result = Shape()
    for axis in 0..<rank where !axes.contains(axis) { result.append(sizes[axis]) }
    return result
  }

  /// The shape with the axes of a reduction set to 1.
  func keeping(_ axes: AxisSet) -> Shape {
    var result = self
    for axis in 0..<rank where axes.contains(axis) { result[axis] = 1 }
    return result
  }

  /// How many elements a reduction over the axes combines.
  func elementCount(of axes: AxisSet) -> Int { Shape(axes.array.map { sizes[$0] }).elementCount }
}

extension GraphBuilder {
  package func sum(_ value: Value, over axes: AxisSet) -> Value { reduce(.sum, value, over: axes) }

  /// Any reduction whose result has the operand's dtype: over no axes it is the operand itself.
  func reduce(_ opcode: Opcode, _ value: Value, over axes: AxisSet) -> Value {
    axes.isEmpty ? value : emit(opcode, value, .axes(axes))
  }

  /// Repeats what a reduction over axes has yielded along them again.
  func stretch(_ value: Value, over axes: AxisSet, to shape: Shape) -> Value {
    broadcast(reshape(value, to: shape.keeping(axes)), to: shape)
  }
}

extension OperationCall {
  /// The result of a reduction, its axes put back with size 1 if that is asked for.
  func keepingDimensions(_ result: Value, _ axes: AxisSet) -> Value {
    boolean("keepdims", default: false) ? builder.reshape(result, to: x.shape.keeping(axes)) : result
  }

  /// Sums and products of bool count in int64.
  var counted: Value { x.dtype == .bool ? builder.emit(.cast, x, .dtype(.int64)) : x }

  /// Refuses what has no answer over an empty axis.
  func checkNotEmpty(_ axes: AxisSet) throws(GraphError) {
    if let empty = axes.array.first(where: { x.shape[$0] == 0 }) {
      throw GraphError(
        .shapeMismatch, "axis \(empty) of {0} is empty; \(reference.name) needs at least one element", at: .operand(0))
    }
  }
}

/// The named operation of a ``ReductionPrimitive`` with the attributes that reductions have.
struct ReductionOperation: Operation {
  let opcode: Opcode
  let reference: OperationReference
  /// Whether an empty axis has no answer.
  let needsElements: Bool

  static let others: [any Operation] = [prod, max, min, all, any]

  init(_ opcode: Opcode, needsElements: Bool = false, _ reference: OperationReference) {
    self.opcode = opcode
    self.needsElements = needsElements
    self.reference = reference
  }

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let axes = try call.reducedAxes(rank: call.x.shape.rank)
    if needsElements { try call.checkNotEmpty(axes) }
    return [
      call.keepingDimensions(
        call.builder.reduce(opcode, reference.dtypes == .boolean ? call.x : call.counted, over: axes), axes)
    ]
  }

  static let shapeRule = "that of x without the reduced axes, or with size 1 there if keepdims"

  static func attributes(_ verb: String) -> [AttributeReference] {
    [
      AttributeReference("axis", .integerOrList, default: "null", "the axes to \(verb); null means all, [] none"),
      AttributeReference("keepdims", .boolean, default: "false", "keep the reduced axes with size 1"),
    ]
  }

  static let samples = [
    OperationSample([[2, 3]]), OperationSample([[2, 3]], ["axis": .integer(0)]),
    OperationSample([[2, 3, 4]], ["axis": .integers([0, -1]), "keepdims": .boolean(true)]),
    OperationSample([[2, 3]], ["axis": .integers([])]), OperationSample([[]]),
  ]
  static let emptySample = OperationSample([[0, 3]], ["axis": .integer(0)])

  static let sum = ReductionOperation(
    .sum,
    OperationReference(
      name: "sum",
      summary: "Sum of the elements along axes.",
      formula: "y = Σ x over axis", operands: ["x"],
      attributes: attributes("sum over"),
      dtypes: .any,
      shapeRule: shapeRule,
      derivative: "x: ct repeated along the summed axes",
      conventions: [
        "the dtype stays; bool is counted in int64", "the sum of nothing is 0",
        "the order of additions depends on the shape only",
      ],
      otherNames: ["reduce_sum", "reducesum", "add_reduce", "total"],
      samples: samples + [emptySample]))

  private static let all = logical(
    .all, "all", "Whether every element along axes is true.", "y = x₀ and x₁ and …", "true", ["reduce_all"])
  private static let any = logical(
    .any, "any", "Whether some element along axes is true.", "y = x₀ or x₁ or …", "false", ["reduce_any"])

  private static func logical(
    _ opcode: Opcode, _ name: String, _ summary: String, _ formula: String, _ empty: String, _ otherNames: [String]
  ) -> ReductionOperation {
    ReductionOperation(
      opcode,
      OperationReference(
        name: name, summary: summary, formula: formula, operands: ["x"], attributes: attributes("reduce"),
        dtypes: .boolean,
        shapeRule: shapeRule, derivative: "none: the result is bool", conventions: ["of nothing it is \(empty)"],
        otherNames: otherNames,
        samples: samples + [emptySample]))
  }
}

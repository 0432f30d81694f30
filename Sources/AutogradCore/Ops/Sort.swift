import CKernels

/// `argsort`: where the elements of a line are to be found in ascending order, equals in theirs, NaN last.
struct ArgsortPrimitive: Primitive {
  let name = "argsort"
  var derivative: Derivative { .none }
  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .axis(let axis) = node.attributes, node.operandCount == 1, node.operand(0).dtype.isNumeric,
      axis < node.operand(0).shape.rank
    else { throw node.fault("argsort takes one numeric operand and an axis of it") }
    try node.result(node.operand(0).with(dtype: .int64))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .axis(let axis) = node.attributes else { return }
    node.emitArgsort(into: node.allocate(), axis)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .axis(let axis) = node.attributes else { return [] }
    return [node.scanned(CK_ARGSORT, Scan(axis: axis, reverse: false), second: node.operands[0])]
  }
}

/// `argselect(x, ranks)`: what `argsort` has at some ranks, which ascend. Only these are sorted out.
///
/// The ranks come from operations and are known to be below the size of the axis.
struct ArgselectPrimitive: Primitive {
  let name = "argselect"
  var derivative: Derivative { .none }
  var batch: Batching { .sharedIndices }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes, node.operandCount == 2, node.operand(0).dtype.isNumeric,
      axis < node.operand(0).shape.rank, node.operand(0).shape[axis] == size, node.operand(1).dtype == .int64,
      node.operand(1).shape.rank == 1
    else { throw node.fault("argselect takes a numeric operand, ranks in int64 and an axis") }
    var shape = node.operand(0).shape
    shape[axis] = node.operand(1).shape[0]
    try node.result(TensorType(.int64, shape))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes else { return }
    let (target, ranks) = (node.allocate(), node.operandType(1))
    if node.resultType().shape.isEmpty { return }
    // The ranks, their number being the step along the axis, and behind them scratch memory for one line.
    var memory = node.allocate(TensorType(.int64, [size, 5]))
    memory.strides = [1]
    node.emitCopy(into: memory, node.operand(1), ranks)
    memory.strides = Shape(repeating: 0, rank: node.operandType(0).shape.rank)
    memory.strides[axis] = ranks.elementCount
    node.emitScan(CK_ARGSELECT, into: target, node.operand(0), memory, Scan(axis: axis, reverse: false), steps: 8)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .along(let axis, _) = node.attributes else { return [] }
    let (x, ranks) = (node.operands[0], node.operands[1].values(as: Int64.self) ?? [])
    if node.resultTypes[0].shape.isEmpty { return [Tensor(node.resultTypes[0]) { _ in }] }
    let places = InterpretedNode(
      operands: [x], resultTypes: [x.type.with(dtype: .int64)], attributes: .axis(axis), customOperations: []
    ).scanned(CK_ARGSORT, Scan(axis: axis, reverse: false), second: x)
    return [
      places.gathered(to: node.resultTypes[0].shape) { index in
        var source = index
        source[axis] = Int(ranks[index[axis]])
        return source
      }
    ]
  }
}

extension GraphBuilder {
  /// What `argsort` has at some ranks, which ascend. Where they are many the whole line is sorted.
  func places(_ x: Value, ofRanks ranks: [Int], along axis: Int) -> Value {
    guard x.isValid else { return x }
    let along = Attributes.along(axis: axis, size: x.shape[axis])
    let indices = constant(Tensor(ranks.map { Int64($0) }, shape: [ranks.count]))
    return ranks.count <= x.shape[axis] / 8
      ? emit(.argselect, [x, indices], along)[0]
      : emit(.gather, [emit(.argsort, x, .axis(axis)), indices], along)[0]
  }
}

/// `permute` puts the elements of each line into the order that a permutation of its indices says; `unpermute` undoes
/// it. Each is the other's transpose. The indices come from `argsort` and are known to be a permutation.
struct PermutationPrimitive: Primitive {
  let isInverse: Bool
  var name: String { isInverse ? "unpermute" : "permute" }
  private var kernel: ck_scan_op { isInverse ? CK_UNPERMUTE : CK_PERMUTE }

  var derivative: Derivative {
    let transpose: Opcode = isInverse ? .permute : .unpermute
    return .linear { node in
      node.accumulate(node.builder.emit(transpose, [node.ct, node.operand(1)], node.attributes)[0], 0)
    }
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .axis(let axis) = node.attributes, node.operandCount == 2, node.operand(0).dtype.isNumeric,
      node.operand(1) == node.operand(0).with(dtype: .int64), axis < node.operand(0).shape.rank
    else { throw node.fault("\(name) takes a numeric operand, as many int64 and an axis of them") }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .axis(let axis) = node.attributes else { return }
    node.emitScan(kernel, into: node.allocate(), node.operand(0), node.operand(1), Scan(axis: axis, reverse: false))
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .axis(let axis) = node.attributes else { return [] }
    return [node.scanned(kernel, Scan(axis: axis, reverse: false), second: node.operands[1])]
  }
}

extension ScanOperation {
  private static let order = ["stable: equals keep their order", "NaN comes last"]
  private static let lastAxis = [AttributeReference("axis", .integer, default: "-1", "the axis to sort along")]
  private static let sortSamples = [OperationSample([[2, 3]])] + samples

  static let sort = ScanOperation(
    reference: OperationReference(
      name: "sort", summary: "The elements in ascending order along an axis.", formula: "y₀ <= y₁ <= …",
      operands: ["x"],
      attributes: lastAxis, dtypes: .numeric, shapeRule: "that of x",
      derivative: "x: the cotangent of the place where the element went", conventions: order, otherNames: ["sorted"],
      samples: sortSamples)
  ) { call, axis in
    let places = call.builder.emit(.argsort, call.x, .axis(axis))
    return call.builder.emit(.permute, [call.x, places], .axis(axis))[0]
  }

  static let argsort = ScanOperation(
    reference: OperationReference(
      name: "argsort", summary: "The indices that put the elements into ascending order along an axis.",
      formula: "x[y₀] <= x[y₁] <= …",
      operands: ["x"], attributes: lastAxis, dtypes: .numeric, shapeRule: "that of x",
      derivative: "none: the result is int64",
      conventions: ["stable: equals keep their order", "NaN comes last"], otherNames: ["arg_sort", "sort_indices"],
      samples: sortSamples)
  ) { call, axis in call.builder.emit(.argsort, call.x, .axis(axis)) }
}

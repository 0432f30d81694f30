/// `scatter_along` puts elements at indices along an axis of a tensor, one index for each element; of several at one
/// place the last stays.
///
/// Linear in both tensors. Which element stays is what the same primitive says when it puts the elements' own
/// positions.
struct ScatterPrimitive: Primitive {
  let name = "scatter_along"

  let derivative = Derivative.linear { node in
    guard case .along(let axis, let size) = node.attributes else { return }
    let (builder, ct, indices) = (node.builder, node.ct, node.operand(2))
    let shape = indices.shape
    if node.wants(0) {
      let zeros = builder.zeros(ct.type.with(shape: shape))
      node.accumulate(builder.emit(.scatterAlong, [ct, zeros, indices], node.attributes)[0], 0)
    }
    if node.wants(1) {
      let positions = builder.positions(along: axis, of: shape)
      let nobody = builder.broadcast(builder.constant(Scalar(Int64(-1))), to: ct.shape)
      let winners = builder.emit(.scatterAlong, [nobody, positions, indices], node.attributes)[0]
      let wins = builder.emit(.gatherAlong, [winners, indices], .along(axis: axis, size: size))[0].emit(
        .equal, positions)
      let picked = builder.emit(.gatherAlong, [ct, indices], .along(axis: axis, size: size))[0]
      node.accumulate(builder.select(wins, picked, builder.zeros(picked.type)), 1)
    }
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes, node.operandCount == 3, node.operand(2).dtype.isInteger,
      GatherForm.along.picked(from: node.operand(0).shape, by: node.operand(2).shape, axis) == node.operand(1).shape,
      node.operand(0).dtype == node.operand(1).dtype, node.operand(0).shape[axis] == size
    else { throw node.fault("scatter_along takes two operands of one dtype, integer indices and an axis") }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes else { return }
    let result = node.allocate()
    node.emitCopy(into: result, node.operand(0), node.operandType(0))
    node.emitScatter(.scatter, .along, into: result, 1, at: 2, axis: axis, size: size)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .along(let axis, let size) = node.attributes else { return [] }
    let (x, updates, indices) = (node.operands[0], node.operands[1], node.operands[2])
    let places = updates.shape.isEmpty ? [] : try GatherForm.along.scatterPlaces(indices, axis: axis, size: size)
    let width = x.dtype.byteWidth
    return [
      Tensor(x.type) { base in
        base.copyMemory(from: x.storage.base, byteCount: x.type.byteCount)
        for (position, index) in updates.shape.indices.enumerated() {
          let target = x.shape.position(of: GatherForm.along.source(of: index, places, indices.shape, axis))
          (base + target * width).copyMemory(from: updates.storage.base + position * width, byteCount: width)
        }
      }
    ]
  }
}

extension GatherForm {
  private var scatterName: String { self == .take ? "segment_max" : "scatter" }

  /// What is said of an index out of range where elements are put.
  func scatterRefusal(_ index: Int64, axis: Int, size: Int) -> GraphError {
    refusal(index, axis: axis, size: size).renamed(scatterName)
  }

  /// As ``places(_:axis:size:)``, with the refusal of ``scatterRefusal(_:axis:size:)``.
  func scatterPlaces(_ indices: Tensor, axis: Int, size: Int) throws(GraphError) -> [Int] {
    do throws(GraphError) {
      return try places(indices, axis: axis, size: size)
    } catch {
      throw error.renamed(scatterName)
    }
  }
}

extension GraphBuilder {
  /// Each element's index along one axis.
  func positions(along axis: Int, of shape: Shape) -> Value {
    var line = Shape(repeating: 1, rank: shape.rank)
    line[axis] = shape[axis]
    return broadcast(reshape(indexVector(shape[axis]), to: line), to: shape)
  }
}

/// `scatter` and `scatter_add`: an index for each element, as `take_along_axis` has.
struct ScatterOperation: Operation {
  let reference: OperationReference
  private let adds: Bool

  static let last = ScatterOperation(
    adds: false, name: "scatter", summary: "x with elements put at given indices along one axis.",
    formula: "y = x, then y[indices[i, j], j] = updates[i, j]", dtypes: .any,
    derivative:
      "x: ct, but 0 where something was put; updates: ct at their indices, 0 for those that others replaced",
    conventions: ["of several elements at one place the last one along the axis stays"],
    otherNames: ["put_along_axis", "scatter_elements", "scatterelements", "index_put", "scatter_update"])

  static let sum = ScatterOperation(
    adds: true, name: "scatter_add", summary: "x with elements added at given indices along one axis.",
    formula: "y = x, then y[indices[i, j], j] += updates[i, j]", dtypes: .floating,
    derivative: "x: ct; updates: ct at their indices",
    conventions: ["the elements for one place are added up in their order along the axis, and then to x"],
    otherNames: ["scatter_sum", "scatteradd", "at_add"])

  private init(
    adds: Bool, name: String, summary: String, formula: String, dtypes: DTypeRule, derivative: String,
    conventions: [String],
    otherNames: [String]
  ) {
    self.adds = adds
    reference = OperationReference(
      name: name, summary: summary, formula: formula, operands: ["x", "indices", "updates"],
      attributes: [AttributeReference("axis", .integer, default: "-1", "the axis of x that the indices count along")],
      dtypes: dtypes,
      shapeRule:
        "that of x; x and indices have as many axes; but for the one axis they and updates broadcast together, "
        + "along it updates are as many as indices, or one for all",
      derivative: derivative + "; indices: none",
      conventions: conventions + ["negative indices count from the end", "an index out of range is refused"],
      otherNames: otherNames,
      samples: [
        OperationSample([[2, 3], [2, 2], [2, 2]]), OperationSample([[3, 2], [4, 2], [4, 2]], ["axis": .integer(0)]),
        OperationSample([[2, 3, 2], [2, 4, 1], [2, 4, 2]], ["axis": .integer(1)]), OperationSample([[3], [5], [5]]),
        OperationSample([[1, 3], [2, 2], []]), OperationSample([[2, 3], [1, 2], [2]]),
        OperationSample([[2, 3], [2, 0], [2, 0]]),
      ],
      kinds: [.promoted, .index, .promoted], indexedAxis: "axis")
  }

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    var (shape, indices) = (call.x.shape, call.y.shape)
    let axis = try call.axis(call.integer("axis") ?? -1, rank: shape.rank, of: "axis")
    let rest = AxisSet([axis])
    guard indices.rank == shape.rank, let common = Shape.broadcast(shape.keeping(rest), indices.keeping(rest)) else {
      throw GraphError(
        .shapeMismatch,
        "{0} is \(shape), {1} is \(indices): they need the same number of axes, and must "
          + "broadcast except along axis \(axis)",
        at: .operand(1))
    }
    var picked = common
    picked[axis] = indices[axis]
    // Updates for several rows of indices stretch these, as those stretch x.
    let updates = call.operands[2]
    if let all = Shape.broadcast(picked, updates.shape), all.rank == shape.rank, all[axis] == indices[axis] {
      picked = all
    }
    guard updates.shape.broadcasts(to: picked) else {
      throw GraphError(
        .shapeMismatch, "{2} of shape \(updates.shape) does not broadcast to \(picked), the shape of {1}",
        at: .operand(2))
    }
    indices = picked
    for other in 0..<shape.rank where other != axis { shape[other] = picked[other] }
    try call.checkHasPlaces(shape[axis], for: indices, axis)
    let builder = call.builder
    let x = builder.broadcast(call.x, to: shape)
    let operands = [builder.broadcast(updates, to: picked), builder.broadcast(call.y, to: picked)]
    let along = Attributes.along(axis: axis, size: shape[axis])
    if adds { return [x + builder.emit(.scatterAddAlong, operands, along)[0]] }
    return [builder.emit(.scatterAlong, [x] + operands, along)[0]]
  }
}

/// `index_add`: an index for each slice, as `take` has.
struct IndexAddOperation: Operation {
  let reference = OperationReference(
    name: "index_add",
    summary: "x with slices added at given indices along one axis.",
    formula: "y = x, then y[…, indices[i], …] += updates[…, i, …]", operands: ["x", "indices", "updates"],
    attributes: [AttributeReference("axis", .integer, default: "0", "the axis of x that the indices count along")],
    dtypes: .floating,
    shapeRule:
      "that of x; updates broadcast to what take would give: the shape of x with that of indices in place of the axis",
    derivative: "x: ct; updates: the slices of ct at the indices; indices: none",
    conventions: [
      "the slices for one place are added up in the order of their indices, and then to x",
      "negative indices count from the end",
      "an index out of range is refused",
    ],
    otherNames: ["scatter_nd_add", "add_at", "np_add_at", "index_add_"],
    samples: [
      OperationSample([[3, 2], [4], [4, 2]]), OperationSample([[2, 3], [2], [2, 2]], ["axis": .integer(-1)]),
      OperationSample([[2, 3, 2], [2, 2], [2, 2, 2, 2]], ["axis": .integer(1)]), OperationSample([[3], [], []]),
      OperationSample([[3, 2], [0], [0, 2]]), OperationSample([[4], [2, 3], []]),
    ],
    kinds: [.promoted, .index, .promoted], indexedAxis: "axis")

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, shape, updates) = (call.builder, call.x.shape, call.operands[2])
    let axis = try call.axis(call.integer("axis") ?? 0, rank: shape.rank, of: "axis")
    _ = try call.checkedRank(shape.rank - 1 + call.y.shape.rank)
    let picked = shape.axes(0..<axis).appending(call.y.shape).appending(shape.axes((axis + 1)..<shape.rank))
    guard updates.shape.broadcasts(to: picked) else {
      throw GraphError(
        .shapeMismatch,
        "{2} of shape \(updates.shape) does not broadcast to \(picked), which is what take gives for {0} and {1}",
        at: .operand(2))
    }
    try call.checkHasPlaces(shape[axis], for: picked, axis)
    try picked.checkSize()
    let along = Attributes.along(axis: axis, size: shape[axis])
    return [call.x + builder.emit(.scatterAdd, [builder.broadcast(updates, to: picked), call.y], along)[0]]
  }
}

extension OperationCall {
  /// Refuses indices along an axis that has no places.
  func checkHasPlaces(_ size: Int, for indices: Shape, _ axis: Int) throws(GraphError) {
    guard size > 0 || indices.isEmpty else {
      throw GraphError(
        .indexOutOfRange, "axis \(axis) of {0} has size 0, so that no index is in range", at: .operand(1))
    }
  }
}

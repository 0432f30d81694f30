/// `gather` picks elements along an axis by an operand of indices; its transpose `scatter_add` adds cotangents up at
/// the places they were picked from. Side by side, each the other's derivative.
///
/// Two forms share all of this: `take` puts the axes of the indices in place of the axis; `along` has indices of the
/// result's own shape, one for each element.
struct GatherPrimitive: Primitive {
  let form: GatherForm
  var name: String { form == .take ? "gather" : "gather_along" }

  var derivative: Derivative {
    let opcode: Opcode = form == .take ? .scatterAdd : .scatterAddAlong
    return .linear { node in
      if node.wants(0) {
        node.accumulate(node.builder.emit(opcode, [node.ct, node.operand(1)], node.attributes)[0], 0)
      }
    }
  }

  var batch: Batching { form == .take ? .sharedIndices : .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes, node.operandCount == 2, node.operand(1).dtype.isInteger,
      let shape = form.picked(from: node.operand(0).shape, by: node.operand(1).shape, axis),
      node.operand(0).shape[axis] == size
    else { throw node.fault("\(name) takes an operand, integer indices and an axis") }
    try node.result(node.operand(0).with(shape: shape))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes else { return }
    let result = node.allocate()
    node.emitGather(form, into: result, axis: axis, size: size)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .along(let axis, let size) = node.attributes else { return [] }
    let indices = node.operands[1]
    if node.resultTypes[0].shape.isEmpty { return [Tensor(node.resultTypes[0]) { _ in }] }
    let places = try form.places(indices, axis: axis, size: size)
    return [
      node.operands[0].gathered(to: node.resultTypes[0].shape) { form.source(of: $0, places, indices.shape, axis) }
    ]
  }
}

struct ScatterAddPrimitive: Primitive {
  let form: GatherForm
  var name: String { form == .take ? "scatter_add" : "scatter_add_along" }

  var derivative: Derivative {
    let opcode: Opcode = form == .take ? .gather : .gatherAlong
    return .linear { node in
      if node.wants(0) {
        node.accumulate(node.builder.emit(opcode, [node.ct, node.operand(1)], node.attributes)[0], 0)
      }
    }
  }

  var batch: Batching { form == .take ? .sharedIndices : .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes, node.operandCount == 2, node.operand(0).dtype.isFloating,
      node.operand(1).dtype.isInteger,
      let shape = form.target(of: node.operand(0).shape, by: node.operand(1).shape, axis, size)
    else { throw node.fault("\(name) takes a floating operand, integer indices and an axis") }
    try node.result(node.operand(0).with(shape: shape))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .along(let axis, let size) = node.attributes else { return }
    node.emitScatterAdd(form, into: node.allocate(), axis: axis, size: size)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .along(let axis, let size) = node.attributes else { return [] }
    let (ct, indices) = (node.operands[0], node.operands[1])
    let places = ct.shape.isEmpty ? [] : try form.places(indices, axis: axis, size: size)
    let shape = node.resultTypes[0].shape
    let targets = ct.shape.indices.map { shape.position(of: form.source(of: $0, places, indices.shape, axis)) }
    return [ct.dtype == .float64 ? added(ct, Double.self, targets, shape) : added(ct, Float.self, targets, shape)]
  }

  /// In double, in row-major order of the cotangent, so that the terms of each sum come in the order of their indices.
  private func added<E: TensorElement & BinaryFloatingPoint>(_ ct: Tensor, _: E.Type, _ targets: [Int], _ shape: Shape)
    -> Tensor
  {
    var sums = [Double](repeating: 0, count: shape.elementCount)
    for (value, target) in zip(ct.values(as: E.self) ?? [], targets) { sums[target] += Double(value) }
    return Tensor(sums.map { E($0) }, shape: shape)
  }
}

extension Batching {
  /// One set of indices serves all examples; where each has its own, each goes by itself.
  static let sharedIndices = Batching.rule { node in
    if node.isBatched(1) { return node.oneByOne() }
    guard case .along(let axis, let size) = node.attributes else { return [] }
    let opcode = node.builder.columns.opcodes[Int(node.context.node)]
    return node.builder.emit(opcode, [node.stacked(0), node.operand(1)], .along(axis: axis + 1, size: size))
  }
}

extension GatherForm {
  /// The shape of what is picked, or nil where the shapes do not fit.
  func picked(from shape: Shape, by indices: Shape, _ axis: Int) -> Shape? {
    guard axis >= 0, axis < shape.rank else { return nil }
    switch self {
    case .take:
      guard shape.rank - 1 + indices.rank <= Shape.maximumRank else { return nil }
      return shape.axes(0..<axis).appending(indices).appending(shape.axes((axis + 1)..<shape.rank))
    case .along:
      guard indices.rank == shape.rank else { return nil }
      let rest = AxisSet([axis])
      return indices.keeping(rest) == shape.keeping(rest) ? indices : nil
    }
  }

  /// The shape that a cotangent of the picked elements goes back to, or nil.
  func target(of ct: Shape, by indices: Shape, _ axis: Int, _ size: Int) -> Shape? {
    let span = span(indices)
    guard axis >= 0, axis + span <= ct.rank else { return nil }
    let whole = ct.axes(0..<axis).appending([size]).appending(ct.axes((axis + span)..<ct.rank))
    return picked(from: whole, by: indices, axis) == ct ? whole : nil
  }

  /// How many axes of the picked elements the indices take.
  func span(_ indices: Shape) -> Int { self == .take ? indices.rank : 1 }

  /// Where an element of the picked comes from.
  func source(of index: [Int], _ places: [Int], _ indices: Shape, _ axis: Int) -> [Int] {
    switch self {
    case .take:
      let place = places[indices.position(of: Array(index[axis..<(axis + indices.rank)]))]
      return index[..<axis] + [place] + index[(axis + indices.rank)...]
    case .along:
      var source = index
      source[axis] = places[indices.position(of: index)]
      return source
    }
  }

  /// Every index, counted from the front.
  /// - Throws: the first that is out of range, in the order in which the executor meets them.
  func places(_ indices: Tensor, axis: Int, size: Int) throws(GraphError) -> [Int] {
    let given = indices.values(as: Int64.self) ?? (indices.values(as: Int32.self) ?? []).map { Int64($0) }
    for position in order(indices.shape, axis) where given[position] < -size || given[position] >= size {
      throw refusal(given[position], axis: axis, size: size)
    }
    return given.map { Int($0 < 0 ? $0 + Int64(size) : $0) }
  }

  private func order(_ shape: Shape, _ axis: Int) -> [Int] {
    guard self == .along else { return Array(0..<shape.elementCount) }
    let others = (0..<shape.rank).filter { $0 != axis } + [axis]
    return Shape(others.map { shape[$0] }).indices.map { index in
      var place = index
      for (position, axis) in others.enumerated() { place[axis] = index[position] }
      return shape.position(of: place)
    }
  }

  func refusal(_ index: Int64, axis: Int, size: Int) -> GraphError {
    GraphError(
      .indexOutOfRange,
      "{1} holds the index \(index), out of range for axis \(axis) of size \(size) (\(-size) to \(size - 1))",
      operation: self == .take ? "take" : "take_along_axis", at: .operand(1))
  }
}

struct TakeOperation: Operation {
  let reference = OperationReference(
    name: "take",
    summary: "The slices of a tensor at given indices along one axis.",
    formula: "y[…, i, …] = x[…, indices[i], …]", operands: ["x", "indices"],
    attributes: [AttributeReference("axis", .integer, default: "0", "the axis of x that the indices count along")],
    dtypes: .any,
    shapeRule: "that of x, with the shape of indices in place of the axis; a single index drops the axis",
    derivative:
      "x: zeros to which each slice of ct is added at its index, indices that occur twice adding up; indices: none",
    conventions: [
      "negative indices count from the end", "an index out of range is refused",
      "sums run in the order of the indices, float32 in double precision",
    ],
    otherNames: ["gather", "index_select", "embedding", "lookup", "array_index"],
    samples: [
      OperationSample([[3, 2], [4]]), OperationSample([[2, 3], [2]], ["axis": .integer(-1)]),
      OperationSample([[2, 3, 2], [2, 2]], ["axis": .integer(1)]), OperationSample([[3], []]),
      OperationSample([[3, 2], [0]]), OperationSample([[4], [2, 3]]),
    ],
    kinds: [.promoted, .index], indexedAxis: "axis")

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let axis = try call.axis(call.integer("axis") ?? 0, rank: call.x.shape.rank, of: "axis")
    _ = try call.checkedRank(call.x.shape.rank - 1 + call.y.shape.rank)
    return [try call.gather(.gather, call.x, call.y, axis)]
  }
}

struct TakeAlongAxisOperation: Operation {
  let reference = OperationReference(
    name: "take_along_axis",
    summary: "For each element of indices the element of x at that index along one axis.",
    formula: "y[i, j] = x[indices[i, j], j]", operands: ["x", "indices"],
    attributes: [AttributeReference("axis", .integer, default: "-1", "the axis of x that the indices count along")],
    dtypes: .any,
    shapeRule: "that of indices; x and indices have as many axes, and but for the one axis they broadcast together",
    derivative:
      "x: zeros to which each element of ct is added at its index, indices that occur twice adding up; indices: none",
    conventions: [
      "negative indices count from the end", "an index out of range is refused",
      "sums run in the order of the indices, float32 in double precision",
    ],
    otherNames: ["gather_elements", "gatherelements", "batched_gather", "pick"],
    samples: [
      OperationSample([[2, 3], [2, 2]]), OperationSample([[3, 2], [4, 2]], ["axis": .integer(0)]),
      OperationSample([[2, 3, 2], [2, 2, 2]], ["axis": .integer(1)]), OperationSample([[3], [5]]),
      OperationSample([[1, 3], [2, 2]]), OperationSample([[2, 3], [1, 2]]),
    ],
    kinds: [.promoted, .index], indexedAxis: "axis")

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
    for other in 0..<shape.rank where other != axis {
      shape[other] = common[other]
      indices[other] = common[other]
    }
    let x = call.builder.broadcast(call.x, to: shape)
    return [try call.gather(.gatherAlong, x, call.builder.broadcast(call.y, to: indices), axis)]
  }
}

extension OperationCall {
  fileprivate func gather(_ opcode: Opcode, _ x: Value, _ indices: Value, _ axis: Int) throws(GraphError) -> Value {
    guard x.isValid, indices.isValid else { return x }
    let size = x.shape[axis]
    guard size > 0 || indices.shape.isEmpty else {
      throw GraphError(
        .indexOutOfRange, "axis \(axis) of {0} has size 0, so that no index is in range", at: .operand(1))
    }
    return builder.emit(opcode, [x, indices], .along(axis: axis, size: size))[0]
  }
}

extension OperationReference {
  /// The size of the axis that index operands count along, for operands of these shapes; nil where there is no such
  /// axis.
  public func indexBound(_ shapes: [Shape], _ attributes: [String: AttributeValue]) -> Int? {
    if let name = indexedCount, case .integer(let count)? = attributes[name] { return count }
    guard let name = indexedAxis, let shape = shapes.first else { return nil }
    var axis = self.attributes.first { $0.name == name }?.defaultText.flatMap { Int($0) } ?? 0
    if case .integer(let given)? = attributes[name] { axis = given }
    if axis < 0 { axis += shape.rank }
    return axis >= 0 && axis < shape.rank ? shape[axis] : nil
  }
}

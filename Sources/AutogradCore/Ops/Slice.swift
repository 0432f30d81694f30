/// `slice` and its transpose `unslice`, which puts a tensor into a box of zeros: side by side, each the other's
/// derivative.
struct SlicePrimitive: Primitive {
  let name = "slice"

  let derivative = Derivative.linear { node in
    node.accumulate(node.builder.emit(.unslice, node.ct, node.attributes), 0)
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .window(let window) = node.attributes, node.operandCount == 1, node.operand(0).shape == window.whole,
      window.fits
    else {
      throw node.fault("slice takes one operand and a window that lies inside it")
    }
    try node.result(node.operand(0).with(shape: window.sizes))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .window(let window) = node.attributes else { return }
    var placement = node.operand(0)
    placement.cut(window, byteWidth: node.resultType().dtype.byteWidth)
    node.place(placement)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .window(let window) = node.attributes else { return [] }
    return [node.operands[0].gathered(to: window.sizes) { window.source(of: $0) }]
  }
}

struct UnslicePrimitive: Primitive {
  let name = "unslice"

  let derivative = Derivative.linear { node in
    node.accumulate(node.builder.emit(.slice, node.ct, node.attributes), 0)
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .window(let window) = node.attributes, node.operandCount == 1, node.operand(0).shape == window.sizes,
      window.fits
    else {
      throw node.fault("unslice takes one operand and a window of its shape")
    }
    try node.result(node.operand(0).with(shape: window.whole))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .window(let window) = node.attributes else { return }
    let result = node.allocate()
    node.emitZero(into: result, node.resultType())
    var box = result
    box.cut(window, byteWidth: node.resultType().dtype.byteWidth)
    node.emitCopy(into: box, node.operand(0), node.operandType(0))
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .window(let window) = node.attributes else { return [] }
    return [node.operands[0].scattered(into: window.whole) { window.source(of: $0) }]
  }
}

extension Window {
  func source(of index: [Int]) -> [Int] { index.indices.map { starts[$0] + index[$0] * steps[$0] } }

  /// Whether every element of the box lies inside the whole.
  var fits: Bool {
    (0..<whole.rank).allSatisfy { axis in
      guard sizes[axis] > 0 else { return true }
      let last = starts[axis] + (sizes[axis] - 1) * steps[axis]
      return starts[axis] >= 0 && starts[axis] < whole[axis] && last >= 0 && last < whole[axis]
    }
  }
}

struct SliceOperation: Operation {
  let reference = OperationReference(
    name: "slice",
    summary: "A strided box of a tensor, as x[start:end:step, …] in NumPy.",
    formula: "y[i] = x[start + i * step]", operands: ["x"],
    attributes: [
      AttributeReference("starts", .integersOrNulls, "first index along each axis; null entries mean from the edge"),
      AttributeReference("ends", .integersOrNulls, "index before which to stop; null entries mean to the edge"),
      AttributeReference("axes", .integers, default: "null", "the axes that are cut; null means the first ones"),
      AttributeReference(
        "steps", .integers, default: "null", "step along each axis, not 0, negative goes backwards; null means 1"),
    ],
    dtypes: .any,
    shapeRule: "along each cut axis the number of indices hit, elsewhere that of x",
    derivative: "x: zeros with ct in the places that were read",
    conventions: [
      "negative indices count from the end", "indices beyond the edges are clamped, as in NumPy",
      "a step of 0 is refused",
    ],
    otherNames: ["getitem", "index", "narrow", "dynamic_slice", "strided_slice"],
    samples: [
      OperationSample([[4, 5]], ["starts": .integers([1]), "ends": .integers([3])]),
      OperationSample(
        [[4, 5]], ["starts": .integers([0, -1]), "ends": .integers([nil, nil]), "steps": .integers([2, -2])]),
      OperationSample([[4, 5]], ["starts": .integers([-9]), "ends": .integers([99]), "axes": .integers([-1])]),
      OperationSample([[3]], ["starts": .integers([2]), "ends": .integers([1])]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let shape = call.x.shape
    let cuts = try cuts(call, rank: shape.rank)
    var window = Window(
      starts: Shape(repeating: 0, rank: shape.rank), steps: Shape(repeating: 1, rank: shape.rank), sizes: shape,
      whole: shape)
    for cut in cuts {
      let (start, size) = cut.resolve(size: shape[cut.axis])
      window.starts[cut.axis] = start
      window.steps[cut.axis] = size > 1 ? cut.step : 1
      window.sizes[cut.axis] = size
    }
    return [
      window.sizes == shape && !cuts.contains { $0.step < 0 }
        ? call.x : call.builder.emit(.slice, call.x, .window(window))
    ]
  }

  /// Start, end and step along one axis, as given.
  private struct Cut {
    var axis: Int
    var start: Int?
    var end: Int?
    var step: Int

    /// First index and number of indices, clamped as Python clamps slices.
    func resolve(size: Int) -> (start: Int, size: Int) {
      let forward = step > 0
      func clamp(_ index: Int?, or edge: Int) -> Int {
        guard let index else { return edge }
        let fromFront = index < 0 ? index.addingReportingOverflow(size).partialValue : index
        return forward ? min(max(fromFront, 0), size) : min(max(fromFront, -1), size - 1)
      }
      let first = clamp(start, or: forward ? 0 : size - 1)
      let stop = clamp(end, or: forward ? size : -1)
      let distance = forward ? stop - first : first - stop
      guard distance > 0 else { return (0, 0) }
      let stride = step.magnitude
      return (first, 1 + Int((UInt(distance) - 1) / stride))
    }
  }

  private func cuts(_ call: OperationCall, rank: Int) throws(GraphError) -> [Cut] {
    let starts = call.integersOrNulls("starts")
    let ends = call.integersOrNulls("ends")
    let steps = call.integers("steps")
    let axes = call.integers("axes")
    let lengths = [("starts", starts?.count), ("ends", ends?.count), ("axes", axes?.count), ("steps", steps?.count)]
    let given = lengths.compactMap { name, count in count.map { (name: name, count: $0) } }
    let name = given.first?.name ?? "starts"
    let count = given.first?.count ?? 0
    for other in given where other.count != count {
      throw call.invalid(
        other.name, "\(other.name) has \(other.count) entries, \(name) has \(count): they go together, one per cut axis"
      )
    }
    guard axes != nil || count <= rank else {
      throw call.invalid(name, "\(name) has \(count) entries, {0} has only \(rank == 1 ? "1 axis" : "\(rank) axes")")
    }
    let cutAxes = try call.axes(axes ?? Array(0..<count), rank: rank, of: "axes")
    if steps?.contains(0) == true { throw call.invalid("steps", "a step cannot be 0") }
    return cutAxes.enumerated().map { index, axis in
      Cut(axis: axis, start: starts?[index], end: ends?[index], step: steps?[index] ?? 1)
    }
  }
}

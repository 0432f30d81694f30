import CKernels

/// `sum` over a set of axes, which go away; its transpose is broadcasting.
struct SumPrimitive: Primitive {
  let name = "sum"

  let derivative = Derivative.linear { node in
    guard case .axes(let axes) = node.attributes else { return }
    let shape = node.operand(0).shape
    let kept = node.builder.reshape(node.ct, to: shape.keeping(axes))
    node.accumulate(node.builder.broadcast(kept, to: shape), 0)
  }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .axes(let axes) = node.attributes, node.operandCount == 1, node.operand(0).dtype.isNumeric,
      axes.array.allSatisfy({ $0 < node.operand(0).shape.rank })
    else { throw node.fault("sum takes one numeric operand and axes of it") }
    let x = node.operand(0)
    try node.result(x.with(shape: x.shape.removing(axes)))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .axes(let axes) = node.attributes else { return }
    let result = node.allocate()
    node.emitSum(into: result, 0, over: axes)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .axes(let axes) = node.attributes else { return [] }
    let x = node.operands[0]
    let reduced = Shape(axes.array.map { x.shape[$0] })
    let kept = (0..<x.shape.rank).filter { !axes.contains($0) }
    guard let kernel = Kernels.sum(x.dtype) else { throw GraphError(.internal, "sum of \(x.dtype)") }
    let width = x.dtype.byteWidth
    let result = Tensor(node.resultTypes[0]) { base in
      for (position, index) in node.resultTypes[0].shape.indices.enumerated() {
        // Gather what this element adds up, in row-major order, and add it in the one order that there is.
        let terms = x.gathered(to: reduced) { inner in
          var source = [Int](repeating: 0, count: x.shape.rank)
          for (place, axis) in kept.enumerated() { source[axis] = index[place] }
          for (place, axis) in axes.array.enumerated() { source[axis] = inner[place] }
          return source
        }
        kernel(1, reduced.elementCount, base + position * width, terms.storage.base, 0, 1)
      }
    }
    return [result]
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
}

extension GraphBuilder {
  package func sum(_ value: Value, over axes: AxisSet) -> Value {
    axes.isEmpty ? value : emit(.sum, value, .axes(axes))
  }
}

struct SumOperation: Operation {
  let reference = OperationReference(
    name: "sum",
    summary: "Sum of the elements along axes.",
    formula: "y = Σ x over axis", operands: ["x"],
    attributes: [
      AttributeReference("axis", .integerOrList, default: "null", "the axes to sum over; null means all, [] none"),
      AttributeReference("keepdims", .boolean, default: "false", "keep the summed axes with size 1"),
    ],
    dtypes: .any,
    shapeRule: "that of x without the summed axes, or with size 1 there if keepdims",
    derivative: "x: ct repeated along the summed axes",
    conventions: [
      "the dtype stays; bool is counted in int64", "the sum of nothing is 0", "the order of additions depends on the shape only",
    ],
    otherNames: ["reduce_sum", "reducesum", "add_reduce", "total"],
    samples: [
      OperationSample([[2, 3]]), OperationSample([[2, 3]], ["axis": .integer(0)]),
      OperationSample([[2, 3, 4]], ["axis": .integers([0, -1]), "keepdims": .boolean(true)]),
      OperationSample([[2, 3]], ["axis": .integers([])]), OperationSample([[]]), OperationSample([[0, 3]], ["axis": .integer(0)]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let axes = try call.reducedAxes(rank: call.x.shape.rank)
    let x = call.x.dtype == .bool ? call.builder.emit(.cast, call.x, .dtype(.int64)) : call.x
    let result = call.builder.sum(x, over: axes)
    return [call.boolean("keepdims", default: false) ? call.builder.reshape(result, to: x.shape.keeping(axes)) : result]
  }
}

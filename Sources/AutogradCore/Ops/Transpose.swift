/// `transpose`: its transpose is the inverse permutation.
struct TransposePrimitive: Primitive {
  let name = "transpose"

  let derivative = Derivative.linear { node in
    guard case .permutation(let axes) = node.attributes else { return }
    var inverse = axes
    for position in 0..<axes.rank { inverse[axes[position]] = position }
    node.accumulate(node.builder.transpose(node.ct, inverse), 0)
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    let x = node.operand(0)
    guard case .permutation(let axes) = node.attributes, axes.rank == x.shape.rank,
      AxisSet(axes.array) == AxisSet(0..<axes.rank)
    else {
      throw node.fault("transpose takes one operand and a permutation of its axes")
    }
    try node.result(x.with(shape: Shape(axes.array.map { x.shape[$0] })))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .permutation(let axes) = node.attributes else { return }
    var placement = node.operand(0)
    placement.strides = Shape(axes.array.map { node.operand(0).strides[$0] })
    node.place(placement)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .permutation(let axes) = node.attributes else { return [] }
    return [
      node.operands[0].gathered(to: node.resultTypes[0].shape) { index in
        var source = index
        for position in 0..<axes.rank { source[axes[position]] = index[position] }
        return source
      }
    ]
  }
}

extension GraphBuilder {
  /// Result axis i is axis `axes[i]` of the value.
  package func transpose(_ value: Value, _ axes: Shape) -> Value {
    axes == Shape(0..<axes.rank) ? value : emit(.transpose, value, .permutation(axes))
  }

  /// Swaps the last two axes.
  package func matrixTranspose(_ value: Value) -> Value {
    let rank = value.shape.rank
    guard value.isValid, rank >= 2 else { return value }
    var axes = Shape(0..<rank)
    axes[rank - 1] = rank - 2
    axes[rank - 2] = rank - 1
    return transpose(value, axes)
  }
}

struct TransposeOperation: Operation {
  let reference = OperationReference(
    name: "transpose",
    summary: "Permutes the axes of a tensor.",
    formula: "y[i, j] = x[j, i]", operands: ["x"],
    attributes: [
      AttributeReference(
        "axes", .integers, default: "null", "axis i of the result is axis axes[i] of x; null reverses all axes")
    ],
    dtypes: .any,
    shapeRule: "the sizes of x in the order of axes",
    derivative: "x: ct transposed by the inverse permutation",
    otherNames: ["permute", "permute_dims", "swapaxes", "moveaxis", "t", "matrix_transpose"],
    samples: [
      OperationSample([[2, 3]]), OperationSample([[2, 3, 4]], ["axes": .integers([2, 0, 1])]),
      OperationSample([[2, 3, 4]], ["axes": .integers([-1, 0, 1])]), OperationSample([[]]), OperationSample([[0, 2]]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let rank = call.x.shape.rank
    guard let given = call.integers("axes") else {
      return [call.builder.transpose(call.x, Shape((0..<rank).reversed()))]
    }
    guard given.count == rank else {
      throw call.invalid("axes", "axes \(given) must name each of the \(rank) axes of {0} once")
    }
    return [call.builder.transpose(call.x, Shape(try call.axes(given, rank: rank, of: "axes")))]
  }
}

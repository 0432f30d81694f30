/// `reshape`: the same elements in the same row-major order.
struct ReshapePrimitive: Primitive {
  let name = "reshape"

  let derivative = Derivative.linear { node in
    node.accumulate(node.builder.reshape(node.ct, to: node.operand(0).shape), 0)
  }

  var batch: Batching { .rule { [$0.builder.reshape($0.stacked(0), to: $0.withAxis($0.context.result().shape))] } }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .shape(let shape) = node.attributes, node.operandCount == 1,
      shape.elementCount == node.operand(0).elementCount
    else { throw node.fault("reshape takes one operand and a shape of as many elements") }
    try node.result(node.operand(0).with(shape: shape))
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    var placement = node.operand(0)
    if placement.reshape(from: node.operandType(0).shape, to: node.resultType().shape) {
      node.place(placement)
    } else {
      var copy = node.contiguous(0)
      _ = copy.reshape(from: node.operandType(0).shape, to: node.resultType().shape)
      node.place(copy)
    }
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    [node.operands[0].reshaped(to: node.resultTypes[0].shape)]
  }
}

extension GraphBuilder {
  /// - Precondition: the element counts agree.
  package func reshape(_ value: Value, to shape: Shape) -> Value {
    value.isValid && value.shape != shape ? emit(.reshape, value, .shape(shape)) : value
  }
}

struct ReshapeOperation: Operation {
  let reference = OperationReference(
    name: "reshape",
    summary: "The same elements, in the same row-major order, under another shape.",
    formula: "y.flat[i] = x.flat[i]", operands: ["x"],
    attributes: [
      AttributeReference("shape", .integers, "sizes of the result; one of them may be -1 and is worked out")
    ],
    dtypes: .any,
    shapeRule: "the attribute shape; it must have as many elements as x",
    derivative: "x: ct reshaped to the shape of x",
    conventions: ["-1 is refused where any size would do: beside an axis of size 0"],
    otherNames: ["view", "flatten", "ravel", "resize"],
    samples: [
      OperationSample([[2, 3]], ["shape": .integers([6])]), OperationSample([[2, 3]], ["shape": .integers([3, -1])]),
      OperationSample([[]], ["shape": .integers([1, 1])]), OperationSample([[0, 3]], ["shape": .integers([3, 0])]),
      OperationSample([[1]], ["shape": .integers([])]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let sizes = call.integers("shape") ?? []
    return [call.builder.reshape(call.x, to: try target(sizes, call))]
  }

  private func target(_ sizes: [Int], _ call: OperationCall) throws(GraphError) -> Shape {
    let count = call.x.shape.elementCount
    if let bad = sizes.first(where: { $0 < -1 }) {
      throw call.invalid("shape", "a size cannot be negative (but one may be -1), got \(bad)")
    }
    guard sizes.count(where: { $0 == -1 }) <= 1 else {
      throw call.invalid("shape", "only one size may be -1, got \(sizes)")
    }
    let known: Shape
    do throws(GraphError) {
      known = try Shape(checking: sizes.map { $0 == -1 ? 1 : $0 })
    } catch {
      throw error.with(place: .attribute("shape"))
    }
    var result = known
    if let free = sizes.firstIndex(of: -1) {
      guard known.elementCount > 0 else {
        throw call.invalid("shape", "-1 could be any size beside an axis of size 0, in \(sizes)")
      }
      result[free] = count / known.elementCount
    }
    guard result.elementCount == count else {
      throw GraphError(
        .shapeMismatch, "{0} has shape \(call.x.shape), \(count) elements, which do not fit \(sizes)",
        at: .attribute("shape"))
    }
    return result
  }
}

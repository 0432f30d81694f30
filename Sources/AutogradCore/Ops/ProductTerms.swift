import CKernels

/// `product_terms(x, v, w, …)`: the derivatives of products. All operands have one shape, with lines along its last
/// axis. The result has for each place i of a line the sum, over all ways to give each direction v, w, … a place of its
/// own other than i, of the product of the directions at their places and of x at all others. Without directions that
/// is the product of all factors but xᵢ, the gradient of their product; each order of derivatives has one direction
/// more.
///
/// The sum is symmetric in the directions and the cotangent, so that derivatives are of the same kind. Nothing is
/// divided, and the kernel's numbers have exponents of their own: zeros do no harm, nor do partial products that leave
/// the range of numbers.
struct ProductTermsPrimitive: Primitive {
  let name = "product_terms"

  let derivative = Derivative.rule { node in
    let (x, directions) = (node.operand(0), (1..<node.operandCount).map(node.operand))
    if node.wants(0) { node.accumulate(x.productTerms(directions + [node.ct]), 0) }
    // The cotangent changes places with each direction.
    for index in directions.indices where node.wants(index + 1) {
      var exchanged = directions
      exchanged[index] = node.ct
      node.accumulate(x.productTerms(exchanged), index + 1)
    }
  }

  private static let mostDirections = Int(CK_PRODUCT_DIRECTIONS)

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount >= 1, node.operand(0).dtype.isFloating, node.operand(0).shape.rank >= 1,
      (1..<node.operandCount).allSatisfy({ node.typeID($0) == node.typeID(0) })
    else { throw node.fault("product_terms takes lines of floats and directions of the same type") }
    guard node.operandCount <= ProductTermsPrimitive.mostDirections + 1 else {
      throw GraphError(
        .limitExceeded,
        "a product can be differentiated \(ProductTermsPrimitive.mostDirections + 1) times, not \(node.operandCount) "
          + "times",
        operation: "prod", limit: .work(ProductTermsPrimitive.mostDirections + 1), value: node.operandCount)
    }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    let (type, count) = (node.operandType(0), node.operandCount - 1)
    // The kernel takes the directions at each place one behind the other, and the step from one place to the next for
    // their number.
    var directions = node.operand(0)
    if count > 0 { directions = node.allocate(type.with(shape: [type.elementCount, count])) }
    directions.strides = Shape(type.shape.rowMajorStrides.array.map { $0 * count })
    for index in 0..<count {
      var column = directions
      column.offset += index * type.dtype.byteWidth
      node.emitCopy(into: column, node.operand(index + 1), type)
    }
    node.emitScan(
      CK_PRODUCT_TERMS, into: node.allocate(), node.operand(0), directions,
      Scan(axis: type.shape.rank - 1, reverse: false),
      steps: (count + 2) << (count + 3))
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let (x, count) = (node.operands[0], node.operands.count - 1)
    let (length, width) = (x.shape.last ?? 0, x.dtype.byteWidth)
    guard let kernel = Kernels.scan(UInt8(CK_PRODUCT_TERMS.rawValue), x.dtype) else {
      throw GraphError(.internal, "\(name) of \(x.dtype)")
    }
    let directions = Tensor(x.type.with(shape: [x.elementCount, count])) { base in
      for (index, direction) in node.operands.dropFirst().enumerated() {
        for place in 0..<x.elementCount {
          (base + (place * count + index) * width).copyMemory(
            from: direction.storage.base + place * width, byteCount: width)
        }
      }
    }
    return [
      Tensor(node.resultTypes[0]) { base in
        for line in 0..<(length == 0 ? 0 : x.elementCount / length) {
          let start = line * length * width
          kernel(
            length, base + start, 1, x.storage.base + start, 1, directions.storage.base + start * count, count, nil)
        }
      }
    ]
  }
}

extension Value {
  func productTerms(_ directions: [Value]) -> Value { builder.emit(.productTerms, [self] + directions, .none)[0] }
}

import CKernels

/// `product_terms(x, v)`: the derivatives of products. x is a stack of lines; v has one axis more, along which m directions lie. The result
/// has for each place i of a line the sum, over all ways to give each direction a place of its own other than i, of the product of the
/// directions at their places and of x at all others. Without directions that is the product of all factors but xᵢ, the gradient of their
/// product; each order of derivatives has one direction more.
///
/// The sum is symmetric in the directions and the cotangent, so that derivatives are of the same kind. Nothing is divided, and the kernel's
/// numbers have exponents of their own: zeros do no harm, nor do partial products that leave the range of numbers.
struct ProductTermsPrimitive: Primitive {
  let name = "product_terms"

  let derivative = Derivative.rule { node in
    let (builder, x, directions) = (node.builder, node.operand(0), node.operand(1))
    let axis = x.shape.rank
    let count = directions.shape[axis]
    let ct = builder.reshape(node.ct, to: x.shape.appending([1]))
    let columns = count == 0 ? [] : builder.split(directions, sizes: Array(repeating: 1, count: count), axis: axis)
    if node.wants(0) { node.accumulate(x.productTerms(builder.concat(columns + [ct], axis: axis)), 0) }
    // The cotangent changes places with each direction.
    if node.wants(1), count > 0 {
      let cotangents = columns.indices.map { index -> Value in
        var exchanged = columns
        exchanged[index] = ct
        return builder.reshape(x.productTerms(builder.concat(exchanged, axis: axis)), to: ct.shape)
      }
      node.accumulate(builder.concat(cotangents, axis: axis), 1)
    }
  }

  private static let mostDirections = Int(CK_PRODUCT_DIRECTIONS)

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard node.operandCount == 2, node.operand(0).dtype.isFloating, node.operand(0).shape.rank >= 1,
      let count = node.operand(1).shape.last,
      node.operand(0).shape.rank < Shape.maximumRank,
      node.operand(1) == node.operand(0).with(shape: node.operand(0).shape.appending([count]))
    else { throw node.fault("product_terms takes lines of floats and directions along an axis behind theirs") }
    guard count <= ProductTermsPrimitive.mostDirections else {
      throw GraphError(
        .limitExceeded, "a product can be differentiated \(ProductTermsPrimitive.mostDirections + 1) times, not \(count + 1) times",
        operation: "prod", limit: .work(ProductTermsPrimitive.mostDirections + 1), value: count + 1)
    }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    let (shape, count) = (node.operandType(0).shape, node.operandType(1).shape.last ?? 0)
    // The kernel takes the step from one place to the next for the number of directions.
    var directions = count == 0 ? node.operand(0) : node.contiguous(1)
    directions.strides = Shape(shape.rowMajorStrides.array.map { $0 * count })
    node.emitScan(
      CK_PRODUCT_TERMS, into: node.allocate(), node.operand(0), directions, Scan(axis: shape.rank - 1, reverse: false),
      steps: (count + 2) << (count + 3))
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    let (x, directions) = (node.operands[0], node.operands[1])
    let (length, count) = (x.shape.last ?? 0, directions.shape.last ?? 0)
    guard let kernel = Kernels.scan(UInt8(CK_PRODUCT_TERMS.rawValue), x.dtype) else { throw GraphError(.internal, "\(name) of \(x.dtype)") }
    let step = length * x.dtype.byteWidth
    return [
      Tensor(node.resultTypes[0]) { base in
        for line in 0..<(length == 0 ? 0 : x.elementCount / length) {
          kernel(
            length, base + line * step, 1, x.storage.base + line * step, 1, directions.storage.base + line * step * count, count, nil)
        }
      }
    ]
  }
}

extension Value {
  func productTerms(_ directions: Value) -> Value { builder.emit(.productTerms, [self, directions], .none)[0] }
}

import CKernels

extension ReductionPrimitive {
  /// Each factor has the product of the others, made of the products before it and after it: no division, so that zeros do no harm, and a
  /// formula that can be differentiated again.
  static let prod = ReductionPrimitive(
    name: "prod", function: CK_PROD, operands: .numeric,
    derivative: .rule { node in
      guard case .axes(let axes) = node.attributes else { return }
      let (builder, x) = (node.builder, node.operand(0))
      let shape = x.shape
      // The reduced axes become one line, in the order in which their elements are multiplied.
      let kept = (0..<shape.rank).filter { !axes.contains($0) }
      let order = Shape(kept + axes.array)
      let together = Shape(order.array.map { shape[$0] })
      var lines = shape.removing(axes)
      lines.append(shape.elementCount(of: axes))
      let factors = builder.reshape(builder.transpose(x, order), to: lines)
      let before = builder.exclusiveProduct(factors, Scan(axis: kept.count, reverse: false))
      let after = builder.exclusiveProduct(factors, Scan(axis: kept.count, reverse: true))
      var inverse = order
      for position in 0..<order.rank { inverse[order[position]] = position }
      let others = builder.transpose(builder.reshape(before * after, to: together), inverse)
      node.accumulate(node.stretched(node.ct) * others, 0)
    })
}

extension ReductionOperation {
  static let prod = ReductionOperation(
    .prod,
    OperationReference(
      name: "prod", summary: "Product of the elements along axes.", formula: "y = Π x over axis", operands: ["x"],
      attributes: attributes("multiply over"), dtypes: .any, shapeRule: shapeRule,
      derivative: "x: ct times the product of the other elements",
      conventions: [
        "the dtype stays; bool is counted in int64", "the product of nothing is 1",
        "nothing is divided, so zeros have their gradient: that of [0, 2, 3] is [6, 0, 0]",
      ], otherNames: ["product", "reduce_prod", "reduceprod", "reduceproduct"], samples: samples + [emptySample], domain: -2...2))
}

import CKernels

extension ReductionPrimitive {
  /// Each factor has the product of the others.
  static let prod = ReductionPrimitive(
    name: "prod", function: CK_PROD, operands: .numeric,
    derivative: .rule { node in
      guard case .axes(let axes) = node.attributes else { return }
      node.accumulate(node.stretched(node.ct) * node.operand(0).productsOfOthers(over: axes), 0)
    })
}

extension Value {
  /// For each element the product of all others along axes.
  fileprivate func productsOfOthers(over axes: AxisSet) -> Value {
    // The reduced axes become one line, in the order in which their elements are multiplied.
    let kept = (0..<shape.rank).filter { !axes.contains($0) }
    let order = Shape(kept + axes.array)
    let together = Shape(order.array.map { shape[$0] })
    let lines: Shape = [shape.removing(axes).elementCount, shape.elementCount(of: axes)]
    let factors = builder.reshape(builder.transpose(self, order), to: lines)
    let others = factors.productTerms([])
    var inverse = order
    for position in 0..<order.rank { inverse[order[position]] = position }
    return builder.transpose(builder.reshape(others, to: together), inverse)
  }
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
        "no overflow in between: factors of 1e200 and 1e-200 may come in any order",
        "can be differentiated eight times",
      ], otherNames: ["product", "reduce_prod", "reduceprod", "reduceproduct"], samples: samples + [emptySample],
      domain: -2...2))
}

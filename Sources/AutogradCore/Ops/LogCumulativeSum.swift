import CKernels

/// `logcumsumexp`: the logarithm of the sum of exponentials of all beginnings of a line.
struct LogCumulativeSumPrimitive: Primitive {
  let name = "logcumsumexp"

  /// xⱼ has Σ over i >= j of ctᵢ e^(xⱼ - yᵢ), that is, e^(xⱼ - yⱼ) rⱼ with rⱼ = ctⱼ + e^(yⱼ - yⱼ₊₁) rⱼ₊₁. As y ascends
  /// and xⱼ <= yⱼ, no exponential is above 1, however wide the range of x.
  let derivative = Derivative.rule { node in
    guard case .scan(let scan) = node.attributes else { return }
    let (builder, x, y) = (node.builder, node.operand(0), node.result(0))
    let shape = y.shape
    let largest = y.dtype == .float32 ? Double(Float.greatestFiniteMagnitude) : Double.greatestFiniteMagnitude
    // Infinite ones are made finite, so that infinity - infinity does not come up: x of -infinity has 0, what follows
    // infinity too.
    let above = y.emit(.maximum, y.filled(-largest))
    let finite = above.emit(.minimum, y.filled(largest))
    let (early, late) = (Window.early(scan, of: shape), Window.late(scan, of: shape))
    let steps = builder.emit(.slice, finite, .window(early)) - builder.emit(.slice, finite, .window(late))
    let decay = builder.emit(.unslice, steps.emit(.exp), .window(early))
    let total = builder.emit(.recurrence, [decay, node.ct], .scan(scan.reversed))[0]
    node.accumulate((x - above).emit(.exp) * total, 0)
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .scan(let scan) = node.attributes, node.operandCount == 1, node.operand(0).dtype.isFloating,
      scan.axis < node.operand(0).shape.rank
    else { throw node.fault("logcumsumexp takes one floating operand and an axis of it") }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .scan(let scan) = node.attributes else { return }
    // An exponential and a logarithm take as long as some twenty additions.
    node.emitScan(CK_LOGCUMSUMEXP, into: node.allocate(), node.operand(0), node.operand(0), scan, steps: 20)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .scan(let scan) = node.attributes else { return [] }
    return [node.scanned(CK_LOGCUMSUMEXP, scan, second: node.operands[0])]
  }
}

extension ScanOperation {
  static let logcumsumexp = ScanOperation(
    reference: OperationReference(
      name: "logcumsumexp", summary: "Logarithm of the running sum of exponentials along an axis.",
      formula: "yᵢ = ln (e^x₀ + … + e^xᵢ)",
      operands: ["x"], attributes: requiredAxis, dtypes: .floating, shapeRule: "that of x",
      derivative: "xⱼ: Σ over i >= j of ctᵢ e^(xⱼ - yᵢ)",
      conventions: [
        "no overflow in between, and nothing is lost however wide the range", "added in twice the precision",
        "-Infinity adds nothing, and has the gradient 0",
        "from the first Infinity on it is Infinity, with gradient NaN there",
        "from the first NaN on it is NaN",
      ], otherNames: ["log_cumsum_exp", "cumulative_logsumexp", "logcumsum", "log_add_exp_accumulate"], samples: samples
    )
  ) { call, axis in call.builder.emit(.logcumsumexp, call.x, .scan(Scan(axis: axis, reverse: false))) }
}

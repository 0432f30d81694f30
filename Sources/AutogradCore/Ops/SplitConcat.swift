/// `split` and its transpose `concat`, side by side: the function with several outputs. A part that nobody uses has no
/// cotangent, and only here does it become zeros.
struct SplitPrimitive: Primitive {
  let name = "split"

  let derivative = Derivative.linear { node in
    guard case .partition(let axis, let sizes) = node.attributes else { return }
    // Parts in a row that are not used are one of zeros: a gradient of one part has three operands, however many parts
    // there are.
    var (parts, unused): ([Value], Int) = ([], 0)
    func closeGap() {
      guard unused > 0 else { return }
      var type = node.operand(0).type
      type.shape[axis] = unused
      parts.append(node.builder.zeros(type))
      unused = 0
    }
    for (index, size) in sizes.enumerated() {
      guard let cotangent = node.cotangent(index) else {
        unused += size
        continue
      }
      closeGap()
      parts.append(cotangent)
    }
    closeGap()
    node.accumulate(node.builder.concat(parts, axis: axis), 0)
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .partition(let axis, let sizes) = node.attributes, node.operandCount == 1,
      axis < node.operand(0).shape.rank,
      sizes.reduce(0, +) == node.operand(0).shape[axis]
    else { throw node.fault("split takes one operand and sizes that add up to its axis") }
    for size in sizes {
      var part = node.operand(0)
      part.shape[axis] = size
      try node.result(part)
    }
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .partition(let axis, let sizes) = node.attributes else { return }
    var placement = node.operand(0)
    let step = placement.strides[axis] * node.resultType().dtype.byteWidth
    for (part, size) in sizes.enumerated() {
      node.place(placement, result: part)
      placement.offset += size * step
    }
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .partition(let axis, let sizes) = node.attributes else { return [] }
    var start = 0
    return sizes.indices.map { part in
      defer { start += sizes[part] }
      return node.operands[0].gathered(to: node.resultTypes[part].shape) { index in
        var source = index
        source[axis] += start
        return source
      }
    }
  }
}

struct ConcatPrimitive: Primitive {
  let name = "concat"

  let derivative = Derivative.linear { node in
    guard case .axis(let axis) = node.attributes else { return }
    // Operands in a row whose cotangents nobody wants share a part.
    var (sizes, wanted): ([Int], [(operand: Int, part: Int)]) = ([], [])
    var isLastShared = false
    for operand in 0..<node.operandCount {
      let (size, isWanted) = (node.operand(operand).shape[axis], node.wants(operand))
      if isWanted { wanted.append((operand, sizes.count)) }
      if isLastShared && !isWanted { sizes[sizes.count - 1] += size } else { sizes.append(size) }
      isLastShared = !isWanted
    }
    let parts = node.builder.split(node.ct, sizes: sizes, axis: axis)
    for (operand, part) in wanted { node.accumulate(parts[part], operand) }
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .axis(let axis) = node.attributes, node.operandCount >= 1, axis < node.operand(0).shape.rank else {
      throw node.fault("concat takes operands and an axis of theirs")
    }
    var result = node.operand(0)
    result.shape[axis] = 0
    for index in 0..<node.operandCount {
      var part = node.operand(index)
      let size = part.shape[axis]
      part.shape[axis] = result.shape[axis]
      guard part == result else {
        throw node.fault("concat: operand \(index) is \(node.operand(index)), the first is \(node.operand(0))")
      }
      result.shape[axis] += size
    }
    try node.result(result)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .axis(let axis) = node.attributes else { return }
    var target = node.allocate()
    let step = target.strides[axis] * node.resultType().dtype.byteWidth
    for index in 0..<node.operandCount {
      node.emitCopy(into: target, node.operand(index), node.operandType(index))
      target.offset += node.operandType(index).shape[axis] * step
    }
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .axis(let axis) = node.attributes else { return [] }
    var sources: [(part: Int, index: Int)] = []
    for (part, operand) in node.operands.enumerated() { sources += (0..<operand.shape[axis]).map { (part, $0) } }
    return [
      Tensor.gathered(node.resultTypes[0]) { index in
        let (part, position) = sources[index[axis]]
        var source = index
        source[axis] = position
        return (node.operands[part], source)
      }
    ]
  }
}

extension GraphBuilder {
  package func split(_ value: Value, sizes: [Int], axis: Int) -> [Value] {
    emit(.split, [value], .partition(axis: axis, sizes: sizes))
  }

  package func concat(_ values: [Value], axis: Int) -> Value {
    values.count == 1 ? values[0] : emit(.concat, values, .axis(axis))[0]
  }

  /// Zeros of any size cost nothing: a scalar, stretched by its layout.
  package func zeros(_ type: TensorType) -> Value { broadcast(constant(Scalar(0, as: type.dtype)), to: type.shape) }
  package func ones(_ type: TensorType) -> Value { broadcast(constant(Scalar(1, as: type.dtype)), to: type.shape) }
}

struct SplitOperation: Operation {
  let reference = OperationReference(
    name: "split",
    summary: "Cuts a tensor into several along one axis (\"separate\").",
    formula: "y₀, y₁, … = x[:s₀], x[s₀:s₀+s₁], …", operands: ["x"], results: ["y0", "y1", "…"],
    attributes: [
      AttributeReference("axis", .integer, default: "0", "the axis to cut"),
      AttributeReference(
        "splits", .integerOrList, default: "null",
        "the sizes of the parts, or how many equal parts; null means one equal part per result"),
    ],
    dtypes: .any,
    shapeRule: "that of x, the axis having the part's size",
    derivative: "x: the cotangents of the parts joined again; zeros for a part that is not used",
    conventions: ["sizes must add up to the axis", "equal parts must divide it", "splits are sizes, not cut points"],
    otherNames: ["separate", "chunk", "array_split", "vsplit", "hsplit"],
    samples: [
      OperationSample([[2, 3]], ["axis": .integer(0), "splits": .integers([1, 1])], results: 2),
      OperationSample([[3, 4]], ["axis": .integer(-1), "splits": .integer(2)], results: 2),
      OperationSample([[3, 2]], [:], results: 3), OperationSample([[5]], ["splits": .integers([0, 4, 1])], results: 3),
      OperationSample([[2, 2]], [:], results: 1),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let axis = try call.axis(call.integer("axis") ?? 0, rank: call.x.shape.rank, of: "axis")
    let sizes = try sizes(call, of: call.x.shape[axis], axis: axis)
    guard sizes.count == call.resultCount else {
      throw GraphError(
        .wrongArity, "splits \(sizes) make \(sizes.count) parts; \(call.givenOutputs)", at: .results)
    }
    return sizes.count == 1 ? [call.x] : call.builder.split(call.x, sizes: sizes, axis: axis)
  }

  private func sizes(_ call: OperationCall, of size: Int, axis: Int) throws(GraphError) -> [Int] {
    if case .integers? = call.attributes["splits"], let sizes = call.integers("splits") {
      if let bad = sizes.first(where: { $0 < 0 }) {
        throw call.invalid("splits", "a size cannot be negative, got \(bad)")
      }
      var total = 0
      for part in sizes {
        let (sum, overflow) = total.addingReportingOverflow(part)
        total = overflow ? Int.max : sum
      }
      guard total == size, !sizes.isEmpty else {
        throw call.invalid(
          "splits",
          "splits \(sizes) add up to \(total), axis \(axis) of {0} has size \(size); splits are sizes, not cut points")
      }
      return sizes
    }
    let count = call.integer("splits") ?? call.resultCount
    guard count > 0 else { throw call.invalid("splits", "the number of parts must be at least 1, got \(count)") }
    guard count == call.resultCount else {
      throw GraphError(.wrongArity, "splits \(count) makes \(count) parts; \(call.givenOutputs)", at: .results)
    }
    guard size % count == 0 else {
      let message =
        "axis \(axis) of {0} has size \(size), which does not divide into \(count) equal parts; give splits as sizes"
      throw call.isGiven("splits")
        ? call.invalid("splits", message) : GraphError(.shapeMismatch, message, at: .operand(0))
    }
    return Array(repeating: size / count, count: count)
  }
}

import CKernels

/// `cumsum`: the sums of all beginnings of a line. Its transpose walks the same lines from their other ends.
struct CumulativeSumPrimitive: Primitive {
  let name = "cumsum"

  let derivative = Derivative.linear { node in
    guard case .scan(let scan) = node.attributes else { return }
    node.accumulate(node.builder.emit(.cumsum, node.ct, .scan(scan.reversed)), 0)
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .scan(let scan) = node.attributes, node.operandCount == 1, node.operand(0).dtype.isNumeric,
      scan.axis < node.operand(0).shape.rank
    else { throw node.fault("cumsum takes one numeric operand and an axis of it") }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .scan(let scan) = node.attributes else { return }
    node.emitScan(CK_CUMSUM, into: node.allocate(), node.operand(0), node.operand(0), scan)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .scan(let scan) = node.attributes else { return [] }
    return [node.scanned(CK_CUMSUM, scan, second: node.operands[0])]
  }
}

/// `recurrence(a, b)`: y₀ = b₀, yᵢ = aᵢ yᵢ₋₁ + bᵢ along an axis; a₀ plays no part. The products of all beginnings of a
/// line are one, and its derivatives are recurrences again, so that no division is needed and zeros do no harm, to any
/// order.
struct RecurrencePrimitive: Primitive {
  let name = "recurrence"

  /// With λ the cotangents of all that follows, λᵢ = ctᵢ + aᵢ₊₁ λᵢ₊₁: b has λ, and aᵢ has λᵢ yᵢ₋₁.
  let derivative = Derivative.rule { node in
    guard case .scan(let scan) = node.attributes else { return }
    let (builder, shape) = (node.builder, node.ct.shape)
    let (early, late) = (Window.early(scan, of: shape), Window.late(scan, of: shape))
    let following = builder.emit(.unslice, builder.emit(.slice, node.operand(0), .window(late)), .window(early))
    let total = builder.emit(.recurrence, [following, node.ct], .scan(scan.reversed))[0]
    node.accumulate(total, 1)
    if node.wants(0) {
      let slope = builder.emit(.slice, total, .window(late)) * builder.emit(.slice, node.result(0), .window(early))
      node.accumulate(builder.emit(.unslice, slope, .window(late)), 0)
    }
  }

  var batch: Batching { .stacked }

  func inferTypes(_ node: TypeInference) throws(GraphError) {
    guard case .scan(let scan) = node.attributes, node.operandCount == 2, node.operand(0).dtype.isNumeric,
      node.typeID(0) == node.typeID(1), scan.axis < node.operand(0).shape.rank
    else { throw node.fault("recurrence takes two numeric operands of one type and an axis of them") }
    node.result(sameAs: 0)
  }

  func lower(_ node: inout LoweringNode) throws(GraphError) {
    guard case .scan(let scan) = node.attributes else { return }
    node.emitScan(CK_RECURRENCE, into: node.allocate(), node.operand(0), node.operand(1), scan)
  }

  func interpret(_ node: InterpretedNode) throws(GraphError) -> [Tensor] {
    guard case .scan(let scan) = node.attributes else { return [] }
    return [node.scanned(CK_RECURRENCE, scan, second: node.operands[1])]
  }
}

extension Scan {
  var reversed: Scan { Scan(axis: axis, reverse: !reverse) }
}

extension Window {
  /// `count` positions along an axis, from the one with index `start` on.
  private init(_ start: Int, _ count: Int, _ axis: Int, of whole: Shape) {
    self.init(
      starts: Shape(repeating: 0, rank: whole.rank), steps: Shape(repeating: 1, rank: whole.rank), sizes: whole,
      whole: whole)
    starts[axis] = start
    sizes[axis] = count
  }

  /// Everything, one axis walked backwards.
  static func reversing(_ axis: Int, of whole: Shape) -> Window {
    var window = Window(max(whole[axis] - 1, 0), whole[axis], axis, of: whole)
    window.steps[axis] = -1
    return window
  }

  /// The position that a scan comes to first.
  static func first(_ scan: Scan, of whole: Shape) -> Window {
    let count = min(whole[scan.axis], 1)
    return Window(scan.reverse ? whole[scan.axis] - count : 0, count, scan.axis, of: whole)
  }

  /// All but the position that a scan comes to first.
  static func late(_ scan: Scan, of whole: Shape) -> Window {
    let count = max(whole[scan.axis] - 1, 0)
    return Window(scan.reverse ? 0 : whole[scan.axis] - count, count, scan.axis, of: whole)
  }

  /// All but the position that a scan comes to last.
  static func early(_ scan: Scan, of whole: Shape) -> Window { late(scan.reversed, of: whole) }
}

extension InterpretedNode {
  /// Line by line through the kernel, each line copied out in the direction of the scan.
  func scanned(_ function: ck_scan_op, _ scan: Scan, second: Tensor) -> Tensor {
    let x = operands[0]
    let type = resultTypes[0]
    let count = x.shape[scan.axis]
    let kernel = Kernels.scan(UInt8(function.rawValue), x.dtype)
    func place(_ position: Int, on line: [Int]) -> [Int] {
      var index = line
      index[scan.axis] = scan.reverse ? count - 1 - position : position
      return index
    }
    let width = type.dtype.byteWidth
    return Tensor(type) { base in
      guard count > 0 else { return }
      for line in x.shape.keeping(AxisSet([scan.axis])).indices {
        let terms = x.gathered(to: [count]) { place($0[0], on: line) }
        // Sorting has scratch memory in its place.
        let others =
          function == CK_ARGSORT
          ? Tensor(repeating: Int64(0), shape: [4 * count]) : second.gathered(to: [count]) { place($0[0], on: line) }
        let results = Tensor(TensorType(type.dtype, [count])) {
          kernel?(count, $0, 1, terms.storage.base, 1, others.storage.base, 1, nil)
        }
        for position in 0..<count {
          let target = base + type.shape.position(of: place(position, on: line)) * width
          target.copyMemory(from: results.storage.base + position * width, byteCount: width)
        }
      }
    }
  }
}

extension GraphBuilder {
  /// The products of all beginnings of a line.
  func cumulativeProduct(_ x: Value, _ scan: Scan) -> Value {
    let shape = x.shape
    let (first, late) = (Window.first(scan, of: shape), Window.late(scan, of: shape))
    let factors = emit(.unslice, emit(.slice, x, .window(late)), .window(late))
    let start = emit(.unslice, emit(.slice, x, .window(first)), .window(first))
    return emit(.recurrence, [factors, start], .scan(scan))[0]
  }
}

/// An operation along one axis that keeps the shape.
struct ScanOperation: Operation {
  let reference: OperationReference
  let formula: @Sendable (_ call: OperationCall, _ axis: Int) -> Value

  static let all = [cumsum, cumprod, sort, argsort]

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let axis = try call.axis(call.integer("axis") ?? -1, rank: call.x.shape.rank, of: "axis")
    return [formula(call, axis)]
  }

  static let requiredAxis = [AttributeReference("axis", .integer, "the axis to go along")]
  static let samples = [
    OperationSample([[2, 3]], ["axis": .integer(1)]), OperationSample([[2, 3]], ["axis": .integer(0)]),
    OperationSample([[2, 3, 4]], ["axis": .integer(-2)]), OperationSample([[0, 3]], ["axis": .integer(0)]),
    OperationSample([[1]], ["axis": .integer(0)]),
  ]

  private static let cumsum = ScanOperation(
    reference: OperationReference(
      name: "cumsum", summary: "Running sum along an axis.", formula: "yᵢ = x₀ + … + xᵢ", operands: ["x"],
      attributes: requiredAxis,
      dtypes: .any, shapeRule: "that of x", derivative: "x: running sum of ct from the other end",
      conventions: [
        "the dtype stays; bool is counted in int64", "added from the first element on, float32 in double precision",
      ],
      otherNames: ["cumulative_sum", "scan_sum", "prefix_sum"], samples: samples)
  ) { call, axis in call.builder.emit(.cumsum, call.counted, .scan(Scan(axis: axis, reverse: false))) }

  private static let cumprod = ScanOperation(
    reference: OperationReference(
      name: "cumprod", summary: "Running product along an axis.", formula: "yᵢ = x₀ · … · xᵢ", operands: ["x"],
      attributes: requiredAxis,
      dtypes: .any, shapeRule: "that of x",
      derivative: "xᵢ: Σ over j >= i of ctⱼ times the product of the other factors of yⱼ",
      conventions: [
        "the dtype stays; bool is counted in int64", "nothing is divided, so factors of 0 have their gradient",
        "a product of 0 or Infinity on the way stays",
      ],
      otherNames: ["cumulative_prod", "cumulative_product"], samples: samples, domain: -2...2)
  ) { call, axis in call.builder.cumulativeProduct(call.counted, Scan(axis: axis, reverse: false)) }
}

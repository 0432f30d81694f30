import AutogradCore

/// One primitive of a graph, as operations of the catalog.
struct DerivativeNode {
  typealias Term = DerivativeSource.Term

  private let source: DerivativeSource
  private let opcode: Opcode
  private let attributes: Attributes
  private let operands: [Term?]
  /// The result that is meant, and its type.
  private let result: Int
  private let type: TensorType
  private let name: String
  private let tensors: [Tensor]

  init(_ source: DerivativeSource, _ node: NodeID, result: Int) {
    self.result = result
    self.source = source
    let columns = source.columns
    opcode = columns.opcodes[Int(node)]
    attributes = columns.attributes(of: node)
    operands = columns.operandRange(node).map { source.terms[columns.operands[$0]] }
    type = columns.type(of: ValueID(columns.resultRange(node).lowerBound + result))
    name = opcode.name
    tensors = columns.tensors
  }

  /// Nil if the catalog does not have it, or not as the primitive does it.
  func term() -> Term? {
    if opcode == .constant { return constant }
    switch opcode {
    case .signed: return operands[2]
    case .centred, .lengthPower, .radialPower: return operands.last ?? nil
    default: break
    }
    guard let x = operands.first ?? nil else { return nil }
    let y = operands.count > 1 ? operands[1] : nil
    switch attributes {
    case .none: return y.map { plain(x, $0) } ?? plain(x)
    case .shape(let shape): return shaped(x, shape)
    case .axes(let axes): return reduced(x, y, axes.array)
    case .scan(let scan): return scanned(x, y, scan)
    default: return attributed(x, y)
    }
  }

  private var constant: Term? {
    switch attributes {
    case .scalar(let dtype, let bits): Term(operand: .scalar(Scalar(dtype, bits: bits)), shape: [], type: type)
    case .index(let index): Term(operand: .tensor(tensors[index]), shape: type.shape, type: type)
    default: nil
    }
  }

  // MARK: Element by element

  private func call(_ operation: String, _ operands: Term...) -> Term { source.pointwise(operation, operands) }
  private func test(_ operation: String, _ operands: Term...) -> Term {
    source.pointwise(operation, operands, dtype: .bool)
  }
  private func power(_ x: Term, _ y: Double) -> Term { call("pow", x, source.number(y, like: x)) }
  private func choice(_ condition: Term, _ x: Term, _ y: Term) -> Term { call("where", condition, x, y) }

  private func plain(_ x: Term) -> Term? {
    let (one, zero) = (source.number(1, like: x), source.number(0, like: x))
    switch opcode {
    case .kept, .guarded: return x
    case .stopGradient: return source.node("stop_gradient", [source.whole(x)], [:], type)
    case .sech2: return call("div", one, power(call("cosh", x), 2))
    case .tanSlope: return call("add", one, power(call("tan", x), 2))
    case .asinSlope: return call("div", one, call("sqrt", call("sub", one, power(x, 2))))
    case .atanhSlope: return call("div", one, call("sub", one, power(x, 2)))
    case .gaussian: return call("exp", call("neg", power(x, 2)))
    case .zeroOf: return choice(test("isnan", x), x, zero)
    case .scaledSigmoid: return call("mul", source.number(0x1p12, like: x), call("sigmoid", x))
    case .scaledErfc: return call("mul", source.number(0x1p12, like: x), call("erfc", x))
    case .scaledSech2: return call("div", source.number(0x1p12, like: x), power(call("cosh", x), 2))
    case .scaledGaussian: return call("mul", source.number(0x1p12, like: x), call("exp", call("neg", power(x, 2))))
    case .cholesky: return source.node("cholesky", [source.whole(x)], [:], type)
    default:
      guard isPointwise, isInCatalog(operands: 1) else { return nil }
      return source.pointwise(name, [x], dtype: type.dtype)
    }
  }

  private func plain(_ x: Term, _ y: Term) -> Term? {
    let (one, zero) = (source.number(1, like: x), source.number(0, like: x))
    switch opcode {
    case .matmul: return source.node("matmul", [source.whole(x), source.whole(y)], [:], type)
    case .select, .settled: return operands[2].map { choice(x, y, $0) }
    case .productQuotient: return operands[2].map { call("div", call("mul", x, y), $0) }
    case .direction:
      let length = call("hypot", x, y)
      if isNotZero(x) || isNotZero(y) { return call("div", x, length) }
      return choice(test("equal", length, zero), zero, call("div", x, length))
    case .inversion:
      let square = call("add", power(x, 2), power(y, 2))
      if number(x, is: 1) { return call("div", one, call("add", one, power(y, 2))) }
      if isNotZero(x) || isNotZero(y) { return call("div", x, square) }
      return choice(test("equal", square, zero), zero, call("div", x, square))
    case .powByX: return powerByBase(x, y)
    case .powByY:
      let slope = call("mul", call("pow", x, y), call("log", x))
      if let base = source.number(x), base > 0 { return slope }
      let isFlat = test("logical_and", test("equal", x, zero), test("greater_equal", y, zero))
      return choice(isFlat, zero, slope)
    default:
      guard isPointwise, isInCatalog(operands: 2) else { return nil }
      return source.pointwise(name, [x, y], dtype: type.dtype)
    }
  }

  /// y x^(y - 1), and 0 where y is 0.
  private func powerByBase(_ x: Term, _ y: Term) -> Term {
    let (one, zero) = (source.number(1, like: x), source.number(0, like: x))
    switch source.number(y) {
    case 2?: return call("mul", y, x)
    case let exponent? where exponent != 0: return call("mul", y, power(x, exponent - 1))
    default:
      return choice(test("equal", y, zero), zero, call("mul", y, call("pow", x, call("sub", y, one))))
    }
  }

  private func number(_ term: Term, is number: Double) -> Bool { source.number(term) == number }
  private func isNotZero(_ term: Term) -> Bool { source.number(term).map { $0 != 0 && !$0.isNaN } ?? false }

  /// Whether it works element by element under the catalog's name.
  private var isPointwise: Bool {
    let ranges: [ClosedRange<Opcode.RawValue>] = [
      Opcode.add.rawValue...Opcode.xlogy.rawValue, Opcode.i0e.rawValue...Opcode.zeta.rawValue,
      Opcode.equal.rawValue...Opcode.logicalNot.rawValue,
    ]
    return ranges.contains { $0.contains(opcode.rawValue) }
  }

  private func isInCatalog(operands count: Int) -> Bool {
    OpCatalog.operation(named: name)?.reference.operands.count == count && operands.count == count
  }

  // MARK: Shapes

  private func shaped(_ x: Term, _ shape: Shape) -> Term? {
    switch opcode {
    case .broadcast: return Term(operand: x.operand, shape: x.shape, type: type)
    case .reshape:
      if let same = sameEverywhere(x) { return same }
      let whole = source.whole(x)
      if let axes = DerivativeNode.addedAxes(whole.shape, shape) {
        return source.node("expand_dims", [whole], ["axis": .integers(axes)], type)
      }
      return source.node("reshape", [whole], ["shape": .integers(shape.array)], type)
    default: return nil
    }
  }

  /// What has equal elements, in another shape.
  private func sameEverywhere(_ x: Term) -> Term? {
    x.shape == [] ? Term(operand: x.operand, shape: [], type: type) : nil
  }

  /// The axes of size 1 that make one shape of another; nil if it takes something else.
  private static func addedAxes(_ from: Shape, _ to: Shape) -> [Int]? {
    var (axes, next): ([Int], Int) = ([], 0)
    for axis in 0..<to.rank {
      if next < from.rank, to[axis] == from[next] {
        next += 1
      } else if to[axis] == 1 {
        axes.append(axis)
      } else {
        return nil
      }
    }
    return next == from.rank && !axes.isEmpty ? axes : nil
  }

  private func attributed(_ x: Term, _ y: Term?) -> Term? {
    if [.transpose, .slice].contains(opcode), let same = sameEverywhere(x) { return same }
    let whole = source.whole(x)
    switch (opcode, attributes) {
    case (.cast, .dtype(let dtype)):
      if dtype.isFloating, let number = source.number(x) {
        return Term(operand: .scalar(Scalar(floating: number, as: dtype)), shape: [], type: type)
      }
      var term = source.node("cast", [x], ["dtype": .text(dtype.name)], type)
      term.shape = x.shape
      return term
    case (.polygamma, .derivative(let order)): return source.node("polygamma", [whole], ["n": .integer(order)], type)
    case (.transpose, .permutation(let axes)):
      let isReversed = axes.array == Array((0..<axes.rank).reversed())
      return source.node("transpose", [whole], isReversed ? [:] : ["axes": .integers(axes.array)], type)
    case (.slice, .window(let window)): return cut(whole, window)
    case (.unslice, .window(let window)): return padded(whole, window)
    case (.split, .partition(let axis, let sizes)):
      if let same = sameEverywhere(x) { return same }
      let start = sizes[..<result].reduce(0, +)
      return sliced(whole, [Cut(axis: axis, start: start, step: 1, size: sizes[result], whole: whole.shape[axis])])
    case (.concat, .axis(let axis)):
      let parts = operands.compactMap { $0 }
      guard parts.count == operands.count else { return nil }
      return source.node("concat", parts.map(source.whole), ["axis": .integer(axis)], type)
    case (.luSolve, .solve(let form)):
      guard let right = operands[2], !form.givesNaN else { return nil }
      return source.node("solve", [form.isTransposed ? transposed(whole) : whole, source.whole(right)], [:], type)
    case (.triangularSolve, .solve(let form)):
      guard let y, !form.givesNaN else { return nil }
      return source.node(
        "solve_triangular", [whole, source.whole(y)],
        ["lower": .boolean(form.isLower), "transpose": .boolean(form.isTransposed)], type)
    case (_, .along(let axis, let size)): return y.flatMap { indexed(whole, source.whole($0), axis, size) }
    default: return nil
    }
  }

  private func transposed(_ x: Term) -> Term {
    var axes = Array(0..<x.shape.rank)
    axes.swapAt(x.shape.rank - 1, x.shape.rank - 2)
    return source.node("transpose", [x], x.shape.rank == 2 ? [:] : ["axes": .integers(axes)], x.type)
  }

  /// A slice along one axis.
  private struct Cut {
    var axis, start, step, size, whole: Int

    /// Nil stands for the edge.
    var first: Int? { start == 0 && step > 0 && size > 0 ? nil : start }
    var end: Int? {
      let end = size == 0 ? start : start + (size - 1) * step + (step > 0 ? 1 : -1)
      return end < 0 || (end == whole && step > 0) ? nil : end
    }
  }

  private func cut(_ x: Term, _ window: Window) -> Term {
    let cuts = (0..<window.whole.rank).map { axis in
      Cut(
        axis: axis, start: window.starts[axis], step: window.steps[axis], size: window.sizes[axis],
        whole: window.whole[axis])
    }
    return sliced(x, cuts.filter { $0.step != 1 || $0.size != $0.whole })
  }

  private func sliced(_ x: Term, _ cuts: [Cut]) -> Term {
    if cuts.isEmpty { return x }
    var given: [String: AttributeValue] = [
      "starts": .integers(cuts.map(\.first)), "ends": .integers(cuts.map(\.end)), "axes": .integers(cuts.map(\.axis)),
    ]
    if cuts.contains(where: { $0.step != 1 }) { given["steps"] = .integers(cuts.map(\.step)) }
    return source.node("slice", [x], given, type)
  }

  private func padded(_ x: Term, _ window: Window) -> Term? {
    if window.sizes == window.whole, (0..<window.whole.rank).allSatisfy({ abs(window.steps[$0]) == 1 }) {
      // Axes that are reversed once more.
      return cut(x, window)
    }
    var widths: [[Int]] = []
    for axis in 0..<window.whole.rank {
      guard window.steps[axis] == 1 || window.sizes[axis] <= 1 else { return spread(x, window, axis) }
      widths.append([window.starts[axis], window.whole[axis] - window.starts[axis] - window.sizes[axis]])
    }
    return source.node("pad", [x], ["widths": .integerLists(widths)], type)
  }

  /// Elements put at steps along one axis, into zeros.
  private func spread(_ x: Term, _ window: Window, _ axis: Int) -> Term? {
    let others = (0..<window.whole.rank).filter { $0 != axis }
    guard others.allSatisfy({ window.sizes[$0] == window.whole[$0] && window.steps[$0] == 1 }),
      window.sizes[axis] <= LiteralWriter.mostListed
    else { return nil }
    let places = Tensor((0..<window.sizes[axis]).map { Int64(window.starts[axis] + $0 * window.steps[axis]) })
    let indices = Term(operand: .tensor(places), shape: places.shape, type: places.type)
    return source.node("index_add", [zeros, indices, x], ["axis": .integer(axis)], type)
  }

  private var zeros: Term {
    source.whole(Term(operand: .scalar(Scalar(floating: 0, as: type.dtype)), shape: [], type: type))
  }

  private func indexed(_ x: Term, _ indices: Term, _ axis: Int, _ size: Int) -> Term? {
    let along: [String: AttributeValue] = ["axis": .integer(axis)]
    switch opcode {
    case .gather: return source.node("take", [x, indices], along, type)
    case .gatherAlong: return source.node("take_along_axis", [x, indices], along, type)
    case .scatterAdd: return source.node("index_add", [zeros, indices, x], along, type)
    case .scatterAddAlong: return source.node("scatter_add", [zeros, indices, x], along, type)
    default: return nil
    }
  }

  // MARK: Along axes

  private func axisAttribute(_ axes: [Int], rank: Int) -> [String: AttributeValue] {
    axes.count == rank ? [:] : ["axis": axes.count == 1 ? .integer(axes[0]) : .integers(axes)]
  }

  private func reduced(_ x: Term, _ y: Term?, _ axes: [Int]) -> Term? {
    if opcode == .sum, let number = source.number(x) {
      // The sum of equal numbers.
      let count = axes.reduce(1) { $0 * x.type.shape[$1] }
      return Term(operand: source.number(number * Double(count), like: x).operand, shape: [], type: type)
    }
    let whole = source.whole(x)
    let attributes = axisAttribute(axes, rank: whole.shape.rank)
    let names: [Opcode: String] = [
      .sum: "sum", .prod: "prod", .max: "max", .min: "min", .all: "all", .any: "any", .mean: "mean", .norm: "norm",
    ]
    if let name = names[opcode] { return axes.isEmpty ? nil : source.node(name, [whole], attributes, type) }
    switch opcode {
    case .meanSquare: return source.node("mean", [power(whole, 2)], attributes, type)
    case .unit:
      let (length, zero) = (length(of: whole, axes), source.number(0, like: x))
      return choice(test("equal", length, zero), zero, call("div", whole, length))
    case .quotientByLength: return y.map { call("div", whole, length(of: source.whole($0), axes)) }
    default: return nil
    }
  }

  /// The length along axes, which stay.
  private func length(of x: Term, _ axes: [Int]) -> Term { total("norm", x, axes) }

  private func total(_ operation: String, _ x: Term, _ axes: [Int]) -> Term {
    var (shape, count) = (x.type.shape, 1)
    for axis in axes { (shape[axis], count) = (1, count * shape[axis]) }
    if operation == "sum", let number = source.number(x) { return source.number(number * Double(count), like: x) }
    let x = source.whole(x)
    let isAll = axes.count == x.shape.rank
    var attributes = axisAttribute(axes, rank: x.shape.rank)
    if !isAll { attributes["keepdims"] = .boolean(true) }
    var term = source.node(operation, [x], attributes, x.type)
    // Of all elements it is a scalar, which broadcasts as well.
    term.shape = isAll ? [] : shape
    return term
  }

  private func scanned(_ x: Term, _ y: Term?, _ scan: Scan) -> Term? {
    let whole = source.whole(x)
    let along: [String: AttributeValue] = ["axis": .integer(scan.axis)]
    switch opcode {
    case .softmax, .logSoftmax: return source.node(name, [whole], along, type)
    case .logSumExp: return source.node("logsumexp", [whole], along, type)
    case .cumsum:
      if !scan.reverse { return source.node("cumsum", [whole], along, type) }
      let backward = source.node("cumsum", [source.node("flip", [whole], along, type)], along, type)
      return source.node("flip", [backward], along, type)
    case .withoutShare:
      return y.map { call("sub", $0, call("mul", x, total("sum", $0, [scan.axis]))) }
    case .deviations: return y.map { deviations(x, $0, scan.axis) }
    case .weightedDeviations: return y.map { call("mul", x, deviations(x, $0, scan.axis)) }
    default: return nil
    }
  }

  /// x less its mean with the weights w.
  private func deviations(_ w: Term, _ x: Term, _ axis: Int) -> Term {
    let product = number(x, is: 1) ? w : call("mul", w, x)
    return call("sub", x, total("sum", product, [axis]))
  }
}

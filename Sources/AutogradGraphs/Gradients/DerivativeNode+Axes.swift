import AutogradCore

/// Primitives that work along axes.
extension DerivativeNode {
  private func axisAttribute(_ axes: [Int], rank: Int) -> [String: AttributeValue] {
    axes.count == rank ? [:] : ["axis": axes.count == 1 ? .integer(axes[0]) : .integers(axes)]
  }

  func reduced(_ x: Term, _ y: Term?, _ axes: [Int]) -> Term? {
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
    case .centred: return call("sub", whole, total("mean", whole, axes))
    // A power of 2 that keeps numbers in range; it cancels.
    case .scale: return Term(operand: source.number(1, like: x).operand, shape: [], type: type)
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

  func scanned(_ x: Term, _ y: Term?, _ scan: Scan) -> Term? {
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

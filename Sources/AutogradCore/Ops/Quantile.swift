/// `quantile` and `median`: elements of a slice by rank, and what lies between two of them.
struct QuantileOperation: Operation {
  let reference: OperationReference

  static let all: [any Operation] = [median, quantile]

  private static let conventions = [
    "a NaN in a slice gives NaN, and NaN gradients for the whole slice", "of nothing it is NaN",
    "ties are ranked by their indices: the gradient goes to those of the ranks in question",
    "no overflow in between, and between equal elements exactly these",
  ]

  private static let median = QuantileOperation(
    reference: OperationReference(
      name: "median", summary: "The middle element along axes, or the mean of the middle two.",
      formula: "y = s[(n - 1) / 2], or (s[n / 2 - 1] + s[n / 2]) / 2 for even n, s = sort(x)", operands: ["x"],
      attributes: ReductionOperation.attributes("reduce"), dtypes: .floating, shapeRule: ReductionOperation.shapeRule,
      derivative: "x: ct for the middle element, or half of it for each of the middle two, else 0",
      conventions: conventions,
      otherNames: ["med", "middle"],
      samples: ReductionOperation.samples + [OperationSample([[5]]), OperationSample([[0, 3]], ["axis": .integer(1)])]))

  private static let quantile = QuantileOperation(
    reference: OperationReference(
      name: "quantile", summary: "The element along axes that a fraction q of the others is below, interpolated.",
      formula: "y = (1 - w) s[⌊p⌋] + w s[⌊p⌋ + 1] with p = (n - 1) q, w = p - ⌊p⌋, s = sort(x)", operands: ["x"],
      attributes: [AttributeReference("q", .numberOrList, "the fraction, 0 to 1, or a list of them")]
        + ReductionOperation.attributes("reduce") + [
          AttributeReference(
            "method", .text, default: "\"linear\"",
            "\"linear\", or \"lower\", \"higher\", \"midpoint\" or \"nearest\" (half way the even rank)"
          )
        ],
      dtypes: .floating,
      shapeRule:
        "that of x without the reduced axes, or with size 1 there if keepdims; in front of it the length of a list q",
      derivative: "x: ct times 1 - w and w for the two elements, else 0", conventions: conventions,
      otherNames: ["percentile", "quantiles", "percentiles"],
      samples: [
        OperationSample([[2, 3]], ["q": .number(0.25), "axis": .integer(1)]),
        OperationSample([[5]], ["q": .numbers([0.1, 0.5, 0.9])]),
        OperationSample(
          [[2, 4, 3]], ["q": .numbers([0.3, 1]), "axis": .integers([0, -1]), "keepdims": .boolean(true)]),
        OperationSample([[4, 2]], ["q": .number(0.4), "axis": .integer(0), "method": .text("lower")]),
        OperationSample([[4, 2]], ["q": .number(0.4), "axis": .integer(0), "method": .text("higher")]),
        OperationSample([[4, 2]], ["q": .numbers([0.4, 0.5]), "axis": .integer(0), "method": .text("midpoint")]),
        OperationSample([[4, 2]], ["q": .number(0.4), "axis": .integer(0), "method": .text("nearest")]),
        OperationSample([[2]], ["q": .integers([0, 1])]), OperationSample([[]], ["q": .number(0.5)]),
        OperationSample([[2, 3]], ["q": .numbers([0.5]), "axis": .integers([])]),
      ]))

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, shape) = (call.builder, call.x.shape)
    let axes = try call.reducedAxes(rank: shape.rank)
    let isList =
      switch call.attributes["q"] {
      case .numbers?, .integers?: true
      default: false
      }
    let fractions = try fractions(call)
    let kept = call.boolean("keepdims", default: false) ? shape.keeping(axes) : shape.removing(axes)
    if isList { _ = try call.checkedRank(kept.rank + 1) }
    let resultShape = Shape(isList ? [fractions.count] : []).appending(kept)
    try resultShape.checkSize()
    guard call.x.isValid else { return [call.x] }
    let type = call.x.type.with(shape: resultShape)
    if axes.isEmpty { return [builder.broadcast(call.x, to: resultShape)] }
    let count = shape.elementCount(of: axes)
    if count == 0 { return [builder.filled(type, with: .nan)] }
    let ranks = fractions.map { Rank($0, of: count, call.text("method") ?? "linear") }
    let results = builder.quantiles(builder.lines(call.x, axes), ranks)
    guard results.isValid else { return [results] }
    // The fractions, which stand last, come first.
    let last = results.shape.rank - 1
    return [builder.reshape(builder.transpose(results, Shape([last] + Array(0..<last))), to: resultShape)]
  }

  private func fractions(_ call: OperationCall) throws(GraphError) -> [Double] {
    let methods = ["linear", "lower", "higher", "midpoint", "nearest"]
    if let method = call.text("method"), !methods.contains(method) {
      let list = methods.map { "\"\($0)\"" }.joined(separator: ", ")
      throw call.invalid("method", "method is one of \(list), got \"\(method)\"")
    }
    guard call.isGiven("q") else { return [0.5] }
    let fractions = call.numbers("q") ?? []
    if let bad = fractions.first(where: { !($0 >= 0 && $0 <= 1) }) {
      throw call.invalid("q", "q is a fraction from 0 to 1, got \(bad); divide percentages by 100")
    }
    return fractions
  }
}

/// Where in a sorted line a quantile lies: between two neighbours, `weight` of the way.
private struct Rank {
  var lower: Int
  var weight: Double

  init(_ fraction: Double, of count: Int, _ method: String) {
    let place = Double(count - 1) * fraction
    lower = min(Int(place), count - 1)
    weight = place - Double(lower)
    switch method {
    case "lower": weight = 0
    case "higher": weight = weight > 0 ? 1 : 0
    case "midpoint": weight = weight > 0 ? 0.5 : 0
    case "nearest": weight = place.rounded(.toNearestOrEven) - Double(lower)
    default: break
    }
    if weight == 1 { (lower, weight) = (lower + 1, 0) }
  }
}

extension GraphBuilder {
  /// The elements that a reduction over axes combines as one last axis, in their order.
  func lines(_ x: Value, _ axes: AxisSet) -> Value {
    guard x.isValid else { return x }
    let kept = (0..<x.shape.rank).filter { !axes.contains($0) }
    return reshape(
      transpose(x, Shape(kept + axes.array)), to: x.shape.removing(axes).appending([x.shape.elementCount(of: axes)]))
  }

  func filled(_ type: TensorType, with number: Double) -> Value {
    broadcast(constant(Scalar(floating: number, as: type.dtype)), to: type.shape)
  }

  /// For each line along the last axis one result for each rank.
  fileprivate func quantiles(_ lines: Value, _ ranks: [Rank]) -> Value {
    guard lines.isValid else { return lines }
    let (axis, shape) = (lines.shape.rank - 1, lines.shape)
    let size = shape[axis]
    // Sorted, a NaN stands last.
    let wanted = Set(ranks.flatMap { $0.weight > 0 ? [$0.lower, $0.lower + 1] : [$0.lower] } + [size - 1]).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: wanted.enumerated().map { ($1, Int64($0)) })
    let places = places(lines, ofRanks: wanted, along: axis)
    func elements(_ ranks: [Int]) -> Value {
      let indices = constant(Tensor(ranks.map { numbers[$0] ?? 0 }, shape: [ranks.count]))
      let chosen = emit(.gather, [places, indices], .along(axis: axis, size: wanted.count))[0]
      return emit(.gatherAlong, [lines, chosen], .along(axis: axis, size: size))[0]
    }
    let lower = elements(ranks.map(\.lower))
    let isBetween = ranks.contains { $0.weight > 0 }
    let upper = isBetween ? elements(ranks.map { $0.weight > 0 ? $0.lower + 1 : $0.lower }) : lower
    guard lower.isValid, upper.isValid else { return lower.isValid ? upper : lower }
    let result = isBetween ? between(lower, upper, ranks.map(\.weight)) : lower
    let isNaN = elements([size - 1]).emit(.isNaN)
    guard result.isValid, isNaN.isValid else { return result.isValid ? isNaN : result }
    return select(broadcast(isNaN, to: result.shape), broadcast(spoilt(lines, isNaN, axis), to: result.shape), result)
  }

  /// NaN with a NaN gradient for each element of the lines where the condition is true; 0 elsewhere.
  private func spoilt(_ lines: Value, _ condition: Value, _ axis: Int) -> Value {
    let zeros = zeros(lines.type)
    let everywhere = broadcast(condition, to: lines.shape)
    let factor = select(everywhere, filled(lines.type, with: .nan), zeros)
    let terms = select(everywhere, lines, zeros) * factor
    return reshape(sum(terms, over: AxisSet([axis])), to: condition.shape)
  }

  /// (1 - weight) a + weight b along the last axis: from the nearer end while the difference is finite, so that between
  /// equals there is nothing else; otherwise each by itself.
  private func between(_ a: Value, _ b: Value, _ weights: [Double]) -> Value {
    func vector(_ numbers: [Double]) -> Value {
      let shape: Shape = [numbers.count]
      let tensor = a.dtype == .float32 ? Tensor(numbers.map { Float($0) }, shape: shape) : Tensor(numbers, shape: shape)
      return broadcast(constant(tensor), to: a.shape)
    }
    func chosen(_ condition: (Double) -> Bool, _ x: @autoclosure () -> Value, _ y: @autoclosure () -> Value) -> Value {
      let flags = weights.map(condition)
      if flags.allSatisfy({ $0 }) { return x() }
      if !flags.contains(true) { return y() }
      return select(broadcast(constant(Tensor(flags, shape: [flags.count])), to: a.shape), x(), y())
    }
    func fromNearerEnd() -> Value {
      chosen({ $0 > 0.5 }, b, a) + (b - a) * vector(weights.map { $0 > 0.5 ? $0 - 1 : $0 })
    }
    let near = chosen({ $0 == 0.5 }, (a + b) * 0.5, fromNearerEnd())
    let far = a * vector(weights.map { 1 - $0 }) + b * vector(weights)
    let bound = (a.dtype == .float32 ? Double(Float.greatestFiniteMagnitude) : Double.greatestFiniteMagnitude) / 4
    let isNear = a.emit(.abs).emit(.lessEqual, a.filled(bound)).emit(
      .logicalAnd, b.emit(.abs).emit(.lessEqual, b.filled(bound)))
    return chosen({ $0 == 0 }, a, select(isNear, near, far))
  }
}

import AutogradCore

/// Primitives that move elements.
extension DerivativeNode {
  func shaped(_ x: Term, _ shape: Shape) -> Term? {
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

  func attributed(_ x: Term, _ y: Term?) -> Term? {
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
    case (.argsort, .axis(let axis)): return source.node("argsort", [whole], ["axis": .integer(axis)], type)
    case (.argselect, .along(let axis, _)):
      let order = source.node("argsort", [whole], ["axis": .integer(axis)], TensorType(.int64, whole.shape))
      return y.map { source.node("take", [order, source.whole($0)], ["axis": .integer(axis)], type) }
    case (.permute, .axis(let axis)):
      return y.map { source.node("take_along_axis", [whole, source.whole($0)], ["axis": .integer(axis)], type) }
    case (.unpermute, .axis(let axis)):
      return y.map { source.node("scatter_add", [zeros, source.whole($0), whole], ["axis": .integer(axis)], type) }
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
}

/// The square of a length is the sum of squares that the length is the root of. Written so, it has derivatives where
/// the length has none: the second derivative of norm(x)² at 0 is 2, and no chain rule leads there through norm, whose
/// own has no bound.
///
/// Lengths are `norm` of order 2, and `std`, which is made of it, `hypot` and `abs`; also negated, scaled, moved,
/// stretched, picked and joined. A product of two values is a square if both are multiples of one length. `sqrt` is no
/// length: it has no value for negative operands, which its square must not have either.
struct SquareOfRoot {
  private let builder: GraphBuilder
  /// Steps that are left: a long chain of products is not worth walking for each square.
  private var budget = 32
  /// What has been looked through.
  private var visited: [ValueID] = []

  /// What a length is multiplied or divided by before it is squared, of its shape; nil for a sign.
  private struct Scale {
    let opcode: Opcode
    let factor: Value?
  }

  /// Both sides of a product: what stands between each and the length, from the outermost inwards.
  private struct Sides {
    var left: [Scale] = []
    var right: [Scale] = []

    /// With the same scale on both sides.
    func adding(_ opcode: Opcode, _ factor: Value) -> Sides {
      let scale = [Scale(opcode: opcode, factor: factor)]
      return Sides(left: left + scale, right: right + scale)
    }

    func map(_ change: (Value) -> Value?) -> Sides? {
      func changed(_ scales: [Scale]) -> [Scale]? {
        var result: [Scale] = []
        for scale in scales {
          let factor = scale.factor.flatMap(change)
          if scale.factor != nil, factor == nil { return nil }
          result.append(Scale(opcode: scale.opcode, factor: factor))
        }
        return result
      }
      guard let left = changed(left), let right = changed(right) else { return nil }
      return Sides(left: left, right: right)
    }
  }

  /// The square of a value, if it is one of a length.
  static func rewritten(_ value: Value, _ builder: GraphBuilder) -> Value? {
    guard value.isValid, value.dtype.isFloating, !builder.isWithinRoot else { return nil }
    // What is squared in the formula itself is nothing to be looked into.
    builder.isWithinRoot = true
    defer { builder.isWithinRoot = false }
    var search = SquareOfRoot(builder: builder)
    let square = search.square(of: value, Sides())
    if square != nil { builder.lookedThrough.formUnion(search.visited) }
    return square
  }

  /// x y, if both are multiples of one length.
  static func rewritten(_ x: Value, _ y: Value, _ builder: GraphBuilder) -> Value? {
    guard x.id != y.id else { return rewritten(x, builder) }
    guard x.isValid, y.isValid, x.dtype.isFloating, !builder.isWithinRoot else { return nil }
    let search = SquareOfRoot(builder: builder)
    let left = search.lengths(in: x, depth: 3)
    guard !left.isEmpty else { return nil }
    let right = search.lengths(in: y, depth: 3)
    for (root, scales) in left {
      guard let other = right.first(where: { $0.root.id == root.id }) else { continue }
      builder.isWithinRoot = true
      defer { builder.isWithinRoot = false }
      var search = search
      if let square = search.square(of: root, Sides(left: scales, right: other.scales)) {
        builder.lookedThrough.formUnion(search.visited)
        return square
      }
    }
    return nil
  }

  /// The product of a row and a column, if both hold the same lengths.
  static func product(ofVectors x: Value, _ y: Value, _ builder: GraphBuilder) -> Value? {
    guard x.isValid, y.isValid, x.dtype.isFloating else { return nil }
    let (rank, ones) = (x.shape.rank, Shape(repeating: 1, rank: x.shape.rank))
    guard y.shape.rank == rank, rank >= 2, x.shape.axes(0..<(rank - 1)) == ones.axes(0..<(rank - 1)),
      y.shape.elementCount == x.shape.elementCount, y.shape[rank - 1] == 1
    else { return nil }
    /// Without what only moves the axis of a vector.
    func vector(_ value: Value) -> Value {
      var value = value
      for _ in 0..<4 {
        guard let inner = builder.operand(of: value, if: .reshape) ?? builder.operand(of: value, if: .transpose),
          inner.shape.array.filter({ $0 != 1 }).count <= 1
        else { break }
        value = inner
      }
      return value
    }
    let source = vector(x)
    guard source.id == vector(y).id, let square = rewritten(source, builder) else { return nil }
    return builder.reshape(builder.sum(square, over: AxisSet(0..<square.shape.rank)), to: ones)
  }

  private init(builder: GraphBuilder) { self.builder = builder }

  private func producer(of value: Value) -> (opcode: Opcode, node: NodeID) {
    let node = builder.columns.producers[Int(value.id)]
    return (builder.columns.opcodes[Int(node)], node)
  }

  private func operand(_ node: NodeID, _ index: Int) -> Value { builder.value(builder.columns.operand(node, index)) }

  /// What may be a length that a value is a multiple of.
  private func lengths(in value: Value, depth: Int) -> [(root: Value, scales: [Scale])] {
    let (opcode, node) = producer(of: value)
    func behind(_ index: Int, _ scale: Scale) -> [(root: Value, scales: [Scale])] {
      depth == 0 ? [] : lengths(in: operand(node, index), depth: depth - 1).map { ($0.root, [scale] + $0.scales) }
    }
    switch opcode {
    case .norm, .hypot, .abs: return [(value, [])]
    case .reshape, .broadcast, .transpose, .slice, .split, .gather, .sum, .mean, .max, .min:
      // Mostly these stand before something else.
      return isMoved(value) ? [(value, [])] : []
    case .coincident: return lengths(in: operand(node, 0), depth: depth)
    case .neg: return behind(0, Scale(opcode: .neg, factor: nil))
    case .div: return behind(0, Scale(opcode: .div, factor: operand(node, 1)))
    case .mul:
      return behind(0, Scale(opcode: .mul, factor: operand(node, 1)))
        + behind(1, Scale(opcode: .mul, factor: operand(node, 0)))
    default: return []
    }
  }

  /// Whether a length stands before some layouts.
  private func isMoved(_ value: Value) -> Bool {
    var value = value
    for _ in 0..<4 {
      let (opcode, node) = producer(of: value)
      switch opcode {
      case .norm, .hypot, .abs: return true
      case .reshape, .broadcast, .transpose, .slice, .split, .gather, .sum, .mean, .max, .min:
        value = operand(node, 0)
      default: return false
      }
    }
    return false
  }

  /// - Complexity: depth and number of calls are bounded by the budget.
  private mutating func square(of value: Value, _ sides: Sides) -> Value? {
    guard budget > 0 else { return nil }
    budget -= 1
    visited.append(value.id)
    let (opcode, node) = producer(of: value)
    let attributes = builder.columns.attributes(of: node)
    func operand(_ index: Int) -> Value { self.operand(node, index) }
    switch (opcode, attributes) {
    case (.neg, _), (.coincident, _): return square(of: operand(0), sides)
    case (.div, _): return square(of: operand(0), sides.adding(.div, operand(1)))
    case (.mul, _):
      let (x, y) = (operand(0), operand(1))
      return square(of: x, sides.adding(.mul, y)) ?? square(of: y, sides.adding(.mul, x))
    case (.abs, _): return product(operand(0), sides)
    case (.hypot, _):
      let (x, y) = (operand(0), operand(1))
      return product(x, sides) + product(y, sides)
    case (.norm, .axes(let axes)):
      let (builder, x) = (builder, operand(0))
      guard let stretched = sides.map({ builder.stretch($0, over: axes, to: x.shape) }) else { return nil }
      return builder.sum(product(x, stretched), over: axes)
    case (.reshape, _), (.transpose, _), (.broadcast, _), (.slice, _), (.split, _), (.gather, _), (.sum, _),
      (.mean, _), (.max, _), (.min, _):
      return moved(opcode, attributes, node, value, sides)
    case (.concat, .axis(let axis)): return joined(node, axis, sides)
    default: return nil
    }
  }

  /// The square of what a length becomes by being moved: the square is moved likewise. Scales go to the length where
  /// they are of it, element by element; a single number always is.
  private mutating func moved(
    _ opcode: Opcode, _ attributes: Attributes, _ node: NodeID, _ value: Value, _ sides: Sides
  ) -> Value? {
    let inner = operand(node, 0)
    let builder = builder
    func number(_ factor: Value) -> Value? {
      builder.scalarSource(of: factor).map { builder.broadcast($0, to: inner.shape) }
    }
    switch (opcode, attributes) {
    case (.sum, .axes), (.mean, .axes), (.max, .axes), (.min, .axes), (.reshape, .shape):
      guard inner.shape.elementCount == value.shape.elementCount,
        let sides = sides.map({ number($0) ?? builder.reshape($0, to: inner.shape) }),
        let square = square(of: inner, sides)
      else { return nil }
      return builder.reshape(square, to: value.shape)
    case (.transpose, .permutation(let axes)):
      var inverse = axes
      for position in 0..<axes.rank { inverse[axes[position]] = position }
      guard let sides = sides.map({ number($0) ?? builder.transpose($0, inverse) }),
        let square = square(of: inner, sides)
      else { return nil }
      return builder.transpose(square, axes)
    case (.broadcast, .shape), (.slice, .window), (.split, .partition), (.gather, .along):
      guard let sides = sides.map(number), let square = square(of: inner, sides) else { return nil }
      if opcode == .broadcast { return builder.broadcast(square, to: value.shape) }
      let parts = builder.emit(opcode, [square] + (opcode == .gather ? [operand(node, 1)] : []), attributes)
      let index = Int(value.id - builder.columns.firstResult[Int(node)])
      return index < parts.count ? parts[index] : parts[0]
    default: return nil
    }
  }

  /// Of values joined the squares are joined, if one of them is a length.
  private mutating func joined(_ node: NodeID, _ axis: Int, _ sides: Sides) -> Value? {
    let parts = builder.columns.operandRange(node).map { builder.value(builder.columns.operands[$0]) }
    guard parts.count <= budget else { return nil }
    var squares: [Value] = []
    var isLength = false
    for part in parts {
      let builder = builder
      let scaled = sides.map { factor in
        builder.scalarSource(of: factor).map { builder.broadcast($0, to: part.shape) }
      }
      guard let scaled else { return nil }
      let square = square(of: part, scaled)
      isLength = isLength || square != nil
      squares.append(square ?? product(part, scaled))
    }
    return isLength ? builder.concat(squares, axis: axis) : nil
  }

  /// The product of both sides with the length's operand in the length's place. Scales are applied before squaring,
  /// where nothing leaves the range of numbers that the result does not. The operand may be a length itself.
  private mutating func product(_ value: Value, _ sides: Sides) -> Value {
    if let square = square(of: value, sides) { return square }
    let builder = builder
    func scaled(_ scales: [Scale]) -> Value {
      scales.reversed().reduce(value) { scaled, scale in
        scale.factor.map { builder.emit(scale.opcode, scaled, $0) } ?? -scaled
      }
    }
    return builder.emit(.mul, scaled(sides.left), scaled(sides.right))
  }
}

extension GraphBuilder {
  /// The scalar that a value repeats, if it does.
  fileprivate func scalarSource(of value: Value) -> Value? {
    var source = value
    for _ in 0..<4 where source.shape.rank > 0 {
      guard let inner = operand(of: source, if: .broadcast) ?? operand(of: source, if: .reshape) else { break }
      source = inner
    }
    return source.shape.elementCount == 1 ? reshape(source, to: []) : nil
  }
}

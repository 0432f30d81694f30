/// The square of a length is the sum of squares that the length is the root of. Written so, it has derivatives where
/// the length has none: the second derivative of norm(x)² at 0 is 2, and no chain rule leads there through norm, whose
/// own has no bound.
///
/// Lengths are `norm` of order 2, and `std`, which is made of it, `hypot` and `abs`; also negated, scaled, reshaped and
/// stretched. `sqrt` is none: it has no value for negative operands, which its square must not have either.
struct SquareOfRoot {
  private let builder: GraphBuilder
  /// Steps that are left: a long chain of products is not worth walking for each square.
  private var budget = 32

  /// What stands between the root and the value that is squared, from the value inwards.
  private enum Step {
    /// A layout, by the shape and the axes that it gives to its operand.
    case reshape(Shape), broadcast(Shape), transpose(Shape)
    /// Multiplied or divided by a value.
    case scale(Opcode, Value)
  }

  static func rewritten(_ value: Value, _ builder: GraphBuilder) -> Value? {
    guard value.isValid, value.dtype.isFloating, !builder.isWithinRoot else { return nil }
    // What is squared in the formula itself is nothing to be looked into.
    builder.isWithinRoot = true
    defer { builder.isWithinRoot = false }
    var search = SquareOfRoot(builder: builder)
    return search.square(of: value, [])
  }

  private init(builder: GraphBuilder) { self.builder = builder }

  /// - Complexity: depth and number of calls are bounded by the budget.
  private mutating func square(of value: Value, _ steps: [Step]) -> Value? {
    guard budget > 0 else { return nil }
    budget -= 1
    let columns = builder.columns
    let node = columns.producers[Int(value.id)]
    func operand(_ index: Int) -> Value { builder.value(columns.operand(node, index)) }
    switch columns.opcodes[Int(node)] {
    case .neg: return square(of: operand(0), steps)
    case .reshape: return square(of: operand(0), steps + [.reshape(value.shape)])
    case .broadcast: return square(of: operand(0), steps + [.broadcast(value.shape)])
    case .transpose:
      guard case .permutation(let axes) = columns.attributes(of: node) else { return nil }
      return square(of: operand(0), steps + [.transpose(axes)])
    case .div: return square(of: operand(0), steps + [.scale(.div, operand(1))])
    case .mul:
      return square(of: operand(0), steps + [.scale(.mul, operand(1))])
        ?? square(of: operand(1), steps + [.scale(.mul, operand(0))])
    case .abs: return finish(steps, value) { scaled in squared(scaled(operand(0), nil)) }
    case .hypot:
      return finish(steps, value) { scaled in squared(scaled(operand(0), nil)) + squared(scaled(operand(1), nil)) }
    case .norm:
      guard case .axes(let axes) = columns.attributes(of: node) else { return nil }
      return finish(steps, value) { scaled in builder.sum(squared(scaled(operand(0), axes)), over: axes) }
    default: return nil
    }
  }

  /// Scales are applied before squaring, where nothing leaves the range of numbers that the result does not; layouts
  /// after it.
  private func finish(_ steps: [Step], _ root: Value, _ formula: (_ scaled: (Value, AxisSet?) -> Value) -> Value)
    -> Value?
  {
    var shape = root.shape
    var scales: [(opcode: Opcode, by: Value)] = []
    for (index, step) in steps.enumerated().reversed() {
      switch step {
      case .scale(let opcode, let factor):
        guard let factor = moved(factor, inwards: steps[(index + 1)...], to: root.shape) else { return nil }
        scales.append((opcode, factor))
      case .reshape(let target), .broadcast(let target): shape = target
      case .transpose(let axes): shape = Shape(axes.array.map { shape[$0] })
      }
    }
    var result = formula { value, axes in
      scales.reduce(value) { scaled, scale in
        let factor = axes.map { builder.stretch(scale.by, over: $0, to: value.shape) } ?? scale.by
        return builder.emit(scale.opcode, scaled, factor)
      }
    }
    for step in steps.reversed() {
      switch step {
      case .scale: break
      case .reshape(let target): result = builder.reshape(result, to: target)
      case .broadcast(let target): result = builder.broadcast(result, to: target)
      case .transpose(let axes): result = builder.transpose(result, axes)
      }
    }
    return result
  }

  /// A factor of the value behind some layouts, as one of the root before them; nil where it differs between elements
  /// that are one there.
  private func moved(_ factor: Value, inwards steps: ArraySlice<Step>, to shape: Shape) -> Value? {
    if let scalar = builder.scalarSource(of: factor) { return builder.broadcast(scalar, to: shape) }
    var factor = factor
    var layouts: [Step] = []
    for step in steps {
      if case .scale = step { continue }
      layouts.append(step)
    }
    // From the outermost layout to the shape before it.
    for (index, step) in layouts.enumerated() {
      let inner = self.shape(before: layouts[(index + 1)...], of: shape)
      switch step {
      case .reshape: factor = builder.reshape(factor, to: inner)
      case .transpose(let axes):
        var inverse = axes
        for position in 0..<axes.rank { inverse[axes[position]] = position }
        factor = builder.transpose(factor, inverse)
      case .broadcast: return nil
      case .scale: break
      }
    }
    return factor
  }

  /// The shape that comes of the root's by the layouts up to a place.
  private func shape(before layouts: ArraySlice<Step>, of root: Shape) -> Shape {
    var shape = root
    for step in layouts.reversed() {
      switch step {
      case .reshape(let target), .broadcast(let target): shape = target
      case .transpose(let axes): shape = Shape(axes.array.map { shape[$0] })
      case .scale: break
      }
    }
    return shape
  }

  /// A sign before the root's operand changes nothing: |x|² is x², with its derivatives.
  private func squared(_ value: Value) -> Value {
    var value = value
    for _ in 0..<8 {
      guard let inner = builder.operand(of: value, if: .abs) ?? builder.operand(of: value, if: .neg) else { break }
      value = inner
    }
    return builder.emit(.mul, value, value)
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

/// Constant powers of a length, which may be smooth where the length has a corner: |x|³ has the second derivative
/// 3 (|x| + x xᵀ / |x|), which is 0 at 0. The chain rule through the length comes to 0 · ∞ there.
///
/// Their derivatives are made of |x|^q x / |x|, and those of that of both again. There is one power for each length; a
/// term with the coefficient 0 is left out.
extension RuledPrimitive {
  /// Operands: x, p, the value |x|^p.
  static let lengthPower = RuledPrimitive("length_power") { node in
    guard case .axes(let axes) = node.attributes else { return }
    let p = node.operand(1)
    let slope = node.stretched(node.ct * p) * node.operand(0).radial(p.raised(by: -1), over: axes)
    node.accumulate(slope.leftOut(where: p, axes), 0)
  }

  /// Operands: x, q, the value |x|^q x / |x|. The derivative is |x|^(q - 1) of all, and (q - 1) times that of the part
  /// along x, which is written as a product of two factors of the same kind: one of them is x where that can be.
  static let radialPower = RuledPrimitive(
    "radial_power",
    symmetric: { ct, node, axes in
      let (builder, x, power) = (node.builder, node.x, node.y.raised(by: -1))
      func stretched(_ value: Value) -> Value { builder.stretch(value, over: axes, to: x.shape) }
      let first = power.heldToUnit
      let second = builder.filledNumber(power).flatMap { p in builder.filledNumber(first).map { power.filled(p - $0) } }
      let along = builder.sum(x.radial(second ?? power - first, over: axes) * ct, over: axes) * power
      let part = (stretched(along) * x.radial(first, over: axes)).leftOut(where: power, axes)
      return stretched(x.lengthPower(power, over: axes)) * ct + part
    })
}

extension Value {
  /// |x|^p, with a constant p for each length.
  fileprivate func lengthPower(_ p: Value, over axes: AxisSet, length: Value? = nil) -> Value {
    guard isValid, p.isValid else { return isValid ? p : self }
    let length = length ?? norm(over: axes)
    switch builder.filledNumber(p) {
    case 0: return length.filled(1)
    case 1: return length
    case 2: return builder.sum(self * self, over: axes)
    default: return builder.emit(.lengthPower, [self, p, length.plainPower(p)], .axes(axes))[0]
    }
  }

  /// |x|^q x / |x|, at 0 its limit, where it has one.
  fileprivate func radial(_ q: Value, over axes: AxisSet) -> Value {
    guard isValid, q.isValid else { return isValid ? q : self }
    switch builder.filledNumber(q) {
    case 0: return direction(over: axes)
    case 1: return self
    default:
      let size = builder.stretch(norm(over: axes).plainPower(q), over: axes, to: shape)
      return builder.emit(.radialPower, [self, q, size * direction(over: axes)], .axes(axes))[0]
    }
  }

  /// The power as the kernel computes it, without a look at what it is one of.
  private func plainPower(_ p: Value) -> Value {
    guard isValid else { return self }
    let wasWithinRoot = builder.isWithinRoot
    builder.isWithinRoot = true
    defer { builder.isWithinRoot = wasWithinRoot }
    return emit(.pow, p)
  }

  /// A power with a number added, as a number where it is one.
  fileprivate func raised(by number: Double) -> Value {
    guard isValid else { return self }
    return builder.filledNumber(self).map { filled($0 + number) } ?? self + number
  }

  /// From 0 to 1.
  fileprivate var heldToUnit: Value {
    guard isValid else { return self }
    if let number = builder.filledNumber(self) { return filled(Swift.min(Swift.max(number, 0), 1)) }
    return emit(.maximum, filled(0)).emit(.minimum, filled(1))
  }

  /// 0 where a coefficient, one for each line along axes, is 0. It is a constant.
  fileprivate func leftOut(where coefficient: Value, _ axes: AxisSet) -> Value {
    guard isValid, coefficient.isValid else { return isValid ? coefficient : self }
    if let number = builder.filledNumber(coefficient) { return number == 0 ? builder.zeros(type) : self }
    let isLeftOut = builder.stretch(coefficient.emit(.equal, coefficient.filled(0)), over: axes, to: shape)
    return builder.select(isLeftOut, builder.zeros(type), self)
  }
}

extension GraphBuilder {
  /// What a value is a power of the length of: the vector, the axes and the power.
  private func powerOfLength(_ value: Value) -> (x: Value, axes: AxisSet, power: Double)? {
    guard value.isValid else { return nil }
    let node = columns.producers[Int(value.id)]
    guard case .axes(let axes) = columns.attributes(of: node) else { return nil }
    let x = self.value(columns.operand(node, 0))
    switch columns.opcodes[Int(node)] {
    case .norm: return (x, axes, 1)
    case .lengthPower: return filledNumber(self.value(columns.operand(node, 1))).map { (x, axes, $0) }
    case .sum:
      let factors = columns.producers[Int(x.id)]
      guard columns.opcodes[Int(factors)] == .mul, columns.operand(factors, 0) == columns.operand(factors, 1)
      else { return nil }
      return (self.value(columns.operand(factors, 0)), axes, 2)
    default: return nil
    }
  }

  /// The vector that a value is the length of: that of `hypot` is its operands, side by side; that of a length times
  /// what is known to be positive, as `std` is one, is the vector times it.
  private func length(_ value: Value, depth: Int = 3) -> (x: Value, axes: AxisSet)? {
    let node = columns.producers[Int(value.id)]
    func operand(_ index: Int) -> Value { self.value(columns.operand(node, index)) }
    switch columns.opcodes[Int(node)] {
    case .norm: return powerOfLength(value).map { ($0.x, $0.axes) }
    case .coincident: return depth > 0 ? length(operand(0), depth: depth - 1) : nil
    case .hypot where value.shape.rank < Shape.maximumRank:
      let column = value.shape.appending([1])
      let sides = concat([reshape(operand(0), to: column), reshape(operand(1), to: column)], axis: value.shape.rank)
      return (sides, AxisSet([value.shape.rank]))
    case .mul, .div:
      let opcode = columns.opcodes[Int(node)]
      for (part, factor) in opcode == .mul ? [(0, 1), (1, 0)] : [(0, 1)] where depth > 0 && isPositive(operand(factor))
      {
        guard let (x, axes) = length(operand(part), depth: depth - 1) else { continue }
        return (emit(opcode, x, stretch(operand(factor), over: axes, to: x.shape)), axes)
      }
      return nil
    default: return nil
    }
  }

  /// Whether a value is known to be a positive number: a constant, or 1 over a power of two.
  private func isPositive(_ value: Value) -> Bool {
    if let number = filledNumber(value) { return number > 0 && number < .infinity }
    return self.operand(of: value, if: .reciprocal).flatMap { self.operand(of: $0, if: .scale) } != nil
  }

  /// The vectors that a value has the lengths of, if it has been reshaped and stretched at most: these are too, each
  /// along a last axis.
  private func vectors(of value: Value, depth: Int = 4) -> (x: Value, axes: AxisSet)? {
    if let length = length(value) { return length }
    guard depth > 0, value.shape.rank < Shape.maximumRank,
      let inner = operand(of: value, if: .reshape) ?? operand(of: value, if: .broadcast),
      let (x, axes) = vectors(of: inner, depth: depth - 1)
    else { return nil }
    let lines = lines(x, axes)
    guard lines.isValid else { return nil }
    let count = lines.shape[lines.shape.rank - 1]
    let target = value.shape.appending([count])
    // Stretched far the vectors would be larger by more than all that is asked for.
    guard value.shape.elementCount <= max(4 * inner.shape.elementCount, 4096 / max(count, 1)) else { return nil }
    let last = AxisSet([value.shape.rank])
    if operand(of: value, if: .reshape) != nil { return (reshape(lines, to: target), last) }
    let ones = Shape(repeating: 1, rank: value.shape.rank - inner.shape.rank)
    return (broadcast(reshape(lines, to: ones.appending(inner.shape).appending([count])), to: target), last)
  }

  /// A power of a length with derivatives of its own; nil where the power is no constant, or one up to the second.
  func powerOfLength(_ x: Value, _ p: Value) -> Value? {
    guard !isWithinRoot, x.dtype.isFloating else { return nil }
    if let number = filledNumber(p) {
      guard number > 2 else { return nil }
      // Of a length that is stretched the power is taken before.
      if let inner = operand(of: x, if: .broadcast), let power = powerOfLength(inner, inner.filled(number)) {
        return broadcast(power, to: x.shape)
      }
    } else {
      guard isConstant(operand(of: p, if: .broadcast) ?? p) else { return nil }
    }
    return vectors(of: x).map { $0.x.lengthPower(p, over: $0.axes, length: x) }
  }

  /// A product of powers of one length. That of the length alone with itself is a sum of squares, see ``SquareOfRoot``.
  func productOfPowers(_ x: Value, _ y: Value) -> Value? {
    guard !isWithinRoot, x.isValid, y.isValid else { return nil }
    var (left, right) = (evenPower(x, besides: y) ?? powerOfLength(x), evenPower(y, besides: x) ?? powerOfLength(y))
    // Of others than norm the vector is only made where it is of use.
    if let right, right.power > 1, left == nil { left = length(x).map { ($0.x, $0.axes, 1) } }
    if let left, left.power > 1, right == nil { right = length(y).map { ($0.x, $0.axes, 1) } }
    guard let left, let right, left.x.id == right.x.id, left.axes == right.axes, left.power + right.power > 2,
      left.power != 2 || right.power != 2
    else { return nil }
    return left.x.lengthPower(x.filled(left.power + right.power), over: left.axes)
  }

  /// x² + y² as the square of hypot(x, y), if that is the other factor.
  private func evenPower(_ value: Value, besides other: Value) -> (x: Value, axes: AxisSet, power: Double)? {
    let (sum, node) = (columns.producers[Int(value.id)], columns.producers[Int(other.id)])
    guard columns.opcodes[Int(sum)] == .add, columns.opcodes[Int(node)] == .hypot else { return nil }
    for index in 0..<2 {
      let square = columns.producers[Int(columns.operand(sum, index))]
      let side = columns.operand(node, index)
      guard columns.opcodes[Int(square)] == .mul, columns.operand(square, 0) == side, columns.operand(square, 1) == side
      else { return nil }
    }
    return length(other).map { ($0.x, $0.axes, 2) }
  }
}

/// How two operands of |x| that are 0 at one point cross it together.
///
/// sign(p) sign(q) is 1 or -1 on both sides of a common zero if q is a multiple of p there to first order, as sin(x) is
/// of x. The tangents of both along two directions of the inputs tell, whose entries are as if by chance.
extension GraphBuilder {
  /// The limit of sign(p) sign(q) where both are 0; 0 where one of them does not cross 0 at first order, so that what
  /// is multiplied by it is 0. NaN where there is no limit.
  /// - Returns: nil if they have no input in common: there is no limit either, and it is taken to be 0, the mean of
  ///   what is all around.
  func jointSign(_ p: Value, _ q: Value) -> Value? {
    guard let first = roots(of: p), let second = roots(of: q) else { return p.filled(.nan) }
    if areApart(first, second) { return nil }
    let (a, b) = (tangents(of: p), tangents(of: q))
    guard a.count == 2, b.count == 2 else { return p.filled(.nan) }
    // With few digits, as tangents may have lost some.
    let (left, right) = (a[0] * b[1], a[1] * b[0])
    let noise = (size(left) + size(right)) * (p.dtype == .float32 ? 1e-4 : 1e-9)
    let isMultiple = size(left - right).emit(.lessEqual, noise)
    return select(isMultiple, a[0].emit(.sign) * b[0].emit(.sign), p.filled(.nan))
  }

  /// Not by `abs`, whose corners are looked for.
  private func size(_ value: Value) -> Value { value * value.emit(.sign) }

  /// For each input that a value depends on the parts of it, or itself; nil if there is too much to look through.
  private func roots(of value: Value) -> [ValueID: Set<ValueID>]? {
    var (pending, met, roots) = ([value.id], Set([value.id]), [ValueID: Set<ValueID>]())
    while let next = pending.popLast() {
      guard met.count <= 4096 else { return nil }
      let operands = self.operands(of: self.value(next))
      if let input = operands.first, isInput(input.id), opcode(of: next).isPart {
        roots[input.id, default: []].insert(next)
      } else if operands.isEmpty {
        if !isConstant(self.value(next)) { roots[next, default: []].insert(next) }
      } else {
        for operand in operands where met.insert(operand.id).inserted { pending.append(operand.id) }
      }
    }
    signs.steps += met.count
    return roots
  }

  /// Whether values have no input in common, or other parts of it: those of one kind that are not the same have no
  /// element in common at one position.
  private func areApart(_ first: [ValueID: Set<ValueID>], _ second: [ValueID: Set<ValueID>]) -> Bool {
    first.allSatisfy { input, parts in
      guard let others = second[input] else { return true }
      let all = parts.union(others)
      return parts.isDisjoint(with: others) && !all.contains(input) && Set(all.map(opcode)).count == 1
    }
  }

  private func opcode(of value: ValueID) -> Opcode { columns.opcodes[Int(columns.producers[Int(value)])] }
  private func isInput(_ value: ValueID) -> Bool { opcode(of: value) == .input }

  /// The tangents of a value along two directions of all inputs.
  private func tangents(of value: Value) -> [Value] {
    if let known = signs.tangents[value.id] { return known.map(self.value) }
    guard mayWalk(2 * columns.nodeCount) else { return [] }
    let inputs = columns.inputsAndPlaceholders.map(self.value).filter { $0.dtype.isFloating && !isConstant($0) }
    let found = [0.6180339887498949, 0.7548776662466927].map { step in
      let directions = inputs.enumerated().map { number, input in
        (primal: input, tangent: chance(input.type, step, Double(number + 1) * 0.5698402909980532))
      }
      return tangents(of: [value], along: directions)[0] ?? zeros(value.type)
    }
    signs.tangents[value.id] = found.map(\.id)
    return found
  }

  /// Numbers between a half and one and a half, as if by chance.
  private func chance(_ type: TensorType, _ step: Double, _ start: Double) -> Value {
    let vector = emit(.cast, indexVector(type.shape.elementCount), .dtype(.float64)) * step + start * step
    let parts = vector - vector.emit(.floor) + 0.5
    let numbers = reshape(parts, to: type.shape)
    return type.dtype == .float64 ? numbers : emit(.cast, numbers, .dtype(type.dtype))
  }
}

extension Opcode {
  /// Whether it takes elements out of its operand.
  fileprivate var isPart: Bool { self == .slice || self == .split || self == .gather }
}

extension GraphColumns {
  /// The values that are given, and those that stand for one.
  fileprivate var inputsAndPlaceholders: [ValueID] {
    opcodes.indices.filter { opcodes[$0] == .input }.map { ValueID(firstResult[$0]) }
  }
}

/// Which axes of a value go with which axes of a source: what stands at position i along the one depends, of the
/// source, only on what stands at position i along the other. The derivatives of other pairs are 0 by structure.
///
/// Jacobians take all positions along such axes in one direction. That is less work, and no 0 of a unit vector meets
/// the infinite derivative of another element, which would make NaN.
struct AlignmentPass {
  private let builder: GraphBuilder
  /// For each axis of the source the axis of the value, or none; of values that depend on the source alone.
  private var axes: [ValueID: Shape] = [:]
  private static let none = -1

  /// - Parameter outputs: the values that are asked for.
  init(_ builder: GraphBuilder, source: Value, through outputs: [Value]) {
    self.builder = builder
    guard source.isValid, let last = outputs.filter(\.isValid).map({ builder.columns.producers[Int($0.id)] }).max()
    else { return }
    axes[source.id] = Shape(0..<source.shape.rank)
    let first = builder.columns.producers[Int(source.id)] + 1
    guard first <= last, builder.spend(Int(last - first)) else { return }
    for node in first...last {
      if Int(node) % GraphBuilder.nodesBetweenLooks == 0, !builder.spend(0) { return }
      guard builder.columns.operandRange(node).contains(where: { axes[builder.columns.operands[$0]] != nil })
      else { continue }
      let context = NodeContext(builder: builder, node: node)
      let unaligned = Shape(repeating: AlignmentPass.none, rank: source.shape.rank)
      let aligned = alignment(of: context) ?? unaligned
      for index in 0..<context.resultCount { axes[context.result(index).id] = aligned }
    }
  }

  /// Pairs of an axis of the source and one of the value; nil where the value does not depend on the source.
  func pairs(of value: Value) -> [(source: Int, value: Int)]? {
    guard value.isValid, let axes = axes[value.id] else { return nil }
    return axes.array.enumerated().filter { $1 != AlignmentPass.none }.map { ($0, $1) }
  }

  /// What is known of a node's results; nil where that is nothing.
  private func alignment(of node: NodeContext) -> Shape? {
    let (opcode, result) = (builder.columns.opcodes[Int(node.node)], node.result().shape)
    let operands = (0..<node.operandCount).map(node.operand)
    let primitive = opcode.primitive
    if primitive is RuledPrimitive || primitive is WeightedPrimitive && operands.count == 3 {
      return axes[operands[operands.count - 1].id]
    }
    if opcode == .matmul { return product(operands[0], operands[1]) }
    let areAlike = operands.allSatisfy { $0.shape == result }
    switch node.attributes {
    case _ where AlignmentPass.isElementwise(opcode, primitive): return areAlike ? common(operands) : nil
    case .axes(let reduced) where operands.count == 1 && node.resultCount == 1:
      let x = operands[0]
      if areAlike { return common(operands).map { without(reduced, $0) } }
      guard result == x.shape.removing(reduced), let aligned = axes[x.id] else { return nil }
      return renumbered(aligned) { axis in
        reduced.contains(axis) ? nil : (0..<axis).filter { !reduced.contains($0) }.count
      }
    case .scan(let scan) where areAlike: return common(operands).map { without(AxisSet([scan.axis]), $0) }
    case .partition(let axis, _): return axes[operands[0].id].map { without(AxisSet([axis]), $0) }
    case .axis(let axis) where opcode == .concat: return common(operands).map { without(AxisSet([axis]), $0) }
    case .shape where opcode == .broadcast:
      let (from, added) = (operands[0].shape, result.rank - operands[0].shape.rank)
      return axes[operands[0].id].map {
        renumbered($0) { from[$0] == result[$0 + added] ? $0 + added : nil }
      }
    case .shape where opcode == .reshape: return reshaped(operands[0], to: result)
    case .permutation(let order):
      return axes[operands[0].id].map { renumbered($0) { axis in order.array.firstIndex(of: axis) } }
    case .window(let window) where opcode == .slice || opcode == .unslice:
      return axes[operands[0].id].map { renumbered($0) { window.isWhole(along: $0) ? $0 : nil } }
    default: return nil
    }
  }

  private static func isElementwise(_ opcode: Opcode, _ primitive: any Primitive) -> Bool {
    switch opcode {
    case .select, .cast, .stopGradient, .settled, .guarded, .kept, .coincident, .signed, .betaInc, .powDerivative: true
    default: primitive is PointwisePrimitive
    }
  }

  private func renumbered(_ aligned: Shape, _ number: (Int) -> Int?) -> Shape {
    Shape(aligned.array.map { $0 == AlignmentPass.none ? $0 : number($0) ?? AlignmentPass.none })
  }

  private func without(_ lost: AxisSet, _ aligned: Shape) -> Shape {
    renumbered(aligned) { lost.contains($0) ? nil : $0 }
  }

  /// What all of the operands that depend on the source agree on.
  private func common(_ operands: [Value]) -> Shape? {
    let aligned = operands.compactMap { axes[$0.id] }
    guard let first = aligned.first else { return nil }
    return aligned.dropFirst().reduce(first) { all, other in
      Shape(zip(all.array, other.array).map { $0 == $1 ? $0 : AlignmentPass.none })
    }
  }

  /// Axes of which size and step stay the same.
  private func reshaped(_ x: Value, to shape: Shape) -> Shape? {
    guard let aligned = axes[x.id], !shape.isEmpty else { return nil }
    let (from, to) = (x.shape.rowMajorStrides, shape.rowMajorStrides)
    return renumbered(aligned) { axis in
      (0..<shape.rank).first { shape[$0] == x.shape[axis] && to[$0] == from[axis] }
    }
  }

  /// Axes of the stack, and rows of the left or columns of the right if the other does not depend on the source.
  private func product(_ x: Value, _ y: Value) -> Shape? {
    guard x.shape.rank == y.shape.rank, let aligned = common([x, y]) else { return nil }
    let rank = x.shape.rank
    let kept = axes[y.id] == nil ? rank - 2 : axes[x.id] == nil ? rank - 1 : rank
    return renumbered(aligned) { $0 < rank - 2 || $0 == kept ? $0 : nil }
  }
}

extension Window {
  /// Whether all positions along an axis stay where they are.
  fileprivate func isWhole(along axis: Int) -> Bool {
    sizes[axis] == whole[axis] && starts[axis] == 0 && steps[axis] == 1
  }
}

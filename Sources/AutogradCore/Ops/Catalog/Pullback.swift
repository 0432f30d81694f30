/// A node in the reverse pass: its cotangents, and where its operands' cotangents go.
public struct Pullback {
  let cotangents: Cotangents
  public let context: NodeContext

  public var builder: GraphBuilder { cotangents.builder }
  public var attributes: Attributes { context.attributes }
  public var operandCount: Int { context.operandCount }
  public var resultCount: Int { context.resultCount }
  public func operand(_ index: Int) -> Value { context.operand(index) }
  public func result(_ index: Int) -> Value { context.result(index) }

  /// The cotangent of a result; nil, never a tensor of zeros, if nothing downstream uses it.
  public func cotangent(_ index: Int) -> Value? { cotangents.cotangent(of: context.result(index).id) }

  /// The cotangent of the first result, which always exists for operations with one result.
  public var ct: Value { cotangent(0) ?? builder.zeros(result(0).type) }

  /// Whether an operand is itself a target of derivatives.
  func isTarget(_ operand: Int) -> Bool { cotangents.targets.contains(context.operand(operand).id) }

  /// Whether the cotangent of an operand is needed.
  public func wants(_ operand: Int) -> Bool { cotangents.wants(context.operand(operand).id) }

  /// Adds to the cotangent of an operand.
  public func accumulate(_ value: Value, _ operand: Int) {
    if wants(operand) { cotangents.accumulate(value, to: context.operand(operand), rule: context.node) }
  }
}

/// The cotangents of a builder's values during a reverse pass.
final class Cotangents {
  let builder: GraphBuilder
  /// The targets of derivatives.
  let targets: Set<ValueID>
  private let marks: PassMarks
  /// If there are more float32 terms than this, they are added in double: a value may have ten thousand uses.
  private static let mostNarrowTerms: UInt8 = 4

  init(_ builder: GraphBuilder, targets: Set<ValueID>) {
    self.builder = builder
    self.targets = targets
    marks = builder.idleMarks.popLast() ?? PassMarks()
    marks.fit(builder.columns)
  }

  deinit {
    marks.clear()
    builder.idleMarks.append(marks)
  }

  /// The nodes from `start` on that lead to values, in order.
  func nodes(leadingTo values: [Value], from start: NodeID) -> [NodeID] {
    marks.nodes(leadingTo: values, from: start, builder.columns)
  }

  func want(_ value: ValueID) { marks.want(value) }

  func wants(_ value: ValueID) -> Bool { marks.wanted[Int(value)] }

  func cotangent(of value: ValueID) -> Value? {
    let id = marks.cotangents[Int(value)]
    guard id != PassMarks.none else { return nil }
    let (sum, dtype) = (builder.value(id), builder.value(value).dtype)
    return sum.dtype == dtype ? sum : builder.emit(.cast, sum, .dtype(dtype))
  }

  /// Each use of a value adds its cotangent; many float32 terms are added in double.
  func accumulate(_ value: Value, to target: Value, rule node: NodeID) {
    guard value.isValid else { return }
    guard value.typeID == target.typeID else {
      builder.fail(
        GraphError(
          .internal, "the derivative gives a cotangent of type \(value.type) to an operand of type \(target.type)",
          operation: builder.columns.operationName(of: node)))
      return
    }
    let before = marks.cotangents[Int(target.id)]
    guard before != PassMarks.none else { return marks.set(value.id, of: target.id) }
    var (sum, term) = (builder.value(before), value)
    if value.dtype == .float32, marks.countTerm(of: target.id) > Cotangents.mostNarrowTerms {
      if sum.dtype == .float32 { sum = builder.emit(.cast, sum, .dtype(.float64)) }
      term = builder.emit(.cast, value, .dtype(.float64))
    }
    marks.set(builder.emit(.add, sum, term).id, of: target.id)
  }

  func seed(_ output: Value, with cotangent: Value) {
    guard output.isValid, cotangent.isValid, wants(output.id) else { return }
    guard cotangent.typeID == output.typeID else {
      builder.fail(GraphError(.shapeMismatch, "the cotangent is \(cotangent.type), the value is \(output.type)"))
      return
    }
    accumulate(cotangent, to: output, rule: builder.columns.producers[Int(output.id)])
  }

  func isKnown(_ value: ValueID) -> Bool { marks.cotangents[Int(value)] != PassMarks.none }

  /// Clears everything noted about a value.
  func forget(_ value: ValueID) { marks.clear(value) }
}

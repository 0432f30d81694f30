/// How a primitive handles a leading axis of examples that all or some of its operands have. Every primitive must state
/// it, because a wrong default would mix examples without an error.
public enum Batching: Sendable {
  /// The same primitive, with that axis in front of every operand; axes in attributes are shifted by one.
  case stacked
  /// A rule that emits other nodes, and returns the results, each with the axis.
  case rule(@Sendable (BatchedNode) -> [Value])
  /// Each example separately.
  case oneByOne
  /// It has no operands.
  case none
}

/// For each value from a first one on, its batched counterpart; none if all examples share the value.
struct ExampleStacks {
  private static let none: ValueID = -1
  private let first: ValueID
  private var stacks: [ValueID]

  init(from first: ValueID, count: Int) {
    self.first = first
    stacks = Array(repeating: ExampleStacks.none, count: count)
  }

  func hasStack(_ value: ValueID) -> Bool { stack(of: value) != nil }

  func stack(of value: ValueID) -> ValueID? {
    guard value >= first, Int(value - first) < stacks.count, stacks[Int(value - first)] != ExampleStacks.none else {
      return nil
    }
    return stacks[Int(value - first)]
  }

  mutating func set(_ stack: ValueID, of value: ValueID) { stacks[Int(value - first)] = stack }
}

/// A node with some operands that have a leading axis of examples.
public struct BatchedNode {
  public let context: NodeContext
  /// How many examples there are.
  public let size: Int
  let stacks: ExampleStacks

  /// Limit of this method, because each example adds its own nodes.
  private static let mostOneByOne = 4096

  public var builder: GraphBuilder { context.builder }
  public var attributes: Attributes { context.attributes }
  public func operand(_ index: Int) -> Value { context.operand(index) }
  public func isBatched(_ index: Int) -> Bool { stacks.hasStack(operand(index).id) }
  func withAxis(_ shape: Shape) -> Shape { Shape([size]).appending(shape) }

  private var opcode: Opcode { builder.columns.opcodes[Int(context.node)] }

  /// An operand with the axis; a shared one is repeated, as a layout.
  public func stacked(_ index: Int) -> Value {
    let value = operand(index)
    return stack(of: value) ?? builder.broadcast(value, to: withAxis(value.shape))
  }

  private func stack(of value: Value) -> Value? { stacks.stack(of: value.id).map(builder.value) }

  /// The node's results, each with the axis.
  func results() -> [Value] {
    guard context.result(0).shape.rank < Shape.maximumRank,
      (0..<context.operandCount).allSatisfy({ operand($0).shape.rank < Shape.maximumRank })
    else {
      return [builder.fail(GraphError.noAxisForExamples.with(operation: opcode.name))]
    }
    return switch opcode.primitive.batch {
    case .stacked: allStacked()
    case .rule(let rule): rule(self)
    case .oneByOne: oneByOne()
    case .none: []
    }
  }

  func allStacked() -> [Value] {
    builder.emit(opcode, (0..<context.operandCount).map(stacked), attributes.behindAxis(of: size))
  }

  func oneByOne() -> [Value] {
    guard size <= BatchedNode.mostOneByOne else {
      let error = GraphError(
        .limitExceeded, "runs for one example after the other here, at most \(BatchedNode.mostOneByOne) of them",
        limit: .work(BatchedNode.mostOneByOne), value: size)
      return [builder.fail(error.with(operation: opcode.name))]
    }
    guard size > 0 else {
      return (0..<context.resultCount).map {
        builder.zeros(TensorType(context.result($0).dtype, withAxis(context.result($0).shape)))
      }
    }
    var columns: [[Value]] = Array(repeating: [], count: context.resultCount)
    for example in 0..<size {
      guard builder.firstError == nil else { return [builder.value(-1)] }
      let operands = (0..<context.operandCount).map { part($0, example) }
      for (index, result) in builder.emit(opcode, operands, attributes).enumerated() where index < columns.count {
        columns[index].append(builder.reshape(result, to: Shape([1]).appending(context.result(index).shape)))
      }
    }
    return columns.map { $0.contains { !$0.isValid } ? builder.value(-1) : builder.concat($0, axis: 0) }
  }

  /// An example's operand.
  private func part(_ index: Int, _ example: Int) -> Value {
    guard let stack = stack(of: operand(index)) else { return operand(index) }
    let shape = operand(index).shape
    return builder.reshape(
      builder.emit(.slice, stack, .window(Window(example: example, of: withAxis(shape)))), to: shape)
  }
}

extension GraphError {
  /// A batch would need more axes than the maximum.
  static var noAxisForExamples: GraphError {
    GraphError(
      .limitExceeded, "a batch of tensors of rank \(Shape.maximumRank) would have one axis too many",
      limit: .rank(Shape.maximumRank), value: Shape.maximumRank + 1)
  }
}

extension Attributes {
  /// The same with a leading axis of the given size.
  fileprivate func behindAxis(of size: Int) -> Attributes {
    switch self {
    case .none, .dtype, .derivative, .solve, .scalar, .index: self
    case .shape(let shape): .shape(Shape([size]).appending(shape))
    case .permutation(let axes): .permutation(Shape([0] + axes.array.map { $0 + 1 }))
    case .axes(let axes): .axes(AxisSet(axes.array.map { $0 + 1 }))
    case .axis(let axis): .axis(axis + 1)
    case .along(let axis, let size): .along(axis: axis + 1, size: size)
    case .partition(let axis, let sizes): .partition(axis: axis + 1, sizes: sizes)
    case .window(let window): .window(window.behindAxis(of: size))
    case .scan(let scan): .scan(Scan(axis: scan.axis + 1, reverse: scan.reverse))
    }
  }
}

extension Window {
  fileprivate func behindAxis(of size: Int) -> Window {
    Window(
      starts: Shape([0]).appending(starts), steps: Shape([1]).appending(steps), sizes: Shape([size]).appending(sizes),
      whole: Shape([size]).appending(whole))
  }

  /// One index along the leading axis.
  fileprivate init(example: Int, of whole: Shape) {
    self.init(
      starts: Shape(repeating: 0, rank: whole.rank), steps: Shape(repeating: 1, rank: whole.rank), sizes: whole,
      whole: whole)
    starts[0] = example
    sizes[0] = 1
  }
}

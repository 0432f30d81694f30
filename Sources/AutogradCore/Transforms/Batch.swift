/// Runs part of a graph for many examples at once: every value that depends on a batched one gets a leading axis of
/// examples, the others stay as they are. Jacobians and Hessians compute all directions this way.
struct BatchPass {
  let builder: GraphBuilder
  let size: Int
  /// The first node that can depend on a batched value.
  private let start: NodeID
  private var stacks: ExampleStacks

  /// - Parameter values: each with its batched counterpart: its shape after an axis of `size`.
  init(_ builder: GraphBuilder, size: Int, _ values: [(value: Value, batched: Value)]) {
    self.builder = builder
    self.size = size
    let columns = builder.columns
    start =
      values.lazy.filter(\.value.isValid).map { columns.producers[Int($0.value.id)] }.min() ?? NodeID(columns.nodeCount)
    let first = Int(start) < columns.nodeCount ? columns.firstResult[Int(start)] : ValueID(columns.valueCount)
    stacks = ExampleStacks(from: first, count: columns.valueCount - Int(first))
    for (value, stack) in values where value.isValid { stacks.set(stack.id, of: value.id) }
  }

  /// How many nodes ``run(through:)`` visits.
  func length(through last: NodeID) -> Int { max(0, Int(last - start) + 1) }

  mutating func run(through last: NodeID) {
    guard last >= start else { return }
    for node in start...last {
      guard builder.columns.operandRange(node).contains(where: { stacks.hasStack(builder.columns.operands[$0]) })
      else { continue }
      let context = NodeContext(builder: builder, node: node)
      let label = builder.label
      builder.label = builder.columns.labels[Int(node)]
      let results = BatchedNode(context: context, size: size, stacks: stacks).results()
      builder.label = label
      for (index, result) in results.enumerated() where index < context.resultCount {
        stacks.set(result.id, of: context.result(index).id)
      }
      if builder.firstError != nil { return }
    }
  }

  /// The value with its leading axis; one that does not depend on the batch is repeated, as a layout.
  func stack(_ value: Value) -> Value {
    guard value.isValid else { return value }
    guard value.shape.rank < Shape.maximumRank else { return builder.fail(.noAxisForExamples) }
    return stacks.stack(of: value.id).map(builder.value)
      ?? builder.broadcast(value, to: Shape([size]).appending(value.shape))
  }
}

extension GraphBuilder {
  /// Adds nodes that compute outputs for a whole batch.
  ///
  /// - Parameters:
  ///   - values: inputs or intermediate values, each with its batched counterpart: its shape after an axis of `size`.
  /// - Returns: each output, with that axis in front.
  package func batched(_ outputs: [Value], size: Int, over values: [(value: Value, batched: Value)]) -> [Value] {
    var pass = BatchPass(self, size: size, values)
    let last = outputs.filter(\.isValid).map { columns.producers[Int($0.id)] }.max() ?? -1
    guard spend(pass.length(through: last)) else { return outputs }
    pass.run(through: last)
    return outputs.map(pass.stack)
  }
}

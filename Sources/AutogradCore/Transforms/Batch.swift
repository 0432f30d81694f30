/// Runs part of a graph for many examples at once: every value that depends on a batched one gets a leading axis of examples, the others
/// stay as they are. Jacobians and Hessians push all their directions through this way.
struct BatchPass {
  let builder: GraphBuilder
  let size: Int
  /// The first node that can depend on a batched value, and the first value that it makes.
  private let start: NodeID
  private let first: ValueID
  /// For each value from there on what stands for it; -1 for one that does not depend on the batch.
  private var batched: [ValueID]

  /// - Parameter values: each with what stands for it, of its shape behind an axis of `size`.
  init(_ builder: GraphBuilder, size: Int, _ values: [(value: Value, batched: Value)]) {
    self.builder = builder
    self.size = size
    let columns = builder.columns
    start = values.lazy.filter(\.value.isValid).map { columns.producers[Int($0.value.id)] }.min() ?? NodeID(columns.nodeCount)
    first = Int(start) < columns.nodeCount ? columns.firstResult[Int(start)] : ValueID(columns.valueCount)
    batched = Array(repeating: -1, count: columns.valueCount - Int(first))
    for (value, stack) in values where value.isValid { batched[Int(value.id - first)] = stack.id }
  }

  private func stack(of value: ValueID) -> Value? {
    guard value >= first, Int(value - first) < batched.count, batched[Int(value - first)] >= 0 else { return nil }
    return builder.value(batched[Int(value - first)])
  }

  /// How many nodes ``run(through:)`` looks at.
  func length(through last: NodeID) -> Int { max(0, Int(last - start) + 1) }

  mutating func run(through last: NodeID) {
    guard last >= start else { return }
    for node in start...last {
      guard builder.columns.operandRange(node).contains(where: { stack(of: builder.columns.operands[$0]) != nil }) else { continue }
      let context = NodeContext(builder: builder, node: node)
      let label = builder.label
      builder.label = builder.columns.labels[Int(node)]
      let results = BatchedNode(pass: self, context: context).results()
      builder.label = label
      for (index, result) in results.enumerated() where index < context.resultCount {
        batched[Int(context.result(index).id - first)] = result.id
      }
      if builder.firstError != nil { return }
    }
  }

  static var rankError: GraphError {
    GraphError(
      .limitExceeded, "a batch of tensors of rank \(Shape.maximumRank) would have one axis too many", limit: .rank(Shape.maximumRank),
      value: Shape.maximumRank + 1)
  }

  func isBatched(_ value: Value) -> Bool { stack(of: value.id) != nil }

  /// The value with its leading axis; one that does not depend on the batch is repeated, as a layout.
  func stack(_ value: Value) -> Value {
    guard value.isValid else { return value }
    guard value.shape.rank < Shape.maximumRank else { return builder.fail(BatchPass.rankError) }
    return stack(of: value.id) ?? builder.broadcast(value, to: Shape([size]).appending(value.shape))
  }
}

/// A node with a leading axis.
private struct BatchedNode {
  let pass: BatchPass
  let context: NodeContext

  private var builder: GraphBuilder { pass.builder }
  /// Each example makes nodes of its own.
  private static let mostOneByOne = 4096

  private var opcode: Opcode { builder.columns.opcodes[Int(context.node)] }
  private func stacked(_ operand: Int) -> Value { pass.stack(context.operand(operand)) }
  private func withAxis(_ shape: Shape) -> Shape { Shape([pass.size]).appending(shape) }

  func results() -> [Value] {
    guard context.result(0).shape.rank < Shape.maximumRank,
      (0..<context.operandCount).allSatisfy({ context.operand($0).shape.rank < Shape.maximumRank })
    else {
      return [builder.fail(BatchPass.rankError.with(operation: opcode.name))]
    }
    switch context.attributes {
    case .none: return opcode == .matmul ? [matmul()] : all(.none)
    case .dtype, .derivative: return all(context.attributes)
    case .shape(let shape): return [reshaped(to: shape)]
    case .permutation(let axes): return all(.permutation(Shape([0] + axes.array.map { $0 + 1 })))
    case .axes(let axes): return all(.axes(AxisSet(axes.array.map { $0 + 1 })))
    case .axis(let axis): return all(.axis(axis + 1))
    case .along(let axis, let size): return gathered(.along(axis: axis + 1, size: size))
    case .partition(let axis, let sizes): return all(.partition(axis: axis + 1, sizes: sizes))
    case .window(let window): return all(.window(window.behindAxis(of: pass.size)))
    case .scan(let scan): return all(.scan(Scan(axis: scan.axis + 1, reverse: scan.reverse)))
    case .solve(let form): return [solved(form)]
    case .scalar: return []
    case .index: return oneByOne()
    }
  }

  private func all(_ attributes: Attributes) -> [Value] {
    builder.emit(opcode, (0..<context.operandCount).map(stacked), attributes)
  }

  /// `reshape`, and `broadcast`, which aligns at the last axis: its operand first gets the axes that it lacks.
  private func reshaped(to shape: Shape) -> Value {
    let x = stacked(0)
    guard opcode == .broadcast else { return builder.reshape(x, to: withAxis(shape)) }
    let inner = context.operand(0).shape
    let aligned = Shape(repeating: 1, rank: shape.rank - inner.rank).appending(inner)
    return builder.broadcast(builder.reshape(x, to: withAxis(aligned)), to: withAxis(shape))
  }

  /// A single right matrix serves the whole batch as one product of a taller left matrix.
  private func matmul() -> Value {
    let (x, y) = (context.operand(0), context.operand(1))
    guard x.shape.rank == 2, !pass.isBatched(y) else { return all(.none)[0] }
    let (m, k, n) = (x.shape[0], x.shape[1], y.shape[1])
    let product = builder.emit(.matmul, builder.reshape(stacked(0), to: [pass.size * m, k]), y)
    return builder.reshape(product, to: [pass.size, m, n])
  }

  /// A single matrix serves the whole batch as one equation with more right sides.
  private func solved(_ form: SolveForm) -> Value {
    let last = context.operandCount - 1
    let matrices = (0..<last).map(context.operand)
    guard matrices[0].shape.rank == 2, !matrices.contains(where: pass.isBatched) else { return all(.solve(form))[0] }
    return builder.solve(matrices, stacked(last)) { builder.emit(opcode, $0 + [$1], .solve(form))[0] }
  }

  /// One set of indices serves the whole batch; a set for each example goes example by example, unless the form has indices for every element
  /// anyway.
  private func gathered(_ attributes: Attributes) -> [Value] {
    guard [.gather, .scatterAdd, .scatterMax, .argselect].contains(opcode) else { return all(attributes) }
    return pass.isBatched(context.operand(1)) ? oneByOne() : builder.emit(opcode, [stacked(0), context.operand(1)], attributes)
  }

  /// A library user's operation knows nothing of batches: each example by itself.
  private func oneByOne() -> [Value] {
    guard pass.size <= BatchedNode.mostOneByOne else {
      let error = GraphError(
        .limitExceeded, "runs for one example after the other here, at most \(BatchedNode.mostOneByOne) of them",
        limit: .work(BatchedNode.mostOneByOne), value: pass.size)
      return [builder.fail(error.with(operation: opcode.name))]
    }
    guard pass.size > 0 else {
      return (0..<context.resultCount).map { builder.zeros(TensorType(context.result($0).dtype, withAxis(context.result($0).shape))) }
    }
    var columns: [[Value]] = Array(repeating: [], count: context.resultCount)
    for example in 0..<pass.size {
      guard builder.firstError == nil else { return [builder.value(-1)] }
      let operands = (0..<context.operandCount).map { index -> Value in
        let operand = context.operand(index)
        guard pass.isBatched(operand) else { return operand }
        let row = builder.emit(.slice, stacked(index), .window(Window(example: example, of: withAxis(operand.shape))))
        return builder.reshape(row, to: operand.shape)
      }
      for (index, result) in builder.emit(opcode, operands, context.attributes).enumerated() where index < columns.count {
        columns[index].append(builder.reshape(result, to: Shape([1]).appending(context.result(index).shape)))
      }
    }
    return columns.map { $0.contains { !$0.isValid } ? builder.value(-1) : builder.concat($0, axis: 0) }
  }
}

extension Window {
  fileprivate func behindAxis(of size: Int) -> Window {
    Window(
      starts: Shape([0]).appending(starts), steps: Shape([1]).appending(steps), sizes: Shape([size]).appending(sizes),
      whole: Shape([size]).appending(whole))
  }

  /// One position of the leading axis.
  fileprivate init(example: Int, of whole: Shape) {
    self.init(
      starts: Shape(repeating: 0, rank: whole.rank), steps: Shape(repeating: 1, rank: whole.rank), sizes: whole, whole: whole)
    starts[0] = example
    sizes[0] = 1
  }
}

extension GraphBuilder {
  /// Writes outputs for a whole batch behind the graph so far.
  ///
  /// - Parameters:
  ///   - values: inputs or intermediate values, each with what stands for it: its shape behind an axis of `size`.
  /// - Returns: each output behind that axis.
  package func batched(_ outputs: [Value], size: Int, over values: [(value: Value, batched: Value)]) -> [Value] {
    var pass = BatchPass(self, size: size, values)
    let last = outputs.filter(\.isValid).map { columns.producers[Int($0.id)] }.max() ?? -1
    guard spend(pass.length(through: last)) else { return outputs }
    pass.run(through: last)
    return outputs.map(pass.stack)
  }
}

/// A node in the reverse pass: its cotangents, and where its operands' cotangents go.
public struct Pullback {
  let pass: ReversePass
  public let context: NodeContext

  public var builder: GraphBuilder { pass.builder }
  public var attributes: Attributes { context.attributes }
  public var operandCount: Int { context.operandCount }
  public var resultCount: Int { context.resultCount }
  public func operand(_ index: Int) -> Value { context.operand(index) }
  public func result(_ index: Int) -> Value { context.result(index) }

  /// The cotangent of a result; nil, never a tensor of zeros, where nothing downstream uses it.
  public func cotangent(_ index: Int) -> Value? { pass.cotangent(of: context.result(index).id) }

  /// The cotangent of the first result, which an operation of one result always has here.
  public var ct: Value { cotangent(0) ?? builder.zeros(result(0).type) }

  /// Whether an operand is what derivatives are taken by, and not only on the way there.
  func isTarget(_ operand: Int) -> Bool { pass.targets.contains(context.operand(operand).id) }

  /// Whether the cotangent of an operand is asked for.
  public func wants(_ operand: Int) -> Bool { pass.wants(context.operand(operand).id) }

  /// Adds to the cotangent of an operand.
  public func accumulate(_ value: Value, _ operand: Int) {
    if wants(operand) { pass.accumulate(value, to: context.operand(operand), rule: context.node) }
  }
}

/// Walks a builder's nodes backwards and writes the cotangents of everything asked for behind them.
final class ReversePass {
  let builder: GraphBuilder
  private let marks: PassMarks
  /// Those that lie between the targets and the outputs, in order.
  private let nodes: [NodeID]
  /// What derivatives are taken by.
  let targets: Set<ValueID>
  /// More terms of float32 than these are added in double: a value may have ten thousand uses.
  private static let mostNarrowTerms: UInt8 = 4

  /// - Parameters:
  ///   - outputs: what cotangents will come from.
  ///   - primals: what a forward pass that uses this one has directions of.
  init(_ builder: GraphBuilder, of outputs: [Value], withRespectTo targets: [Value], along primals: Set<ValueID> = []) {
    self.builder = builder
    let columns = builder.columns
    self.targets = primals.union(targets.map(\.id))
    marks = builder.idleMarks.popLast() ?? PassMarks()
    marks.fit(columns)
    // No node before the first target depends on one.
    let start = targets.lazy.filter(\.isValid).map { columns.producers[Int($0.id)] }.min() ?? 0
    nodes = marks.nodes(leadingTo: outputs, from: start, columns)
    for target in targets where target.isValid { marks.want(target.id) }
    for node in nodes {
      guard columns.operandRange(node).contains(where: { wants(columns.operands[$0]) }) else { continue }
      for result in columns.resultRange(node) where columns.type(of: ValueID(result)).dtype.isFloating {
        marks.want(ValueID(result))
      }
    }
  }

  deinit {
    marks.clear()
    builder.idleMarks.append(marks)
  }

  var nodeCount: Int { nodes.count }

  func wants(_ value: ValueID) -> Bool { marks.wanted[Int(value)] }

  func cotangent(of value: ValueID) -> Value? {
    let id = marks.cotangents[Int(value)]
    guard id != PassMarks.none else { return nil }
    let (sum, dtype) = (builder.value(id), builder.value(value).dtype)
    return sum.dtype == dtype ? sum : builder.emit(.cast, sum, .dtype(dtype))
  }

  /// Fan-out accumulates: each use of a value adds its share, of float32 in double once there are many.
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
    if value.dtype == .float32, marks.countTerm(of: target.id) > ReversePass.mostNarrowTerms {
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

  func run() {
    for node in nodes.reversed() {
      let results = builder.columns.resultRange(node)
      guard results.contains(where: { marks.cotangents[$0] != PassMarks.none }) else { continue }
      let label = builder.label
      builder.label = builder.columns.labels[Int(node)]
      pullBack(Pullback(pass: self, context: NodeContext(builder: builder, node: node)))
      builder.label = label
      if builder.firstError != nil { return }
    }
  }

  /// The cotangents of one node's operands, given those of its results; the pass is as before then, and serves any number of nodes.
  func pulledBack(_ node: NodeContext, _ cotangents: [Value], wanted operands: [Value]) -> [(value: Value, cotangent: Value)] {
    let results = (0..<node.resultCount).map(node.result)
    for value in operands + results where value.dtype.isFloating { marks.want(value.id) }
    for (result, cotangent) in zip(results, cotangents) { seed(result, with: cotangent) }
    pullBack(Pullback(pass: self, context: node))
    let pulled = operands.compactMap { operand in cotangent(of: operand.id).map { (value: operand, cotangent: $0) } }
    for value in operands + results { marks.clear(value.id) }
    return pulled
  }

  func pullBack(_ node: Pullback) {
    switch builder.columns.opcodes[Int(node.context.node)].primitive.derivative {
    case .none: break
    case .linear(let transpose): transpose(node)
    case .bilinear(let left, let right):
      if node.wants(0) { node.accumulate(left(node.ct, node.operand(1)), 0) }
      if node.wants(1) { node.accumulate(right(node.ct, node.operand(0)), 1) }
    case .pointwise(let partials):
      for (index, partial) in partials.enumerated() where node.wants(index) {
        node.accumulate(partial(node.ct, node.context), index)
      }
    case .rule(let vjp): vjp(node)
    case .custom: CustomPrimitive.pullBack(node)
    }
  }
}

extension GraphBuilder {
  /// Writes the gradients of outputs behind the graph so far: reverse mode, from graph to graph, so that gradients can be differentiated
  /// again.
  ///
  /// - Parameters:
  ///   - outputs: what is differentiated, each with its cotangent (of the same type).
  ///   - targets: inputs or intermediate values; each gradient is total, through every path.
  /// - Returns: for each target its gradient, of the target's type, or nil where no output depends on it.
  public func gradients(of outputs: [(value: Value, cotangent: Value)], withRespectTo targets: [Value]) -> [Value?] {
    for (index, target) in targets.enumerated() where target.isValid && lookedThrough.contains(target.id) {
      let node = columns.producers[Int(target.id)]
      if columns.opcodes[Int(node)] != .input {
        _ = fail(
          GraphError(
            .invalidAttribute,
            "target \(index), a \(columns.opcodes[Int(node)]), was simplified away in what is computed from it, so its "
              + "gradient is lost; call keepAsTarget on it first, and use what that returns"))
      }
    }
    return gradientsAnyway(of: outputs, withRespectTo: targets)
  }

  /// The same where targets were made to be targets.
  package func gradientsAnyway(of outputs: [(value: Value, cotangent: Value)], withRespectTo targets: [Value]) -> [Value?] {
    let pass = ReversePass(self, of: outputs.map(\.value), withRespectTo: targets)
    guard spend(pass.nodeCount) else { return targets.map { _ in nil } }
    for (output, cotangent) in outputs where output.isValid { pass.seed(output, with: cotangent) }
    pass.run()
    return targets.map { $0.isValid ? pass.cotangent(of: $0.id) : nil }
  }
}

/// The vector-Jacobian product as a graph: (primals…, cotangents…) -> (outputs…, gradients…), with a cotangent for every floating output and
/// a gradient for every floating input, in order.
/// - Throws: `internal` if a derivative rule yields a value of the wrong type, naming the rule.
public func vjp(_ graph: Graph) throws(GraphError) -> Graph {
  let builder = GraphBuilder(extending: graph)
  let outputs = graph.outputs.map(builder.value)
  let primals = graph.columns.inputs.map(builder.value).filter { $0.dtype.isFloating }
  let seeds = outputs.enumerated().filter { $1.dtype.isFloating }.map { index, output in
    (value: output, cotangent: builder.input("ct\(index)", output.dtype, output.shape))
  }
  let gradients = builder.gradients(of: seeds, withRespectTo: primals)
  let results = zip(primals, gradients).map { primal, gradient in gradient ?? builder.zeros(primal.type) }
  return try builder.graph(outputs: outputs + results)
}

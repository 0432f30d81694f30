/// Visits a builder's nodes backwards and adds the cotangents of the targets.
struct ReversePass {
  let cotangents: Cotangents
  /// The nodes between the targets and the outputs, in order.
  private let nodes: [NodeID]

  private var builder: GraphBuilder { cotangents.builder }

  /// - Parameters:
  ///   - outputs: the differentiated values.
  ///   - primals: the values with directions, in a forward pass that uses this one.
  init(_ builder: GraphBuilder, of outputs: [Value], withRespectTo targets: [Value], along primals: Set<ValueID> = []) {
    let columns = builder.columns
    cotangents = Cotangents(builder, targets: primals.union(targets.map(\.id)))
    // No node before the first target depends on one.
    let start = targets.lazy.filter(\.isValid).map { columns.producers[Int($0.id)] }.min() ?? 0
    nodes = cotangents.nodes(leadingTo: outputs, from: start)
    for target in targets where target.isValid { cotangents.want(target.id) }
    for node in nodes {
      guard columns.operandRange(node).contains(where: { cotangents.wants(columns.operands[$0]) }) else { continue }
      for result in columns.resultRange(node) where columns.type(of: ValueID(result)).dtype.isFloating {
        cotangents.want(ValueID(result))
      }
    }
  }

  var nodeCount: Int { nodes.count }

  func run() {
    for node in nodes.reversed() {
      let results = builder.columns.resultRange(node)
      guard results.contains(where: { cotangents.isKnown(ValueID($0)) }) else { continue }
      let label = builder.label
      builder.label = builder.columns.labels[Int(node)]
      pullBack(Pullback(cotangents: cotangents, context: NodeContext(builder: builder, node: node)))
      builder.label = label
      if builder.firstError != nil { return }
    }
  }

  /// The cotangents of one node's operands, given those of its results. Afterwards the pass is unchanged and can be
  /// used for other nodes.
  func pulledBack(
    _ node: NodeContext, _ seeds: [Value], wanted operands: [Value]
  ) -> [(value: Value, cotangent: Value)] {
    let results = (0..<node.resultCount).map(node.result)
    for value in operands + results where value.dtype.isFloating { cotangents.want(value.id) }
    for (result, seed) in zip(results, seeds) { cotangents.seed(result, with: seed) }
    pullBack(Pullback(cotangents: cotangents, context: node))
    let pulled = operands.compactMap { operand in
      cotangents.cotangent(of: operand.id).map { (value: operand, cotangent: $0) }
    }
    for value in operands + results { cotangents.forget(value.id) }
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
  /// Adds the gradients of outputs to the graph: reverse mode, from graph to graph, so that gradients can be
  /// differentiated again.
  ///
  /// - Parameters:
  ///   - outputs: the values to differentiate, each with its cotangent (of the same type).
  ///   - targets: inputs or intermediate values; each gradient is total, through every path.
  /// - Returns: for each target its gradient, of the target's type, or nil if no output depends on it.
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

  /// The same without the check for lost gradients, for targets that were made by ``kept(_:)``.
  package func gradientsAnyway(of outputs: [(value: Value, cotangent: Value)], withRespectTo targets: [Value])
    -> [Value?]
  {
    let pass = ReversePass(self, of: outputs.map(\.value), withRespectTo: targets)
    guard spend(pass.nodeCount) else { return targets.map { _ in nil } }
    for (output, cotangent) in outputs where output.isValid { pass.cotangents.seed(output, with: cotangent) }
    pass.run()
    return targets.map { $0.isValid ? pass.cotangents.cotangent(of: $0.id) : nil }
  }
}

/// The vector-Jacobian product as a graph: (primals…, cotangents…) -> (outputs…, gradients…), with a cotangent for
/// every floating output and a gradient for every floating input, in order.
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

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
  /// Values before are passed over: nothing wanted depends on them.
  private let first: ValueID
  /// For each value from there on that existed at the start: does it depend on what gradients are wanted of?
  @exclusivity(unchecked) private var wanted: [Bool]
  @exclusivity(unchecked) private var cotangents: [ValueID]
  /// How many terms each of those in float32 has, up to 255.
  @exclusivity(unchecked) private var termCounts: [UInt8]
  private static let none: ValueID = -1
  /// What derivatives are taken by.
  let targets: Set<ValueID>
  /// More terms of float32 than these are added in double: a value may have ten thousand uses.
  private static let mostNarrowTerms: UInt8 = 4

  /// - Parameters:
  ///   - primals: what a forward pass that uses this one has directions of.
  ///   - start: the first node that can depend on a target.
  init(_ builder: GraphBuilder, withRespectTo targets: [Value], along primals: Set<ValueID> = [], from start: NodeID = 0) {
    self.builder = builder
    let columns = builder.columns
    self.targets = primals.union(targets.map(\.id))
    first = columns.firstResult[Int(start)]
    wanted = Array(repeating: false, count: columns.valueCount - Int(first))
    cotangents = Array(repeating: ReversePass.none, count: columns.valueCount - Int(first))
    termCounts = Array(repeating: 1, count: columns.valueCount - Int(first))
    for target in targets where target.isValid { wanted[Int(target.id - first)] = true }
    for node in start..<NodeID(columns.nodeCount) {
      guard columns.operandRange(node).contains(where: { wants(columns.operands[$0]) }) else { continue }
      for result in columns.resultRange(node) where columns.type(of: ValueID(result)).dtype.isFloating {
        wanted[result - Int(first)] = true
      }
    }
  }

  func wants(_ value: ValueID) -> Bool { value >= first && wanted[Int(value - first)] }

  func cotangent(of value: ValueID) -> Value? {
    let id = value < first ? ReversePass.none : cotangents[Int(value - first)]
    guard id != ReversePass.none else { return nil }
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
    let index = Int(target.id - first)
    guard cotangents[index] != ReversePass.none else { return cotangents[index] = value.id }
    var (sum, term) = (builder.value(cotangents[index]), value)
    if value.dtype == .float32 {
      if termCounts[index] < .max { termCounts[index] += 1 }
      if termCounts[index] > ReversePass.mostNarrowTerms {
        if sum.dtype == .float32 { sum = builder.emit(.cast, sum, .dtype(.float64)) }
        term = builder.emit(.cast, value, .dtype(.float64))
      }
    }
    cotangents[index] = builder.emit(.add, sum, term).id
  }

  func seed(_ output: Value, with cotangent: Value) {
    guard output.isValid, cotangent.isValid, wants(output.id) else { return }
    guard cotangent.typeID == output.typeID else {
      builder.fail(GraphError(.shapeMismatch, "the cotangent is \(cotangent.type), the value is \(output.type)"))
      return
    }
    accumulate(cotangent, to: output, rule: builder.columns.producers[Int(output.id)])
  }

  /// From one node back to another.
  func run(from last: NodeID, to start: NodeID = 0) {
    var node = last
    while node >= start {
      defer { node -= 1 }
      let results = builder.columns.resultRange(node)
      guard results.contains(where: { cotangents[$0 - Int(first)] != ReversePass.none }) else { continue }
      let label = builder.label
      builder.label = builder.columns.labels[Int(node)]
      pullBack(Pullback(pass: self, context: NodeContext(builder: builder, node: node)))
      builder.label = label
      if builder.firstError != nil { return }
    }
  }

  /// The cotangents of one node's operands, given those of its results; the pass is as before then. One pass serves all nodes: making one
  /// walks over the graph.
  func pulledBack(_ node: NodeContext, _ cotangents: [Value], wanted operands: [Value]) -> [(value: Value, cotangent: Value)] {
    let results = (0..<node.resultCount).map(node.result)
    for value in operands + results { wanted[Int(value.id - first)] = value.dtype.isFloating }
    for (result, cotangent) in zip(results, cotangents) { seed(result, with: cotangent) }
    pullBack(Pullback(pass: self, context: node))
    let pulled = operands.compactMap { operand in cotangent(of: operand.id).map { (value: operand, cotangent: $0) } }
    for value in operands + results {
      wanted[Int(value.id - first)] = false
      self.cotangents[Int(value.id - first)] = ReversePass.none
      termCounts[Int(value.id - first)] = 1
    }
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
    return gradients(of: outputs, withRespectTo: targets, from: 0)
  }

  /// The same where no node before `start` depends on a target, which then are not walked over.
  package func gradients(
    of outputs: [(value: Value, cotangent: Value)], withRespectTo targets: [Value], from start: NodeID
  ) -> [Value?] {
    guard spend(columns.nodeCount - Int(start)) else { return targets.map { _ in nil } }
    let pass = ReversePass(self, withRespectTo: targets, from: start)
    var last: NodeID = -1
    for (output, cotangent) in outputs where output.isValid {
      pass.seed(output, with: cotangent)
      last = max(last, columns.producers[Int(output.id)])
    }
    pass.run(from: last, to: start)
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

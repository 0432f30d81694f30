/// Visits a builder's nodes forwards and adds the tangents of everything that depends on given values.
struct ForwardPass {
  let builder: GraphBuilder
  /// For each value that existed at the start, its tangent; nil if it does not depend on a value with a tangent.
  private var tangents: [ValueID: Value] = [:]
  private let primals: Set<ValueID>
  /// For rules that state cotangents only.
  private var reverse: ReversePass?

  init(_ builder: GraphBuilder, along directions: [(primal: Value, tangent: Value)]) {
    self.builder = builder
    for (primal, tangent) in directions where primal.isValid { tangents[primal.id] = tangent }
    primals = Set(tangents.keys)
  }

  func tangent(of value: Value) -> Value? { tangents[value.id] }

  /// - Parameter outputs: the values whose tangents are wanted; nodes that they do not depend on are skipped.
  mutating func run(for outputs: [Value]) {
    for (index, isNeeded) in builder.ancestors(of: outputs).enumerated() where isNeeded {
      let node = NodeID(index)
      guard builder.columns.operandRange(node).contains(where: { tangents[builder.columns.operands[$0]] != nil }) else {
        continue
      }
      let label = builder.label
      builder.label = builder.columns.labels[Int(node)]
      pushForward(NodeContext(builder: builder, node: node))
      builder.label = label
      if builder.firstError != nil { return }
    }
  }

  private mutating func pushForward(_ node: NodeContext) {
    let opcode = builder.columns.opcodes[Int(node.node)]
    let operands = (0..<node.operandCount).map { tangents[node.operand($0).id] }
    switch opcode.primitive.derivative {
    case .none: break
    case .pointwise(let partials):
      // The Jacobian is symmetric, so what multiplies a cotangent multiplies a tangent.
      add(zip(operands, partials).compactMap { tangent, partial in tangent.map { partial($0, node) } }, to: node)
    case .bilinear:
      var terms: [Value] = []
      if let x = operands[0] { terms += builder.emit(opcode, [x, node.y], node.attributes) }
      if let y = operands[1] { terms += builder.emit(opcode, [node.x, y], node.attributes) }
      add(terms, to: node)
    case .linear: pushThroughLinear(opcode, operands, node)
    case .custom, .rule: pushThroughTranspose(operands, node)
    }
  }

  private mutating func add(_ terms: [Value], to node: NodeContext) {
    guard let first = terms.first else { return }
    set(terms.dropFirst().reduce(first) { builder.emit(.add, $0, $1) }, node.result(0), node)
  }

  private mutating func set(_ tangent: Value, _ result: Value, _ node: NodeContext) {
    guard result.dtype.isFloating else { return }
    guard !tangent.isValid || tangent.typeID == result.typeID else {
      builder.fail(
        GraphError(
          .internal,
          "the derivative of \(builder.columns.opcodes[Int(node.node)].name) gives a tangent of type \(tangent.type) "
            + "to a result of "
            + "type \(result.type)"))
      return
    }
    tangents[result.id] = tangent
  }

  /// A linear function is its own derivative. Operands that are not numbers (a condition, indices) stay as they are.
  private mutating func pushThroughLinear(_ opcode: Opcode, _ tangents: [Value?], _ node: NodeContext) {
    if opcode == .add, tangents.contains(where: { $0 == nil }) { return add(tangents.compactMap { $0 }, to: node) }
    let operands = tangents.enumerated().map { index, tangent -> Value in
      let operand = node.operand(index)
      return tangent ?? (operand.dtype.isFloating ? builder.zeros(operand.type) : operand)
    }
    for (index, tangent) in builder.emit(opcode, operands, node.attributes).enumerated() where index < node.resultCount
    {
      set(tangent, node.result(index), node)
    }
  }

  /// A rule that states cotangents is linear in them; the transpose of that linear function maps tangents.
  private mutating func pushThroughTranspose(_ operands: [Value?], _ node: NodeContext) {
    let pass = reverse ?? ReversePass(builder, of: [], withRespectTo: [], along: primals)
    reverse = pass
    let cotangents = (0..<node.resultCount).map { builder.placeholder(node.result($0).type) }
    // A value that is used as several operands has one cotangent, the sum of theirs.
    var met: Set<ValueID> = []
    let wanted = operands.indices.filter { operands[$0] != nil }.map(node.operand).filter { met.insert($0.id).inserted }
    let pulled = pass.pulledBack(node, cotangents, wanted: wanted).compactMap { operand, back in
      tangents[operand.id].map { (value: back, cotangent: $0) }
    }
    for (index, tangent) in builder.gradientsAnyway(of: pulled, withRespectTo: cotangents).enumerated() {
      if let tangent { set(tangent, node.result(index), node) }
    }
  }
}

extension GraphBuilder {
  /// For each node up to the last one that makes one of the values, whether the values depend on it.
  fileprivate func ancestors(of values: [Value]) -> [Bool] {
    let producers = values.filter(\.isValid).map { columns.producers[Int($0.id)] }
    guard let last = producers.max() else { return [] }
    var isNeeded = [Bool](repeating: false, count: Int(last) + 1)
    for node in producers { isNeeded[Int(node)] = true }
    for node in (0...last).reversed() where isNeeded[Int(node)] {
      for operand in columns.operandRange(node) {
        isNeeded[Int(columns.producers[Int(columns.operands[operand])])] = true
      }
    }
    return isNeeded
  }

  /// Adds the directional derivatives of outputs to the graph: forward mode, from graph to graph.
  ///
  /// - Parameters:
  ///   - directions: inputs or intermediate values, each with its tangent (of the same type).
  /// - Returns: for each output its tangent, or nil if it does not depend on any of them.
  public func tangents(of outputs: [Value], along directions: [(primal: Value, tangent: Value)]) -> [Value?] {
    guard spend(columns.nodeCount) else { return outputs.map { _ in nil } }
    var pass = ForwardPass(self, along: directions)
    pass.run(for: outputs)
    return outputs.map { $0.isValid ? pass.tangent(of: $0) : nil }
  }
}

/// The Jacobian-vector product as a graph: (primals…, tangents…) -> (outputs…, tangents…), with a tangent for every
/// floating input and for every floating output, in order.
/// - Throws: `internal` if a derivative rule yields a value of the wrong type, naming the rule.
public func jvp(_ graph: Graph) throws(GraphError) -> Graph {
  let builder = GraphBuilder(extending: graph)
  let outputs = graph.outputs.map(builder.value)
  let directions = graph.columns.inputs.map(builder.value).enumerated().filter { $1.dtype.isFloating }.map {
    index, primal in
    (primal: primal, tangent: builder.input("t\(index)", primal.dtype, primal.shape))
  }
  let floating = outputs.filter(\.dtype.isFloating)
  let results = zip(floating, builder.tangents(of: floating, along: directions)).map { $1 ?? builder.zeros($0.type) }
  return try builder.graph(outputs: outputs + results)
}

/// A graph in two: what depends on some of its inputs alone, which then needs computing once for all values of the
/// others, and the rest.
package struct HoistedGraph: Sendable {
  /// Its inputs are the fixed ones, in their order.
  package let once: Graph
  /// Its inputs are those of the graph, then the outputs of ``once``.
  package let rest: Graph
}

extension Graph {
  /// Text that is the same for graphs that compute the same in the same way, and different for all others.
  package var signature: [UInt8] {
    var text = "\(outputs) \(columns.inputs)"
    var bytes: [UInt8] = []
    for node in 0..<NodeID(columns.nodeCount) {
      let operands = columns.operandRange(node).map { columns.operands[$0] }
      text += "\n\(columns.opcodes[Int(node)].rawValue) \(columns.attributes(of: node)) \(operands)"
      text += columns.resultRange(node).map { " \(columns.type(of: ValueID($0)))" }.joined()
      if columns.opcodes[Int(node)] == .constant, case .index(let index) = columns.attributes(of: node) {
        columns.tensors[index].withUnsafeBytes { bytes += $0 }
      }
    }
    return Array(text.utf8) + bytes
  }

  /// Divides the graph by the inputs that never change.
  ///
  /// Layouts of tensors stay in the rest, where they cost nothing: so a broadcast takes no memory, and a weight that is
  /// only transposed is no result of its own.
  /// - Parameter isFixed: for each input, whether it never changes.
  /// - Returns: nil if nothing is computed from these inputs alone.
  package func hoisted(isFixed: [Bool]) throws(GraphError) -> HoistedGraph? {
    let hoist = Hoist(self, isFixed)
    if hoist.boundary.isEmpty { return nil }
    let once = GraphBuilder()
    let before = try hoist.copy(to: once, inputs: { isFixed[$0] }, [:]) { hoist.isFixed($0) }
    let results = hoist.boundary.compactMap { before[Int($0)] }
    let rest = GraphBuilder()
    let given = Dictionary(uniqueKeysWithValues: hoist.boundary.enumerated().map { ($1, $0) })
    let behind = try hoist.copy(to: rest, inputs: { _ in true }, given) { hoist.isNeeded($0) }
    let outputs = outputs.compactMap { behind[Int($0)] }
    guard results.count == hoist.boundary.count, outputs.count == self.outputs.count else { return nil }
    return HoistedGraph(
      once: try once.graph(outputs: results), rest: try rest.graph(outputs: outputs, names: outputNames))
  }
}

/// What is computed once, and what each time.
private struct Hoist {
  private let graph: Graph
  /// For each node, whether it depends on fixed inputs alone, and on at least one.
  private var fixed: [Bool]
  /// For each node, whether the rest needs it.
  private var needed: [Bool]
  /// Values that are computed once and used by the rest.
  private(set) var boundary: [ValueID] = []

  init(_ graph: Graph, _ isFixed: [Bool]) {
    let columns = graph.columns
    self.graph = graph
    fixed = Array(repeating: false, count: columns.nodeCount)
    needed = Array(repeating: false, count: columns.nodeCount)
    for (input, value) in columns.inputs.enumerated() where isFixed[input] {
      fixed[Int(columns.producers[Int(value)])] = true
    }
    for node in 0..<columns.nodeCount where !columns.operandRange(NodeID(node)).isEmpty {
      let operands = columns.operandRange(NodeID(node)).map { Int(columns.producers[Int(columns.operands[$0])]) }
      fixed[node] =
        columns.opcodes[node] != .custom && operands.contains { fixed[$0] }
        && operands.allSatisfy { fixed[$0] || columns.opcodes[$0] == .constant }
    }
    var isOnBoundary = [Bool](repeating: false, count: columns.valueCount)
    func need(_ value: ValueID) {
      let node = Int(columns.producers[Int(value)])
      if fixed[node], Hoist.isComputed(columns.opcodes[node]) {
        if !isOnBoundary[Int(value)] { boundary.append(value) }
        isOnBoundary[Int(value)] = true
      } else {
        needed[node] = true
      }
    }
    for output in graph.outputs { need(output) }
    for node in stride(from: columns.nodeCount - 1, through: 0, by: -1) where needed[node] {
      for operand in columns.operandRange(NodeID(node)) { need(columns.operands[operand]) }
    }
    boundary.sort()
  }

  /// False for inputs, and for what is only another layout of its operand.
  private static func isComputed(_ opcode: Opcode) -> Bool {
    switch opcode {
    case .input, .constant, .reshape, .transpose, .broadcast, .slice, .split, .kept, .stopGradient, .settled, .guarded:
      false
    default: true
    }
  }

  func isFixed(_ node: NodeID) -> Bool { fixed[Int(node)] || graph.columns.opcodes[Int(node)] == .constant }
  func isNeeded(_ node: NodeID) -> Bool { needed[Int(node)] }

  /// Copies nodes to a builder.
  /// - Parameters:
  ///   - isInput: which of the graph's inputs to declare.
  ///   - given: values that become further inputs, with their order.
  /// - Returns: the values there by those of the graph.
  func copy(
    to builder: GraphBuilder, inputs isInput: (Int) -> Bool, _ given: [ValueID: Int], _ isWanted: (NodeID) -> Bool
  ) throws(GraphError) -> [Value?] {
    let columns = graph.columns
    var values = [Value?](repeating: nil, count: columns.valueCount)
    for (input, value) in columns.inputs.enumerated() where isInput(input) {
      let type = columns.type(of: value)
      values[Int(value)] = builder.input(columns.inputNames[input], type.dtype, type.shape)
    }
    for (value, _) in given.sorted(by: { $0.value < $1.value }) {
      let type = columns.type(of: value)
      values[Int(value)] = builder.input("", type.dtype, type.shape)
    }
    for node in 0..<NodeID(columns.nodeCount) where isWanted(node) && columns.opcodes[Int(node)] != .input {
      let range = columns.operandRange(node)
      let operands = range.compactMap { values[Int(columns.operands[$0])] }
      guard operands.count == range.count else { continue }
      builder.label = columns.labels[Int(node)]
      for (result, value) in zip(columns.resultRange(node), emit(node, operands, builder)) where values[result] == nil {
        values[result] = value
      }
    }
    builder.label = -1
    if let error = builder.takeError() { throw error }
    return values
  }

  private func emit(_ node: NodeID, _ operands: [Value], _ builder: GraphBuilder) -> [Value] {
    let columns = graph.columns
    switch (columns.opcodes[Int(node)], columns.attributes(of: node)) {
    case (.constant, .scalar(let dtype, let bits)): return [builder.constant(Scalar(dtype, bits: bits))]
    case (.constant, .index(let index)): return [builder.constant(columns.tensors[index])]
    case (.custom, .index(let index)):
      return builder.emit(.custom, operands, .index(builder.register(columns.customOperations[index])))
    case (let opcode, let attributes): return builder.emit(opcode, operands, attributes)
    }
  }
}

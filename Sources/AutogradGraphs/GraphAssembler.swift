import AutogradCore
import AutogradFormats

/// Makes a graph of a source: resolves its names, brings its nodes into an order, emits them into a ``GraphBuilder``
/// and puts functions in the place of calls. An error of the core is told in the source's words.
///
/// Nodes stand in any order. First every name of the graph and of all functions is resolved, so that what nobody calls
/// is checked too; then each node is emitted after those it takes.
///
/// A class because it is handed on for every node; as a struct each of its tables would be retained each time. Its
/// properties are touched by no method inside another's access, so that they need no checks of exclusivity.
package final class GraphAssembler {
  let source: GraphSource
  let text: any SourceText
  package let builder: GraphBuilder
  /// Of numbers that nothing else gives one.
  let defaultDType: DType
  let limits: GraphLimits

  /// What is known of the graph, and then of each function, before anything is emitted.
  @exclusivity(unchecked) var scopes: [Scope] = []
  /// For each operand that is a name its number in the names of the body.
  @exclusivity(unchecked) var resolved: [Int32] = []
  /// For each call the body that it calls, by node.
  @exclusivity(unchecked) var callees: [Int: Int] = [:]
  /// The values of the graph by the numbers of their names, and behind them those of each function that is being put in
  /// place.
  @exclusivity(unchecked) var values: [ValueID] = []
  @exclusivity(unchecked) var constants: [ValueID] = []
  /// Where nodes that come from calls stand, see ``Placement``.
  @exclusivity(unchecked) var placements: [Placement] = []
  /// Tensors that are written in place, by operand, with the dtype that they were asked for in.
  @exclusivity(unchecked) var written: [Int: (dtype: DType, value: ValueID)] = [:]
  /// How many calls have been put in place.
  @exclusivity(unchecked) var callCount = 0
  /// How many values in functions have been made targets of derivatives.
  @exclusivity(unchecked) var keptCount = 0
  /// Operands of `grad` nodes on which the node's first operand does not depend.
  @exclusivity(unchecked) private var zeros: [(node: Int, operand: Int)] = []

  /// How many inputs the graph has: their names are the first.
  private var inputCount = 0

  package init(
    _ source: GraphSource, _ text: any SourceText, into builder: GraphBuilder, limits: GraphLimits,
    defaultDType: DType = .float64
  ) {
    self.source = source
    self.text = text
    self.builder = builder
    self.limits = limits
    self.defaultDType = defaultDType
  }

  /// Emits the graph. Constants become inputs of the plan behind those that are given, in the order of the source's
  /// ``GraphSource/constants``.
  /// - Parameter inputs: those that the graph declares, in their order; where it declares none, all that there are.
  /// - Returns: the graph's outputs.
  package func assemble(inputs: [NamedValue]) throws(FormatError) -> [NamedValue] {
    inputCount = inputs.count
    try resolveNames(inputs)
    try checkCalls()
    constants.reserveCapacity(source.constants.count)
    for constant in source.constants { constants.append(builder.constantInput(constant.tensor.type).id) }
    try emitGraph(inputs.map(\.value))
    builder.label = -1
    return namedOutputs
  }

  // MARK: What was made

  /// - Throws: `unknown_name` without a place.
  package func value(named name: SourceName) throws(FormatError) -> Value {
    guard let number = scopes[0].names[name] else { throw unknown(name, in: 0) }
    return builder.value(values[number])
  }

  /// The position of an input among the graph's inputs; nil for anything else.
  package func input(named name: SourceName) -> Int? {
    scopes[0].names[name].flatMap { $0 < inputCount ? $0 : nil }
  }

  private var namedOutputs: [NamedValue] {
    scopes[0].outputs.map { NamedValue(name: scopes[0].names.name($0), value: builder.value(values[$0])) }
  }

  /// Every value of the graph with its name: inputs, constants, results.
  package var namedValues: [NamedValue] {
    (0..<scopes[0].names.count).map { NamedValue(name: scopes[0].names.name($0), value: builder.value(values[$0])) }
  }

  /// The results of the graph's nodes, in the order of the source.
  package var namedResults: [(node: Int, named: NamedValue)] {
    let scope = scopes[0]
    return source.bodies[0].nodes.flatMap { node in
      source.nodes[node].results.map { result in
        let number = scope.number(ofResult: result)
        return (node, NamedValue(name: source.results[result], value: builder.value(values[number])))
      }
    }
  }

  /// Positions of inputs that no node takes and that are none of these values.
  package func unusedInputs(outputs: [Value]) -> [Int] {
    let used = Set(outputs.map(\.id))
    return (0..<inputCount).filter { !scopes[0].isTaken[$0] && !used.contains(values[$0]) }
  }

  /// The first `most` operands of `grad` nodes on which the node's first operand does not depend, each with an error's
  /// place and words.
  package func zeroGradients(_ most: Int) -> [FormatError] {
    // Of a node with thousands of operands, their texts are made once.
    var (node, operands): (Int, [String]) = (-1, [])
    return zeros.prefix(most).map { zero in
      if zero.node != node { (node, operands) = (zero.node, text.operandTexts(of: zero.node)) }
      let words =
        "grad gives zeros, since \(operands[0]) does not depend on \(operands[zero.operand]); the first operand is "
        + "what is differentiated"
      return text.located(
        FormatError(.invalidAttribute, words, at: ""), at: .operand(zero.operand, ofNode: zero.node))
    }
  }

  /// More than anybody is told of.
  private static let mostZeros = 64

  /// Equal values are one, so what is zero everywhere is known by that.
  func noteZeros(_ node: Int, _ results: [Value]) {
    for (result, value) in results.enumerated() where value.id == builder.zeros(value.type).id {
      if zeros.count >= GraphAssembler.mostZeros { return }
      // A function's node is noted once, however often it is called.
      if scopes.count > 1, zeros.contains(where: { $0.node == node && $0.operand == result + 1 }) { continue }
      zeros.append((node, result + 1))
    }
  }
}

/// Where a node that comes from a call stands. Such nodes are labelled with the number of their placement behind the
/// numbers of all nodes of the source.
struct Placement {
  /// In the function.
  var node: Int32
  /// The label of the call.
  var call: Int32
}

/// A value with the name by which the source knows it.
package struct NamedValue {
  package var name: SourceName
  package var value: Value

  package init(name: SourceName, value: Value) {
    self.name = name
    self.value = value
  }
}

import AutogradCore
import AutogradFormats

/// Builds a graph from a source: resolves names, orders the nodes, emits them into a ``GraphBuilder``, and replaces
/// calls by the functions' nodes. Errors of the core get the names of the source.
///
/// Nodes may be listed in any order. First all names of the graph and of all functions are resolved, so that functions
/// without calls are checked too. Then each node is emitted after its operands.
///
/// A class because it is passed on for every node; as a struct, each of its tables would be retained each time. No
/// method accesses a property during another access to it, so exclusivity checks are turned off.
package final class GraphAssembler {
  let source: GraphSource
  let text: any SourceText
  package let builder: GraphBuilder
  /// The dtype of numbers that have none.
  let defaultDType: DType
  let limits: GraphLimits
  /// Whether constants are part of the graph, so that plans need no data for them.
  private let embedsConstants: Bool

  /// The scopes of the graph and of each function.
  @exclusivity(unchecked) var scopes: [Scope] = []
  /// For each operand that is a name, its number in the scope of the body.
  @exclusivity(unchecked) var resolved: [Int32] = []
  /// For each call node, the body that it calls.
  @exclusivity(unchecked) var callees: [Int: Int] = [:]
  /// The values of the graph by the number of their name, followed by those of each function that is being emitted.
  @exclusivity(unchecked) var values: [ValueID] = []
  @exclusivity(unchecked) var constants: [ValueID] = []
  /// The nodes that come from calls, see ``Placement``.
  @exclusivity(unchecked) var placements: [Placement] = []
  /// Tensors written as operands, and the dtype in which they were read.
  @exclusivity(unchecked) var written: [WrittenTensor: ValueID] = [:]

  struct WrittenTensor: Hashable {
    let operand: Int
    let dtype: DType
  }
  /// How many calls have been put in place.
  @exclusivity(unchecked) var callCount = 0
  /// How many values in functions have been made targets of derivatives.
  @exclusivity(unchecked) var keptCount = 0
  /// Operands of `grad` nodes on which the node's first operand does not depend.
  @exclusivity(unchecked) private var zeros: [(node: Int, operand: Int)] = []

  /// Number of the graph's inputs.
  private var inputCount = 0

  package init(
    _ source: GraphSource, _ text: any SourceText, into builder: GraphBuilder, limits: GraphLimits,
    defaultDType: DType = .float64, embedsConstants: Bool = false
  ) {
    self.embedsConstants = embedsConstants
    self.source = source
    self.text = text
    self.builder = builder
    self.limits = limits
    self.defaultDType = defaultDType
  }

  /// Emits the graph. Constants become inputs of the plan, after the given ones, in the order of
  /// ``GraphSource/constants``.
  /// - Parameter inputs: the declared inputs in their order; if none are declared, all that are given.
  /// - Returns: the graph's outputs.
  package func assemble(inputs: [NamedValue]) throws(FormatError) -> [NamedValue] {
    inputCount = inputs.count
    try resolveNames(inputs)
    try checkCalls()
    constants.reserveCapacity(source.constants.count)
    for (_, tensor) in source.constants {
      constants.append((embedsConstants ? builder.constant(tensor) : builder.constantInput(tensor.type)).id)
    }
    try emitGraph(inputs.map(\.value))
    builder.label = -1
    return namedOutputs
  }

  // MARK: What was made

  /// - Throws: `unknown_name` without a place.
  package func value(named name: SourceName) throws(FormatError) -> Value {
    guard let number = scopes[0].names[name], !name.isNameless else { throw unknown(name, in: 0) }
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

  /// Positions of inputs that are neither operands of a node nor among these values.
  package func unusedInputs(outputs: [Value]) -> [Int] {
    let used = Set(outputs.map(\.id))
    return (0..<inputCount).filter { !scopes[0].isTaken[$0] && !used.contains(values[$0]) }
  }

  /// The first `most` operands of `grad` nodes on which the node's first operand does not depend, as errors with place
  /// and text.
  package func zeroGradients(_ most: Int) -> [FormatError] {
    // A node may have thousands of operands, so their texts are made once.
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

  /// More are not noted.
  private static let mostZeros = 64

  /// Equal values are one node, so a zero result is recognised by its id.
  func noteZeros(_ node: Int, _ results: [Value]) {
    for (result, value) in results.enumerated() where value.id == builder.zeros(value.type).id {
      if zeros.count >= GraphAssembler.mostZeros { return }
      // A function's node is noted once, however often it is called.
      if scopes.count > 1, zeros.contains(where: { $0.node == node && $0.operand == result + 1 }) { continue }
      zeros.append((node, result + 1))
    }
  }
}

/// A node that comes from a call. Its label is the number of its placement plus the number of nodes in the source.
struct Placement {
  /// The node in the function.
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

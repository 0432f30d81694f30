import AutogradCore

/// `call`: the node is replaced by a function of the graph. It is not in the catalog, because what it computes depends
/// on the graph.
package struct CallOperation: Operation {
  package static let name = "call"
  static let attribute = "function"

  package let reference = OperationReference(
    name: name,
    summary: "Calls a function of the graph (graph.functions): the node is replaced by the function's nodes.",
    formula: "y = f(x)", operands: ["x", "…"], results: ["y", "…"],
    attributes: [AttributeReference(attribute, .text, "the name of the function")],
    dtypes: .any, shapeRule: "that of the function's outputs",
    derivative: "that of the function's nodes",
    conventions: [
      "the operands are the function's inputs and the results its outputs, both in order",
      "a number takes the dtype that the input declares, else the widest floating dtype of the operands, else the "
        + "request's",
      "the function sees only its own inputs and constants; grad inside it differentiates with respect to one of its "
        + "inputs and takes the others as constants",
    ],
    samples: [], kinds: [.asItIs, .asItIs], minimumOperandCount: 1)

  package init() {}

  /// The operation with a name: one of the catalog, or `call`.
  package static func operation(named name: String) -> (any Operation)? {
    name == CallOperation.name ? shared : OpCatalog.operation(named: name)
  }

  package static let shared = CallOperation()

  /// A request that calls a function twice.
  package static let example =
    #"{"graph": {"functions": {"f": {"inputs": [{"name": "a"}, {"name": "b"}], "#
    + #""nodes": [{"op": "mul", "inputs": ["a", "b"], "outputs": ["c"]}], "outputs": ["c"]}}, "#
    + #""nodes": [{"op": "call", "inputs": ["x", "x"], "outputs": ["square"], "attributes": {"function": "f"}}, "#
    + #"{"op": "call", "inputs": ["square", "x"], "outputs": ["cube"], "attributes": {"function": "f"}}], "#
    + #""outputs": ["cube"]}, "inputs": {"x": [1.0, 2.0]}}"#

  /// Never called: ``GraphAssembler`` emits the function's nodes instead.
  package func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    throw GraphError(.internal, "a call is expanded before it is built")
  }
}

import AutogradCore

/// What must hold for any graph on any inputs.
package enum Checks {
  /// The grammar holds, and executor and interpreter agree in every bit.
  /// - Returns: the first fault, described; nil if there is none.
  package static func values(_ graph: Graph, _ inputs: [Tensor]) throws -> String? {
    try graph.validate()
    return Comparison.bits(try Plan(graph).run(inputs), try Interpreter.run(graph, inputs))
  }

  /// The same for the graph and its gradients; gradients have their inputs' types; values are not changed by
  /// differentiating.
  package static func gradients(_ graph: Graph, _ inputs: [Tensor], _ cotangents: [Tensor]) throws -> String? {
    let differentiated = try vjp(graph)
    if let fault = try values(differentiated, inputs + cotangents) { return fault }
    let primals = graph.inputTypes.filter(\.dtype.isFloating)
    guard differentiated.outputTypes == graph.outputTypes + primals else {
      return
        "vjp has outputs \(differentiated.outputTypes), the graph \(graph.outputTypes) and inputs \(graph.inputTypes)"
    }
    let results = try Plan(differentiated).run(inputs + cotangents)
    return Comparison.bits(Array(results.prefix(graph.outputTypes.count)), try Plan(graph).run(inputs))
  }
}

extension Graph {
  /// Types of the cotangents that `vjp` asks for.
  package var cotangentTypes: [TensorType] { outputTypes.filter(\.dtype.isFloating) }

  /// The primitives that its outputs need.
  package var opcodes: Set<Opcode> {
    let live = reachableNodes
    return Set(columns.opcodes.indices.filter { live[$0] }.map { columns.opcodes[$0] })
  }
}

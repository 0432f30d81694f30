import AutogradCore
import AutogradFormats

/// Finds the first value that is not finite, for `"diagnose": true`. The floating results of the graph's nodes that
/// the answer needs are computed once more.
struct NonFiniteTrace: Sendable {
  let plan: Plan
  private let traced: [(node: Int, name: String)]

  /// Adds to the request's builder, after the graph of the answer.
  init(_ request: DifferentialRequest) throws(GraphError) {
    let graph = request.graph
    // Nodes may be listed in any order. Values are numbered in the order of computation.
    let asked = (request.outputs + request.of).map(\.value)
    let needed = try graph.builder.graph(outputs: asked).reachableNodes
    let found = graph.floatingResults.filter { needed[Int(graph.builder.columns.producers[Int($0.value.id)])] }
      .sorted { $0.value.id < $1.value.id }
    traced = found.map { ($0.node, $0.name.string) }
    let values = found.map { (value: $0.value, isSum: false) }
    let outputs = graph.batch?.run(values, graph.builder) ?? values.map(\.value)
    plan = try Plan(try graph.builder.graph(outputs: outputs), interruption: graph.builder.interruption)
  }

  /// - Parameter graph: the request's graph, which knows where its nodes stand.
  /// - Throws: `interrupted`, and errors of the run, such as a singular matrix.
  func warning(
    _ inputs: [Tensor], _ graph: RequestGraph, _ interruption: Interruption?
  ) throws(GraphError) -> DifferentialRequest.Warning {
    for (result, traced) in zip(try plan.run(inputs, interruption: interruption), traced) {
      try interruption?.check()
      guard let fault = Finiteness.firstFault(in: result) else { continue }
      let index = result.shape.index(of: fault.position)
      let element = index.isEmpty ? "" : " at \(index)"
      let place = graph.place(ofNode: traced.node)
      return DifferentialRequest.Warning(
        code: "first_non_finite", pointer: place.pointer ?? "/graph",
        detail:
          "\(traced.name)\(place.placeWords) is the first value that is not finite: "
          + "\(NonFiniteTrace.text(fault.number))\(element)"
      ).of(graph.stored)
    }
    return DifferentialRequest.Warning(
      code: "first_non_finite", pointer: "/graph",
      detail:
        "the results of the graph's nodes are finite; what is not is a derivative, as that of sqrt at 0, an input, "
        + "a constant, or a value inside a function"
    ).of(graph.stored)
  }

  private static func text(_ number: Double) -> String {
    number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity"
  }
}

import AutogradCore
import AutogradFormats

/// Finds the first value that is not finite, for `"diagnose": true`. All floating results of the graph's nodes are
/// computed once more.
struct NonFiniteTrace: Sendable {
  let plan: Plan
  private let traced: [(node: Int, name: String)]

  /// Adds to the request's builder, after the graph of the answer.
  init(_ request: DifferentialRequest) throws(GraphError) {
    let graph = request.graph
    // Nodes may be listed in any order. Values are numbered in the order of computation.
    let found = graph.floatingResults.sorted { $0.value.id < $1.value.id }
    traced = found.map { ($0.node, $0.name.string) }
    let values = found.map { (value: $0.value, isSum: false) }
    let outputs = graph.batch?.run(values, graph.builder) ?? values.map(\.value)
    plan = try Plan(try graph.builder.graph(outputs: outputs), interruption: graph.builder.interruption)
  }

  /// - Throws: `interrupted`, and errors of the run, such as a singular matrix.
  func warning(_ inputs: [Tensor], _ interruption: Interruption?) throws(GraphError) -> DifferentialRequest.Warning {
    for (result, traced) in zip(try plan.run(inputs, interruption: interruption), traced) {
      guard let position = result.doubles.firstIndex(where: { !$0.isFinite }) else { continue }
      let index = result.shape.index(of: position)
      let place = index.isEmpty ? "" : " at \(index)"
      return DifferentialRequest.Warning(
        code: "first_non_finite", pointer: "/graph/nodes/\(traced.node)",
        detail:
          "\(traced.name) is the first value that is not finite: "
          + "\(NonFiniteTrace.text(result.doubles[position]))\(place)")
    }
    return DifferentialRequest.Warning(
      code: "first_non_finite", pointer: "/graph",
      detail: "all values of the graph are finite, only derivatives are not, as that of sqrt at 0")
  }

  private static func text(_ number: Double) -> String {
    number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity"
  }
}

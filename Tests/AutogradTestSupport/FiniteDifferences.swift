import AutogradCore

/// Gradients of a graph held against central differences of its values.
///
/// With L = Σ ct · y, the difference (L(x + h) - L(x - h)) / 2h errs by h² L'''/6 for the curve and by about ε |L| / h for rounding. In
/// float64 (ε = 2.2e-16) h = 6e-6 makes both some 4e-11 of the scale of the numbers; the tolerance leaves a factor of a thousand for third
/// derivatives. A graph in which float32 occurs rounds at ε = 6e-8: h = 4e-3 makes both some 1.5e-5.
package struct FiniteDifferences {
  package var step = 6e-6
  package var tolerance = 5e-8

  package init(for graph: Graph) {
    if graph.columns.typeTable.contains(where: { $0.dtype == .float32 }) {
      step = 4e-3
      tolerance = 2e-3
    }
  }

  /// The first difference between the gradients of `vjp(graph)` and the quotients, described.
  /// - Parameters:
  ///   - inputs: those of the graph; the float64 ones are varied, every element of them.
  ///   - cotangents: one for every floating output.
  package func check(_ graph: Graph, _ inputs: [Tensor], _ cotangents: [Tensor]) throws -> String? {
    let plan = try Plan(graph)
    let results = try Plan(vjp(graph)).run(inputs + cotangents)
    var gradients = results.dropFirst(graph.outputTypes.count).makeIterator()
    let scale = abs(try weightedSum(plan, inputs, cotangents))
    for (position, input) in inputs.enumerated() where input.dtype.isFloating {
      guard let gradient = gradients.next(), gradient.type == input.type else { return "no gradient of the type of input \(position)" }
      guard input.dtype == .float64 else { continue }
      for (index, x) in input.doubles.enumerated() {
        var varied = inputs
        varied[position] = input.replacing(index, with: x + step)
        let above = try weightedSum(plan, varied, cotangents)
        varied[position] = input.replacing(index, with: x - step)
        let below = try weightedSum(plan, varied, cotangents)
        let quotient = (above - below) / (2 * step)
        let analytic = gradient.doubles[index]
        if !(abs(analytic - quotient) <= tolerance * max(1, scale, abs(analytic))) {
          return "input \(position) (\(input.type)) at element \(index): gradient \(analytic), difference quotient \(quotient)"
        }
      }
    }
    return nil
  }

  /// Σ cotangent · output over the floating outputs.
  package func weightedSum(_ plan: Plan, _ inputs: [Tensor], _ cotangents: [Tensor]) throws -> Double {
    let outputs = try plan.run(inputs).filter(\.dtype.isFloating)
    return zip(outputs, cotangents).reduce(0) { total, pair in
      total + zip(pair.0.doubles, pair.1.doubles).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }
}

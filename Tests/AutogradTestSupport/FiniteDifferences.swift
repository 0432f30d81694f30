import AutogradCore

/// Gradients of a graph held against central differences of its values.
///
/// With L = Σ ct · y, the difference (L(x + h) - L(x - h)) / 2h errs by h² L'''/6 for the curve and by about ε |L| / h
/// for rounding. In float64 (ε = 2.2e-16) h = 6e-6 makes both some 4e-11 of the scale of the numbers; the tolerance
/// leaves a factor of a thousand for third derivatives. A graph in which float32 occurs rounds at ε = 6e-8: h = 4e-3
/// makes both some 1.5e-5.
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
      guard let gradient = gradients.next(), gradient.type == input.type else {
        return "no gradient of the type of input \(position)"
      }
      guard input.dtype == .float64 else { continue }
      for (index, x) in input.doubles.enumerated() {
        var varied = inputs
        varied[position] = input.replacing(index, with: x + step)
        let above = try plan.run(varied)
        varied[position] = input.replacing(index, with: x - step)
        let below = try plan.run(varied)
        let quotient = weightedDifference(above, below, cotangents) / (2 * step)
        let analytic = gradient.doubles[index]
        if !(abs(analytic - quotient) <= tolerance * max(1, scale, abs(analytic))) {
          return
            "input \(position) (\(input.type)) at element \(index): gradient \(analytic), difference quotient "
            + "\(quotient)"
        }
      }
    }
    return nil
  }

  /// Σ cotangent · output over the floating outputs. Infinite ones are left out: what stays infinite has no derivative
  /// to show.
  package func weightedSum(_ plan: Plan, _ inputs: [Tensor], _ cotangents: [Tensor]) throws -> Double {
    let outputs = try plan.run(inputs)
    let finite = outputs.map { $0.dtype.isFloating ? $0.withoutInfinities : $0 }
    return weightedDifference(finite, outputs.map { .zeros($0.type) }, cotangents)
  }

  /// Σ cotangent · (above - below) over the floating outputs, the difference of equal infinities being 0.
  private func weightedDifference(_ above: [Tensor], _ below: [Tensor], _ cotangents: [Tensor]) -> Double {
    var total = 0.0
    let pairs = zip(above, below).filter(\.0.dtype.isFloating)
    for ((a, b), weights) in zip(pairs, cotangents) {
      for ((x, y), weight) in zip(zip(a.doubles, b.doubles), weights.doubles) where x != y { total += weight * (x - y) }
    }
    return total
  }
}

extension Tensor {
  fileprivate var withoutInfinities: Tensor {
    Tensor(doubles.map { $0.isInfinite ? 0 : $0 }, shape: shape).converted(to: dtype)
  }
}

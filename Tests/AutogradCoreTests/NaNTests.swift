import AutogradTestSupport
import Testing

@testable import AutogradCore

/// NaN in, NaN out, over the catalog: where a NaN in one element of an operand makes a result NaN, the derivative of
/// that result is NaN by each element that it depends on, and never that of a branch which a comparison with NaN
/// happened to pick.
@Suite struct NaNTests {
  static let families: Set<String> = [
    "Powers, exponentials and logarithms", "Trigonometric and hyperbolic functions", "Special functions",
    "Probability and Bessel functions", "Activations", "Rounding and bounds", "Reductions", "Order", "Along an axis",
  ]

  static let operations = OpCatalog.families.filter { families.contains($0.title) }.flatMap(\.operations)
    .filter { $0.reference.operands.count == 1 && $0.reference.dtypes != .boolean }.map(\.reference.name)

  /// Linear, or moving elements to places, where NaN counts as the largest number: a derivative is made of zeros and
  /// ones and does not depend on the operand's numbers.
  static let linear: Set<String> = ["sum", "mean", "cumsum", "diff", "trapezoid", "sort", "top_k", "kthvalue"]
  /// Products, in which the derivative by a factor does not depend on that factor.
  static let products: Set<String> = ["prod", "cumprod"]
  /// Sums of functions of one element each, of which the others are no operands.
  private static func isSeparable(_ name: String, _ attributes: [String: AttributeValue]) -> Bool {
    if name == "norm", case .integer(1)? = attributes["ord"] { return true }
    return false
  }

  /// The rows of a Jacobian that belong to NaN results, and what makes them so.
  @Test(arguments: operations) func derivativesOfNaNAreNaN(_ name: String) throws {
    guard !Self.linear.contains(name) else { return }
    let reference = try #require(OpCatalog.operation(named: name)).reference
    var random = SeededGenerator(seed: 11)
    var checked = 0
    for sample in reference.samples where sample.shapes[0].rank > 0 && 1...6 ~= sample.shapes[0].elementCount {
      // A reduction over no axes is its operand.
      if case .integers(let axes)? = sample.attributes["axis"], axes.isEmpty { continue }
      let count = sample.shapes[0].elementCount
      let point = (0..<count).map { _ in Double.random(in: reference.domain, using: &random) }
      func runner(_ place: Int) throws -> OperationRunner {
        var values = point
        values[place] = .nan
        return try OperationRunner(
          name, [Tensor(values, shape: sample.shapes[0])], sample.attributes, results: sample.resultCount)
      }
      let runners = try (0..<count).map(runner)
      guard runners[0].results[0].dtype.isFloating else { continue }
      let values = try runners.map { try $0.values() }
      for place in 0..<count {
        for result in values[place].indices where values[place][result].isNaN {
          let cotangent = values[place].indices.map { $0 == result ? 1.0 : 0 }
          let gradient = try runners[place].gradient(cotangent: cotangent)
          for element in 0..<count where values[element][result].isNaN {
            if Self.products.contains(name), element == place { continue }
            let isOther = element != place
            if isOther && Self.isSeparable(name, sample.attributes) { continue }
            checked += 1
            #expect(
              gradient[element].isNaN,
              "\(name) \(sample.attributes): result \(result), NaN at \(place): \(gradient)")
          }
        }
      }
    }
    let hasGradient = !reference.derivative.hasPrefix("none")
    #expect(checked > 0 || !hasGradient, "\(name) is never NaN")
  }

  @Test func theSweepIsWide() {
    #expect(Self.operations.count >= 70)
    for name in ["max", "median", "std", "cummax", "cummin", "logcumsumexp", "softmax", "sort", "kthvalue", "clip"] {
      #expect(Self.operations.contains(name))
    }
  }

  /// A line that has no NaN is not touched by one that has, and a segment likewise.
  @Test(arguments: ["cummax", "cummin"]) func otherLinesAreLeftAlone(_ name: String) throws {
    let x = Tensor([1, .nan, 3, 4, 5, 6], shape: [2, 3])
    let run = try OperationRunner(name, [x], ["axis": .integer(1)])
    let expected = name == "cummax" ? [1, 1, 1.0] : [3, 0, 0]
    let gradient = try run.gradient()
    #expect(gradient.prefix(3).allSatisfy(\.isNaN) && Array(gradient.suffix(3)) == expected, "\(gradient)")
    let tangent = try run.tangent()
    #expect(tangent.prefix(3).allSatisfy(\.isNaN) && Array(tangent.suffix(3)) == [1, 1, 1], "\(tangent)")
  }

  @Test func segmentsOfNaN() throws {
    let builder = GraphBuilder()
    let x = builder.variable(Tensor([1, Double.nan, 3, 4]))
    let ids = builder.constant(Tensor([0, 0, 1, 1] as [Int64], shape: [4]))
    let largest = x.applying("segment_max", ids, attributes: ["num_segments": .integer(2)]).sum()
    let gradient = try largest.gradient(withRespectTo: x).evaluate().doubles
    #expect(gradient[0].isNaN && gradient[1].isNaN && gradient[2] == 0 && gradient[3] == 1, "\(gradient)")
  }
}

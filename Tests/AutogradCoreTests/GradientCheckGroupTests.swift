import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Many elements are confirmed in groups: in a number of evaluations that does not grow with them, and no less exactly.
extension GradientCheckTests {
  /// x³, with a factor for the derivative by each element.
  private struct Skewed: CustomOperation {
    var factors: [Double]
    let name = "skewed"
    func forward(_ x: [Tensor]) -> [Tensor] { [x[0].map { $0 * $0 * $0 }] }
    func backward(_ x: [Value], _ y: [Value], _ ct: [Value?]) -> [Value?] {
      [ct[0].map { $0 * 3 * x[0] * x[0] * $0.builder.constant(Tensor(factors, shape: x[0].shape)) }]
    }
  }

  private func skewed(_ x: Tensor, _ wrong: [Int: Double]) throws -> GradientCheck.Report {
    let factors = (0..<x.elementCount).map { wrong[$0] ?? 1 }
    return try reports(x) { x in x.builder.apply(Skewed(factors: factors), x)[0] }
  }

  private func ordinary(_ count: Int) -> Tensor {
    Tensor((0..<count).map { 0.5 + 1.5 * (Double($0) * 0.618).truncatingRemainder(dividingBy: 1) })
  }

  /// Inputs of one element each, and evaluations for the groups only.
  @Test(arguments: [300, 1000, 3000]) func evaluationsDoNotGrowWithInputs(_ count: Int) throws {
    for decay in [1, 0.999] {
      let builder = GraphBuilder()
      let inputs = (0..<count).map { builder.input("x\($0)", .float64, []) }
      var total = inputs[0]
      for input in inputs.dropFirst() { total = (total + input.applying("sin")) * decay }
      let graph = try builder.graph(outputs: [total])
      let values = (0..<count).map { Tensor(0.001 * Double($0 + 1)) }
      let found = try reports(graph, values, [Tensor(1.0)]) { $0.closerLooks = 2000 }
      #expect(found.count == count && found.allSatisfy { $0.result != .fails && $0.checked == 1 && !$0.isKink })
      // One of 3000 is so near a maximum of the sine that rounding hides its slope.
      #expect(found.count { $0.result == .passes } >= count - 1)
      #expect(found.allSatisfy { ($0.finding?.error ?? 1) <= 1e-6 })
    }
  }

  /// Slopes of 0, and slopes that are as good as 0, are confirmed together too.
  @Test func flatElements() throws {
    for (name, x) in [("cos", 0.0), ("sigmoid", 36.0), ("erf", 9.0), ("square", 0.0)] {
      var values = [Double](repeating: x, count: 700)
      values[3] = 0.25
      let graph = try reports(Tensor(values)) {
        $0.closerLooks = 3000
      } _: {
        $0.applying(name)
      }
      #expect(graph.result == .passes && graph.checked == 700, "\(name): \(graph)")
    }
  }

  @Test func aMillionthAmongMany() throws {
    let x = ordinary(900)
    #expect(try skewed(x, [:]).result == .passes)
    for index in [0, 17, 450, 899] {
      for factor in [1 + 1e-6, 1 - 1e-6, 2, 0, -1, 1e9] {
        let report = try skewed(x, [index: factor])
        #expect(report.result == .fails && report.position == index && report.checked == 900, "\(factor): \(report)")
      }
    }
  }

  /// Errors that add up to nothing along many directions.
  @Test func errorsThatCancel() throws {
    for (first, second) in [(1e-6, -1e-6), (1e-6, 1e-6), (0.5, -0.5), (1, 1)] {
      let x = Tensor(repeating: 1.5, shape: [600])
      let report = try skewed(x, [100: 1 + first, 401: 1 + second])
      #expect(report.result == .fails && [100, 401].contains(report.position), "\(report)")
    }
    for (even, odd) in [(1e-6, -1e-6), (1e-6, 1e-6)] {
      let x = Tensor(repeating: 1.5, shape: [300])
      let wrong = Dictionary(uniqueKeysWithValues: (0..<300).map { ($0, 1 + ($0 % 2 == 0 ? even : odd)) })
      let report = try skewed(x, wrong)
      #expect(report.result == .fails && report.checked == 300, "\(report)")
    }
  }

  @Test func aKinkAmongMany() throws {
    for (name, result) in [("abs", CheckResult.passes), ("relu", .inconclusive)] {
      var values = ordinary(800).doubles
      values[321] = 0
      let report = try reports(Tensor(values)) { $0.applying(name) * 2 + $0.applying("exp") }
      #expect(report.result == result && report.isKink, "\(name): \(report)")
      if result != .passes { #expect(report.position == 321) }
    }
  }

  /// Where one element has no derivative, the others are compared all the same.
  @Test func oneOfManyWithoutADerivative() throws {
    var values = [Double](repeating: 2, count: 500)
    values[77] = 0
    let report = try reports(Tensor(values)) { $0.applying("sqrt") }
    #expect(report.checked == 500 && report.result == .passes, "\(report)")
    (values[77], values[78]) = (1, .infinity)
    let far = try reports(Tensor(values)) { $0.applying("reciprocal") }
    #expect(far.result == .inconclusive && far.position == 78, "\(far)")
  }

  @Test func stepsAndTolerancesOfGroups() throws {
    let x = ordinary(400)
    for step in [1e-3, 1e-5] {
      #expect(
        try reports(x) {
          $0.step = step
        } _: {
          $0.applying("exp")
        }.result == .passes)
      let wrong = try reports(x) {
        $0.step = step
      } _: { x in
        x.builder.apply(Skewed(factors: (0..<400).map { $0 == 9 ? 1.01 : 1 }), x)[0]
      }
      #expect(wrong.result == .fails && wrong.position == 9, "\(wrong)")
    }
    let lax = try reports(x) {
      $0.tolerance.relative = 0.1
    } _: { x in
      x.builder.apply(Skewed(factors: (0..<400).map { $0 == 9 ? 1.01 : 1 }), x)[0]
    }
    #expect(lax.result == .passes, "\(lax)")
  }

  /// What is not affordable is not said to pass or to fail.
  @Test func tooManyToLookAtOneByOne() throws {
    let kinks = try reports(Tensor(repeating: 0.0, shape: [500])) {
      $0.closerLooks = 100
    } _: {
      $0.applying("relu")
    }
    #expect(kinks.result == .inconclusive && kinks.checked == 500, "\(kinks)")
  }
}

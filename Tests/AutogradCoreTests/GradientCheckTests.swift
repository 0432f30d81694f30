import AutogradTestSupport
import Testing

@testable import AutogradCore

/// The check over the whole catalog: it never accuses a derivative that is right, wherever it is, and finds one that is
/// off by a millionth.
@Suite struct GradientCheckTests {
  /// Reports on the gradients of Σ cotangent · output with respect to the inputs of float64.
  func reports(
    _ graph: Graph, _ inputs: [Tensor], _ cotangents: [Tensor], _ change: (inout GradientCheck) -> Void = { _ in }
  ) throws -> [GradientCheck.Report] {
    let builder = GraphBuilder(extending: graph)
    let outputs = graph.outputs.map(builder.value).filter { $0.dtype.isFloating }
    let seeds = zip(outputs, cotangents).map { (value: $0, cotangent: builder.constant($1)) }
    let checked = graph.columns.inputs.indices.filter { graph.inputTypes[$0].dtype == .float64 }
    let targets = checked.map { builder.value(graph.columns.inputs[$0]) }
    let parts = try GradientCheck.Parts(of: seeds, withRespectTo: targets, builder)
    var check = try GradientCheck(
      function: try builder.graph(outputs: [parts.total]).widened(),
      derivatives: try builder.graph(outputs: parts.gradients + [parts.size, parts.rounding]).widened(),
      inputs: inputs, checked: checked, interruption: nil)
    change(&check)
    return try check.run(nil)
  }

  func reports(
    _ x: Tensor, _ change: (inout GradientCheck) -> Void = { _ in }, _ make: (Value) -> Value
  ) throws -> GradientCheck.Report {
    let builder = GraphBuilder()
    let input = builder.input("x", .float64, x.shape)
    let graph = try builder.graph(outputs: [make(input)])
    let cotangents = graph.outputTypes.map { Tensor(repeating: 1.0, shape: $0.shape) }
    return try reports(graph, [x], cotangents, change)[0]
  }

  // MARK: The catalog

  @Test(arguments: SweepTests.differentiable) func ordinaryPointsPass(_ test: SweepTests.Case) throws {
    var random = test.random
    let graph = try test.graph()
    let inputs = test.inputs(graph, &random)
    let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
    for report in try reports(graph, inputs, cotangents) {
      // A segment that nothing falls into is -Infinity.
      if case .valueNotFinite = report.finding?.cause { continue }
      #expect(report.result == .passes && report.isPassed, "\(report)")
    }
  }

  /// Second derivatives, the same way.
  @Test(arguments: SweepTests.differentiable) func gradientsPass(_ test: SweepTests.Case) throws {
    var random = test.random
    let graph = try vjp(test.graph())
    let inputs = test.inputs(graph, &random)
    let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
    // Of float64 throughout; and what cotangents of about 1 leave of rounding is no derivative.
    guard inputs.allSatisfy({ $0.dtype != .float32 }) else { return }
    for report in try reports(graph, inputs, cotangents) {
      #expect(report.result != .fails || (report.finding?.error ?? 1) < 1e-14, "\(report)")
    }
  }

  /// Bounds of domains, kinks, ties, huge and subnormal numbers, infinities and NaN.
  static let special: [Double] = [
    0, -0.0, 1, -1, 0.5, -0.5, 2, 3, -2, 1e-9, 2e-9, 1e-20, 1e-160, 1e-300, 0x1p-1030, .leastNonzeroMagnitude,
    -.leastNonzeroMagnitude,
    1e3, 1e8, -1e8, 1e16, 1e60, 1e160, 1e300, -1e300, .infinity, -.infinity, .nan,
  ]

  /// Matrices of such numbers are as good as singular.
  private static let notHere: Set = [
    "solve", "solve_triangular", "inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "svd", "svdvals", "qr",
    "lstsq",
    "pinv", "expm", "matrix_power",
  ]

  @Test(arguments: SweepTests.differentiable.filter { !notHere.contains($0.operation.reference.name) })
  func specialPointsAreNotAccused(_ test: SweepTests.Case) throws {
    var random = test.random
    let graph = try test.graph()
    let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
    for value in Self.special {
      // All elements alike, then every other one and the rest as ever.
      for isMixed in [false, true] {
        let inputs = test.inputs(graph, &random).map { tensor in
          guard tensor.dtype == .float64 else { return tensor }
          return Tensor(tensor.doubles.enumerated().map { isMixed && $0 % 2 == 1 ? $1 : value }, shape: tensor.shape)
        }
        do {
          for (index, report) in try reports(graph, inputs, cotangents).enumerated() where report.result == .fails {
            Issue.record(
              "\(value)\(isMixed ? " and others" : ""), input \(index): \(report) of \(inputs.map(\.doubles))")
          }
        } catch let error as GraphError {
          // The operation itself has no value there.
          #expect(error.code != .internal && error.code != .interrupted, "\(error)")
        }
      }
    }
  }

  // MARK: Wrong derivatives

  /// x³ with a derivative that is off.
  struct Cube: CustomOperation {
    var factor: Double
    let name = "cube"
    func forward(_ x: [Tensor]) -> [Tensor] { [x[0].map { $0 * $0 * $0 }] }
    func backward(_ x: [Value], _ y: [Value], _ ct: [Value?]) -> [Value?] {
      [ct[0].map { $0 * (3 * factor) * x[0] * x[0] }]
    }
  }

  @Test func aMillionthIsFound() throws {
    var random = SeededGenerator(seed: 6)
    for _ in 0..<50 {
      let x = Tensor.random(TensorType(.float64, [3]), using: &random)
      for factor in [1 + 1e-6, 1 - 1e-6, 1.5, -1] {
        let report = try reports(x) { x in x.builder.apply(Cube(factor: factor), x)[0] * 0.7 + x.applying("exp") }
        // Beside the exponential the error may be smaller than a millionth.
        #expect(report.result == .fails || abs(factor - 1) < 1e-3, "\(factor): \(report)")
        let alone = try reports(x) { x in x.builder.apply(Cube(factor: factor), x)[0] }
        #expect(alone.result == .fails && !alone.isPassed && alone.checked == 3, "\(factor): \(alone)")
      }
      #expect(try reports(x) { x in x.builder.apply(Cube(factor: 1), x)[0] }.result == .passes)
    }
  }

  @Test func smallFunctionsAreLookedAtAsCloselyAsLargeOnes() throws {
    for scale in [1e-6, 1e-12, 1e-100, 1e100] {
      let report = try reports([2, 3]) { x in x.applying("stop_gradient") * x * scale }
      #expect(report.result == .fails, "\(scale): \(report)")
    }
  }

  /// A kink elsewhere in the tensor is no excuse.
  @Test func wrongBesideAKink() throws {
    let report = try reports([0, 2]) { x in x.applying("relu").sum() + x.builder.apply(Cube(factor: 1.01), x)[0].sum() }
    #expect(report.result == .fails && report.position == 1 && report.isKink, "\(report)")
    for factor in [1 + 1e-6, 1 - 1e-6] {
      let report = try reports([0, 0.5, 0, 0.7]) { x in
        x.applying("relu").sum() + x.builder.apply(Cube(factor: factor), x)[0].sum()
      }
      #expect(report.result == .fails && [1, 3].contains(report.position), "\(factor): \(report)")
    }
  }

  @Test func toleranceAndStepAreTheCallers() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [2])
    let graph = try builder.graph(outputs: [builder.apply(Cube(factor: 1.001), x)[0]])
    let (inputs, ones): ([Tensor], [Tensor]) = ([[1, 2]], [[1, 1]])
    #expect(try reports(graph, inputs, ones)[0].result == .fails)
    #expect(try reports(graph, inputs, ones) { $0.tolerance.relative = 1e-2 }[0].result == .passes)
    #expect(try reports(graph, inputs, ones) { $0.tolerance.absolute = 0.1 }[0].result == .passes)
    #expect(try reports(graph, inputs, ones) { $0.tolerance.absolute = 1e-3 }[0].result == .fails)
    #expect(try reports(graph, inputs, ones) { $0.step = 1e-3 }[0].result == .fails)
    #expect(try reports([1, 2]) { x in x.builder.apply(Cube(factor: 1), x)[0] }.result == .passes)
  }

  @Test func aBudgetOfCloserLooks() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [2])
    let graph = try builder.graph(outputs: [x.applying("relu")])
    let report = try reports(graph, [[0, 0]], [[1, 1]]) { $0.closerLooks = 0 }[0]
    #expect(report.result == .inconclusive && report.isPassed)
  }

  /// Where no step leads anywhere, nothing was compared, and nothing passes.
  @Test func stepsThatDoNotFit() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [2])
    let graph = try builder.graph(outputs: [x.applying("square")])
    for step in [1e-300, 1e-17, 1e308] {
      let report = try reports(graph, [[1, 2]], [[1, 1]]) { $0.step = step }[0]
      #expect(report.result == .inconclusive && !report.isPassed, "\(step): \(report)")
    }
    let report = try reports(Tensor([Double.infinity])) { x in x.applying("reciprocal") }
    #expect(report.result == .inconclusive && report.isPassed, "\(report)")
  }

  /// The median of three equal numbers is straight along every line, and its gradient that of one of them.
  @Test func tiesOfAnOrderStatistic() throws {
    for count in [3, 5, 1000] {
      let report = try reports(Tensor(repeating: 2.0, shape: [count])) { x in x.applying("median") }
      #expect(report.result == .inconclusive && report.isKink, "\(count): \(report)")
    }
    let wrong = try reports([2, 2, 2]) { x in x.applying("median") * x.applying("stop_gradient").sum() }
    #expect(wrong.result == .fails, "\(wrong)")
  }

  // MARK: Cost

  /// Inputs of one element each.
  @Test func manyInputsOfOneElement() throws {
    for count in [250, 1000] {
      let builder = GraphBuilder()
      let inputs = (0..<count).map { builder.input("x\($0)", .float64, []) }
      var total = inputs[0]
      for input in inputs.dropFirst() { total = (total + input.applying("sin")) * 0.999 }
      let graph = try builder.graph(outputs: [total])
      let values = (0..<count).map { Tensor(0.001 * Double($0 + 1)) }
      let found = try reports(graph, values, [Tensor(1.0)])
      #expect(found.count == count && found.allSatisfy { $0.result != .fails && $0.checked == 1 })
    }
  }

  @Test func inputsThatDoNotMatterCostNothing() throws {
    let builder = GraphBuilder()
    let inputs = (0..<3000).map { builder.input("x\($0)", .float64, []) }
    let graph = try builder.graph(outputs: [inputs[0] * inputs[1]])
    let found = try reports(graph, inputs.map { _ in Tensor(2.0) }, [Tensor(1.0)])
    #expect(found.allSatisfy { $0.result == .passes && $0.checked == 1 })
  }

  @Test func interruptions() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [1000])
    let function = try builder.graph(outputs: [x.applying("sin").sum()])
    let zero = builder.constant(Scalar(0.0))
    let derivatives = try builder.graph(outputs: [x.applying("cos"), zero, zero])
    let check = try GradientCheck(
      function: function, derivatives: derivatives, inputs: [Tensor(repeating: 1.0, shape: [1000])], checked: [0],
      interruption: nil)
    let interruption = Interruption()
    interruption.interrupt()
    #expect(throws: GraphError.self) { try check.run(interruption) }
  }
}

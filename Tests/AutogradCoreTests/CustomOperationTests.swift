import AutogradTestSupport
import Testing

@testable import AutogradCore

/// x³, as the documentation of ``CustomOperation`` has it.
private struct Cube: CustomOperation {
  let name = "cube"
  func forward(_ x: [Tensor]) -> [Tensor] { [x[0].map { $0 * $0 * $0 }] }
  func backward(_ x: [Value], _ y: [Value], _ ct: [Value?]) -> [Value?] { [ct[0].map { $0 * 3 * x[0] * x[0] }] }
}

/// Two results of different types: the sum and the product of two tensors' elements.
private struct SumAndProduct: CustomOperation {
  let name = "sum_and_product"

  func resultTypes(_ operands: [TensorType]) throws(GraphError) -> [TensorType] {
    guard operands.count == 2, operands[0] == operands[1] else {
      throw GraphError(.shapeMismatch, "{0} and {1} differ")
    }
    return [TensorType(.float64, []), operands[0]]
  }

  func forward(_ x: [Tensor]) -> [Tensor] {
    let (a, b) = (x[0].doubles, x[1].doubles)
    return [Tensor(a.reduce(0, +) + b.reduce(0, +)), Tensor(zip(a, b).map { $0 * $1 }, shape: x[0].shape)]
  }

  func backward(_ x: [Value], _ y: [Value], _ ct: [Value?]) -> [Value?] {
    let ones = ct[0].map { $0.broadcast(to: x[0].shape) }
    func sum(_ a: Value?, _ b: Value?) -> Value? {
      guard let a, let b else { return a ?? b }
      return a + b
    }
    return [sum(ones, ct[1].map { $0 * x[1] }), sum(ones, ct[1].map { $0 * x[0] })]
  }
}

/// Any functions, to misbehave with.
private struct Made: CustomOperation {
  var name = "made"
  var types: @Sendable ([TensorType]) -> [TensorType] = { [$0[0]] }
  var run: @Sendable ([Tensor]) -> Result<[Tensor], GraphError> = { .success($0) }
  var pull: @Sendable ([Value], [Value], [Value?]) -> [Value?] = { _, _, ct in ct }

  func resultTypes(_ operands: [TensorType]) throws(GraphError) -> [TensorType] { types(operands) }
  func forward(_ operands: [Tensor]) throws(GraphError) -> [Tensor] { try run(operands).get() }
  func backward(_ operands: [Value], _ results: [Value], _ cotangents: [Value?]) -> [Value?] {
    pull(operands, results, cotangents)
  }
}

@Suite struct CustomOperationTests {
  let builder = GraphBuilder()

  @Test func forwardAndBackward() throws {
    let x = builder.variable([[1, 2], [3, 4]])
    let y = builder.apply(Cube(), x)[0]
    #expect(try y.evaluate().doubles == [1, 8, 27, 64])
    #expect(try y.backward()[x].doubles == [3, 12, 27, 48])
    #expect(try builder.graph(outputs: [y]).description.contains("%1 = custom %0 cube : float64[2, 2]"))
  }

  @Test func operationsAreCalledLikeFunctions() throws {
    let cube = Cube()
    let x = builder.variable(Tensor([Float(1), 2]))
    #expect(try cube(cube(x)).evaluate() == Tensor([Float(1), 512]))
    #expect(try cube(x).gradient(withRespectTo: x).gradient(withRespectTo: x).evaluate() == Tensor([Float(6), 12]))
    #expect(try SumAndProduct()(x.cast(to: .float64), builder.constant([1, 1])).evaluate() == 5)
  }

  /// Among other operations, through layouts that are not contiguous, and differentiated twice.
  @Test func derivativesOfEveryOrder() throws {
    let x = builder.input("x", .float64, [2, 3])
    let y = (builder.apply(Cube(), x.transpose().slice(starts: [nil], ends: [nil], steps: [-2]))[0] * x.sum())
      .broadcast(to: [2, 2, 2])
    var graph = try builder.graph(outputs: [y, x])
    var random = SeededGenerator(seed: 21)
    for _ in 0..<3 {
      let inputs = Tensor.random(graph.inputTypes, using: &random)
      let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
      #expect(try Checks.gradients(graph, inputs, cotangents) == nil)
      #expect(try FiniteDifferences(for: graph).check(graph, inputs, cotangents) == nil)
      graph = try vjp(graph)
    }
  }

  @Test func twoResultsOfWhichAnyMayBeUnused() throws {
    let a = builder.input("a", .float64, [3])
    let b = builder.input("b", .float64, [3])
    let results = builder.apply(SumAndProduct(), a, b)
    var random = SeededGenerator(seed: 22)
    for outputs in [[results[0]], [results[1]], [results[1], results[0]], [results[1] * results[0]]] {
      let graph = try builder.graph(outputs: outputs)
      let inputs = Tensor.random(graph.inputTypes, using: &random)
      let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
      #expect(try Checks.gradients(graph, inputs, cotangents) == nil)
      #expect(try FiniteDifferences(for: graph).check(graph, inputs, cotangents) == nil)
      let second = try vjp(graph)
      let weights = Tensor.random(second.cotangentTypes, using: &random)
      #expect(try FiniteDifferences(for: second).check(second, inputs + cotangents, weights) == nil)
    }
  }

  /// An operand that the operation ignores gets zeros.
  @Test func noCotangentIsZero() throws {
    let x = builder.variable([1, 2])
    let y = builder.apply(Made(pull: { _, _, _ in [nil] }), x)[0]
    #expect(try (y * x).backward()[x].doubles == [1, 2])
  }

  @Test func integerOperandsGetNothing() throws {
    let indices = builder.variable(Tensor([Int64(1), 2]))
    let x = builder.variable([3, 4])
    let scale = Made(
      types: { [$0[1]] }, run: { x in .success([Tensor(zip(x[0].doubles, x[1].doubles).map { $0 * $1 })]) },
      pull: { x, _, ct in [nil, ct[0].map { $0 * x[0].cast(to: .float64) }] })
    let gradients = try builder.apply(scale, indices, x)[0].backward()
    #expect(gradients[x].doubles == [1, 2])
  }

  // MARK: Misbehaviour is caught where it happens

  @Test func operandsThatDoNotFitAreRefused() {
    let results = builder.apply(SumAndProduct(), builder.variable([1]), builder.variable([1, 2]))
    #expect(results.map(\.isValid) == [false])
    #expect(builder.firstError?.description == "sum_and_product: operand 0 and operand 1 differ")
    #expect(builder.firstError?.code == .shapeMismatch)
  }

  @Test func anOperandIsNeeded() {
    #expect(!builder.apply(Cube())[0].isValid)
    #expect(builder.firstError?.code == .wrongArity)
  }

  @Test func forwardIsHeldToItsTypes() throws {
    let wrong: [[Tensor]] = [[], [[1, 2], [1, 2]], [1], [Tensor([1, 2] as [Float])]]
    for results in wrong {
      let builder = GraphBuilder()
      let x = builder.input("x", .float64, [2])
      let graph = try builder.graph(outputs: builder.apply(Made(run: { _ in .success(results) }), x))
      for run in [{ try Plan(graph).run($0) }, { try Interpreter.run(graph, $0) }] as [([Tensor]) throws -> [Tensor]] {
        let error = #expect(throws: GraphError.self) { try run([[1, 2]]) }
        #expect(error?.code == .internal)
        #expect(error?.description.hasPrefix("made: forward yields [") == true)
        #expect(error?.description.hasSuffix("], resultTypes promised [float64[2]]") == true)
      }
    }
  }

  @Test func backwardIsHeldToItsTypes() throws {
    let wrong: [@Sendable ([Value], [Value], [Value?]) -> [Value?]] = [
      { _, _, _ in [] }, { _, _, ct in ct + ct }, { _, _, ct in [ct[0]?.sum()] },
      { _, _, ct in [ct[0]?.cast(to: .float32)] },
      { _, _, ct in [ct[0]?.reshape(7)] },
    ]
    for backward in wrong {
      let builder = GraphBuilder()
      let x = builder.variable([1, 2])
      let y = builder.apply(Made(pull: backward), x)[0]
      #expect(try y.evaluate().doubles == [1, 2])
      let error = #expect(throws: GraphError.self) { try y.backward() }
      #expect(
        error?.operation == "made" && error?.code == .internal
          || error?.operation == "reshape" && error?.code == .shapeMismatch)
    }
  }

  @Test func errorsFromForwardSurface() throws {
    let refuse = Made(
      name: "refuse",
      run: { _ in .failure(GraphError(.notPositiveDefinite, "{0} has a negative pivot", at: .operand(0))) })
    let x = builder.variable([1])
    builder.label = 3
    let y = builder.apply(refuse, x)[0]
    let graph = try builder.graph(outputs: [y * 2])
    for run in [{ try Plan(graph).run($0) }, { try Interpreter.run(graph, $0) }] as [([Tensor]) throws -> [Tensor]] {
      let error = #expect(throws: GraphError.self) { try run([[1]]) }
      #expect(error?.description == "refuse: operand 0 has a negative pivot")
      #expect(error?.code == .notPositiveDefinite)
      #expect(error?.place == .operand(0))
      #expect(error?.node == 3)
    }
  }
}

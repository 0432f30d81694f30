import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Transforms, held against one another on every operation of the catalog.
@Suite struct TransformSweepTests {
  static let cases = SweepTests.cases([.float64])

  /// Forward and reverse mode are two readings of one linear map: ⟨ct, J t⟩ = ⟨Jᵀ ct, t⟩ for any cotangents and
  /// tangents.
  @Test(arguments: cases) func adjointIdentity(_ test: SweepTests.Case) throws {
    var random = test.random
    let graph = try test.graph()
    let inputs = test.inputs(graph, &random)
    let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
    let directions = Tensor.random(graph.inputTypes.filter(\.dtype.isFloating), using: &random)
    let forward = try jvp(graph)
    try forward.validate()
    let tangents = try Plan(forward).run(inputs + directions).dropFirst(graph.outputTypes.count)
    let gradients = try Plan(vjp(graph)).run(inputs + cotangents).dropFirst(graph.outputTypes.count)
    let (left, right) = (Self.product(Array(tangents), cotangents), Self.product(Array(gradients), directions))
    #expect(abs(left - right) <= Self.tolerance(graph) * max(1, abs(left)), "\(left) and \(right)")
  }

  /// One value in the place of all operands that it fits: what each of them contributes adds up, once.
  @Test(arguments: cases.filter { $0.sample.shapes.count > 1 }) func sharedOperands(_ test: SweepTests.Case) throws {
    var random = test.random
    let inputs = test.inputs(try test.graph(), &random)
    let builder = GraphBuilder()
    var values: [Value] = []
    var tensors: [Tensor] = []
    for tensor in inputs.prefix(test.sample.shapes.count) {
      if let known = tensors.firstIndex(where: { $0.type == tensor.type }) {
        values.append(builder.value(builder.columns.inputs[known]))
      } else {
        values.append(builder.input("x", tensor.dtype, tensor.shape))
        tensors.append(tensor)
      }
    }
    guard tensors.count < values.count else { return }
    let results = try builder.apply(
      test.operation, values.map { .value($0) }, test.sample.attributes, resultCount: test.sample.resultCount)
    let graph = try builder.graph(outputs: results)
    let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
    let directions = Tensor.random(graph.inputTypes.filter(\.dtype.isFloating), using: &random)
    let tangents = try Plan(jvp(graph)).run(tensors + directions).dropFirst(graph.outputTypes.count)
    let gradients = try Plan(vjp(graph)).run(tensors + cotangents).dropFirst(graph.outputTypes.count)
    let (left, right) = (Self.product(Array(tangents), cotangents), Self.product(Array(gradients), directions))
    #expect(abs(left - right) <= Self.tolerance(graph) * max(1, abs(left)), "\(left) and \(right)")
  }

  /// Second order too: the tangents of gradients are the gradients of gradients, the Hessian being symmetric.
  @Test(arguments: SweepTests.differentiable) func hessianIsSymmetric(_ test: SweepTests.Case) throws {
    var random = test.random
    let graph = try test.graph()
    let inputs = test.inputs(graph, &random)
    let builder = GraphBuilder(extending: graph)
    let primals = graph.columns.inputs.map(builder.value).filter { $0.dtype.isFloating }
    let seeds = graph.outputs.map(builder.value).filter { $0.dtype.isFloating }.map {
      (value: $0, cotangent: builder.constant(Tensor.random($0.type, using: &random)))
    }
    let gradients = zip(primals, builder.gradients(of: seeds, withRespectTo: primals)).map {
      $1 ?? builder.zeros($0.type)
    }
    let u = primals.map { builder.constant(Tensor.random($0.type, using: &random)) }
    let v = primals.map { builder.constant(Tensor.random($0.type, using: &random)) }
    func product(_ along: [Value], _ weights: [Value]) throws -> Double {
      let tangents = builder.tangents(of: gradients, along: zip(primals, along).map { ($0, $1) })
      let results = zip(gradients, tangents).map { $1 ?? builder.zeros($0.type) }
      return Self.product(
        try Plan(builder.graph(outputs: results)).run(inputs), try Plan(builder.graph(outputs: weights)).run(inputs))
    }
    let (left, right) = (try product(u, v), try product(v, u))
    #expect(abs(left - right) <= 1e-10 * max(1, abs(left)), "\(left) and \(right)")
  }

  /// What a builder remembers of its values must not hold the builder itself: it would stay for ever.
  @Test(arguments: SweepTests.differentiable) func buildersAreReleased(_ test: SweepTests.Case) throws {
    weak var remaining: GraphBuilder?
    func differentiateTwice() throws {
      let graph = try test.graph()
      let builder = GraphBuilder(extending: graph)
      remaining = builder
      var values = graph.outputs.map(builder.value).filter { $0.dtype.isFloating }
      let primals = graph.columns.inputs.map(builder.value).filter { $0.dtype.isFloating }
      for _ in 0..<2 {
        let seeds = values.map { (value: $0, cotangent: builder.ones($0.type)) }
        values = builder.gradients(of: seeds, withRespectTo: primals).compactMap { $0 }
      }
    }
    try differentiateTwice()
    #expect(remaining == nil)
  }

  /// Nor what it knows of corners that meet.
  @Test func cornersAreReleased() throws {
    weak var remaining: GraphBuilder?
    func differentiateTwice() throws {
      let builder = GraphBuilder()
      remaining = builder
      let x = builder.input("x", .float64, [2])
      let y = (x * 2).applying("abs") * (x * 3).applying("abs")
      let first = builder.gradients(of: [(y, builder.ones(y.type))], withRespectTo: [x]).compactMap { $0 }
      _ = try builder.graph(outputs: builder.hessians(first, withRespectTo: [x])[0])
    }
    try differentiateTwice()
    #expect(remaining == nil)
  }

  /// A batch gives what its examples give one by one, for values and gradients, whichever operands carry the batch.
  @Test(arguments: cases) func batchEqualsExamples(_ test: SweepTests.Case) throws {
    var random = test.random
    let graph = try vjp(test.graph())
    let examples = 3
    for pattern in 1..<(1 << min(graph.inputTypes.count, 3)) {
      let isBatched = graph.inputTypes.indices.map { pattern >> min($0, 2) & 1 == 1 }
      let inputs = (0..<examples).map { _ in test.inputs(graph, &random) }
      let builder = GraphBuilder(extending: graph)
      var stacks: [(value: Value, batched: Value)] = []
      for (index, value) in graph.columns.inputs.map(builder.value).enumerated() where isBatched[index] {
        stacks.append((value, builder.constant(Tensor.stacked(inputs.map { $0[index] }))))
      }
      let outputs = builder.batched(graph.outputs.map(builder.value), size: examples, over: stacks)
      let batched = try builder.graph(outputs: outputs)
      try batched.validate()
      let results = try Plan(batched).run(inputs[0])
      for example in 0..<examples {
        let single = inputs[0].indices.map { isBatched[$0] ? inputs[example][$0] : inputs[0][$0] }
        let expected = try Plan(graph).run(single)
        let actual = results.map { $0.part(example) }
        #expect(
          Comparison.close(actual, expected, tolerance: 1e-12) == nil, "operands \(isBatched), example \(example)")
      }
    }
  }

  /// Jacobians made forwards and backwards are one matrix, and its product with a tangent is the JVP: so nothing is 0
  /// that was taken for 0 by structure.
  @Test(arguments: cases) func jacobiansAgree(_ test: SweepTests.Case) throws {
    var random = test.random
    let graph = try test.graph()
    let inputs = test.inputs(graph, &random)
    let builder = GraphBuilder(extending: graph)
    let primals = graph.columns.inputs.map(builder.value).filter { $0.dtype.isFloating }
    let outputs = graph.outputs.map(builder.value).filter { $0.dtype.isFloating }
    guard (primals + outputs).allSatisfy({ $0.shape.rank <= 4 }) else { return }
    for output in outputs {
      let ways = [
        builder.jacobians(of: [output], withRespectTo: primals)[0],
        builder.hessians([output], withRespectTo: primals)[0],
      ]
      let results = try ways.map { try Plan(builder.graph(outputs: $0)).run(inputs) }
      for (primal, jacobian) in zip(primals, results[0]) {
        #expect(jacobian.shape == output.shape.appending(primal.shape))
      }
      #expect(Comparison.close(results[0], results[1], tolerance: Self.tolerance(graph)) == nil)
      try expectProducts(results[0], output, primals, builder, inputs, &random)
    }
  }

  /// The same of gradients: Hessians.
  @Test(arguments: SweepTests.differentiable) func hessiansTimesTangents(_ test: SweepTests.Case) throws {
    var random = test.random
    let graph = try test.graph()
    let inputs = test.inputs(graph, &random)
    let builder = GraphBuilder(extending: graph)
    let primals = graph.columns.inputs.map(builder.value).filter { $0.dtype.isFloating }
    guard primals.allSatisfy({ $0.shape.rank <= 4 }) else { return }
    let seeds = graph.outputs.map(builder.value).filter { $0.dtype.isFloating }.map {
      (value: $0, cotangent: builder.constant(Tensor.random($0.type, using: &random)))
    }
    let gradients = builder.gradients(of: seeds, withRespectTo: primals).compactMap { $0 }
    let rows = builder.hessians(gradients, withRespectTo: primals)
    for (gradient, row) in zip(gradients, rows) {
      try expectProducts(Plan(builder.graph(outputs: row)).run(inputs), gradient, primals, builder, inputs, &random)
    }
  }

  /// Jacobians of an output by several values, times random tangents, are together what forward mode gives along those.
  private func expectProducts(
    _ jacobians: [Tensor], _ output: Value, _ primals: [Value], _ builder: GraphBuilder, _ inputs: [Tensor],
    _ random: inout SeededGenerator
  ) throws {
    let directions = primals.map { Tensor.random($0.type, using: &random) }
    let along = zip(primals, directions).map { (primal: $0, tangent: builder.constant($1)) }
    guard let tangent = builder.tangents(of: [output], along: along)[0] else { return }
    let expected = try Plan(builder.graph(outputs: [tangent])).run(inputs)[0].doubles
    var products = expected.map { _ in 0.0 }
    for (jacobian, direction) in zip(jacobians, directions) {
      let (entries, numbers) = (jacobian.doubles, direction.doubles)
      for row in products.indices {
        for column in numbers.indices { products[row] += entries[row * numbers.count + column] * numbers[column] }
      }
    }
    let size = expected.reduce(1) { max($0, abs($1)) }
    let tolerance = builder.columns.typeTable.contains { $0.dtype == .float32 } ? 1e-6 : 1e-10
    #expect(zip(products, expected).allSatisfy { abs($0 - $1) <= tolerance * size }, "\(products) and \(expected)")
  }

  /// Casts to float32 round to seven digits on the way.
  private static func tolerance(_ graph: Graph) -> Double {
    graph.columns.typeTable.contains { $0.dtype == .float32 } ? 1e-6 : 1e-11
  }

  private static func product(_ a: [Tensor], _ b: [Tensor]) -> Double {
    zip(a, b).reduce(0) { total, pair in zip(pair.0.doubles, pair.1.doubles).reduce(total) { $0 + $1.0 * $1.1 } }
  }
}

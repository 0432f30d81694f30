import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Graphs that nobody thought of.
@Suite struct RandomGraphTests {
  static let seeds = Array(UInt64(1)...300)

  /// Ten thousand of them, planned, fused and run, against the interpreter.
  @Test(arguments: 0..<100 as Range<UInt64>) func executorEqualsInterpreter(_ hundred: UInt64) throws {
    for seed in (hundred * 100 + 1)...(hundred * 100 + 100) {
      var generator = RandomGraph(seed: seed)
      let graph = try generator.draw(nodeCount: 4 + Int(seed % 40))
      let inputs = Tensor.random(graph.inputTypes, using: &generator.random)
      let cotangents = Tensor.random(graph.cotangentTypes, using: &generator.random)
      #expect(try Checks.values(graph, inputs) == nil, "seed \(seed): \(graph)")
      #expect(try Checks.gradients(graph, inputs, cotangents) == nil, "seed \(seed): \(graph)")
    }
  }

  /// Σ gradient · v against the difference quotient of Σ ct · y along v, for one random direction v.
  ///
  /// Values of some graphs grow large or curve strongly, so the tolerance is loose, and what matters is that a wrong
  /// rule (a missing sum over a broadcast axis, say) is wrong by far more.
  @Test(arguments: seeds) func gradientsEqualDirectionalDerivatives(_ seed: UInt64) throws {
    var generator = RandomGraph(seed: seed)
    let graph = try generator.draw(nodeCount: 4 + Int(seed % 16))
    // Rounding to float32 between the nodes drowns small differences.
    guard !graph.columns.typeTable.contains(where: { $0.dtype == .float32 }) else { return }
    let inputs = Tensor.random(graph.inputTypes, using: &generator.random)
    let direction = Tensor.random(graph.inputTypes, using: &generator.random)
    let cotangents = Tensor.random(graph.cotangentTypes, using: &generator.random)
    let plan = try Plan(graph)
    let gradients = try Plan(vjp(graph)).run(inputs + cotangents).dropFirst(graph.outputTypes.count)
    let slope = zip(gradients, direction).reduce(0) {
      $0 + zip($1.0.doubles, $1.1.doubles).reduce(0) { $0 + $1.0 * $1.1 }
    }

    func value(at step: Double) throws -> Double {
      let moved = zip(inputs, direction).map { x, v in
        Tensor(zip(x.doubles, v.doubles).map { $0 + step * $1 }, shape: x.shape)
      }
      return try FiniteDifferences(for: graph).weightedSum(plan, moved, cotangents)
    }
    func quotient(_ step: Double) throws -> Double { (try value(at: step) - value(at: -step)) / (2 * step) }
    // Two steps, extrapolated to zero: the error goes with the fourth power of the step.
    let extrapolated = (4 * (try quotient(5e-4)) - (try quotient(1e-3))) / 3
    let scale = max(1, abs(slope), abs(try value(at: 0)))
    #expect(abs(slope - extrapolated) <= 1e-6 * scale, "\(slope) and \(extrapolated): \(graph)")
  }

  /// The generator draws what it promises.
  @Test func graphsAreVaried() throws {
    var reached: Set<Opcode> = []
    var (withUnusedInput, withViewOutput, withFloat32) = (0, 0, 0)
    for seed in Self.seeds {
      var generator = RandomGraph(seed: seed)
      let graph = try generator.draw(nodeCount: 4 + Int(seed % 40))
      reached.formUnion(try vjp(graph).opcodes)
      let live = graph.reachableNodes
      if graph.columns.inputs.contains(where: { !live[Int(graph.columns.producers[Int($0)])] }) { withUnusedInput += 1 }
      let views: Set<Opcode> = [.reshape, .transpose, .broadcast, .slice, .split, .input]
      if graph.outputs.contains(where: { views.contains(graph.columns.opcodes[Int(graph.columns.producers[Int($0)])]) })
      {
        withViewOutput += 1
      }
      if graph.columns.typeTable.contains(where: { $0.dtype == .float32 }) { withFloat32 += 1 }
    }
    let structural: Set<Opcode> = [
      .input, .constant, .add, .sub, .mul, .div, .neg, .cast, .reshape, .transpose, .broadcast, .slice, .unslice,
      .split, .concat, .sum,
      .matmul,
    ]
    #expect(structural.isSubset(of: reached))
    #expect(withUnusedInput > 20 && withViewOutput > 50 && withFloat32 > 50 && withFloat32 < 250)
  }
}

import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradCore

/// Long and wide graphs: nothing recurses, nothing is quadratic.
@Suite(.serialized) struct DeepGraphTests {
  /// y = (…((x·a + b)·a + b)…), 100,000 nodes, and its gradient a^n: built, differentiated, planned and run on a stack
  /// that holds no recursion of that depth.
  @Test(.timeLimit(.minutes(10))) func aChainOfAHundredThousandNodes() async throws {
    let result = try await onSmallStack {
      let builder = GraphBuilder()
      let x = builder.input("x", .float64, [])
      var y = x
      for _ in 0..<50_000 { y = y * 0.9999 + 0.5 }
      let graph = try builder.graph(outputs: [y])
      let differentiated = try vjp(graph)
      try differentiated.validate()
      let results = try Plan(differentiated).run([2, 1])
      return (graph.nodeCount, results.map { $0.doubles[0] }, differentiated.description.utf8.count)
    }
    #expect(result.0 >= 100_000)
    var (value, slope) = (2.0, 1.0)
    for _ in 0..<50_000 {
      value = value * 0.9999 + 0.5
      slope *= 0.9999
    }
    #expect(result.1 == [value, slope])
    #expect(result.2 > 1_000_000)
  }

  /// The interpreter too goes through a long chain node by node.
  @Test(.timeLimit(.minutes(10))) func theInterpreterDoesNotRecurse() async throws {
    let result = try await onSmallStack {
      let builder = GraphBuilder()
      var y = builder.input("x", .float64, [])
      for step in 0..<5_000 { y = -y + Double(step) }
      return try Interpreter.run(vjp(builder.graph(outputs: [y])), [1, 1]).map { $0.doubles[0] }
    }
    #expect(result == [2501, 1])
  }

  /// One value used 20,000 times: as many cotangents accumulate.
  @Test(.timeLimit(.minutes(10))) func aValueUsedTwentyThousandTimes() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [2])
    var total = x * 0
    for use in 1...20_000 { total = total + x * Double(use) }
    let results = try Plan(vjp(builder.graph(outputs: [total]))).run([[1, 2], [1, 10]])
    #expect(results[0].doubles == [200_010_000, 400_020_000])
    #expect(results[1].doubles == [200_010_000, 2_000_100_000])
  }

  /// 10,000 parts of which every second is used, and as many outputs.
  @Test(.timeLimit(.minutes(10))) func aSplitIntoTenThousandParts() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [10_000])
    let parts = x.split(into: 10_000)
    let used = stride(from: 0, to: 10_000, by: 2).map { parts[$0] * 3 }
    let graph = try builder.graph(outputs: used)
    let input = Tensor((0..<10_000).map(Double.init))
    let cotangents = (0..<5_000).map { Tensor([Double($0)]) }
    let results = try Plan(vjp(graph)).run([input] + cotangents)
    var gradient = [Double](repeating: 0, count: 10_000)
    for part in 0..<5_000 {
      #expect(results[part].doubles == [Double(part * 6)])
      gradient[2 * part] = Double(part * 3)
    }
    #expect(results[5_000].doubles == gradient)
  }

  /// Eight times the graph takes about eight times as long, not 64 times: building, differentiating and planning are
  /// linear.
  @Test(.timeLimit(.minutes(10))) func costsGrowLinearly() throws {
    func seconds(_ steps: Int) throws -> Double {
      let start = ContinuousClock.now
      let builder = GraphBuilder()
      let x = builder.input("x", .float64, [3])
      var y = x
      for step in 0..<steps { y = (y * x + Double(step)).reshape(1, 3).reshape(3) }
      _ = try Plan(vjp(builder.graph(outputs: [y])))
      return (ContinuousClock.now - start) / .seconds(1)
    }
    _ = try seconds(100)
    let short = try (0..<3).map { _ in try seconds(1_000) }.min() ?? 0
    let long = try (0..<2).map { _ in try seconds(8_000) }.min() ?? 0
    #expect(long < short * 8 * 3, "1,000 steps: \(short) s, 8,000 steps: \(long) s")
  }

  /// Runs on a thread of 256 KiB of stack.
  private func onSmallStack<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      let thread = Thread { continuation.resume(with: Result { try body() }) }
      thread.stackSize = 256 << 10
      thread.start()
    }
  }
}

import AutogradTestSupport
import CKernels
import Foundation
import Synchronization
import Testing

@testable import AutogradCore

/// Large instructions by several threads: the same bytes whoever helps. The number of threads is one for the process,
/// so one at a time.
@Suite(.serialized) struct PartsTests {
  /// Graphs whose instructions are worth splitting, each of another kind, with awkward sizes.
  static let graphs: [(name: String, make: @Sendable () throws -> Graph)] = [
    ("chain and sum", { try chain([700_001]) }),
    ("rows and columns", { try chain([701, 1], [1, 1003]) }),
    ("long rows", { try chain([3, 1], [1, 250_007]) }),
    ("one operation", { try graph([[900_001]]) { [try apply("exp", [$0[0]])] } }),
    ("one operation of two", { try graph([[900_001], []]) { [$0[0] / $0[1]] } }),
    ("copy", { try graph([[1001, 801]]) { [try apply("flip", [$0[0]])] } }),
    ("sum of an input", { try graph([[1_000_003]]) { [$0[0].sum()] } }),
    (
      "product and maximum of an input",
      { try graph([[600_001]]) { [try apply("max", [$0[0]]), try apply("prod", [$0[0]])] } }
    ),
    (
      "where",
      {
        try graph([[700_003], [700_003]]) { [try apply("where", [try apply("less", [$0[0], $0[1]]), $0[0], $0[1]])] }
      }
    ),
    ("products", { try graph([[307, 283], [283, 401]]) { [try apply("matmul", [$0[0], $0[1]])] } }),
    (
      "product of a transpose",
      { try graph([[283, 307], [283, 401]]) { [try apply("matmul", [try apply("transpose", [$0[0]]), $0[1]])] } }
    ),
  ]

  @Test(arguments: graphs.indices) func bytesDoNotDependOnThreads(_ index: Int) throws {
    let graph = try Self.graphs[index].make()
    var random = SeededGenerator(seed: UInt64(index) + 1)
    let inputs = Tensor.random(graph.inputTypes, using: &random)
    let plan = try Plan(graph)
    let before = Parallelism.threads
    defer { Parallelism.threads = before }
    Parallelism.threads = 1
    let alone = try plan.run(inputs)
    for threads in [2, 3, 7] {
      Parallelism.threads = threads
      for _ in 0..<3 {
        #expect(Comparison.bits(try plan.run(inputs), alone) == nil, "\(Self.graphs[index].name), \(threads) threads")
      }
    }
  }

  /// Several plans at once: some get helpers, others none.
  @Test func callersDoNotDisturbEachOther() throws {
    let graph = try Self.chain([700_001])
    var random = SeededGenerator(seed: 5)
    let inputs = Tensor.random(graph.inputTypes, using: &random)
    let plan = try Plan(graph)
    let before = Parallelism.threads
    defer { Parallelism.threads = before }
    Parallelism.threads = 1
    let alone = try plan.run(inputs)
    Parallelism.threads = 4
    let differences = Atomic<Int>(0)
    let threads = (0..<6).map { _ in
      Thread {
        for _ in 0..<5 where (try? plan.run(inputs)).map({ Comparison.bits($0, alone) != nil }) ?? true {
          differences.add(1, ordering: .relaxed)
        }
        differences.add(1000, ordering: .releasing)
      }
    }
    for thread in threads { thread.start() }
    while differences.load(ordering: .acquiring) < 6000 { usleep(1000) }
    #expect(differences.load(ordering: .acquiring) == 6000)
  }

  /// All parts are taken, each once, and all are done when it returns.
  @Test func partsAreTakenOnce() {
    let before = Parallelism.threads
    defer { Parallelism.threads = before }
    Parallelism.threads = 4
    for count in [1, 2, 3, 100] {
      let taken = Atomic<Int>(0)
      let sum = Atomic<Int>(0)
      let squares = Atomic<Int>(0)
      Crew.shared.run(count) { parts in
        while let part = parts.next() {
          usleep(100)
          taken.add(1, ordering: .relaxed)
          sum.add(part, ordering: .relaxed)
          squares.add(part * part, ordering: .relaxed)
        }
      }
      #expect(taken.load(ordering: .relaxed) == count)
      #expect(sum.load(ordering: .relaxed) == (0..<count).reduce(0, +))
      #expect(squares.load(ordering: .relaxed) == (0..<count).reduce(0) { $0 + $1 * $1 })
    }
  }

  /// A run that is paused in the middle of a large instruction leaves helpers to others.
  @Test func pausedRunsLeaveHelpersToOthers() {
    let interruption = Interruption()
    let begun = Atomic<Int>(0)
    let ended = Atomic<Int>(0)
    interruption.pause()
    let paused = Thread {
      Crew.shared.run(2) { parts in
        while parts.next() != nil {
          begun.add(1, ordering: .relaxed)
          while !interruption.isInterrupted {}
        }
      }
      ended.add(1, ordering: .relaxed)
    }
    paused.start()
    #expect(eventually { begun.load(ordering: .relaxed) > 0 })
    #expect(eventually { areTogether() }, "two parts of another run are done side by side")
    interruption.interrupt()
    #expect(eventually { ended.load(ordering: .relaxed) == 1 })
  }

  /// Whether two threads do the parts of a run at the same time. Not if other tests have use for the helpers just then.
  private func areTogether() -> Bool {
    let present = Atomic<Int>(0)
    let met = Atomic<Int>(0)
    Crew.shared.run(2) { parts in
      while parts.next() != nil {
        present.add(1, ordering: .relaxed)
        for _ in 0..<100 where present.load(ordering: .relaxed) < 2 { usleep(1000) }
        if present.load(ordering: .relaxed) == 2 { met.add(1, ordering: .relaxed) }
        present.subtract(1, ordering: .relaxed)
      }
    }
    return met.load(ordering: .relaxed) > 0
  }

  /// Fed side by side and joined, a reduction has the bits that it has fed in one go.
  @Test(arguments: [1, 4097, 65_536, 65_537, 131_072, 200_000]) func joinedStatesHaveTheBitsOfOne(_ count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    let part = Int(CK_REDUCE_PART)
    for dtype in [DType.float64, .float32] {
      let x = Tensor.random(TensorType(dtype, [count]), using: &random)
      for op in [CK_SUM, CK_PROD, CK_MAX, CK_MIN] {
        let function = UInt8(op.rawValue)
        var (whole, other, direct) = (0.0, 0.0, 0.0)
        let size = Int(CK_REDUCE_STATE)
        withUnsafeTemporaryAllocation(byteCount: 2 * size, alignment: 64) { memory in
          guard let state = memory.baseAddress else { return }
          x.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            Kernels.begin(function, dtype, state)
            Kernels.feed(function, dtype)?(state, count, start, 1)
            Kernels.finish(function, dtype, state, into: &whole)
            Kernels.begin(function, dtype, state)
            for place in stride(from: 0, to: count, by: part) {
              Kernels.begin(function, dtype, state + size)
              Kernels.feed(function, dtype)?(state + size, min(part, count - place), start + place * dtype.byteWidth, 1)
              Kernels.join(function, dtype, state, state + size)
            }
            Kernels.finish(function, dtype, state, into: &other)
            Kernels.reduce(function, dtype)?(1, count, &direct, start, 1, 1, nil)
          }
        }
        #expect(whole.bitPattern == other.bitPattern && whole.bitPattern == direct.bitPattern, "\(op) \(dtype)")
      }
    }
  }

  /// The one long reduction that is small enough for the interpreter.
  @Test func partsEqualTheInterpreter() throws {
    let graph = try Self.graph([[530_001]]) { [($0[0] * $0[0] + 0.5).sum()] }
    var random = SeededGenerator(seed: 9)
    let inputs = Tensor.random(graph.inputTypes, using: &random)
    #expect(Comparison.bits(try Plan(graph).run(inputs), try Interpreter.run(graph, inputs)) == nil)
  }

  // MARK: Graphs

  private static func graph(_ shapes: [Shape], _ body: ([Value]) throws -> [Value]) throws -> Graph {
    let builder = GraphBuilder()
    return try builder.graph(outputs: body(shapes.map { builder.input("x", .float64, $0) }))
  }

  /// Elementwise forward and backward, with a sum at the edge.
  private static func chain(_ shapes: Shape...) throws -> Graph {
    let builder = GraphBuilder()
    let inputs = shapes.map { builder.input("x", .float32, $0) }
    var x = inputs[0]
    for other in inputs.dropFirst() { x = x + other }
    let c = (x * 1.25 + 0.5).emit(.tanh)
    let total = (c / (c * x * x + 3).emit(.sqrt)).emit(.exp).sum()
    let gradients = builder.gradients(of: [(total, builder.ones(TensorType(.float32, [])))], withRespectTo: inputs)
    return try builder.graph(outputs: [total] + gradients.compactMap { $0 })
  }

  private static func apply(_ name: String, _ operands: [Value]) throws -> Value {
    let builder = operands[0].builder
    return try builder.apply(#require(OpCatalog.operation(named: name)), operands.map { .value($0) }, [:])[0]
  }
}

import AutogradTestSupport
import CKernels
import Foundation
import Testing

@testable import AutogradCore

/// Work that nobody waits for any more ends, whatever it is at.
@Suite(.serialized) struct InterruptionTests {
  /// Raises a flag when it is run.
  private struct Raise: CustomOperation {
    let name = "raise"
    let interruption: Interruption
    func backward(_ x: [Value], _ y: [Value], _ ct: [Value?]) -> [Value?] { ct }
    func forward(_ x: [Tensor]) -> [Tensor] {
      interruption.interrupt()
      return x
    }
  }

  /// Notes that it is run.
  private struct Note: CustomOperation {
    let name = "note"
    let run: @Sendable () -> Void
    func backward(_ x: [Value], _ y: [Value], _ ct: [Value?]) -> [Value?] { ct }
    func forward(_ x: [Tensor]) -> [Tensor] {
      run()
      return x
    }
  }

  private func isInterrupted(_ body: () throws -> Void) -> Bool {
    do {
      try body()
      return false
    } catch {
      return (error as? GraphError)?.code == .interrupted
    }
  }

  @Test func nothingRunsAfterIt() throws {
    let interruption = Interruption()
    let reached = Interruption()
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [4])
    let raised = builder.emit(.custom, [x], .index(builder.register(Raise(interruption: interruption))))[0]
    let noted = builder.emit(.custom, [raised], .index(builder.register(Note { reached.interrupt() })))[0]
    let plan = try Plan(builder.graph(outputs: [noted]))
    #expect(isInterrupted { _ = try plan.run([[1, 2, 3, 4]], interruption: interruption) })
    #expect(interruption.isInterrupted && !reached.isInterrupted)
    #expect(try plan.run([[1, 2, 3, 4]]) == [[1, 2, 3, 4]], "without an interruption nothing asks")
  }

  /// Also after the last instruction: it may have left early.
  @Test func theLastInstructionCounts() throws {
    let interruption = Interruption()
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [4])
    let raised = builder.emit(.custom, [x], .index(builder.register(Raise(interruption: interruption))))[0]
    let plan = try Plan(builder.graph(outputs: [raised]))
    #expect(isInterrupted { _ = try plan.run([[1, 2, 3, 4]], interruption: interruption) })
  }

  // MARK: Within instructions

  /// One instruction each that takes long by itself.
  static let long: [(name: String, make: @Sendable () throws -> Graph)] = [
    ("unary", { try graph([[1 << 22]]) { $0[0].applying("lgamma") } }),
    ("region", { try graph([[1 << 22]]) { ($0[0].applying("lgamma") * 2).sum() } }),
    ("binary", { try graph([[1 << 22], []]) { $0[0].applying("pow", $0[1]) } }),
    ("integers", { try graph([[1 << 23]], .int64) { $0[0].applying("remainder", $0[0]) } }),
    ("rows", { try graph([[1 << 11, 1 << 11]]) { $0[0].transpose().applying("lgamma") } }),
    ("reduction", { try graph([[1 << 14, 1 << 10]]) { $0[0].sum(axis: 0) } }),
    ("place", { try graph([[1 << 24]]) { $0[0].applying("argmax") } }),
    ("scan", { try graph([[1 << 23]]) { $0[0].applying("cumsum", attributes: ["axis": .integer(0)]) } }),
    ("sort", { try graph([[1 << 22]]) { $0[0].applying("argsort") } }),
    (
      "gather",
      {
        try graph([[1 << 22]]) {
          $0[0].applying("take", $0[0].builder.constant(Tensor([Int64](repeating: 7, count: 1 << 23))))
        }
      }
    ),
    ("product", { try graph([[700, 700], [700, 700]]) { $0[0].matmul($0[1]) } }),
    ("product of integers", { try graph([[300, 300], [300, 300]], .int64) { $0[0].matmul($0[1]) } }),
    ("products", { try graph([[6000, 20, 20], [6000, 20, 20]]) { $0[0].matmul($0[1]) } }),
    ("product with a vector", { try graph([[4000, 4000], [4000]]) { $0[0].matmul($0[1]) } }),
    ("factors", { try graph([[700, 700]]) { $0[0].applying("det") } }),
    ("solution", { try graph([[500, 500], [500, 700]]) { $0[0].applying("solve_triangular", $0[1]) } }),
    ("Cholesky", { try graph([[800, 800]]) { $0[0].applying("cholesky") } }),
    ("QR", { try graph([[800, 600]]) { $0[0].builder.orthogonalFactors($0[0]).triangle } }),
    ("exponential", { try graph([[200, 200]]) { $0[0].applying("expm") } }),
    ("cofactors", { try graph([[200, 200]]) { $0[0].applying("det").gradient(withRespectTo: $0[0]) } }),
    ("stack", { try graph([[20_000, 6, 6]]) { $0[0].applying("det") } }),
  ]

  private static func graph(_ shapes: [Shape], _ dtype: DType = .float64, _ body: ([Value]) -> Value) throws -> Graph {
    let builder = GraphBuilder()
    return try builder.graph(outputs: [body(shapes.map { builder.input("x", dtype, $0) })])
  }

  private static func inputs(_ graph: Graph) -> [Tensor] {
    graph.inputTypes.map { type in
      // Quickly made: positive, and matrices that have inverses.
      if type.dtype == .int64 { return Tensor((0..<type.elementCount).map { Int64($0 % 7 + 1) }, shape: type.shape) }
      let matrix =
        type.shape.rank >= 2 && type.shape[type.shape.rank - 1] == type.shape[type.shape.rank - 2]
        ? type.shape.last ?? 0 : 0
      let values = (0..<type.elementCount).map { position -> Double in
        let isDiagonal = matrix > 0 && position / matrix % matrix == position % matrix
        return isDiagonal ? Double(matrix) : Double(position % 1009) / 1009
      }
      return Tensor(values, shape: type.shape)
    }
  }

  /// Raised when a tenth of the time is over, the run is over before half of it is: a factor for a busy machine, and
  /// three tries.
  @Test(arguments: long.indices) func aLongInstructionEndsEarly(_ index: Int) throws {
    let graph = try Self.long[index].make()
    let inputs = Self.inputs(graph)
    let plan = try Plan(graph)
    _ = try plan.run(inputs)
    let clock = ContinuousClock()
    var ended = false
    for _ in 0..<5 where !ended {
      let whole = try clock.measure { _ = try plan.run(inputs) }
      let interruption = Interruption()
      let raising = Thread {
        usleep(UInt32(whole / .microseconds(1) / 10))
        interruption.interrupt()
      }
      raising.start()
      var wasInterrupted = false
      let time = clock.measure {
        wasInterrupted = isInterrupted { _ = try plan.run(inputs, interruption: interruption) }
      }
      while !interruption.isInterrupted { usleep(100) }
      ended = wasInterrupted && time < whole / 2
    }
    #expect(ended, "\(Self.long[index].name)")
  }

  /// What is done before and after is the same, in the same memory, wherever a run was interrupted between.
  @Test(arguments: [1, 2]) func memoryServesAgain(_ threads: Int) throws {
    let before = Parallelism.threads
    defer { Parallelism.threads = before }
    Parallelism.threads = threads
    let graph = try Self.graph([[1 << 20], [300, 300]]) { x in
      let product = x[1].matmul(x[1]).applying("det")
      return (x[0] * product).applying("tanh").sum() + x[0].applying("cumsum", attributes: ["axis": .integer(0)]).sum()
    }
    let inputs = Self.inputs(graph)
    let plan = try Plan(graph)
    let expected = try plan.run(inputs)
    let layout = plan.runLayout()
    let block = AlignedMemory.allocate(layout.byteCount)
    defer { free(block) }
    for delay in [0, 100, 1000, 3000, 10_000, 30_000] as [UInt32] {
      let interruption = Interruption()
      let raising = Thread {
        usleep(delay)
        interruption.interrupt()
      }
      raising.start()
      do {
        try plan.run(in: block, layout, inputs: inputs, interruption: interruption)
      } catch { #expect(error.code == .interrupted) }
      while !interruption.isInterrupted { usleep(100) }
      try plan.run(in: block, layout, inputs: inputs)
      let result = Tensor(plan.resultTypes[0]) { $0.copyMemory(from: block + layout.results[0], byteCount: 8) }
      #expect(Comparison.bits([result], expected) == nil)
    }
  }

  /// Kernels and factorisations look before they begin.
  @Test func raisedFlagsLeaveResultsAlone() throws {
    var flag: Int32 = 1
    let x = Tensor(repeating: 1.0, shape: [200, 200])
    func untouched(_ count: Int, _ body: (UnsafeMutableRawPointer) -> Void) -> Bool {
      let z = Tensor(TensorType(.float64, [count])) { base in
        base.initializeMemory(as: Double.self, repeating: 5, count: count)
        body(base)
      }
      return z.doubles.last == 5
    }
    var all = 0
    forEachTable { table in
      all += 1
      #expect(
        untouched(40_000) {
          ck_matmul(table, 0)?(200, 200, 200, $0, x.storage.base, 200, 1, x.storage.base, 200, 1, &flag)
        })
      #expect(untouched(200) { ck_matvec(table, 0)?(200, 200, $0, x.storage.base, 200, 1, x.storage.base, 1, &flag) })
      #expect(
        untouched(200) { ck_reduce(table, Int32(CK_SUM.rawValue), 0)?(200, 200, $0, x.storage.base, 200, 1, &flag) })
    }
    #expect(all > 0)
    #expect(untouched(40_600) { _ = MatrixFunction.lu.run(n: 200, m: 0, SolveForm(), $0, x.storage.base, $0, &flag) })
  }

  private func forEachTable(_ body: (OpaquePointer) -> Void) {
    var tables: (OpaquePointer?, OpaquePointer?, OpaquePointer?) = (nil, nil, nil)
    withUnsafeMutablePointer(to: &tables) { pointer in
      pointer.withMemoryRebound(to: OpaquePointer?.self, capacity: 3) { _ = ck_all_kernels($0) }
    }
    for case let table? in [tables.0, tables.1, tables.2] { body(table) }
  }

  // MARK: Building and planning

  @Test func buildingEnds() throws {
    let builder = GraphBuilder()
    var x = builder.input("x", .float64, [])
    let interruption = Interruption()
    builder.interruption = interruption
    for _ in 0..<3000 { x = x * 2 + 1 }
    _ = try builder.graph(outputs: [x])
    interruption.interrupt()
    for _ in 0..<3000 where builder.firstError == nil { x = x * 2 + 1 }
    #expect(isInterrupted { _ = try builder.graph(outputs: [x]) })
    #expect(builder.columns.nodeCount < 6200)
  }

  @Test func transformsEnd() throws {
    let builder = GraphBuilder()
    let input = builder.input("x", .float64, [3])
    var x = input
    for _ in 0..<3000 { x = x * 2 + 1 }
    let before = builder.columns.nodeCount
    let interruption = Interruption()
    builder.interruption = interruption
    interruption.interrupt()
    _ = builder.jacobians(of: [x], withRespectTo: [input])
    #expect(builder.takeError()?.code == .interrupted)
    #expect(builder.columns.nodeCount < before + 2048)
  }

  @Test func planningEnds() throws {
    let graph = try Self.graph([[3]]) { x in (0..<3000).reduce(x[0]) { y, _ in y * 2 + 1 } }
    let interruption = Interruption()
    _ = try Plan(graph, interruption: interruption)
    interruption.interrupt()
    #expect(isInterrupted { _ = try Plan(graph, interruption: interruption) })
  }
}

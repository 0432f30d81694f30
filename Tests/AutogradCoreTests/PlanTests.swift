import AutogradTestSupport
import CKernels
import Testing

@testable import AutogradCore

@Suite struct PlanTests {
  let builder = GraphBuilder()

  private func plan(_ outputs: Value...) throws -> Plan { try Plan(builder.graph(outputs: outputs)) }

  // MARK: What runs

  /// Broadcasts, transposes, slices, splits and reshapes are layouts; only the sum computes.
  @Test func layoutsAreNoInstructions() throws {
    let x = builder.input("x", .float64, [4, 6])
    let parts = x.transpose().slice(starts: [nil], ends: [nil], steps: [-2]).split([1, 2])
    let y = parts[1].reshape(2, 2, 2).broadcast(to: [5, 2, 2, 2])
    let plan = try plan(y.sum(axis: 3))
    #expect(plan.instructions.map(\.kind) == [.reduce])
    #expect(plan.workspaceByteCount == 0)
  }

  @Test func whatNoOutputNeedsIsNotComputed() throws {
    let x = builder.input("x", .float64, [50, 50])
    _ = builder.input("unused", .float64, [3])
    _ = x.matmul(x).sum() / 3
    let plan = try plan(x * 2)
    #expect(plan.instructions.map(\.kind) == [.binary])
    #expect(plan.work == 2500)
    #expect(plan.inputTypes.count == 2)
  }

  /// A gradient that nobody asks for costs nothing.
  @Test func gradientsOfOneInputDoNotComputeTheOther() throws {
    let x = builder.input("x", .float64, [8, 8])
    let w = builder.input("w", .float64, [8, 8])
    let y = x.matmul(w)
    let gradients = builder.gradients(of: [(y, builder.input("ct", .float64, [8, 8]))], withRespectTo: [w])
    let plan = try Plan(builder.graph(outputs: gradients.compactMap { $0 }))
    #expect(plan.instructions.map(\.kind) == [.matmul])
  }

  /// A cotangent of ones makes the gradient of w one column, which is computed once and repeated.
  @Test func productsWithOnesAreProductsWithAVector() throws {
    let x = builder.input("x", .float64, [8, 30])
    let w = builder.input("w", .float64, [30, 20])
    let y = x.matmul(w)
    let gradients = builder.gradients(of: [(y, builder.ones(y.type))], withRespectTo: [w])
    let plan = try Plan(builder.graph(outputs: gradients.compactMap { $0 }))
    #expect(plan.instructions.map(\.kind) == [.matmul, .copy])
    #expect(plan.program.products.map { [$0.m, $0.n, $0.k] } == [[30, 1, 8]])
  }

  @Test func scalarsAreImmediates() throws {
    let x = builder.input("x", .float64, [3])
    let plan = try plan(x * 2 + 2 - (-0.0) + 0.0)
    #expect(plan.program.pool == [2.0, -0.0, 0.0].map(\.bitPattern))
    #expect(plan.program.constants.isEmpty)
    #expect(plan.program.members.map(\.isPair) == [true, true])
  }

  // MARK: Fusion

  @Test func aChainRunsInTilesOfTheFirstCache() throws {
    var y = builder.input("x", .float64, [1_000_000])
    for step in 0..<1000 { y = y * 1.0001 + Double(step) }
    let plan = try plan(y)
    #expect(plan.program.members.count == 1000)
    #expect(plan.instructions.count == 16)
    // Beside what passes from region to region, two tiles each.
    #expect(plan.workspaceByteCount <= 2 * 8_400_000 + 64 << 10)
    #expect(plan.peakByteCount == plan.workspaceByteCount + 8_000_000)
  }

  /// The way back runs with the way forward although a sum stands between them, and nothing but the gradient is
  /// written.
  @Test func forwardAndBackwardAreOneRegion() throws {
    let x = builder.input("x", .float64, [100_000])
    let y = ((x * x).emit(.sin) + x).emit(.tanh).sum()
    let gradient = builder.gradients(of: [(y, builder.ones(y.type))], withRespectTo: [x])
    let plan = try Plan(builder.graph(outputs: [y] + gradient.compactMap { $0 }))
    #expect(plan.instructions.map(\.kind) == [.region])
    #expect(plan.workspaceByteCount < 64 << 10)
  }

  /// A transposed operand of a result in the same region would be read before it is all there.
  @Test func whatIsReadElsewhereIsWrittenBefore() throws {
    let x = builder.input("x", .float64, [300, 300])
    let y = x * 2
    let plan = try plan(y + y.transpose())
    #expect(plan.instructions.map(\.kind) == [.binary, .binary])
  }

  // MARK: Memory

  /// Buffers of all sizes between live and dead: what is reserved is far less than what is made.
  @Test func memoryIsUsedAgain() throws {
    let x = builder.input("x", .float64, [64, 64])
    var y = x
    for step in 0..<50 { y = (y.matmul(x) * Double(step)).sum(axis: 0, keepDimensions: true) + x }
    let plan = try plan(y)
    #expect(plan.workspaceByteCount < 4 * 64 * 64 * 8 + 4096)
  }

  /// Every address that an instruction touches lies in the memory it is meant for; nothing is reserved that is not
  /// used.
  @Test(arguments: RandomGraphTests.seeds) func instructionsStayInTheirMemory(_ seed: UInt64) throws {
    var generator = RandomGraph(seed: seed)
    let graph = try vjp(generator.draw(nodeCount: 4 + Int(seed % 40)))
    let plan = try Plan(graph)
    #expect(plan.program.firstStray() == nil)
    #expect(plan.peakByteCount == plan.workspaceByteCount + plan.resultByteCount)
  }

  /// Planning alone must survive sizes that no run would.
  @Test func costsSaturate() throws {
    let huge = builder.input("x", .float64, [1 << 20, 1 << 20])
    let product = huge.matmul(huge.transpose())
    let plan = try plan(product.matmul(product) + product, (huge * huge).matmul(product), huge)
    #expect(plan.work > 1 << 60)
    #expect(plan.peakByteCount >= 5 * (1 << 43))
  }

  // MARK: Outputs

  @Test func outputsMayBeAnything() throws {
    let x = builder.input("x", .float64, [2, 3])
    let tensor = builder.constant([1, 2])
    let y = x * 2
    let outputs = [
      y, x, y, x.transpose(), y.transpose(), y.reshape(6), y.reshape(3, 2), y.slice(starts: [1], ends: [nil]),
      builder.constant(7.0),
      tensor, tensor, builder.zeros(TensorType(.int32, [2])), y.split([1, 2], axis: 1)[1],
      x.slice(starts: [2], ends: [nil]), y.sum(),
    ]
    let graph = try builder.graph(outputs: outputs)
    let input: Tensor = [[1, 2, 3], [4, 5, 6]]
    let plan = try Plan(graph)
    let results = try plan.run([input])
    #expect(plan.outputTypes == graph.outputTypes)
    #expect(Comparison.bits(results, try Interpreter.run(graph, [input])) == nil)
    #expect(plan.program.firstStray() == nil)
    // A value that is an output twice is computed and stored once.
    #expect(plan.resultTypes.count == outputs.count - 2)
    #expect(results[0].storage === results[2].storage)
    // Results are the caller's own.
    #expect(results[1].storage !== input.storage)
  }

  @Test func anEmptyGraphRuns() throws {
    #expect(try Plan(builder.graph(outputs: [])).run([]).isEmpty)
  }

  /// A plan keeps nothing between runs.
  @Test func aPlanRunsFromManyThreads() async throws {
    var generator = RandomGraph(seed: 77)
    let graph = try vjp(generator.draw(nodeCount: 30))
    let plan = try Plan(graph)
    var sets: [[Tensor]] = []
    for _ in 0..<64 { sets.append(Tensor.random(graph.inputTypes, using: &generator.random)) }
    let expected = try sets.map(plan.run)
    try await withThrowingTaskGroup(of: (Int, [Tensor]).self) { group in
      for (index, inputs) in sets.enumerated() { group.addTask { (index, try plan.run(inputs)) } }
      for try await (index, results) in group { #expect(Comparison.bits(results, expected[index]) == nil) }
    }
  }
}

// MARK: Addresses

extension Program {
  /// The first instruction that reaches outside of the memory it names, described.
  fileprivate func firstStray() -> String? {
    var room = [workspaceByteCount - ownByteCount, pool.count * 8, ownByteCount]
    room += inputTypes.map(\.byteCount) + constants.map(\.type.byteCount) + resultTypes.map(\.byteCount)
    for (index, instruction) in instructions.enumerated() {
      let accesses =
        instruction.kind == .region
        ? regions[Int(instruction.detail)].members.flatMap { reaches(members[$0], regions[Int(instruction.detail)]) }
        : reaches(instruction)
      for (slot, width, reach) in accesses {
        guard let reach else { continue }
        let (first, last) = (slot.offset + reach.lowerBound * width, slot.offset + (reach.upperBound + 1) * width)
        if first < 0 || last > room[Int(slot.base)] { return "instruction \(index) \(instruction): \(first)..<\(last)" }
      }
    }
    return nil
  }

  /// The same for a member of a region.
  private func reaches(_ member: Member, _ region: Region) -> [(Slot, width: Int, ClosedRange<Int>?)] {
    let count = region.sizes.elementCount
    let ofLoop = member.isFlat ? nil : loops[Int(member.loop)]
    return [(member.z, ofLoop?.z), (member.x, ofLoop?.x), (member.y, ofLoop?.y)].enumerated().map { index, entry in
      let (operand, strides) = entry
      if member.kind == .reduce && index == 2 { return (operand.slot, 1, 0...(CK_REDUCE_STATE - 1)) }
      if operand.isTile { return (operand.slot, operand.width, count > 0 ? 0...(region.tile - 1) : nil) }
      return (operand.slot, operand.width, strides.map { reach(region.sizes, $0) } ?? reach([count], [operand.stride]))
    }
  }

  /// For each operand: the elements it touches relative to its slot; nil for none.
  private func reaches(_ instruction: Instruction) -> [(Slot, width: Int, ClosedRange<Int>?)] {
    let detail = Int(instruction.detail)
    let width = instruction.dtype.byteWidth
    switch instruction.kind {
    case .copy, .unary, .cast, .binary, .select:
      let loop = loops[detail]
      let target =
        instruction.kind == .cast ? DType(rawValue: instruction.function)?.byteWidth ?? 0 : instruction.resultWidth
      let y = instruction.kind == .binary || instruction.kind == .select ? reach(loop.sizes, loop.y) : nil
      let xWidth = instruction.kind == .select ? 1 : width
      return [
        (instruction.z, target, reach(loop.sizes, loop.z)), (instruction.x, xWidth, reach(loop.sizes, loop.x)),
        (instruction.y, width, y),
      ]
    case .scan:
      let loop = loops[detail]
      let lines = reach(loop.sizes, loop.y)
      // Sorting has scratch memory: four numbers for each element of a line, behind the ranks that are wanted.
      let scratch = (loop.sizes.last ?? 0) > 0 ? 0...(4 * (loop.sizes.last ?? 0) - 1) : nil
      let ranks = scratch.map { $0.lowerBound...($0.upperBound + loop.inner.y) }
      // Directions of a product lie together at each place, as many as the step from one to the next.
      let directions = reach(loop.sizes.appending([loop.inner.y]), loop.y.appending([1]))
      let y =
        switch ck_scan_op(UInt32(instruction.function)) {
        case CK_ARGSORT: scratch
        case CK_ARGSELECT: ranks
        // A line of as many numbers as the step says, for each but the last axis.
        case CK_SEARCH_LEFT, CK_SEARCH_RIGHT:
          reach(
            Shape(loop.sizes.array.dropLast() + [loop.inner.y]), Shape(loop.y.array.dropLast() + [1]))
        case CK_CUMSUM, CK_CUMMAX, CK_CUMMIN, CK_LOGCUMSUMEXP: nil
        case CK_PRODUCT_TERMS: directions
        default: lines
        } as ClosedRange<Int>?
      var results = loop.sizes
      if UInt32(instruction.function) == CK_ARGSELECT.rawValue { results[results.rank - 1] = loop.inner.y }
      return [
        (instruction.z, instruction.resultWidth, reach(results, loop.z)),
        (instruction.x, width, reach(loop.sizes, loop.x)),
        (instruction.y, instruction.secondWidth, y),
      ]
    case .reduce:
      let sum = reductions[detail]
      let shape = sum.outer.sizes.appending([sum.columns])
      return [
        (instruction.z, instruction.resultWidth, reach(shape, sum.outer.z.appending([1]))),
        (
          instruction.x, width,
          reach(shape.appending([sum.rows]), sum.outer.x.appending([sum.columnStride, sum.rowStride]))
        ),
      ]
    case .region: return []
    case .matrix:
      let call = matrixCalls[detail]
      let (n, m) = (call.n, call.m)
      // Elements of one matrix of each.
      let extents: (z: Int, x: Int, y: Int) =
        switch MatrixFunction(rawValue: instruction.function) {
        case .cholesky: (n * n, n * n, 0)
        case .lu: ((n + 3) * n, n * n, 0)
        case .luSolve: (n * m, (n + 3) * n, n * m)
        case .triangularSolve: (n * m, n * n, n * m)
        case .determinant, .determinantSign, .determinantLog: (1, (n + 3) * n, 0)
        case .eigen: ((n + 1) * n, n * n, MatrixFunction.eigen.scratchByteCount(n: n, m: m) / 8)
        case .svd: ((m + 1 + n) * min(m, n), m * n, MatrixFunction.svd.scratchByteCount(n: n, m: m) / 8)
        case .qr: ((m + n) * n, m * n, MatrixFunction.qr.scratchByteCount(n: n, m: m) / 8)
        case .exponential: (n * n, n * n, MatrixFunction.exponential.scratchByteCount(n: n, m: m) / 8)
        case .exponentialSlope:
          (n * n, 2 * n * n, MatrixFunction.exponentialSlope.scratchByteCount(n: n, m: m) / 8)
        case .cofactors: (n * n, n * n, MatrixFunction.cofactors.scratchByteCount(n: n, m: m) / 8)
        case nil: (.max, .max, .max)
        }
      func stacked(_ strides: Shape, _ count: Int) -> ClosedRange<Int>? {
        reach(call.outer.sizes.appending([count]), strides.appending([1]))
      }
      return [
        (instruction.z, 8, stacked(call.outer.z, extents.z)), (instruction.x, 8, stacked(call.outer.x, extents.x)),
        (instruction.y, 8, stacked(call.outer.y, extents.y)),
      ]
    case .matmul:
      let product = products[detail]
      let outer = product.outer
      return [
        (
          instruction.z, width,
          reach(outer.sizes.appending([product.m, product.n]), outer.z.appending([product.n, 1]))
        ),
        (
          instruction.x, width,
          reach(outer.sizes.appending([product.m, product.k]), outer.x.appending([product.xRow, product.xColumn]))
        ),
        (
          instruction.y, width,
          reach(outer.sizes.appending([product.k, product.n]), outer.y.appending([product.yRow, product.yColumn]))
        ),
      ]
    case .gather, .scatterAdd, .scatter, .scatterMax:
      let gather = gathers[detail]
      let isGather = instruction.kind == .gather
      // Any index in range may come.
      func side(_ strides: Shape, _ stride: Int, isIndexed: Bool) -> ClosedRange<Int>? {
        reach(gather.outer.sizes.appending([isIndexed ? gather.size : gather.count]), strides.appending([stride]))
      }
      return [
        (instruction.z, instruction.resultWidth, side(gather.outer.z, gather.zStride, isIndexed: !isGather)),
        (instruction.x, width, side(gather.outer.x, gather.xStride, isIndexed: isGather)),
        (
          instruction.y, instruction.function == DType.int32.rawValue ? 4 : 8,
          // The kernel's own axis shares an index.
          reach(
            gather.outer.sizes.axes(0..<(gather.outer.sizes.rank - 1)).appending([gather.count]),
            gather.outer.y.axes(0..<(gather.outer.y.rank - 1)).appending([gather.indexStride]))
        ),
      ]
    case .custom:
      let call = customCalls[detail]
      return (call.operands + call.results).map { type, slot in
        (slot, 1, type.byteCount == 0 ? nil : 0...(type.byteCount - 1))
      }
    }
  }

  private func reach(_ sizes: Shape, _ strides: Shape) -> ClosedRange<Int>? {
    if sizes.isEmpty { return nil }
    let ends = (0..<sizes.rank).map { (sizes[$0] - 1) * strides[$0] }
    return ends.filter { $0 < 0 }.reduce(0, +)...ends.filter { $0 > 0 }.reduce(0, +)
  }
}

import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Regions on more elements than a tile holds, whose rows are longer and shorter than one, with operands that repeat
/// along rows or columns, lie transposed or are cut out: what the executor computes tile by tile is what the
/// interpreter computes, bit for bit.
@Suite struct FusionTests {
  static let shapes: [Shape] = [
    [9001], [300, 7], [7, 1300], [3, 5, 129], [2, 1, 700, 3], [130, 130], [1, 4097], [4096, 2], [64, 64],
  ]

  /// A graph of mostly elementwise nodes, drawn from a seed.
  private struct Draft {
    let builder = GraphBuilder()
    var random: SeededGenerator
    let shape: Shape
    var values: [Value]

    init(_ shape: Shape, _ dtype: DType = .float64, seed: UInt64) {
      random = SeededGenerator(seed: seed)
      self.shape = shape
      // Of the whole shape, of one row, of one column, of one number.
      var column = shape
      column[shape.rank - 1] = 1
      let row = Shape(shape.array.suffix(1))
      values = [shape, shape, row, column, []].map { [builder] in builder.input("x", dtype, $0) }
    }

    mutating func step() throws {
      let (x, y) = (random.pick(values), random.pick(values))
      let result: Value
      switch random.int(0...13) {
      case 0: result = x + y
      case 1: result = x * y
      case 2: result = x - y
      case 3: result = x / (y * y + 1)
      case 4: result = x.emit(.tanh)
      case 5: result = x.emit(.sin)
      case 6: result = (x * x + 0.5).emit(.sqrt)
      case 7: result = try apply("where", [try apply("less", [x, y]), y, x])
      case 8: result = x.cast(to: x.dtype == .float64 ? .float32 : .float64).cast(to: x.dtype)
      case 9: result = try apply("maximum", [x, y])
      case 10: result = x + x.sum() * 1e-4
      case 11: result = x.shape.rank > 0 ? x * x.sum(axis: -1, keepDimensions: true).emit(.sin) : x
      case 12 where x.shape.rank >= 2 && x.shape[x.shape.rank - 1] == x.shape[x.shape.rank - 2]:
        result = x + builder.matrixTranspose(x)
      case 12: result = try apply("flip", [x])
      default: result = try apply("cumsum", [x.shape.rank > 0 ? x : values[0]], ["axis": .integer(-1)]) * 0.01
      }
      values.append(result)
    }

    private func apply(_ name: String, _ operands: [Value], _ attributes: [String: AttributeValue] = [:]) throws
      -> Value
    {
      try builder.apply(#require(OpCatalog.operation(named: name)), operands.map { .value($0) }, attributes)[0]
    }
  }

  @Test(arguments: shapes, 0..<16 as Range<UInt64>) func tilesGiveTheSameBits(_ shape: Shape, _ seed: UInt64) throws {
    var draft = Draft(shape, seed % 4 == 3 ? .float32 : .float64, seed: seed)
    for _ in 0..<14 { try draft.step() }
    let builder = draft.builder
    let outputs = draft.values.suffix(3) + [draft.values.suffix(4).reduce(draft.values[0]) { $0 + $1 }.sum()]
    let gradients = builder.gradients(
      of: [(outputs.last ?? draft.values[0], builder.ones(TensorType(draft.values[0].dtype, [])))],
      withRespectTo: draft.values.prefix(5).map { $0 })
    let graph = try builder.graph(outputs: outputs + gradients.compactMap { $0 })
    let inputs = Tensor.random(graph.inputTypes, using: &draft.random)
    #expect(Comparison.bits(try Plan(graph).run(inputs), try Interpreter.run(graph, inputs)) == nil)
  }

  /// The draws above reach what they are meant to.
  @Test func regionsAreDrawn() throws {
    var (flat, rows, reducing, pairs) = (0, 0, 0, 0)
    for shape in Self.shapes {
      for seed in 0..<12 as Range<UInt64> {
        var draft = Draft(shape, seed: seed)
        for _ in 0..<14 { try draft.step() }
        let plan = try Plan(
          draft.builder.graph(outputs: [draft.values.suffix(4).reduce(draft.values[0]) { $0 + $1 }.sum()]))
        for region in plan.program.regions where region.sizes.elementCount > region.tile {
          if plan.program.members[region.members].contains(where: { !$0.isFlat }) { rows += 1 } else { flat += 1 }
          if region.reduces { reducing += 1 }
          pairs += plan.program.members[region.members].count(where: \.isPair)
        }
      }
    }
    #expect(flat > 20 && rows > 20 && reducing > 20 && pairs > 20)
  }

  // MARK: Pairs

  private func members(_ output: Value) throws -> [Bool] {
    try Plan(output.builder.graph(outputs: [output])).program.members.map(\.isPair)
  }

  /// Two operations are one member where what is between them has no other reader.
  @Test func pairsAreMadeOfNeighbours() throws {
    let builder = GraphBuilder()
    let (x, y) = (builder.input("x", .float32, [5000]), builder.input("y", .float32, [5000]))
    #expect(try members((x * 2 + 1).emit(.exp)) == [true, false])
    #expect(try members(((x - y) / x).emit(.exp)) == [true, false])
    #expect(try members((-(x / y)).emit(.exp)) == [true, false])
    // The product is read twice, by the sum alone or by two others.
    let product = x * y
    #expect(try members((product + product).emit(.exp)) == [false, false, false])
    #expect(
      try members((product + 1).emit(.sin) * (product - 1).emit(.exp)) == [false, false, false, false, false, false])
    // An output is read by whoever asked for it.
    #expect(try !Plan(builder.graph(outputs: [product, product + 1])).program.members.contains { $0.isPair })
    // Integers have no pairs.
    let k = builder.input("k", .int32, [5000])
    #expect(try members(k * k + 1) == [false, false])
  }

  // MARK: Slopes

  private static let lengths = [1, 2, 5, 31, 33, 4097, 9001]

  /// How often a plan makes a tanh together with its slope; its bits must be the interpreter's.
  private func slopes(_ outputs: [Value]) throws -> Int {
    let graph = try outputs[0].builder.graph(outputs: outputs)
    var random = SeededGenerator(seed: 3)
    let inputs = Tensor.random(graph.inputTypes, using: &random)
    let plan = try Plan(graph)
    #expect(Comparison.bits(try plan.run(inputs), try Interpreter.run(graph, inputs)) == nil)
    return plan.program.members.count(where: \.hasSlope)
  }

  /// Whichever comes first, and whether they are read here or handed out.
  @Test(arguments: [DType.float64, .float32], lengths) func tanhIsMadeWithItsSlope(_ dtype: DType, _ length: Int) throws
  {
    let builder = GraphBuilder()
    let x = builder.input("x", dtype, [length])
    let y = x * 3 + 1
    let z = (y.emit(.tanh) * x).sum()
    let gradients = builder.gradients(of: [(z, builder.ones(z.type))], withRespectTo: [x]).compactMap { $0 }
    #expect(try slopes([z] + gradients) == 1)
    #expect(try slopes([y.emit(.tanh), y.emit(.sech2)]) == 1)
    #expect(try slopes([y.emit(.sech2) * x + 1, (y.emit(.tanh) - x).emit(.sin), y]) == 1)
    // Of two operands each, and a slope alone.
    let both = y.emit(.tanh) * x.emit(.tanh) * (x.emit(.sech2) + y.emit(.sech2))
    #expect(try slopes([both, both.sum()]) == 2)
    #expect(try slopes([y.emit(.sech2) * x, x.emit(.tanh) * x]) == 0)
  }

  /// What is strided, repeats or lies beside something else is made by the two kernels.
  @Test func slopesOfStridedOperandsAreMadeApart() throws {
    let builder = GraphBuilder()
    let (x, row) = (builder.input("x", .float64, [90, 90]), builder.input("row", .float64, [90]))
    func both(_ y: Value) -> [Value] { [y.emit(.tanh) + x, y.emit(.sech2) * x] }
    #expect(try slopes(both(builder.matrixTranspose(x))) == 0)
    #expect(try slopes(both(builder.broadcast(row, to: [90, 90]))) == 0)
    #expect(try slopes(both(builder.matrixTranspose(x) + 1)) == 1)
  }

  /// The quotient by a root shares the division of the root's derivative.
  @Test func rootsAreDividedByOnce() throws {
    let builder = GraphBuilder()
    let (x, y) = (builder.input("x", .float64, [7]), builder.input("y", .float64, [7]))
    let quotient = x / (y * y + 1).emit(.sqrt)
    let gradients = builder.gradients(of: [(quotient, builder.input("ct", .float64, [7]))], withRespectTo: [x, y])
    let text = try builder.graph(outputs: gradients.compactMap { $0 }).description
    #expect(text.split(separator: "\n").count { $0.contains("= div ") } == 2)
  }

  // MARK: Streams

  /// What lies in memory is asked for a tile ahead where enough is computed with it: here x and its gradient, each
  /// once.
  @Test func longRegionsAskForTheirMemoryAhead() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float32, [50_000])
    let y = ((x * x).emit(.sin) * x).emit(.tanh).emit(.exp).sum()
    let gradient = builder.gradients(of: [(y, builder.ones(y.type))], withRespectTo: [x])
    let plan = try Plan(builder.graph(outputs: [y] + gradient.compactMap { $0 }))
    #expect(plan.program.regions.count == 1 && plan.program.regions[0].tile < 50_000)
    #expect(
      Set(plan.program.streams.map(\.slot.base)) == [
        Int32(Program.firstInputBase), Int32(plan.program.firstResultBase + 1),
      ])
    #expect(plan.program.streams.count == 2)
    // A few operations would wait for what they ask for, and one tile has no next.
    #expect(try Plan(builder.graph(outputs: [x.emit(.sin) * x])).program.streams.isEmpty)
    let short = builder.input("short", .float32, [100])
    #expect(
      try Plan(builder.graph(outputs: [(0..<12).reduce(short) { y, _ in (y * short).emit(.sin) }])).program.streams
        .isEmpty)
  }
}

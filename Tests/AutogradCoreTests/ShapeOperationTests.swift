import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Values, edges and refusals of the operations that move elements, beyond what the sweep draws.
@Suite struct ShapeOperationTests {
  private func run(
    _ name: String, _ operands: [Tensor], _ attributes: [String: AttributeValue] = [:], results: Int = 1
  ) throws -> [Tensor] {
    let operation = try #require(OpCatalog.operation(named: name))
    let builder = GraphBuilder()
    let inputs = operands.enumerated().map { builder.input("x\($0)", $1.dtype, $1.shape) }
    builder.label = 3
    let graph = try builder.graph(
      outputs: builder.apply(operation, inputs.map { .value($0) }, attributes, resultCount: results))
    #expect(try Checks.values(graph, operands) == nil)
    return try Plan(graph).run(operands)
  }

  private func refusal(
    _ name: String, _ shapes: [Shape], _ attributes: [String: AttributeValue] = [:], results: Int = 1
  ) throws -> GraphError? {
    let operation = try #require(OpCatalog.operation(named: name))
    let builder = GraphBuilder()
    let operands = shapes.enumerated().map { index, shape in
      Operand.value(
        builder.input("x\(index)", operation.reference.kind(of: index) == .index ? .int64 : .float64, shape))
    }
    do throws(GraphError) {
      _ = try builder.apply(operation, operands, attributes, resultCount: results)
      return nil
    } catch {
      return error
    }
  }

  private static let matrix: Tensor = [[1, 2, 3], [4, 5, 6]]

  @Test func valuesOfMoves() throws {
    let m = Self.matrix
    let cases: [(String, [Tensor], [String: AttributeValue], Tensor)] = [
      ("concat", [m, m], ["axis": .integer(-1)], [[1, 2, 3, 1, 2, 3], [4, 5, 6, 4, 5, 6]]),
      ("stack", [[1, 2], [3, 4]], ["axis": .integer(-1)], [[1, 3], [2, 4]]),
      ("flip", [m], [:], [[6, 5, 4], [3, 2, 1]]),
      ("flip", [m], ["axis": .integer(0)], [[4, 5, 6], [1, 2, 3]]),
      ("roll", [m], ["shift": .integer(1)], [[6, 1, 2], [3, 4, 5]]),
      ("roll", [m], ["shift": .integer(-1), "axis": .integer(1)], [[2, 3, 1], [5, 6, 4]]),
      ("roll", [m], ["shift": .integers([1, .min]), "axis": .integers([0, 1])], [[6, 4, 5], [3, 1, 2]]),
      ("tile", [[1, 2]], ["repetitions": .integers([2, 2])], [[1, 2, 1, 2], [1, 2, 1, 2]]),
      (
        "repeat", [m], ["repeats": .integer(2), "axis": .integer(0)], [[1, 2, 3], [1, 2, 3], [4, 5, 6], [4, 5, 6]]
      ),
      ("repeat", [[1, 2]], ["repeats": .integer(2), "axis": .integer(0)], [1, 1, 2, 2]),
      ("tril", [m], [:], [[1, 0, 0], [4, 5, 0]]),
      ("tril", [m], ["k": .integer(.min)], [[0, 0, 0], [0, 0, 0]]),
      ("triu", [m], ["k": .integer(1)], [[0, 2, 3], [0, 0, 6]]),
      ("triu", [m], ["k": .integer(.min)], m),
      ("diagonal", [m], [:], [1, 5]),
      ("diagonal", [m], ["offset": .integer(1)], [2, 6]),
      ("diagonal", [m], ["offset": .integer(-1)], [4]),
      ("diagonal", [m], ["offset": .integer(.min)], Tensor([Double]())),
      ("trace", [m], [:], 6),
      ("trace", [m], ["offset": .integer(.max)], 0),
      ("outer", [[1, 2], [3, 4]], [:], [[3, 4], [6, 8]]),
      ("expand_dims", [[1, 2]], ["axis": .integers([0, -1])], [[[1], [2]]]),
      ("squeeze", [[[[1], [2]]]], [:], [1, 2]),
    ]
    for (name, operands, attributes, expected) in cases {
      #expect(Comparison.bits(try run(name, operands, attributes), [expected]) == nil, "\(name) \(attributes)")
    }
    #expect(
      Comparison.bits(try run("unstack", [m], ["axis": .integer(1)], results: 3), [[1, 4], [2, 5], [3, 6]]) == nil)
  }

  // MARK: Padding

  @Test func paddingIsExact() throws {
    let widths = AttributeValue.integerLists([[1, 1]])
    let x: Tensor = [Tensor(Double.infinity), Tensor(Double.nan)]
    #expect(
      Comparison.bits(try run("pad", [x], ["widths": widths]), [[0, Tensor(Double.infinity), Tensor(Double.nan), 0]])
        == nil)
    for value in [Double.infinity, -.infinity, .nan, -0.0, 0.1] {
      let v = Tensor(value)
      #expect(
        Comparison.bits(try run("pad", [[1, 2]], ["widths": widths, "value": .number(value)]), [[v, 1, 2, v]]) == nil)
    }
    let large = Int(Int64.max) - 1
    let integers = try run("pad", [Tensor([5] as [Int64])], ["widths": widths, "value": .integer(large)])
    #expect(integers[0].values(as: Int64.self) == [Int64(large), 5, Int64(large)])
    let flags = try run("pad", [Tensor([false])], ["widths": widths, "value": .boolean(true)])
    #expect(flags[0].values(as: Bool.self) == [true, false, true])
    let plain = try run("pad", [Tensor([true])], ["widths": widths])
    #expect(plain[0].values(as: Bool.self) == [false, true, false])
    #expect(throws: GraphError.self) {
      try run("pad", [Tensor([5] as [Int32])], ["widths": widths, "value": .number(0.5)])
    }
    #expect(throws: GraphError.self) {
      try run("pad", [Tensor([5] as [Int32])], ["widths": widths, "value": .integer(large)])
    }
  }

  // MARK: Indices

  @Test func takeCountsFromEitherEnd() throws {
    for indices in [Tensor([0, -1, 1, -2] as [Int64]), Tensor([0, -1, 1, -2] as [Int32])] {
      #expect(Comparison.bits(try run("take", [[10, 20], indices]), [[10, 20, 20, 10]]) == nil)
      let columns = try run("take", [Self.matrix, indices], ["axis": .integer(1)])
      #expect(Comparison.bits(columns, [[[1, 3, 2, 2], [4, 6, 5, 5]]]) == nil)
    }
    #expect(Comparison.bits(try run("take", [Self.matrix, Tensor(Int64(-1))]), [[4, 5, 6]]) == nil)
    let rows: Tensor = [[0, 2], [-1, 0]]
    #expect(
      Comparison.bits(
        try run("take_along_axis", [Self.matrix, rows.converted(to: .int64)], ["axis": .integer(1)]),
        [[[1, 3], [6, 4]]]) == nil)
  }

  /// Executor and interpreter refuse the same index in the same words, in values and in gradients that do not need the
  /// values.
  @Test(arguments: ["take", "take_along_axis"], [3, -4, Int64.max, Int64.min])
  func indicesOutOfRangeAreRefused(_ name: String, _ bad: Int64) throws {
    let operation = try #require(OpCatalog.operation(named: name))
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [3])
    let indices = builder.input("indices", .int64, [4])
    builder.label = 5
    let y = try builder.apply(operation, [.value(x), .value(indices)], ["axis": .integer(0)])[0]
    let gradient = try #require(builder.gradients(of: [(y, builder.ones(y.type))], withRespectTo: [x])[0])
    let inputs: [Tensor] = [[1, 2, 3], Tensor([0, 2, bad, 99])]
    for output in [y, gradient] {
      let graph = try builder.graph(outputs: [output])
      let planned = #expect(throws: GraphError.self) { try Plan(graph).run(inputs) }
      let interpreted = #expect(throws: GraphError.self) { try Interpreter.run(graph, inputs) }
      #expect(
        planned?.description == "\(name): operand 1 holds the index \(bad), out of range for axis 0 of size 3 (-3 to 2)"
      )
      #expect(planned?.description == interpreted?.description)
      #expect(planned?.code == .indexOutOfRange && planned?.place == .operand(1))
      #expect(planned?.node == 5 && interpreted?.node == 5)
    }
  }

  @Test func duplicateIndicesAccumulate() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [3, 2])
    let take = try #require(OpCatalog.operation(named: "take"))
    let y = try builder.apply(take, [.value(x), .value(builder.constant(Tensor([1, 1, -2, 0] as [Int64])))])[0]
    let inputs: [Tensor] = [Tensor(repeating: 1.0, shape: [3, 2]), [[1, 2], [3, 4], [5, 6], [7, 8]]]
    let gradient = try Plan(vjp(builder.graph(outputs: [y]))).run(inputs)[1]
    #expect(Comparison.bits([gradient], [[[7, 8], [9, 12], [0, 0]]]) == nil)
  }

  // MARK: Refusals and sizes

  @Test func misuseIsRefused() throws {
    let cases: [(String, [Shape], [String: AttributeValue], Int, GraphError.Code)] = [
      ("concat", [[2], [2, 1]], [:], 1, .shapeMismatch), ("concat", [[2, 2], [2, 3]], [:], 1, .shapeMismatch),
      ("concat", [[]], [:], 1, .invalidAttribute), ("concat", [], [:], 1, .wrongArity),
      ("concat", [[1 << 40], [1 << 40]], [:], 1, .limitExceeded),
      ("stack", [[2], [3]], [:], 1, .shapeMismatch), ("stack", [[2]], ["axis": .integer(2)], 1, .invalidAttribute),
      ("stack", [[1, 1, 1, 1, 1, 1, 1, 1]], [:], 1, .limitExceeded),
      ("unstack", [[3]], [:], 2, .wrongArity), ("unstack", [[]], [:], 1, .invalidAttribute),
      ("expand_dims", [[3]], ["axis": .integers([0, -3])], 1, .invalidAttribute),
      ("expand_dims", [[3]], ["axis": .integers(Array(repeating: 0, count: 8))], 1, .limitExceeded),
      ("squeeze", [[1, 3]], ["axis": .integer(1)], 1, .shapeMismatch),
      ("pad", [[3]], ["widths": .integerLists([])], 1, .invalidAttribute),
      ("pad", [[3]], ["widths": .integerLists([[1]])], 1, .invalidAttribute),
      ("pad", [[3]], ["widths": .integerLists([[1, -1]])], 1, .invalidAttribute),
      ("pad", [[3]], ["widths": .integers([1, 1])], 1, .invalidAttribute),
      ("pad", [[3]], ["widths": .integerLists([[.max, .max]])], 1, .limitExceeded),
      ("roll", [[3]], ["shift": .integers([1])], 1, .invalidAttribute),
      ("roll", [[3]], ["shift": .integers([1, 2]), "axis": .integer(0)], 1, .invalidAttribute),
      ("tile", [[3]], ["repetitions": .integers([-1])], 1, .invalidAttribute),
      ("tile", [[3]], ["repetitions": .integers([.max])], 1, .limitExceeded),
      ("tile", [[0]], ["repetitions": .integers([.max])], 1, .limitExceeded),
      ("tile", [[1]], ["repetitions": .integers(Array(repeating: 1, count: 9))], 1, .limitExceeded),
      ("repeat", [[3]], ["repeats": .integer(.max), "axis": .integer(0)], 1, .limitExceeded),
      ("repeat", [[3]], ["repeats": .integer(2)], 1, .invalidAttribute),
      ("tril", [[3]], [:], 1, .shapeMismatch), ("diagonal", [[3]], [:], 1, .shapeMismatch),
      ("trace", [[]], [:], 1, .shapeMismatch),
      ("outer", [[3], [2, 2]], [:], 1, .shapeMismatch),
      ("take", [[], [1]], [:], 1, .invalidAttribute), ("take", [[0], [1]], [:], 1, .indexOutOfRange),
      ("take", [[1, 1, 1, 1, 1, 1, 1, 1], [1, 1]], [:], 1, .limitExceeded),
      ("take_along_axis", [[2, 3], [3]], [:], 1, .shapeMismatch),
      ("take_along_axis", [[2, 3], [4, 3]], [:], 1, .shapeMismatch),
    ]
    for (name, shapes, attributes, results, code) in cases {
      #expect(try refusal(name, shapes, attributes, results: results)?.code == code, "\(name) \(shapes) \(attributes)")
    }
  }

  /// Building a graph over stretched scalars takes next to nothing, however large the shapes: what running takes is the
  /// plan's to say.
  @Test func largeTrianglesCostNothingToBuild() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [])
    let tril = try #require(OpCatalog.operation(named: "tril"))
    for shape in [[1 << 20, 1 << 20], [1 << 40, 1], [1, 1 << 40]] as [Shape] {
      let y = try builder.apply(tril, [.value(builder.broadcast(x, to: shape))])[0]
      #expect(try Plan(builder.graph(outputs: [y])).peakByteCount >= 8 << 40)
    }
    #expect(builder.columns.tensors.reduce(0) { $0 + $1.type.byteCount } < 1 << 20)
  }

  @Test(arguments: [0, 1, 1023, 1024, 1025, 3000, 1_050_000])
  func indexVectorsCount(_ count: Int) throws {
    let builder = GraphBuilder()
    let result = try Plan(builder.graph(outputs: [builder.indexVector(count)])).run([])[0]
    #expect(result.values(as: Int64.self) == (0..<count).map { Int64($0) })
  }
}

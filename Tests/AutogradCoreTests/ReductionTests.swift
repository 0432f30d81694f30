import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Reductions and scans at their kinks and edges: the rows of the table of conventions.
@Suite struct ReductionTests {
  /// Value, and gradient of the sum of all results.
  private func run(
    _ name: String, _ x: Tensor, _ attributes: [String: AttributeValue] = [:]
  ) throws -> (value: [Double], gradient: [Double]) {
    let builder = GraphBuilder()
    let operand = builder.variable(x)
    let operation = try #require(OpCatalog.operation(named: name))
    let result = try builder.apply(operation, [.value(operand)], attributes)[0]
    let value = try result.evaluate()
    guard result.dtype.isFloating, x.dtype.isFloating else { return (value.doubles, []) }
    let gradient = builder.gradients(of: [(result, builder.ones(result.type))], withRespectTo: [operand])[0]
    return (value.doubles, try (gradient ?? builder.zeros(operand.type)).evaluate().doubles)
  }

  private func expect(
    _ name: String, _ x: Tensor, _ value: [Double], _ gradient: [Double] = [],
    at place: SourceLocation = #_sourceLocation
  ) throws {
    try expect(name, x, [:], value, gradient, at: place)
  }

  private func expect(
    _ name: String, _ x: Tensor, _ attributes: [String: AttributeValue], _ value: [Double], _ gradient: [Double] = [],
    at place: SourceLocation = #_sourceLocation
  ) throws {
    let result = try run(name, x, attributes)
    #expect(
      Comparison.close([Tensor(result.value)], [Tensor(value)], tolerance: 1e-15) == nil, "\(result.value)",
      sourceLocation: place)
    #expect(
      Comparison.close([Tensor(result.gradient)], [Tensor(gradient)], tolerance: 1e-15) == nil, "\(result.gradient)",
      sourceLocation: place)
  }

  private let infinity = Double.infinity

  @Test func tiesShareEvenly() throws {
    try expect("max", [1, 3, 3, 2], [3], [0, 0.5, 0.5, 0])
    try expect("min", [[1, 3], [1, 1]], ["axis": .integer(0)], [1, 1], [0.5, 0, 0.5, 1])
    try expect("norm", [-2, 2, 1], ["ord": .text("Infinity")], [2], [-0.5, 0.5, 0])
  }

  @Test func oneNaNSpoilsItsSlice() throws {
    try expect("max", [[1, .init(Double.nan)], [1, 2]], ["axis": .integer(1)], [.nan, 2], [.nan, .nan, 0, 1])
    try expect("min", [[1, .init(Double.nan)], [1, 2]], ["axis": .integer(1)], [.nan, 1], [.nan, .nan, 1, 0])
    try expect("argmax", Tensor([1, .nan, 3, .nan]), [1])
    try expect("argmin", Tensor([1, .nan, 3, .nan]), [1])
  }

  @Test func infiniteElements() throws {
    try expect("max", Tensor([-infinity, -infinity]), [-infinity], [0.5, 0.5])
    try expect("max", Tensor([infinity, 0]), [infinity], [1, 0])
    try expect("logsumexp", Tensor([-infinity, -infinity]), [-infinity], [0, 0])
    try expect("logsumexp", Tensor([-infinity, 3]), [3], [0, 1])
    try expect("logsumexp", Tensor([infinity, 1000]), [infinity], [.nan, 0])
    try expect("softmax", Tensor([-infinity, 0]), [0, 1], [0, 0])
    try expect("softmax", Tensor([-infinity, -infinity]), [.nan, .nan], [.nan, .nan])
  }

  @Test func largeElements() throws {
    try expect("logsumexp", [1000, 1000], [1000 + 0.6931471805599453], [0.5, 0.5])
    try expect("logsumexp", [-1000, -2000], [-1000], [1, 0])
    try expect("softmax", [1000, -1000, 1000], [0.5, 0, 0.5], [0, 0, 0])
    try expect("log_softmax", [1000, -1000], [0, -2000], [-1, 1])
  }

  @Test func zerosInProducts() throws {
    try expect("prod", [0, 2, 3], [0], [6, 0, 0])
    try expect("prod", [0, 0, 3], [0], [0, 0, 0])
    try expect("prod", [[1, 2], [0, 4]], ["axis": .integer(0)], [0, 8], [0, 4, 1, 2])
    try expect("cumprod", [2, 0, 3], ["axis": .integer(0)], [2, 0, 0], [1, 8, 0])
  }

  /// Factors of both kinds in any order, and what more factors than one line of the kernel come to.
  @Test func factorsOutOfRangeTogether() throws {
    try expect("prod", [1e-200, 1e-200, 1e200, 1e200], [1], [1e200, 1e200, 1e-200, 1e-200])
    try expect("prod", [1e200, 1e200, 1e-200, 1e-200], [1], [1e-200, 1e-200, 1e200, 1e200])
    try expect("prod", [1e-200, 1e-200], [0], [1e-200, 1e-200])
    try expect("prod", [0, 1e200, 1e-200], [0], [1, 0, 0])
    let count = 100_000
    let result = try run("prod", Tensor((0..<count).map { $0 < count / 2 ? 3.0 : 1.0 / 3 }))
    #expect(abs(result.value[0] - 1) < 1e-11)
    #expect(abs(result.gradient[0] - 1.0 / 3) < 1e-11 && abs(result.gradient[count - 1] - 3) < 1e-11)
    #expect(zip(result.gradient, result.gradient.dropFirst()).allSatisfy { abs($0 / $1 - 1) < 1e-11 || $0 < $1 })
  }

  /// Of a product of n different factors each derivative by k of them is the product of the rest, in all modes.
  @Test func productsToEveryOrder() throws {
    let builder = GraphBuilder()
    let factors = [2.0, 3, 5, 7, 11, 13, 17, 19, 23]
    let x = builder.variable(Tensor(factors))
    var y = try builder.apply(try #require(OpCatalog.operation(named: "prod")), [.value(x)])[0]
    for order in 0..<8 {
      let direction = builder.constant(Tensor(factors.indices.map { $0 == order ? 1.0 : 0 }))
      y =
        order % 2 == 0
        ? (try #require(builder.gradients(of: [(y, builder.ones(y.type))], withRespectTo: [x])[0]) * direction).sum()
        : try #require(builder.tangents(of: [y], along: [(x, direction)])[0])
      #expect(try y.evaluate().doubles == [factors.dropFirst(order + 1).reduce(1, *)], "order \(order + 1)")
    }
    _ = builder.gradients(of: [(y, builder.ones(y.type))], withRespectTo: [x])
    #expect(builder.takeError()?.code == .limitExceeded)
  }

  /// Also of one that has no exact binary form, whose mean is not itself.
  @Test(arguments: [2.0, 0.1, 1e-300, 1e300]) func constantsDoNotDeviate(_ number: Double) throws {
    let x = Tensor(repeating: number, shape: [3])
    try expect("var", x, [0], [0, 0, 0])
    try expect("std", x, ["correction": .integer(1)], [0], [0, 0, 0])
  }

  @Test func deviationsFromALargeMean() throws {
    try expect("var", Tensor([1e9 + 1, 1e9 + 2, 1e9 + 3]), ["correction": .integer(1)], [1], [-1, 0, 1])
    #expect(try run("var", [1, 2, 4], ["correction": .integer(3)]).value == [infinity])
  }

  @Test func normsAtZero() throws {
    for order in [AttributeValue.integer(1), .integer(2), .number(2), .text("Infinity")] {
      try expect("norm", [0, 0], ["ord": order], [0], [0, 0])
    }
    try expect("norm", [[3, 0], [4, 0]], ["axis": .integer(0)], [5, 0], [0.6, 0, 0.8, 0])
  }

  @Test func nothing() throws {
    let empty = Tensor([Double](), shape: [0])
    for name in ["mean", "var", "std"] { try expect(name, empty, [.nan]) }
    try expect("logsumexp", empty, [-infinity])
    for order in [AttributeValue.integer(1), .integer(2), .text("Infinity")] {
      try expect("norm", empty, ["ord": order], [0])
    }
    try expect("prod", empty, [1])
    try expect("all", Tensor([Bool](), shape: [0]), [1])
    try expect("any", Tensor([Bool](), shape: [0]), [0])
    for name in ["max", "min", "argmax", "argmin"] {
      let error = #expect(throws: GraphError.self) { try run(name, Tensor([Double](), shape: [2, 0])) }
      #expect(error?.code == .shapeMismatch && String(describing: error).contains("axis 1"))
    }
  }

  @Test func placesAndOrder() throws {
    try expect("argmax", [[1, 7], [7, 2]], [1])
    try expect("argmin", [[1, 7], [7, 1]], ["axis": .integer(1)], [0, 1])
    try expect("sort", Tensor([3, .nan, 1, 2]), [1, 2, 3, .nan], [1, 1, 1, 1])
    try expect("argsort", [2, 1, 2, 1, 2, 1, 1, 0, 2], [7, 1, 3, 5, 6, 0, 2, 4, 8])
    try expect("argsort", Tensor([.nan, 1, .nan, infinity]), [1, 3, 0, 2])
    #expect(try run("sort", [[3, 1], [2, 4]], ["axis": .integer(0)]).value == [2, 1, 3, 4])
  }

  @Test func integersAndBooleans() throws {
    let builder = GraphBuilder()
    func apply(_ name: String, _ x: Tensor, _ attributes: [String: AttributeValue] = [:]) throws -> Tensor {
      let operation = try #require(OpCatalog.operation(named: name))
      return try builder.apply(operation, [.value(builder.variable(x))], attributes)[0].evaluate()
    }
    #expect(try apply("prod", Tensor([Int32.max, 2])).values() == [Int32(-2)])
    #expect(try apply("prod", Tensor([true, false])).values() == [Int64(0)])
    #expect(try apply("cumsum", Tensor([true, true]), ["axis": .integer(0)]).values() == [Int64(1), 2])
    #expect(try apply("cumprod", Tensor([Int32(2), 3, 4]), ["axis": .integer(0)]).values() == [Int32(2), 6, 24])
    #expect(try apply("max", Tensor([Int64.min, Int64.max])).values() == [Int64.max])
    #expect(try apply("min", Tensor([Int32(5), 7])).values() == [Int32(5)])
    #expect(try apply("argmax", Tensor([Int32(5), 7])).values() == [Int64(1)])
    #expect(
      try apply("all", Tensor([true, false, true, true], shape: [2, 2]), ["axis": .integer(1)]).values() == [
        false, true,
      ])
    for name in ["mean", "var", "std", "logsumexp", "norm", "softmax", "log_softmax"] {
      let error = #expect(throws: GraphError.self) { _ = try apply(name, Tensor([Int64(1)])) }
      #expect(error?.code == .dtypeMismatch)
    }
  }

  /// Sums that change their scale on the way: fed tile by tile, as a whole and by columns they have the same bits.
  @Test(arguments: ["norm", "mean", "var", "std", "prod"]) func extremesInPieces(_ name: String) throws {
    var random = SeededGenerator(seed: 9)
    let count = 10_000
    let ordinary = Tensor.random(TensorType(.float64, [count]), using: &random).doubles
    let operation = try #require(OpCatalog.operation(named: name))
    for scales in [[1e200, 1], [1, 1e200], [1e-200, 1e-200], [1e-200, 1], [1e300, 1e-300], [1e-300, 1e160]] {
      let x = Tensor(ordinary.enumerated().map { $1 * scales[$0 / (count / 2)] })
      let builder = GraphBuilder()
      let sum = builder.input("x", .float64, [count]) + builder.input("y", .float64, [count])
      let whole = try builder.apply(operation, [.value(sum)])[0]
      let columns = builder.broadcast(builder.reshape(sum, to: [count, 1]), to: [count, 40])
      let byColumn = try builder.apply(operation, [.value(columns)], ["axis": .integer(0)])[0]
      let graph = try builder.graph(outputs: [whole, byColumn])
      let inputs = [x, Tensor(repeating: 0.0, shape: [count])]
      #expect(try Checks.values(graph, inputs) == nil, "\(scales)")
      let results = try Plan(graph).run(inputs)
      #expect(results[1].doubles.allSatisfy { $0 == results[0].doubles[0] }, "\(scales): \(results[0].doubles)")
    }
  }

  /// Reductions of every kind have one order whatever the layout.
  @Test(arguments: ["prod", "max", "min", "argmax", "argmin"], [(3, 16), (40, 33), (65, 4097)])
  func rowsAndColumnsAgree(_ name: String, _ size: (columns: Int, rows: Int)) throws {
    var random = SeededGenerator(seed: 6)
    let builder = GraphBuilder()
    let byRow = builder.variable(.random(TensorType(.float64, [size.columns, size.rows]), using: &random))
    let byColumn = builder.variable(try byRow.transpose().evaluate())
    let operation = try #require(OpCatalog.operation(named: name))
    func reduce(_ x: Value, _ axis: Int) throws -> Tensor {
      try builder.apply(operation, [.value(x)], ["axis": .integer(axis)])[0].evaluate()
    }
    #expect(Comparison.bits([try reduce(byColumn, 0)], [try reduce(byRow, 1)]) == nil)
    #expect(Comparison.bits([try reduce(byColumn.transpose(), 1)], [try reduce(byRow, 1)]) == nil)
  }

  @Test func unknownOrdersAreRefused() throws {
    for order in [AttributeValue.integer(3), .number(0.5), .text("fro")] {
      let error = #expect(throws: GraphError.self) { try run("norm", [1, 2], ["ord": order]) }
      #expect(error?.code == .invalidAttribute)
    }
  }
}

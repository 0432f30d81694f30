import AutogradTestSupport
import Testing

@testable import AutogradCore

/// What a small graph may grow to is bounded, before it has grown.
@Suite struct LimitTests {
  /// Each gradient of a gradient is some times as large.
  @Test(.timeLimit(.minutes(10))) func derivativesOfHighOrder() throws {
    let builder = GraphBuilder()
    builder.maximumNodes = 20_000
    let x = builder.input("x", .float64, [])
    var y = x.applying("tanh") * x.applying("exp")
    for _ in 0..<20 { y = y.gradient(withRespectTo: x) }
    let error = #expect(throws: GraphError.self) { try builder.graph(outputs: [y]) }
    #expect(error?.code == .limitExceeded && error?.limit == .nodes(20_000) && error?.value == 20_001)
    #expect(builder.columns.nodeCount <= 20_100)
  }

  @Test func nodesAreCounted() throws {
    let builder = GraphBuilder()
    builder.maximumNodes = 10
    var x = builder.input("x", .float64, [])
    for step in 0..<20 where builder.firstError == nil { x = x * Double(step + 2) }
    #expect(builder.takeError()?.limit == .nodes(10))
    // The builder is whole.
    try builder.graph(outputs: [builder.value(3)]).validate()
  }

  /// Values and operands take memory too, when nodes have many of them.
  @Test func resultsAndOperandsAreCounted() throws {
    let builder = GraphBuilder()
    builder.maximumNodes = 100
    let x = builder.input("x", .float64, [4000])
    var parts: [Value] = []
    for step in 0..<3 { parts += (x + Double(step)).split(into: 1000) }
    let error = #expect(throws: GraphError.self) { try builder.graph(outputs: [parts[0]]) }
    #expect(error?.code == .limitExceeded && error?.limit == .nodes(100))
  }

  /// Rules that say only how cotangents go back are walked through without walking over the whole graph for each.
  @Test(.timeLimit(.minutes(10))) func manyTransposesForward() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [3])
    var y = x
    for _ in 0..<2000 { y = (y * 0.999 + y.applying("max") * 0.001).applying("sort") }
    let graph = try builder.graph(outputs: [y])
    let plan = try Plan(jvp(graph))
    let results = try plan.run([[3, 1, 2], [1, 1, 1]])
    // A shift of all elements shifts all results.
    #expect(results[1].doubles.allSatisfy { abs($0 - 1) < 1e-9 })
  }

  // MARK: Shapes

  @Test func tensorsAreLimited() throws {
    let builder = GraphBuilder()
    builder.maximumElements = 100
    builder.maximumRank = 3
    let x = builder.input("x", .float64, [10])
    func refusal(_ name: String, _ others: [Operand] = [], _ attributes: [String: AttributeValue] = [:]) throws
      -> GraphError?
    {
      let operation = try #require(OpCatalog.operation(named: name))
      do {
        _ = try builder.apply(operation, [.value(x)] + others, attributes)
        return nil
      } catch { return error }
    }
    #expect(try refusal("outer", [.value(x)]) == nil)
    #expect(try refusal("broadcast_to", [], ["shape": .integers([10, 10])]) == nil)
    let large = try refusal("broadcast_to", [], ["shape": .integers([11, 10])])
    #expect(large?.code == .limitExceeded && large?.limit == .elements(100) && large?.value == 110)
    let deep = try refusal("reshape", [], ["shape": .integers([1, 1, 1, 10])])
    #expect(deep?.code == .limitExceeded && deep?.limit == .rank(3) && deep?.value == 4)
    _ = builder.input("y", .float64, [101])
    #expect(builder.takeError()?.limit == .elements(100))
    _ = builder.input("y", .float64, [1, 1, 1, 1])
    #expect(builder.takeError()?.limit == .rank(3))
  }

  /// Every operation of the catalog with every number among its attributes made as large as numbers are, and every axis
  /// of its operands in turn: answered or refused, never attempted. Building allocates nothing of the sizes in
  /// question.
  @Test(.timeLimit(.minutes(10)), arguments: OpCatalog.operations.map(\.reference.name))
  func hostileSizes(_ name: String) throws {
    let operation = try #require(OpCatalog.operation(named: name))
    for sample in operation.reference.samples {
      for huge in [1_000_000_000_000, 1 << 40, 1 << 62, Int.max, -(1 << 62), Int.min] {
        for attributes in Self.hostile(sample.attributes, huge) { build(operation, sample, sample.shapes, attributes) }
        guard huge > 0 else { continue }
        for (index, shape) in sample.shapes.enumerated() {
          for axis in 0..<shape.rank {
            var shapes = sample.shapes
            shapes[index][axis] = min(huge, 1 << 40)
            build(operation, sample, shapes, sample.attributes)
            shapes = sample.shapes.map { other in
              var grown = other
              if axis < other.rank { grown[axis] = min(huge, 1 << 40) }
              return grown
            }
            build(operation, sample, shapes, sample.attributes)
            // Without elements an axis may be longer than a tensor with some.
            for empty in 0..<shape.rank where empty != axis {
              shapes = sample.shapes.map { other in
                var grown = other
                if axis < other.rank { grown[axis] = min(huge, 1 << 58) }
                if empty < other.rank { grown[empty] = 0 }
                return grown
              }
              build(operation, sample, shapes, sample.attributes)
            }
          }
        }
      }
    }
  }

  private func build(
    _ operation: any Operation, _ sample: OperationSample, _ shapes: [Shape], _ attributes: [String: AttributeValue]
  ) {
    let builder = GraphBuilder()
    builder.maximumNodes = 1 << 20
    let operands = shapes.enumerated().map { index, shape in
      builder.input("x", Self.dtype(operation, index), shape)
    }
    guard builder.firstError == nil else { return }
    do {
      let results = try builder.apply(
        operation, operands.map { .value($0) }, attributes, resultCount: sample.resultCount)
      for result in results { #expect(result.shape.rank <= Shape.maximumRank && result.shape.elementCount >= 0) }
    } catch { #expect(error.code != .internal, "\(operation.reference.name) \(shapes) \(attributes): \(error)") }
  }

  private static func dtype(_ operation: any Operation, _ operand: Int) -> DType {
    switch operation.reference.kind(of: operand) {
    case .promoted, .asItIs: operation.reference.dtypes == .boolean ? .bool : .float64
    case .condition: .bool
    case .index: .int64
    }
  }

  /// The attributes with one number after the other replaced.
  private static func hostile(_ attributes: [String: AttributeValue], _ huge: Int) -> [[String: AttributeValue]] {
    var variants: [[String: AttributeValue]] = []
    for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
      func add(_ changed: AttributeValue) { variants.append(attributes.merging([name: changed]) { $1 }) }
      switch value {
      case .integer: add(.integer(huge))
      case .integers(let list):
        for position in list.indices {
          var changed = list
          changed[position] = huge
          add(.integers(changed))
        }
        add(.integers(list.map { _ in huge }))
        add(.integers(Array(repeating: huge, count: 9)))
      case .integerLists(let lists):
        for position in lists.indices {
          var changed = lists
          changed[position] = lists[position].map { _ in huge }
          add(.integerLists(changed))
        }
      default: break
      }
    }
    return variants
  }
}

import Testing

@testable import AutogradCore

/// Mistakes that only data or a broken graph can show, and how errors are put into words.
@Suite struct RunErrorTests {
  @Test func inputsMustFit() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float32, [2])
    let graph = try builder.graph(outputs: [x * 2])
    let plan = try Plan(graph)
    let good = Tensor([1, 2] as [Float])
    for bad in [
      [], [good, good], [Tensor([1.0, 2.0])], [Tensor([1, 2, 3] as [Float])], [good.reshaped(to: [1, 2])],
    ] {
      let error = #expect(throws: GraphError.self) { try plan.run(bad) }
      #expect(error?.code == .inputMismatch)
      #expect(throws: GraphError.self) { try Interpreter.run(graph, bad) }
    }
    let error = #expect(throws: GraphError.self) { try plan.run([Tensor([1.0, 2.0])]) }
    #expect(error?.message == "input 0 is float32[2], a float64[2] is given")
  }

  /// The same refusal from executor and interpreter, wherever the element lies: it is counted in the operand's own
  /// row-major order.
  @Test(arguments: [DType.int64, .int32]) func castsRefuseWhatTheTargetCannotHold(_ target: DType) throws {
    for bad in [Double.nan, .infinity, -.infinity, 1e30, 0x1p63] {
      let builder = GraphBuilder()
      let x = builder.input("x", .float64, [2, 3])
      builder.label = 5
      let graph = try builder.graph(outputs: [x.transpose().cast(to: target)])
      let input: Tensor = [[1, 2, 3], [4, Tensor(bad), 6]]
      let planned = #expect(throws: GraphError.self) { try Plan(graph).run([input]) }
      let interpreted = #expect(throws: GraphError.self) { try Interpreter.run(graph, [input]) }
      #expect(planned?.description == "cast: element 3 of operand 0 is \(bad), which no \(target) can hold")
      #expect(planned?.description == interpreted?.description)
      #expect(planned?.code == .numberOutOfRange)
      #expect(planned?.node == 5 && interpreted?.node == 5)
    }
  }

  @Test func aPlanRunsAgainAfterARefusal() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [2])
    let plan = try Plan(builder.graph(outputs: [x.cast(to: .int32)]))
    #expect(throws: GraphError.self) { try plan.run([[1, 1e10]]) }
    #expect(try plan.run([[1, 2]])[0].values(as: Int32.self) == [1, 2])
  }

  // MARK: Broken graphs

  /// Not reachable through a builder: the grammar is checked by breaking columns by hand.
  @Test func validateFindsABrokenGraph() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [2, 3])
    let graph = try builder.graph(outputs: [(x * x).sum(axis: 0)])
    try graph.validate()

    var wrongType = graph.columns
    wrongType.types[2] = wrongType.types[1]
    expectInternal(
      Graph(columns: wrongType, outputs: graph.outputs),
      "node %2 sum has results [float64[2, 3]], its operands give [float64[3]]")

    var wrongOrder = graph.columns
    wrongOrder.operands[0] = 2
    expectInternal(Graph(columns: wrongOrder, outputs: graph.outputs), "node %1 uses a value that comes later")

    var wrongAttribute = graph.columns
    wrongAttribute.attributes[2] = 0
    expectInternal(
      Graph(columns: wrongAttribute, outputs: graph.outputs), "sum takes one numeric operand and axes of it")

    expectInternal(Graph(columns: graph.columns, outputs: [17]), "output %17 does not exist")
  }

  private func expectInternal(_ graph: Graph, _ message: String, at place: SourceLocation = #_sourceLocation) {
    let error = #expect(throws: GraphError.self, sourceLocation: place) { try graph.validate() }
    #expect(error?.code == .internal, sourceLocation: place)
    #expect(error?.message == message, sourceLocation: place)
  }

  /// Primitives refuse operands that no operation would emit; the mistake is named, not computed.
  @Test func primitivesCheckTheirOperands() {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [2, 3])
    let y = builder.input("y", .float64, [3])
    let window = Window(starts: [1, 0], steps: [1, 1], sizes: [2, 3], whole: [2, 3])
    let attempts: [() -> Value] = [
      { builder.emit(.add, x, y) }, { builder.emit(.matmul, x, x) }, { builder.emit(.matmul, x, y) },
      { builder.emit(.reshape, x, .shape([7])) }, { builder.emit(.reshape, x) },
      { builder.emit(.transpose, x, .permutation([0, 0])) },
      { builder.emit(.transpose, x, .permutation([0])) }, { builder.emit(.broadcast, x, .shape([3, 3])) },
      { builder.emit(.slice, x, .window(window)) }, { builder.emit(.unslice, x, .window(window)) },
      { builder.emit(.sum, x, .axes(AxisSet([2]))) },
      { builder.emit(.sum, x) }, { builder.emit(.cast, x) }, { builder.emit(.concat, [x, y], .axis(0))[0] },
      { builder.emit(.split, [x], .partition(axis: 0, sizes: [1, 2]))[0] },
      { builder.emit(.split, [x], .partition(axis: 5, sizes: [2]))[0] },
      { builder.emit(.custom, x, .index(99)) }, { builder.emit(.neg, x, y) },
    ]
    for (index, attempt) in attempts.enumerated() {
      #expect(!attempt().isValid, "attempt \(index)")
      #expect(builder.takeError()?.code == .internal, "attempt \(index)")
    }
    #expect(builder.columns.nodeCount == 2)
  }

  // MARK: Words

  @Test(arguments: [
    ("{0} is [2], {1} is [3]", "op: a is [2], b is [3]"), ("no names", "op: no names"), ("{x} {", "op: {x} {"),
    ("{12}", "op: #12"),
    ("}{0}{", "op: }a{"), ("", "op: "), ("{99999999999999999999}", "op: {99999999999999999999}"),
  ]) func operandsAreCalledByTheirNames(_ message: String, _ text: String) {
    let error = GraphError(.shapeMismatch, message, operation: "op")
    #expect(error.text { ["a", "b"].indices.contains($0) ? ["a", "b"][$0] : "#\($0)" } == text)
  }

  @Test func factsAreFilledInOnce() {
    let error = GraphError(.limitExceeded, "m", limit: .work(3), value: 4).with(
      operation: "inner", place: .operand(1), node: 2)
    let again = error.with(operation: "outer", place: .results, node: 9)
    #expect(
      again.operation == "inner" && again.place == .operand(1) && again.node == 2 && again.limit == .work(3)
        && again.value == 4)
  }
}

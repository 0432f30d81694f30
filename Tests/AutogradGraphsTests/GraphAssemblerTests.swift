import AutogradCore
import AutogradFormats
import Testing

@testable import AutogradGraphs

/// A source that no JSON is behind: places are lines, as those of a formula will be.
private final class Lines: SourceText {
  private let bytes: UnsafeMutableRawBufferPointer
  private var used = 0
  var source = GraphSource()

  init() {
    bytes = .allocate(byteCount: 4096, alignment: 1)
    source.bodies = [GraphSource.Body()]
  }

  deinit { bytes.deallocate() }

  func name(_ text: String) -> SourceName {
    let start = used
    for byte in text.utf8 {
      bytes[used] = byte
      used += 1
    }
    return SourceName(UnsafeRawBufferPointer(rebasing: bytes[start..<used]))
  }

  /// Adds a node to the body that was begun last.
  func node(_ op: String, _ operands: [GraphSource.Operand], _ results: [String], calling function: String? = nil)
    throws
  {
    let operation = try #require(CallOperation.operation(named: op))
    let body = source.bodies.count - 1
    let (firstOperand, firstResult) = (source.operands.count, source.results.count)
    source.operands += operands
    source.results += results.map(name)
    if let function { source.attributes.append(["function": .text(function)]) }
    source.nodes.append(
      GraphSource.Node(
        operation, operands: firstOperand..<source.operands.count, results: firstResult..<source.results.count,
        attributes: function == nil ? nil : source.attributes.count - 1))
    source.bodies[body].nodes = source.bodies[body].nodes.lowerBound..<source.nodes.count
    source.bodies[body].results = source.bodies[body].results.lowerBound..<source.results.count
  }

  func beginFunction(_ text: String, _ inputs: [String]) {
    var body = GraphSource.Body()
    body.name = name(text)
    body.inputs = source.inputs.count..<source.inputs.count + inputs.count
    source.inputs += inputs.map { InputDeclaration(name: name($0)) }
    body.nodes = source.nodes.count..<source.nodes.count
    body.results = source.results.count..<source.results.count
    source.bodies.append(body)
  }

  func named(_ text: String) -> GraphSource.Operand { .name(name(text)) }

  func assemble(_ inputs: [String: Tensor], limits: GraphLimits = GraphLimits(nodes: 1000)) throws
    -> (values: [Tensor], names: [String])
  {
    let builder = limits.builder()
    let assembler = GraphAssembler(source, self, into: builder, limits: limits)
    let ordered = inputs.sorted { $0.key < $1.key }
    let outputs = try assembler.assemble(
      inputs: ordered.map { NamedValue(name: name($0.key), value: builder.input("", .float64, $0.value.shape)) })
    let plan = try Plan(try builder.graph(outputs: outputs.map(\.value)))
    return (try plan.run(ordered.map(\.value)), outputs.map(\.name.string))
  }

  // MARK: SourceText

  func located(_ error: FormatError, at part: SourcePart) -> FormatError {
    let place =
      switch part {
      case .node(let node), .operation(let node), .operands(let node), .results(let node), .attributes(let node),
        .operand(_, let node), .result(_, let node), .attribute(_, let node):
        "line \(node + 1)"
      case .body(let body): "body \(body)"
      default: "elsewhere"
      }
    return error.under(place)
  }

  func operandTexts(of node: Int) -> [String] { source.nodes[node].operands.map { "operand \($0)" } }

  func tensor(_ literal: Int, as dtype: DType) throws(FormatError) -> Tensor {
    Tensor([Double(literal), 1], shape: [2])
  }
}

@Suite struct GraphAssemblerTests {
  @Test func nodesStandInAnyOrder() throws {
    let lines = Lines()
    try lines.node("mul", [lines.named("s"), .literal(3)], ["y"])
    lines.source.numbers = [WeakNumber(2)]
    try lines.node("add", [lines.named("x"), .number(0)], ["s"])
    let (values, names) = try lines.assemble(["x": Tensor([1.0, 2.0], shape: [2])])
    #expect(values.map(\.doubles) == [[9, 4]])
    #expect(names == ["y"])
  }

  @Test func errorsStandWhereTheSourceSaysSo() throws {
    func refusal(_ lines: Lines, _ limits: GraphLimits = GraphLimits(nodes: 1000)) -> FormatError? {
      do {
        _ = try lines.assemble(["x": Tensor([1.0, 2.0], shape: [2])], limits: limits)
        return nil
      } catch {
        return error as? FormatError
      }
    }
    let unknown = Lines()
    try unknown.node("sin", [unknown.named("x")], ["s"])
    try unknown.node("sin", [unknown.named("z")], ["y"])
    #expect(refusal(unknown)?.pointer == "line 2")
    #expect(refusal(unknown)?.code == .unknownName)
    #expect(refusal(unknown)?.node == "y")

    let circle = Lines()
    try circle.node("sin", [circle.named("b")], ["a"])
    try circle.node("sin", [circle.named("a")], ["b"])
    #expect(refusal(circle)?.code == .cycle)
    #expect(refusal(circle)?.detail == "cycle: a -> b -> a")

    let calls = Lines()
    try calls.node("call", [calls.named("x")], ["y"], calling: "f")
    calls.beginFunction("f", ["a"])
    calls.source.tensors = [Tensor([1.0, 2.0, 3.0], shape: [3])]
    try calls.node("add", [calls.named("a"), .tensor(0)], ["b"])
    #expect(refusal(calls)?.pointer == "line 2")
    #expect(refusal(calls)?.code == .shapeMismatch)
    #expect(refusal(calls)?.detail.hasSuffix("; in f, called by y") == true)
    #expect(refusal(calls, GraphLimits(nodes: 1))?.code == .limitExceeded)
    #expect(refusal(calls, GraphLimits(nodes: 1))?.pointer == "body 0")
  }

  @Test func functionsTakeThePlaceOfCalls() throws {
    let lines = Lines()
    try lines.node("call", [lines.named("h")], ["y"], calling: "twice")
    try lines.node("call", [lines.named("x")], ["h"], calling: "twice")
    lines.beginFunction("twice", ["a"])
    try lines.node("add", [lines.named("a"), lines.named("a")], ["b"])
    #expect(try lines.assemble(["x": Tensor([1.0, 2.0], shape: [2])]).values.map(\.doubles) == [[4, 8]])
  }
}

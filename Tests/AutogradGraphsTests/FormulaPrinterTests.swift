import AutogradCore
import AutogradFormats
import Testing

@testable import AutogradGraphs

/// A graph that was read from JSON, with the text that its names point into.
final class WrittenGraph {
  private let bytes: ByteBuffer
  private let document: JSONDocument
  let source: GraphSource
  let text: any SourceText

  init(json: String, defaultDType: DType = .float64) throws {
    bytes = ByteBuffer(json)
    document = try JSONDocument(parsing: bytes.bytes, maximumDepth: 64)
    (source, text) = try JSONGraphReader.read(
      document.root, of: document, limits: GraphLimits(nodes: 1 << 20), defaultDType: defaultDType)
  }

  func formula(_ defaultDType: DType = .float64) throws -> String {
    try FormulaPrinter.print(source, text, defaultDType: defaultDType).string
  }

  var json: String {
    get throws {
      let json = ByteBuffer()
      try JSONGraphWriter.write(source, text, to: json)
      return json.string
    }
  }
}

struct FormulaPrinterTests {
  private func printed(_ nodes: String) throws -> String { try WrittenGraph(json: "{\"nodes\": [\(nodes)]}").formula() }

  private func node(_ op: String, _ inputs: String, _ output: String) -> String {
    #"{"op": "\#(op)", "inputs": [\#(inputs)], "outputs": ["\#(output)"]}"#
  }

  @Test(arguments: PrintedCase.all) func prints(_ one: PrintedCase) throws {
    #expect(try WrittenGraph(json: one.json).formula() == one.formula)
  }

  /// JSON that is written is read to the same graph, and written again as it is.
  @Test(arguments: PrintedCase.all) func jsonIsAFixedPoint(_ one: PrintedCase) throws {
    let json = try WrittenGraph(json: one.json).json
    let again = try WrittenGraph(json: json)
    #expect(try again.json == json)
    #expect(try again.formula() == one.formula)
  }

  // MARK: Defaults of inputs

  @Test func defaultsOfInputs() throws {
    let graph = try WrittenGraph(json: #"{"nodes": [], "inputs": [{"name": "x", "dtype": "float32"}, {"name": "r"}]}"#)
    var source = graph.source
    source.inputs[0].fallback = Tensor([Float(0.1), 2], shape: [2])
    source.inputs[1].fallback = Tensor(Float(0.5))
    let json = ByteBuffer()
    #expect(
      try FormulaPrinter.print(source, graph.text).string
        == "input x: float32 = [0.1, 2]\ninput r = float32(0.5)")
    try JSONGraphWriter.write(source, graph.text, to: json)
    #expect(json.string.contains(#""dtype": "float32", "default": [0.1, 2]}"#), "\(json.string)")
    #expect(json.string.contains(#"{"name": "r", "default": {"dtype": "float32", "data": 0.5}}"#), "\(json.string)")
  }

  // MARK: Depth

  /// Values nest at most 64 deep; then one gets a name. The innermost has a bracket of its own.
  @Test(arguments: ["exp", "neg"]) func deepValuesGetNames(_ op: String) throws {
    let chain = (1..<200).map { node(op, $0 == 1 ? #""x""# : "\"_\($0 - 1)\"", "_\($0)") }
    let text = try printed((chain + [node(op, #""_199""#, "y")]).joined(separator: ", "))
    let lines = text.split(separator: "\n")
    #expect(lines.map { $0.prefix(2) } == ["t1", "t2", "t3", "y "], "\(text)")
    #expect(lines.allSatisfy { $0.count { $0 == "(" } <= 65 && $0.count { $0 == "-" } <= 65 })
  }

  /// Sums of any length are not deep, on the left; on the right each is one parenthesis deeper.
  @Test func longSumsAreNotDeep() throws {
    let left = (1..<5000).map { node("add", $0 == 1 ? #""x", "x""# : "\"_\($0 - 1)\", \"x\"", "_\($0)") }
    let sum = try printed((left + [node("neg", #""_4999""#, "y")]).joined(separator: ", "))
    #expect(sum == "y = -(" + Array(repeating: "x", count: 5000).joined(separator: " + ") + ")")
    let right = (1..<100).map { node("sub", $0 == 1 ? #""x", "x""# : "\"x\", \"_\($0 - 1)\"", "_\($0)") }
    let difference = try printed((right + [node("neg", #""_99""#, "y")]).joined(separator: ", "))
    #expect(difference.hasPrefix("t1 = x - (x - (") && difference.contains("\ny = -(x - (x"), "\(difference)")
  }

  /// Powers of any length nest to the right without parentheses, and are deep all the same.
  @Test func towersOfPowersAreDeep() throws {
    let tower = (1..<100).map { node("pow", $0 == 1 ? #""x", "x""# : "\"x\", \"_\($0 - 1)\"", "_\($0)") }
    let text = try printed((tower + [node("pow", #""x", "_99""#, "y")]).joined(separator: ", "))
    #expect(text.hasPrefix("t1 = x**x**x") && text.hasSuffix("**t1"), "\(text)")
  }

  /// Ten times the graph takes about ten times as long, whatever its form.
  @Test func manyNodesInLinearTime() throws {
    func seconds(_ count: Int) throws -> Double {
      let nodes = (1...count).map { node("mul", $0 == 1 ? #""x", 2"# : "\"_\($0 - 1)\", \"x\"", "_\($0)") }
      let others = (1...count).map { node("exp", "\"v\($0 - 1)\"", "v\($0)") }
      let json = "{\"nodes\": [\((nodes + others).joined(separator: ", "))], \"outputs\": [\"v\(count)\"]}"
      let graph = try WrittenGraph(json: json)
      return try (0..<3).map { _ in
        let clock = ContinuousClock()
        return try clock.measure { _ = try graph.formula() } / .seconds(1)
      }.min() ?? 0
    }
    let (small, large) = (try seconds(300), try seconds(3000))
    #expect(large < 40 * small + 0.01, "300 nodes take \(small) s, 3000 take \(large) s")
  }

  // MARK: Refusals

  @Test func whatCannotBeResolvedIsRefused() throws {
    let cyclic = node("exp", #""a""#, "b") + ", " + node("exp", #""b""#, "a")
    #expect(throws: FormatError.self) { try printed(cyclic) }
    #expect(throws: FormatError.self) { try printed(node("exp", #""x""#, "y") + ", " + node("exp", #""x""#, "y")) }
    let object = #"{"op": "sum", "inputs": ["x"], "outputs": ["y"], "attributes": {"axis": {"a": 1}}}"#
    #expect(throws: FormatError.self) { try printed(object) }
    let declared = #"{"inputs": [{"name": "x"}], "nodes": [\#(node("exp", #""w""#, "y"))]}"#
    #expect(throws: FormatError.self) { try WrittenGraph(json: declared).formula() }
  }

  /// A request in float32 writes the numbers of its constants without a dtype, and those of float64 with one.
  @Test func theDefaultDTypeIsNotWritten() throws {
    let json = #"{"constants": {"a": 0.1, "b": {"dtype": "float64", "data": 2}}, "nodes": []}"#
    let graph = try WrittenGraph(json: json, defaultDType: .float32)
    #expect(try graph.formula(.float32) == "const a = 0.1\nconst b = float64(2)")
    #expect(try graph.formula(.float64) == "const a = float32(0.1)\nconst b = float64(2)")
  }
}

import AutogradCore
import AutogradFormats
import Testing

@testable import AutogradGraphs

/// Printing and reading are inverses of each other.
struct FormulaPrinterRoundTripTests {
  private func read(_ formula: String) throws -> (source: GraphSource, text: any SourceText) {
    try ByteBuffer(formula).withBytes { try FormulaReader.read($0, limits: GraphLimits(nodes: 1 << 20)) }
  }

  private func print(_ graph: (source: GraphSource, text: any SourceText)) throws -> String {
    try FormulaPrinter.print(graph.source, graph.text).string
  }

  @Test(arguments: PrintedCase.all.map(\.formula)) func canonicalTextIsAFixedPoint(_ formula: String) throws {
    #expect(try print(try read(formula)) == formula)
  }

  /// The text of the documentation, with everything that the language has.
  @Test func theWholeLanguage() throws {
    let formula = """
      input x: float64[n, 3] = [[1, 2, 3]]
      input `the rate` = 0.1
      const g = 9.81
      const k = int64([1, 2])
      def f(u, k) {
          result = u**k - 1
          return result
      }
      y = -f(x, 2)[:, 0] * g + where((x[:, 1] > 0) & (x[:, 1] < 9), 1, 0.5)
      _, `log det` = slogdet(x.T @ x * `the rate`)
      z = float32(0.5)
      return y, `log det`
      """
    #expect(try print(try read(formula)) == formula)
  }

  /// Ways to write one graph, and its canonical text.
  @Test(arguments: [
    ("sum ( x^2 )", "result = sum(x**2)"), ("y = ((a) + (b * c))", "y = a + b * c"), ("y = +1e2", nil),
    ("a = x; b = a\nreturn b", "a = x\nb = a\nreturn b"), ("y = x[0, 1:]", "y = x[:, 1:][0]"),
    ("y = x[..., 0, None]", nil), ("y = - (2)", nil), ("y = -2", "y = -2"), ("y = -(x)", "y = -x"),
    ("y = -2 ** x", "y = -2**x"), ("y = (-2) ** x", "y = (-2)**x"), ("y = 2 ** -1", "y = 2**-1"),
    ("y = sum(x, axis=None)", nil), ("y = sum(x, axis=null, keepdims=false)", "y = sum(x)"),
    ("y = f(x)\n", nil),
    ("def f(a) { a + 1 }\ny = f(x)", "def f(a) {\n    result = a + 1\n    return result\n}\ny = f(x)"),
    ("y = int64(3) * n", "y = int64(3) * n"), ("y = bool([true])", "y = [true]"),
    ("y = x + [[1, 2.0]]", "y = x + [[1, 2]]"),
    ("y = x + 1e20 + 1e15", "y = x + 1e+20 + 1000000000000000"),
    ("a, _ = split(x, splits=2)", "a, _ = split(x, splits=2)"), ("y = `x`", "y = x"),
    ("y = x * -Infinity", "y = x * -Infinity"), ("y = cast(x, dtype='int64')", "y = cast(x, dtype=\"int64\")"),
  ]) func otherWaysToWriteIt(_ written: String, _ printed: String?) throws {
    guard let printed else {
      // Refused, or another graph: what is printed is read again all the same.
      if let graph = try? read(written) {
        let once = try print(graph)
        #expect(try print(try read(once)) == once)
      }
      return
    }
    #expect(try print(try read(written)) == printed)
  }

  // MARK: Random graphs

  /// Graphs of operators, indices and calls, most without names: what is printed is read to the same graph.
  @Test(arguments: 0..<40) func randomGraphs(_ seed: UInt64) throws {
    for round in 0..<25 {
      var random = RandomSource(seed: seed * 1000 + UInt64(round))
      let json = random.json()
      let graph = try WrittenGraph(json: json)
      let text = try graph.formula()
      let again = try read(text)
      #expect(try print(again) == text, "\(json)")
      var structure = Structure()
      let (before, after) = (structure.outputs(graph.source, graph.text), structure.outputs(again.source, again.text))
      #expect(before == after, "\(json)\n\(text)")
      // The same through JSON.
      let written = ByteBuffer()
      try JSONGraphWriter.write(again.source, again.text, to: written)
      let back = try WrittenGraph(json: written.string)
      #expect(try back.formula() == text)
      #expect(structure.outputs(back.source, back.text) == after)
    }
  }
}

extension ByteBuffer {
  fileprivate func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withExtendedLifetime(self) { try body(bytes) }
  }
}

/// Draws graphs in JSON.
private struct RandomSource {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  private mutating func int(_ range: Range<Int>) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return range.lowerBound + Int(state >> 33) % range.count
  }

  private mutating func pick<T>(_ list: [T]) -> T { list[int(0..<list.count)] }

  private var names: [String] = ["x", "w", "i", "the bias"]
  private var nodes: [String] = []

  mutating func json() -> String {
    let count = int(1..<30)
    for index in 0..<count {
      let isNamed = index + 1 == count || int(0..<6) == 0
      let name = isNamed ? "v\(index)" : "_\(index + 1)"
      nodes.append(node(name))
      names.append(name)
    }
    return "{\"nodes\": [\(nodes.joined(separator: ", "))], \"outputs\": [\"v\(count - 1)\"]}"
  }

  private mutating func operand() -> String {
    switch int(0..<10) {
    case 0: pick(["2", "-3", "0.5", "-0.25", "1e30", "\"NaN\"", "\"-Infinity\"", "-0.0", "9007199254740993"])
    case 1: pick(["[1, 2]", "[[1.5], [-2]]", "true", "{\"dtype\": \"int64\", \"data\": [1, -2]}", "[]"])
    default: "\"\(names[max(names.count - 1 - int(0..<8), 0)])\""
    }
  }

  private mutating func node(_ name: String) -> String {
    let (op, count, attributes): (String, Int, String) =
      switch int(0..<16) {
      case 0..<7:
        (
          pick([
            "add", "sub", "mul", "div", "matmul", "remainder", "pow", "equal", "less", "greater_equal", "logical_and",
            "logical_or",
          ]), 2, ""
        )
      case 7: ("neg", 1, "")
      case 8: ("logical_not", 1, "")
      case 9: ("transpose", 1, pick(["", "\"axes\": [1, 0]"]))
      case 10: ("take", 2, pick(["", "\"axis\": 1", "\"axis\": -2"]))
      case 11:
        (
          "slice", 1,
          pick([
            "\"starts\": [1], \"ends\": [null]", "\"starts\": [0, null], \"ends\": [5, -1], \"steps\": [2, -1]",
            "\"starts\": [1], \"ends\": [2], \"axes\": [-1]", "\"starts\": [null], \"ends\": [null]",
          ])
        )
      case 12: ("expand_dims", 1, pick(["\"axis\": 0", "\"axis\": [0, 2]", "\"axis\": -1", "\"axis\": [1, -1]"]))
      case 13: ("sum", 1, pick(["", "\"axis\": 0", "\"keepdims\": true", "\"axis\": null, \"keepdims\": false"]))
      case 14: (pick(["identity", "exp"]), 1, "")
      default: ("where", 3, "")
      }
    let operands = (0..<count).map { _ in operand() }.joined(separator: ", ")
    let more = attributes.isEmpty ? "" : ", \"attributes\": {\(attributes)}"
    return "{\"op\": \"\(op)\", \"inputs\": [\(operands)], \"outputs\": [\"\(name)\"]\(more)}"
  }
}

/// Numbers values so that equal ones have equal numbers, whatever their names and the order of nodes.
private struct Structure {
  private var numbers: [String: Int] = [:]

  /// The outputs of a graph, in order. Its nodes stand behind those that they take.
  mutating func outputs(_ source: GraphSource, _ text: any SourceText) -> [Int] {
    var known: [String: Int] = [:]
    for node in source.nodes {
      let operands = node.operands.map { operand -> String in
        switch source.operands[operand] {
        case .name(let name): return known[name.string].map { "#\($0)" } ?? name.string
        case .number(let number): return "\(source.numbers[number].double) \(source.numbers[number].integer ?? 0)"
        case .truth(let truth): return "\(truth)"
        case .tensor(let tensor): return "\(source.tensors[tensor].dtype) \(source.tensors[tensor])"
        case .literal(let literal): return (try? text.tensor(literal, as: .float64))?.description ?? "?"
        }
      }
      let key = "\(node.operation.reference.name) \(operands) \(attributes(of: node, source))"
      let number = numbers[key] ?? numbers.count
      numbers[key] = number
      for result in node.results { known[source.results[result].string] = number }
    }
    return source.outputs.map { known[$0.string] ?? -1 }
  }

  /// Equal for the forms of slices and axes that say the same.
  private func attributes(of node: GraphSource.Node, _ source: GraphSource) -> String {
    var given = Dictionary(uniqueKeysWithValues: LiteralWriter.telling(node, in: source).map { ($0.name, $0.value) })
    if case .integers(let starts)? = given["starts"] {
      if given["axes"] == nil { given["axes"] = .integers(starts.indices.map { $0 }) }
      if given["steps"] == nil { given["steps"] = .integers(starts.map { _ in 1 }) }
      guard case .integers(let axes)? = given["axes"] else { return "\(given)" }
      let order = axes.indices.sorted { (axes[$0] ?? 0) < (axes[$1] ?? 0) }
      return given.keys.sorted().map { name in
        guard case .integers(let list)? = given[name] else { return name }
        return name + "\(order.map { list[$0].map(String.init) ?? "-" })"
      }.joined()
    }
    if case .integer(let axis)? = given["axis"] { given["axis"] = .integers([axis]) }
    return given.keys.sorted().map { "\($0)=\(given[$0].map { "\($0)" } ?? "")" }.joined(separator: ",")
  }
}

import AutogradCore
import Foundation
import Testing

@testable import AutogradServer

/// `graph.functions` and `call`: a call is the function's nodes in its place.
@Suite struct FunctionTests {
  static func node(_ op: String, _ inputs: String, _ outputs: String, _ attributes: String? = nil) -> String {
    let attributes = attributes.map { ", \"attributes\": {\($0)}" } ?? ""
    return "{\"op\": \"\(op)\", \"inputs\": [\(inputs)], \"outputs\": [\(outputs)]\(attributes)}"
  }

  static func call(_ function: String, _ inputs: String, _ outputs: String) -> String {
    node("call", inputs, outputs, "\"function\": \"\(function)\"")
  }

  static func function(_ name: String, _ inputs: [String], _ nodes: [String], _ outputs: String, rest: String = "")
    -> String
  {
    let declared = inputs.map { $0.hasPrefix("{") ? $0 : "{\"name\": \"\($0)\"}" }.joined(separator: ", ")
    return "\"\(name)\": {\"inputs\": [\(declared)], \"nodes\": [\(nodes.joined(separator: ", "))], "
      + "\"outputs\": [\(outputs)]\(rest)}"
  }

  static func graph(_ nodes: [String], _ outputs: String, functions: [String] = [], rest: String = "") -> String {
    let functions = functions.isEmpty ? "" : ", \"functions\": {\(functions.joined(separator: ", "))}"
    return "{\"nodes\": [\(nodes.joined(separator: ", "))], \"outputs\": [\(outputs)]\(functions)\(rest)}"
  }

  static func body(_ graph: String, _ inputs: String, rest: String = "") -> Data {
    Data("{\"graph\": \(graph), \"inputs\": \(inputs)\(rest)}".utf8)
  }

  private func value(_ name: String, of graph: String, _ inputs: String, in section: String = "outputs") throws
    -> [Double]
  {
    let body = Self.body(graph, inputs, rest: ", \"encoding\": \"flat\"")
    let response = InProcessServer().send("POST", "/v1/evaluate", body: body)
    let tensors = try #require(response.json[section] as? [String: Any], "\(response.body.string)")
    return try #require((tensors[name] as? [String: Any])?["data"] as? [Double], "\(response.body.string)")
  }

  // MARK: The same graph written out

  /// A layer that is used twice, in a loss that is a function of its own, with a constant and a tensor in place.
  private static let network = (
    called: graph(
      [
        call("loss", #""h2", "t""#, #""l""#), call("layer", #""x", "w", "b""#, #""h1""#),
        call("layer", #""h1", "w", "b""#, #""h2""#),
      ], #""l""#,
      functions: [
        function(
          "loss", ["p", "t"],
          [call("weighed", #""e""#, #""s""#), node("sub", #""p", "t""#, #""e""#), node("mean", #""s""#, #""m""#)],
          #""m""#),
        function(
          "layer", ["h", "w", "b"],
          [
            node("matmul", #""h", "w""#, #""hw""#), node("add", #""hw", "b""#, #""z""#),
            node("tanh", #""z""#, #""y""#),
          ], #""y""#),
        function(
          "weighed", ["e"],
          [
            node("square", #""e""#, #""s""#), node("mul", #""s", "k""#, #""m""#),
            node("mul", #""m", [1.5, 0.5]"#, #""n""#),
          ], #""n""#, rest: #", "constants": {"k": [0.3, 0.7]}, "description": "some count more""#),
      ]),
    written: graph(
      [
        node("matmul", #""x", "w""#, #""a""#), node("add", #""a", "b""#, #""z1""#), node("tanh", #""z1""#, #""h1""#),
        node("matmul", #""h1", "w""#, #""c""#), node("add", #""c", "b""#, #""z2""#), node("tanh", #""z2""#, #""h2""#),
        node("sub", #""h2", "t""#, #""e""#), node("square", #""e""#, #""s""#), node("mul", #""s", "k""#, #""m""#),
        node("mul", #""m", [1.5, 0.5]"#, #""n""#), node("mean", #""n""#, #""l""#),
      ], #""l""#, rest: #", "constants": {"k": [0.3, 0.7]}"#)
  )
  private static let numbers = #"{"x": [0.1, -0.4], "w": [[0.5, 0.2], [-0.3, 0.9]], "b": [0.01, 0.02], "t": [1, -1]}"#

  @Test(arguments: Endpoint.allCases) func callsAreWhatIsWrittenOut(_ endpoint: Endpoint) {
    let rest =
      switch endpoint {
      case .jvp: ", \"tangents\": \(Self.numbers)"
      case .hvp: ", \"vectors\": \(Self.numbers)"
      default: ""
      }
    let answers = [Self.network.called, Self.network.written].map {
      InProcessServer().send("POST", "/v1/\(endpoint.rawValue)", body: Self.body($0, Self.numbers, rest: rest))
    }
    #expect(answers[0].status == 200, "\(answers[0].body.string)")
    #expect(answers[0].body.string == answers[1].body.string)
  }

  @Test func examplesOfABatchToo() {
    let inputs = #"{"x": [[0.1, -0.4], [2, 3]], "w": [[0.5, 0.2], [-0.3, 0.9]], "b": [0.01, 0.02], "t": [1, -1]}"#
    for rest in [#", "batch": ["x"]"#, #", "batch": ["x"], "per_example": true"#] {
      let answers = [Self.network.called, Self.network.written].map {
        InProcessServer().send("POST", "/v1/evaluate", body: Self.body($0, inputs, rest: rest))
      }
      #expect(answers[0].status == 200, "\(answers[0].body.string)")
      #expect(answers[0].body.string == answers[1].body.string)
    }
  }

  @Test func anOutputMayBeAnInputAndResultsComeInTheirOrder() throws {
    let graph = Self.graph(
      [Self.call("turn", #""x", "y", 3"#, #""a", "b", "c""#)], #""a", "b", "c""#,
      functions: [Self.function("turn", ["u", "v", "w"], [], #""v", "w", "u""#)])
    #expect(try value("a", of: graph, #"{"x": 1, "y": 2}"#) == [2])
    #expect(try value("b", of: graph, #"{"x": 1, "y": 2}"#) == [3])
    #expect(try value("c", of: graph, #"{"x": 1, "y": 2}"#) == [1])
  }

  /// Without outputs, what no node of the function takes.
  @Test func outputsMayBeLeftOut() throws {
    let graph = """
      {"nodes": [\(Self.call("f", #""x""#, #""a", "b""#))],
       "functions": {"f": {"inputs": [{"name": "x"}], "nodes": [
         \(Self.node("square", #""x""#, #""s""#)), \(Self.node("neg", #""s""#, #""n""#)),
         \(Self.node("add", #""x", 1"#, #""c""#))]}}}
      """
    #expect(try value("a", of: graph, #"{"x": 0.5}"#) == [-0.25])
    #expect(try value("b", of: graph, #"{"x": 0.5}"#) == [1.5])
  }

  // MARK: grad in functions

  /// d(a b)/da = b, whatever a and b are made of.
  private static let partial = function(
    "f", ["a", "b"], [node("mul", #""a", "b""#, #""p""#), node("grad", #""p", "a""#, #""d""#)], #""d", "p""#)

  @Test(arguments: [
    // The same value twice, and what follows by x of d = x.
    ([call("f", #""x", "x""#, #""d", "p""#)], [3.0], [1.0]),
    // A constant has a derivative too: it stands for a variable of the function.
    ([call("f", #"5, "x""#, #""d", "p""#)], [3], [1]),
    // What comes from an earlier call with the same value does not depend on this call's.
    ([call("f", #""x", 2"#, #""e", "q""#), call("f", #""x", "q""#, #""d", "p""#)], [6], [2]),
    ([call("f", #""x", 2"#, #""e", "q""#), call("f", #""q", "x""#, #""d", "p""#)], [3], [1]),
  ])
  func gradsInFunctionsAreByTheirOwnInputs(_ nodes: [String], _ result: [Double], _ slope: [Double]) throws {
    let graph = Self.graph(nodes, #""d""#, functions: [Self.partial])
    #expect(try value("d", of: graph, #"{"x": 3}"#) == result)
    #expect(try value("x", of: graph, #"{"x": 3}"#, in: "gradients") == slope)
  }

  /// Gradients inside, differentiated again: as in a graph whose input it is.
  @Test(arguments: Endpoint.allCases) func gradsInFunctionsAreWhatIsWrittenOut(_ endpoint: Endpoint) {
    let nodes = [
      Self.node("sin", #""a""#, #""s""#), Self.node("mul", #""s", "b""#, #""p""#),
      Self.node("norm", #""p""#, #""n""#), Self.node("grad", #""n", "a", "p""#, #""d", "e""#),
      Self.node("mul", #""d", "e""#, #""q""#),
    ]
    let called = Self.graph(
      [Self.call("f", #""a", "b""#, #""q""#)], #""q""#, functions: [Self.function("f", ["a", "b"], nodes, #""q""#)])
    let inputs = #"{"a": [0.1, -0.4], "b": [2, 3]}"#
    let rest =
      switch endpoint {
      case .jvp: ", \"tangents\": \(inputs)"
      case .hvp: ", \"vectors\": \(inputs)"
      default: ""
      }
    let answers = [called, Self.graph(nodes, #""q""#)].map {
      InProcessServer().send("POST", "/v1/\(endpoint.rawValue)", body: Self.body($0, inputs, rest: rest))
    }
    #expect(answers[0].status == 200, "\(answers[0].body.string)")
    #expect(answers[0].body.string == answers[1].body.string)
  }

  @Test func gradsInFunctionsSeeTheirValues() throws {
    // v = norm(x), q = v²: dq/dv = 2v, though q is written as a sum of squares.
    let graph = Self.graph(
      [Self.call("f", #""x""#, #""d""#), Self.call("g", #""r""#, #""e""#), Self.node("norm", #""x""#, #""r""#)],
      #""d", "e""#,
      functions: [
        Self.function(
          "f", ["x"],
          [
            Self.node("norm", #""x""#, #""v""#), Self.node("square", #""v""#, #""q""#),
            Self.node("grad", #""q", "v""#, #""d""#),
          ], #""d""#),
        Self.function(
          "g", ["r"], [Self.node("square", #""r""#, #""q""#), Self.node("grad", #""q", "r""#, #""d""#)], #""d""#),
      ])
    #expect(try value("d", of: graph, #"{"x": [3, 4]}"#) == [10])
    #expect(try value("e", of: graph, #"{"x": [3, 4]}"#) == [10])
  }

  // MARK: Types

  @Test func numbersTakeTheDTypeOfTheirCompany() throws {
    func dtype(_ call: String, _ declared: String = #"{"name": "k"}"#, _ rest: String = "") -> String? {
      let graph = Self.graph([call], #""a", "b""#, functions: [Self.function("f", ["u", declared], [], #""k", "u""#)])
      let inputs = #"{"x": {"dtype": "float32", "data": 1}, "i": {"dtype": "int64", "data": 1}}"#
      let response = InProcessServer().send("POST", "/v1/evaluate", body: Self.body(graph, inputs, rest: rest))
      let outputs = response.json["outputs"] as? [String: Any]
      return (outputs?["a"] as? [String: Any])?["dtype"] as? String
    }
    #expect(dtype(Self.call("f", #""x", 2"#, #""a", "b""#)) == "float32")
    #expect(dtype(Self.call("f", #""x", [1, 2]"#, #""a", "b""#)) == "float32")
    #expect(dtype(Self.call("f", #""i", 2"#, #""a", "b""#)) == "float64")
    #expect(dtype(Self.call("f", #""i", 2"#, #""a", "b""#), #"{"name": "k"}"#, #", "dtype": "float32""#) == "float32")
    #expect(dtype(Self.call("f", #""i", true"#, #""a", "b""#)) == "bool")
    #expect(dtype(Self.call("f", #""x", 2"#, #""a", "b""#), #"{"name": "k", "dtype": "int64"}"#) == "int64")
    #expect(dtype(Self.call("f", #""x", [1, 2]"#, #""a", "b""#), #"{"name": "k", "dtype": "int32"}"#) == "int32")
  }

  @Test func declaredShapesHoldForEachCall() throws {
    let row = #"{"name": "u", "shape": ["n"]}"#
    let matrix = #"{"name": "m", "dtype": "float64", "shape": [null, "n"]}"#
    let graph = Self.graph(
      [Self.call("f", #""x", "y""#, #""a""#), Self.call("f", #""z", [[1], [2], [3]]"#, #""b""#)], #""a", "b""#,
      functions: [Self.function("f", [row, matrix], [Self.node("matmul", #""m", "u""#, #""r""#)], #""r""#)])
    #expect(try value("b", of: graph, #"{"x": [1, 2], "y": [[1, 2]], "z": [2]}"#) == [2, 4, 6])
    let answer = InProcessServer().send(
      "POST", "/v1/evaluate", body: Self.body(graph, #"{"x": [1], "y": 2, "z": [2]}"#))
    #expect(answer.json["code"] as? String == "shape_mismatch")
  }

  // MARK: Refusals

  struct Refusal: Sendable, CustomTestStringConvertible {
    var name: String
    var nodes: [String] = [call("f", #""x""#, #""y""#)]
    var functions: [String]
    var status = 422
    var code: String
    var pointer: String
    var words: [String] = []
    var testDescription: String { name }
  }

  private static let f = function("f", ["a"], [node("square", #""a""#, #""b""#)], #""b""#)

  static let refusals: [Refusal] = [
    Refusal(
      name: "no such function", nodes: [call("g", #""x""#, #""y""#)], functions: [f], code: "unknown_name",
      pointer: "/graph/nodes/0/attributes/function", words: ["no function is called g; the graph has f"]),
    Refusal(
      name: "no functions", functions: [], code: "unknown_name", pointer: "/graph/nodes/0/attributes/function",
      words: ["the graph has no functions"]),
    Refusal(
      name: "no function named", nodes: [node("call", #""x""#, #""y""#)], functions: [f], code: "invalid_attribute",
      pointer: "/graph/nodes/0", words: ["needs the attribute function"]),
    Refusal(
      name: "a number as the function", nodes: [node("call", #""x""#, #""y""#, #""function": 1"#)], functions: [f],
      code: "invalid_attribute", pointer: "/graph/nodes/0/attributes", words: ["needs the attribute function"]),
    Refusal(
      name: "another attribute", nodes: [node("call", #""x""#, #""y""#, #""function": "f", "axis": 0"#)],
      functions: [f], code: "unknown_attribute", pointer: "/graph/nodes/0/attributes/axis", words: ["no attribute axis"]
    ),
    Refusal(
      name: "too many operands", nodes: [call("f", #""x", 1"#, #""y""#)], functions: [f], code: "wrong_arity",
      pointer: "/graph/nodes/0/inputs", words: ["f takes 1 (a), got 2"]),
    Refusal(
      name: "too many results", nodes: [call("f", #""x""#, #""y", "z""#)], functions: [f], code: "wrong_arity",
      pointer: "/graph/nodes/0/outputs", words: ["f yields 1 (b); outputs has 2"]),
    Refusal(
      name: "a name that nothing has, in a function that nobody calls", nodes: [],
      functions: [function("f", ["a"], [node("sin", #""c""#, #""b""#)], #""b""#)], code: "unknown_name",
      pointer: "/graph/functions/f/nodes/0/inputs/0", words: ["\"c\"", "the input is a"]),
    Refusal(
      name: "a name of the graph", functions: [function("f", ["a"], [node("sin", #""x""#, #""b""#)], #""b""#)],
      code: "unknown_name", pointer: "/graph/functions/f/nodes/0/inputs/0", words: ["only in the graph"]),
    Refusal(
      name: "an operation that is not there, in a function that nobody calls", nodes: [],
      functions: [function("f", ["a"], [node("sine", #""a""#, #""b""#)], #""b""#)], code: "unknown_operation",
      pointer: "/graph/functions/f/nodes/0/op", words: ["sin"]),
    Refusal(
      name: "an output that nothing makes", functions: [function("f", ["a"], [], #""b""#)], code: "unknown_name",
      pointer: "/graph/functions/f/outputs/0"),
    Refusal(
      name: "the same name twice", functions: [function("f", ["a"], [node("sin", #""a""#, #""a""#)], #""a""#)],
      code: "duplicate_name", pointer: "/graph/functions/f/nodes/0/outputs/0", words: ["a is already an input"]),
    Refusal(
      name: "nodes in a circle", nodes: [],
      functions: [
        function("f", ["a"], [node("sin", #""c""#, #""b""#), node("cos", #""b""#, #""c""#)], #""c""#)
      ], code: "cycle", pointer: "/graph/functions/f/nodes/0"),
    Refusal(
      name: "functions in a circle", nodes: [],
      functions: [
        function("f", ["a"], [call("g", #""a""#, #""b""#)], #""b""#),
        function("g", ["a"], [call("h", #""a""#, #""b""#)], #""b""#),
        function("h", ["a"], [call("g", #""a""#, #""b""#)], #""b""#),
      ], code: "cycle", pointer: "/graph/functions/g", words: ["g -> h -> g"]),
    Refusal(
      name: "a function that calls itself", functions: [function("f", ["a"], [call("f", #""a""#, #""b""#)], #""b""#)],
      code: "cycle", pointer: "/graph/functions/f", words: ["f -> f"]),
    Refusal(
      name: "no inputs", functions: [function("f", [], [], #""b""#)], status: 400, code: "missing_member",
      pointer: "/graph/functions/f"),
    Refusal(
      name: "functions inside", functions: [function("f", ["a"], [], #""a""#, rest: #", "functions": {}"#)],
      status: 400, code: "unknown_member", pointer: "/graph/functions/f/functions", words: ["beside it"]),
    Refusal(
      name: "a list as a function", functions: [#""f": []"#], status: 400, code: "wrong_type",
      pointer: "/graph/functions/f"),
    Refusal(
      name: "another dtype than is declared",
      functions: [function("f", [#"{"name": "a", "dtype": "int64"}"#], [], #""a""#)], code: "dtype_mismatch",
      pointer: "/graph/nodes/0/inputs/0", words: ["in f the input a is declared as int64, got float64"]),
    Refusal(
      name: "another shape than is declared",
      functions: [function("f", [#"{"name": "a", "shape": [3]}"#], [], #""a""#)], code: "shape_mismatch",
      pointer: "/graph/nodes/0/inputs/0", words: ["in f the input a is declared with shape [3], got [2]"]),
    Refusal(
      name: "what fails in a function that a function calls",
      functions: [
        function("f", ["a"], [call("g", #""a""#, #""b""#)], #""b""#),
        function(
          "g", ["u"], [node("exp", #""u""#, #""v""#), node("add", #""v", [1, 2, 3]"#, #""w""#)], #""w""#),
      ], code: "shape_mismatch", pointer: "/graph/functions/g/nodes/1/inputs/1",
      words: ["in g, called by b in f, called by y"]),
    Refusal(
      name: "what fails when it runs",
      functions: [
        function("f", ["a"], [node("diag", #""a""#, #""m""#), node("inv", #""m""#, #""i""#)], #""i""#)
      ], code: "singular_matrix", pointer: "/graph/functions/f/nodes/1/inputs/0", words: ["in f, called by y"]),
  ]

  @Test(arguments: refusals) func refusalsSayWhereAndWhy(_ refusal: Refusal) throws {
    let graph =
      "{\"nodes\": [\(refusal.nodes.joined(separator: ", "))], "
      + "\"functions\": {\(refusal.functions.joined(separator: ", "))}}"
    let answer = InProcessServer().send("POST", "/v1/evaluate", body: Self.body(graph, #"{"x": [0, 1]}"#))
    #expect(answer.status == refusal.status, "\(answer.body.string)")
    #expect(answer.json["code"] as? String == refusal.code, "\(answer.body.string)")
    #expect(answer.json["pointer"] as? String == refusal.pointer, "\(answer.body.string)")
    let detail = try #require(answer.json["detail"] as? String)
    for words in refusal.words { #expect(detail.contains(words), "\(detail)") }
  }

  // MARK: Growth

  @Test func growthIsCountedBeforeItHappens() throws {
    var functions = [Self.f]
    for level in 1...40 {
      let last = level == 1 ? "f" : "f\(level - 1)"
      functions.append(
        Self.function(
          "f\(level)", ["a"], [Self.call(last, #""a""#, #""b""#), Self.call(last, #""b""#, #""c""#)], #""c""#))
    }
    let nodes = { (level: Int) in [Self.call("f\(level)", #""x""#, #""y""#)] }
    let clock = ContinuousClock()
    let start = clock.now
    let graph = Self.graph(nodes(40), #""y""#, functions: functions)
    let answer = InProcessServer().send("POST", "/v1/evaluate", body: Self.body(graph, #"{"x": 0.5}"#))
    #expect(clock.now - start < .seconds(2))
    #expect(answer.status == 413)
    #expect(answer.json["code"] as? String == "limit_exceeded")
    #expect(answer.json["reason"] as? String == "too_many_nodes")
    #expect(try #require(answer.json["value"] as? Int) > 1 << 40)
    // Operands count too.
    let operands = Array(repeating: "\"a\"", count: 100_000).joined(separator: ", ")
    let wide = Self.function(
      "wide", ["a"], [Self.node("stack", operands, #""b""#), Self.node("sum", #""b""#, #""c""#)], #""c""#)
    let many = (0..<100).map { Self.call("wide", #""x""#, "\"y\($0)\"") }
    let refused = InProcessServer().send(
      "POST", "/v1/evaluate", body: Self.body(Self.graph(many, #""y0""#, functions: [wide]), #"{"x": 0.5}"#))
    #expect(refused.json["reason"] as? String == "too_many_nodes", "\(refused.body.string.prefix(300))")
    // Nobody asks for that many.
    let modest = Self.graph(nodes(3), #""y""#, functions: functions)
    #expect(try value("y", of: modest, #"{"x": 0.5}"#) == [(0..<8).reduce(0.5) { x, _ in x * x }])
  }

  /// Calls in calls are no recursion of the server's.
  @Test func depthIsNoMatter() throws {
    var functions = [Self.function("f0", ["a"], [Self.node("add", #""a", 1"#, #""b""#)], #""b""#)]
    for level in 1...5000 {
      functions.append(Self.function("f\(level)", ["a"], [Self.call("f\(level - 1)", #""a""#, #""b""#)], #""b""#))
    }
    let graph = Self.graph([Self.call("f5000", #""x""#, #""y""#)], #""y""#, functions: functions)
    #expect(try value("y", of: graph, #"{"x": 0.5}"#) == [1.5])
  }

  // MARK: Plans

  @Test func plansAreFoundForOtherNumbersAndTellFunctionsApart() throws {
    let plans = PlanCache(plans: 16, bytes: 1 << 24)
    let cached = InProcessServer(plans: plans)
    var bodies: [Data] = []
    for (k, x) in [
      ("[1, 2]", "3"), ("[-4.5, 2]", "3"), ("[1, 2]", "7"), ("{\"dtype\": \"float64\", \"data\": [5, 6]}", "3"),
    ] {
      let scaled = Self.function(
        "scaled", ["a"], [Self.node("mul", #""a", "k""#, #""b""#)], #""b""#, rest: ", \"constants\": {\"k\": \(k)}")
      let shifted = Self.function(
        "shifted", ["a"], [Self.node("add", #""a", "c""#, #""b""#)], #""b""#,
        rest: ", \"constants\": {\"c\": \(x), \"unused\": 1}")
      let nodes = [Self.call("scaled", #""x""#, #""y""#), Self.call("shifted", #""y""#, #""z""#)]
      for functions in [[scaled, shifted], [shifted, scaled]] {
        let constants = #", "constants": {"q": 1}"#
        bodies.append(Self.body(Self.graph(nodes, #""z""#, functions: functions, rest: constants), "{\"x\": \(x)}"))
      }
    }
    for _ in 0..<2 {
      for body in bodies {
        let answer = cached.send("POST", "/v1/evaluate", body: body)
        #expect(answer.status == 200, "\(answer.body.string)")
        #expect(answer.body.string == InProcessServer().send("POST", "/v1/evaluate", body: body).body.string)
      }
    }
    // Numbers aside these are two graphs, each with two ways to write k.
    #expect(plans.counters.misses.value == 4)
    #expect(plans.counters.hits.value == 12)
    let other = String(decoding: bodies[0], as: UTF8.self).replacingOccurrences(of: "\"add\"", with: "\"sub\"")
    _ = cached.send("POST", "/v1/evaluate", body: Data(other.utf8))
    #expect(plans.counters.misses.value == 5)
  }

  // MARK: Where users look

  @Test func callIsAmongTheOperations() throws {
    let answer = InProcessServer().send("GET", "/v1/operations/call", body: Data())
    #expect(answer.json["name"] as? String == "call")
    let list = InProcessServer().send("GET", "/v1/operations", body: Data())
    let names = (list.json["operations"] as? [[String: Any]])?.compactMap { $0["name"] as? String } ?? []
    #expect(names.contains("call"))
  }

  /// However often calls differ in the dtype that they give it, a tensor in a function is one constant for each.
  @Test func tensorsInFunctionsAreReadOncePerDType() throws {
    let calls = (0..<40).map { index in
      #"{"op": "call", "inputs": ["\#(index % 2 == 0 ? "a" : "b")"], "outputs": ["y\#(index)"], "#
        + #""attributes": {"function": "f"}}"#
    }
    let function = #"{"inputs": [{"name": "u"}], "nodes": [{"op": "mul", "inputs": ["u", [2, 3]], "outputs": ["v"]}]}"#
    let body = """
      {"graph": {"functions": {"f": \(function)}, "nodes": [\(calls.joined(separator: ", "))]},
       "inputs": {"a": [1, 2], "b": {"dtype": "float32", "data": [1, 2]}}, "gradients": false}
      """
    let response = InProcessServer().send("POST", "/v1/inspect", body: Data(body.utf8))
    #expect(response.status == 200, "\(response.body.string)")
    // Two inputs, two tensors, two products, and the seeds of gradients; not a tensor for each of forty calls.
    let cost = response.json["cost"] as? [String: Any]
    #expect(cost?["nodes"] as? Int == 10, "\(String(describing: cost))")
  }
}

import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// Formulas wherever a graph may stand.
@Suite struct FormulaEndpointTests {
  private let server = InProcessServer()

  private func post(_ body: String, _ path: String = "/v1/evaluate", _ server: InProcessServer? = nil) -> Response {
    (server ?? self.server).send("POST", path, body: Data(body.utf8))
  }

  private static let formula = "loss = sum((x @ w + b - y) ** 2)"
  private static let graph =
    #"{"nodes": [{"op": "matmul", "inputs": ["x", "w"], "outputs": ["_1"]}, "#
    + #"{"op": "add", "inputs": ["_1", "b"], "outputs": ["_2"]}, {"op": "sub", "inputs": ["_2", "y"], "outputs": ["_3"]}, "#
    + #"{"op": "pow", "inputs": ["_3", 2], "outputs": ["_4"]}, {"op": "sum", "inputs": ["_4"], "outputs": ["loss"]}]}"#
  private static let inputs = #"{"x": [[1, 2], [3, 4]], "w": [0.5, -0.5], "b": 0.25, "y": [1, 2]}"#

  @Test(arguments: ["evaluate", "jacobian", "hessian", "check"])
  func theAnswerIsThatOfTheGraph(_ endpoint: String) {
    let formula = post(#"{"graph": "\#(Self.formula)", "inputs": \#(Self.inputs)}"#, "/v1/\(endpoint)")
    let json = post(#"{"graph": \#(Self.graph), "inputs": \#(Self.inputs)}"#, "/v1/\(endpoint)")
    #expect(formula.status == 200, "\(formula.body.string)")
    #expect(formula.body.string == json.body.string)
  }

  @Test func inputsComeInTheOrderOfTheText() {
    let answer = post(#"{"graph": "sum(b * a)", "inputs": {"a": 1, "b": 2}}"#)
    #expect(answer.body.string.contains(#""gradients": {"b": "#), "\(answer.body.string)")
  }

  @Test func aRequestIsInspected() {
    let answer = post(
      #"{"graph": "y = sum(x ** 2)", "inputs": {"x": {"dtype": "float64", "shape": [3]}}}"#, "/v1/inspect")
    #expect(answer.status == 200 && answer.json["text"] != nil)
  }

  // MARK: Problems

  @Test func problemsHaveLineColumnAndExcerpt() {
    let problem = post(#"{"graph": "y = x\nz = y // 2", "inputs": {"x": 1}}"#)
    #expect(problem.status == 400)
    #expect(problem.json["code"] as? String == "invalid_formula")
    #expect(problem.json["pointer"] as? String == "/graph")
    #expect(problem.json["line"] as? Int == 2 && problem.json["column"] as? Int == 7)
    #expect(problem.json["excerpt"] as? String == "z = y // 2\n      ^")
    #expect((problem.json["detail"] as? String ?? "").contains("floor(a / b)"))
  }

  @Test func errorsOfTheCoreNameThePlaceOfTheOperand() {
    let problem = post(#"{"graph": "y = 2 * (x @ w)", "inputs": {"x": [1, 2], "w": [1, 2, 3]}}"#)
    #expect(problem.status == 422 && problem.json["code"] as? String == "shape_mismatch")
    #expect(problem.json["line"] as? Int == 1 && problem.json["column"] as? Int == 14, "\(problem.body.string)")
    #expect(problem.json["operation"] as? String == "matmul")
  }

  @Test func numbersThatCannotBeUsedAreNamedWhileRunning() {
    let problem = post(#"{"graph": "y = x[i]", "inputs": {"x": [1, 2], "i": {"dtype": "int64", "data": 5}}}"#)
    #expect(problem.json["code"] as? String == "index_out_of_range" && problem.json["line"] as? Int == 1)
  }

  @Test func problemsOfJSONHaveNoLine() {
    let problem = post(#"{"graph": {"nodes": [{"op": "sin", "inputs": ["q"], "outputs": ["y"]}]}, "inputs": {"x": 1}}"#)
    #expect(problem.json["code"] as? String == "unknown_name")
    #expect(problem.json["line"] == nil && problem.json["excerpt"] == nil)
  }

  @Test func inputsThatAreNotGivenAreNamed() {
    let free = post(#"{"graph": "y = x * weigth", "inputs": {"x": 1, "weight": 2}}"#)
    #expect(free.json["code"] as? String == "unknown_name" && free.json["column"] as? Int == 9)
    #expect((free.json["detail"] as? String ?? "").contains("weight"))
    let declared = post(#"{"graph": "input x\ny = x", "inputs": {}}"#)
    #expect(declared.json["code"] as? String == "input_mismatch" && declared.json["column"] as? Int == 7)
    let value = post(#"{"graph": "y = x", "inputs": {"x": 1, "y": 2}}"#)
    #expect(value.json["code"] as? String == "duplicate_name")
  }

  @Test func warningsNameLineAndColumn() {
    let zero = post(#"{"graph": "s = sum(x)\ny = grad(x, s)", "inputs": {"x": 1}}"#)
    #expect(
      zero.body.string.contains("zero_gradient") && zero.body.string.contains("(line 2, column 13)"),
      "\(zero.body.string)")
    let infinite = post(#"{"graph": "y = 2 + 1 / x", "inputs": {"x": 0}, "diagnose": true}"#)
    #expect(infinite.body.string.contains("_1 (line 1, column 11) is the first value"), "\(infinite.body.string)")
    #expect(infinite.body.string.contains(#""pointer": "/graph""#) && !infinite.body.string.contains("/graph/nodes"))
  }

  /// µ, the micro sign, and μ, the Greek letter, look alike; so do é in one and in two code points.
  @Test(arguments: [("\u{B5}", "\u{3BC}", "U+00B5", "U+03BC"), ("\u{E9}", "e\u{301}", "U+00E9", "U+0065")])
  func namesThatLookAlikeAreTold(_ used: String, _ given: String, _ a: String, _ b: String) {
    let answer = post(#"{"graph": "y = \#(used) * 2", "inputs": {"\#(given)": 1}}"#)
    let detail = answer.json["detail"] as? String ?? ""
    #expect(answer.json["code"] as? String == "unknown_name" && detail.contains(a) && detail.contains(b), "\(detail)")
  }

  @Test func namelessValuesCannotBeAskedForNorGiven() {
    for rest in [#""outputs": ["_1"]"#, #""of": "_1""#] {
      let problem = post(#"{"graph": "y = sin(x) + 1", "inputs": {"x": 1}, \#(rest)}"#)
      #expect(problem.json["code"] as? String == "unknown_name", "\(problem.body.string)")
    }
    let given = post(#"{"graph": "y = sin(x) + 1", "inputs": {"x": 1, "_1": 2}}"#)
    #expect(given.json["code"] as? String == "wrong_type", "\(given.body.string)")
    let only = post(
      #"{"graph": {"nodes": [{"op": "sin", "inputs": ["x"], "outputs": ["_1"]}]}, "inputs": {"x": 1}}"#)
    #expect(only.json["code"] as? String == "wrong_type", "\(only.body.string)")
  }

  // MARK: Defaults

  private static let rate = [
    #""input x\ninput r = 0.5\ny = sum(x * r)""#,
    #"{"inputs": [{"name": "x"}, {"name": "r", "default": 0.5}], "nodes": [{"op": "mul", "inputs": ["x", "r"], "#
      + #""outputs": ["_1"]}, {"op": "sum", "inputs": ["_1"], "outputs": ["y"]}]}"#,
  ]

  @Test(arguments: rate) func anInputThatIsLeftOutHasItsDefault(_ graph: String) {
    let cached = InProcessServer(plans: PlanCache(plans: 10, bytes: 1 << 24))
    for server in [server, cached, cached, cached] {
      let left = post(#"{"graph": \#(graph), "inputs": {"x": [2, 4]}}"#, "/v1/evaluate", server)
      let named = post(
        #"{"graph": \#(graph), "inputs": {"x": [2, 4]}, "wrt": ["x", "r"]}"#, "/v1/evaluate", server)
      let given = post(#"{"graph": \#(graph), "inputs": {"x": [2, 4], "r": 0.5}}"#, "/v1/evaluate", server)
      let other = post(#"{"graph": \#(graph), "inputs": {"r": 2, "x": [2, 4]}}"#, "/v1/evaluate", server)
      // By default the gradients are those of what the request gives.
      #expect(left.status == 200 && !left.body.string.contains("\"r\""), "\(left.body.string)")
      #expect(left.body.string.contains(#""data": [0.5, 0.5]"#))
      #expect(named.body.string == given.body.string)
      #expect(named.body.string.contains(#""r": {"dtype": "float64", "shape": [], "data": 6.0}"#))
      #expect(other.body.string.contains("12.0"))
    }
    let batch = post(#"{"graph": \#(graph), "inputs": {"x": [2, 4]}, "batch": ["r"]}"#)
    #expect(batch.status == 422, "\(batch.body.string)")
    let check = post(#"{"graph": \#(graph), "inputs": {"x": [2, 4]}}"#, "/v1/check")
    #expect(check.status == 200)
  }

  @Test func aDefaultMustFitItsDeclaration() {
    func code(_ declaration: String) -> (Any?, Any?) {
      let graph =
        #"{"inputs": [{"name": "x", \#(declaration)}], "nodes": [{"op": "sin", "inputs": ["x"], "outputs": ["y"]}]}"#
      let json = post(#"{"graph": \#(graph), "inputs": {}}"#).json
      return (json["code"], json["pointer"])
    }
    #expect(
      code(#""shape": [2], "default": [1, 2, 3]"#) as? (String, String) ?? ("", "") == (
        "shape_mismatch", "/graph/inputs/0/default"
      ))
    #expect(
      code(#""dtype": "int64", "default": 1.5"#) as? (String, String) ?? ("", "") == (
        "number_out_of_range", "/graph/inputs/0/default"
      ))
    #expect(code(#""default": 1"#).0 == nil)
  }

  // MARK: The plan cache

  @Test func repeatedFormulasAreFoundWithoutReading() throws {
    let plans = PlanCache(plans: 10, bytes: 1 << 24)
    let cached = InProcessServer(plans: plans)
    for (index, x) in ["1", "2", "3", "4", "5"].enumerated() {
      let body = #"{"graph": "const k = 3\ny = k * x ** 2", "inputs": {"x": \#(x)}}"#
      let answer = post(body, "/v1/evaluate", cached)
      #expect(answer.body.string == post(body).body.string)
      #expect(plans.counters.hits.value == index)
    }
    #expect(plans.counters.plans.value == 1 && plans.counters.fallbacks.value == 0)
    // The constant belongs to the text.
    let other = post(#"{"graph": "const k = 4\ny = k * x ** 2", "inputs": {"x": 1}}"#, "/v1/evaluate", cached)
    #expect(other.body.string.contains("4.0") && plans.counters.plans.value == 2)
  }

  /// The skeleton of a request holds the constants and defaults, too.
  @Test func repeatedFormulasAreRecalledByTheirText() {
    let pair = HandlerPair()
    for x in 1...4 {
      let body = #"{"graph": "input x\ninput r = [1, 2]\nconst k = 3\ny = k * r * x ** 2", "inputs": {"x": \#(x)}}"#
      for endpoint in [Endpoint.evaluate, .hessian] { pair.compare(endpoint, Data(body.utf8), "\(x)") }
    }
    #expect(pair.plans.counters.recalled.value > 10 && pair.plans.counters.fallbacks.value == 0)
  }

  // MARK: Safetensors

  @Test(arguments: [
    ("y = x * w", 200), (#"\"y = x * w\""#, 200), ("", 400), ("y = ", 400), ("{y = x", 400),
  ])
  func metadataHoldsAFormulaOrJSON(_ graph: String, _ status: Int) throws {
    let header =
      #"{"__metadata__": {"graph": "\#(graph)"}, "x": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]}, "#
      + #""w": {"dtype": "F64", "shape": [], "data_offsets": [8, 16]}}"#
    let response = server.send(TestFile.raw(header, Data(count: 16)), "evaluate", accept: "application/json")
    #expect(response.status == status, "\(response.body.string)")
    if status == 400, !graph.hasPrefix("{") { #expect(response.json["code"] as? String == "invalid_formula") }
  }
}

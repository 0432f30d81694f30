import AutogradCore
import AutogradGraphs
import Foundation
import Testing

@testable import AutogradServer

/// The two forms of a graph and the formula of its gradients, in the answers of /v1/inspect.
@Suite("Inspect: formulas")
struct InspectTests {
  private func inspect(_ nodes: String, _ inputs: String, _ more: String = "") throws -> [String: Any] {
    let body = #"{"graph": {"nodes": [\#(nodes)]}, "inputs": \#(inputs)\#(more)}"#
    let response = InProcessServer().send("POST", "/v1/inspect", body: Data(body.utf8))
    try #require(response.status == 200, "\(response.body.string)")
    return response.json
  }

  private static func node(_ op: String, _ inputs: String, _ output: String, _ attributes: String = "{}") -> String {
    #"{"op": "\#(op)", "inputs": [\#(inputs)], "outputs": ["\#(output)"], "attributes": \#(attributes)}"#
  }

  @Test func regression() throws {
    let nodes = [
      Self.node("matmul", #""x", "w""#, "h"), Self.node("sub", #""h", "y""#, "r"), Self.node("pow", #""r", 2"#, "s"),
      Self.node("sum", #""s""#, "loss"),
    ]
    let answer = try inspect(
      nodes.joined(separator: ", "), #"{"x": [[1, 2], [3, 4]], "w": [1, 2], "y": [0, 1]}"#, #", "wrt": ["w"]"#)
    #expect(answer["text"] as? String == "h = x @ w\nr = h - y\ns = r**2\nloss = sum(s)")
    #expect(
      answer["gradient_text"] as? String == """
        h = x @ w
        r = h - y
        grad_w = reshape(x.T @ (2 * r)[:, None], shape=[2])
        return grad_w
        """)
    let graph = answer["graph"] as? [String: Any]
    #expect((graph?["nodes"] as? [[String: Any]])?.count == 4)
  }

  static let gradients: [(op: String, inputs: String, tensors: String, attributes: String, text: String)] = [
    ("mul", #""x", "x""#, #"{"x": [1, 2]}"#, "{}", "grad_x = x + x"),
    ("sin", #""x""#, #"{"x": 1}"#, "{}", "grad_x = cos(x)"),
    ("sqrt", #""x""#, #"{"x": [1, 2]}"#, "{}", "y = sqrt(x)\ngrad_x = 0.5 / y"),
    ("log", #""x""#, #"{"x": [1, 2]}"#, "{}", "grad_x = 1 / x"),
    ("neg", #""x""#, #"{"x": [1, 2]}"#, "{}", "grad_x = broadcast_to(-1, shape=[2])"),
    ("tanh", #""x""#, #"{"x": [1, 2]}"#, "{}", "grad_x = 1 / cosh(x)**2"),
    ("pow", #""x", 3"#, #"{"x": [1, 2]}"#, "{}", "grad_x = 3 * x**2"),
    ("pow", #""x", 3"#, #"{"x": {"dtype": "float32", "data": [1, 2]}}"#, "{}", "grad_x = 3 * x**2"),
    ("sum", #""x""#, #"{"x": 1}"#, "{}", "grad_x = 1"),
    ("sum", #""x""#, #"{"x": {"dtype": "float32", "data": 1}}"#, "{}", "grad_x = float32(1)"),
    ("identity", #""x""#, #"{"x": 1, "w": 2}"#, "{}", "grad_x = 1\ngrad_w = 0"),
    ("softmax", #""x""#, #"{"x": [1, 2]}"#, "{}", "y = softmax(x)\ngrad_x = y * (1 - sum(y))"),
    (
      "slice", #""x""#, #"{"x": [1, 2, 3]}"#, #"{"starts": [1], "ends": [null]}"#,
      "grad_x = pad(broadcast_to(1, shape=[2]), widths=[[1, 0]])"
    ),
    ("prod", #""x""#, #"{"x": [1, 2, 3]}"#, "{}", "y = prod(x)\ngrad_x = grad(y, x)"),
  ]

  @Test(arguments: gradients.indices) func gradientsAreReadable(_ index: Int) throws {
    let one = Self.gradients[index]
    let answer = try inspect(Self.node(one.op, one.inputs, "y", one.attributes), one.tensors)
    let names = one.text.contains("grad_w") ? "grad_x, grad_w" : "grad_x"
    #expect(answer["gradient_text"] as? String == one.text + "\nreturn \(names)")
  }

  /// Graphs that were written as formulas are answered alike; values without a name are not listed.
  @Test func formulas() throws {
    let body = #"{"graph": "loss = sum((x @ w - y)^2)", "inputs": {"x": [[1, 2], [3, 4]], "w": [1, 2], "y": [0, 1]}}"#
    let answer = InProcessServer().send("POST", "/v1/inspect", body: Data(body.utf8)).json
    #expect(answer["text"] as? String == "loss = sum((x @ w - y)**2)")
    #expect(
      answer["gradient_text"] as? String == """
        t1 = 2 * (x @ w - y)
        grad_y = -t1
        t2 = t1[:, None]
        grad_x = t2 @ w[:, None].T
        grad_w = reshape(x.T @ t2, shape=[2])
        return grad_x, grad_w, grad_y
        """)
    #expect((answer["values"] as? [String: Any])?.keys.sorted() == ["loss", "w", "x", "y"])
    let nodes = (answer["graph"] as? [String: Any])?["nodes"] as? [[String: Any]]
    #expect(nodes?.compactMap { $0["outputs"] as? [String] } == [["_1"], ["_2"], ["_3"], ["loss"]])
  }

  @Test func noGradientsNoFormula() throws {
    let nodes = Self.node("exp", #""x""#, "y")
    for more in [#", "wrt": []"#, #", "gradients": false"#] {
      #expect(try inspect(nodes, #"{"x": 1}"#, more)["gradient_text"] is NSNull)
    }
    #expect(try inspect(Self.node("isnan", #""x""#, "y"), #"{"x": 1}"#)["gradient_text"] is NSNull)
  }

  /// Only what the gradients need of the graph is in their formula: functions, constants, and names that are taken.
  @Test func functionsAndNamesAreKept() throws {
    let body = #"""
      {"graph": {"constants": {"k": 3, "unused": 1},
        "functions": {"f": {"inputs": [{"name": "u"}], "nodes": [
          {"op": "exp", "inputs": ["u"], "outputs": ["v"]}]}},
        "nodes": [{"op": "call", "inputs": ["x"], "outputs": ["a"], "attributes": {"function": "f"}},
          {"op": "mul", "inputs": ["a", "k"], "outputs": ["grad_x"]},
          {"op": "mul", "inputs": ["grad_x", "a"], "outputs": ["y"]},
          {"op": "neg", "inputs": ["y"], "outputs": ["dead"]}], "outputs": ["y"]},
       "inputs": {"x": 2}}
      """#
    let response = InProcessServer().send("POST", "/v1/inspect", body: Data(body.utf8))
    let text = response.json["gradient_text"] as? String
    #expect(
      text == """
        const k = 3
        def f(u) {
            v = exp(u)
            return v
        }
        a = f(x)
        grad_x = a * k
        grad_x_ = (grad_x + grad_x) * a
        return grad_x_
        """, "\(text ?? response.body.string)")
  }

  /// Each operation's example is printed without anything that only JSON has.
  @Test(arguments: OpCatalog.operations.map(\.reference.name)) func everyOperationIsPrinted(_ name: String) throws {
    let reference = try #require(OpCatalog.operation(named: name)?.reference)
    for sample in reference.samples {
      let body = ExampleRequest.text(reference, sample)
      let response = InProcessServer().send("POST", "/v1/inspect", body: Data(body.bytes))
      try #require(response.status == 200, "\(response.body.string)")
      let text = try #require(response.json["text"] as? String)
      #expect(!text.contains("{") && !text.contains("null"), "\(text)")
      #expect(text.hasPrefix("return") == false && text.contains(" = "), "\(text)")
    }
  }
}

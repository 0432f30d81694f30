import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// What people send who have never seen the project, and what they must be told.
@Suite struct FirstHourTests {
  private func answer(_ body: String, to path: String = "/v1/evaluate") -> Response {
    InProcessServer().send("POST", path, body: Data(body.utf8))
  }

  /// A node on x, which is [1, 2].
  private static func node(_ node: String) -> String { #"{"graph": {"nodes": [\#(node)]}, "inputs": {"x": [1, 2]}}"# }
  private static func operand(_ text: String) -> String {
    node(#"{"op": "sin", "inputs": ["\#(text)"], "outputs": ["y"]}"#)
  }
  private static func data(_ text: String) -> String {
    #"{"graph": {"nodes": [{"op": "sin", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": \#(text)}}"#
  }

  @Test(arguments: [
    ("[object Object]", "send JSON.stringify(request)"),
    (data("[1, null]"), "null is not a number"), (data("[1, NaN]"), "write the string \"NaN\""),
    (data(#"{"0": 1, "1": 2}"#), "send Array.from(x)"), (data(#""1.5""#), "write 1.5 without quotes"),
    (data(#"["1.5"]"#), "write 1.5 without quotes"), (data(#"["Inf"]"#), "\"Infinity\""),
    (operand("2*x"), "is a formula"), (operand("x.T"), "is a formula"), (operand("x[0]"), "is a formula"),
    (operand("2"), "a number in quotes"), (operand("weights"), "the input is x"),
    (#"{"nodes": [], "inputs": {}}"#, #"write "graph": {"nodes": …}"#),
    (#"{"graph": {"nodes": [], "inputs": {"x": [1]}}}"#, "tensors by name are the request's inputs"),
    (node(#"{"op": "sum", "inputs": ["x"], "outputs": ["y"], "axis": 0}"#), #"write "attributes": {"axis": …}"#),
    (node(#"{"op": "sum", "inputs": ["x"], "outputs": ["y"], "attrs": {}}"#), "did you mean attributes?"),
    (node(#"{"op": "sum", "args": ["x"], "outputs": ["y"]}"#), "did you mean inputs?"),
    (node(#"{"op": "sum", "inputs": ["x"], "outputs": ["y"], "attributes": {"dim": 0}}"#), "did you mean axis?"),
    (
      node(#"{"op": "sum", "inputs": ["x"], "outputs": ["y"], "attributes": {"keepdim": true}}"#),
      "did you mean keepdims?"
    ),
    (node(#"{"op": "sin", "inputs": ["x"], "outputs": ["x"]}"#), "x is already an input; choose another name"),
    (node(#"{"op": "max", "inputs": ["x", 0], "outputs": ["y"]}"#), "maximum takes two"),
    (#"{"graph": {"nodes": []}, "dtype": "double"}"#, "did you mean float64?"),
    (#"{"graph": {"nodes": []}, "dtype": "float"}"#, "did you mean float64?"),
  ])
  func mistakesAreExplained(body: String, expected: String) {
    let answer = answer(body)
    let detail = answer.json["detail"] as? String ?? ""
    #expect(answer.status == 400 || answer.status == 422)
    #expect(detail.contains(expected), "\(detail)")
  }

  @Test func aLargeHessianOfExamplesIsAnsweredWithBatch() {
    let x = "[" + Array(repeating: "1", count: 20_000).joined(separator: ",") + "]"
    let body = #"{"graph": {"nodes": [{"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}]}, "inputs": {"x": \#(x)}}"#
    let detail = answer(body, to: "/v1/hessian").json["detail"] as? String ?? ""
    #expect(detail.contains("batch gives one small matrix for each"), "\(detail)")
  }

  @Test(arguments: [
    // The operands of grad are swapped.
    (
      #"{"graph": {"nodes": [{"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}, {"op": "grad", "inputs": ["x", "#
        + #""y"], "outputs": ["d"]}], "outputs": ["d"]}, "inputs": {"x": 2}}"#,
      "zero_gradient"
    ),
    (
      #"{"graph": {"nodes": [{"op": "cast", "inputs": ["n"], "outputs": ["y"], "attributes": {"dtype": "#
        + #""float64"}}]}, "inputs": {"n": {"dtype": "int64", "data": 2}}}"#,
      "integer_inputs"
    ),
  ])
  func whatIsPerhapsNotMeantIsWarnedOf(body: String, code: String) {
    let warnings = answer(body).json["warnings"] as? [[String: Any]] ?? []
    #expect(warnings.map { $0["code"] as? String } == [code])
  }
}

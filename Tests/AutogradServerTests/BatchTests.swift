import Foundation
import Testing

@testable import AutogradServer

/// `batch` and `per_example`, on every endpoint, against requests for one example at a time.
@Suite struct BatchTests {
  private static let graph = """
    {"nodes": [
      {"op": "matmul", "inputs": ["x", "w"], "outputs": ["h"]}, {"op": "tanh", "inputs": ["h"], "outputs": ["a"]},
      {"op": "add", "inputs": ["a", "b"], "outputs": ["y"]}, {"op": "mul", "inputs": ["y", "y"], "outputs": ["s"]},
      {"op": "sum", "inputs": ["s"], "outputs": ["loss"]}], "outputs": ["loss"]}
    """
  private static let x = ["[0.1, -0.2]", "[0.3, 0.5]", "[-0.7, 0.2]"]
  private static let shared = #""w": [[0.3, -0.1, 0.2], [0.5, 0.4, -0.6]], "b": [0.1, 0.2, 0.3]"#

  private func post(_ endpoint: String, _ inputs: String, _ rest: String = "") -> [String: Any] {
    let body = #"{"graph": \#(Self.graph), "inputs": {\#(inputs)}, "encoding": "flat"\#(rest)}"#
    let response = InProcessServer().send("POST", "/v1/\(endpoint)", body: Data(body.utf8))
    #expect(response.status == 200, "\(response.body.string)")
    return response.json
  }

  private func numbers(_ answer: [String: Any], _ path: String...) -> [Double] {
    var value: Any? = answer
    for key in path { value = (value as? [String: Any])?[key] }
    return ((value as? [String: Any])?["data"] as? [NSNumber])?.map(\.doubleValue) ?? []
  }

  private func isClose(_ a: [Double], _ b: [Double]) -> Bool {
    !a.isEmpty && a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-12 * max(1, abs($1)) }
  }

  private var stack: String { #""x": [\#(Self.x.joined(separator: ", "))], "# + Self.shared }
  private func one(_ index: Int) -> String { #""x": \#(Self.x[index]), "# + Self.shared }

  @Test func gradientsOfSharedInputsAreSummed() {
    let batch = post("evaluate", stack, #", "batch": ["x"], "outputs": ["loss", "a"]"#)
    let each = (0..<3).map { post("evaluate", one($0), #", "outputs": ["loss", "a"]"#) }
    for output in ["loss", "a"] {
      #expect(isClose(numbers(batch, "outputs", output), each.flatMap { numbers($0, "outputs", output) }))
    }
    #expect(isClose(numbers(batch, "gradients", "x"), each.flatMap { numbers($0, "gradients", "x") }))
    for name in ["w", "b"] {
      let parts = each.map { numbers($0, "gradients", name) }
      let sum = parts[0].indices.map { index in parts.reduce(0) { $0 + $1[index] } }
      #expect(isClose(numbers(batch, "gradients", name), sum))
      let perExample = post("evaluate", stack, #", "batch": ["x"], "per_example": true"#)
      #expect(isClose(numbers(perExample, "gradients", name), parts.flatMap { $0 }))
    }
  }

  @Test func otherDerivatives() {
    let tangents = #", "tangents": {"x": [[1, 0], [0, 1], [2, -1]], "b": [1, 1, 1]}, "batch": ["x"]"#
    let single = ["[1, 0]", "[0, 1]", "[2, -1]"].map { #", "tangents": {"x": \#($0), "b": [1, 1, 1]}"# }
    let jvp = (0..<3).flatMap { numbers(post("jvp", one($0), single[$0]), "tangents", "loss") }
    #expect(isClose(numbers(post("jvp", stack, tangents), "tangents", "loss"), jvp))

    let jacobian = post("jacobian", stack, #", "of": ["y"], "batch": ["x"]"#)
    for name in ["x", "w"] {
      let each = (0..<3).flatMap { numbers(post("jacobian", one($0), #", "of": ["y"]"#), "jacobians", "y", name) }
      #expect(isClose(numbers(jacobian, "jacobians", "y", name), each))
    }

    let hessian = post("hessian", stack, #", "batch": ["x"], "wrt": ["x", "b"]"#)
    let hessians = (0..<3).map { post("hessian", one($0), #", "wrt": ["x", "b"]"#) }
    #expect(isClose(numbers(hessian, "hessians", "x", "b"), hessians.flatMap { numbers($0, "hessians", "x", "b") }))
    let blocks = hessians.map { numbers($0, "hessians", "b", "b") }
    #expect(
      isClose(
        numbers(hessian, "hessians", "b", "b"), blocks[0].indices.map { index in blocks.reduce(0) { $0 + $1[index] } }))

    let hvp = post("hvp", stack, #", "vectors": {"b": [1, 2, 3]}, "batch": ["x"]"#)
    let products = (0..<3).map { post("hvp", one($0), #", "vectors": {"b": [1, 2, 3]}"#) }
    #expect(isClose(numbers(hvp, "products", "x"), products.flatMap { numbers($0, "products", "x") }))

    let check = InProcessServer().send(
      "POST", "/v1/check", body: Data(#"{"graph": \#(Self.graph), "inputs": {\#(stack)}, "batch": ["x"]}"#.utf8))
    #expect(check.json["passed"] as? Bool == true, "\(check.body.string)")
  }

  @Test func cotangentsCarryTheAxis() {
    let batch = post("evaluate", stack, #", "batch": ["x"], "cotangents": {"loss": [1, 0, 2]}, "wrt": ["w"]"#)
    let each = [0, 2].map { numbers(post("evaluate", one($0)), "gradients", "w") }
    #expect(isClose(numbers(batch, "gradients", "w"), zip(each[0], each[1]).map { $0 + 2 * $1 }))
  }

  @Test func mistakes() {
    func problem(_ inputs: String, _ rest: String) -> (Int, String?, String?) {
      let body = #"{"graph": \#(Self.graph), "inputs": {\#(inputs)}\#(rest)}"#
      let response = InProcessServer().evaluate(body)
      return (response.status, response.json["code"] as? String, response.json["pointer"] as? String)
    }
    #expect(problem(stack, #", "batch": ["z"]"#) == (422, "unknown_name", "/batch/0"))
    #expect(problem(stack, #", "batch": ["x", "x"]"#) == (422, "duplicate_name", "/batch/1"))
    #expect(problem(stack, #", "batch": 1"#) == (400, "wrong_type", "/batch"))
    #expect(problem(stack, #", "batch": "z""#) == (422, "unknown_name", "/batch"))
    #expect(problem(stack, #", "batch": []"#) == (400, "missing_member", "/batch"))
    #expect(problem(stack, #", "per_example": true"#) == (400, "missing_member", ""))
    // Three numbers are three scalars, which broadcast.
    #expect(problem(stack, #", "batch": ["x", "b"]"#).0 == 200)
    #expect(problem(stack, #", "batch": ["x", "w"]"#) == (422, "shape_mismatch", "/inputs/w"))
    #expect(problem(#""x": 1, \#(Self.shared)"#, #", "batch": ["x"]"#) == (422, "shape_mismatch", "/inputs/x"))
    #expect(
      problem(stack, #", "batch": ["x"], "cotangents": {"loss": [1, 2]}"#) == (
        422, "shape_mismatch", "/cotangents/loss"
      ))
  }
}

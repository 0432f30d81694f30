import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// Small requests that speak of large things: each is answered or refused at once, and the server goes on.
@Suite(.timeLimit(.minutes(60)))
struct HostileSizeTests {
  private func post(_ body: String, _ endpoint: String = "evaluate") -> Response {
    InProcessServer().send("POST", "/v1/\(endpoint)", body: Data(body.utf8))
  }

  private func node(_ op: String, _ inputs: String, _ output: String, _ attributes: String = "") -> String {
    #"{"op": "\#(op)", "inputs": [\#(inputs)], "outputs": ["\#(output)"]\#(attributes)}"#
  }

  /// The first list of each level is long, the others are numbers: as many elements as no memory holds, or as cannot be
  /// counted.
  @Test(arguments: [(1500, 3), (300, 8), (2, 8), (40_000, 2)])
  func listsThatAreLongFirst(length: Int, depth: Int) {
    var lists = "0"
    for _ in 0..<depth { lists = "[" + lists + String(repeating: ",0", count: length - 1) + "]" }
    for inputs in [#""inputs": {"x": \#(lists)}"#, #""inputs": {"x": {"data": \#(lists)}}"#] {
      let response = post(#"{"graph": {"nodes": [\#(node("neg", #""x""#, "y"))]}, \#(inputs)}"#)
      #expect(response.status == 400 && response.json["code"] as? String == "ragged_array", "\(length) to the \(depth)")
    }
  }

  /// Stacks of nothing take no memory and have no end.
  @Test(arguments: [
    ("cholesky", #""x""#, "[68719476736, 0, 0]", ""), ("inv", #""x""#, "[68719476736, 0, 0]", ""),
    ("solve", #""x", "x""#, "[68719476736, 0, 0]", ""),
    ("cumsum", #""x""#, "[68719476736, 0]", #", "attributes": {"axis": 1}"#),
    ("sort", #""x""#, "[68719476736, 0]", ""), ("exp", #""x""#, "[68719476736, 0]", ""),
    ("mul", #""x", {"shape": [1, 0], "data": []}"#, "[68719476736, 0]", ""),
    ("matmul", #""x", {"shape": [0, 0], "data": []}"#, "[68719476736, 2, 0]", ""),
    ("flip", #""x""#, "[68719476736, 0]", ""),
    ("softmax", #""x""#, "[68719476736, 0]", ""), ("concat", #""x", "x""#, "[68719476736, 0]", ""),
    (
      "take", #""x", {"shape": [0], "data": [], "dtype": "int64"}"#, "[68719476736, 0]", #", "attributes": {"axis": 1}"#
    ),
  ])
  func stacksOfNothing(op: String, operands: String, shape: String, attributes: String) {
    for gradients in [true, false] {
      let body = #"""
        {"graph": {"nodes": [\#(node(op, operands, "y", attributes)), \#(node("sum", #""y""#, "s"))], "outputs": ["s"]},
         "inputs": {"x": {"dtype": "float64", "shape": \#(shape), "data": []}}, "gradients": \#(gradients), "encoding": "flat"}
        """#
      let response = post(body)
      #expect([200, 413].contains(response.status), "\(op): \(response.body.string.prefix(300))")
    }
  }

  /// A million outputs of 2^40 elements are more bytes than can be counted.
  @Test func sumsOfSizesStop() {
    #expect((0..<2_000_000).reduce(0) { total, _ in Size.sum(total, 1 << 43) } == 1 << 61)
    #expect(Size.sum(40, 2) == 42)
  }

  @Test func einsumsOfManyOperands() {
    let count = 3000
    let equation = Array(repeating: "i", count: count).joined(separator: ",") + "->i"
    let operands = Array(repeating: #""x""#, count: count).joined(separator: ", ")
    let body = #"""
      {"graph": {"nodes": [\#(node("einsum", operands, "y", #", "attributes": {"equation": "\#(equation)"}"#))]}, "inputs": {"x": [1, 2]}}
      """#
    let response = post(body)
    #expect(response.status == 413 && response.json["limit"] as? Int == 256)
  }

  /// Layouts on layouts, and products with the last of them: none looks at all that were before.
  @Test func longChainsOfLayouts() {
    var nodes: [String] = []
    var tail = "x"
    for step in 0..<4000 {
      nodes.append(node("broadcast_to", "\"\(tail)\"", "b\(step)", #", "attributes": {"shape": [1, 2]}"#))
      nodes.append(node("reshape", "\"b\(step)\"", "r\(step)", #", "attributes": {"shape": [2]}"#))
      tail = "r\(step)"
    }
    for step in 0..<8000 {
      nodes.append(node("mul", "\"\(tail)\", \"\(step == 0 ? tail : "m\(step - 1)")\"", "m\(step)"))
    }
    let started = monotonicNanoseconds()
    let response = post(
      #"{"graph": {"nodes": [\#(nodes.joined(separator: ", "))], "outputs": ["m7999"]}, "inputs": {"x": [1, 1]}}"#)
    #expect(response.status == 200)
    // Quadratic it would take minutes in a debug build.
    #expect(monotonicNanoseconds() - started < 30_000_000_000)
  }
}

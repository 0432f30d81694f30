import AutogradCore
import Foundation
import Testing

@testable import AutogradServer

/// `grad` nodes by values that are computed: what makes squares of lengths smooth, and double negations short, must not
/// hide that a result depends on the value on the way.
@Suite("Gradients by values on the way")
struct IntermediateTargetTests {
  /// Nodes from x = [3, 4] to r, from r to q, and the gradient of the sum of q by r.
  struct Case: Sendable, CustomTestStringConvertible {
    var first: String
    var second: String
    var gradient: [Double]
    var testDescription: String { second }
  }

  private static func node(_ op: String, _ inputs: String, _ output: String, _ attributes: String = "{}") -> String {
    #"{"op": "\#(op)", "inputs": [\#(inputs)], "outputs": ["\#(output)"], "attributes": \#(attributes)}"#
  }

  private static let norm = node("norm", #""x""#, "r")

  static let cases: [Case] = [
    Case(first: norm, second: node("square", #""r""#, "q"), gradient: [10]),
    Case(first: norm, second: node("mul", #""r", "r""#, "q"), gradient: [10]),
    Case(first: norm, second: node("pow", #""r", 2"#, "q"), gradient: [10]),
    Case(first: norm, second: node("pow", #""r", 3"#, "q"), gradient: [75]),
    Case(first: norm, second: node("pow", #""r", 2.5"#, "q"), gradient: [2.5 * pow(5, 1.5)]),
    Case(
      first: norm, second: node("mul", #""r", 2"#, "s") + ", " + node("mul", #""s", "r""#, "q"), gradient: [20]),
    Case(first: norm, second: node("neg", #""r""#, "s") + ", " + node("square", #""s""#, "q"), gradient: [10]),
    Case(
      first: norm, second: node("reshape", #""r""#, "s", #"{"shape": [1]}"#) + ", " + node("square", #""s""#, "q"),
      gradient: [10]),
    Case(
      first: norm,
      second: node("stack", #""r", "r""#, "s") + ", " + node("matmul", #""s", "s""#, "q"), gradient: [20]),
    Case(first: node("std", #""x""#, "r"), second: node("square", #""r""#, "q"), gradient: [1]),
    Case(first: node("hypot", #""x", 0"#, "r"), second: node("square", #""r""#, "q"), gradient: [6, 8]),
    Case(first: node("abs", #""x""#, "r"), second: node("square", #""r""#, "q"), gradient: [6, 8]),
    Case(first: node("abs", #""x""#, "r"), second: node("cos", #""r""#, "q"), gradient: [-sin(3), -sin(4)]),
    Case(first: node("neg", #""x""#, "r"), second: node("neg", #""r""#, "q"), gradient: [-1, -1]),
    Case(
      first: node("reshape", #""x""#, "r", #"{"shape": [1, 2]}"#),
      second: node("reshape", #""r""#, "q", #"{"shape": [2, 1]}"#), gradient: [1, 1]),
    Case(
      first: node("broadcast_to", #""x""#, "r", #"{"shape": [2, 2]}"#),
      second: node("broadcast_to", #""r""#, "q", #"{"shape": [3, 2, 2]}"#), gradient: [3, 3, 3, 3]),
  ]

  @Test(arguments: cases) func dependsOnWhatItIsMadeOf(_ test: Case) throws {
    // The target may be named before or after the use.
    for nodes in [
      "\(test.first), \(test.second), \(Self.node("grad", #""q", "r""#, "g"))",
      "\(Self.node("grad", #""q", "r""#, "g")), \(test.second), \(test.first)",
    ] {
      let body =
        #"{"graph": {"nodes": [\#(nodes)], "outputs": ["g"]}, "inputs": {"x": [3, 4]}, "gradients": false, "#
        + #""encoding": "flat"}"#
      let response = InProcessServer().send("POST", "/v1/evaluate", body: Data(body.utf8))
      let outputs = try #require(response.json["outputs"] as? [String: Any], "\(response.body.string)")
      let found = try #require((outputs["g"] as? [String: Any])?["data"] as? [Double], "\(response.body.string)")
      #expect(found.count == test.gradient.count)
      for (found, right) in zip(found, test.gradient) {
        #expect(abs(found - right) <= 1e-12 * abs(right), "\(found), \(right)")
      }
    }
  }

  /// The library is told, or refuses: it never answers 0.
  @Test func inTheLibrary() throws {
    for isKept in [false, true] {
      let builder = GraphBuilder()
      let length = builder.variable(Tensor([3.0, 4.0])).applying("norm")
      let r = isKept ? builder.keepAsTarget(length) : length
      let q = r * r
      let gradient = q.gradient(withRespectTo: r)
      if isKept {
        #expect(try gradient.evaluate().doubles == [10])
      } else {
        #expect(throws: GraphError.self) { try gradient.evaluate() }
      }
    }
  }

  /// What has been computed of a value does not depend on what is kept afterwards.
  @Test func keepingTooLateIsRefused() throws {
    let builder = GraphBuilder()
    let r = builder.variable(Tensor([3.0, 4.0])).applying("norm")
    let q = r * r
    let kept = builder.keepAsTarget(r)
    #expect(throws: GraphError.self) { try q.gradient(withRespectTo: kept).evaluate() }
  }

  /// A derivative may hold the value of its function, as that of softmax and exp does: it is not made of it.
  @Test(arguments: ["softmax", "exp"]) func derivativesByXAreNotMadeOfY(_ op: String) throws {
    let nodes = [
      Self.node(op, #""x""#, "y"), Self.node("mul", #""y", [1, 3]"#, "s"), Self.node("grad", #""s", "x""#, "g"),
      Self.node("mul", #""g", [2, 5]"#, "q"), Self.node("grad", #""q", "y""#, "d"),
    ].joined(separator: ", ")
    let body =
      #"{"graph": {"nodes": [\#(nodes)], "outputs": ["d"]}, "inputs": {"x": [0.5, -1]}, "gradients": false, "#
      + #""encoding": "flat"}"#
    let response = InProcessServer().send("POST", "/v1/evaluate", body: Data(body.utf8))
    let outputs = try #require(response.json["outputs"] as? [String: Any], "\(response.body.string)")
    #expect((outputs["d"] as? [String: Any])?["data"] as? [Double] == [0, 0])
    for isKept in [false, true] where isKept || op == "softmax" {
      let builder = GraphBuilder()
      let x = builder.variable(Tensor([0.5, -1]))
      let value = x.applying(op)
      let y = isKept ? builder.keepAsTarget(value) : value
      let gradient = (y * builder.variable([1, 3])).gradient(withRespectTo: x)
      let second = (gradient * builder.variable([2, 5])).gradient(withRespectTo: y)
      if isKept {
        #expect(try second.evaluate().doubles == [0, 0])
      } else {
        #expect(throws: GraphError.self) { try second.evaluate() }
      }
    }
  }
}

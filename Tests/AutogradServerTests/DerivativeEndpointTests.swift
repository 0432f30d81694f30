import AutogradCore
import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// What `/v1/jvp`, `jacobian`, `hessian` and `hvp` take, refuse and answer.
@Suite("Derivative endpoints")
struct DerivativeEndpointTests {
  private func post(_ endpoint: Endpoint, _ body: String) -> Response {
    InProcessServer().send("POST", "/v1/\(endpoint.rawValue)", body: Data(body.utf8))
  }

  private func isAnswered(
    _ endpoint: Endpoint, _ body: String, _ answer: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let response = post(endpoint, body)
    #expect(response.status == 200, sourceLocation: sourceLocation)
    #expect(response.body.string == answer + "\n", sourceLocation: sourceLocation)
  }

  /// y = x², elementwise; z = its sum; c is a constant, n an integer input.
  private func request(_ members: String, x: String = "[1, 2]") -> String {
    """
    {"graph": {"nodes": [{"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}, {"op": "sum", "inputs": ["y"], "outputs": ["z"]},
      {"op": "add", "inputs": ["n", 1], "outputs": ["m"]}], "constants": {"c": 3}, "outputs": ["y", "z", "m"]},
     "inputs": {"x": \(x), "n": {"dtype": "int64", "data": 4}}, "encoding": "values"\(members.isEmpty ? "" : ", " + members)}
    """
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var endpoint: Endpoint
    var members: String
    var code: ProblemCode
    var pointer: String
    var testDescription: String { "\(endpoint) \(members)" }

    init(_ endpoint: Endpoint, _ members: String, _ code: ProblemCode, _ pointer: String) {
      (self.endpoint, self.members, self.code, self.pointer) = (endpoint, members, code, pointer)
    }
  }

  static let directionRefusals = [(Endpoint.jvp, "tangents"), (.hvp, "vectors")].flatMap { endpoint, member in
    [
      Refusal(endpoint, "", .missingMember, ""),
      Refusal(endpoint, #""\#(member)": [1, 2]"#, .wrongType, "/\(member)"),
      Refusal(endpoint, #""\#(member)": null"#, .wrongType, "/\(member)"),
      Refusal(endpoint, #""\#(member)": {"w": [1, 2]}"#, .unknownName, "/\(member)/w"),
      Refusal(endpoint, #""\#(member)": {"y": [1, 2]}"#, .unknownName, "/\(member)/y"),
      Refusal(endpoint, #""\#(member)": {"c": 1}"#, .unknownName, "/\(member)/c"),
      Refusal(endpoint, #""\#(member)": {"n": 1}"#, .dtypeMismatch, "/\(member)/n"),
      Refusal(endpoint, #""\#(member)": {"x": 1}"#, .shapeMismatch, "/\(member)/x"),
      Refusal(endpoint, #""\#(member)": {"x": [[1, 2]]}"#, .shapeMismatch, "/\(member)/x"),
      Refusal(endpoint, #""\#(member)": {"x": [1, null]}"#, .wrongType, "/\(member)/x/1"),
      Refusal(endpoint, #""\#(member)": {"x": {"dtype": "float32", "data": [1, 2]}}"#, .dtypeMismatch, "/\(member)/x"),
      Refusal(endpoint, #""\#(member)": {}, "gradients": false"#, .unknownMember, "/gradients"),
    ]
  }

  static let refusals = [
    Refusal(.jvp, #""tangents": {}, "of": ["y"]"#, .unknownMember, "/of"),
    Refusal(.jvp, #""tangents": {}, "wrt": ["x"]"#, .unknownMember, "/wrt"),
    Refusal(.jvp, #""tangents": {}, "cotangents": {}"#, .unknownMember, "/cotangents"),
    Refusal(.hvp, #""tangents": {"x": [1, 2]}"#, .unknownMember, "/tangents"),
    Refusal(.jacobian, #""cotangents": {}"#, .unknownMember, "/cotangents"),
    Refusal(.jacobian, #""tangents": {}"#, .unknownMember, "/tangents"),
    Refusal(.jacobian, #""of": []"#, .missingMember, "/of"),
    Refusal(.hessian, #""vectors": {}"#, .unknownMember, "/vectors"),
    Refusal(.hessian, #""cotangents": {"m": 1}"#, .dtypeMismatch, "/cotangents/m"),
    Refusal(.hessian, #""cotangents": {"z": [1]}"#, .shapeMismatch, "/cotangents/z"),
    Refusal(.hvp, #""vectors": {}, "of": ["y"], "cotangents": {"z": 1}"#, .unknownName, "/cotangents/z"),
  ]

  /// What those that take `of` and `wrt` refuse there; `vectors` only where they are taken.
  static let selectionRefusals = [Endpoint.jacobian, .hessian, .hvp].flatMap { endpoint in
    let rest = endpoint == .hvp ? #", "vectors": {}"# : ""
    return [
      Refusal(endpoint, #""of": ["nothing"]"# + rest, .unknownName, "/of/0"),
      Refusal(endpoint, #""of": ["y", "y"]"# + rest, .duplicateName, "/of/1"),
      Refusal(endpoint, #""wrt": ["x", "n"]"# + rest, .dtypeMismatch, "/wrt/1"),
      Refusal(endpoint, #""wrt": ["c"]"# + rest, .unknownName, "/wrt/0"),
      Refusal(endpoint, #""wrt": ["y"]"# + rest, .unknownName, "/wrt/0"),
    ]
  }

  @Test("Mistakes are refused where they are", arguments: directionRefusals + refusals + selectionRefusals)
  func refused(_ refusal: Refusal) {
    let response = post(refusal.endpoint, request(refusal.members))
    #expect(response.status == refusal.code.status)
    #expect(response.json["code"] as? String == refusal.code.rawValue, "\(response.body.string)")
    #expect(response.json["pointer"] as? String == refusal.pointer, "\(response.body.string)")
  }

  // MARK: Answers

  @Test("Tangents: one for each floating value that comes back; inputs left out count as zero")
  func tangents() {
    isAnswered(
      .jvp, request(#""tangents": {"x": [1, 10]}"#),
      #"{"outputs": {"y": [1.0, 4.0], "z": 5.0, "m": 5}, "tangents": {"y": [2.0, 40.0], "z": 42.0}}"#)
    isAnswered(
      .jvp, request(#""tangents": {}, "outputs": ["z", "x", "c", "n"]"#),
      #"{"outputs": {"z": 5.0, "x": [1.0, 2.0], "c": 3.0, "n": 4}, "tangents": {"z": 0.0, "x": [0.0, 0.0], "c": 0.0}}"#)
    isAnswered(
      .jvp,
      #"{"graph": {"nodes": [{"op": "mul", "inputs": ["a", "b"], "outputs": ["y"]}]}, "inputs": {"a": 3, "b": 5}, "#
        + #""tangents": {"b": 1}}"#,
      #"{"outputs": {"y": {"dtype": "float64", "shape": [], "data": 15.0}}, "tangents": {"y": {"dtype": "float64", "#
        + #""shape": [], "data": 3.0}}}"#
    )
  }

  @Test("Jacobians: of and wrt choose and order them; integers have no entry")
  func jacobians() {
    isAnswered(
      .jacobian, request(""),
      #"{"outputs": {"y": [1.0, 4.0], "z": 5.0, "m": 5}, "jacobians": {"y": {"x": [[2.0, 0.0], [0.0, 4.0]]}, "z": "#
        + #"{"x": [2.0, 4.0]}}}"#
    )
    isAnswered(
      .jacobian, request(#""of": ["z", "x", "m"], "outputs": ["m"]"#),
      #"{"outputs": {"m": 5}, "jacobians": {"z": {"x": [2.0, 4.0]}, "x": {"x": [[1.0, 0.0], [0.0, 1.0]]}}}"#)
    isAnswered(
      .jacobian, request(#""of": ["z", "c"], "wrt": [], "outputs": ["z"]"#),
      #"{"outputs": {"z": 5.0}, "jacobians": {"z": {}, "c": {}}}"#)
    let two =
      #"{"graph": {"nodes": [{"op": "mul", "inputs": ["a", "b"], "outputs": ["y"]}]}, "inputs": {"a": [3, 4], "b": 5}"#
    isAnswered(
      .jacobian, two + #", "wrt": ["b", "a"], "encoding": "values"}"#,
      #"{"outputs": {"y": [15.0, 20.0]}, "jacobians": {"y": {"b": [3.0, 4.0], "a": [[5.0, 0.0], [0.0, 5.0]]}}}"#)
  }

  @Test("Hessians and their products: cotangents weigh, of and wrt choose")
  func secondDerivatives() {
    isAnswered(
      .hessian, request(""),
      #"{"outputs": {"y": [1.0, 4.0], "z": 5.0, "m": 5}, "gradients": {"x": [4.0, 8.0]}, "hessians": {"x": {"x": "#
        + #"[[4.0, 0.0], [0.0, 4.0]]}}}"#
    )
    isAnswered(
      .hessian, request(#""cotangents": {"y": [1, 10]}, "outputs": ["m"]"#),
      #"{"outputs": {"m": 5}, "gradients": {"x": [2.0, 40.0]}, "hessians": {"x": {"x": [[2.0, 0.0], [0.0, 20.0]]}}}"#)
    isAnswered(
      .hessian, request(#""cotangents": {}, "outputs": ["m"]"#),
      #"{"outputs": {"m": 5}, "gradients": {"x": [0.0, 0.0]}, "hessians": {"x": {"x": [[0.0, 0.0], [0.0, 0.0]]}}}"#)
    isAnswered(
      .hvp, request(#""cotangents": {"y": [1, 10]}, "outputs": ["m"], "vectors": {"x": [3, 1]}"#),
      #"{"outputs": {"m": 5}, "gradients": {"x": [2.0, 40.0]}, "products": {"x": [6.0, 20.0]}}"#)
    isAnswered(
      .hvp, request(#""of": ["z"], "outputs": ["m"], "vectors": {}"#),
      #"{"outputs": {"m": 5}, "gradients": {"x": [2.0, 4.0]}, "products": {"x": [0.0, 0.0]}}"#)
    let two =
      #"{"graph": {"nodes": [{"op": "mul", "inputs": ["a", "b"], "outputs": ["y"]}]}, "inputs": {"a": [3, 4], "b": 5}"#
    isAnswered(
      .hessian, two + #", "wrt": ["b", "a"], "encoding": "values"}"#,
      #"{"outputs": {"y": [15.0, 20.0]}, "gradients": {"b": 7.0, "a": [5.0, 5.0]}, "#
        + #""hessians": {"b": {"b": 0.0, "a": [1.0, 1.0]}, "a": {"b": [1.0, 1.0], "a": [[0.0, 0.0], [0.0, 0.0]]}}}"#)
    // A vector for an input that is not in wrt counts.
    isAnswered(
      .hvp, two + #", "wrt": ["b"], "vectors": {"a": [1, 10]}, "encoding": "values"}"#,
      #"{"outputs": {"y": [15.0, 20.0]}, "gradients": {"b": 7.0}, "products": {"b": 11.0}}"#)
  }

  @Test("The shape of a Jacobian is that of y, then that of x", arguments: ["[2, 3]", "[0, 3]", "[3, 0]", "[]"])
  func shapes(_ shape: String) throws {
    let body = """
      {"graph": {"nodes": [{"op": "mul", "inputs": ["x", 2], "outputs": ["y"]},
        {"op": "reshape", "inputs": ["y"], "outputs": ["z"], "attributes": {"shape": [-1]}}], "outputs": ["y", "z"]},
       "inputs": {"x": {"shape": \(shape), "data": [\(shape == "[2, 3]" ? "1, 2, 3, 4, 5, 6" : shape == "[]" ? "1" : "")]}}}
      """
    let answer = try JSON(post(.jacobian, body))
    let x = try JSON(Data(shape.utf8)).elements
    for name in ["y", "z"] {
      let y = try #require(answer["outputs"]?[name]?["shape"]).elements
      #expect(answer["jacobians"]?[name]?["x"]?["shape"]?.elements == y + x)
    }
    let hessian = try JSON(post(.hessian, body))
    #expect(hessian["gradients"]?["x"]?["shape"]?.elements == x)
    #expect(hessian["hessians"]?["x"]?["x"]?["shape"]?.elements == x + x)
  }

  @Test("Encodings and dtypes hold for derivatives")
  func encodings() {
    let body =
      #"{"graph": {"nodes": [{"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}]}, "inputs": {"x": [1, 2]}, "#
      + #""dtype": "float32""#
    isAnswered(
      .jacobian, body + #", "encoding": "flat"}"#,
      #"{"outputs": {"y": {"dtype": "float32", "shape": [2], "data": [1.0, 4.0]}}, "#
        + #""jacobians": {"y": {"x": {"dtype": "float32", "shape": [2, 2], "data": [2.0, 0.0, 0.0, 4.0]}}}}"#)
    isAnswered(
      .jvp,
      body
        + #", "encoding": "base64", "tangents": {"x": {"encoding": "base64", "shape": [2], "data": "AACAPwAAAEA="}}}"#,
      #"{"outputs": {"y": {"dtype": "float32", "shape": [2], "encoding": "base64", "data": "AACAPwAAgEA="}}, "#
        + #""tangents": {"y": {"dtype": "float32", "shape": [2], "encoding": "base64", "data": "AAAAQAAAAEE="}}}"#)
  }

  @Test("Only sums of outputs that were not named are warned of")
  func warnings() throws {
    let body = """
      {"graph": {"nodes": [{"op": "neg", "inputs": ["x"], "outputs": ["a"]}, {"op": "mul", "inputs": ["x", "x"], "outputs": ["b"]}]},
       "inputs": {"x": 1, "spare": 2}
      """
    for (endpoint, rest, codes) in [
      (Endpoint.jvp, #", "tangents": {}}"#, ["unused_input"]), (.jacobian, "}", ["unused_input"]),
      (.hessian, "}", ["implied_outputs", "unused_input"]),
      (.hvp, #", "vectors": {}}"#, ["implied_outputs", "unused_input"]),
    ] {
      let answer = try JSON(post(endpoint, body + rest))
      #expect(answer["warnings"]?.elements.compactMap { $0["code"]?.string } == codes, "\(endpoint)")
    }
  }

  // MARK: Limits

  @Test("More axes than a tensor may have are refused")
  func rankLimit() {
    let body =
      #"{"graph": {"nodes": [{"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}]}, "inputs": {"x": [[[[[1]]]]]}}"#
    for endpoint in [Endpoint.jacobian, .hessian] {
      let response = post(endpoint, body)
      #expect(response.status == 413)
      #expect(response.json["code"] as? String == "limit_exceeded")
      #expect(response.json["limit"] as? Int == 8)
      #expect(response.json["value"] as? Int == 10)
    }
  }

  @Test(
    "A Jacobian too large to have is refused at once", .timeLimit(.minutes(60)),
    arguments: [Endpoint.jacobian, .hessian])
  func tooLarge(_ endpoint: Endpoint) {
    let elements = 200_000
    let data = Data(count: elements * 8).base64EncodedString()
    let x = #"{"dtype": "float64", "shape": [\#(elements)], "encoding": "base64", "data": "\#(data)"}"#
    let start = ContinuousClock.now
    let response = post(
      endpoint,
      #"{"graph": {"nodes": [{"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}]}, "inputs": {"x": \#(x)}}"#)
    #expect(response.status == 413)
    #expect(response.json["code"] as? String == "limit_exceeded")
    #expect((response.json["value"] as? Int ?? 0) > (response.json["limit"] as? Int ?? .max))
    #expect(ContinuousClock.now - start < .seconds(5))
  }
}

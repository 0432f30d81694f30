import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradGraphs
@testable import AutogradHTTP
@testable import AutogradServer

/// Requests whose path names the graph: the same answers as with the graph in the request.
@Suite struct NamedRequestTests {
  /// A request in two: its graph, and the rest.
  private func split(_ request: Data) throws -> (graph: String, rest: String) {
    try request.withDocument { document in
      var graph = ""
      var rest: [String] = []
      for (name, value) in document.root.members {
        let text = String(decoding: value.text, as: UTF8.self)
        if name == "graph" { graph = text } else { rest.append("\"\(name.string)\": \(text)") }
      }
      return (graph, "{\(rest.joined(separator: ", "))}")
    }
  }

  @Test(arguments: ExampleFiles.names) func examples(_ name: String) throws {
    let path = try #require(ExampleFiles.paths[name])
    let (graph, rest) = try split(try ExampleFiles.request(name))
    for kind in GraphsServer.Kind.allCases {
      for plans in [nil, PlanCache(plans: 16, bytes: 1 << 20)] {
        let server = try GraphsServer(kind, plans: plans)
        let put = server.put("example", graph, type: "application/json")
        #expect(put.status == 201, "\(put.body.string)")
        // With a cache: planned, found, recalled from its text.
        for _ in 0..<5 {
          let response = server.post("example/" + path.dropFirst("/v1/".count), rest)
          #expect(response.body.string == String(decoding: try ExampleFiles.answer(name), as: UTF8.self))
          #expect(response.header("X-Graph-Version") == "1")
        }
      }
    }
  }

  @Test func everyEndpoint() throws {
    let server = try GraphsServer(.memory)
    server.put("f", "input x\ninput w = [2, 3]\ny = sum(w * x ** 3)")
    let inline = #"{"graph": "input x\ninput w = [2, 3]\ny = sum(w * x ** 3)", "inputs": {"x": [1, 2]}"#
    for (endpoint, member) in [
      ("evaluate", ""), ("jvp", #", "tangents": {"x": [1, 0]}"#), ("jacobian", ""), ("hessian", ""),
      ("hvp", #", "vectors": {"x": [1, 0]}"#), ("check", ""), ("inspect", ""),
    ] {
      let expected = InProcessServer().send("POST", "/v1/\(endpoint)", body: Data((inline + member + "}").utf8))
      #expect(expected.status == 200, "\(expected.body.string)")
      let named = server.post("f/\(endpoint)", #"{"inputs": {"x": [1, 2]}"# + member + "}")
      if endpoint == "inspect" {
        #expect(named.json["gradient_text"] as? String == expected.json["gradient_text"] as? String)
        continue
      }
      #expect(named.body.string == expected.body.string, "\(endpoint)")
      let query =
        member.isEmpty
        ? ""
        : "&tangents={\"x\":[1,0]}".replacingOccurrences(
          of: "tangents", with: endpoint == "jvp" ? "tangents" : "vectors")
      #expect(server.get("/f/\(endpoint)?x=1,2\(query)").body.string == expected.body.string, "\(endpoint)")
    }
    #expect(server.get("/f/evaluate?x=1,2&select=/gradients/x").body.string == "6.0,36.0")
  }

  @Test func defaults() throws {
    let server = try GraphsServer(.memory)
    server.put("f", #"{"graph": "y = x * w + k", "defaults": {"w": [1, 2], "k": {"dtype": "float64", "data": 5}}}"#)
    let plain = server.post("f/evaluate", #"{"inputs": {"x": 3}, "encoding": "values"}"#)
    #expect(plain.body.string == "{\"outputs\": {\"y\": [8.0, 11.0]}, \"gradients\": {\"x\": 3.0}}\n")
    let replaced = server.post("f/evaluate", #"{"inputs": {"x": 3, "w": 10}, "encoding": "values"}"#)
    #expect(replaced.body.string == "{\"outputs\": {\"y\": 35.0}, \"gradients\": {\"x\": 10.0, \"w\": 3.0}}\n")
    let named = server.post("f/evaluate", #"{"inputs": {"x": 3}, "wrt": ["w"], "encoding": "values"}"#)
    #expect(named.body.string.hasSuffix("\"gradients\": {\"w\": [3.0, 3.0]}}\n"))
    let single = server.post("f/evaluate", #"{"inputs": {"x": 3}, "dtype": "float32"}"#)
    #expect(single.code == "dtype_mismatch" || single.status == 200, "\(single.body.string)")
    let missing = server.post("f/evaluate", #"{"inputs": {}}"#)
    #expect(missing.code == "input_mismatch" && missing.json["pointer"] as? String == "/inputs")
  }

  /// The plan is found again, and the weights are those of the version.
  @Test func versionsDoNotMix() throws {
    let server = try GraphsServer(.folder, plans: PlanCache(plans: 16, bytes: 1 << 20))
    for round in 1...20 {
      server.put("f", #"{"graph": "y = sum(x * w)", "defaults": {"w": [\#(round), 1]}}"#)
      for _ in 0..<4 {
        let response = server.post("f/evaluate", #"{"inputs": {"x": [1, 1]}, "encoding": "values"}"#)
        #expect(response.body.string.hasPrefix("{\"outputs\": {\"y\": \(Double(round) + 1)}"))
        #expect(response.header("X-Graph-Version") == "\(round)")
      }
    }
    let old = server.post("f@7/evaluate", #"{"inputs": {"x": [1, 1]}, "encoding": "values"}"#)
    #expect(old.body.string.hasPrefix("{\"outputs\": {\"y\": 8.0}") && old.header("X-Graph-Version") == "7")
  }

  // MARK: Faults

  @Test func faultsOfTheGraphHaveNoPlaceInTheRequest() throws {
    let server = try GraphsServer(.memory)
    server.put("text", "h = x @ w\ny = sum(h)")
    let text = server.post("text/evaluate", #"{"inputs": {"x": [1, 2], "w": [1, 2, 3]}}"#)
    #expect(text.code == "shape_mismatch" && text.json["pointer"] == nil && text.json["graph"] as? String == "text@1")
    #expect(
      text.json["line"] as? Int == 1 && text.json["column"] as? Int == 9 && text.json["excerpt"] is String,
      "\(text.body.string)")
    #expect(text.json["graph_pointer"] == nil)
    server.put("json", #"{"graph": {"nodes": [{"op": "matmul", "inputs": ["x", "w"], "outputs": ["y"]}]}}"#)
    let json = server.post("json/evaluate", #"{"inputs": {"x": [1, 2], "w": [1, 2, 3]}}"#)
    #expect(json.json["pointer"] == nil && json.json["graph"] as? String == "json@1")
    #expect(json.json["graph_pointer"] as? String == "/graph/nodes/0/inputs/1", "\(json.body.string)")
    for (body, code, pointer) in [
      (#"{"inputs": {"x": [1, [2]], "w": 1}}"#, "ragged_array", "/inputs/x/1"),
      (#"{"inputs": {"x": [1, 2], "w": [1, 2]}, "wrt": ["z"]}"#, "unknown_name", "/wrt/0"),
      (#"{"inputs": {"x": [1, 2], "w": [1, 2]}, "graph": "y = x"}"#, "unknown_member", "/graph"),
      (#"{"inputs": {"x": [1, 2], "w": [1, 2]}, "colour": 1}"#, "unknown_member", "/colour"),
      (#"{"inputs": 1}"#, "wrong_type", "/inputs"),
    ] {
      let response = server.post("text/evaluate", body)
      #expect(response.code == code && response.json["pointer"] as? String == pointer, "\(response.body.string)")
      #expect(response.json["graph"] == nil)
    }
  }

  @Test func warningsNameTheGraph() throws {
    let server = try GraphsServer(.memory)
    server.put("two", "a = -x\nb = 3 * x")
    let response = server.post("two/evaluate", #"{"inputs": {"x": [1, 2], "spare": 4}}"#)
    let warnings = try #require(response.json["warnings"] as? [[String: Any]], "\(response.body.string)")
    #expect(warnings.map { $0["code"] as? String } == ["implied_outputs", "unused_input"])
    #expect(warnings[0]["pointer"] == nil && warnings[0]["graph"] as? String == "two@1")
    #expect(warnings[1]["pointer"] as? String == "/inputs/spare")
  }
}

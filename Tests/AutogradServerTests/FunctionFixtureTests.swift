import Foundation
import Testing

@testable import AutogradServer

/// Every graph of the fixtures, put whole into a function that the graph calls once: the answers are the same.
@Suite struct FunctionFixtureTests {
  @Test(arguments: ["tutorial", "kinks", "random_graphs_float64", "random_graphs_float32", "random_graphs_catalog"])
  func wholeGraphsAsFunctions(_ file: String) throws {
    var compared = 0
    for (number, line) in try Project.lines("Tests/Fixtures/\(file).jsonl").enumerated() {
      // These are many.
      if file.hasPrefix("random") && number % 8 > 0 { continue }
      let item = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
      let request = try #require(item["request"] as? [String: Any])
      guard let called = FunctionFixtureTests.called(request) else { continue }
      let answers = try [request, called].map { request in
        let body = try JSONSerialization.data(withJSONObject: request)
        return InProcessServer().send("POST", "/v1/evaluate", body: body)
      }
      let name = "\(item["name"] ?? number)"
      #expect(answers[0].status == answers[1].status, "\(name): \(answers[1].body.string.prefix(300))")
      for section in ["outputs", "gradients", "code"] {
        let values = answers.map { $0.json[section] as? NSObject }
        #expect(values[0] == values[1], "\(name): \(section)")
      }
      compared += 1
    }
    #expect(compared > 5)
  }

  /// Nil for a graph that answers with one of its inputs: a result cannot be called like it.
  private static func called(_ request: [String: Any]) -> [String: Any]? {
    guard let graph = request["graph"] as? [String: Any], let nodes = graph["nodes"] as? [[String: Any]],
      let given = request["inputs"] as? [String: Any]
    else { return nil }
    let declared = graph["inputs"] as? [[String: Any]] ?? given.keys.sorted().map { ["name": $0] }
    let inputs = declared.compactMap { $0["name"] as? String }
    let taken = Set(nodes.flatMap { names($0["inputs"]) })
    let results = nodes.flatMap { names($0["outputs"]) }
    let outputs = graph["outputs"].map(names) ?? results.filter { !taken.contains($0) }
    guard !inputs.isEmpty, outputs.allSatisfy(results.contains) else { return nil }
    for member in ["of", "outputs", "wrt"] {
      guard names(request[member]).allSatisfy({ outputs.contains($0) || inputs.contains($0) }) else { return nil }
    }
    var function = graph
    function["inputs"] = declared
    function["outputs"] = outputs
    let call: [String: Any] = [
      "op": "call", "inputs": inputs, "outputs": outputs, "attributes": ["function": "all"],
    ]
    var caller: [String: Any] = ["functions": ["all": function], "nodes": [call]]
    for member in ["inputs", "outputs"] { caller[member] = graph[member] }
    var called = request
    called["graph"] = caller
    return called
  }

  private static func names(_ value: Any?) -> [String] {
    (value as? String).map { [$0] } ?? (value as? [Any])?.compactMap { $0 as? String } ?? []
  }
}

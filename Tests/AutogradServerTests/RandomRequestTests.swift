import AutogradCore
import AutogradHTTPTestSupport
import AutogradTestSupport
import Foundation
import Synchronization
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// The random graphs of the whole catalog, with what is asked of each: gradients, tangents, Hessian-vector products.
@Suite struct RandomRequestTests {
  struct Ask {
    var name: String
    var path: String
    var body: Data
  }

  static func asks(every step: Int = 1) throws -> [Ask] {
    var result: [Ask] = []
    for (index, line) in try Project.lines("Tests/Fixtures/random_graphs_catalog.jsonl").enumerated()
    where index % step == 0 {
      try line.withDocument { document in
        // What all asks share, and then the members of each.
        let request = try #require(document.root["request"]).data
        for ask in try #require(document.root["asks"]).elements {
          let body = request.joined(with: try #require(ask["members"]).data)
          result.append(
            Ask(name: document.root["name"]?.string ?? "?", path: try #require(ask["path"]?.string), body: body))
        }
      }
    }
    return result
  }

  /// Simplified, fused, planned and run, against node by node, in every bit.
  @Test func executorEqualsInterpreter() throws {
    let asks = try Self.asks()
    #expect(asks.count >= 7000)
    for ask in asks {
      let endpoint = try #require(Endpoint(rawValue: String(ask.path.dropFirst("/v1/".count))))
      try ask.body.withUnsafeBytes { bytes in
        let body = try ParsedBody(Request(method: "POST", path: ask.path, body: bytes), Limits())
        try withExtendedLifetime(body) {
          let request = try DifferentialRequest(endpoint, body, limits: Limits())
          let graph = try request.graph.builder.graph(outputs: request.sections().flatMap(\.values))
          let fault = Comparison.bits(try Plan(graph).run(request.tensors), try Interpreter.run(graph, request.tensors))
          #expect(fault == nil, "\(ask.name) \(ask.path)")
        }
      }
    }
  }

  /// Eight threads at once, each from another place on, with plans kept and found again: what each request gets alone,
  /// byte for byte.
  @Test func answersDoNotDependOnTheLoad() throws {
    let asks = try Self.asks(every: 10) + Self.large
    let alone = asks.map { InProcessServer().send("POST", $0.path, body: $0.body).body.string }
    let server = InProcessServer(plans: PlanCache(plans: 200, bytes: 64 << 20))
    let differences = Atomic<Int>(0)
    onThreads(8) { thread in
      for turn in asks.indices {
        let index = (turn + thread * asks.count / 8) % asks.count
        let answer = server.send("POST", asks[index].path, body: asks[index].body).body.string
        if answer != alone[index] { differences.add(1, ordering: .relaxed) }
      }
    }
    #expect(differences.load(ordering: .relaxed) == 0)
  }

  /// Of many tiles, blocks and panels each.
  private static var large: [Ask] {
    let column = (0..<400).map { "[\(Double($0 % 37) / 29 - 0.5)]" }.joined(separator: ",")
    let row = (0..<500).map { "\(Double($0 % 41) / 31 - 0.6)" }.joined(separator: ",")
    func ask(_ name: String, _ nodes: String) -> Ask {
      let body = """
        {"graph": {"nodes": [{"op": "mul", "inputs": ["u", "v"], "outputs": ["x"]}, \(nodes)], "outputs": ["y"]},
         "inputs": {"u": [\(column)], "v": [\(row)]}}
        """
      return Ask(name: name, path: "/v1/evaluate", body: Data(body.utf8))
    }
    return [
      ask(
        "elementwise",
        """
        {"op": "tanh", "inputs": ["x"], "outputs": ["t"]}, {"op": "mul", "inputs": ["t", "x"], "outputs": ["p"]},
        {"op": "sum", "inputs": ["p"], "outputs": ["y"]}
        """),
      ask(
        "softmax",
        """
        {"op": "softmax", "inputs": ["x"], "outputs": ["s"], "attributes": {"axis": -1}}, {"op": "square", "inputs": ["s"], "outputs": ["q"]},
        {"op": "sum", "inputs": ["q"], "outputs": ["y"]}
        """),
      ask(
        "products",
        """
        {"op": "transpose", "inputs": ["x"], "outputs": ["t"]}, {"op": "matmul", "inputs": ["x", "t"], "outputs": ["m"]},
        {"op": "tanh", "inputs": ["m"], "outputs": ["h"]}, {"op": "mean", "inputs": ["h"], "outputs": ["y"], "attributes": {"axis": 0}}
        """),
    ]
  }
}

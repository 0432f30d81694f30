import AutogradCore
import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// A request gets the same bytes whether its plan is made, found, or never kept.
@Suite struct PlanCacheTests {
  @Test(arguments: [
    "tutorial", "operations", "operations_pointwise", "operations_reductions", "operations_shapes",
    "operations_indexing", "kinks",
    "kinks_reductions", "kinks_linalg", "random_graphs_float64", "random_graphs_float32",
  ])
  func fixturesAreAnsweredAlikeColdWarmAndWithoutCache(_ file: String) throws {
    let pair = HandlerPair()
    for line in try Project.lines("Tests/Fixtures/\(file).jsonl") {
      try line.withDocument { document in
        _ = pair.compare(.evaluate, try #require(document.root["request"]).data, document.root["name"]?.string ?? "?")
      }
    }
    #expect(pair.plans.counters.hits.value > 0)
  }

  @Test(arguments: [("bad_requests", "body"), ("api_rules", "request")])
  func contractIsAnsweredAlike(_ file: String, _ member: String) throws {
    let pair = HandlerPair()
    for line in try Project.lines("Tests/Fixtures/\(file).jsonl") {
      let item = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
      pair.compare(.evaluate, Data(try #require(item[member] as? String).utf8), item["name"] as? String ?? "?")
    }
  }

  /// Bodies of other endpoints, made of the same graphs and inputs; what an endpoint refuses must be refused alike.
  @Test(arguments: [Endpoint.jvp, .jacobian, .hessian, .hvp])
  func otherEndpointsAreAnsweredAlike(_ endpoint: Endpoint) throws {
    let pair = HandlerPair()
    let lines =
      try Project.lines("Tests/Fixtures/tutorial.jsonl")
      + Project.lines("Tests/Fixtures/random_graphs_float64.jsonl").prefix(60)
    for line in lines {
      try line.withDocument { document in
        let request = try #require(document.root["request"])
        guard let graph = request["graph"], let inputs = request["inputs"] else { return }
        let (graphText, inputsText) = (
          String(decoding: graph.text, as: UTF8.self), String(decoding: inputs.text, as: UTF8.self)
        )
        var body = "{\"inputs\": \(inputsText), \"graph\": \(graphText)"
        if endpoint == .jvp { body += ", \"tangents\": \(inputsText)" }
        if endpoint == .hvp { body += ", \"vectors\": \(inputsText)" }
        pair.compare(endpoint, Data((body + "}").utf8), document.root["name"]?.string ?? "?")
      }
    }
    #expect(pair.plans.counters.hits.value > 20)
  }

  // MARK: Bad data for a graph whose plan is known

  private func request(_ inputs: String, rest: String = "") -> Data {
    Data(
      """
      {"graph": {"nodes": [{"op": "mul", "inputs": ["x", "k"], "outputs": ["y"]}], "constants": {"k": [2, 3]}}, "inputs": {"x": \(inputs)}\(rest)}
      """.utf8)
  }

  @Test func badDataGetItsProblemAfterAGoodRequestOfTheSameGraph() {
    let pair = HandlerPair()
    pair.compare(.evaluate, request("[[1, 2], [3, 4]]"), "good")
    let bad = [
      "[[1, 2], [3]]", "[[1, 2], [3, \"a\"]]", "[[1, 2], [3, 1e400]]", "[[1, 2], [3, null]]", "[[1, 2], [3, true]]",
      "[[1, 2], 3]",
      "[[1, 2], [3, [4]]]", "[[1, 2], {\"a\": 1}]", "[[1, 2], [3, 4], [5]]", "[1, [2, 3]]", "null", "\"x\"", "{}",
      "{\"data\": 7}",
      "[[1, 2, 3]]", "[[[[[[[[[1]]]]]]]]]", "true", "[[true, 2], [3, 4]]",
    ]
    for data in bad { pair.compare(.evaluate, request(data), data) }
    #expect(pair.plans.counters.fallbacks.value >= 6)
    pair.compare(.evaluate, request("[[1, 2], [3, 4]]", rest: ", \"dtypo\": \"float32\""), "unknown member")
    pair.compare(
      .evaluate, request("[[1, 2], [3, 4]]", rest: ", \"cotangents\": {\"y\": [[1, 2], [3, 4]]}"), "cotangents")
    pair.compare(
      .evaluate, request("[[1, 2], [3, 4]]", rest: ", \"cotangents\": {\"y\": [[1, 2], [3]]}"), "ragged cotangents")
    pair.compare(
      .evaluate, request("[[1, 2], [3, 4]]", rest: ", \"cotangents\": {\"z\": [[1, 2], [3, 4]]}"),
      "cotangent of nothing")
  }

  @Test func failingRunsNameTheirNodes() {
    let pair = HandlerPair()
    func body(_ op: String, _ inputs: String, _ values: String, _ attributes: String = "{}") -> Data {
      Data(
        """
        {"graph": {"nodes": [{"op": "\(op)", "inputs": \(inputs), "outputs": ["y"], "attributes": \(attributes)}]}, "inputs": \(values)}
        """.utf8)
    }
    let int = { (list: String) in "{\"dtype\": \"int64\", \"data\": \(list)}" }
    let cases: [(op: String, inputs: String, good: String, bad: String, attributes: String)] = [
      (
        "take", "[\"x\", \"i\"]", "{\"x\": [1, 2], \"i\": \(int("[0, 1]"))}",
        "{\"x\": [1, 2], \"i\": \(int("[0, 9]"))}", "{}"
      ),
      ("inv", "[\"x\"]", "{\"x\": [[1, 2], [3, 4]]}", "{\"x\": [[1, 2], [2, 4]]}", "{}"),
      ("cholesky", "[\"x\"]", "{\"x\": [[2, 1], [1, 2]]}", "{\"x\": [[1, 2], [2, 1]]}", "{}"),
      (
        "remainder", "[\"x\", \"i\"]", "{\"x\": \(int("[7]")), \"i\": \(int("[2]"))}",
        "{\"x\": \(int("[7]")), \"i\": \(int("[0]"))}", "{}"
      ),
      ("cast", "[\"x\"]", "{\"x\": [1, 2]}", "{\"x\": [1, \"NaN\"]}", "{\"dtype\": \"int32\"}"),
    ]
    for (op, inputs, good, bad, attributes) in cases {
      #expect(pair.compare(.evaluate, body(op, inputs, good, attributes), op) == 200, "\(op)")
      let before = pair.plans.counters.fallbacks.value
      #expect(pair.compare(.evaluate, body(op, inputs, bad, attributes), op) != 200, "\(op)")
      #expect(pair.plans.counters.fallbacks.value > before, "\(op)")
    }
  }

  // MARK: What is one plan, and what is not

  @Test func numbersChangeAndThePlanStays() {
    let pair = HandlerPair()
    func body(_ x: String, _ k: String, _ b: String) -> Data {
      Data(
        """
        {"graph": {"inputs": [{"name": "x", "shape": ["n"]}, {"name": "b"}], "nodes": [{"op": "mul", "inputs": ["x", "k"], "outputs": ["h"]},
        {"op": "add", "inputs": ["h", "b"], "outputs": ["y"]}], "constants": {"k": \(k)}}, "inputs": {"b": \(b), "x": \(x)},
        "cotangents": {"y": \(x)}}
        """.utf8)
    }
    pair.compare(.evaluate, body("[1, 2]", "[3, 4]", "5"), "first")
    for index in 0..<20 {
      pair.compare(.evaluate, body("[\(index), 2.5]", "[3, -\(index).25]", "\(index * 7)"), "\(index)")
    }
    #expect(pair.plans.counters.misses.value == 1)
    #expect(pair.plans.counters.plans.value == 1)
    // Another size, another dtype, another kind of list: other plans.
    pair.compare(.evaluate, body("[1, 2, 3]", "[3, 4, 5]", "5"), "longer")
    pair.compare(.evaluate, body("{\"dtype\": \"float32\", \"data\": [1, 2]}", "[3, 4]", "5"), "float32")
    pair.compare(.evaluate, body("[1, 2]", "3", "5"), "scalar constant")
    #expect(pair.plans.counters.misses.value > 3)
  }

  @Test func namedConstantsStayConstants() {
    let server = InProcessServer(plans: PlanCache(plans: 8, bytes: 1 << 20))
    let refused =
      #"{"graph": {"nodes": [{"op": "grad", "inputs": ["k", "k"], "outputs": ["g"]}], "constants": {"k": 2.5}}}"#
    #expect(server.evaluate(refused).json["code"] as? String == "invalid_attribute")
    let wrt =
      #"{"graph": {"nodes": [{"op": "sin", "inputs": ["k"], "outputs": ["y"]}], "constants": {"k": 2.5}}, "wrt": "#
      + #"["k"]}"#
    #expect(server.evaluate(wrt).status == 422)
  }

  @Test func timingSaysWhatTheCacheDid() {
    let server = InProcessServer(plans: PlanCache(plans: 8, bytes: 1 << 20))
    func timing(_ server: InProcessServer) -> String {
      let body = String(decoding: request("[[1, 2], [3, 4]]"), as: UTF8.self)
      return server.evaluate(body).headers.first { $0.name == "Server-Timing" }?.value ?? ""
    }
    func names(_ timing: String) -> [String] { timing.split(separator: ", ").map { String($0.prefix { $0 != ";" }) } }
    let (cold, warm, off) = (timing(server), timing(server), timing(InProcessServer()))
    #expect(names(cold) == ["read", "plan", "wait", "run", "write", "cache"] && cold.hasSuffix("cache;desc=miss"))
    #expect(names(warm) == ["read", "run", "write", "cache"] && warm.hasSuffix("cache;desc=hit"))
    #expect(off.hasSuffix("cache;desc=off"))
    #expect(warm.contains(/read;dur=[0-9]+\.[0-9]{3}, run;dur=/))
  }

  // MARK: Bounds

  private func graph(_ number: Int) -> String {
    #"{"graph": {"nodes": [{"op": "add", "inputs": ["x", \#(number)], "outputs": ["y"]}]}, "inputs": {"x": 1}}"#
  }

  @Test func plansInUseStayAndOthersGo() {
    let plans = PlanCache(plans: 4, bytes: 1 << 20)
    let server = InProcessServer(plans: plans)
    for number in 0..<50 {
      _ = server.evaluate(graph(number))
      _ = server.evaluate(graph(-1))
      #expect(plans.counters.plans.value <= 4)
    }
    #expect(plans.counters.misses.value == 51)
    #expect(plans.counters.hits.value == 49)
    #expect(plans.counters.evictions.value == 47)
  }

  @Test func bytesAreBounded() {
    let plans = PlanCache(plans: 1000, bytes: 20_000)
    let server = InProcessServer(plans: plans)
    for number in 0..<100 {
      _ = server.evaluate(graph(number))
      #expect(plans.counters.bytes.value <= 20_000)
    }
    #expect(plans.counters.plans.value > 1)
    #expect(plans.counters.evictions.value > 50)
    // One that is larger than all of the cache is answered and not kept.
    let none = PlanCache(plans: 1000, bytes: 100)
    #expect(InProcessServer(plans: none).evaluate(graph(1)).status == 200)
    #expect(none.counters.plans.value == 0)
  }

  @Test func threadsShareIt() {
    let plans = PlanCache(plans: 5, bytes: 1 << 20)
    let server = InProcessServer(plans: plans)
    let expected = (0..<8).map { InProcessServer().evaluate(graph($0)).body.string }
    let wrong = Locked(0)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for round in 0..<200 {
        let number = (round * 7 + thread * 3) % 8
        if server.evaluate(graph(number)).body.string != expected[number] { wrong.withLock { $0 += 1 } }
      }
    }
    #expect(wrong.withLock { $0 } == 0)
    #expect(plans.counters.plans.value <= 5)
  }
}

/// The same requests with a cache of plans and without one.
struct HandlerPair {
  let plans = PlanCache(plans: 10_000, bytes: 1 << 30)
  let cached: DifferentialHandler
  let plain: DifferentialHandler

  init() {
    cached = DifferentialHandler(limits: Limits(), plans: plans)
    plain = DifferentialHandler(limits: Limits())
  }

  /// Sends a request without a cache, then twice with one, each time with other rubbish in the memory that the run
  /// gets.
  /// - Returns: the status.
  @discardableResult
  func compare(_ endpoint: Endpoint, _ body: Data, _ name: String) -> Int {
    let expected = send(plain, endpoint, body, rubbish: 0x00)
    for (turn, rubbish) in [("cold", 0xFF), ("warm", 0xA5), ("warm again", 0x7F)] as [(String, UInt8)] {
      let hits = plans.counters.hits.value
      let response = send(cached, endpoint, body, rubbish: rubbish)
      if response.status != expected.status || response.body.string != expected.body.string {
        Issue.record("\(endpoint) \(name), \(turn): \(response.body.string) instead of \(expected.body.string)")
      }
      if digest(response) != digest(expected) { Issue.record("\(name), \(turn): another digest") }
      if turn != "cold", expected.status == 200, plans.counters.hits.value == hits {
        Issue.record("\(endpoint) \(name), \(turn): its plan was not found")
      }
    }
    return expected.status
  }

  /// What the next request finds in its memory.
  private func fill(_ memory: consuming RunMemory.Lease, _ rubbish: UInt8) {
    memset(memory.block(of: 1 << 16), Int32(rubbish), 1 << 16)
  }

  private func digest(_ response: Response) -> String? { response.headers.first { $0.name == "X-Graph-Digest" }?.value }

  private func send(_ handler: DifferentialHandler, _ endpoint: Endpoint, _ body: Data, rubbish: UInt8) -> Response {
    fill(handler.memory.lease(), rubbish)
    return body.withUnsafeBytes { bytes in
      handler.reply(to: Request(method: "POST", path: "/v1/\(endpoint)", id: "test", body: bytes), endpoint).answer()
    }
  }
}

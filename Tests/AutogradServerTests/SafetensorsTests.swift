import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// Requests and answers as safetensors files have the numbers of the JSON ones, bit for bit.
@Suite struct SafetensorsTests {
  private let server = InProcessServer()

  /// Sends a request as JSON and as a file, each with both kinds of answer, without a cache, cold and warm: all must
  /// agree.
  @discardableResult
  private func compare(_ request: Data, _ endpoint: String = "evaluate", _ comment: String = "") throws -> TestFile? {
    let file = try request.withDocument { try TestFile($0.root, $0).bytes }
    let json = server.send(json: request, endpoint)
    try #require(json.status == 200, "\(comment): \(json.body.string)")
    #expect(json.contentType == "application/json")

    let plans = PlanCache(plans: 10, bytes: 1 << 24)
    let cached = InProcessServer(plans: plans)
    var answers: [Data] = []
    for server in [server, cached, cached] {
      let text = server.send(file, endpoint, accept: "application/json")
      #expect(text.body.string == json.body.string, "\(comment)")
      #expect(text.contentType == "application/json")
      for response in [
        server.send(file, endpoint), server.send(json: request, endpoint, accept: TestTypes.safetensors),
      ] {
        #expect(response.status == 200 && response.contentType == TestTypes.safetensors, "\(comment)")
        answers.append(response.data)
      }
      let digests = [text, json].map { $0.headers.first { $0.name == "X-Graph-Digest" }?.value }
      #expect(digests[0] == digests[1])
    }
    #expect(Set(answers).count == 1, "\(comment)")
    // One plan for each pair of types but that of JSON with JSON, which is not sent to it.
    #expect(plans.counters.plans.value == 3)
    #expect(plans.counters.hits.value == 3 && plans.counters.fallbacks.value == 0, "\(comment)")

    // The numbers themselves, from the base64 answer.
    let encoded = try #require(
      try JSONSerialization.jsonObject(with: request, options: .fragmentsAllowed) as? [String: Any]
    ).merging(["encoding": "base64"]) { $1 }
    let reference = server.send(json: try JSONSerialization.data(withJSONObject: encoded), endpoint)
    let answer = try TestFile(reading: answers[0])
    var expected: [String: TestFile.Entry] = [:]
    collect(reference.json, [], into: &expected)
    #expect(expected == Dictionary(uniqueKeysWithValues: answer.tensors.map { ($0.name, $0.entry) }), "\(comment)")
    if let warnings = json.json["warnings"] as? [[String: String]] {
      let text = try #require(answer.metadata["warnings"])
      #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: String]] == warnings)
    } else {
      #expect(answer.metadata.isEmpty)
    }
    return answer
  }

  private func collect(_ value: [String: Any], _ path: [String], into found: inout [String: TestFile.Entry]) {
    if let dtype = value["dtype"] as? String, let text = value["data"] as? String, let shape = value["shape"] as? [Int]
    {
      let data = Data(base64Encoded: text) ?? Data()
      found[path.joined(separator: "/")] = TestFile.Entry(dtype: TestTypes.names[dtype] ?? "", shape: shape, data: data)
      return
    }
    for (key, member) in value {
      guard let member = member as? [String: Any] else { continue }
      collect(member, path + [key], into: &found)
    }
  }

  // MARK: Every endpoint

  @Test(arguments: ["tutorial", "random_graphs_float64", "random_graphs_float32", "kinks_linalg"])
  func fixtures(_ name: String) throws {
    for line in try Project.lines("Tests/Fixtures/\(name).jsonl").prefix(40) {
      try line.withDocument { document in
        let request = try #require(document.root["request"])
        // Numbers that take the dtype of what they belong to have none to be saved in.
        guard request["graph"]?["inputs"] == nil, request["encoding"] == nil else { return }
        try compare(request.data, "evaluate", document.root["name"]?.string ?? "")
      }
    }
  }

  private let graph =
    #"{"nodes": [{"op": "mul", "inputs": ["x", "w"], "outputs": ["h"]}, {"op": "tanh", "inputs": ["h"], "outputs": "#
    + #"["y"]}]}"#

  @Test(arguments: [
    ("evaluate", ""), ("evaluate", #", "cotangents": {"y": [1, -2]}"#), ("evaluate", #", "cotangents": {}"#),
    ("evaluate", #", "gradients": false"#), ("evaluate", #", "wrt": ["w"], "outputs": ["h"], "of": ["y"]"#),
    ("evaluate", #", "wrt": []"#),
    ("jvp", #", "tangents": {"x": [1, 2]}"#), ("jvp", #", "tangents": {}"#), ("jacobian", ""),
    ("jacobian", #", "wrt": ["x"], "of": ["h", "y"]"#),
    ("hessian", ""), ("hessian", #", "cotangents": {"y": [3, 4]}"#),
    ("hvp", #", "vectors": {"x": [1, 0], "w": [0.5, 0.25]}"#),
    ("hvp", #", "vectors": {"w": [1, 0]}, "cotangents": {"y": [3, 4]}"#),
  ])
  func endpoints(_ endpoint: String, _ rest: String) throws {
    try compare(
      Data("{\"graph\": \(graph), \"inputs\": {\"x\": [0.1, -0.2], \"w\": [3, 1e-300]}\(rest)}".utf8), endpoint, rest)
  }

  @Test(arguments: ["evaluate", "jacobian", "hessian", "jvp", "hvp"])
  func batches(_ endpoint: String) throws {
    let direction =
      ["jvp": #", "tangents": {"x": [[1, 1], [2, 2], [3, 3]]}"#, "hvp": #", "vectors": {"w": [1, 2]}"#][endpoint] ?? ""
    for flag in ["", #", "per_example": true"#] {
      let text =
        "{\"graph\": \(graph), \"inputs\": {\"x\": [[1, 2], [3, 4], [5, 6]], \"w\": [0.1, 0.2]}, \"batch\": "
        + "[\"x\"]\(flag)\(direction)}"
      let answer = try #require(try compare(Data(text.utf8), endpoint, flag))
      #expect(answer["outputs/y"]?.shape == [3, 2])
    }
  }

  // MARK: Every dtype and shape

  @Test func dtypes() throws {
    let node = { (name: String) in #"{"op": "identity", "inputs": ["\#(name)"], "outputs": ["\#(name)y"]}"# }
    let graph = "{\"nodes\": [\(["b", "d", "f", "i", "l"].map(node).joined(separator: ", "))]}"
    for padding in 0..<9 {
      var file = TestFile(graph)
      file.padding = padding
      // One byte first: nothing behind it is aligned.
      file.append("b", "BOOL", [3], [true, false, true])
      file.append("d", "F64", [2, 2], [0.1, -0.0, .nan, -.infinity] as [Double])
      file.append("f", "F32", [3], [.greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity] as [Float])
      file.append("i", "I32", [1, 2], [Int32.min, .max])
      file.append("l", "I64", [], [Int64.max])
      let answer = try TestFile(reading: server.send(file.bytes).data)
      for (name, entry) in file.tensors { #expect(answer["outputs/\(name)y"] == entry, "\(name)") }
      #expect(
        Set(answer.tensors.map(\.name)) == [
          "outputs/by", "outputs/dy", "outputs/fy", "outputs/iy", "outputs/ly", "gradients/d", "gradients/f",
        ])
      #expect(answer.metadata["warnings"]?.contains("implied_outputs") == true)
    }
  }

  @Test func payloadsOfNaNSurvive() throws {
    var file = TestFile(#"{"nodes": [{"op": "identity", "inputs": ["x"], "outputs": ["y"]}]}"#)
    file.append("x", "F64", [1], [UInt64(0x7FF8_0000_DEAD_BEEF)])
    #expect(try TestFile(reading: server.send(file.bytes).data)["outputs/y"] == file["x"])
  }

  @Test func emptyAndScalar() throws {
    for (shape, data) in [("[0]", "[]"), ("[3, 0, 2]", "[]"), ("[]", "2.5"), ("[1, 1, 1, 1, 1, 1, 1, 1]", "[7]")] {
      let tensor = "{\"dtype\": \"float32\", \"shape\": \(shape), \"data\": \(data)}"
      let request = "{\"graph\": \(graph), \"inputs\": {\"x\": \(tensor), \"w\": \(tensor)}}"
      let answer = try #require(try compare(Data(request.utf8), "evaluate", shape))
      #expect("\(answer["gradients/w"]?.shape ?? [])" == shape)
    }
    try compare(Data(#"{"graph": {"nodes": [{"op": "exp", "inputs": [1], "outputs": ["y"]}]}}"#.utf8))
    try compare(
      Data(#"{"graph": {"nodes": [{"op": "exp", "inputs": [1], "outputs": ["y"]}]}, "dtype": "float32"}"#.utf8))
  }

  @Test func tensorsInAnyOrder() throws {
    let header = """
      {"w": {"dtype": "F64", "shape": [2], "data_offsets": [16, 32]}, "x": {"data_offsets": [0, 16], "shape": [2], "dtype": "F64"},
      "__metadata__": {"graph": "{\\"nodes\\": [{\\"op\\": \\"sub\\", \\"inputs\\": [\\"x\\", \\"w\\"], \\"outputs\\": [\\"y\\"]}]}", "format": "pt"}}
      """
    let data = [1.0, 2, 10, 20].withUnsafeBytes { Data($0) }
    let response = server.send(TestFile.raw(header + "   \n", data), accept: "application/json")
    #expect(
      response.body.string.hasPrefix(#"{"outputs": {"y": {"dtype": "float64", "shape": [2], "data": [-9.0, -18.0]}}"#))
  }

  @Test func namesWithSlashesAreToldApart() throws {
    let request = """
      {"graph": {"nodes": [{"op": "mul", "inputs": ["b/c", "c"], "outputs": ["a"]}, {"op": "add", "inputs": ["b/c", "c"], "outputs": ["a/b"]}]},
      "inputs": {"b/c": 2, "c": 3}, "of": ["a", "a/b"]}
      """
    let response = server.send(try Data(request.utf8).withDocument { try TestFile($0.root, $0).bytes }, "jacobian")
    let names = try TestFile(reading: response.data).tensors.map(\.name)
    #expect(
      Set(names) == [
        "outputs/a", "outputs/a/b", "jacobians/a/b/c", "jacobians/a/c", "jacobians/a~1b/b/c", "jacobians/a~1b/c",
      ])
  }

  // MARK: Types

  @Test func acceptDecides() throws {
    var file = TestFile(graph)
    for name in ["x", "w"] { file.append(name, "F64", [1], [1.0]) }
    let json = Data("{\"graph\": \(graph), \"inputs\": {\"x\": [1], \"w\": [1]}}".utf8)
    let safe = TestTypes.safetensors
    let cases: [(accept: String?, ofFile: String, ofJSON: String)] = [
      (nil, safe, "application/json"), ("*/*", safe, "application/json"), ("application/*", safe, "application/json"),
      ("application/json", "application/json", "application/json"), (safe, safe, safe),
      ("Application/Vnd.Safetensors", safe, safe), ("\(safe), application/problem+json", safe, safe),
      ("\(safe), application/json", safe, "application/json"),
      ("\(safe);q=0.5, application/json", "application/json", "application/json"),
      ("\(safe), application/json;q=0.9", safe, safe), ("application/json;q=0, */*", safe, safe),
      ("\(safe);q=0, */*", "application/json", "application/json"),
      ("text/html, */*;q=0.1", safe, "application/json"),
    ]
    for (accept, ofFile, ofJSON) in cases {
      let (first, second) = (server.send(file.bytes, accept: accept), server.send(json: json, accept: accept))
      #expect(first.status == 200 && first.contentType == ofFile, "\(accept ?? "")")
      #expect(second.status == 200 && second.contentType == ofJSON, "\(accept ?? "")")
    }
    for accept in ["text/html", "\(safe);q=0, application/json;q=0", "image/*", "application/*;q=0"] {
      #expect(server.send(file.bytes, accept: accept).status == 406, "\(accept)")
    }
    #expect(server.send(file.bytes, "inspect", accept: safe).status == 406)
    #expect(server.send("GET", "/version", body: Data(), accept: safe).status == 406)
    for (type, status) in [
      ("\(safe); charset=binary", 200), ("APPLICATION/VND.SAFETENSORS", 200), ("application/safetensors", 415),
      ("application/octet-stream", 415),
    ] {
      #expect(server.send("POST", "/v1/evaluate", body: file.bytes, contentType: type).status == status, "\(type)")
    }
    #expect(server.send("POST", "/v1/evaluate", body: file.bytes).json["detail"].map { "\($0)".contains(safe) } == true)
    #expect(
      server.send("POST", "/v1/evaluate", body: json, contentType: safe).json["detail"].map {
        "\($0)".contains("application/json")
      } == true
    )
  }

  @Test(arguments: ["check", "inspect"])
  func otherEndpointsAnswerInJSON(_ endpoint: String) throws {
    let request = Data("{\"graph\": \(graph), \"inputs\": {\"x\": [0.5, 1], \"w\": [1, 2]}, \"wrt\": [\"x\"]}".utf8)
    let file = try request.withDocument { try TestFile($0.root, $0).bytes }
    let (first, second) = (server.send(file, endpoint), server.send(json: request, endpoint))
    #expect(first.status == 200 && first.contentType == "application/json")
    #expect(first.body.string == second.body.string)
    if endpoint == "inspect" {
      var file = TestFile(graph, ["for": "jvp", "tangents": "{}"])
      for name in ["x", "w"] { file.append(name, "F64", [1], [1.0]) }
      #expect(server.send(file.bytes, endpoint).status == 200)
    }
  }

  @Test func realCurl() throws {
    let live = try LiveServer()
    var file = TestFile(graph)
    file.append("x", "F32", [300, 400], [Float](repeating: 0.5, count: 120_000))
    file.append("w", "F32", [400], (0..<400).map { Float($0) / 400 })
    let answer = try live.curl(
      ["\(live.address)/v1/evaluate", "--data-binary", "@input", "-H", "Content-Type: \(TestTypes.safetensors)"],
      input: file.bytes)
    #expect(answer.status == 200 && answer.headers.contains("Content-Type: \(TestTypes.safetensors)\r\n"))
    #expect(answer.body == server.send(file.bytes).data)
    #expect(try TestFile(reading: answer.body)["gradients/x"]?.shape == [300, 400])
    let bad = try live.curl(
      ["\(live.address)/v1/evaluate", "--data-binary", "@input", "-H", "Content-Type: \(TestTypes.safetensors)"],
      input: file.bytes.dropLast(4))
    #expect(bad.status == 400 && bad.headers.contains("Content-Type: application/problem+json"))
  }
}

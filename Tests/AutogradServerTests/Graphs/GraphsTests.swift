import AutogradTestSupport
import Foundation
import Synchronization
import Testing

@testable import AutogradFormats
@testable import AutogradGraphs
@testable import AutogradHTTP
@testable import AutogradServer

/// `/v1/graphs`: the same in memory and in a folder.
@Suite struct GraphsTests {
  @Test(arguments: GraphsServer.Kind.allCases) func versionsCountThroughDeletions(_ kind: GraphsServer.Kind) throws {
    let server = try GraphsServer(kind)
    let first = server.put("fit", "y = x")
    #expect(first.status == 201 && first.header("ETag") == "\"1\"" && first.header("Location") == "/v1/graphs/fit")
    #expect(first.json["version"] as? Int == 1)
    let second = server.put("fit", "y = 2 * x")
    #expect(second.status == 200 && second.header("ETag") == "\"2\"" && second.header("Location") == nil)
    #expect(server.put("fit", "y = 2 * x").json["version"] as? Int == 2, "the same bytes are the same version")
    #expect(server.put("fit", "y = x").json["version"] as? Int == 3)
    #expect(server.get("/fit@1/source").body.string == "y = x")
    #expect(server.get("/fit%402/source").body.string == "y = 2 * x")
    #expect(server.delete("fit").status == 204)
    for path in ["/fit", "/fit@1", "/fit/source", "/fit@3/source", "/fit/versions"] {
      #expect(server.get(path).status == 404, "\(path)")
    }
    #expect(server.post("fit/evaluate", #"{"inputs": {"x": 1}}"#).status == 404)
    #expect(server.delete("fit").status == 404)
    let again = server.put("fit", "y = 3 * x")
    #expect(again.status == 201 && again.header("ETag") == "\"5\"", "4 is the deletion")
    #expect(
      server.get("/fit@3").status == 404 && server.get("/fit@4").status == 404 && server.get("/fit@5").status == 200)
    let versions = server.get("/fit/versions").json["versions"] as? [[String: Any]]
    #expect(versions?.map { $0["version"] as? Int } == [5])
  }

  @Test(arguments: GraphsServer.Kind.allCases) func conditions(_ kind: GraphsServer.Kind) throws {
    let server = try GraphsServer(kind)
    #expect(server.put("fit", "y = x", ifMatch: "*").status == 412)
    #expect(server.put("fit", "y = x", ifMatch: "\"1\"").json["version"] == nil)
    #expect(server.put("fit", "y = x", ifNoneMatch: "*").status == 201)
    let there = server.put("fit", "y = x", ifNoneMatch: "*")
    #expect(there.status == 412 && there.header("ETag") == "\"1\"" && there.json["version"] as? Int == 1)
    #expect(there.code == "precondition_failed")
    #expect(server.put("fit", "y = x", ifMatch: "\"2\"").status == 412, "before the comparison of bytes")
    #expect(server.put("fit", "y = 2*x", ifMatch: "W/\"1\"").status == 412)
    #expect(server.put("fit", "y = 2*x", ifMatch: "\"7\", \"1\"").json["version"] as? Int == 2)
    #expect(server.put("fit", "y = 3*x", ifNoneMatch: "\"1\"").json["version"] as? Int == 3)
    #expect(server.delete("fit", ifMatch: "\"2\"").status == 412)
    for bad in ["3", "\"3", "", "\"1\" \"2\"", "*, \"1\"", "w/\"3\""] {
      #expect(server.put("fit", "y = x", ifMatch: bad).code == "bad_request", "\(bad)")
      #expect(server.get("/fit", ifNoneMatch: bad).code == "bad_request", "\(bad)")
      #expect(server.delete("fit", ifMatch: bad).code == "bad_request", "\(bad)")
    }
    for tag in ["\"3\"", "W/\"3\"", "\"1\", W/\"3\"", "*"] {
      for path in ["/fit", "/fit/source", "/fit@3"] {
        let response = server.get(path, ifNoneMatch: tag)
        #expect(response.status == 304 && response.body.count == 0 && response.header("ETag") == "\"3\"", "\(tag)")
      }
    }
    #expect(server.get("/fit", ifNoneMatch: "\"2\"").status == 200)
    #expect(server.get("/fit", ifMatch: "\"2\"").status == 412)
    #expect(server.delete("fit", ifMatch: "\"3\"").status == 204)
  }

  /// Check and write are one step.
  @Test(arguments: GraphsServer.Kind.allCases) func oneOfManyWriters(_ kind: GraphsServer.Kind) throws {
    let server = try GraphsServer(kind)
    for round in 1...5 {
      let tag = server.put("fit", "y = x + \(round)").header("ETag")
      let statuses = inParallel(8) { server.put("fit", "y = x * \($0) + \(round)", ifMatch: tag).status }
      #expect(statuses.sorted() == [200] + Array(repeating: 412, count: 7))
    }
    let created = inParallel(8) { server.put("new", "y = \($0)", ifNoneMatch: "*").status }
    #expect(created.sorted() == [201] + Array(repeating: 412, count: 7))
    let versions = inParallel(8) { server.put("all", "y = \($0)").json["version"] as? Int ?? 0 }
    #expect(versions.sorted() == Array(1...8), "each its own")
    let cases = inParallel(8) { server.put($0 % 2 == 0 ? "Case" : "case", "y = 1").status }
    #expect(Set(cases.filter { $0 >= 400 }) == [422] && cases.count { $0 < 400 } == 4, "\(cases)")
  }

  private func inParallel<Result: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Result) -> [Result] {
    let results = Locked<[Result]>([])
    DispatchQueue.concurrentPerform(iterations: count) { index in
      let result = body(index)
      results.withLock { $0.append(result) }
    }
    return results.withLock { $0 }
  }

  @Test(arguments: [
    "1fit", "_fit", "a/b", "a b", "ä", ".fit", "fit@", "fit@0", "fit@01", "fit@x", "fit@1@2", "", "-a", "a%20b",
    String(repeating: "a", count: 65),
  ])
  func namesThatAreNone(_ name: String) throws {
    let server = try GraphsServer(.memory)
    let response = server.put(name, "y = x")
    #expect(
      (400..<500).contains(response.status) && server.get("").json["graphs"] as? [String] == [], "\(response.status)")
  }

  @Test(arguments: GraphsServer.Kind.allCases) func names(_ kind: GraphsServer.Kind) throws {
    let server = try GraphsServer(kind)
    for name in ["a", "A.b-c_9", String(repeating: "z", count: 64)] { #expect(server.put(name, "y = x").status == 201) }
    let twin = server.put("a.B-C_9", "y = x")
    #expect(twin.code == "duplicate_name")
    for method in ["PUT", "DELETE"] {
      let response = server.send(method, "/v1/graphs/a@1", Data("y = 1".utf8))
      #expect(response.status == 405 && response.header("Allow") == "GET, HEAD")
    }
    #expect(server.get("/a@2").status == 404)
    #expect((server.get("/a@2").json["detail"] as? String)?.contains("the newest is 1") ?? false)
  }

  // MARK: What is put

  /// What is put, its type, and how much of the detail and which place a refusal has.
  @Test(
    arguments: [
      ("y = sun(x)", nil, "unknown_operation", "", 5),
      ("y = x +", nil, "invalid_formula", "", 8),
      ("y = sum(x, axis=0, foo=1)", nil, "unknown_attribute", "", 20),
      ("y = exp(x, x)", nil, "wrong_arity", "", 5),
      ("input x: float64[2]\ninput w: float64[3]\ny = x * w", nil, "shape_mismatch", "", 9),
      ("input x: int64[2]\ny = exp(x)", nil, "dtype_mismatch", "", 9),
      (#"{"nodes": [{"op": "sun", "inputs": ["x"], "outputs": ["y"]}]}"#, nil, "unknown_operation", "/nodes/0/op", 0),
      (
        #"{"graph": {"nodes": [{"op": "sum", "inputs": ["x"], "outputs": ["y"], "attributes": {"dim": 0}}]}}"#, nil,
        "unknown_attribute", "/graph/nodes/0/attributes/dim", 0
      ),
      (#"{"graph": "y = sun(x)"}"#, nil, "unknown_operation", "/graph", 5),
      (#"{"graph": "y = x", "defaults": {"w": 1}}"#, nil, "input_mismatch", "/defaults/w", 0),
      (#"{"graph": "input x: float64[2]\ny = x", "defaults": {"x": [1]}}"#, nil, "shape_mismatch", "/defaults/x", 0),
      (
        #"{"graph": "input x: int64\ny = x", "defaults": {"x": {"dtype": "float64", "data": 1}}}"#, nil,
        "dtype_mismatch", "/defaults/x", 0
      ),
      (#"{"graph": "input x = 1\ny = x", "defaults": {"x": 2}}"#, nil, "duplicate_name", "/defaults/x", 0),
      (#"{"graph": "y = x", "defaults": {"x": [1, [2]]}}"#, nil, "ragged_array", "/defaults/x/1", 0),
      (#"{"graph": "y = x", "tags": []}"#, nil, "unknown_member", "/tags", 0),
      (#"{"graph": "y = x", "description": 3}"#, nil, "wrong_type", "/description", 0),
      ("y = x", "application/json", "invalid_json", "", 0),
      (#"{"nodes": ["#, nil, "invalid_json", "", 0),
      ("", nil, "invalid_formula", "", 1),
      ("a = x  # a\nb = a", "application/x-www-form-urlencoded", "", "", 0),
      ("a = x  # a b = a", "application/x-www-form-urlencoded", "invalid_formula", "", 8),
      ("a = \"#\"", "application/x-www-form-urlencoded", "invalid_formula", "", 5),
      ("a = xb = a", "application/x-www-form-urlencoded", "invalid_formula", "", 8),
      ("y = x", "image/png", "unsupported_media_type", "", 0),
      ("y = x", "multipart/form-data; boundary=a", "unsupported_media_type", "", 0),
      ("y = x", "application/xml", "unsupported_media_type", "", 0),
      ("y = x", "application/octet-stream", "", "", 0),
      ("y = x", "text/markdown; charset=utf-8", "", "", 0),
      (#"{"graph": "y = x"}"#, "text/plain", "", "", 0),
    ] as [(String, String?, String, String, Int)])
  func uploads(_ body: String, _ type: String?, _ code: String, _ pointer: String, _ column: Int) throws {
    let server = try GraphsServer(.memory)
    let response = server.put("fit", body, type: type)
    if code.isEmpty {
      #expect(response.status == 201, "\(response.body.string)")
      return
    }
    #expect(response.code == code, "\(response.body.string)")
    #expect(server.get("/fit").status == 404, "a refused graph changes nothing")
    if code == "unsupported_media_type" { return }
    #expect(response.json["pointer"] as? String == pointer, "\(response.body.string)")
    if column > 0 { #expect(response.json["column"] as? Int == column, "\(response.body.string)") }
  }

  @Test func formsWithoutLineEndsNameTheMend() throws {
    let server = try GraphsServer(.memory)
    for body in ["a = x  # a b = a", "a = xb = a"] {
      let response = server.put("fit", body, type: "application/x-www-form-urlencoded")
      #expect((response.json["detail"] as? String)?.contains("--data-binary") ?? false, "\(response.body.string)")
    }
  }

  @Test(arguments: GraphsServer.Kind.allCases) func bytesAreKeptAsTheyCame(_ kind: GraphsServer.Kind) throws {
    let server = try GraphsServer(kind)
    let text = "\u{FEFF}# é\r\ny = x ; z =  y+1\r\n"
    #expect(server.put("fit", text, type: "text/plain").status == 201)
    let source = server.get("/fit/source")
    #expect(source.body.string == text && source.contentType.hasPrefix("text/plain"))
    #expect(server.get("/fit").json["text"] as? String == "y = x\nz = y + 1")
    #expect(server.get("/fit").json["bytes"] as? Int == text.utf8.count)
    server.put("json", #"{"nodes": [{"op": "neg", "inputs": ["x"], "outputs": ["y"]}]}"#)
    #expect(server.get("/json/source").contentType == "application/json")
    #expect(server.get("/json").json["text"] as? String == "y = -x")
  }

  @Test func whatIsSaidOfAGraph() throws {
    let server = try GraphsServer(.folder)
    let graph =
      #"{"graph": "input x: float64[n, 3]\ninput w\ninput k: int32 = 2\ny = x * w\nz = k", "description": "d"}"#
    let json = server.put("fit", graph).json
    #expect(json["description"] as? String == "d")
    #expect(json["outputs"] as? [String] == ["y", "z"])
    let inputs = try #require(json["inputs"] as? [[String: Any]])
    #expect(inputs.map { $0["name"] as? String } == ["x", "w", "k"])
    #expect(inputs.map { $0["dtype"] as? String } == ["float64", nil, "int32"])
    #expect((inputs[0]["shape"] as? [Any])?.first as? String == "n")
    #expect(inputs[1]["shape"] is NSNull)
    #expect(inputs.map { $0["default"] as? Bool } == [false, false, true])
    #expect(json["read_only"] as? Bool == false && json["sha256"] is String && json["created"] is String)
    let free = server.put("free", "y = b * sum(a) + a + c").json
    #expect((free["inputs"] as? [[String: Any]])?.map { $0["name"] as? String } == ["b", "a", "c"])
  }

  // MARK: Lists and limits

  @Test(arguments: GraphsServer.Kind.allCases) func lists(_ kind: GraphsServer.Kind) throws {
    let server = try GraphsServer(kind)
    for name in ["b", "a", "Z", "a.1", "aa"] { server.put(name, "y = x") }
    server.delete("aa")
    func names(_ query: String) -> [String] {
      let graphs = server.get(query).json["graphs"] as? [[String: Any]]
      return graphs?.compactMap { $0["name"] as? String } ?? []
    }
    #expect(names("") == ["Z", "a", "a.1", "b"], "in the order of bytes")
    #expect(names("?prefix=a") == ["a", "a.1"])
    #expect(names("?limit=2") == ["Z", "a"] && server.get("?limit=2").json["next"] as? String == "a")
    #expect(names("?limit=2&after=a") == ["a.1", "b"] && server.get("?limit=2&after=a").json["next"] is NSNull)
    #expect(names("?after=aa") == ["b"], "a name that has gone disturbs no page")
    #expect(server.get("").json["persistent"] as? Bool == (kind == .folder))
    for bad in ["?limit=0", "?limit=1001", "?limit=x", "?sort=name", "?limit=1&limit=2"] {
      #expect(server.get(bad).status == 400, "\(bad)")
    }
    #expect(server.get("?sort=name").code == "unknown_member")
  }

  @Test(arguments: GraphsServer.Kind.allCases) func limits(_ kind: GraphsServer.Kind) throws {
    var stored = StoreLimits()
    (stored.graphs, stored.versions, stored.bytes) = (2, 3, 100)
    var limits = Limits()
    limits.graphBytes = 60
    let server = try GraphsServer(kind, limits: limits, stored: stored)
    let large = "y = x" + String(repeating: " ", count: 55)
    #expect(server.put("a", large + " ").json["reason"] as? String == "graph_too_large")
    #expect(server.put("a", large).status == 201)
    let second = server.put("b", large)
    #expect(second.status == 413 && second.json["reason"] as? String == "graphs_too_large", "\(second.body.string)")
    #expect(second.json["limit"] as? Int == 100 && second.json["value"] as? Int == 120)
    #expect(server.put("b", "y = x").status == 201)
    #expect(server.put("c", "y = x").json["reason"] as? String == "too_many_graphs")
    #expect(server.put("b", "y = 2*x").status == 200 && server.put("b", "y = 3*x").status == 200)
    #expect(server.put("b", "y = 4*x").json["reason"] as? String == "too_many_versions")
    #expect(server.put("b", "y = 3*x").status == 200, "the same bytes need no room")
    server.delete("b")
    #expect(server.put("c", "y = x").status == 201, "a deleted graph makes room")
    #expect(server.put("b", "y = x").json["reason"] as? String == "too_many_graphs")
    for round in 0..<20 { server.put("c", "y = \(round)") }
    #expect(server.get("/c").json["version"] as? Int == 3)
    // What is left of deleted graphs does not grow for ever.
    server.delete("c")
    let statuses = (0..<40).map { round in
      defer { server.delete("n\(round)") }
      return server.put("n\(round)", "y = x").status
    }
    #expect(statuses.filter { $0 == 201 }.count < 20 && statuses.last == 413)
  }
}

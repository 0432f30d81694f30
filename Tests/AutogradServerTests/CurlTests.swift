import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// A server on a free port of this machine, stopped when the test is over.
final class LiveServer {
  let server: HTTPServer
  let pool: ComputePool
  var address: String { "http://127.0.0.1:\(server.port)" }

  init(
    limits: Limits = Limits(), access: AccessTokens? = nil,
    configure: (inout HTTPServer.Configuration) -> Void = { _ in }
  ) throws {
    let metrics = Metrics(routes: Routes.paths, region: try .own(paths: Routes.paths.count))
    pool = try ComputePool(threads: 2, queueLimit: 64, metrics: metrics.area)
    var configuration = HTTPServer.Configuration { refusal, id in Problem(refusal).response(requestID: id) }
    configuration.port = 0
    configuration.bodyLimit = limits.bodyBytes
    configuration.access = access
    configuration.metrics = metrics.area
    configuration.observe = { metrics.observe($0) }
    configure(&configuration)
    let plans = PlanCache(plans: 100, bytes: 1 << 20, area: metrics.area)
    let routes = Routes.all(limits: limits, plans: plans, metrics: metrics) { true }
    server = try HTTPServer(configuration, responder: Router(routes: routes), pool: pool)
  }

  deinit {
    server.stop()
    pool.shutdown()
  }

  /// What a real curl gets.
  func curl(_ arguments: [String], input: Data = Data()) throws -> (status: Int, headers: String, body: Data) {
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try input.write(to: directory.appending(path: "input"))
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.currentDirectoryURL = directory
    process.arguments =
      ["curl", "-sS", "--max-time", "20", "-D", "headers", "-o", "body", "-w", "%{http_code}"] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let status = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let body = (try? Data(contentsOf: directory.appending(path: "body"))) ?? Data()
    let headers = (try? String(contentsOf: directory.appending(path: "headers"), encoding: .utf8)) ?? ""
    return (Int(status) ?? 0, headers, body)
  }
}

/// The same requests as in process, over a real socket with a real curl.
@Suite struct CurlTests {
  @Test func examplesGetTheSameAnswers() throws {
    let live = try LiveServer()
    let directory = Project.root.appending(path: "examples")
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter {
      $0.hasSuffix(".json") && !$0.hasSuffix(".answer.json")
    }
    #expect(files.count >= 7)
    for file in files {
      let request = try Data(contentsOf: directory.appending(path: file))
      let answer = try live.curl(["\(live.address)/v1/evaluate", "--data-binary", "@input"], input: request)
      let inProcess = InProcessServer().send("POST", "/v1/evaluate", body: request)
      #expect(answer.status == 200 && inProcess.status == 200)
      #expect(answer.body == Data(inProcess.body.bytes), "\(file)")
      #expect(answer.headers.contains("X-Request-Id: "))
      #expect(answer.headers.contains("X-Graph-Digest: "))
      #expect(answer.headers.contains("Server-Timing: "))
    }
  }

  @Test func badRequestsGetTheirProblemsAndTheServerGoesOn() throws {
    let live = try LiveServer()
    for (index, line) in try Project.lines("Tests/Fixtures/bad_requests.jsonl").enumerated() where index % 3 == 0 {
      let item = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
      let body = Data(try #require(item["body"] as? String).utf8)
      let path = item["path"] as? String ?? "/v1/evaluate"
      let answer = try live.curl([live.address + path, "--data-binary", "@input"], input: body)
      #expect(answer.status == item["status"] as? Int, "\(item["name"] ?? "")")
      #expect(answer.headers.lowercased().contains("content-type: application/problem+json"))
    }
    let next = try live.curl(["\(live.address)/v1/evaluate", "-d", #"{"graph": {"nodes": []}}"#])
    #expect(next.status == 200)
  }

  @Test func routesAnswerAndRefuse() throws {
    let live = try LiveServer()
    for path in [
      "/livez", "/readyz", "/version", "/v1/operations", "/v1/operations/matmul", "/openapi.yaml", "/openapi.json",
      "/problems",
      "/problems/cycle", "/", "/docs",
    ] {
      let get = try live.curl([live.address + path])
      #expect(get.status == 200 && !get.body.isEmpty, "\(path)")
      let head = try live.curl(["-I", live.address + path])
      #expect(head.status == 200 && head.headers.contains("Content-Length: \(get.body.count)\r\n"), "HEAD \(path)")
      let post = try live.curl(["-d", "{}", live.address + path])
      #expect(post.status == 405 && post.headers.contains("Allow: GET, HEAD\r\n"), "POST \(path)")
    }
    let delete = try live.curl(["-X", "DELETE", live.address + "/v1/evaluate"])
    #expect(delete.status == 405 && delete.headers.contains("Allow: POST, GET, HEAD\r\n"))
    let bare = try live.curl([live.address + "/v1/evaluate"])
    #expect(bare.status == 400 && String(decoding: bare.body, as: UTF8.self).contains("needs a graph"))
    let vjp = try live.curl(["-d", "{}", live.address + "/v1/vjp"])
    #expect(vjp.status == 404 && String(decoding: vjp.body, as: UTF8.self).contains("use /v1/evaluate"))
    #expect(try live.curl([live.address + "/v1/operations/multiply"]).status == 404)
  }

  @Test func mediaTypes() throws {
    let live = try LiveServer()
    let url = live.address + "/v1/evaluate"
    let body = #"{"graph": {"nodes": []}}"#
    for type in [
      "application/json", "text/plain", "application/x-www-form-urlencoded", "application/geo+json; charset=utf-8",
    ] {
      #expect(try live.curl([url, "-d", body, "-H", "Content-Type: \(type)"]).status == 200, "\(type)")
    }
    for type in ["multipart/form-data; boundary=x", "image/png", "application/octet-stream", "application/zip"] {
      #expect(try live.curl([url, "-d", body, "-H", "Content-Type: \(type)"]).status == 415, "\(type)")
    }
    #expect(try live.curl([url, "-d", body, "-H", "Content-Encoding: gzip"]).status == 415)
    for accept in ["application/json", "*/*", "text/html, application/*;q=0.5", "application/problem+json"] {
      #expect(try live.curl([url, "-d", body, "-H", "Accept: \(accept)"]).status == 200, "\(accept)")
    }
    for accept in ["text/html", "image/*", "application/json;q=0"] {
      #expect(try live.curl([url, "-d", body, "-H", "Accept: \(accept)"]).status == 406, "\(accept)")
    }
  }

  @Test func limitsAreKnownBeforeAnythingRuns() throws {
    var limits = Limits()
    limits.bodyBytes = 10_000
    limits.nodes = 3
    limits.planBytes = 1 << 20
    let live = try LiveServer(limits: limits)
    let url = live.address + "/v1/evaluate"
    func problem(_ body: String) throws -> [String: Any] {
      let answer = try live.curl([url, "--data-binary", "@input"], input: Data(body.utf8))
      #expect(answer.status == 413)
      return try JSONSerialization.jsonObject(with: answer.body) as? [String: Any] ?? [:]
    }
    let large = try problem("[" + String(repeating: "1,", count: 6000) + "1]")
    #expect(large["limit"] as? Int == 10_000)
    let node = #"{"op": "neg", "inputs": ["x"], "outputs": ["y"]}"#
    let many = try problem(
      #"{"graph": {"nodes": ["# + Array(repeating: node, count: 4).joined(separator: ", ") + #"]}, "inputs": {"x": 1}}"#
    )
    #expect(many["limit"] as? Int == 3 && many["value"] as? Int == 4)
    let wide = try problem(
      #"{"graph": {"nodes": [{"op": "broadcast_to", "inputs": ["x"], "outputs": ["y"], "attributes": {"shape": "#
        + #"[1000000]}}]}, "inputs": {"x": 1}}"#
    )
    #expect(wide["limit"] as? Int == 1 << 20 && (wide["value"] as? Int ?? 0) >= 8_000_000)
    #expect(try live.curl([url, "-d", #"{"graph": {"nodes": []}}"#]).status == 200)
  }
}

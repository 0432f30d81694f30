import AutogradHTTPTestSupport
import AutogradTestSupport
import Foundation
import Logging
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// What stands in the log of a real server, and what never does.
@Suite(.timeLimit(.minutes(60)))
struct LogContentTests {
  private let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  private func post(_ port: UInt16, _ target: String, _ body: String, _ headers: String = "") throws {
    let connection = try RawConnection(port: port)
    try connection.send(
      "POST \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(headers)Content-Length: "
        + "\(body.utf8.count)\r\n\r\n\(body)"
    )
    _ = try connection.readResponse()
  }

  private func objects(_ output: String) throws -> [[String: Any]] {
    try output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
    }
  }

  @Test func linesOfJSON() throws {
    let server = try ServerProcess("--port", "0", "--log-format", "json")
    #expect(eventually { server.output.contains("listening on") })
    let port = try #require(server.output.firstMatch(of: /127\.0\.0\.1:(\d+)"/).flatMap { UInt16($0.1) })
    let body = #"{"graph": {"nodes": [{"op": "neg", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": 1}}"#
    try post(port, "/v1/evaluate?q=1", body, "X-Request-Id: one\r\nTraceparent: \(trace)\r\n")
    try post(port, "/\u{22}\\\u{7f}", "", "X-Request-Id: two\r\ntraceparent: 00-\(trace)\r\n")
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
    let lines = try objects(server.output)
    for line in lines {
      #expect((line["time"] as? String)?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
      #expect(line["pid"] as? Int == Int(server.pid) && line["worker"] == nil)
      #expect(line["level"] as? String == "info" && (line["message"] as? String)?.isEmpty == false)
    }
    let one = try #require(lines.first { $0["request_id"] as? String == "one" })
    #expect(
      one["message"] as? String == "request" && one["method"] as? String == "POST" && one["status"] as? Int == 200)
    #expect(one["path"] as? String == "/v1/evaluate" && one["route"] as? String == "/v1/evaluate")
    #expect(
      one["trace_id"] as? String == "0af7651916cd43dd8448eb211c80319c"
        && one["parent_id"] as? String == "b7ad6b7169203331")
    #expect(
      one["bytes_in"] as? Int == body.utf8.count && one["bytes_out"] as? Int ?? 0 > 50
        && one["duration_ms"] as? Double ?? 0 > 0)
    #expect((one["graph"] as? String)?.isEmpty == false && one["code"] == nil)
    let two = try #require(lines.first { $0["request_id"] as? String == "two" })
    #expect(
      two["path"] as? String == "/%22%5C%7F" && two["route"] as? String == "other" && two["status"] as? Int == 404)
    #expect(two["code"] as? String == "not_found" && two["trace_id"] == nil && two["graph"] == nil)
  }

  @Test func workersSayWhichTheyAre() throws {
    let server = try ServerProcess("--port", "0", "--log-format", "json", "--workers", "2")
    #expect(eventually { server.output.contains("listening on") && server.workers.count == 2 })
    let workers = server.workers.map(Int.init)
    let port = try #require(server.output.firstMatch(of: /127\.0\.0\.1:(\d+)"/).flatMap { UInt16($0.1) })
    for _ in 0..<4 { #expect(ServerProcess.get("/livez", port: port) == 200) }
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
    let requests = try objects(server.output).filter { $0["message"] as? String == "request" }
    #expect(requests.count == 4)
    for line in requests {
      #expect(workers.firstIndex(of: line["pid"] as? Int ?? 0).map { $0 + 1 } == line["worker"] as? Int)
    }
  }

  @Test(arguments: ["text", "json"]) func nothingOfWhatRequestsAreAbout(format: String) throws {
    let server = try ServerProcess("--port", "0", "--log-format", format)
    #expect(eventually { server.output.contains("listening on") })
    let port = try #require(server.output.firstMatch(of: /127\.0\.0\.1:(\d+)/).flatMap { UInt16($0.1) })
    let bodies = [
      #"{"graph": {"nodes": [{"op": "neg", "inputs": ["SECRETx"], "outputs": ["SECRETy"]}]}, "inputs": {"SECRETx": "#
        + #"271828182}}"#,
      #"{"graph": {"nodes": [{"op": "SECRETop", "inputs": ["SECRETx"], "outputs": ["SECRETy"]}]}, "inputs": "#
        + #"{"SECRETx": 271828182}}"#,
      #"{"graph": {"nodes": [{"op": "solve", "inputs": ["SECRETx", "SECRETx"], "outputs": ["SECRETy"]}]}, "inputs": "#
        + #"{"SECRETx": [[0]]}}"#,
      #"{"SECRETmember": 271828182}"#, "SECRET", #"{"graph": "SECRET", "SECRET": [[271828182], [1, 2]]}"#, "",
    ]
    let headers = [
      "Authorization: Bearer SECRETSECRETSECRET\r\nCookie: SECRET\r\n",
      "SECRET: SECRET\r\nUser-Agent: SECRET\r\nReferer: http://SECRET/\r\n",
      "Accept: SECRET/SECRET\r\n", "Content-Type: image/SECRET\r\n",
      "Content-Type: SECRET\r\nContent-Encoding: SECRET\r\n",
      "traceparent: 00-SECRET\r\ntracestate: a=SECRET\r\nX-Request-Id: SECRET SECRET\r\n",
      "Transfer-Encoding: SECRET\r\n",
      "Content-Length-SECRET: 1\r\n", "SECRET : SECRET\r\n", " SECRET: folded\r\n", "Expect: SECRET\r\n",
      "Content-Type: application/vnd.safetensors\r\n",
    ]
    var asked = 0
    for endpoint in Endpoint.allCases {
      for body in bodies {
        try post(port, "/v1/\(endpoint.rawValue)?SECRET=SECRET#SECRET", body)
        asked += 1
      }
    }
    for header in headers {
      // Some are closed without an answer.
      try? post(port, "/v1/evaluate?SECRET", bodies[0], header)
      asked += 1
    }
    try post(port, "http://SECRET:SECRET@SECRET/v1/evaluate?SECRET", bodies[0])
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
    #expect(server.output.split(separator: "\n").count >= asked - 3, "\(server.output)")
    for secret in ["SECRET", "271828182"] { #expect(!server.output.contains(secret), "\(server.output)") }
  }

  // MARK: Trace context

  @Test(arguments: [
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true),
    ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
    ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true),
    ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-", true),
    ("fe-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true),
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false),
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-", false),
    ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more", false),
    ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
    ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
    ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
    ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
    ("0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
    ("00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01", false),
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01", false),
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", false),
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x", false),
    ("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
    ("0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
    (" 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false), ("", false), ("00", false),
  ])
  func traceparent(header: String, isValid: Bool) {
    let trace = Array(header.utf8).withUnsafeBytes { TraceContext($0) }
    #expect((trace != nil) == isValid)
    guard let trace else { return }
    #expect(trace.trace == (0x0af7_6519_16cd_43dd, 0x8448_eb21_1c80_319c) && trace.parent == 0xb7ad_6b71_6920_3331)
  }

  @Test func tracesAreObservedUnlessThereAreTwo() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(rawPost("/echo", "", headers: "TraceParent: \(trace)\r\n"))
      let answer = try client.readResponse()
      #expect(
        !answer.headers.contains { $0.name.lowercased().hasPrefix("trace") || $0.value.contains("0af7651916cd43dd") })
      try client.send(rawPost("/echo", "", headers: "traceparent: \(trace)\r\ntraceparent: \(trace)\r\n"))
      _ = try client.readResponse()
      #expect(eventually { server.observedCount == 2 })
      #expect(server.observed[0].trace?.parent == 0xb7ad_6b71_6920_3331 && server.observed[1].trace == nil)
    }
  }

  @Test func clientsThatCannotBeTakenAreWarnedOf() throws {
    let server = try ServerProcess("--port", "0")
    let port = try #require(server.port())
    func letItOpen(_ files: Int) throws {
      let prlimit = try Process.run(
        URL(filePath: "/usr/bin/prlimit"), arguments: ["--pid", "\(server.pid)", "--nofile=\(files):"])
      prlimit.waitUntilExit()
      try #require(prlimit.terminationStatus == 0)
    }
    try letItOpen(3)
    // The kernel takes it; the server cannot.
    let client = try RawConnection(port: port)
    #expect(eventually { server.output.contains("warning clients wait: no more descriptors") }, "\(server.output)")
    try letItOpen(1000)
    try client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    #expect(try client.readResponse().status == 200)
  }
}

import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// The worked example of CONTRIBUTING.md: what follows from a new row of the table without another change.
@Suite struct EndpointTableTests {
  private static let path = "/v1/plans/{digest}"
  private static let routes =
    Routes.all(limits: Limits()) { true } + [
      Route("DELETE", path) { _, parameters throws(Problem) in
        guard parameters["digest"] == "abc" else {
          throw Problem(.notFound, "no plan has the digest \(parameters["digest"].prefix(64))")
        }
        return .now(Response(status: 204, body: ByteBuffer()))
      },
      Route("PUT", "/other/{name}", reads: true, problems: { Self.other($0, $1) }) { _, _ throws(Problem) in
        throw Problem(.cycle, "round and round")
      },
    ]

  /// The errors of another protocol.
  private static func other(_ problem: Problem, _ id: String) -> Response {
    Response(
      status: problem.code.status, body: ByteBuffer("{\"error\": \"\(problem.code.rawValue)\", \"id\": \"\(id)\"}"))
  }

  private static func send(_ method: String, _ path: String, contentType: String? = nil) -> Response {
    Router(routes: routes).respond(to: Request(method: method, path: path, id: "7", contentType: contentType)).answer()
  }

  @Test func itIsServed() {
    #expect(Self.send("DELETE", "/v1/plans/abc").status == 204)
    let missing = Self.send("DELETE", "/v1/plans/%61bc")
    #expect(missing.status == 404 && missing.body.string.contains("no plan has the digest %61bc"))
    let refused = Self.send("GET", "/v1/plans/abc")
    #expect(refused.status == 405 && refused.headers.first { $0.name == "Allow" }?.value == "DELETE")
    #expect(Router(routes: Self.routes).methods(of: "/v1/plans/abc") == ["DELETE"])
  }

  @Test func anotherProtocolHasItsErrors() {
    let (own, body) = (Self.send("PUT", "/other/a"), Self.send("PUT", "/other/a", contentType: "image/png"))
    #expect(own.status == 422 && own.body.string == #"{"error": "cycle", "id": "7"}"#)
    #expect(body.status == 415 && body.body.string == #"{"error": "unsupported_media_type", "id": "7"}"#)
    #expect(Self.send("GET", "/other/a").body.string == #"{"error": "method_not_allowed", "id": "7"}"#)
  }

  /// The memory of the metrics is as large as the table needs, and the page and the log say the path's pattern.
  @Test(arguments: [("DELETE", "204"), ("BREW", "405")])
  func itIsCountedAndLogged(method: String, status: String) throws {
    let router = Router(routes: Self.routes)
    let metrics = Metrics(routes: router.paths, region: try .own(paths: router.paths.count))
    let facts = router.facts(of: "/v1/plans/abc", method)
    for (number, count) in [(facts.path, 1), (router.paths.count, 2), (router.paths.count + 5, 1)] {
      for _ in 0..<count {
        metrics.observe(
          RequestRecord(
            method: method, path: "/v1/plans/abc", route: number, status: Int(status) ?? 0, durationNanoseconds: 1000,
            requestID: "7", bytesIn: 0, bytesOut: 0))
      }
    }
    let page = try PrometheusPage(MetricsPage.response(metrics).body.string)
    let name = method == "BREW" ? "other" : method
    #expect(
      page.value("autograd_requests_total", ["route": Self.path, "method": name, "status": status]) == 1
        && page.value("autograd_requests_total", ["route": "other", "method": name, "status": status]) == 3)
    #expect(page.families["autograd_requests_total"]?.samples.count == 2)
  }

  /// Nobody else writes a path with a parameter down: whoever renames one changes one file, and its documentation.
  @Test func patternsStandInOneFile() throws {
    let sources = Project.root.appending(path: "Sources/AutogradServer")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
      .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
    try #require(files.count > 50)
    for path in Routes.paths where path.contains("{") {
      // Those of all endpoints are made of one text.
      let endpoint = Endpoint.allCases.map(\.rawValue).first { path.hasSuffix("}/\($0)") }
      let name = endpoint ?? (path.hasSuffix("}/inspect") ? "inspect" : "")
      let made = name.isEmpty ? path : path.dropLast(name.count) + #"\(name)"#
      let holders = try files.filter {
        // Comments may say it.
        try String(contentsOf: $0, encoding: .utf8).split(separator: "\n").contains {
          ($0.contains("\"\(path)\"") || $0.contains("\"\(made)\"")) && !$0.contains("///")
        }
      }
      #expect(holders.map(\.lastPathComponent) == ["Routes.swift"], "\(path)")
    }
  }
}

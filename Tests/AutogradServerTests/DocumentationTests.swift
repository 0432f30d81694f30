import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// Every request shown in a document gets the answer shown after it.
@Suite struct DocumentationTests {
  @Test(arguments: [("README.md", 10), ("docs/formulas.md", 3)])
  func requestsGetTheAnswersShown(_ file: String, _ least: Int) throws {
    let text = String(decoding: try Project.file(file), as: UTF8.self)
    let blocks = text.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
    var requests = 0
    for (index, block) in blocks.enumerated() where block.hasPrefix("sh\ncurl -s localhost") {
      let command = try #require(
        block.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false).map(String.init) as [String]?)
      try #require(command.count == 3, "a request is quoted by '…'")
      let path = try #require(command[0].split(separator: " ").first { $0.hasPrefix("localhost:8080") }).dropFirst(
        "localhost:8080".count)
      let answer = try #require(blocks.indices.contains(index + 1) ? blocks[index + 1] : nil)
      try #require(answer.hasPrefix("json\n"), "an answer follows each request")
      let response = InProcessServer().send("POST", String(path), body: Data(command[1].utf8))
      let shown = response.body.string.replacingOccurrences(of: #""request_id": "test""#, with: #""request_id": "…""#)
      #expect(shown == answer.dropFirst("json\n".count))
      requests += 1
    }
    #expect(requests >= least)
  }

  /// `curl -sG`: the parameters, and the table that comes back.
  @Test func addressesGetTheTablesShown() throws {
    let text = String(decoding: try Project.file("README.md"), as: UTF8.self)
    let block = /```sh\ncurl -sG localhost:8080(\S+) ((?s:.*?))\n```\n\n```csv\n((?s:.*?))\n```/
    let shown = try #require(text.firstMatch(of: block))
    var request = Request(method: "GET", path: String(shown.1), id: "7")
    let parameters = shown.2.matches(of: /(?:--data-urlencode '([^']*)'|-d (\S+))/).map { $0.1 ?? $0.2 ?? "" }
    request.query = Query(parameters.joined(separator: "&"))
    let response = Router(routes: Routes.all(limits: Limits()) { true }).respond(to: request).answer()
    #expect(parameters.count == 3 && response.body.string == shown.3)
  }

  /// `make reference` writes it. Last digits may differ between processors and math libraries; nothing else may.
  @Test func theReferenceOfOperationsIsCurrent() throws {
    let number = /-?\d+\.\d+(e[-+]?\d+)?/
    let shown = String(decoding: try Project.file("docs/operations.md"), as: UTF8.self)
    let current = OperationsPage.text().string
    #expect(shown.replacing(number, with: "#") == current.replacing(number, with: "#"), "run make reference")
    for (a, b) in zip(shown.matches(of: number), current.matches(of: number)) {
      let (a, b) = (Double(a.0) ?? .nan, Double(b.0) ?? .nan)
      #expect(abs(a - b) <= 1e-13 * max(1, abs(b)))
    }
    for operation in OperationsDocument.operations { #expect(current.contains("\n### \(operation.reference.name)\n")) }
    #expect(
      current.components(separatedBy: "```json\n{\"outputs\"").count == OperationsDocument.operations.count + 1,
      "each has its answer")
  }

  @Test func everyLinkedFileExists() throws {
    for file in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"] {
      let text = String(decoding: try Project.file(file), as: UTF8.self)
      for match in text.matches(of: /\]\(([^)#]+)\)/) where !match.1.hasPrefix("http") {
        #expect(
          FileManager.default.fileExists(atPath: Project.root.appending(path: String(match.1)).path),
          "\(file): \(match.1)")
      }
    }
  }
}

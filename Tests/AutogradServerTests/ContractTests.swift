import Foundation
import Testing

@testable import AutogradServer

/// Bad requests and the rules of the HTTP contract, from lists of cases that say what must come back.
@Suite struct ContractTests {
  @Test func badRequestsGetTheirProblems() throws {
    let server = InProcessServer()
    let lines = try Project.lines("Tests/Fixtures/bad_requests.jsonl")
    #expect(lines.count >= 150)
    for line in lines {
      let item = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
      let name = item["name"] as? String ?? "?"
      let body = try #require(item["body"] as? String)
      let response = server.send("POST", path(of: item), body: Data(body.utf8))
      let problem = response.json
      func expect(_ member: String, _ expected: Any?) {
        guard let expected = expected as? String else { return }
        if problem[member] as? String != expected {
          Issue.record(
            "\(name): \(member) is \(problem[member] ?? "missing"), expected \(expected)\n\(response.body.string)")
        }
      }
      if response.status != item["status"] as? Int {
        Issue.record("\(name): status \(response.status), expected \(item["status"] ?? "")\n\(response.body.string)")
        continue
      }
      #expect(response.contentType == "application/problem+json")
      expect("code", item["code"])
      expect("pointer", item["pointer"])
      expect("node", item["node"])
      expect("operation", item["operation"])
      let detail = (problem["detail"] as? String ?? "").lowercased()
      for part in item["detail_contains"] as? [String] ?? [] where !detail.contains(part.lowercased()) {
        Issue.record("\(name): the detail does not say \"\(part)\": \(detail)")
      }
      if let pointer = problem["pointer"] as? String {
        #expect(resolves(pointer, in: body), "\(name): \(pointer) does not resolve")
      }
      if problem["code"] as? String == "limit_exceeded" {
        #expect(problem["limit"] is Int && problem["value"] is Int, "\(name)")
      }
    }
    #expect(server.evaluate(#"{"graph": {"nodes": []}}"#).status == 200)
  }

  /// Where a case is posted to.
  private func path(of item: [String: Any]) -> String { item["path"] as? String ?? "/v1/evaluate" }

  /// Whether an RFC 6901 pointer leads somewhere in a body; in one that is no JSON, "" does.
  private func resolves(_ pointer: String, in body: String) -> Bool {
    guard var value = try? JSONSerialization.jsonObject(with: Data(body.utf8), options: .fragmentsAllowed) else {
      return true
    }
    for token in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
      let key = String(token).replacingOccurrences(of: "~1", with: "/").replacingOccurrences(of: "~0", with: "~")
      if let object = value as? [String: Any], let member = object[key] {
        value = member
      } else if let list = value as? [Any], let index = Int(key), list.indices.contains(index) {
        value = list[index]
      } else {
        return false
      }
    }
    return true
  }

  @Test func rulesHold() throws {
    let server = InProcessServer()
    let lines = try Project.lines("Tests/Fixtures/api_rules.jsonl")
    #expect(lines.count >= 120)
    for line in lines {
      let item = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
      let name = "\(item["name"] ?? "?"): \(item["rule"] ?? "")"
      let request = try #require(item["request"] as? String)
      let response = server.send("POST", path(of: item), body: Data(request.utf8))
      guard response.status == 200 else {
        Issue.record("\(name)\n\(response.body.string)")
        continue
      }
      if let exact = item["exact"] as? String {
        if withoutBlanks(response.body.string) != exact {
          Issue.record("\(name)\n is      \(response.body.string) expected \(exact)")
        }
        continue
      }
      var answer = response.json
      let warnings = (answer.removeValue(forKey: "warnings") as? [[String: Any]] ?? []).compactMap {
        $0["code"] as? String
      }
      if let expected = item["warnings"] as? [String] { #expect(warnings == expected, "\(name)") }
      guard var expected = item["expected"] as? [String: Any] else { continue }
      expected.removeValue(forKey: "warnings")
      if !isClose(answer, expected) { Issue.record("\(name)\n is       \(response.body.string) expected \(expected)") }
    }
  }

  /// Without the blanks between tokens; those in strings stay.
  private func withoutBlanks(_ json: String) -> String {
    var isInString = false
    var previous: UInt8 = 0
    let kept = json.utf8.filter { byte in
      if byte == UInt8(ascii: "\""), previous != UInt8(ascii: "\\") { isInString.toggle() }
      previous = byte
      return isInString || byte != UInt8(ascii: " ")
    }
    return String(decoding: kept, as: UTF8.self)
  }

  /// Equal as JSON, numbers to twelve digits; where "…" is expected, anything is.
  private func isClose(_ a: Any, _ b: Any) -> Bool {
    switch (a, b) {
    case (_, "…" as String): return true
    case (let a as [String: Any], let b as [String: Any]):
      return a.count == b.count && a.allSatisfy { key, value in b[key].map { isClose(value, $0) } ?? false }
    case (let a as [Any], let b as [Any]): return a.count == b.count && zip(a, b).allSatisfy(isClose)
    case (let a as String, let b as String): return a == b
    case (let a as NSNumber, let b as NSNumber):
      return a == b || abs(a.doubleValue - b.doubleValue) <= 1e-12 * max(1, abs(b.doubleValue))
    default: return a is NSNull && b is NSNull
    }
  }
}

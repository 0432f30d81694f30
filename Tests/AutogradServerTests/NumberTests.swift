import Foundation
import Testing

@testable import AutogradServer

/// Requests in which numbers were wrong, here or elsewhere, against right values: what people reported
/// (`reports.jsonl`), and more of each kind (`number_cases.jsonl`, made by `number_cases.py`).
@Suite struct NumberTests {
  @Test(arguments: [("reports", 9), ("number_cases", 110)]) func answersAreRight(_ file: String, _ least: Int) throws {
    let lines = try Project.lines("Tests/Fixtures/\(file).jsonl")
    #expect(lines.count >= least)
    for line in lines {
      let object = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
      let name = object["id"] as? String ?? "?"
      let path = try #require(object["path"] as? String)
      let tolerance = try #require(object["tolerance"] as? Double)
      // The text as it stands: a body that is written anew may have other numbers.
      let body = try line.withDocument { try #require($0.root["request"]).data }
      let response = InProcessServer().send("POST", path, body: body)
      guard response.status == 200 else {
        Issue.record("\(name): \(response.status) \(response.body.string)")
        continue
      }
      var faults: [String] = []
      compare(response.json, try #require(object["expect"]), tolerance, "", &faults)
      if !faults.isEmpty { Issue.record("\(name): \(faults.joined(separator: "; "))") }
    }
  }

  /// What is expected is part of the answer: members may be missing in it, and the end of a list.
  private func compare(_ actual: Any?, _ expected: Any, _ tolerance: Double, _ place: String, _ faults: inout [String])
  {
    switch expected {
    case let members as [String: Any]:
      let object = actual as? [String: Any]
      for (key, inner) in members { compare(object?[key], inner, tolerance, "\(place)/\(key)", &faults) }
    case let elements as [Any]:
      let list = actual as? [Any] ?? []
      for (index, inner) in elements.enumerated() {
        compare(list.indices.contains(index) ? list[index] : nil, inner, tolerance, "\(place)/\(index)", &faults)
      }
    case "unbounded" as String:
      if number(actual)?.isFinite != false { faults.append("\(place) is \(shown(actual)), not without bound") }
    default:
      if !agree(number(actual), number(expected), tolerance) {
        faults.append("\(place) is \(shown(actual)), not \(shown(expected))")
      }
    }
  }

  private func agree(_ actual: Double?, _ expected: Double?, _ tolerance: Double) -> Bool {
    guard let actual, let expected else { return false }
    if expected.isNaN { return actual.isNaN }
    return actual == expected || abs(actual - expected) <= tolerance * abs(expected) + (expected == 0 ? 1e-300 : 0)
  }

  /// Numbers, truths, and the names of numbers that JSON has not.
  private func number(_ value: Any?) -> Double? {
    switch value {
    case let number as Double: number
    case let truth as Bool: truth ? 1 : 0
    case "NaN" as String: .nan
    case "Infinity" as String: .infinity
    case "-Infinity" as String: -.infinity
    default: nil
    }
  }

  private func shown(_ value: Any?) -> String { value.map { "\($0)" } ?? "missing" }
}

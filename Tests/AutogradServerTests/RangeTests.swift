import AutogradCore
import Foundation
import Testing

@testable import AutogradServer

/// Composite operations at the ends of the range of numbers, against mpmath's values, gradients and Hessians: what is in range comes out,
/// whatever would not be on the way. Made by `Tests/Fixtures/range_cases.py`.
@Suite struct RangeTests {
  @Test func compositesAreRightAtEveryScale() throws {
    let lines = try Project.lines("Tests/Fixtures/ranges.jsonl")
    #expect(lines.count >= 600)
    for line in lines {
      try line.withDocument { document in
        let name = document.root["name"]?.string ?? "?"
        let request = try #require(document.root["request"]).data
        let isElementwise = document.root["elementwise"]?.kind == .true
        func check(_ path: String, _ parts: [(member: StaticString, inner: [StaticString], expected: StaticString)]) throws {
          let response = InProcessServer().send("POST", path, body: request)
          guard response.status == 200 else {
            Issue.record("\(name) \(path): \(response.status) \(response.body.string)")
            return
          }
          try Data(response.body.bytes).withDocument { answer in
            for part in parts {
              guard let expected = document.root[part.expected] else { continue }
              var value = answer.root[part.member]
              for key in part.inner { value = value?[key] }
              let tensor = try TensorDecoder(document: answer).decode(try #require(value), .fallback(.float64))
              let numbers = try TensorDecoder(document: document).decode(expected, .fallback(.float64)).doubles
              compare(tensor, numbers, isElementwise, "\(name): \(part.expected)")
            }
          }
        }
        try check("/v1/evaluate", [("outputs", ["y"], "outputs"), ("gradients", ["x"], "gradient")])
        try check("/v1/hessian", [("hessians", ["x", "x"], "hessian")])
      }
    }
  }

  /// Within some roundings of the expected number, or of the largest beside it; of subnormal numbers within some of their quanta.
  private func compare(_ tensor: Tensor, _ expected: [Double], _ isElementwise: Bool, _ place: String) {
    let isWide = tensor.dtype == .float64
    let (relative, quantum) = isWide ? (1e-14, Double.leastNonzeroMagnitude) : (3e-6, Double(Float.leastNonzeroMagnitude))
    let largest = expected.filter(\.isFinite).map(abs).reduce(0, max)
    let actual = tensor.doubles
    let fits =
      actual.count == expected.count
      && zip(actual, expected).allSatisfy { a, b in
        a == b || abs(a - b) <= relative * (isElementwise ? abs(b) : largest) + 4 * quantum
      }
    if !fits { Issue.record("\(place): is \(actual), expected \(expected)") }
  }
}

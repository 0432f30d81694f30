import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// Composite operations at the ends of the range of numbers, against mpmath's values, gradients and Hessians: what is
/// in range comes out, whatever would not be on the way. Made by `range_cases.py` and
/// `corner_cases.py` in `Tests/Fixtures`.
@Suite struct RangeTests {
  /// How near a number must be: beside itself, or beside a number that is given.
  private enum Measure { case itself, scale(Double) }

  @Test func compositesAreRightAtEveryScale() throws {
    let ranges = try Project.lines("Tests/Fixtures/ranges.jsonl")
    let corners = try Project.lines("Tests/Fixtures/corners.jsonl")
    #expect(ranges.count >= 600 && corners.count == 112)
    for line in ranges + corners {
      try line.withDocument { document in
        let name = document.root["name"]?.string ?? "?"
        let request = try #require(document.root["request"]).data
        let relative = document.root["relative"]?.numberToken?.double().value
        func isSet(_ member: StaticString) -> Bool { document.root[member]?.kind == .true }
        func check(
          _ path: String, _ member: StaticString, _ inner: [StaticString], _ part: StaticString, _ measure: Measure?
        ) throws {
          guard let expected = document.root[part] else { return }
          let response = InProcessServer().send("POST", path, body: request)
          guard response.status == 200 else {
            Issue.record("\(name) \(path): \(response.status) \(response.body.string)")
            return
          }
          try Data(response.body.bytes).withDocument { answer in
            let value = inner.reduce(answer.root[member]) { $0?[$1] }
            let tensor = try TensorDecoder(document: answer).decode(try #require(value), .fallback(.float64))
            let numbers = try TensorDecoder(document: document).decode(expected, .fallback(.float64)).doubles
            let largest = numbers.filter(\.isFinite).map(abs).reduce(0, max)
            compare(tensor, numbers, measure ?? .scale(largest), relative, "\(name): \(part)")
          }
        }
        let measure: Measure? = isSet("elementwise") ? .itself : nil
        try check("/v1/evaluate", "outputs", ["y"], "outputs", measure)
        func scale(_ member: StaticString) -> Double { document.root[member]?.numberToken?.double().value ?? 0 }
        try check("/v1/evaluate", "gradients", ["x"], "gradient", measure ?? .scale(scale("gradient_scale")))
        try check(
          "/v1/hessian", "hessians", ["x", "x"], "hessian", isSet("products") ? .itself : .scale(scale("scale")))
      }
    }
  }

  /// Within some roundings; of subnormal numbers within some of their quanta.
  private func compare(
    _ tensor: Tensor, _ expected: [Double], _ measure: Measure, _ relative: Double?, _ place: String
  ) {
    let isWide = tensor.dtype == .float64
    let relative = relative ?? (isWide ? 1e-14 : 1e-6)
    let quantum = isWide ? Double.leastNonzeroMagnitude : Double(Float.leastNonzeroMagnitude)
    let actual = tensor.doubles
    let fits =
      actual.count == expected.count
      && zip(actual, expected).allSatisfy { a, b in
        let scale =
          switch measure {
          case .itself: abs(b)
          case .scale(let scale): max(scale, abs(b))
          }
        return a == b || abs(a - b) <= relative * scale + 4 * quantum
      }
    if !fits { Issue.record("\(place): is \(actual), expected \(expected)") }
  }
}

import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// Answers against those of JAX, made by `Tests/Fixtures/generate.py`; of kinks, against what is written there by hand.
@Suite struct OracleTests {
  @Test(arguments: [
    "tutorial", "operations", "operations_pointwise", "operations_reductions", "operations_shapes", "operations_linalg",
    "operations_special", "operations_indexing", "operations_decompositions", "kinks", "kinks_reductions",
    "kinks_linalg",
    "kinks_special", "kinks_decompositions", "random_graphs_float64", "random_graphs_float32",
  ])
  func answersEqualTheOracle(_ file: String) throws {
    let lines = try Project.lines("Tests/Fixtures/\(file).jsonl")
    #expect(lines.count >= 25)
    for line in lines {
      try line.withDocument { document in
        let name = document.root["name"]?.string ?? "?"
        let request = try #require(document.root["request"])
        let tolerance = document.root["tolerance"]?.numberToken?.double().value ?? 1e-12
        let response = InProcessServer().send("POST", "/v1/evaluate", body: request.data)
        if let refused = document.root["refused"] {
          let status = refused["status"]?.numberToken?.double().value
          let agrees = Double(response.status) == status && response.json["code"] as? String == refused["code"]?.string
          if !agrees { Issue.record("\(name): \(response.status) \(response.body.string)") }
          return
        }
        let expected = try #require(document.root["expected"])
        guard response.status == 200 else {
          Issue.record("\(name): \(response.status) \(response.body.string)")
          return
        }
        try Data(response.body.bytes).withDocument { answer in
          for part: StaticString in ["outputs", "gradients"] {
            compare(answer.root[part], answer, expected[part], document, tolerance, "\(name) \(part)")
          }
        }
      }
    }
  }

  /// Files of random graphs over the whole catalog, each with the least number of its lines.
  static let randomGraphs = [("random_graphs_catalog", 3000), ("random_graphs_third", 50)]

  /// Whole graphs, asked for gradients, tangents and Hessian-vector products, or for third derivatives by `grad` nodes.
  @Test(arguments: randomGraphs)
  func derivativesOfRandomGraphsEqualTheOracle(_ file: String, _ count: Int) throws {
    let lines = try Project.lines("Tests/Fixtures/\(file).jsonl")
    #expect(lines.count >= count)
    try compare(lines)
  }

  /// Further graphs that `make random-graphs` has made, which are too many to keep.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["AUTOGRAD_RANDOM_GRAPHS"] != nil))
  func furtherRandomGraphsEqualTheOracle() throws {
    let file = URL(filePath: ProcessInfo.processInfo.environment["AUTOGRAD_RANDOM_GRAPHS"] ?? "")
    let lines = try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map { Data($0) }
    #expect(!lines.isEmpty)
    try compare(lines)
  }

  private func compare(_ lines: [Data]) throws {
    for line in lines {
      try line.withDocument { document in
        let name = document.root["name"]?.string ?? "?"
        let request = try #require(document.root["request"]).data
        let asks = try #require(document.root["asks"])
        let tolerance = document.root["tolerance"]?.numberToken?.double().value ?? 1e-9
        for ask in asks.elements {
          let path = try #require(ask["path"]?.string)
          // What all asks share, and then the members of this one.
          let body = request.joined(with: try #require(ask["members"]).data)
          let response = InProcessServer().send("POST", path, body: body)
          guard response.status == 200 else {
            Issue.record("\(name) \(path): \(response.status) \(response.body.string)")
            continue
          }
          try Data(response.body.bytes).withDocument { answer in
            for (part, expected) in try #require(ask["expected"]).members {
              compare(
                answer.root[dynamic: part.string], answer, expected, document, tolerance,
                "\(name) \(path) \(part.string)")
            }
          }
        }
      }
    }
  }

  /// The same names in the same order; the same dtypes and shapes; numbers to |a - b| <= tolerance * max(1, max |b|).
  private func compare(
    _ actual: JSONValue?, _ answer: JSONDocument, _ expected: JSONValue?, _ fixture: JSONDocument, _ tolerance: Double,
    _ place: String
  ) {
    let names = expected?.members.map(\.key.string) ?? []
    let actualNames = actual?.members.map(\.key.string) ?? []
    guard names == actualNames else {
      Issue.record("\(place): has \(actualNames), expected \(names)")
      return
    }
    for ((key, value), (_, expectedValue)) in zip(actual?.members.map { $0 } ?? [], expected?.members.map { $0 } ?? [])
    {
      guard let wanted = try? TensorDecoder(document: fixture).decode(expectedValue, .fallback(.float64)),
        let got = try? decode(value, answer, like: wanted)
      else {
        Issue.record("\(place)/\(key.string): not a tensor")
        continue
      }
      guard got.type == wanted.type else {
        Issue.record("\(place)/\(key.string): is \(got.type), expected \(wanted.type)")
        continue
      }
      let (a, b) = (got.doubles, wanted.doubles)
      let scale = b.filter(\.isFinite).map(abs).reduce(1, max)
      let allowed = wanted.dtype.isFloating ? tolerance * scale : 0
      let fits = zip(a, b).allSatisfy { $0 == $1 || abs($0 - $1) <= allowed || ($0.isNaN && $1.isNaN) }
      if !fits { Issue.record("\(place)/\(key.string): is \(a.prefix(8)), expected \(b.prefix(8))") }
    }
  }

  /// Answers in the encoding "values" are bare numbers, whose dtype and shape only the expectation knows.
  private func decode(_ value: JSONValue, _ document: JSONDocument, like wanted: Tensor) throws -> Tensor {
    guard value.kind != .object else { return try TensorDecoder(document: document).decode(value, .fallback(.float64)) }
    let tensor = try TensorDecoder(document: document).decode(value, .required(wanted.dtype, "the expectation"))
    return tensor.elementCount == 0 && wanted.elementCount == 0 ? wanted : tensor
  }
}

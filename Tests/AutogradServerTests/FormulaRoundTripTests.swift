import AutogradCore
import AutogradFormats
import AutogradGraphs
import Foundation
import Testing

@testable import AutogradServer

/// Graphs of the fixtures, as JSON, as formulas, and as JSON again: they are the same graphs, and give the same
/// answers.
@Suite("Formulas: round trips")
struct FormulaRoundTripTests {
  static let files: [String] = {
    let folder = Project.root.appending(path: "Tests/Fixtures").path
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return all.filter { $0.hasSuffix(".jsonl") }.sorted()
  }()

  private static let limits = GraphLimits(nodes: 1 << 16)

  private func formula(_ json: Data) throws -> String? {
    try json.withDocument { document in
      guard let (source, text) = try? JSONGraphReader.read(document.root, of: document, limits: Self.limits) else {
        return nil
      }
      // What is refused for its names and calls has no formula.
      return try? FormulaPrinter.print(source, text).string
    }
  }

  /// The formula and the JSON of a formula.
  private func forms(_ formula: String) throws -> (text: String, json: Data) {
    let written = ByteBuffer(formula)
    let (source, text) = try FormulaReader.read(written.bytes, limits: Self.limits)
    let json = ByteBuffer()
    try JSONGraphWriter.write(source, text, to: json)
    return (try FormulaPrinter.print(source, text).string, Data(json.bytes))
  }

  private func request(_ line: Data) -> [String: Any]? {
    guard let item = try? JSONSerialization.jsonObject(with: line) as? [String: Any] else { return nil }
    if let request = item["request"] as? [String: Any] { return request }
    guard let text = (item["request"] ?? item["body"]) as? String else { return nil }
    return (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
  }

  /// Twice: what the first round leaves is what the second leaves.
  @Test(arguments: files) func graphsOfFixtures(_ file: String) throws {
    var count = 0
    let lines = try Project.lines("Tests/Fixtures/\(file)")
    // Long files have many of a kind.
    for index in stride(from: 0, to: lines.count, by: lines.count < 900 ? 1 : 4) {
      let line = lines[index]
      guard let graph = request(line)?["graph"] as? [String: Any] else { continue }
      let json = try JSONSerialization.data(withJSONObject: graph)
      guard let text = try formula(json) else { continue }
      do {
        let (again, written) = try forms(text)
        #expect(again == text)
        #expect(try formula(written) == text)
        #expect(try forms(again).json == written)
      } catch let error as FormatError {
        // Among these are graphs without nodes, and derivatives by numbers, which formulas refuse as they are read.
        if file == "bad_requests.jsonl" { continue }
        Issue.record("\(file): \(error.code) \(error.detail)\n\(text)")
      }
      count += 1
    }
    // The others hold no requests, or none with a graph as an object.
    #expect(count > 0 || ["near_values.jsonl", "special_points.jsonl", "special_values.jsonl"].contains(file))
  }

  /// One request in ten of random graphs is answered alike from its formula.
  @Test(arguments: ["operations", "random_graphs_float64", "random_graphs_float32", "tutorial"])
  func answersAreTheSame(_ file: String) throws {
    let server = InProcessServer()
    for (index, line) in try Project.lines("Tests/Fixtures/\(file).jsonl").enumerated() where index % 10 == 0 {
      guard var request = request(line), let graph = request["graph"] as? [String: Any] else { continue }
      request = request.filter { ["graph", "inputs", "dtype", "wrt"].contains($0.key) }
      guard let text = try formula(try JSONSerialization.data(withJSONObject: graph)) else { continue }
      let expected = server.send("POST", "/v1/evaluate", body: try JSONSerialization.data(withJSONObject: request))
      request["graph"] = text
      let answer = server.send("POST", "/v1/evaluate", body: try JSONSerialization.data(withJSONObject: request))
      guard expected.status == 200 else { continue }
      for part in ["outputs", "gradients"] {
        #expect(
          answer.json[part] as? NSDictionary == expected.json[part] as? NSDictionary,
          "\(file) \(index)\n\(text)\n\(answer.body.string)\n\(expected.body.string)")
      }
    }
  }

  // MARK: Gradients

  /// Operations whose derivative is made of something that the catalog does not have.
  private static let withoutFormula: Set = [
    "erfinv", "ndtr", "log_ndtr", "ndtri", "erfcx", "sinc", "i0e", "i1e", "gammainc", "gammaincc", "zeta", "betainc",
    "scatter", "prod", "cumprod", "logcumsumexp", "cummax", "cummin", "det", "slogdet", "eigh", "eigvalsh", "svd",
    "svdvals", "qr", "lstsq", "pinv", "expm",
  ]

  /// The formula of the gradients gives the gradients, for every operation.
  @Test(arguments: OpCatalog.operations.map(\.reference.name)) func gradientFormulas(_ name: String) throws {
    let server = InProcessServer()
    let reference = try #require(OpCatalog.operation(named: name)?.reference)
    for (index, sample) in reference.samples.enumerated() {
      let body = Data(ExampleRequest.text(reference, sample).bytes)
      guard let text = server.send("POST", "/v1/inspect", body: body).json["gradient_text"] as? String else { continue }
      if index == 0, name != "grad" {
        #expect(text.contains("grad(") == Self.withoutFormula.contains(name), "\(text)")
      }
      let expected = server.send("POST", "/v1/evaluate", body: body).json
      guard let gradients = expected["gradients"] as? [String: [String: Any]] else { continue }
      var request = try #require(try JSONSerialization.jsonObject(with: body) as? [String: Any])
      request = request.filter { $0.key == "inputs" }
      request["graph"] = text
      request["gradients"] = false
      let answer = server.send("POST", "/v1/evaluate", body: try JSONSerialization.data(withJSONObject: request))
      let outputs = answer.json["outputs"] as? [String: [String: Any]] ?? [:]
      #expect(Set(outputs.keys) == Set(gradients.keys.map { "grad_" + $0 }), "\(text)\n\(answer.body.string)")
      for (input, gradient) in gradients {
        let found = outputs["grad_" + input]
        #expect(found?["dtype"] as? String == gradient["dtype"] as? String, "\(text)")
        #expect(found?["shape"] as? [Int] == gradient["shape"] as? [Int], "\(text)")
        let (a, b) = (Self.numbers(found?["data"]), Self.numbers(gradient["data"]))
        #expect(a.count == b.count && zip(a, b).allSatisfy(Self.isClose), "\(text)\n\(a)\n\(b)")
      }
    }
  }

  private static func numbers(_ data: Any?) -> [Double] {
    switch data {
    case let list as [Any]: list.flatMap { numbers($0) }
    case let number as Double: [number]
    case let text as String: [Double(text) ?? .nan]
    default: []
    }
  }

  private static func isClose(_ a: Double, _ b: Double) -> Bool {
    a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1)
  }
}

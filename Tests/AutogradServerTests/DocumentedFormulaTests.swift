import AutogradCore
import AutogradGraphs
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// Every graph that a document shows as JSON stands beside it as a formula, and both say the same.
@Suite struct DocumentedFormulaTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var name: String
    /// The graph as JSON text, as it stands there.
    var graph: String
    var formula: String
    /// The whole request and its path, where the document has one.
    var request: Data?
    var path = "/v1/evaluate"
    var testDescription: String { name }
  }

  // MARK: Where they stand

  private static let pages: [String] = {
    let folder = Project.root.appending(path: "docs").path
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    // That of operations is made by the printer; see below.
    return ["README.md"] + files.filter { $0.hasSuffix(".md") && $0 != "operations.md" }.map { "docs/\($0)" }.sorted()
  }()

  /// The formula is the last one before the JSON: in the text as `y = …`, or in a block without a language.
  private static func examples(in page: String) throws -> [Example] {
    let text = String(decoding: try Project.file(page), as: UTF8.self)
    var found: [Example] = []
    var formula = ""
    for (index, part) in text.components(separatedBy: "```").enumerated() {
      if index % 2 == 0 {
        for match in part.matches(of: /`(\w[^`\n]* = [^`\n]+)`/) { formula = String(match.1) }
      } else if part.hasPrefix("\n"), !part.hasPrefix("\n$") {
        formula = part.trimmingCharacters(in: .newlines)
      } else if let graph = graph(in: part) {
        // An answer may hold both forms.
        if let text = part.firstMatch(of: /"text": ("(?:[^"\\]|\\.)*"), "graph": \{/) {
          formula = try JSONDecoder().decode(String.self, from: Data(text.1.utf8))
        }
        let name = "\(page), \(found.count + 1)"
        var example = Example(name: name, graph: graph, formula: formula)
        let command = part.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        if part.hasPrefix("sh\ncurl"), command.count == 3, let path = command[0].firstMatch(of: /localhost:8080(\S+)/) {
          (example.request, example.path) = (Data(command[1].utf8), String(path.1))
        }
        found.append(example)
        formula = ""
      }
    }
    return found
  }

  /// The object that follows `"graph": `.
  private static func graph(in block: String) -> String? {
    guard let start = block.firstRange(of: #""graph": {"#)?.upperBound else { return nil }
    var (depth, end) = (1, start)
    while depth > 0, end < block.endIndex {
      if block[end] == "{" { depth += 1 }
      if block[end] == "}" { depth -= 1 }
      end = block.index(after: end)
    }
    return "{" + block[start..<end]
  }

  private static func files() throws -> [Example] {
    try ExampleFiles.names.map { name in
      let request = try ExampleFiles.request(name)
      let graph = try #require(Self.graph(in: String(decoding: request, as: UTF8.self)))
      let formula = String(decoding: try Project.file("examples/\(name).formula"), as: UTF8.self)
      let path = try #require(ExampleFiles.paths[name])
      return Example(name: name, graph: graph, formula: formula, request: request, path: path)
    }
  }

  private static func all() throws -> [Example] { try pages.flatMap(examples) + files() }

  // MARK: They say the same

  @Test func everyGraphHasItsFormula() throws {
    let examples = try Self.all()
    #expect(examples.count >= 22)
    for example in examples { #expect(!example.formula.isEmpty, "\(example.name) has no formula: \(example.graph)") }
    // None is left out because it is written in another way.
    for page in Self.pages {
      let text = String(decoding: try Project.file(page), as: UTF8.self)
      let graphs = text.matches(of: /"graph": \{/).count
      #expect(try Self.examples(in: page).count == graphs, "\(page)")
    }
  }

  @Test func bothFormsSayTheSame() throws {
    var compared = 0
    for example in try Self.all() {
      if let request = example.request {
        let json = try answer(request, nil, example.path)
        let text = try answer(request, example.formula, example.path)
        #expect(json == text, "\(example.name): \(example.formula)")
      } else {
        #expect(try canonical(example.graph) == canonical(example.formula), "\(example.name)")
      }
      compared += 1
    }
    #expect(compared >= 22)
  }

  /// Without what tells the two forms apart: places, and names of values that a formula puts in place.
  private func answer(_ request: Data, _ formula: String?, _ path: String) throws -> NSDictionary {
    var members = try #require(try JSONSerialization.jsonObject(with: request) as? [String: Any])
    if let formula { members["graph"] = formula }
    let body = try JSONSerialization.data(withJSONObject: members)
    let answer = InProcessServer().send("POST", path, body: body)
    return comparable(answer.json)
  }

  private func comparable(_ answer: [String: Any]) -> NSDictionary {
    let places = ["line", "column", "excerpt", "pointer", "warnings", "node", "operation"]
    return answer.filter { !places.contains($0.key) } as NSDictionary
  }

  private func canonical(_ graph: String) throws -> String {
    let limits = Limits().graphs
    let bytes = ByteBuffer(graph)
    defer { withExtendedLifetime(bytes) {} }
    if !graph.hasPrefix("{") {
      let (source, text) = try FormulaReader.read(bytes.bytes, limits: limits)
      return try FormulaPrinter.print(source, text).string
    }
    let document = try JSONDocument(parsing: bytes.bytes)
    let (source, text) = try JSONGraphReader.read(document.root, of: document, limits: limits)
    return try FormulaPrinter.print(source, text).string
  }

  /// In place of the graph, a file gives the very answer that stands beside it.
  @Test(arguments: ExampleFiles.names) func aFileOfAFormulaGivesTheAnswer(_ name: String) throws {
    var request = try #require(try JSONSerialization.jsonObject(with: ExampleFiles.request(name)) as? [String: Any])
    request["graph"] = String(decoding: try Project.file("examples/\(name).formula"), as: UTF8.self)
    let path = try #require(ExampleFiles.paths[name])
    let body = try JSONSerialization.data(withJSONObject: request, options: .sortedKeys)
    let answer = InProcessServer().send("POST", path, body: body)
    let shown = try JSON(ExampleFiles.answer(name))
    #expect(try JSON(answer) == shown, "\(answer.body.string)")
  }

  // MARK: The reference

  @Test(arguments: OperationsDocument.operations.map(\.reference.name))
  func theReferenceShowsEachExampleAsAFormula(_ name: String) throws {
    let buffer = try #require(OperationsDocument.document(of: name))
    let document = try #require(try JSONSerialization.jsonObject(with: Data(buffer.bytes)) as? [String: Any])
    let example = try #require(document["example"] as? [String: Any])
    let formula = try #require(example["formula"] as? String)
    #expect(!formula.isEmpty && canonicalOrNil(formula) == formula)
    let request = try JSONSerialization.data(withJSONObject: try #require(example["request"]))
    let shown = try #require(example["answer"] as? [String: Any])
    #expect(try answer(request, formula, "/v1/evaluate") == comparable(shown), "\(formula)")
    #expect(Self.reference.contains("\n```\n\(formula)\n```\n\n```json\n{\"graph\""), "\(formula)")
  }

  private static let reference = OperationsPage.text().string

  private func canonicalOrNil(_ formula: String) -> String? { try? canonical(formula) }

  // MARK: Length

  /// Without a blank that JSON does not need.
  private static func minified(_ json: String) throws -> Int {
    var (count, isInText) = (0, false)
    for byte in json.utf8 {
      if byte == UInt8(ascii: "\"") { isInText.toggle() }
      if isInText || byte > UInt8(ascii: " ") { count += 1 }
    }
    return count
  }

  @Test func formulasAreShort() throws {
    let ratios = try Self.all().map { example in
      let formula = example.formula.trimmingCharacters(in: .newlines)
      return Double(try Self.minified(example.graph)) / Double(formula.utf8.count)
    }
    .sorted()
    #expect(ratios[ratios.count / 2] >= 5, "\(ratios)")
  }
}

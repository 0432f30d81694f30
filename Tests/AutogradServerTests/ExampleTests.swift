import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// `examples/NAME.json`, each with what the server answers in `NAME.answer.json`.
enum ExampleFiles {
  private static let folder = Project.root.appending(path: "examples")
  private static let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []

  static let answers = files.filter { $0.hasSuffix(".answer.json") }.map { String($0.dropLast(".answer.json".count)) }
    .sorted()
  static let names = files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(".json".count)) }
    .filter { !$0.hasSuffix(".answer") }.sorted()

  /// Where each is posted: the second column of the README's table.
  static let paths: [String: String] = {
    let text = (try? Project.file("examples/README.md")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let rows = text.matches(of: #/\| \[([^\]]+)\]\([^)]+\) \| `(/v1/[a-z]+)` \|/#).map { (String($0.1), String($0.2)) }
    return Dictionary(rows) { first, _ in first }
  }()

  static func request(_ name: String) throws -> Data { try Project.file("examples/\(name).json") }
  static func answer(_ name: String) throws -> Data { try Project.file("examples/\(name).answer.json") }
}

@Suite("Examples")
struct ExampleTests {
  @Test("The server gives exactly the answer that stands beside the example", arguments: ExampleFiles.names)
  func answer(name: String) throws {
    let path = try #require(ExampleFiles.paths[name])
    let response = InProcessServer().send("POST", path, body: try ExampleFiles.request(name))
    #expect(response.status == 200)
    #expect(response.contentType == "application/json")
    #expect(response.body.string == String(decoding: try ExampleFiles.answer(name), as: UTF8.self))
  }

  @Test("The tutorial's six examples, the network and the second derivatives are there, each with an answer")
  func completeness() {
    #expect(ExampleFiles.names == ExampleFiles.answers)
    let wanted: Set = [
      "add", "reshape", "transpose", "sum", "matmul", "separate", "separate-one-part", "two-layer-network",
      "rosenbrock-hessian",
      "force-from-energy",
    ]
    #expect(wanted.isSubset(of: ExampleFiles.names))
  }

  /// `make demo` takes the order, the paths and the purposes from the README's table.
  @Test("The README lists every example once")
  func readme() throws {
    let text = String(decoding: try Project.file("examples/README.md"), as: UTF8.self)
    let rows = text.split(separator: "\n").compactMap { line -> String? in
      guard line.hasPrefix("| ["), let close = line.firstIndex(of: "]") else { return nil }
      let name = line[line.index(line.startIndex, offsetBy: 3)..<close]
      #expect(line.hasPrefix("| [\(name)](\(name).json) | `/v1/"))
      return String(name)
    }
    #expect(rows.sorted() == ExampleFiles.names)
  }

  /// The README promises the same bytes on every machine: no result may need rounding, so every number has few bits.
  @Test("Every number of an answer is exact", arguments: ExampleFiles.names)
  func exactness(name: String) throws {
    func numbers(_ value: JSON) -> [Double] {
      switch value {
      case .object(let members): members.values.flatMap(numbers)
      case .array(let elements): elements.flatMap(numbers)
      case .integer(let integer): [Double(integer)]
      case .double(let double): [double]
      default: []
      }
    }
    let answer = try JSON(ExampleFiles.answer(name))
    for number in numbers(answer) { #expect((number * 0x1p20).rounded() == number * 0x1p20, "\(number)") }
  }
}

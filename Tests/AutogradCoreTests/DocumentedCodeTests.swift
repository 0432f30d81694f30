import Foundation
import Testing

@testable import AutogradCore

// Foundation has one as well.
typealias Operation = AutogradCore.Operation

/// The operation that CONTRIBUTING.md adds.
struct SquareDifferenceOperation: Operation {
  let reference = OperationReference(
    name: "square_difference", summary: "Square of the difference, element by element.",
    formula: "z = (x - y)^2", operands: ["x", "y"], results: ["z"], dtypes: .numeric,
    shapeRule: "x and y broadcast together",
    derivative: "x: 2 ct (x - y), y: -2 ct (x - y), summed over the axes that were stretched",
    samples: [OperationSample([[2, 3], [3]]), OperationSample([[], []])])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (x, y) = try call.builder.broadcastTogether(call.x, call.y)
    return [(x - y).emit(.square)]
  }
}

/// Swift code in README.md and CONTRIBUTING.md stands here word for word, is compiled and run.
@Suite final class DocumentedCodeTests {
  private var printed: [String] = []
  private func print(_ value: Any) { printed.append("\(value)") }

  private func readme() throws {
    let graph = GraphBuilder()
    let x = graph.variable([[1, 2, 3], [4, 5, 6]])
    let w = graph.variable([[1], [0], [-1]])
    let y = (x.matmul(w) * 2).sum()

    print(try y.evaluate())  // -8.0
    print(try y.backward()[w])  // [[10.0], [14.0], [18.0]]
  }

  @Test func theReadmeIsTrue() throws {
    try readme()
    #expect(printed == ["-8.0", "[[10.0], [14.0], [18.0]]"])
  }

  @Test func theOperationOfTheGuideWorks() throws {
    let builder = GraphBuilder()
    let x = builder.variable([[1, 2, 3], [4, 5, 6]])
    let y = builder.variable([1, 1, 1])
    let z = try builder.apply(SquareDifferenceOperation(), [.value(x), .value(y)])[0]
    #expect(try z.evaluate().doubles == [0, 1, 4, 9, 16, 25])
    #expect(try z.backward()[y].doubles == [-6, -10, -14])
  }

  @Test(arguments: ["README.md", "CONTRIBUTING.md"]) func theCodeIsThatOfTheDocument(_ document: String) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    func lines(_ text: String) -> [String] {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter {
        !$0.isEmpty && !$0.hasPrefix("import ")
      }
    }
    let here = lines(try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)).joined(separator: "\n")
    let text = try String(contentsOf: root.appending(path: document), encoding: .utf8)
    func blocks(_ language: String) -> [String] {
      text.components(separatedBy: "```\(language)\n").dropFirst().compactMap {
        $0.components(separatedBy: "```").first
      }
    }
    // Of a diff that adds an operation, the lines that are added.
    let added = blocks("diff").filter { $0.contains("struct SquareDifferenceOperation") }.map { diff in
      diff.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { $0.hasPrefix("+") }.map { $0.dropFirst() }
        .joined(separator: "\n")
    }
    let blocks = blocks("swift") + added
    #expect(!blocks.isEmpty)
    for block in blocks { #expect(here.contains(lines(block).joined(separator: "\n")), "\(block)") }
  }
}

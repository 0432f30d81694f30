import Foundation
import Testing

@testable import AutogradServer

/// The tables of docs/operating.md are made from what there is. Where they differ, `AUTOGRAD_UPDATE_DOCS=1 swift test
/// --filter OperatingPage` writes them anew.
@Suite(.serialized) struct OperatingPageTests {
  private static let url = Project.root.appending(path: "docs/operating.md")

  private struct Help: Decodable {
    struct Command: Decodable { var arguments: [Argument] }
    struct Argument: Decodable {
      var abstract: String?
      var names: [Name]?
      var isRepeating: Bool
    }
    struct Name: Decodable {
      var kind: String
      var name: String
    }
    var command: Command
  }

  /// From the help of `serve`: `What it is. AUTOGRAD_NAME. (default: value)`.
  private func settings() throws -> [String] {
    let help = try JSONDecoder().decode(Help.self, from: Data(ServeCommand._dumpHelp().utf8))
    let options = help.command.arguments.compactMap { argument in
      argument.names?.first { $0.kind == "long" }.map {
        (name: $0.name, help: argument.abstract ?? "", isRepeating: argument.isRepeating)
      }
    }
    return ["| option | variable | default | meaning |", "|---|---|---|---|"]
      + (try options.filter { !["help", "version", "show-limits"].contains($0.name) }.map { option in
        let match = try #require(
          option.help.wholeMatch(of: /(.+\.) (AUTOGRAD_[A-Z_]+)\. \(default: (.+)\)/),
          "--\(option.name): its help has another form: \(option.help)")
        // The variable of an option that can be given again has several values.
        let name = option.name.uppercased().replacingOccurrences(of: "-", with: "_")
        let names = name.hasSuffix("Y") ? name.dropLast() + "IES" : name + "S"
        let variable = "AUTOGRAD_" + (option.isRepeating ? names : name)
        #expect(match.2 == variable, "--\(option.name)")
        return "| `--\(option.name)` | `\(match.2)` | \(match.3) | \(match.1) |"
      })
  }

  private func metrics() -> [String] {
    ["| metric | type | labels | meaning |", "|---|---|---|---|"]
      + MetricFamily.allCases.map { family in
        "| `\(family.rawValue)` | \(family.kind.rawValue) | \(family.labels.joined(separator: ", ")) | \(family.help) |"
      }
  }

  @Test(arguments: ["settings", "metrics"]) func tableIsCurrent(name: String) throws {
    let current = (name == "settings" ? try settings() : metrics()).joined(separator: "\n")
    let text = String(decoding: try Data(contentsOf: Self.url), as: UTF8.self)
    let marks = ("<!-- \(name) -->\n", "\n<!-- end of \(name) -->")
    let start = try #require(text.range(of: marks.0)?.upperBound)
    let end = try #require(text.range(of: marks.1)?.lowerBound)
    guard text[start..<end] != current else { return }
    guard ProcessInfo.processInfo.environment["AUTOGRAD_UPDATE_DOCS"] != nil else {
      Issue.record("the table of \(name) is not current; it should be\n\(current)")
      return
    }
    try Data(text.replacingCharacters(in: start..<end, with: current).utf8).write(to: Self.url)
  }
}

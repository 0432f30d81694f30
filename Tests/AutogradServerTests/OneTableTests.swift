import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// What is added most often has one table each: members, options, routes, codes, reasons, operations, kernels. A second
/// list of their names would have to be kept up by hand, and whoever adds something would have to know of it.
@Suite struct OneTableTests {
  /// A table, and the files that may hold its names side by side.
  struct Table: Sendable, CustomTestStringConvertible {
    let what: String
    let names: Set<String>
    let home: String
    /// What refers to rows of the table, row by row; each is compared with the table by a test.
    var references: [String] = []
    var testDescription: String { what }
  }

  static let tables = [
    Table(
      what: "members", names: Set(RequestMember.all.map { "\($0.name)" }),
      home: "AutogradServer/Requests/RequestMember.swift", references: ["AutogradServer/Requests/PlanKey.swift"]),
    Table(
      what: "options", names: Set(ServeOptions.settings.map(\.name)),
      home: "AutogradServer/Commands/ServeOptions.swift",
      references: ["AutogradServer/Problems/LimitReason.swift", "AutogradServer/Process/Resources.swift"]),
    Table(
      what: "routes", names: Set(Routes.paths), home: "AutogradServer/Endpoints/Routes.swift",
      references: ["AutogradServer/Problems/Problem+Path.swift", "AutogradServer/Endpoints/PageFiles.swift"]),
    // Each wall has the words that may be said behind it; FormatErrorTests compare them.
    Table(
      what: "codes", names: Set(ProblemCode.allCases.map(\.rawValue)),
      home: "AutogradServer/Problems/ProblemCode.swift",
      references: ["AutogradFormats/FormatError.swift", "AutogradCore/Types/GraphError.swift"]),
    Table(
      what: "reasons", names: Set(LimitReason.allCases.map(\.rawValue)),
      home: "AutogradServer/Problems/LimitReason.swift", references: ["AutogradFormats/FormatError.swift"]),
    // Families of operations: each has its rows in a file of this folder.
    Table(
      what: "operations", names: Set(OpCatalog.operations.map(\.reference.name)), home: "AutogradCore/Ops/",
      references: [
        "AutogradGraphs/Formula/FormulaOperator.swift", "AutogradGraphs/Formula/FormulaPrinterForm.swift",
      ] + derivatives),
  ]

  /// What the primitives of derivatives are in operations.
  private static let derivatives = [
    "DerivativeNode", "DerivativeNode+Axes", "DerivativeNode+Shapes", "DerivativeSource+Terms",
  ]
  .map { "AutogradGraphs/Gradients/\($0).swift" }

  @Test func derivativesAreMadeOfOperationsOfTheCatalog() throws {
    let called = #/(?:call|test|node|append|total|pointwise)\("(\w+)"/#
    let names = try Self.sources().filter { Self.derivatives.contains($0.path) }
      .flatMap { $0.text.matches(of: called).map { String($0.1) } }
    #expect(names.count > 50)
    for name in names { #expect(OpCatalog.operation(named: name) != nil, "\(name)") }
    let printed = ["identity", "constant", "slice", "take", "expand_dims", "transpose"]
    for name in printed { #expect(OpCatalog.operation(named: name) != nil, "\(name)") }
  }

  @Test(arguments: tables) func namesStandInNoSecondList(_ table: Table) throws {
    #expect(table.names.count >= SourceList.least)
    let lists = try Self.literals.get().filter { SourceList.isIn($0.literals, table.names) }.map(\.path)
    for path in lists where !path.hasPrefix(table.home) && !table.references.contains(path) {
      Issue.record("Sources/\(path) lists \(table.what) beside \(table.home): make its list of the table")
    }
    #expect(lists.contains { $0.hasPrefix(table.home) }, "the table itself is not seen as a list")
    for path in table.references { #expect(lists.contains(path), "\(path) lists no \(table.what) any more") }
  }

  /// The constants, and the tables of all instruction sets, are made of the lists in the header.
  @Test func kernelsAreListedOnce() throws {
    for (path, text) in try Self.sources() where path.hasPrefix("CKernels/") {
      let unary = text.matches(of: /\[CK_(?:NEG|EXP|SIN|ERF|RELU|ISNAN|POW|ATAN2|ZETA|EQUAL)\]/)
      #expect(unary.count < SourceList.least, "Sources/\(path) lists kernels beside CKernels.h: make its list of that")
    }
    let header = String(decoding: try Project.file("Sources/CKernels/include/CKernels.h"), as: UTF8.self)
    #expect(header.matches(of: /(?:FLOATS|NUMBERS|BOOLS|ALL)\([A-Z0-9_]+, \w+\)/).count > 90)
  }

  // MARK: References

  @Test func referencesLeadSomewhere() throws {
    let options = Set(ServeOptions.settings.map { "--\($0.name)" })
    for reason in LimitReason.allCases { #expect(options.contains(reason.option), "\(reason)") }
    var paths = 0
    for (file, literals) in try Self.literals.get() where file.hasPrefix("AutogradServer/") {
      for literal in literals.map(\.text) {
        if literal.wholeMatch(of: /--[a-z-]+/) != nil { #expect(options.contains(literal), "\(file): \(literal)") }
        if literal.wholeMatch(of: /\/v1\/[a-z]+/) == nil { continue }
        paths += 1
        #expect(Routes.paths.contains(literal), "\(file): \(literal)")
      }
    }
    #expect(paths > 15)
  }

  /// What has tensors is told apart by name there, as fast as it can be; every other member goes by its text.
  @Test func keysTellMembersWithTensorsApart() throws {
    let members = Set(RequestMember.all.map { "\($0.name)" })
    let tensors = RequestMember.all.filter { [.tensors, .otherTensors].contains($0.metadata) }.map { "\($0.name)" }
    let file = try #require(Self.literals.get().first { $0.path == "AutogradServer/Requests/PlanKey.swift" })
    let named = file.literals.map(\.text).filter(members.contains)
    // `encoding` is that of a tensor.
    #expect(Set(named) == Set(tensors + ["graph", "encoding"]))
  }

  /// Which thread a client goes to is decided in C before its request is read.
  @Test func probesAreTheRoutesThatAreProbes() throws {
    let text = String(decoding: try Project.file("Sources/CMicroHTTPD/accept.c"), as: UTF8.self)
    let known = text.matches(of: /starts_with\(&text, &size, "(\/\w+)"\)/).map { String($0.1) }
    let probes = Routes.all(limits: Limits()) { true }.filter(\.isProbe).map(\.path)
    #expect(known.sorted() == probes.sorted())
  }

  /// `inspect` takes what any endpoint does.
  @Test func inspectTakesAllMembers() throws {
    let document = try JSON(Project.file("Sources/CEmbedded/openapi.json"))
    let schema = try #require(document["components"]?["schemas"]?["InspectRequest"]?["properties"])
    #expect(schema.members.keys.sorted() == RequestMember.all.map { "\($0.name)" }.sorted())
  }

  // MARK: What counts as a list

  @Test func aSecondListIsFound() {
    let names: Set = ["graph", "inputs", "of", "wrt", "batch"]
    for list in [
      #"let all = ["graph", "inputs", "of", "wrt"]"#,
      "switch name {\ncase \"graph\": 1\ncase \"inputs\": 2\ncase \"of\": 3\ncase \"batch\": 4\n}",
      #"[("/graph", root["graph"]), ("/inputs", root["inputs"]), ("/of", root["of"]), ("/wrt", root["wrt"])]"#,
    ] {
      #expect(SourceList.isIn(SourceList.literals(list), names), "\(list)")
    }
    for other in [
      #"let some = ["graph", "inputs", "of", "of"]"#, #"root["graph"], root["inputs"], root["of"], root["wrt"]"#,
      #"flag("graph"); flag("inputs"); flag("of"); flag("wrt")"#, #"// "graph", "inputs", "of", "wrt""#,
      #""graph""# + String(repeating: "\n", count: 20) + #"["inputs", "of", "wrt"]"#,
    ] {
      #expect(!SourceList.isIn(SourceList.literals(other), names), "\(other)")
    }
  }

  // MARK: What CONTRIBUTING.md shows

  /// The examples of "How to add…" are diffs: what they take away or stand beside is in the file that is named before
  /// them, and each section is short.
  @Test func examplesFitTheSources() throws {
    let page = String(decoding: try Project.file("CONTRIBUTING.md"), as: UTF8.self)
    let start = try #require(page.range(of: "\n## How to add…")?.upperBound)
    let end = try #require(page.range(of: "\n## Documents")?.lowerBound)
    var (file, isDiff, changed, compared) = ("", false, 0, 0)
    for line in page[start..<end].split(separator: "\n") {
      let line = line.drop { $0 == " " }
      if line.hasPrefix("##") { changed = 0 }
      if line.hasPrefix("```") {
        isDiff = line == "```diff"
      } else if !isDiff {
        if let path = line.firstMatch(of: /`((?:Sources\/[^` ]+|openapi\.yaml))`/) { file = String(path.1) }
      } else {
        if line.hasPrefix("+") || line.hasPrefix("-") { changed += 1 }
        #expect(changed <= 20, "\(line)")
        if line.hasPrefix("+") { continue }
        let old = line.drop { "- ".contains($0) }
        compared += 1
        #expect(String(decoding: try Project.file(file), as: UTF8.self).contains(old), "\(file) has no \(old)")
      }
    }
    #expect(compared >= 10)
  }

  // MARK: Sources

  /// Every file that somebody wrote, by its path under Sources.
  private static func sources() throws -> [(path: String, text: String)] {
    let root = Project.root.appending(path: "Sources")
    let paths = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
    let written = paths.filter { path in ["swift", "c", "h", "inc"].contains { path.hasSuffix(".\($0)") } }
    #expect(written.count > 250)
    return try written.map { ($0, String(decoding: try Data(contentsOf: root.appending(path: $0)), as: UTF8.self)) }
  }

  /// Read once for all tables.
  private static let literals = Result { try sources().map { (path: $0.path, literals: SourceList.literals($0.text)) } }
}

/// Names that stand in source text as a list does: at least ``least`` different ones within ``reach`` lines.
private enum SourceList {
  typealias Literal = (line: Int, text: String)

  static let least = 4
  private static let reach = 10

  /// String literals that are not read from something: `root["wrt"]`, `flag("stacked"`, `x.applying("abs")`.
  static func literals(_ text: String) -> [Literal] {
    var found: [Literal] = []
    for (number, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
    {
      guard line.contains(UInt8(ascii: "\"")) else { continue }
      let line = Substring(line).drop { $0 == " " }
      if line.hasPrefix("//") { continue }
      let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
      for index in stride(from: 1, to: parts.count - 1, by: 2) {
        let (before, after) = (parts[index - 1], parts[index + 1])
        // A list of one name has a blank before its bracket.
        let isSubscript = before.hasSuffix("[") && !before.hasSuffix(" [") && after.hasPrefix("]")
        if isSubscript || before.hasSuffix("flag(") || before.hasSuffix("applying(") { continue }
        found.append((number, String(parts[index])))
      }
    }
    return found
  }

  static func isIn(_ literals: [Literal], _ names: Set<String>) -> Bool {
    let hits = literals.compactMap { literal -> Literal? in
      // Members come as pointers too, options with their dashes.
      for name in [literal.text, literal.text.dropping("--"), literal.text.dropping("/")] where names.contains(name) {
        return (literal.line, name)
      }
      return nil
    }
    return hits.indices.contains { start in
      Set(hits[start...].prefix { $0.line < hits[start].line + reach }.map(\.text)).count >= least
    }
  }
}

extension String {
  fileprivate func dropping(_ prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self }
}

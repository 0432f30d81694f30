import Foundation
import Testing

@testable import AutogradCore

/// Value and first derivative of every elementwise operation within 8 units in the last place, over its whole domain,
/// by every table of kernels that the processor has; and docs/accuracy.md claims no less than is measured.
///
/// `make accuracy` makes larger tables in a folder, and measures those too (`AUTOGRAD_ACCURACY`).
/// `AUTOGRAD_UPDATE_DOCS=1` writes the page anew from what was measured.
@Suite struct AccuracyTests {
  private static let folder = ProcessInfo.processInfo.environment["AUTOGRAD_ACCURACY"].map { URL(filePath: $0) }
  private static let writes = ProcessInfo.processInfo.environment["AUTOGRAD_UPDATE_DOCS"] != nil
  private static let tables = AccuracyTable.stored + (folder.map(AccuracyTable.tables) ?? [])

  @Test(arguments: tables) func errorsAreSmall(_ table: AccuracyTable) throws {
    let measured = try AccuracyMeasurement(table)
    let faults = measured.faults
    if !faults.isEmpty {
      let shown = faults.prefix(6).joined(separator: "\n  ")
      Issue.record(
        """
        \(table.testDescription): \(faults.count) of \(measured.overMost) results over 8 ulp without excuse
          \(shown)
        """
      )
    }
    if !Self.writes { try expectClaimed(table, measured) }
  }

  /// What is measured by hand is what plans compute: the best table's bits.
  @Test(arguments: AccuracyTable.stored) func theBestTableIsThatOfPlans(_ table: AccuracyTable) throws {
    let graph = try AccuracyMeasurement.graph(table)
    let best = try #require(TableInterpreter.all.first { $0.table == Kernels.best })
    let (ours, theirs) = (try best.run(graph, table.operands), try Plan(graph).run(table.operands))
    #expect(zip(ours, theirs).allSatisfy { $0.sameBits(as: $1) })
  }

  @Test func everyOperationIsMeasured() throws {
    let measured = Set(Self.tables.map(\.operation))
    for operation in OpCatalog.operations
    where try operation.isElementwise && !Self.exact.contains(operation.reference.name) {
      #expect(
        measured.contains(operation.reference.name),
        "\(operation.reference.name) has no table in Tests/Fixtures/accuracy")
    }
    #expect(Self.tables.allSatisfy { $0.count >= 500 })
  }

  /// Each rounds once, or moves numbers; of the incomplete functions mpmath takes seconds a point: a test of their own
  /// measures them.
  private static let exact: Set = [
    "add", "sub", "mul", "neg", "abs", "identity", "sign", "floor", "ceil", "round", "trunc", "relu", "leaky_relu",
    "clip", "maximum",
    "minimum", "remainder", "cast", "stop_gradient", "broadcast_to", "squeeze", "betainc", "gammainc",
    "gammaincc",
  ]

  // MARK: The page

  private static let page = AccuracyTable.root.appending(path: "docs/accuracy.md")

  private func expectClaimed(_ table: AccuracyTable, _ measured: AccuracyMeasurement) throws {
    #if arch(x86_64)
      // The page was measured where functions of AVX-512, which are others, could not run.
      if TableInterpreter.all.contains(where: { $0.name == "avx512" }) { return }
      let text = String(decoding: (try? Data(contentsOf: Self.page)) ?? Data(), as: UTF8.self)
      guard let row = AccuracyPage.rows(in: text)[table.label] else {
        Issue.record("docs/accuracy.md has no row for \(table.label): run make accuracy")
        return
      }
      let claims = row.claims(table.dtype)
      let largest = AccuracyPage.largest(measured)
      for (place, kind) in ["value", "derivative"].enumerated() where largest[place] > claims[place] {
        Issue.record(
          """
          \(table.testDescription): the \(kind) is off by \(largest[place]) ulp, \
          docs/accuracy.md claims \(claims[place])
          """
        )
      }
    #endif
  }

  @Test func writesThePage() throws {
    guard Self.writes else { return }
    var rows: [String: AccuracyPage.Row] = [:]
    var errors: [String: [String]] = [:]
    for table in Self.tables {
      let measured = try AccuracyMeasurement(table)
      rows[table.label, default: AccuracyPage.Row()].add(table, measured)
      guard table.operands.count == 1 else { continue }
      let lines = zip(table.operands[0].doubles, measured.errors).map { "\($0) \($1.value) \($1.derivative)" }
      errors[table.testDescription, default: []] += lines
    }
    let text = String(decoding: try Data(contentsOf: Self.page), as: UTF8.self)
    try Data(AccuracyPage.writing(rows, into: text).utf8).write(to: Self.page)
    // For the charts.
    guard let folder = Self.folder else { return }
    for (name, lines) in errors {
      try Data(lines.joined(separator: "\n").utf8).write(to: folder.appending(path: "\(name).errors"))
    }
  }
}

extension Tensor {
  fileprivate func sameBits(as other: Tensor) -> Bool {
    zip(doubles, other.doubles).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
  }
}

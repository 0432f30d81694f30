import AutogradFormats
import Testing

@testable import AutogradGraphs

@Suite struct NameTableTests {
  /// Names live as long as the texts that they are borrowed from.
  private func withNames<R>(_ texts: [String], _ body: ([SourceName]) throws -> R) rethrows -> R {
    let bytes = texts.map { Array($0.utf8) }
    let all = bytes.flatMap { $0 }
    return try all.withUnsafeBytes { all in
      var start = 0
      let names = bytes.map { text in
        defer { start += text.count }
        return SourceName(UnsafeRawBufferPointer(rebasing: all[start..<start + text.count]))
      }
      return try body(names)
    }
  }

  @Test func namesAreNumberedInTheirOrder() {
    let texts = (0..<1000).map { "name\($0)" }
    for capacity in [0, 1000] {
      withNames(texts + ["name7", "other"]) { names in
        var table = NameTable(capacity: capacity)
        for (number, name) in names.prefix(1001).enumerated() {
          let isNew = table.define(name)
          #expect(isNew == (number < 1000))
        }
        #expect(table.count == 1000)
        #expect(table[names[1000]] == 7)
        #expect(table[names[1001]] == nil)
        for (number, text) in texts.enumerated() { #expect(table.name(number).string == text) }
      }
    }
  }

  @Test(arguments: [
    ("", "1 to 256 bytes"), ("a\u{1}", "control"), ("a\u{85}", "control"), ("NaN", "a number"),
    ("-Infinity", "a number"),
    ("_12", "reserved"), (String(repeating: "é", count: 129), "got 258"),
  ])
  func someNamesAreRefused(_ text: String, _ words: String) {
    withNames([text]) { #expect(NameTable.refusal(of: $0[0])?.contains(words) == true) }
  }

  @Test(arguments: ["a", "_", "_1a", "µ", "NaNs", "a b", String(repeating: "é", count: 128)])
  func othersAreNot(_ text: String) {
    withNames([text]) { #expect(NameTable.refusal(of: $0[0]) == nil) }
  }
}

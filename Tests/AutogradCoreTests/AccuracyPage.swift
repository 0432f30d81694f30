@testable import AutogradCore

/// The table of docs/accuracy.md.
enum AccuracyPage {
  struct Row {
    /// float64 value and derivative, float32 value and derivative.
    var largest = [0.0, 0, 0, 0]
    var points = 0
    var over = 0
    var excused = 0

    func claims(_ dtype: DType) -> [Double] { Array(dtype == .float64 ? largest[..<2] : largest[2...]) }

    mutating func add(_ table: AccuracyTable, _ measured: AccuracyMeasurement) {
      let first = table.dtype == .float64 ? 0 : 2
      for (place, error) in AccuracyPage.largest(measured).enumerated() {
        largest[first + place] = max(largest[first + place], error)
      }
      points += table.count
      over += measured.overMost
      excused += measured.excused
    }

    func text(_ label: String) -> String {
      "| \(label) | " + largest.map { "\($0)" }.joined(separator: " | ") + " | \(points) | \(over) | \(excused) |"
    }
  }

  private static let start =
    "| operation | float64 value | derivative | float32 value | derivative | points | over 8 | excused |"
  private static let rule = "|---|---:|---:|---:|---:|---:|---:|---:|"

  /// The value's largest error and that of the derivatives, upwards to hundredths.
  static func largest(_ measured: AccuracyMeasurement) -> [Double] {
    let errors = measured.worst.map { AccuracyMeasurement.rounded($0.error) }
    return [errors[0], errors.dropFirst().max() ?? 0]
  }

  static func rows(in page: String) -> [String: Row] {
    var rows: [String: Row] = [:]
    for line in page.split(separator: "\n") {
      let cells = line.split(separator: "|").map { cell in
        String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
      let numbers = cells.dropFirst().compactMap { Double($0) }
      guard cells.count == 8, numbers.count == 7 else { continue }
      rows[cells[0]] = Row(
        largest: Array(numbers.prefix(4)), points: Int(numbers[4]), over: Int(numbers[5]), excused: Int(numbers[6]))
    }
    return rows
  }

  /// The page with this table in place of the one that stands there.
  static func writing(_ rows: [String: Row], into page: String) -> String {
    let table = ([start, rule] + rows.sorted { $0.key < $1.key }.map { $1.text($0) })
    var lines = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let first = lines.firstIndex(of: start) else { return page }
    let last = lines[first...].firstIndex { !$0.hasPrefix("|") } ?? lines.endIndex
    lines.replaceSubrange(first..<last, with: table)
    return lines.joined(separator: "\n")
  }
}

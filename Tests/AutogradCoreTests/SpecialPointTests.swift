import AutogradTestSupport
import Testing

@testable import AutogradCore

/// All modes agree, everywhere: derivatives of orders 1 to 4 of every elementwise operation, by every composition of
/// forward and reverse mode, at ordinary and at special points, against derivatives from 60 digits or the documented
/// convention.
@Suite struct SpecialPointTests {
  /// Failures told of one operation; the rest are counted.
  private static let told = 12

  @Test(arguments: SpecialPoints.groups) func derivativesAreThoseOfMathematics(_ group: SpecialPoints.Group) throws {
    let ways = try DerivativePaths(group)
    let indices = group.indices
    var faults: [String] = []
    var wrong = 0
    for (place, index) in indices.enumerated() {
      let order = index.reduce(0, +)
      let paths = ways.paths.indices.filter { ways.paths[$0].index(group.variables.count) == index }
      for (number, point) in group.points.enumerated() {
        let (expected, tolerance) = (point.expected[place], point.tolerance(place, order: order))
        let failing = paths.filter { !expected.admits(ways.results[$0][number], tolerance: tolerance) }
        if failing.isEmpty { continue }
        wrong += failing.count
        let answers = Dictionary(grouping: failing) { "\(ways.results[$0][number])" }.map { answer, paths in
          "\(answer) by " + paths.map { "\(ways.paths[$0].variables):\(ways.paths[$0].modes)" }.joined(separator: " ")
        }
        faults.append(
          "at \(point.operands), derivative \(index): expected \(expected), got \(answers.joined(separator: "; "))")
      }
    }
    if !faults.isEmpty {
      let rest = faults.count > Self.told ? ["and \(faults.count - Self.told) more"] : []
      Issue.record(
        """
        \(group.label): \(wrong) derivatives are wrong
          \((faults.prefix(Self.told) + rest).joined(separator: "\n  "))
        """
      )
    }
  }

  /// Where nothing is promised of a derivative, still one way must not give a number where another gives none.
  @Test(arguments: SpecialPoints.groups) func modesAgree(_ group: SpecialPoints.Group) throws {
    let ways = try DerivativePaths(group)
    var faults: [String] = []
    for index in group.indices {
      let paths = ways.paths.indices.filter { ways.paths[$0].index(group.variables.count) == index }
      guard let first = paths.first else { continue }
      for (number, point) in group.points.enumerated() {
        let reference = ways.results[first][number]
        for path in paths.dropFirst() {
          let other = ways.results[path][number]
          let agree = reference.isFinite == other.isFinite
          if !agree {
            faults.append(
              "at \(point.operands): \(reference) by \(ways.paths[first].modes), \(other) by \(ways.paths[path].modes)")
            break
          }
        }
      }
    }
    #expect(faults.isEmpty, "\(group.label): \(faults.prefix(Self.told).joined(separator: "\n  "))")
  }

  /// How much is compared: what is not read fails here, not in silence.
  @Test func theFixturesAreWhole() {
    let points = SpecialPoints.groups.reduce(0) { $0 + $1.points.count }
    #expect(points >= 3500, "\(points) points")
    for group in SpecialPoints.groups {
      for point in group.points where point.expected.count != group.indices.count {
        Issue.record(
          "\(group.label) at \(point.operands) has \(point.expected.count) expectations, not \(group.indices.count)")
      }
    }
  }

  /// A new elementwise operation must get points: it is one if each element of its result depends on the same element
  /// of its operands only.
  @Test func everyElementwiseOperationHasPoints() throws {
    let covered = Set(SpecialPoints.groups.map(\.operation))
    for operation in OpCatalog.operations
    where try operation.isElementwise && !Self.exempt.contains(operation.reference.name) {
      #expect(
        covered.contains(operation.reference.name), "\(operation.reference.name) has no line in special_points.jsonl")
    }
  }

  /// A cast is no function of numbers alone, what stops gradients has none, and shapes are not numbers.
  private static let exempt: Set = ["cast", "stop_gradient", "broadcast_to", "squeeze"]
}

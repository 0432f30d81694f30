import Foundation
import Testing

@testable import AutogradCore

/// Sums over eigenvalues and singular values that coincide, or nearly: to the fourth order, forwards and backwards in
/// any turn, a derivative is right or it is NaN. `Tests/Fixtures/near_values.py` makes the lines.
@Suite struct NearValueTests {
  private static let orders = 4

  struct Line: Sendable, Decodable {
    var name: String
    var operation: String
    var function: String
    var gap: Double
    var a: [[Double]]
    var direction: [[Double]]
    var expected: [Double]

    var shape: Shape { [a.count, a.first?.count ?? 0] }
    func tensor(_ rows: [[Double]]) -> Tensor { Tensor(rows.flatMap { $0 }, shape: shape) }
  }

  /// The lines that differ by their matrix alone: they share a graph.
  struct Group: Sendable, CustomTestStringConvertible {
    var lines: [Line]
    var testDescription: String { lines.first.map { "\($0.function) of \($0.operation), \($0.shape)" } ?? "nothing" }
  }

  static let groups: [Group] = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = (try? Data(contentsOf: root.appending(path: "Fixtures/near_values.jsonl"))) ?? Data()
    let lines = data.split(separator: UInt8(ascii: "\n")).compactMap {
      try? JSONDecoder().decode(Line.self, from: Data($0))
    }
    return Dictionary(grouping: lines) { "\($0.function) \($0.operation) \($0.shape)" }.values.map { Group(lines: $0) }
  }()

  @Test func thereAreLines() {
    #expect(Self.groups.flatMap(\.lines).count == 128)
  }

  private static func sum(_ line: Line, _ x: Value) -> Value {
    let values = x.applying(line.operation)
    switch line.function {
    case "cube": return (values * values * values).sum()
    case "fourth": return values.applying("square").applying("square").sum()
    case "sum": return values.sum()
    default: return values.applying(line.function).sum()
    }
  }

  /// Backwards where the bit of the order is set.
  @Test(arguments: groups, [0b1111, 0b0000, 0b0101, 0b1010, 0b0011, 0b1100])
  func derivativesAreRightOrNaN(_ group: Group, _ pattern: Int) throws {
    let first = try #require(group.lines.first)
    let builder = GraphBuilder()
    let x = builder.input("a", .float64, first.shape)
    let e = builder.constant(first.tensor(first.direction))
    var y = Self.sum(first, x)
    var results = [y]
    for order in 0..<Self.orders {
      if pattern >> order & 1 == 1 {
        y = (y.gradient(withRespectTo: x) * e).sum()
      } else {
        y = builder.tangents(of: [y], along: [(x, e)])[0] ?? builder.zeros(y.type)
      }
      results.append(y)
    }
    let plan = try Plan(builder.graph(outputs: results))
    for line in group.lines {
      let numbers = try plan.run([line.tensor(line.a)]).map { $0.doubles[0] }
      for (order, (actual, right)) in zip(numbers, line.expected).enumerated() {
        let isLost = !actual.isFinite && line.gap < Self.nearest(order, isForward: pattern & 3 == 0)
        #expect(
          isLost || abs(actual - right) <= Self.tolerance(order) * max(1, abs(right)),
          "\(line.name), order \(order), ways \(pattern): \(actual) for \(right)")
      }
    }
  }

  private static func tolerance(_ order: Int) -> Double { order < 2 ? 1e-12 : order == 2 ? 1e-7 : 1e-5 }

  /// The distance of the values from which on there is a derivative.
  private static func nearest(_ order: Int, isForward: Bool) -> Double {
    [[0, 0, 0, 1e-9, 1e-4], [0, 0, 1e-9, 1e-4, 1e-2]][isForward ? 1 : 0][order]
  }
}

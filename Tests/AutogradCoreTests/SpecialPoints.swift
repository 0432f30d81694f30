import Foundation
import Testing

@testable import AutogradCore

/// The lines of `Tests/Fixtures/special_points.jsonl`: derivatives of elementwise operations at points where rules go
/// wrong.
enum SpecialPoints {
  /// What a derivative is expected to be; `Tests/Fixtures/special_conventions.py` defines the words.
  enum Expectation: Sendable, Decodable, CustomStringConvertible {
    case number(Double)
    case unbounded, corner, any

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let number = try? value.decode(Double.self) {
        self = .number(number)
        return
      }
      switch try value.decode(String.self) {
      case "NaN": self = .number(.nan)
      case "Infinity": self = .number(.infinity)
      case "-Infinity": self = .number(-.infinity)
      case "unbounded": self = .unbounded
      case "corner": self = .corner
      case "any": self = .any
      case let other: throw DecodingError.dataCorruptedError(in: value, debugDescription: "\(other) is no expectation")
      }
    }

    var description: String {
      if case .number(let number) = self { return "\(number)" }
      return ["unbounded", "corner", "any"][self.isUnbounded ? 0 : self.isCorner ? 1 : 2]
    }

    private var isUnbounded: Bool { if case .unbounded = self { true } else { false } }
    private var isCorner: Bool { if case .corner = self { true } else { false } }

    /// - Parameter tolerance: relative; of an expected 0 absolute.
    func admits(_ actual: Double, tolerance: Double) -> Bool {
      switch self {
      case .number(let expected):
        if expected.isNaN { return actual.isNaN }
        if !expected.isFinite || expected == actual { return expected == actual }
        return abs(actual - expected) <= tolerance * (expected == 0 ? 1 : abs(expected)) + SpecialPoints.underflow
      case .unbounded: return !actual.isFinite
      case .corner: return !actual.isFinite || actual == 0
      case .any: return true
      }
    }
  }

  struct Point: Sendable {
    var operands: [Double]
    /// The value, then the derivatives in the order of ``Group/indices``.
    var expected: [Expectation]
    /// By place in `expected`.
    var tolerances: [Int: Double]

    func tolerance(_ place: Int, order: Int) -> Double { max(tolerances[place] ?? 0, SpecialPoints.allowed[order]) }
  }

  /// All points of one operation with one set of attributes.
  struct Group: Sendable, CustomTestStringConvertible {
    var operation: String
    var attributes: [String: AttributeValue]
    /// The operands that derivatives are taken by: one or two.
    var variables: [Int]
    var points: [Point]
    /// What attributes say, for names of tests.
    var label: String

    var testDescription: String { label }

    /// Which derivatives a point lists: how often by each variable, [0] or [0, 0] first.
    var indices: [[Int]] {
      (0...SpecialPoints.order).flatMap { total in
        variables.count == 1 ? [[total]] : (0...total).map { [total - $0, $0] }
      }
    }

    func tensor(_ operand: Int) -> Tensor { Tensor(points.map { $0.operands[operand] }) }
  }

  static let order = 4
  /// Relative, of the value and of each order of derivatives.
  static let allowed = [1e-13, 1e-9, 1e-9, 1e-6, 1e-6]
  /// Numbers below are subnormal, or were on the way.
  static let underflow = 1e-307

  /// A line of the file.
  private struct Line: Decodable {
    var operation: String
    var attributes: [String: Attribute]?
    var wrt: [Int]?
    var at: [Expectation]
    var expected: [Expectation]
    var tolerances: [String: Double]?

    var label: String {
      ([operation] + (attributes ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }).joined(
        separator: " ")
    }

    var point: Point {
      let tolerances = (tolerances ?? [:]).compactMap { key, value in Int(key).map { ($0, value) } }
      let operands = at.map { if case .number(let number) = $0 { number } else { Double.nan } }
      return Point(operands: operands, expected: expected, tolerances: Dictionary(tolerances) { first, _ in first })
    }
  }

  /// A line that cannot be read leaves a group of no operation, which fails.
  static let groups: [Group] = {
    var groups: [Group] = []
    var places: [String: Int] = [:]
    let decoder = JSONDecoder()
    for text in lines {
      guard let line = try? decoder.decode(Line.self, from: text) else {
        let shown = String(decoding: text.prefix(80), as: UTF8.self)
        groups.append(
          Group(
            operation: shown, attributes: [:], variables: [0], points: [], label: "a line that cannot be read: \(shown)"
          ))
        continue
      }
      if let place = places[line.label] {
        groups[place].points.append(line.point)
      } else {
        places[line.label] = groups.count
        groups.append(
          Group(
            operation: line.operation, attributes: (line.attributes ?? [:]).mapValues(\.value),
            variables: line.wrt ?? Array(line.at.indices), points: [line.point], label: line.label))
      }
    }
    return groups
  }()

  private static var lines: [Data] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = (try? Data(contentsOf: root.appending(path: "Fixtures/special_points.jsonl"))) ?? Data()
    return data.split(separator: UInt8(ascii: "\n")).map { Data($0) }
  }

  /// What an attribute can be here: a number or a text.
  enum Attribute: Decodable {
    case number(Double)
    case text(String)

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let number = try? value.decode(Double.self) {
        self = .number(number)
      } else {
        self = .text(try value.decode(String.self))
      }
    }

    var value: AttributeValue {
      switch self {
      case .text(let text): .text(text)
      case .number(let number): Int(exactly: number).map { .integer($0) } ?? .number(number)
      }
    }

    var text: String {
      switch self {
      case .text(let text): text
      case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
      }
    }
  }
}

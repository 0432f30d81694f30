import Foundation
import Testing

@testable import AutogradCore

/// The lines of `Tests/Fixtures/special_points.jsonl`: derivatives of elementwise operations at points where rules go wrong.
enum SpecialPoints {
  /// What a derivative is expected to be; `Tests/Fixtures/special_conventions.py` defines the words.
  enum Expectation: Sendable, CustomStringConvertible {
    case number(Double)
    case unbounded, corner, any

    init?(_ text: Any) {
      switch text {
      case let number as Double: self = .number(number)
      case "NaN" as String: self = .number(.nan)
      case "Infinity" as String: self = .number(.infinity)
      case "-Infinity" as String: self = .number(-.infinity)
      case "unbounded" as String: self = .unbounded
      case "corner" as String: self = .corner
      case "any" as String: self = .any
      default: return nil
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

  static let groups: [Group] = {
    var groups: [Group] = []
    var places: [String: Int] = [:]
    for line in lines {
      guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any], let name = object["operation"] as? String,
        let operands = (object["at"] as? [Any])?.compactMap(operand), let words = object["expected"] as? [Any]
      else { continue }
      let attributes = object["attributes"] as? [String: Any] ?? [:]
      let label = ([name] + attributes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }).joined(separator: " ")
      let tolerances = (object["tolerances"] as? [String: Double] ?? [:]).compactMap { key, value in Int(key).map { ($0, value) } }
      let point = Point(
        operands: operands, expected: words.compactMap(Expectation.init), tolerances: Dictionary(tolerances) { first, _ in first })
      if let place = places[label] {
        groups[place].points.append(point)
      } else {
        places[label] = groups.count
        let variables = object["wrt"] as? [Int] ?? Array(operands.indices)
        groups.append(
          Group(operation: name, attributes: attributes.compactMapValues(attribute), variables: variables, points: [point], label: label))
      }
    }
    return groups
  }()

  private static var lines: [Data] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = (try? Data(contentsOf: root.appending(path: "Fixtures/special_points.jsonl"))) ?? Data()
    return data.split(separator: UInt8(ascii: "\n")).map { Data($0) }
  }

  private static func operand(_ text: Any) -> Double? {
    if case .number(let number)? = Expectation(text) { return number }
    return nil
  }

  private static func attribute(_ value: Any) -> AttributeValue? {
    if let text = value as? String { return .text(text) }
    guard let number = value as? Double else { return nil }
    return Int(exactly: number).map { .integer($0) } ?? .number(number)
  }
}

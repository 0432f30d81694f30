import Foundation
import Testing

@testable import AutogradCore

/// Right values and first derivatives of one elementwise operation in one dtype: a file that
/// `Tests/Fixtures/accuracy_tables.py` makes.
struct AccuracyTable: Sendable, CustomTestStringConvertible {
  /// A value, or the derivative by one operand, at each point.
  struct Quantity: Sendable {
    /// The double nearest to what is right; NaN where that is beyond the dtype's range.
    var nearest: [Double]
    /// What `nearest` lacks, in units of its last place; for float32 nothing.
    var rest: [Double]
    /// How many last places one last place of the operands changes.
    var conditioning: [Double]
  }

  var operation: String
  var attributes: [String: AttributeValue]
  var dtype: DType
  var operands: [Tensor]
  var quantities: [Quantity]

  var count: Int { operands.first?.elementCount ?? 0 }
  /// As in the page: with the attributes that are not defaults.
  var label: String {
    ([operation] + attributes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.shown)" }).joined(separator: ", ")
  }
  var testDescription: String { "\(label) \(dtype)" }

  private struct Head: Decodable {
    var operation: String
    var attributes: [String: SpecialPoints.Attribute]
    var dtype: String
    var operands: Int
    var count: Int
  }

  init(reading data: Data) throws {
    let end = try #require(data.firstIndex(of: UInt8(ascii: "\n")))
    let head = try JSONDecoder().decode(Head.self, from: data[..<end])
    operation = head.operation
    attributes = head.attributes.mapValues(\.value)
    let isWide = head.dtype == "float64"
    dtype = isWide ? .float64 : .float32
    var columns = Columns(bytes: [UInt8](data[(end + 1)...]), count: head.count)
    operands = []
    for _ in 0..<head.operands {
      operands.append(isWide ? Tensor(try columns.next() as [Double]) : Tensor(try columns.next() as [Float]))
    }
    quantities = []
    for _ in 0...head.operands {
      let nearest: [Double] = try columns.next()
      let rest =
        isWide ? (try columns.next() as [Int8]).map { Double($0) / 256 } : Array(repeating: 0, count: head.count)
      quantities.append(
        Quantity(nearest: nearest, rest: rest, conditioning: (try columns.next() as [Float]).map(Double.init)))
    }
  }

  private struct Columns {
    var bytes: [UInt8]
    var count: Int
    var position = 0

    mutating func next<Number>() throws -> [Number] {
      let size = count * MemoryLayout<Number>.stride
      try #require(position + size <= bytes.count, "the table is too short")
      defer { position += size }
      return bytes[position..<(position + size)].withUnsafeBytes { slice in
        (0..<count).map { slice.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.stride, as: Number.self) }
      }
    }
  }

  /// Those of a folder, by name.
  static func tables(_ folder: URL) -> [AccuracyTable] {
    let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    return files.filter { $0.pathExtension == "bin" }.sorted { $0.lastPathComponent < $1.lastPathComponent }.compactMap
    {
      (try? Data(contentsOf: $0)).flatMap { try? AccuracyTable(reading: $0) }
    }
  }

  static let stored = tables(root.appending(path: "Tests/Fixtures/accuracy"))
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
}

extension AttributeValue {
  fileprivate var shown: String {
    switch self {
    case .text(let text): text
    case .integer(let integer): "\(integer)"
    default: "\(self)"
    }
  }
}

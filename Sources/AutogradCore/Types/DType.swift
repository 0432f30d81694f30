/// The type of a tensor's elements.
public enum DType: UInt8, Sendable, Hashable, CaseIterable {
  case float64, float32, int64, int32, bool

  /// The name used in requests, answers and printed graphs.
  public var name: String {
    switch self {
    case .float64: "float64"
    case .float32: "float32"
    case .int64: "int64"
    case .int32: "int32"
    case .bool: "bool"
    }
  }

  /// Bytes per element. A bool is one byte, 0 or 1.
  public var byteWidth: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .bool: 1
    }
  }

  /// Only floating values carry derivatives.
  public var isFloating: Bool { self == .float64 || self == .float32 }
  public var isInteger: Bool { self == .int64 || self == .int32 }
  public var isNumeric: Bool { self != .bool }

  /// The common dtype of two operands, or nil where they do not mix: floats widen among floats and integers among
  /// integers; anything else has to be cast by hand, because a silent conversion would hide a mistake.
  public static func promoted(_ a: DType, _ b: DType) -> DType? {
    if a == b { return a }
    if a.isFloating && b.isFloating { return .float64 }
    if a.isInteger && b.isInteger { return .int64 }
    return nil
  }
}

extension DType: CustomStringConvertible {
  public var description: String { name }

  public init?(name: some StringProtocol) {
    guard let match = DType.allCases.first(where: { $0.name == name }) else { return nil }
    self = match
  }
}

/// A Swift type that can be a tensor's element.
public protocol TensorElement: Sendable {
  static var dtype: DType { get }
}

extension Double: TensorElement { public static var dtype: DType { .float64 } }
extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension Bool: TensorElement { public static var dtype: DType { .bool } }

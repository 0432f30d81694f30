/// An operation that a graph can name. It takes operands and attributes as they were written, normalises them
/// (promotion, broadcasting, negative axes, defaults) and emits primitives.
public protocol Operation: Sendable {
  /// Name, arity, attributes and documentation.
  var reference: OperationReference { get }

  /// Emits the nodes. The call has passed the checks of the reference: arity, names and kinds of attributes, dtypes
  /// promoted.
  /// - Throws: an error in the caller's terms.
  func build(_ call: OperationCall) throws(GraphError) -> [Value]
}

/// The documentation of an operation, and the data for its checks. The reference page, `GET /v1/operations/{name}`, the
/// checks before `build` and the test sweep all use it.
///
/// A class because it is passed on several times for every node: a struct of this many strings and lists would be
/// retained member by member each time.
public final class OperationReference: Sendable {
  public let name: String
  public let summary: String
  /// The value as a mathematical formula.
  public let formula: String
  /// Names of the operands; `…` at the end for any number.
  public let operands: [String]
  /// Names of the results; `…` at the end for any number.
  public let results: [String]
  public let attributes: [AttributeReference]
  public let dtypes: DTypeRule
  public let shapeRule: String
  /// The cotangents of the operands, where ct is that of the result.
  public let derivative: String
  /// What happens at kinks and edges.
  public let conventions: [String]
  /// Names in other libraries, in lower case, for "did you mean".
  public let otherNames: [String]
  /// Typical uses. The first is the documented example; the sweep runs them all.
  public let samples: [OperationSample]

  /// The range from which samples are drawn, where the operation is smooth.
  public let domain: ClosedRange<Double>
  /// The kind of each operand; by default all are promoted to one dtype.
  public let kinds: [OperandKind]
  /// The attribute that names the axis of the first operand that is indexed.
  public let indexedAxis: String?
  /// The attribute that gives the range of indices, if no axis does.
  public let indexedCount: String?

  /// The operand whose matrices are factorised. Samples of it are diagonally dominant, so that they are not singular
  /// and, made symmetric, positive definite.
  public let factorizedOperand: Int?

  /// Whether derivatives treat the result as a constant.
  public let stopsGradients: Bool

  /// The minimum number of operands, if the number varies.
  public let minimumOperandCount: Int

  /// Whether the last operand stands for any number.
  public let hasManyOperands: Bool
  public let hasManyResults: Bool

  public init(
    name: String, summary: String, formula: String, operands: [String], results: [String] = ["y"],
    attributes: [AttributeReference] = [],
    dtypes: DTypeRule, shapeRule: String, derivative: String, conventions: [String] = [], otherNames: [String] = [],
    samples: [OperationSample], domain: ClosedRange<Double> = -3...3, kinds: [OperandKind] = [],
    indexedAxis: String? = nil,
    indexedCount: String? = nil, factorizedOperand: Int? = nil, stopsGradients: Bool = false,
    minimumOperandCount: Int? = nil
  ) {
    self.name = name
    self.summary = summary
    self.formula = formula
    self.operands = operands
    self.results = results
    self.attributes = attributes
    self.dtypes = dtypes
    self.shapeRule = shapeRule
    self.derivative = derivative
    self.conventions = conventions
    self.otherNames = otherNames
    self.samples = samples
    self.domain = domain
    self.kinds = kinds
    self.indexedAxis = indexedAxis
    self.indexedCount = indexedCount
    self.factorizedOperand = factorizedOperand
    self.stopsGradients = stopsGradients
    hasManyOperands = operands.last == "…"
    self.minimumOperandCount = minimumOperandCount ?? (operands.last == "…" ? 1 : operands.count)
    hasManyResults = results.last == "…"
  }

  /// The operands as a list, with optional ones in brackets.
  public var signature: String {
    if hasManyOperands { return operands.joined(separator: ", ") }
    let optional = operands.dropFirst(minimumOperandCount).map { ", \($0)" }.joined()
    return operands.prefix(minimumOperandCount).joined(separator: ", ") + (optional.isEmpty ? "" : "[\(optional)]")
  }

  /// The kind of an operand.
  public func kind(of operand: Int) -> OperandKind {
    guard let last = kinds.last else { return .promoted }
    return kinds.indices.contains(operand) ? kinds[operand] : hasManyOperands ? last : .promoted
  }
}

/// The kind of an operand.
public enum OperandKind: Sendable {
  /// Promoted to one dtype with the others of this kind.
  case promoted
  /// Bool.
  case condition
  /// Integers; int64 by default.
  case index
  /// Not converted.
  case asItIs
}

/// The dtypes that an operation accepts.
public enum DTypeRule: String, Sendable {
  case any, numeric, floating, boolean

  func admits(_ dtype: DType) -> Bool {
    switch self {
    case .any: true
    case .numeric: dtype.isNumeric
    case .floating: dtype.isFloating
    case .boolean: dtype == .bool
    }
  }
}

/// One attribute of an operation.
public struct AttributeReference: Sendable {
  public enum Kind: String, Sendable {
    case integer = "integer"
    case number = "number"
    case text = "text"
    case numberOrText = "number or text"
    case boolean = "boolean"
    case integers = "list of integers"
    case integersOrNulls = "list of integers and nulls"
    case integerOrList = "integer or list of integers"
    case dtype = "dtype name"
    case tensor = "tensor"
    case integerLists = "list of lists of integers"
    case integerOrLists = "integer or list of lists of integers"
    case numberOrList = "number or list of numbers"
    case scalar = "number or boolean"

    /// The end of "it is …".
    var described: String {
      switch self {
      case .boolean: "true or false"
      case .scalar: "a number, true or false"
      case .integer: "an integer"
      case .integerOrList: "an integer or a list of integers"
      case .integerOrLists: "an integer or a list of lists of integers"
      case .numberOrList: "a number or a list of numbers"
      case .dtype, .integers, .integersOrNulls, .integerLists, .tensor, .number, .text, .numberOrText: "a " + rawValue
      }
    }
  }

  public var name: String
  public var kind: Kind
  /// As it is written in JSON; nil if the attribute is required.
  public var defaultText: String?
  public var summary: String

  public init(_ name: String, _ kind: Kind, default defaultText: String? = nil, _ summary: String) {
    self.name = name
    self.kind = kind
    self.defaultText = defaultText
    self.summary = summary
  }

  public var isRequired: Bool { defaultText == nil }
  /// Null is accepted if it is the default.
  public var acceptsNull: Bool { defaultText == "null" }
}

/// An example of an operation, which the documentation shows and the test sweep runs.
public struct OperationSample: Sendable {
  /// Shapes of the operands.
  public var shapes: [Shape]
  public var attributes: [String: AttributeValue]
  public var resultCount: Int

  public init(_ shapes: [Shape], _ attributes: [String: AttributeValue] = [:], results: Int = 1) {
    self.shapes = shapes
    self.attributes = attributes
    self.resultCount = results
  }
}

/// The value of an attribute as it was given.
public enum AttributeValue: Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  /// A number that is not an integer.
  case number(Double)
  case text(String)
  /// Integers; nil for null.
  case integers([Int?])
  case tensor(Tensor)
  case integerLists([[Int]])
  /// Numbers, not all of them integers.
  case numbers([Double])
  /// Anything else, described for the error: "an object".
  case other(String)
}

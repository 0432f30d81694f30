/// An error in a graph, in an operation's operands or attributes, or in data while running.
///
/// It holds facts, not a finished sentence: the message may contain operands as `{0}`, `{1}`, …, because only the
/// caller knows their names; ``text(operandName:)`` inserts them. One word in size, so that typed throws cost nothing
/// on the success path.
public struct GraphError: Error, Sendable {
  /// The same codes as in the server's problems.
  public enum Code: String, Sendable, CaseIterable {
    case unknownOperation = "unknown_operation"
    case unknownAttribute = "unknown_attribute"
    case invalidAttribute = "invalid_attribute"
    case wrongArity = "wrong_arity"
    case unknownName = "unknown_name"
    case duplicateName = "duplicate_name"
    case cycle
    case shapeMismatch = "shape_mismatch"
    case dtypeMismatch = "dtype_mismatch"
    case inputMismatch = "input_mismatch"
    case indexOutOfRange = "index_out_of_range"
    case numberOutOfRange = "number_out_of_range"
    case singularMatrix = "singular_matrix"
    case notPositiveDefinite = "not_positive_definite"
    case limitExceeded = "limit_exceeded"
    case deadlineExceeded = "deadline_exceeded"
    /// The result is no longer needed: an `Interruption` was raised.
    case interrupted
    /// A fault of this library: a rule produced a value of the wrong type.
    case `internal`
  }

  /// Where in the operation the fault lies.
  public enum Place: Sendable, Equatable {
    case node
    case operation
    case operands
    case operand(Int)
    case results
    case attributes
    case attribute(String)
  }

  /// The exceeded limit of ``Code/limitExceeded``, with its maximum.
  public enum Limit: Sendable, Equatable {
    /// Axes of a tensor.
    case rank(Int)
    /// Elements of a tensor.
    case elements(Int)
    /// Nodes of the graph with its derivatives.
    case nodes(Int)
    /// Steps to build or run; the message says which.
    case work(Int)

    public var most: Int {
      switch self {
      case .rank(let most), .elements(let most), .nodes(let most), .work(let most): most
      }
    }
  }

  private final class Facts: Sendable {
    let code: Code
    let message: String
    let operation: String?
    let place: Place
    let node: Int?
    let limit: Limit?
    let value: Int?

    init(code: Code, message: String, operation: String?, place: Place, node: Int?, limit: Limit?, value: Int?) {
      self.code = code
      self.message = message
      self.operation = operation
      self.place = place
      self.node = node
      self.limit = limit
      self.value = value
    }
  }

  private let facts: Facts

  public init(
    _ code: Code, _ message: String, operation: String? = nil, at place: Place = .node, node: Int? = nil,
    limit: Limit? = nil, value: Int? = nil
  ) {
    facts = Facts(
      code: code, message: message, operation: operation, place: place, node: node, limit: limit, value: value)
  }

  public var code: Code { facts.code }
  /// May hold operand placeholders `{0}`; see ``text(operandName:)``.
  public var message: String { facts.message }
  public var operation: String? { facts.operation }
  public var place: Place { facts.place }
  /// The label of the failing node: what ``GraphBuilder/label`` was when it was added.
  public var node: Int? { facts.node }
  /// For ``Code/limitExceeded``: the limit, and the requested value.
  public var limit: Limit? { facts.limit }
  public var value: Int? { facts.value }

  /// The same error with missing facts filled in.
  public func with(operation: String? = nil, place: Place? = nil, node: Int? = nil) -> GraphError {
    GraphError(
      code, message, operation: self.operation ?? operation, at: self.place == .node ? place ?? .node : self.place,
      node: self.node ?? node, limit: limit, value: value)
  }

  /// The same error with the operation's name as the caller uses it.
  package func renamed(_ operation: String) -> GraphError {
    GraphError(code, message, operation: operation, at: place, node: node, limit: limit, value: value)
  }

  /// The complete sentence, with operands named by `operandName`.
  public func text(operandName: (Int) -> String) -> String {
    var text = operation.map { $0 + ": " } ?? ""
    var rest = Substring(message)
    while let open = rest.firstIndex(of: "{") {
      let digits = rest[rest.index(after: open)...].prefix { $0 != "}" }
      text += rest[..<open]
      if let index = Int(digits), digits.endIndex < rest.endIndex {
        text += operandName(index)
        rest = rest[rest.index(after: digits.endIndex)...]
      } else {
        text += "{"
        rest = rest[rest.index(after: open)...]
      }
    }
    return text + rest
  }
}

extension GraphError: CustomStringConvertible {
  public var description: String { text { "operand \($0)" } }
}

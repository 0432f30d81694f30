import AutogradCore

/// Why an input cannot be read, as facts from which the server makes a problem. A class, so that throwing it passes one
/// word.
package final class FormatError: Error {
  /// The raw values are the codes that clients match on.
  package enum Code: String, CaseIterable, Sendable {
    // The input has the wrong form.
    case invalidJSON = "invalid_json"
    case invalidFormula = "invalid_formula"
    case duplicateKey = "duplicate_key"
    case wrongType = "wrong_type"
    case unknownMember = "unknown_member"
    case missingMember = "missing_member"
    case numberOutOfRange = "number_out_of_range"
    case raggedArray = "ragged_array"
    case tooDeep = "too_deep"
    case limitExceeded = "limit_exceeded"
    // The form is right, but the parts do not fit together.
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
    case singularMatrix = "singular_matrix"
    case notPositiveDefinite = "not_positive_definite"
    // Reading was interrupted.
    case deadlineExceeded = "deadline_exceeded"
    /// An error of the core that no input can cause.
    case `internal`
  }

  /// Which limit was exceeded. The raw values are also matched by clients.
  package enum Limit: String, CaseIterable, Sendable {
    case body = "body_too_large"
    case nodes = "too_many_nodes"
    case outputs = "too_many_outputs"
    case rank = "rank_too_high"
    case elements = "tensor_too_large"
    case planMemory = "plan_too_large"
    case planWork = "too_much_work"
    case answer = "answer_too_large"
  }

  package let code: Code
  package let detail: String
  /// Where, as an RFC 6901 pointer; nil if it has no place in the input.
  package let pointer: String?
  /// The first result of the failing node, and its operation.
  package let node: String?
  package let operation: String?
  package let limit: Limit?
  /// The limit, and the value in the request.
  package let most: Int?
  package let value: Int?
  /// Where in a formula, which is the string at the pointer.
  package let place: TextPlace?

  package init(
    _ code: Code, _ detail: String, at pointer: String? = nil, node: String? = nil, operation: String? = nil,
    limit: Limit? = nil, most: Int? = nil, value: Int? = nil, place: TextPlace? = nil
  ) {
    self.code = code
    self.detail = detail
    self.pointer = pointer
    self.node = node
    self.operation = operation
    self.limit = limit
    self.most = most
    self.value = value
    self.place = place
  }

  package convenience init(_ limit: Limit, _ detail: String, at pointer: String? = nil, most: Int, value: Int?) {
    self.init(.limitExceeded, detail, at: pointer, limit: limit, most: most, value: value)
  }

  package convenience init(_ error: JSONSyntaxError) {
    let code: Code
    switch error.code {
    case .invalidJSON: code = .invalidJSON
    case .duplicateKey: code = .duplicateKey
    case .tooDeep: code = .tooDeep
    case .tooMuchMemory(let limit):
      self.init(.body, error.message, most: limit, value: nil)
      return
    }
    // A body that is not JSON has no places for a pointer, so the position is in the text.
    let isDocument = error.code != .invalidJSON
    let place = isDocument || error.pointer.isEmpty ? "" : " (in \(error.pointer))"
    self.init(code, error.message + place, at: isDocument ? error.pointer : "")
  }

  /// From an error of the core.
  package convenience init(
    _ error: GraphError, detail: String? = nil, at pointer: String?, node: String? = nil, operation: String? = nil
  ) {
    self.init(
      Code(error.code), detail ?? error.message, at: pointer, node: node, operation: operation,
      limit: error.limit.map(Limit.init), most: error.limit?.most, value: error.value)
  }

  /// An unknown member of an object, with suggestions.
  package static func unknownMember(_ name: String, of owner: String, _ known: [String], at pointer: String)
    -> FormatError
  {
    let near = NearestNames.find(name, among: known)
    let hint =
      near.isEmpty ? "it has \(known.joined(separator: ", "))" : "did you mean \(near.joined(separator: " or "))?"
    return FormatError(
      .unknownMember, "\(owner) has no member \(name.prefix(64)); \(hint)", at: pointer + Pointer.member(name))
  }

  /// The same with a prefix of the pointer. A reader of a part knows only the position within the part.
  package func under(_ prefix: String) -> FormatError {
    FormatError(
      code, detail, at: pointer.map { prefix + $0 }, node: node, operation: operation, limit: limit, most: most,
      value: value, place: place)
  }

  package func inNode(_ name: String?, operation: String?) -> FormatError {
    FormatError(
      code, detail, at: pointer, node: node ?? name, operation: self.operation ?? operation, limit: limit, most: most,
      value: value, place: place)
  }

  /// Line and column, for sentences; empty without them.
  package var placeWords: String { place.map { " (line \($0.line), column \($0.column))" } ?? "" }

  /// The same with another detail.
  package func saying(_ words: (String) -> String) -> FormatError {
    FormatError(
      code, words(detail), at: pointer, node: node, operation: operation, limit: limit, most: most, value: value,
      place: place)
  }

  /// The same at another pointer; nil for none.
  package func at(_ pointer: String?) -> FormatError {
    FormatError(
      code, detail, at: pointer, node: node, operation: operation, limit: limit, most: most, value: value,
      place: place)
  }

  /// The same at a place of a formula, which is the string at the pointer.
  package func at(_ pointer: String, _ place: TextPlace) -> FormatError {
    FormatError(
      code, detail, at: pointer, node: node, operation: operation, limit: limit, most: most, value: value,
      place: place)
  }
}

extension FormatError.Code {
  /// The core uses the same codes, except for interruption, which is reported as the deadline.
  init(_ code: GraphError.Code) {
    self = code == .interrupted ? .deadlineExceeded : FormatError.Code(rawValue: code.rawValue) ?? .internal
  }
}

extension FormatError.Limit {
  init(_ limit: GraphError.Limit) {
    self =
      switch limit {
      case .rank: .rank
      case .elements: .elements
      case .nodes: .nodes
      case .work: .planWork
      }
  }
}

import AutogradCore

/// Why something that was written cannot be read: facts, of which whoever answers makes a problem. Thrown one word
/// wide.
package final class FormatError: Error {
  /// The raw values are the words that clients match on.
  package enum Code: String, CaseIterable, Sendable {
    // What is written does not have the form that it should.
    case invalidJSON = "invalid_json"
    case duplicateKey = "duplicate_key"
    case wrongType = "wrong_type"
    case unknownMember = "unknown_member"
    case missingMember = "missing_member"
    case numberOutOfRange = "number_out_of_range"
    case raggedArray = "ragged_array"
    case tooDeep = "too_deep"
    case limitExceeded = "limit_exceeded"
    // It has, but does not fit together.
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
    // It was not read to its end.
    case deadlineExceeded = "deadline_exceeded"
    /// The core says something that no text can cause.
    case `internal`
  }

  /// Which limit was met; likewise words that clients match on.
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
  /// Where, an RFC 6901 pointer; nil where there is no such place.
  package let pointer: String?
  /// The first result of the node at fault, and its operation.
  package let node: String?
  package let operation: String?
  package let limit: Limit?
  /// The most that is allowed, and what was asked for.
  package let most: Int?
  package let value: Int?

  package init(
    _ code: Code, _ detail: String, at pointer: String? = nil, node: String? = nil, operation: String? = nil,
    limit: Limit? = nil, most: Int? = nil, value: Int? = nil
  ) {
    self.code = code
    self.detail = detail
    self.pointer = pointer
    self.node = node
    self.operation = operation
    self.limit = limit
    self.most = most
    self.value = value
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
    // A body that is no JSON has no places that a pointer could lead to; where it happened is told in words.
    let isDocument = error.code != .invalidJSON
    let place = isDocument || error.pointer.isEmpty ? "" : " (in \(error.pointer))"
    self.init(code, error.message + place, at: isDocument ? error.pointer : "")
  }

  /// What the core says of something that was read.
  package convenience init(
    _ error: GraphError, detail: String? = nil, at pointer: String?, node: String? = nil, operation: String? = nil
  ) {
    self.init(
      Code(error.code), detail ?? error.message, at: pointer, node: node, operation: operation,
      limit: error.limit.map(Limit.init), most: error.limit?.most, value: error.value)
  }

  /// A member that an object does not have, with what it may have been.
  package static func unknownMember(_ name: String, of owner: String, _ known: [String], at pointer: String)
    -> FormatError
  {
    let near = NearestNames.find(name, among: known)
    let hint =
      near.isEmpty ? "it has \(known.joined(separator: ", "))" : "did you mean \(near.joined(separator: " or "))?"
    return FormatError(
      .unknownMember, "\(owner) has no member \(name.prefix(64)); \(hint)", at: pointer + Pointer.member(name))
  }

  /// The same one level further out: a reader of a part knows only where in the part it is.
  package func under(_ prefix: String) -> FormatError {
    FormatError(
      code, detail, at: pointer.map { prefix + $0 }, node: node, operation: operation, limit: limit, most: most,
      value: value)
  }

  package func inNode(_ name: String?, operation: String?) -> FormatError {
    FormatError(
      code, detail, at: pointer, node: node ?? name, operation: self.operation ?? operation, limit: limit, most: most,
      value: value)
  }

  /// The same in other words.
  package func saying(_ words: (String) -> String) -> FormatError {
    FormatError(
      code, words(detail), at: pointer, node: node, operation: operation, limit: limit, most: most, value: value)
  }
}

extension FormatError.Code {
  /// The core speaks the same words, but for what was ended: that is told as the deadline, which is why.
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

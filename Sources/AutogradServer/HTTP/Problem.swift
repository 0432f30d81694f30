import AutogradCore

/// Why a request is refused, as an RFC 9457 problem. Thrown one word wide.
final class Problem: Error {
  let code: ProblemCode
  let detail: String
  /// Where in the request, an RFC 6901 pointer; nil where there is no such place.
  let pointer: String?
  /// The first result of the node at fault, and its operation.
  let node: String?
  let operation: String?
  /// Which limit was met.
  let reason: LimitReason?
  let limit: Int?
  let value: Int?
  let headers: [(name: String, value: String)]

  init(
    _ code: ProblemCode, _ detail: String, at pointer: String? = nil, node: String? = nil, operation: String? = nil,
    reason: LimitReason? = nil, limit: Int? = nil, value: Int? = nil, headers: [(name: String, value: String)] = []
  ) {
    self.code = code
    self.detail = detail
    self.pointer = pointer
    self.node = node
    self.operation = operation
    self.reason = reason
    self.limit = limit
    self.value = value
    self.headers = headers
  }

  convenience init(_ error: JSONSyntaxError) {
    let code: ProblemCode
    switch error.code {
    case .invalidJSON: code = .invalidJSON
    case .duplicateKey: code = .duplicateKey
    case .tooDeep: code = .tooDeep
    case .tooMuchMemory(let limit):
      self.init(.body, error.message, limit: limit, value: nil)
      return
    }
    // A body that is no JSON has no places that a pointer could lead to; where it happened is told in words.
    let isDocument = error.code != .invalidJSON
    let place = isDocument || error.pointer.isEmpty ? "" : " (in \(error.pointer))"
    self.init(code, error.message + place, at: isDocument ? error.pointer : "")
  }

  /// A limit that one request meets.
  convenience init(_ reason: LimitReason, _ detail: String, at pointer: String? = nil, limit: Int, value: Int?) {
    self.init(reason.code, detail, at: pointer, reason: reason, limit: limit, value: value)
  }

  /// The same problem one level further out: a reader of a part knows only where in the part it is.
  func under(_ prefix: String) -> Problem {
    Problem(
      code, detail, at: pointer.map { prefix + $0 }, node: node, operation: operation, reason: reason, limit: limit, value: value,
      headers: headers)
  }

  func inNode(_ name: String?, operation: String?) -> Problem {
    Problem(
      code, detail, at: pointer, node: node ?? name, operation: self.operation ?? operation, reason: reason, limit: limit,
      value: value, headers: headers)
  }

  /// Details are for people; one that quotes a huge list is cut.
  private static let longestDetail = 1000

  func response(requestID: String) -> Response {
    let json = ByteBuffer()
    json.append("{\"type\": ")
    json.appendJSONString("/problems/" + code.rawValue)
    json.append(", \"title\": ")
    json.appendJSONString(code.title)
    json.append(", \"status\": \(code.status), \"detail\": ")
    json.appendJSONString(detail.utf8.count <= Problem.longestDetail ? detail : String(detail.prefix(Problem.longestDetail)) + "…")
    json.append(", \"code\": ")
    json.appendJSONString(code.rawValue)
    for (name, text) in [("pointer", pointer), ("node", node), ("operation", operation)] {
      guard let text else { continue }
      json.append(", \"\(name)\": ")
      json.appendJSONString(text)
    }
    if let reason { json.append(", \"reason\": \"\(reason.rawValue)\"") }
    if let limit { json.append(", \"limit\": \(limit)") }
    if let value { json.append(", \"value\": \(value)") }
    json.append(", \"request_id\": ")
    json.appendJSONString(requestID)
    json.append("}\n")
    var response = Response(status: code.status, contentType: "application/problem+json", headers: headers, body: json)
    response.observation.problem = code
    response.observation.reason = reason
    return response
  }
}

/// Pieces of JSON pointers.
enum Pointer {
  /// `/name`, with `~` and `/` escaped.
  static func member(_ name: String) -> String {
    var escaped = "/"
    for character in name.unicodeScalars {
      switch character {
      case "~": escaped += "~0"
      case "/": escaped += "~1"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }

  static func element(_ index: Int) -> String { "/\(index)" }
}

extension ProblemCode {
  init(_ code: GraphError.Code) {
    // The core speaks the same words; whatever it adds that requests cannot cause is a fault of ours.
    self = code == .interrupted ? .deadlineExceeded : ProblemCode(rawValue: code.rawValue) ?? .internal
  }
}

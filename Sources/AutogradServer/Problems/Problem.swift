import AutogradFormats
import AutogradHTTP

/// Why a request is rejected, as an RFC 9457 problem. A class, so that throwing it passes one word.
final class Problem: Error {
  let code: ProblemCode
  let detail: String
  /// Where in the request, as an RFC 6901 pointer; nil if it has no place there.
  let pointer: String?
  /// Where in a formula, which is the string at the pointer.
  let place: TextPlace?
  /// The first result of the failing node, and its operation.
  let node: String?
  let operation: String?
  /// Which limit was exceeded.
  let reason: LimitReason?
  let limit: Int?
  let value: Int?
  let headers: [(name: String, value: String)]

  init(
    _ code: ProblemCode, _ detail: String, at pointer: String? = nil, node: String? = nil, operation: String? = nil,
    reason: LimitReason? = nil, limit: Int? = nil, value: Int? = nil, place: TextPlace? = nil,
    headers: [(name: String, value: String)] = []
  ) {
    self.code = code
    self.detail = detail
    self.pointer = pointer
    self.node = node
    self.operation = operation
    self.reason = reason
    self.limit = limit
    self.value = value
    self.place = place
    self.headers = headers
  }

  /// From an error in a request.
  convenience init(_ error: FormatError) {
    self.init(
      ProblemCode(error.code), error.detail, at: error.pointer, node: error.node, operation: error.operation,
      reason: error.limit.map(LimitReason.init), limit: error.most, value: error.value,
      place: error.place)
  }

  /// For a limit on one request.
  convenience init(_ reason: LimitReason, _ detail: String, at pointer: String? = nil, limit: Int, value: Int?) {
    self.init(reason.code, detail, at: pointer, reason: reason, limit: limit, value: value)
  }

  /// Details are for people; a very long one is cut.
  private static let longestDetail = 1000

  func response(requestID: String) -> Response {
    let json = ByteBuffer()
    json.append("{\"type\": ")
    json.appendJSONString("/problems/" + code.rawValue)
    json.append(", \"title\": ")
    json.appendJSONString(code.title)
    json.append(", \"status\": \(code.status), \"detail\": ")
    json.appendJSONString(
      detail.utf8.count <= Problem.longestDetail ? detail : String(detail.prefix(Problem.longestDetail)) + "…")
    json.append(", \"code\": ")
    json.appendJSONString(code.rawValue)
    for (name, text) in [
      ("pointer", pointer), ("excerpt", place?.excerpt), ("node", node), ("operation", operation),
    ] {
      guard let text else { continue }
      json.append(", \"\(name)\": ")
      json.appendJSONString(text)
    }
    if let place { json.append(", \"line\": \(place.line), \"column\": \(place.column)") }
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

extension ProblemCode {
  /// Both have the same raw values.
  init(_ code: FormatError.Code) { self = ProblemCode(rawValue: code.rawValue) ?? .internal }
}

extension FormatError {
  func response(requestID: String) -> Response { Problem(self).response(requestID: requestID) }
}

import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// Why a request is rejected, as an RFC 9457 problem. A class, so that throwing it passes one word.
final class Problem: Error {
  let code: ProblemCode
  let detail: String
  /// Where in the request, as an RFC 6901 pointer; nil if it has no place there.
  let pointer: String?
  /// Where in a formula, which is the string at the pointer.
  let place: TextPlace?
  /// The stored graph in which the fault is, `fit@3`, and where in its source, if that is JSON.
  let graph: (reference: String, pointer: String?)?
  /// The version that there is, of a graph that should have had another.
  let version: Int?
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
    graph: (reference: String, pointer: String?)? = nil, version: Int? = nil,
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
    self.graph = graph
    self.version = version
    self.headers = headers
  }

  /// From an error in a request.
  convenience init(_ error: FormatError) {
    self.init(
      ProblemCode(error.code), error.detail, at: error.pointer, node: error.node, operation: error.operation,
      reason: error.limit.map(LimitReason.init), limit: error.most, value: error.value,
      place: error.place)
  }

  /// From an error of a request that names a stored graph. What is wrong with the graph has no place in the request.
  convenience init(_ error: FormatError, of stored: StoredGraph?) {
    // A request that names a graph may not have a member of that name.
    guard let stored, let pointer = error.pointer.flatMap(stored.pointer(ofGraphError:)),
      error.code != .unknownMember
    else {
      self.init(error)
      return
    }
    self.init(error, inGraph: stored.reference, at: error.place == nil ? pointer : nil)
  }

  /// The same for a request whose body may be the graph.
  convenience init(_ error: FormatError, of stored: StoredGraph?, in request: Request) {
    self.init(request.contentType == MediaTypes.formula ? error.moved(from: "/graph", to: "") : error, of: stored)
  }

  /// From an error in a stored graph.
  /// - Parameter pointer: into the graph's source; nil for a place in a formula.
  convenience init(_ error: FormatError, inGraph reference: String, at pointer: String?) {
    self.init(
      ProblemCode(error.code), error.detail, node: error.node, operation: error.operation,
      reason: error.limit.map(LimitReason.init), limit: error.most, value: error.value, place: error.place,
      graph: (reference, pointer))
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
      ("pointer", pointer), ("graph", graph?.reference), ("graph_pointer", graph?.pointer),
      ("excerpt", place?.excerpt), ("node", node), ("operation", operation),
    ] {
      guard let text else { continue }
      json.append(", \"\(name)\": ")
      json.appendJSONString(text)
    }
    if let place { json.append(", \"line\": \(place.line), \"column\": \(place.column)") }
    if let version { json.append(", \"version\": \(version)") }
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

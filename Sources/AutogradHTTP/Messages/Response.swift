/// One HTTP answer. The transport adds `Content-Length`, `X-Request-Id` and, when it is closing, `Connection: close`.
package struct Response: Sendable {
  package var status: Int
  package var contentType: String
  package var headers: [(name: String, value: String)] = []
  package var body: Body
  /// Whether the body is one that all answers share.
  package var isShared = false
  /// Not sent: what log and metrics tell of it.
  package var observation: Observation

  /// Memory that it takes until it is sent.
  package var byteCount: Int { isShared ? 0 : body.byteCount }

  /// One whose body is there for as long as the server is.
  package static func shared(_ body: any ResponseBytes, contentType: String = "application/json") -> Response {
    var response = Response(contentType: contentType, body: body)
    response.isShared = true
    return response
  }

  package init(
    status: Int = 200, contentType: String = "application/json", headers: [(name: String, value: String)] = [],
    body: any ResponseBytes, observation: Observation = Observation()
  ) {
    self.init(
      status: status, contentType: contentType, headers: headers, content: .whole(body), observation: observation)
  }

  /// One whose body may be made while it is sent. What may fail is best done before: then there can be another answer.
  package init(
    status: Int = 200, contentType: String = "application/json", headers: [(name: String, value: String)] = [],
    content: Body, observation: Observation = Observation()
  ) {
    self.status = status
    self.contentType = contentType
    self.headers = headers
    body = content
    self.observation = observation
  }
}

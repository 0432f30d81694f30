extension HTTPServer {
  /// The complete answer to clients whose requests arrive too slowly. It bypasses the library, which accepts no answer
  /// while it is reading.
  static func farewell(
    _ configuration: Configuration, _ client: Client?, _ origins: OriginPolicy, _ requestIDs: RequestIDSource
  ) -> [UInt8] {
    let id = client?.requestID ?? requestIDs.next()
    let response = configuration.refuse(.tooSlow, id)
    if client == nil {
      // Recorded here, because there is no exchange yet.
      configuration.observe(
        RequestRecord(
          method: "-", path: "-", status: response.status, durationNanoseconds: configuration.patience.head,
          requestID: id, bytesIn: 0,
          bytesOut: response.body.count, observation: response.observation))
    }
    var head = "HTTP/1.1 \(response.status) Request Timeout\r\nConnection: close\r\n"
    head += "Content-Type: \(response.contentType)\r\nX-Request-Id: \(id)\r\n"
    for (name, value) in origins.headers(for: client?.page) { head += "\(name): \(value)\r\n" }
    head += "Content-Length: \(response.body.count)\r\n\r\n"
    return Array(head.utf8) + response.body.bytes
  }
}

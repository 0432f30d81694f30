/// Reserves memory for work while it is done.
package protocol WorkMemory: AnyObject, Sendable {
  /// False where there is none: whatever is answered then, the client is told that instead.
  func reserveMore(_ byteCount: Int) -> Bool
}

/// One HTTP request as the handlers see it.
///
/// `body` borrows the transport's memory: it stays valid until the response has been made, and handlers copy nothing
/// out of it but numbers.
///
/// `@unchecked Sendable`: the memory behind `body` is not written while a handler has it, on whichever thread it runs.
package struct Request: @unchecked Sendable {
  /// Upper case, as sent: `GET`, `HEAD`, `POST`, …
  package var method: String
  /// The path as sent, without the query.
  package var path: String
  /// What answers and log lines carry so that the two can be matched.
  package var id: String
  /// The number of its route, where the transport has asked for it already.
  package var route: Int?
  package var contentType: String?
  package var contentEncoding: String?
  package var accept: String?
  package var body: UnsafeRawBufferPointer
  /// Raised when the client is gone, or the deadline has passed; nil on a socket's thread, where nothing may take long.
  package var cancellation: (any Cancellation)?
  /// Where work on the compute pool gets memory that it was not known to need.
  package var memory: (any WorkMemory)?
  /// Whose it is, among those who share the server.
  package var tenant: ObjectIdentifier?

  package init(
    method: String, path: String, id: String = "-", route: Int? = nil, contentType: String? = nil,
    contentEncoding: String? = nil,
    accept: String? = nil, body: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    memory: (any WorkMemory)? = nil, tenant: ObjectIdentifier? = nil
  ) {
    self.method = method
    self.path = path
    self.id = id
    self.route = route
    self.contentType = contentType
    self.contentEncoding = contentEncoding
    self.accept = accept
    self.body = body
    self.memory = memory
    self.tenant = tenant
  }
}

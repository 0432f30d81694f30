/// Reserves more memory for work that is running.
package protocol WorkMemory: AnyObject, Sendable {
  /// False if there is none. The client then gets that error, whatever the work answers.
  func reserveMore(_ byteCount: Int) -> Bool
}

/// One HTTP request as the handlers see it.
///
/// `body` borrows the transport's memory: it stays valid until the response has been made, so handlers copy only
/// numbers out of it.
///
/// `@unchecked Sendable`: nobody writes to the memory of `body` while a handler has it.
package struct Request: @unchecked Sendable {
  /// Upper case, as sent: `GET`, `HEAD`, `POST`, …
  package var method: String
  /// The path as sent, without the query.
  package var path: String
  /// Empty for routes that read none.
  package var query = Query.none
  /// The identifier in answers and log lines.
  package var id: String
  /// Its route, if the transport has looked it up already.
  package var route: FoundRoute?
  package var contentType: String?
  package var contentEncoding: String?
  package var accept: String?
  /// If-Match and If-None-Match, for routes that read them.
  package var conditions = Conditions.none
  package var body: UnsafeRawBufferPointer
  /// Set when the client has gone or the deadline has passed; nil on a socket thread, where nothing may take long.
  package var cancellation: (any Cancellation)?
  /// Reserves memory that work on the compute pool turns out to need.
  package var memory: (any WorkMemory)?
  /// The tenant that sent it.
  package var tenant: ObjectIdentifier?

  /// Reserves memory for work on the compute pool. False where there is none: the client gets that error then, whatever
  /// the work answers.
  package func reserveMore(_ byteCount: Int) -> Bool { memory?.reserveMore(byteCount) ?? true }

  package init(
    method: String, path: String, id: String = "-", route: FoundRoute? = nil, contentType: String? = nil,
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

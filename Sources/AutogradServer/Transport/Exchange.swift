import CMicroHTTPD

/// One request and its answer, from the first header to the last byte sent. The library keeps it for us as the request's state.
///
/// `@unchecked Sendable`: the library calls for one connection on one thread, never twice at a time. While the connection is suspended
/// nobody calls; then the exchange belongs to whoever takes it out of the server's ``SuspendedExchanges``, under whose lock the answer is
/// stored and the connection resumed. The body is not touched between its end and the exchange's.
final class Exchange: @unchecked Sendable {
  let server: HTTPServer
  let connection: OpaquePointer
  private let started = monotonicNanoseconds()
  private let method: String
  private let path: String
  private let place: RoutePlace
  private let id: String
  private let trace: TraceContext?
  private let contentType: String?
  private let contentEncoding: String?
  private let accept: String?

  // See above: nobody else is there to be excluded.
  @exclusivity(unchecked) private var body = BodyBuffer()
  @exclusivity(unchecked) private var bytesIn = 0
  /// The body went over the limit: what still comes is counted and thrown away.
  @exclusivity(unchecked) private var isDraining = false
  /// What the compute pool, or the end of the server, has to say; sent when the connection is resumed.
  @exclusivity(unchecked) private var outcome: Response?

  @exclusivity(unchecked) private var status = 0
  @exclusivity(unchecked) private var bytesOut = 0
  @exclusivity(unchecked) private var observation = Observation()

  init(server: HTTPServer, connection: OpaquePointer, head: amhd_head) {
    self.server = server
    self.connection = connection
    method = head.method.string ?? ""
    path = Exchange.path(of: head.path)
    place = server.responder.place(of: path, method)
    id = RequestIDSource.accepted(head.request_id.bytes) ?? server.requestIDs.next()
    trace = TraceContext(head.traceparent.bytes)
    contentType = MediaTypes.string(head.content_type.bytes)
    contentEncoding = head.content_encoding.string
    accept = head.accept.string
  }

  /// The path alone: a target may also be written with scheme and host (RFC 9112, 3.2.2).
  private static func path(of target: amhd_text) -> String {
    guard let bytes = target.bytes, let first = bytes.first else { return "" }
    let path = String(decoding: bytes, as: UTF8.self)
    guard first != UInt8(ascii: "/"), path.lowercased().hasPrefix("http://") else { return path }
    let rest = path.utf8.dropFirst("http://".utf8.count)
    return rest.firstIndex(of: UInt8(ascii: "/")).map { String(path[$0...]) } ?? "/"
  }

  /// The head is there: refuses the request, which closes its connection, or makes room for its body.
  func begin(_ facts: FramingFacts, authorization: UnsafeRawBufferPointer?, isOverloaded: Bool) {
    let limit = server.configuration.bodyLimit
    if !place.isPublic, let access = server.configuration.access, !access.admits(authorization) {
      refuse(.unauthorized, closes: true)
      return
    }
    if let refusal = HeaderGuard.refusal(for: facts, bodyLimit: limit) ?? (isOverloaded ? .overloaded : nil) {
      refuse(refusal, closes: true)
      return
    }
    guard let length = facts.contentLength else { return }
    isDraining = length > limit
    // Only address space until the bytes come.
    if !isDraining && !body.reserve(length) { refuse(.overloaded, closes: true) }
  }

  /// A piece of the body. False closes the connection.
  func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let limit = server.configuration.bodyLimit
    bytesIn += bytes.count
    if bytesIn > limit {
      isDraining = true
      body.removeAll()
      guard bytesIn - limit <= HeaderGuard.drainAllowance else {
        // An endless body. In the middle of one the library takes no answer.
        status = 413
        return false
      }
    }
    if isDraining { return true }
    return body.append(bytes, limit: limit)
  }

  /// The body is complete, or the compute pool has answered. False closes the connection.
  func finish() -> Bool {
    if let outcome {
      self.outcome = nil
      return answer(outcome)
    }
    if isDraining { return refuse(.bodyTooLarge(limit: server.configuration.bodyLimit, length: bytesIn)) }
    let request = Request(
      method: method, path: path, id: id, route: place.index, contentType: contentType, contentEncoding: contentEncoding, accept: accept,
      body: body.bytes)
    switch server.responder.respond(to: request) {
    case .now(let response):
      return answer(response)
    case .later(let work):
      let server = server
      // The closure keeps the exchange, and so the body, even if the server gives up waiting for the work.
      if let refusal = server.suspended.run(self, on: server.pool, work) { return refuse(refusal) }
      return true
    case .after(let flight, let work):
      if let refusal = server.suspended.run(self, after: flight, on: server.pool, work) { return refuse(refusal) }
      return true
    }
  }

  /// Stores what `finish` shall answer, then lets the library call it. Only for the owner, see above.
  func resume(with response: Response) {
    outcome = response
    amhd_resume(connection)
  }

  func resume(refusing refusal: Refusal) {
    resume(with: server.configuration.refuse(refusal, id))
  }

  @discardableResult
  private func refuse(_ refusal: Refusal, closes: Bool = false) -> Bool {
    answer(server.configuration.refuse(refusal, id), closes: closes)
  }

  private func answer(_ response: Response, closes: Bool = false) -> Bool {
    let owner = Unmanaged.passRetained(response.body)
    guard let answer = amhd_response_create(response.body.base, response.body.count, transportRelease, owner.toOpaque()) else {
      owner.release()
      return false
    }
    // A header with a line end in it is left out by the library: better no header than a forged one.
    addHeader("Content-Type", response.contentType, to: answer)
    addHeader("X-Request-Id", id, to: answer)
    for (name, value) in response.headers { addHeader(name, value, to: answer) }
    if closes || server.isDraining { addHeader("Connection", "close", to: answer) }
    status = response.status
    bytesOut = response.body.count
    observation = response.observation
    return amhd_respond(connection, UInt32(clamping: response.status), answer)
  }

  /// Strings lend their bytes; passed on as they are they would each be copied to the heap first.
  private func addHeader(_ name: String, _ value: String, to answer: OpaquePointer) {
    name.withCString { name in value.withCString { value in _ = amhd_response_header(answer, name, value) } }
  }

  /// The request is over, one way or the other.
  func complete(_ outcome: amhd_outcome) {
    if status == 0 { status = outcome == amhd_outcome_timed_out ? 408 : 499 }
    server.configuration.observe(
      RequestRecord(
        method: method, path: path, route: place.index, status: status, durationNanoseconds: monotonicNanoseconds() - started,
        requestID: id, trace: trace, bytesIn: bytesIn, bytesOut: bytesOut, observation: observation))
  }
}

/// The exchanges whose connections are suspended while the compute pool works for them.
///
/// Whoever takes an exchange out answers it, and does both under the lock: so the pool and a server that will not wait for it any longer
/// never both do, and once the set is seen empty no connection is suspended. That the library needs: stopped with one, it aborts the
/// process.
final class SuspendedExchanges: Sendable {
  private struct State {
    var exchanges: [ObjectIdentifier: Exchange] = [:]
    var isClosed = false
  }

  private let state = Locked(State())

  /// Suspends the connection and queues the work. The refusal when the server ends and the connection is not suspended.
  func run(_ exchange: Exchange, on pool: ComputePool, _ work: @escaping @Sendable () -> Response) -> Refusal? {
    guard suspend(exchange) else { return .shuttingDown }
    submit(exchange, to: pool, work)
    return nil
  }

  /// The same, and queues the work when the flight is over.
  func run(_ exchange: Exchange, after flight: Flight, on pool: ComputePool, _ work: @escaping @Sendable () -> Response) -> Refusal? {
    guard suspend(exchange) else { return .shuttingDown }
    flight.whenOver { [self] in submit(exchange, to: pool, work) }
    return nil
  }

  private func suspend(_ exchange: Exchange) -> Bool {
    state.withLock { state in
      if state.isClosed { return false }
      amhd_suspend(exchange.connection)
      state.exchanges[ObjectIdentifier(exchange)] = exchange
      return true
    }
  }

  private func submit(_ exchange: Exchange, to pool: ComputePool, _ work: @escaping @Sendable () -> Response) {
    let isQueued = pool.submit { [self] in deliver(work(), to: exchange) }
    guard !isQueued else { return }
    state.withLock { state in
      guard state.exchanges.removeValue(forKey: ObjectIdentifier(exchange)) != nil else { return }
      exchange.resume(refusing: .overloaded)
    }
  }

  private func deliver(_ response: Response, to exchange: Exchange) {
    state.withLock { state in
      guard state.exchanges.removeValue(forKey: ObjectIdentifier(exchange)) != nil else { return }
      exchange.resume(with: response)
    }
  }

  /// Answers all that still wait, and lets no more in.
  func close() {
    state.withLock { state in
      state.isClosed = true
      for exchange in state.exchanges.values { exchange.resume(refusing: .shuttingDown) }
      state.exchanges = [:]
    }
  }
}

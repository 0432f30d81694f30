import CMicroHTTPD
import CSystem

/// One request and its answer, from the first header to the last byte sent. The library keeps it for us as the
/// request's state.
///
/// `@unchecked Sendable`: the library calls for one connection on one thread, never twice at a time. While the
/// connection is suspended nobody calls; then the exchange belongs to whoever takes it out of the server's
/// ``SuspendedExchanges``, under whose lock the answer is stored and the connection resumed. The body is not touched
/// between its end and that of the work. Work that nobody waits for any more may still be at it, and reserve memory,
/// while the refusal is sent: that leaves both alone.
final class Exchange: WorkMemory, @unchecked Sendable {
  let server: HTTPServer
  let connection: OpaquePointer
  let client: Client
  private let started = monotonicNanoseconds()
  private let method: String
  private let path: String
  private let route: RouteFacts
  private let id: String
  private let trace: TraceContext?
  private let contentType: String?
  private let contentEncoding: String?
  private let accept: String?
  private let sender: OriginPolicy.Sender
  private let isPreflight: Bool
  /// Why it may not change what the server keeps, where it would and has no token.
  private let writeRefusal: WriteRefusal?
  /// Whether its connection belongs to the health thread, and it is not what that is for: whoever asks for health and
  /// then posts a graph.
  private let isStray: Bool

  // See above: nobody else is there to be excluded.
  @exclusivity(unchecked) private var body = BodyBuffer()
  @exclusivity(unchecked) private var bytesIn = 0
  /// The body cannot be kept: what still comes of it is counted and thrown away, and this is answered at its end.
  @exclusivity(unchecked) private var refusal: Refusal?
  /// What the body and the work take of the memory for all requests.
  @exclusivity(unchecked) private var memory: Reservation
  /// From the end of the body to the answer, in nanoseconds.
  @exclusivity(unchecked) private var patience: Int64
  /// Why what is being worked on could not get memory that it came to need. For whoever does the work.
  @exclusivity(unchecked) private(set) var refusalWhileWorking: Refusal?
  /// What the compute pool, or the end of the server, has to say; sent when the connection is resumed.
  @exclusivity(unchecked) private var outcome: Response?
  /// The client has hung up.
  @exclusivity(unchecked) private var isAbandoned = false

  /// The connection ends after the answer.
  @exclusivity(unchecked) private var closesAfter = false

  /// Whether the client speaks HTTP/1.0.
  @exclusivity(unchecked) private var isOldClient = false
  /// The answer, where it is made while it is sent.
  @exclusivity(unchecked) private var stream: StreamedAnswer?
  @exclusivity(unchecked) private var status = 0
  @exclusivity(unchecked) private var bytesOut = 0
  @exclusivity(unchecked) private var observation = Observation()

  /// Bodies up to this size are not counted among the memory of all requests.
  private static let negligibleBody = 4 << 10
  /// By how much at a time a body's share of it grows.
  private static let bodyStep = 64 << 10
  /// Nanoseconds that reading a byte of a body takes, about.
  private static let costOfByte: Int64 = 5

  init(server: HTTPServer, connection: OpaquePointer, client: Client, head: amhd_head) {
    self.server = server
    self.connection = connection
    self.client = client
    memory = Reservation(server.memory, for: server.tenant(of: connection, client))
    patience = server.configuration.requestPatience
    method = head.method.string ?? ""
    path = Exchange.path(of: head.path)
    route = server.responder(for: client).facts(of: path, method)
    isStray = client.seat.is_health && !route.isProbe && !client.seat.is_admin
    id = RequestIDSource.accepted(head.request_id.bytes) ?? server.requestIDs.next()
    trace = TraceContext(head.traceparent.bytes)
    contentType = MediaTypes.string(head.content_type.bytes)
    contentEncoding = head.content_encoding.string
    accept = head.accept.string
    sender = server.origins(for: client).sender(
      of: head, isPublic: route.isPublic, computes: route.readsQuery)
    isPreflight = sender.page != nil && OriginPolicy.isPreflight(head, on: connection)
    let isOpen = server.configuration.allowsWrites || server.configuration.access != nil
    writeRefusal = route.writes && !isOpen ? server.origins(for: client).writeRefusal(of: head) : nil
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
  func begin(_ facts: FramingFacts, authorization: UnsafeRawBufferPointer?, isOverloaded: Bool) -> Bool {
    // Nobody who keeps asking for health may stay on its thread with other requests, or beyond the limit of
    // connections.
    closesAfter = isStray || isOverloaded
    let isTurnedAway = isOverloaded && !(client.seat.is_health && route.isProbe)
    if case .refused(let refusal) = sender { return refuse(refusal, closes: true) }
    if !route.isPublic, !route.isOpen, !isPreflight, !client.seat.is_admin, let access = server.configuration.access {
      guard let holder = access.tenant(of: authorization) else { return refuse(.unauthorized, closes: true) }
      memory = Reservation(server.memory, for: holder)
      if route.writes, !holder.mayWrite { return refuse(.unwritable(.token), closes: true) }
    }
    if let writeRefusal { return refuse(.unwritable(writeRefusal), closes: true) }
    let limit = bodyLimit
    if let refusal = HeaderGuard.refusal(for: facts, bodyLimit: limit, takesPercent: route.hasParameters)
      ?? (isTurnedAway ? .overloaded(.connections) : nil)
    {
      return refuse(refusal, closes: true)
    }
    if let seconds = facts.requestTimeout {
      patience = Int64(min(seconds * 1e9, Double(patience)))
      if seconds == 0 { refusal = .header("Request-Timeout is a number of seconds above 0, such as 2.5") }
    }
    if let quota = tenant.quota, let refusal = quota.refusal(at: started) { self.refusal = refusal }
    client.requestID = id
    client.page = sender.page
    isOldClient = facts.minorVersion < 1
    guard client.enter(.body) else { return false }
    guard let length = facts.contentLength else { return true }
    if length > limit { refusal = .bodyTooLarge(limit: limit, length: length) }
    // Only address space until the bytes come.
    if refusal == nil && !body.reserve(length) { return refuse(.overloaded(.memory), closes: true) }
    return true
  }

  /// Who needs no token gets no memory to speak of.
  private var bodyLimit: Int {
    let limit = min(server.configuration.bodyLimit, tenant.quota?.terms.bytesInFlight ?? .max)
    return route.isProbe || client.seat.is_admin ? min(limit, Exchange.negligibleBody) : limit
  }

  /// A piece of the body. False closes the connection.
  func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let limit = bodyLimit
    bytesIn += bytes.count
    if bytesIn > limit {
      refusal = .bodyTooLarge(limit: limit, length: nil)
      guard bytesIn - limit <= HeaderGuard.drainAllowance else {
        // An endless body. In the middle of one the library takes no answer.
        status = 413
        return false
      }
    } else if refusal == nil && bytesIn > max(memory.size, Exchange.negligibleBody) {
      refusal = add(
        max(bytes.count, tenant.quota?.terms.bytesInFlight == nil ? Exchange.bodyStep : Exchange.negligibleBody))
    }
    if refusal != nil {
      body.removeAll()
      return true
    }
    return body.append(bytes, limit: limit)
  }

  /// The body is complete, or the compute pool has answered. False closes the connection.
  func finish() -> Bool {
    if isAbandoned { return false }
    if let outcome {
      self.outcome = nil
      return answer(outcome)
    }
    if let refusal {
      if case .bodyTooLarge(let limit, _) = refusal { return refuse(.bodyTooLarge(limit: limit, length: bytesIn)) }
      return refuse(refusal)
    }
    if isPreflight {
      return answer(OriginPolicy.preflight(server.responder(for: client).methods(of: path), on: connection))
    }
    var request = Request(
      method: method, path: path, id: id, route: route.found, contentType: contentType,
      contentEncoding: contentEncoding, accept: accept,
      body: body.bytes, memory: self, tenant: ObjectIdentifier(tenant))
    // Beside a body that says everything, nothing is looked for in the address.
    if route.readsQuery, method != "POST" || contentType?.hasPrefix("text/") ?? false {
      request.query = Query(of: connection)
    }
    if route.readsConditions { request.conditions = Conditions(of: connection) }
    switch respond(to: request) {
    case .now(let response):
      release(for: response)
      return answer(response)
    case let reply:
      guard client.enter(.work) else { return false }
      // What is put aside keeps the exchange, and so the body, even if the server gives up waiting for the work.
      if let refusal = server.suspended.take(self, reply, until: monotonicNanoseconds() &+ patience) {
        return refuse(refusal)
      }
      return true
    }
  }

  private func respond(to request: Request) -> Reply {
    if isStray { return elsewhere(request) }
    let responder = server.responder(for: client)
    guard let quota = tenant.quota else { return responder.respond(to: request) }
    let since = monotonicNanoseconds()
    defer {
      let now = monotonicNanoseconds()
      quota.charge(now - since, at: now)
    }
    return responder.respond(to: request)
  }

  /// Among whom the server is shared out, whose request this is.
  var tenant: Tenant { memory.tenant }

  /// Has everything done on the compute pool: nothing may keep the health thread.
  private func elsewhere(_ request: Request) -> Reply {
    .later(
      Work(cost: Int64(request.body.count) * Exchange.costOfByte) { [responder = server.responder] cancellation in
        var request = request
        request.cancellation = cancellation
        return responder.respond(to: request)
      })
  }

  /// Reserves memory for work, or says why not. For whoever does the work.
  func reserve(_ size: Int) -> Refusal? {
    let most = min(server.memory.mostForOne, tenant.quota?.terms.bytesInFlight ?? .max)
    // Coming again would not help.
    if size > most - memory.size { return .planTooLarge(limit: most, needed: memory.size + size) }
    return add(size)
  }

  private func add(_ size: Int) -> Refusal? {
    if let most = tenant.quota?.terms.bytesInFlight, size > most - tenant.heldByteCount {
      return .quota(.tokenMemory, seconds: 1)
    }
    return memory.add(size) ? nil : .overloaded(.memory)
  }

  func reserveMore(_ size: Int) -> Bool {
    refusalWhileWorking = reserve(size)
    return refusalWhileWorking == nil
  }

  /// Stores what `finish` shall answer, then lets the library call it. Only for the owner, see above.
  private func resume(with response: Response) {
    outcome = response
    amhd_resume(connection)
  }

  /// The same when the work is done.
  func resume(after response: Response) {
    release(for: response)
    resume(with: response)
  }

  /// The work is done: only its answer still takes memory.
  private func release(for response: Response) {
    body.removeAll()
    memory.shrink(to: response.byteCount)
  }

  func resume(refusing refusal: Refusal) {
    // Where an answer has begun there can be no other.
    guard let stream else { return resume(with: response(to: refusal)) }
    warn("the answer broke off: \(refusal)")
    stream.fail()
    amhd_resume(connection)
  }

  /// Lets the library close the connection of a client that has hung up. Only for the owner.
  func abandon() {
    isAbandoned = true
    stream?.fail()
    amhd_resume(connection)
  }

  @discardableResult
  private func refuse(_ refusal: Refusal, closes: Bool = false) -> Bool {
    answer(response(to: refusal), closes: closes)
  }

  /// In the form of the request's route.
  private func response(to refusal: Refusal) -> Response {
    server.responder(for: client).refuse(refusal, at: route, requestID: id) ?? server.configuration.refuse(refusal, id)
  }

  private func answer(_ response: consuming Response, closes: Bool = false) -> Bool {
    if response.byteCount > Exchange.negligibleBody {
      // Until the client has taken it, it counts.
      if response.byteCount <= memory.size || memory.add(response.byteCount - memory.size, isPage: method != "POST") {
        client.hold(memory.size)
      } else {
        response = self.response(to: .overloaded(.memory))
      }
    }
    guard client.enter(.answer) else { return false }
    guard let answer = create(response.body) else { return false }
    // A header with a line end in it is left out by the library: better no header than a forged one.
    addHeader("Content-Type", response.contentType, to: answer)
    addHeader("X-Request-Id", id, to: answer)
    for (name, value) in server.origins.headers(for: sender.page) { addHeader(name, value, to: answer) }
    for (name, value) in response.headers { addHeader(name, value, to: answer) }
    if closes || closesAfter || server.isDraining {
      addHeader("Connection", "close", to: answer)
    } else if let keepAlive = server.keepAlive {
      addHeader("Keep-Alive", keepAlive, to: answer)
    }
    status = response.status
    observation = response.observation
    return amhd_respond(connection, UInt32(clamping: response.status), answer)
  }

  /// Gives the body to the library.
  private func create(_ body: Body) -> OpaquePointer? {
    switch body {
    case .whole(let whole):
      let (owner, bytes) = (Unmanaged.passRetained(whole as AnyObject), whole.bytes)
      bytesOut = bytes.count
      let answer = amhd_response_create(bytes.baseAddress, bytes.count, transportRelease, owner.toOpaque())
      if answer == nil { owner.release() }
      return answer
    case .stream(let source):
      let streamed = StreamedAnswer(self, source)
      let owner = Unmanaged.passRetained(streamed)
      let size = source.contentLength.map { Int64(max($0, 0)) } ?? Int64(amhd_unknown_size)
      let answer = amhd_response_stream(size, method == "HEAD", transportRead, transportRelease, owner.toOpaque())
      if answer == nil { owner.release() } else { stream = streamed }
      return answer
    }
  }

  /// Suspends the connection until the next piece of its body is there. False where the answer ends here.
  func awaitPiece(of answer: StreamedAnswer) -> Bool {
    guard client.enter(.work) else { return false }
    return server.suspended.take(self, answer, until: monotonicNanoseconds() &+ patience)
  }

  /// Ends an answer that is not complete. The library closes the connection, which is how answers of unknown length end
  /// in HTTP/1.0: there it must not look like it.
  func breakOff() {
    if isOldClient { system_reset(client.descriptor) }
  }

  /// The next piece is there. Only for the owner.
  func resume(with piece: BodyPiece) {
    stream?.take(piece)
    amhd_resume(connection)
  }

  /// Tells whoever runs the server what this request cannot.
  func warn(_ text: String) { server.configuration.warn("\(text) (\(method) \(path.prefix(200)) id=\(id))") }

  /// Strings lend their bytes; passed on as they are they would each be copied to the heap first.
  private func addHeader(_ name: String, _ value: String, to answer: OpaquePointer) {
    name.withCString { name in value.withCString { value in _ = amhd_response_header(answer, name, value) } }
  }

  /// The request is over, one way or the other.
  func complete(_ outcome: amhd_outcome) {
    client.hold(0)
    if let stream { bytesOut = stream.sentCount }
    stream = nil
    let isBroken = status != 0 && outcome != amhd_outcome_answered
    if status == 0 { status = outcome == amhd_outcome_timed_out || client.isEnded ? 408 : 499 }
    _ = client.enter(.waiting)
    server.configuration.observe(
      RequestRecord(
        method: method, path: path, route: route.path, status: status,
        durationNanoseconds: monotonicNanoseconds() - started,
        requestID: id, trace: trace, bytesIn: bytesIn, bytesOut: bytesOut, isBroken: isBroken, observation: observation)
    )
  }
}

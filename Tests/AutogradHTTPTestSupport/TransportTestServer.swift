import AutogradHTTP
import AutogradTestSupport
import Glibc
import Synchronization

/// A gate that work waits at until it is opened, for at most ten seconds.
package final class Gate: Sendable {
  private let isOpen = Atomic<Bool>(false)
  fileprivate let arrivals = Atomic<Int>(0)

  package init() {}

  package var arrived: Int { arrivals.load(ordering: .acquiring) }
  package func open() { isOpen.store(true, ordering: .releasing) }

  package func pass() {
    arrivals.add(1, ordering: .releasing)
    _ = eventually { isOpen.load(ordering: .acquiring) }
  }
}

extension Gate {
  /// The same, but it is the cancellation that is waited for, and that is counted when it comes.
  package func pass(when cancellation: any Cancellation) {
    if eventually({ cancellation.hasEnded }) { arrivals.add(1, ordering: .releasing) }
  }
}

/// Runs the body on so many threads of its own and waits for them: blocking calls have no business on the test
/// library's few threads.
package func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let threads = (0..<count).compactMap { index in
    NativeThread.start(name: "test-\(index)", stackSize: 1 << 20) { body(index) }
  }
  precondition(threads.count == count)
  for thread in threads { pthread_join(thread, nil) }
}

/// Answers with the request's body; under `/later` on the compute pool, under `/gate` there and when the gate opens,
/// under `/hold` then too, but on the socket's thread; under `/nap` there after 50 ms; under `/endless` once it is
/// interrupted. Under `/after` on the compute pool once `/end` has been asked for. Otherwise with what the request
/// was: `METHOD path`.
package struct StubResponder: Responder {
  package let gate: Gate
  package let flight = Flight()

  package init(gate: Gate) { self.gate = gate }

  package func facts(of path: String, _ method: String) -> RouteFacts {
    RouteFacts(index: 0, isPublic: path == "/public", isProbe: ["/livez", "/readyz", "/metrics"].contains(path))
  }

  package func respond(to request: Request) -> Reply {
    switch request.path {
    case "/echo": .now(echo(request))
    case "/later": .later(Work { _ in .now(echo(request)) })
    case "/gate":
      .later(
        Work { [gate] _ in
          gate.pass()
          return .now(echo(request))
        })
    case "/endless":
      .later(
        Work { [gate] (cancellation: any Cancellation) in
          gate.pass(when: cancellation)
          return .now(echo(request))
        })
    case "/hold": held(request)
    case "/nap": rested(request)
    case "/after": .after(flight, Work { _ in .now(echo(request)) })
    case "/end": ended(request)
    default: .now(Response(contentType: "text/plain", body: TextBytes("\(request.method) \(request.path)")))
    }
  }

  private func held(_ request: Request) -> Reply {
    gate.pass()
    return .now(echo(request))
  }

  private func rested(_ request: Request) -> Reply {
    usleep(50_000)
    return .now(echo(request))
  }

  private func ended(_ request: Request) -> Reply {
    flight.end()
    return .now(echo(request))
  }

  private func echo(_ request: Request) -> Response {
    let body = TextBytes(copying: request.body)
    return Response(contentType: request.contentType ?? "text/plain", body: body)
  }
}

/// A server with a stub behind it, on a port of its own.
package final class TransportTestServer: Sendable {
  package let server: HTTPServer
  package let pool: ComputePool
  package let gate = Gate()
  private let records: RecordList

  private final class RecordList: Sendable {
    let all = Locked<[RequestRecord]>([])
  }

  package init(
    poolThreads: Int = 2, queueLimit: Int = 256, configure: (inout HTTPServer.Configuration) -> Void = { _ in }
  ) throws {
    var configuration = HTTPServer.Configuration { refusal, id in
      Response(status: status(of: refusal), contentType: "text/plain", body: TextBytes("refused: \(refusal)"))
    }
    configuration.port = 0
    configuration.bodyLimit = 100_000
    configuration.timeout = 10
    let records = RecordList()
    self.records = records
    configuration.observe = { record in records.all.withLock { $0.append(record) } }
    configure(&configuration)
    pool = try ComputePool(threads: poolThreads, queueLimit: queueLimit)
    do {
      server = try HTTPServer(configuration, responder: StubResponder(gate: gate), pool: pool)
    } catch {
      pool.shutdown()
      throw error
    }
  }

  /// What was observed so far.
  package var observed: [RequestRecord] { records.all.withLock { $0 } }
  /// Counted under the lock: ThreadSanitizer does not see the reference counts that make a copy of an array safe.
  package var observedCount: Int { records.all.withLock { $0.count } }

  package func connect(timeout: Double = 10) throws -> RawConnection {
    try RawConnection(port: server.port, timeout: timeout)
  }

  package func stop() {
    gate.open()
    server.stop()
    pool.shutdown()
  }
}

/// Starts a server, runs the body and stops it.
package func withTransportServer(
  poolThreads: Int = 2, queueLimit: Int = 256, configure: (inout HTTPServer.Configuration) -> Void = { _ in },
  _ body: (TransportTestServer) throws -> Void
) throws {
  let server = try TransportTestServer(poolThreads: poolThreads, queueLimit: queueLimit, configure: configure)
  defer { server.stop() }
  try body(server)
}

private func status(of refusal: Refusal) -> Int {
  switch refusal {
  case .framing, .header: 400
  case .transferCoding: 501
  case .unauthorized: 401
  case .misdirected: 421
  case .foreignOrigin, .unwritable: 403
  case .bodyTooLarge, .planTooLarge: 413
  case .tooSlow: 408
  case .deadlineExceeded: 504
  case .overloaded, .shuttingDown: 503
  case .quota: 429
  case .unknownPath: 404
  case .methodNotAllowed: 405
  case .notAcceptable: 406
  case .unsupportedMediaType: 415
  }
}

/// A POST as most clients write it.
package func rawPost(_ path: String, _ body: String, headers: String = "") -> String {
  "POST \(path) HTTP/1.1\r\nHost: localhost\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

/// One chunk of a chunked body.
package func rawChunk(_ text: String) -> String { String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n" }

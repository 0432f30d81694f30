import AutogradHTTPTestSupport
import AutogradTestSupport
import Glibc
import Synchronization
import Testing

@testable import AutogradHTTP

/// How a server starts and ends.
@Suite(.timeLimit(.minutes(60)))
struct TransportShutdownTests {
  /// Clients that send one request after the other, some on one connection, some on a new one each, until the server
  /// will not have them.
  private final class Load: Sendable {
    let answered = Atomic<Int>(0)
    let lost = Locked<[String]>([])

    func run(port: UInt16, clients: Int) {
      onThreads(clients) { [self] index in
        while let client = try? RawConnection(port: port) {
          while serve(client, path: index % 2 == 0 ? "/echo" : "/later"), index % 4 < 2 {}
        }
      }
    }

    /// One request; false when the server closes the connection after it.
    private func serve(_ client: RawConnection, path: String) -> Bool {
      do {
        try client.send(rawPost(path, "work"))
        let response = try client.readResponse()
        guard response.status == 200, response.text == "work" else {
          lost.withLock { $0.append("\(path): \(response.status) \(response.text)") }
          return false
        }
        answered.add(1, ordering: .relaxed)
        return response.header("Connection")?.lowercased() != "close"
      } catch {
        lost.withLock { $0.append("\(path): \(error)") }
        return false
      }
    }
  }

  @Test(arguments: 1...3)
  func drainUnderLoadLosesNothing(round: Int) throws {
    let server = try TransportTestServer()
    let load = Load()
    let drained = Atomic<Bool>(false)
    let ended = Atomic<Bool>(false)
    let ending = NativeThread.start(name: "drain", stackSize: 1 << 20) { [port = server.server.port] in
      load.run(port: port, clients: 8)
      ended.store(true, ordering: .releasing)
    }
    #expect(eventually { load.answered.load(ordering: .relaxed) > 200 })
    drained.store(server.server.drain(deadline: .seconds(10)), ordering: .relaxed)
    if let ending { pthread_join(ending, nil) }
    server.pool.shutdown()
    #expect(load.lost.withLock { $0 } == [])
    #expect(drained.load(ordering: .relaxed) && ended.load(ordering: .acquiring))
    #expect(server.server.requestsInFlight == 0 && server.server.connectionCount == 0)
  }

  @Test func drainWaitsForWorkOnThePool() throws {
    let server = try TransportTestServer()
    let client = try server.connect()
    try client.send(rawPost("/gate", "finish me"))
    #expect(eventually { server.gate.arrived == 1 })
    let opener = NativeThread.start(name: "opener", stackSize: 1 << 20) { [gate = server.gate] in
      usleep(100_000)
      gate.open()
    }
    #expect(server.server.drain(deadline: .seconds(10)))
    if let opener { pthread_join(opener, nil) }
    let response = try client.readResponse()
    #expect(response.text == "finish me" && response.header("Connection")?.lowercased() == "close")
    #expect(client.isClosedByServer())
    server.pool.shutdown()
  }

  @Test func drainPastItsDeadlineAnswersWhoStillWaits() throws {
    let server = try TransportTestServer(poolThreads: 2)
    let clients = try (0..<10).map { index in
      let client = try server.connect()
      try client.send(rawPost("/gate", "\(index)"))
      return client
    }
    #expect(eventually { server.gate.arrived == 2 && server.pool.queueLength == 8 })
    #expect(!server.server.drain(deadline: .milliseconds(50)))
    for client in clients {
      let response = try client.readResponse()
      #expect(response.status == 503 && response.text == "refused: shuttingDown")
    }
    // The work comes to its end after the server has gone, and must not mind.
    server.gate.open()
    server.pool.shutdown()
    #expect(server.observedCount == 10)
  }

  @Test func stopWithSuspendedConnections() throws {
    let server = try TransportTestServer(poolThreads: 1)
    let client = try server.connect()
    try client.send(rawPost("/gate", ""))
    #expect(eventually { server.gate.arrived == 1 })
    server.server.stop()
    server.server.stop()
    #expect(try client.readResponse().status == 503)
    server.gate.open()
    server.pool.shutdown()
  }

  @Test func stoppedServerIsFreed() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 1)
    var configuration = HTTPServer.Configuration { _, _ in Response(status: 503, body: TextBytes("")) }
    configuration.port = 0
    weak var remaining: HTTPServer?
    do {
      let server = try HTTPServer(configuration, responder: StubResponder(gate: Gate()), pool: pool)
      remaining = server
      let client = try RawConnection(port: server.port)
      try client.send(rawPost("/later", "x"))
      #expect(try client.readResponse().text == "x")
      server.stop()
    }
    pool.shutdown()
    #expect(eventually { remaining == nil })
  }

  @Test func readinessGoesFirst() throws {
    let server = try TransportTestServer { ($0.readinessDelay, $0.idleDelay) = (.seconds(1), .seconds(10)) }
    #expect(server.server.isReady && !server.server.isDraining)
    let client = try server.connect()
    let late = try server.connect()
    let drain = NativeThread.start(name: "drain", stackSize: 1 << 20) { [server = server.server] in
      server.drain(deadline: .seconds(20))
    }
    #expect(eventually { !server.server.isReady })
    // Not ready, but whoever does not know yet is served as ever.
    #expect(!server.server.isDraining)
    try client.send(rawPost("/echo", "served"))
    let response = try client.readResponse()
    #expect(response.text == "served" && response.header("Connection")?.lowercased() != "close")
    client.close()
    #expect(eventually { server.server.isDraining })
    try late.send(rawPost("/echo", "served too"))
    let last = try late.readResponse()
    #expect(last.text == "served too" && last.header("Connection")?.lowercased() == "close")
    if let drain { pthread_join(drain, nil) }
    server.pool.shutdown()
  }

  @Test func idleConnectionsDoNotHoldTheDrainUp() throws {
    let server = try TransportTestServer { $0.idleDelay = .milliseconds(50) }
    let clients = try (0..<20).map { _ in try server.connect() }
    #expect(eventually { server.server.connectionCount == 20 })
    let start = monotonicNanoseconds()
    #expect(server.server.drain(deadline: .seconds(30)))
    #expect(monotonicNanoseconds() - start < 5_000_000_000)
    for client in clients { #expect(client.isClosedByServer()) }
    server.pool.shutdown()
  }

  // MARK: - Starting

  @Test func portInUseIsAnError() throws {
    try withTransportServer { server in
      #expect(throws: StartError.self) { try TransportTestServer { $0.port = server.server.port } }
    }
  }

  @Test func portIsFreeAgainAtOnce() throws {
    let first = try TransportTestServer()
    let port = first.server.port
    let client = try first.connect()
    try client.send(rawPost("/echo", "x"))
    _ = try client.readResponse()
    // The server closes first: its side of the connection goes into TIME_WAIT.
    first.stop()
    let second = try TransportTestServer { $0.port = port }
    defer { second.stop() }
    let next = try second.connect()
    try next.send(rawPost("/echo", "y"))
    #expect(try next.readResponse().text == "y")
  }

  @Test func socketFromOutside() throws {
    let descriptor = try ListeningSocket.open(host: "127.0.0.1", port: 0)
    let ours = dup(descriptor)
    let server = try TransportTestServer { $0.listeningDescriptor = descriptor }
    #expect(server.server.port == ListeningSocket.port(of: ours))
    let client = try server.connect()
    try client.send(rawPost("/echo", "passed"))
    #expect(try client.readResponse().text == "passed")
    server.stop()
    // It is still open where it came from: the next process takes who comes meanwhile.
    let waiting = try RawConnection(port: ListeningSocket.port(of: ours))
    try waiting.send(rawPost("/echo", "waited"))
    let next = try TransportTestServer { $0.listeningDescriptor = ours }
    defer { next.stop() }
    #expect(try waiting.readResponse().text == "waited")
  }

  @Test(arguments: ["127.0.0.1", "localhost", "0.0.0.0", "::"])
  func addresses(host: String) throws {
    // Containers and sandboxes may have no IPv6.
    if host == "::" && !hasIPv6 { return }
    try withTransportServer(configure: { $0.host = host }) { server in
      #expect(server.server.port != 0)
      guard host != "localhost" else { return }
      let client = try server.connect()
      try client.send(rawPost("/echo", host))
      #expect(try client.readResponse().text == host)
    }
  }

  private var hasIPv6: Bool {
    let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    if descriptor >= 0 { close(descriptor) }
    return descriptor >= 0
  }

  @Test func foreignAddressIsAnError() {
    // Reserved for documentation: no machine has it.
    #expect(throws: StartError.self) { try TransportTestServer { $0.host = "192.0.2.1" } }
  }
}

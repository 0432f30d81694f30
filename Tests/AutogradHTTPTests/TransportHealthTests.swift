import AutogradHTTPTestSupport
import AutogradTestSupport
import Glibc
import Synchronization
import Testing

@testable import AutogradHTTP

/// The thread that answers for the server's health, and who is let on it.
@Suite(.timeLimit(.minutes(60)))
struct TransportHealthTests {
  /// Keeps all socket threads until the gate is opened.
  private func holdAll(_ server: TransportTestServer, threads: Int = 2) throws -> [RawConnection] {
    try (0..<threads).map { number in
      let client = try server.connect()
      try client.send(rawPost("/hold", "held"))
      try #require(eventually { server.gate.arrived == number + 1 })
      return client
    }
  }

  @Test func probesAreAnsweredWhileAllSocketThreadsAreBusy() throws {
    try withTransportServer { server in
      let holders = try holdAll(server)
      for _ in 0..<20 {
        for target in [
          "GET /livez", "HEAD /livez", "GET /readyz?verbose", "GET /metrics", "HEAD /metrics", "HEAD /readyz?",
        ] {
          let client = try server.connect(timeout: 5)
          try client.send("\(target) HTTP/1.1\r\nHost: localhost\r\n\r\n")
          let answer = try client.readResponse(toHead: target.hasPrefix("HEAD"))
          #expect(answer.status == 200 && answer.header("Connection") == nil, "\(target)")
        }
      }
      server.gate.open()
      for holder in holders { #expect(try holder.readResponse().text == "held") }
    }
  }

  /// The first byte may come at any time after the connection.
  @Test(arguments: [0, 1000, 10_000, 40_000]) func probesThatComeLaterAreAnsweredToo(microseconds: UInt32) throws {
    try withTransportServer { server in
      let holders = try holdAll(server)
      let client = try server.connect(timeout: 5)
      usleep(microseconds)
      try client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
      // At 40 ms the machine may have been too slow, and the client is served like any other.
      if microseconds < 40_000 { #expect(try client.readResponse().status == 200) }
      server.gate.open()
      if microseconds == 40_000 { #expect(try client.readResponse().status == 200) }
      for holder in holders { #expect(try holder.readResponse().text == "held") }
    }
  }

  /// Whoever asks for health first, and then for something else on the same connection, is served elsewhere.
  @Test func nothingKeepsTheHealthThread() throws {
    try withTransportServer { server in
      let holders = try holdAll(server)
      let strays = try ["/hold", "/gate", "/later", "/echo"].map { path in
        let client = try server.connect()
        try client.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try client.readResponse().text == "GET /readyz")
        try client.send(rawPost(path, "stray"))
        return client
      }
      // Two are on the compute pool's threads.
      #expect(eventually { server.gate.arrived == 4 })
      let probe = try server.connect(timeout: 5)
      for _ in 0..<3 {
        try probe.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try probe.readResponse().text == "GET /livez")
      }
      server.gate.open()
      for stray in strays {
        let answer = try stray.readResponse()
        #expect(answer.status == 200 && answer.text == "stray" && answer.header("Connection")?.lowercased() == "close")
        #expect(stray.isClosedByServer())
      }
      for holder in holders { #expect(try holder.readResponse().header("Connection") == nil) }
    }
  }

  @Test func whatOnlyLooksLikeAProbeIsServedAsEver() throws {
    try withTransportServer { server in
      for path in ["/livezoo", "/livez/", "/LIVEZ", "//livez", "/ready", "/x?/livez", "/metrics2"] {
        let client = try server.connect()
        for _ in 0..<2 {
          try client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
          let answer = try client.readResponse()
          #expect(answer.text == "GET \(path.prefix { $0 != "?" })" && answer.header("Connection") == nil)
        }
      }
    }
  }

  // MARK: - Clients who say nothing

  @Test func silentClientsAreServedWhenTheySpeak() throws {
    try withTransportServer { server in
      let clients = try (0..<30).map { _ in try server.connect() }
      #expect(eventually { server.server.connectionCount == 30 })
      for client in clients {
        try client.send(
          pieces: ["P", "OST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok"], pause: 0.001)
        #expect(try client.readResponse().text == "ok")
      }
    }
  }

  /// More at once than are kept.
  @Test func manySilentClientsAreAllServed() throws {
    try withTransportServer { server in
      let clients = try (0..<400).map { _ in try server.connect() }
      #expect(eventually { server.server.connectionCount == 400 })
      for client in clients { try client.send(rawPost("/echo", "ok")) }
      for client in clients { #expect(try client.readResponse().text == "ok") }
    }
  }

  @Test func clientsThatLeaveWithoutAWordAreForgotten() throws {
    try withTransportServer { server in
      for _ in 0..<200 { try server.connect().close() }
      let client = try server.connect()
      try client.send(rawPost("/echo", "ok"))
      #expect(try client.readResponse().text == "ok")
      #expect(eventually { server.server.connectionCount == 1 })
    }
  }

  /// They are handed over before the server stops, and answered.
  @Test func silentClientsAreNotLostWhenTheServerEnds() throws {
    for _ in 0..<5 {
      let server = try TransportTestServer()
      let clients = try (0..<20).map { _ in try server.connect() }
      let ending = Atomic<Bool>(false)
      let end = NativeThread.start(name: "drain", stackSize: 1 << 20) {
        ending.store(server.server.drain(deadline: .seconds(10)), ordering: .releasing)
      }
      // Accepting ends after 20 ms, when those who are silent are still kept.
      usleep(40_000)
      for client in clients { try client.send(rawPost("/echo", "ok")) }
      for client in clients { #expect(try client.readResponse().text == "ok") }
      if let end { pthread_join(end, nil) }
      let isDrained = ending.load(ordering: .acquiring)
      #expect(isDrained)
      server.stop()
    }
  }

  // MARK: - Limits

  @Test func probesAreAnsweredBeyondTheLimitOfConnections() throws {
    try withTransportServer(configure: { $0.connectionLimit = 2 }) { server in
      let clients = try (0..<2).map { _ in try server.connect() }
      #expect(eventually { server.server.connectionCount == 2 })
      let probe = try server.connect()
      try probe.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let answer = try probe.readResponse()
      // But not kept.
      #expect(answer.status == 200 && answer.header("Connection")?.lowercased() == "close")
      let other = try server.connect()
      try other.send(rawPost("/echo", "x"))
      #expect(try other.readResponse().status == 503)
      withExtendedLifetime(clients) {}
    }
  }

  @Test func probesHaveNoBodiesToSpeakOf() throws {
    try withTransportServer { server in
      for (size, status) in [(4, 200), (5000, 413)] {
        let client = try server.connect()
        let body = String(repeating: "x", count: size)
        try client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(size)\r\n\r\n\(body)")
        #expect(try client.readResponse().status == status)
      }
    }
  }

  @Test func drippersAreEndedThereToo() throws {
    try withTransportServer(configure: { $0.patience.head = 300_000_000 }) { server in
      let client = try server.connect()
      try client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
      #expect(try client.readResponse().status == 408)
      #expect(eventually { server.server.connectionCount == 0 })
    }
  }
}

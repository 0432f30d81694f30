import AutogradHTTPTestSupport
import AutogradTestSupport
import Glibc
import Synchronization
import Testing

@testable import AutogradHTTP

/// Clients that take too long, and work that does: both are ended, and nobody else is harmed.
@Suite(.timeLimit(.minutes(60)))
struct TransportDeadlineTests {
  private let short: Int64 = 300_000_000

  /// Sends a byte now and then until the server has had enough, for at most ten seconds.
  private func drip(_ client: RawConnection, _ byte: String) {
    _ = eventually {
      usleep(50_000)
      do { try client.send(byte) } catch { return true }
      return false
    }
  }

  @Test func drippedHeadsAreEnded() throws {
    try withTransportServer(configure: { $0.patience.head = short }) { server in
      let client = try server.connect()
      let idle = try server.connect()
      let early = try server.connect()
      // Before anybody has looked at the connection.
      try early.send(rawPost("/echo", "early"))
      #expect(try early.readResponse().text == "early")
      try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
      let begin = monotonicNanoseconds()
      drip(client, "x")
      #expect(monotonicNanoseconds() - begin < 5_000_000_000)
      #expect(server.server.connectionCount == 2)
      // Who has sent nothing is not slow, and neither is who has had an answer.
      for text in ["one", "two"] {
        for client in [idle, early] {
          try client.send(rawPost("/echo", text))
          #expect(try client.readResponse().text == text)
        }
        usleep(700_000)
      }
    }
  }

  @Test func drippedHeadsOnKeptConnectionsAreEnded() throws {
    try withTransportServer(configure: { $0.patience.head = short }) { server in
      let client = try server.connect()
      try client.send(rawPost("/echo", "first"))
      #expect(try client.readResponse().text == "first")
      try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
      drip(client, "x")
      #expect(eventually { server.server.connectionCount == 0 })
    }
  }

  @Test func drippedBodiesAreEndedAndTold() throws {
    try withTransportServer(configure: { $0.patience.body = short }) { server in
      let client = try server.connect()
      try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
      for _ in 0..<4 {
        usleep(50_000)
        try client.send("x")
      }
      let answer = try client.readResponse()
      #expect(answer.status == 408 && answer.text == "refused: tooSlow")
      #expect(client.isClosedByServer())
      #expect(eventually { server.observed.first?.status == 408 })
    }
  }

  @Test func answersThatNobodyFetchesAreEnded() throws {
    try withTransportServer(configure: { ($0.patience.answer, $0.bodyLimit) = (short, 32 << 20) }) { server in
      let client = try server.connect()
      // More than the buffers of both sides hold.
      try client.send(rawPost("/echo", String(repeating: "x", count: 24 << 20)))
      #expect(eventually { server.server.connectionCount == 0 })
    }
  }

  /// An end that comes with the last bytes, before the connection is accepted, causes no event.
  @Test func endsThatComeWithTheDataAreSeen() throws {
    try withTransportServer(configure: { $0.timeout = 60 }) { server in
      let clients = try (0..<20).map { index in
        let client = try server.connect()
        let rest = "st: localhost\r\nContent-Length: 9\r\n\r\nx"
        try client.send("POST /echo HTTP/1.1\r\nHo" + (index % 2 == 0 ? "" : rest))
        client.finishSending()
        return client
      }
      #expect(eventually { server.server.connectionCount == 0 })
      withExtendedLifetime(clients) {}
    }
  }

  @Test func workIsEndedAtItsDeadline() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(rawPost("/endless", "", headers: "Request-Timeout: 0.2\r\n"))
      let answer = try client.readResponse()
      #expect(answer.status == 504 && answer.text == "refused: deadlineExceeded")
      #expect(eventually { server.gate.arrived == 1 })
      // The connection is as good as before.
      try client.send(rawPost("/echo", "next", headers: "Request-Timeout: 86400\r\n"))
      #expect(try client.readResponse().text == "next")
    }
  }

  @Test func workIsEndedAtTheServersDeadline() throws {
    try withTransportServer(configure: { $0.requestPatience = short }) { server in
      let client = try server.connect()
      try client.send(rawPost("/endless", "", headers: "Request-Timeout: 60\r\n"))
      #expect(try client.readResponse().status == 504)
    }
  }

  @Test(arguments: ["0", "-1", "1e3", "soon", "1.2.3", "+5", "0x10", ".", "inf", ""])
  func timeoutsThatAreNoneAreRefused(text: String) throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(rawPost("/echo", "x", headers: "Request-Timeout: \(text)\r\n"))
      #expect(try client.readResponse().status == 400)
      // It is no doubt about where the request ends.
      try client.send(rawPost("/echo", "next"))
      #expect(try client.readResponse().text == "next")
    }
  }

  @Test func workOfClientsThatHaveGoneIsEnded() throws {
    try withTransportServer { server in
      for number in 1...3 {
        let client = try server.connect()
        try client.send(rawPost("/endless", ""))
        #expect(eventually { server.server.requestsInFlight == 1 })
        client.close()
        #expect(eventually { server.gate.arrived == number && server.server.requestsInFlight == 0 })
      }
      #expect(server.observed.map(\.status) == [499, 499, 499])
    }
  }

  // MARK: - Memory

  @Test func bodiesInFlightAreBounded() throws {
    try withTransportServer(configure: { ($0.memoryLimit, $0.bodyLimit) = (1 << 20, 900_000) }) { server in
      let large = String(repeating: "x", count: 700_000)
      let first = try server.connect()
      try first.send(rawPost("/gate", large))
      #expect(eventually { server.gate.arrived == 1 })
      let second = try server.connect()
      try second.send(rawPost("/echo", large))
      let refused = try second.readResponse()
      #expect(refused.status == 503 && refused.text == "refused: overloaded(AutogradHTTP.Overload.memory)")
      try second.send(rawPost("/echo", "small"))
      #expect(try second.readResponse().text == "small")
      server.gate.open()
      #expect(try first.readResponse().text == large)
      #expect(eventually { server.server.memory.usedBytes == 0 })
      try second.send(rawPost("/echo", large))
      #expect(try second.readResponse().text == large)
    }
  }

  // MARK: - Lanes

  @Test func briefJobsAreNotStuckBehindLongOnes() throws {
    let pool = try ComputePool(threads: 2, queueLimit: 100)
    let gate = Gate()
    let done = Atomic<Int>(0)
    for _ in 0..<10 { #expect(pool.submit(cost: 1_000_000_000) { _ in gate.pass() } == nil) }
    for _ in 0..<10 {
      #expect(pool.submit(cost: 1000) { turn in done.add(turn.lane == .brief ? 1 : 0, ordering: .relaxed) } == nil)
    }
    #expect(eventually { done.load(ordering: .relaxed) == 10 })
    #expect(pool.queueLength == 8)
    gate.open()
    #expect(pool.shutdown())
  }

  @Test func costsBeyondAllMeasureAddUp() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let gate = Gate()
    for _ in 0..<50 { #expect(pool.submit(cost: .max) { _ in gate.pass() } == nil) }
    #expect(pool.submit(cost: .max, until: monotonicNanoseconds() + 1_000_000_000) { _ in } == .deadline)
    gate.open()
    #expect(pool.shutdown())
  }

  @Test func jobsThatWouldBeLateAreTurnedAway() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 100)
    let gate = Gate()
    let second: Int64 = 1_000_000_000
    // Alone, it may try.
    #expect(pool.submit(cost: 2 * second, until: monotonicNanoseconds() + second) { _ in gate.pass() } == nil)
    #expect(eventually { gate.arrived == 1 })
    #expect(pool.submit(cost: 2 * second, until: monotonicNanoseconds() + second) { _ in } == .deadline)
    #expect(pool.submit(cost: second, until: monotonicNanoseconds() + 2 * second) { _ in } == .deadline)
    #expect(pool.submit(cost: second, until: monotonicNanoseconds() + 60 * second) { _ in } == nil)
    // What is brief need not wait for it.
    #expect(pool.submit(cost: 1000, until: monotonicNanoseconds() + second) { _ in } == nil)
    gate.open()
    #expect(pool.shutdown())
  }
}

import AutogradHTTPTestSupport
import AutogradTestSupport
import Glibc
import Synchronization
import Testing

@testable import AutogradHTTP

/// Bodies at and above the limit, work on the compute pool, and more of either than there is room for.
@Suite(.timeLimit(.minutes(60)))
struct TransportLimitTests {
  private static let limit = 100_000

  private func chunked(_ size: Int) -> String {
    let piece = rawChunk(String(repeating: "y", count: 1000))
    let rest = size % 1000 == 0 ? "" : rawChunk(String(repeating: "y", count: size % 1000))
    let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + String(repeating: piece, count: size / 1000) + rest + "0\r\n\r\n"
  }

  private func whole(_ size: Int) -> String { rawPost("/echo", String(repeating: "y", count: size)) }

  // MARK: - Bodies

  @Test(arguments: [true, false])
  func bodyAtTheLimitIsTaken(isChunked: Bool) throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(isChunked ? chunked(Self.limit) : whole(Self.limit))
      let response = try client.readResponse()
      #expect(response.status == 200 && response.body.count == Self.limit)
    }
  }

  @Test(arguments: [true, false], [limit + 1, limit + HeaderGuard.drainAllowance])
  func bodyAboveTheLimitIsReadAndRefused(isChunked: Bool, size: Int) throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(isChunked ? chunked(size) : whole(size))
      let response = try client.readResponse()
      #expect(response.status == 413)
      #expect(response.text == "refused: bodyTooLarge(limit: 100000, length: Optional(\(size)))")
      // The connection is none the worse for it.
      try client.send(rawPost("/echo", "next"))
      #expect(try client.readResponse().text == "next")
    }
  }

  @Test func bodyFarAboveTheLimitIsRefusedAtOnce() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
          + "\(Self.limit + HeaderGuard.drainAllowance + 1)\r\n\r\n"
      )
      let response = try client.readResponse()
      #expect(response.status == 413 && response.header("Connection")?.lowercased() == "close")
      #expect(client.isClosedByServer())
    }
  }

  @Test func bodyAboveTheLimitIsNotAskedFor() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: \(Self.limit + 1)\r\n\r\n")
      #expect(try client.readResponse(interim: true).status == 413)
    }
  }

  @Test func endlessBodyIsCutOff() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
      let piece = rawChunk(String(repeating: "z", count: 50_000))
      // The pipe breaks at some time after limit and allowance have been sent.
      #expect(throws: RawHTTPError.self) {
        for _ in 0..<1000 { try client.send(piece) }
      }
      #expect(eventually { server.observedCount == 1 })
      #expect(server.observed.first?.status == 413)
      #expect(server.observed.first.map { $0.bytesIn <= Self.limit + HeaderGuard.drainAllowance + 65536 } == true)
    }
  }

  // MARK: - Work on the pool

  @Test func manyConnectionsWithWorkOnThePool() throws {
    try withTransportServer { server in
      let wrong = Locked<[String]>([])
      let port = server.server.port
      onThreads(64) { thread in
        do {
          let client = try RawConnection(port: port)
          for index in 0..<20 {
            let text = "\(thread)/\(index)"
            try client.send(rawPost("/later", text))
            let answer = try client.readResponse()
            if answer.status != 200 || answer.text != text {
              wrong.withLock { $0.append("\(text): \(answer.status) \(answer.text)") }
            }
          }
        } catch {
          wrong.withLock { $0.append("\(thread): \(error)") }
        }
      }
      #expect(wrong.withLock { $0 } == [])
      #expect(eventually { server.observedCount == 64 * 20 })
    }
  }

  @Test func othersAreServedWhileWorkWaits() throws {
    try withTransportServer { server in
      let waiting = try server.connect()
      try waiting.send(rawPost("/gate", "patience"))
      #expect(eventually { server.gate.arrived == 1 })
      let other = try server.connect()
      try other.send(rawPost("/echo", "now"))
      #expect(try other.readResponse().text == "now")
      server.gate.open()
      #expect(try waiting.readResponse().text == "patience")
    }
  }

  @Test func clientGoneWhileSuspended() throws {
    try withTransportServer(poolThreads: 1) { server in
      for _ in 0..<5 {
        let client = try server.connect()
        try client.send(rawPost("/gate", "who?"))
        usleep(5000)
        client.close()
      }
      #expect(eventually { server.gate.arrived == 1 })
      server.gate.open()
      #expect(eventually { server.observedCount == 5 && server.server.connectionCount == 0 })
      let next = try server.connect()
      try next.send(rawPost("/later", "still here"))
      #expect(try next.readResponse().text == "still here")
    }
  }

  @Test func fullQueueRefuses() throws {
    try withTransportServer(poolThreads: 1, queueLimit: 2) { server in
      var waiting: [RawConnection] = []
      for arrived in 1...3 {
        let client = try server.connect()
        try client.send(rawPost("/gate", "\(arrived)"))
        waiting.append(client)
        // The first runs, the others wait in the queue.
        #expect(eventually { server.gate.arrived == 1 && server.pool.queueLength == arrived - 1 })
      }
      let refused = try server.connect()
      try refused.send(rawPost("/gate", "one too many"))
      let answer = try refused.readResponse()
      #expect(answer.status == 503 && answer.text == "refused: overloaded(AutogradHTTP.Overload.queue)")
      server.gate.open()
      for (index, client) in waiting.enumerated() { #expect(try client.readResponse().text == "\(index + 1)") }
      try refused.send(rawPost("/later", "again"))
      #expect(try refused.readResponse().text == "again")
    }
  }

  @Test func tooManyConnections() throws {
    try withTransportServer(configure: { $0.connectionLimit = 3 }) { server in
      let clients = try (0..<4).map { _ in try server.connect() }
      #expect(eventually { server.server.connectionCount == 4 })
      try clients[3].send(rawPost("/echo", "four"))
      let refused = try clients[3].readResponse()
      #expect(refused.status == 503 && refused.text == "refused: overloaded(AutogradHTTP.Overload.connections)")
      #expect(clients[3].isClosedByServer())
      #expect(eventually { server.server.connectionCount == 3 })
      try clients[0].send(rawPost("/echo", "one"))
      #expect(try clients[0].readResponse().text == "one")
    }
  }

  @Test func silentConnectionsAreClosed() throws {
    try withTransportServer(configure: { $0.timeout = 1 }) { server in
      let silent = try server.connect()
      let half = try server.connect()
      try half.send("POST /half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12")
      #expect(silent.isClosedByServer())
      #expect(half.isClosedByServer())
      #expect(server.observed.first?.status == 408)
    }
  }

  // MARK: - The pool alone

  @Test func poolFinishesWhatItTook() throws {
    let pool = try ComputePool(threads: 3, queueLimit: 1000)
    let done = Done()
    for _ in 0..<500 {
      #expect(pool.submit { _ in done.count.add(1, ordering: .relaxed) } == nil)
    }
    #expect(pool.shutdown())
    #expect(done.count.load(ordering: .relaxed) == 500)
    #expect(pool.submit { _ in } == .queue)
  }

  @Test func poolDoesNotWaitBeyondItsDeadline() throws {
    let pool = try ComputePool(threads: 1, queueLimit: 1)
    let gate = Gate()
    #expect(pool.submit { _ in gate.pass() } == nil)
    #expect(!pool.shutdown(until: monotonicNanoseconds() + 20_000_000))
    gate.open()
    #expect(pool.shutdown(until: monotonicNanoseconds() + 5_000_000_000))
  }

  @Test func quietPoolSaysSoOnceForEachSpellOfWork() throws {
    let quiet = Done()
    let pool = try ComputePool(threads: 3, queueLimit: 100, quiet: 20_000_000) {
      quiet.count.add(1, ordering: .relaxed)
    }
    let gate = Gate()
    func wait(for count: Int) {
      let deadline = monotonicNanoseconds() + 5_000_000_000
      while quiet.count.load(ordering: .relaxed) < count && monotonicNanoseconds() < deadline { usleep(1000) }
      // Long enough for another thread to say it too.
      usleep(100_000)
    }
    wait(for: 0)
    #expect(quiet.count.load(ordering: .relaxed) == 0)
    for _ in 0..<50 { #expect(pool.submit { _ in } == nil) }
    wait(for: 1)
    #expect(quiet.count.load(ordering: .relaxed) == 1)
    // A job that runs is no quiet, however long.
    #expect(pool.submit { _ in gate.pass() } == nil)
    #expect(pool.submit { _ in } == nil)
    wait(for: 1)
    #expect(quiet.count.load(ordering: .relaxed) == 1)
    gate.open()
    wait(for: 2)
    #expect(quiet.count.load(ordering: .relaxed) == 2)
    #expect(pool.shutdown())
  }

  private final class Done: Sendable {
    let count = Atomic<Int>(0)
  }
}

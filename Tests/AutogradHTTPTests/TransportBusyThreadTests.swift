import AutogradHTTPTestSupport
import AutogradTestSupport
import Glibc
import Synchronization
import Testing

@testable import AutogradHTTP

/// Threads that are busy: their clients are not charged for it, and whoever watches the server learns of it.
@Suite(.timeLimit(.minutes(60)))
struct TransportBusyThreadTests {
  private let short: Int64 = 300_000_000

  /// Keeps the one socket thread until the gate is opened.
  private func hold(_ server: TransportTestServer) throws -> RawConnection {
    let client = try server.connect()
    try client.send(rawPost("/hold", "held"))
    try #require(eventually { server.gate.arrived == 1 })
    return client
  }

  @Test func requestsThatLieUnreadAreNotTooSlow() throws {
    try withTransportServer(configure: { ($0.threads, $0.patience.head, $0.patience.body) = (1, short, short) }) {
      server in
      let (kept, begun) = (try server.connect(), try server.connect())
      try kept.send(rawPost("/echo", "first"))
      #expect(try kept.readResponse().text == "first")
      try begun.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nbe")
      #expect(eventually { server.server.requestsInFlight == 1 })
      let holder = try hold(server)
      try kept.send(rawPost("/echo", "second"))
      try begun.send("gun")
      // Five times what either may take.
      usleep(1_500_000)
      server.gate.open()
      #expect(try holder.readResponse().text == "held")
      #expect(try kept.readResponse().text == "second")
      #expect(try begun.readResponse().text == "begun")
    }
  }

  @Test func answersThatAreNotSentYetAreNotTooSlow() throws {
    try withTransportServer(configure: { ($0.threads, $0.patience.answer, $0.bodyLimit) = (1, short, 32 << 20) }) {
      server in
      let client = try server.connect()
      let size = 24 << 20
      try client.send(rawPost("/echo", String(repeating: "x", count: size)))
      #expect(eventually { server.observedCount == 0 && server.server.requestsInFlight == 1 })
      let holder = try hold(server)
      let opener = NativeThread.start(name: "opener", stackSize: 1 << 20) { [gate = server.gate] in
        usleep(1_500_000)
        gate.open()
      }
      // Takes what the kernel has at once, and the rest as it comes.
      #expect(try client.readResponse().body.count == size)
      #expect(try holder.readResponse().text == "held")
      if let opener { pthread_join(opener, nil) }
    }
  }

  /// A client that drips is ended all the same: most of the time nothing of it lies unread.
  @Test func drippersAreEndedOnBusyThreads() throws {
    try withTransportServer(configure: { ($0.threads, $0.patience.head) = (1, short) }) { server in
      let isOver = Atomic<Bool>(false)
      let busy = NativeThread.start(name: "busy", stackSize: 1 << 20) { [port = server.server.port] in
        guard let client = try? RawConnection(port: port) else { return }
        while !isOver.load(ordering: .acquiring) {
          try? client.send(rawPost("/nap", ""))
          _ = try? client.readResponse()
        }
      }
      let client = try server.connect()
      try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
      let begin = monotonicNanoseconds()
      _ = eventually {
        usleep(200_000)
        do { try client.send("x") } catch { return true }
        return false
      }
      #expect(monotonicNanoseconds() - begin < 5_000_000_000)
      isOver.store(true, ordering: .releasing)
      if let busy { pthread_join(busy, nil) }
    }
  }

  /// The library has no memory left to refuse this head, and reads no more until something new comes.
  @Test func bytesThatNobodyWillReadAreCharged() throws {
    try withTransportServer(configure: { $0.patience.head = short }) { server in
      let client = try server.connect()
      // All in one packet. With bytes unread the answer may be lost in a reset.
      let query = String(repeating: "a&", count: 10_000)
      try client.send("GET /echo?\(query) HTTP/1.1\r\nHost: localhost\r\n\r\n\(String(repeating: "x", count: 30_000))")
      #expect(eventually(within: 5) { server.observed.map(\.status) == [408] && server.server.connectionCount == 0 })
    }
  }

  // MARK: - Watchdog

  private final class Said: Sendable {
    let alarms = Locked<[String]>([])
    let warnings = Locked<[String]>([])
    let turns = Atomic<Int>(0)
  }

  private final class Figures: TransportMetrics {
    let stuck = Atomic<Int>(0)
    func count(_ change: Int, _ figure: TransportFigure) {
      if figure == .threadsStuck { stuck.add(change, ordering: .relaxed) }
    }
  }

  @Test func stuckThreadsAreReportedUntilTheyGoOn() throws {
    let (said, figures) = (Said(), Figures())
    try withTransportServer(configure: { configuration in
      (configuration.threads, configuration.turnPatience, configuration.metrics) = (1, short, figures)
      configuration.alarm = { text in said.alarms.withLock { $0.append(text) } }
      configuration.warn = { text in said.warnings.withLock { $0.append(text) } }
      configuration.allTurn = { said.turns.add(1, ordering: .relaxed) }
    }) { server in
      // A thread that has nothing to do is not stuck.
      let idle = try server.connect()
      try idle.send(rawPost("/echo", "idle"))
      #expect(try idle.readResponse().text == "idle")
      usleep(600_000)
      #expect(said.alarms.withLock { $0 } == [] && said.turns.load(ordering: .relaxed) >= 3)
      let holder = try hold(server)
      #expect(eventually { server.server.hasStuckThread })
      let turns = said.turns.load(ordering: .relaxed)
      usleep(600_000)
      #expect(said.turns.load(ordering: .relaxed) == turns)
      #expect(
        said.alarms.withLock { $0 } == ["socket thread 1 is stuck: it has not looked at its connections for 0.3 s"])
      #expect(figures.stuck.load(ordering: .relaxed) == 1)
      server.gate.open()
      #expect(try holder.readResponse().text == "held")
      #expect(eventually { !server.server.hasStuckThread && said.turns.load(ordering: .relaxed) > turns })
      #expect(said.warnings.withLock { $0 } == ["socket thread 1 goes on"])
    }
  }

  /// Each turn is shorter than the limit, and there is no pause between them.
  @Test func threadsThatAreMerelyBusyAreNotStuck() throws {
    let said = Said()
    try withTransportServer(configure: { configuration in
      (configuration.threads, configuration.turnPatience) = (1, short)
      configuration.alarm = { text in said.alarms.withLock { $0.append(text) } }
    }) { server in
      let clients = try (0..<2).map { _ in try server.connect() }
      for client in clients { try client.send(String(repeating: rawPost("/nap", ""), count: 20)) }
      for client in clients { for _ in 0..<20 { #expect(try client.readResponse().status == 200) } }
      #expect(said.alarms.withLock { $0 } == [])
    }
  }
}

import AutogradCore
import AutogradHTTPTestSupport
import AutogradTestSupport
import Foundation
import Synchronization
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// A new graph that many post at once is planned once, and nobody waits with a thread.
@Suite(.timeLimit(.minutes(60)))
struct FlightTests {
  @Test func endsOnceForEverybody() {
    let flight = Flight()
    let calls = Atomic<Int>(0)
    for _ in 0..<3 { flight.whenOver { calls.add(1, ordering: .relaxed) } }
    #expect(calls.load(ordering: .relaxed) == 0)
    flight.end()
    flight.end()
    #expect(calls.load(ordering: .relaxed) == 3)
    flight.whenOver { calls.add(1, ordering: .relaxed) }
    #expect(calls.load(ordering: .relaxed) == 4)
  }

  @Test func theFirstMakesThePlanAndTheOthersWait() {
    let plans = PlanCache(plans: 8, bytes: 1 << 20)
    let ended = Locked(0)
    let outline = ByteBuffer("an outline")
    func makeAndFail() {
      let before = ended.withLock { $0 }
      guard case .nobody(let making) = plans.find(outline.bytes) else {
        Issue.record("there is no plan yet")
        return
      }
      guard case .somebody(let flight) = plans.find(outline.bytes) else {
        Issue.record("somebody makes it")
        return
      }
      flight.whenOver { ended.withLock { $0 += 1 } }
      withExtendedLifetime(making) { #expect(ended.withLock { $0 } == before) }
    }
    // Its maker lets go of it without a word, and mistakes are not kept.
    makeAndFail()
    #expect(ended.withLock { $0 } == 1)
    makeAndFail()
    #expect(ended.withLock { $0 } == 2)
    #expect(plans.counters.misses.value == 2)
  }

  /// A graph that takes a while to plan.
  private func body(_ seed: Int, operation: String = "sin") -> Data {
    let last = 1_999
    let nodes = (0...last).map { index in
      let input = index == 0 ? "x" : "v\(index - 1)"
      return
        "{\"op\": \"\(index == last ? operation : "sin")\", \"inputs\": [\"\(input)\"], \"outputs\": [\"v\(index)\"]}"
    }
    return Data(#"{"graph": {"nodes": [\#(nodes.joined(separator: ","))]}, "inputs": {"x": 0.\#(seed)}}"#.utf8)
  }

  /// Posts the bodies at once, each from a thread, and follows flights as the server does.
  private func post(_ bodies: [Data], to handler: DifferentialHandler) -> (answers: [String], aside: Int) {
    let answers = Locked([String](repeating: "", count: bodies.count))
    let aside = Atomic<Int>(0)
    onThreads(bodies.count) { index in
      bodies[index].withUnsafeBytes { bytes in
        let response: Response
        let reply = handler.reply(to: Request(method: "POST", path: "/v1/evaluate", id: "test", body: bytes), .evaluate)
        switch reply {
        case .now(let answer): response = answer
        case .later: response = reply.answer()
        case .after(let flight, let work):
          aside.add(1, ordering: .relaxed)
          let isOver = Atomic<Bool>(false)
          flight.whenOver { isOver.store(true, ordering: .releasing) }
          _ = eventually { isOver.load(ordering: .acquiring) }
          response = Reply.later(work).answer()
        }
        answers.withLock { $0[index] = "\(response.status) \(response.body.string)" }
      }
    }
    return (answers.withLock { $0 }, aside.load(ordering: .relaxed))
  }

  @Test func aNewGraphIsPlannedOnce() {
    let plain = DifferentialHandler(limits: Limits())
    var aside = 0
    for round in 0..<20 {
      let plans = PlanCache(plans: 8, bytes: 1 << 30)
      let bodies = (0..<4).map { body(round * 10 + $0 + 1) }
      let (answers, late) = post(bodies, to: DifferentialHandler(limits: Limits(), plans: plans))
      #expect(answers == bodies.map { post([$0], to: plain).answers[0] })
      #expect(plans.counters.misses.value == 1 && plans.counters.hits.value == 3)
      aside += late
      if aside > 0 && round >= 2 { break }
    }
    #expect(aside > 0)
  }

  @Test func eachFailsByItself() {
    let plain = DifferentialHandler(limits: Limits())
    let handler = DifferentialHandler(limits: Limits(), plans: PlanCache(plans: 8, bytes: 1 << 30))
    for _ in 0..<5 {
      let bodies = (0..<4).map { body($0 + 1, operation: "sinn") }
      let answers = post(bodies, to: handler).answers
      #expect(answers == bodies.map { post([$0], to: plain).answers[0] })
      #expect(answers.allSatisfy { $0.hasPrefix("4") })
    }
  }

  @Test func connectionsThatWaitHoldNoThread() throws {
    let server = try TransportTestServer(poolThreads: 1) { $0.threads = 1 }
    defer { server.stop() }
    let waiting = try (0..<20).map { index in
      let client = try server.connect()
      try client.send(rawPost("/after", "waits \(index)"))
      return client
    }
    // On the only thread for sockets, and on the only one of the pool.
    let other = try server.connect()
    for path in ["/echo", "/later", "/end"] {
      try other.send(rawPost(path, "goes on"))
      #expect(try other.readResponse().text == "goes on")
    }
    for (index, client) in waiting.enumerated() { #expect(try client.readResponse().text == "waits \(index)") }
    // What is over is over: later ones wait for nothing.
    try other.send(rawPost("/after", "at once"))
    #expect(try other.readResponse().text == "at once")
  }

  @Test func aServerThatStopsAnswersWhoWaits() throws {
    let server = try TransportTestServer()
    let client = try server.connect()
    try client.send(rawPost("/after", "for ever"))
    #expect(eventually { server.server.requestsInFlight == 1 })
    // The request is suspended very soon after its head has come.
    usleep(50_000)
    server.stop()
    #expect(try client.readResponse().status == 503)
  }
}

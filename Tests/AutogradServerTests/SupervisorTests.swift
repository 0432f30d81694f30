import AutogradHTTPTestSupport
import AutogradTestSupport
import Glibc
import Synchronization
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// `serve --workers N` as the processes it is. One test after the other: each has several.
@Suite(.serialized) struct SupervisorTests {
  /// Two workers that both serve.
  private func start(readinessDelay: Int = 0) throws -> (ServerProcess, port: UInt16) {
    let server = try ServerProcess("--port", "0", "--workers", "2", "--readiness-delay", "\(readinessDelay)")
    let port = try #require(server.port(), "\(server.output)")
    try #require(eventually { server.workers.count == 2 })
    // Which of them answers cannot be chosen. Either is there soon.
    try #require(ServerProcess.get("/livez", port: port) == 200)
    return (server, port)
  }

  private func areGone(_ processes: [pid_t]) -> Bool {
    eventually { !processes.contains(where: ServerProcess.isRunning) }
  }

  @Test(.timeLimit(.minutes(60))) func killedWorkersAreReplacedWhileTheOthersServe() throws {
    let (server, port) = try start()
    for _ in 0..<2 {
      let before = server.workers
      try #require(before.count == 2, "\(server.output)")
      kill(before[0], SIGKILL)
      #expect(areGone([before[0]]))
      for _ in 0..<10 { #expect(ServerProcess.get("/livez", port: port) == 200) }
      // The second time the one that serves on is the first one's successor.
      #expect(eventually { server.workers.count == 2 && server.workers.first == before[1] }, "\(server.output)")
    }
    // The log is written soon after.
    #expect(eventually { server.output.matches(of: /was ended by signal 9 \(Killed\)/).count == 2 })
  }

  /// One death is no sign that none can serve, not even the first worker's before it has served.
  @Test(.timeLimit(.minutes(60))) func deathsAtTheStartDoNotEndTheServer() throws {
    for _ in 0..<3 {
      let server = try ServerProcess("--port", "0", "--workers", "2")
      try #require(eventually { !server.workers.isEmpty }, "\(server.output)")
      let first = try #require(server.workers.first)
      kill(first, SIGKILL)
      #expect(areGone([first]))
      let port = try #require(server.port(), "\(server.output)")
      #expect(ServerProcess.get("/livez", port: port) == 200, "\(server.output)")
      #expect(eventually { server.workers.count == 2 }, "\(server.output)")
      server.signal(SIGTERM)
      #expect(server.exitStatus() == 0, "\(server.output)")
    }
  }

  @Test(.timeLimit(.minutes(60))) func hangupsReplaceWorkersAndRefuseNobody() throws {
    // A replacement is no end: load balancers are not told, and nothing waits for them.
    let (server, port) = try start(readinessDelay: 30)
    let isOver = Atomic<Bool>(false)
    let answered = Atomic<Int>(0)
    let failed = Atomic<Int>(0)
    let rounds = Locked<[Bool]>([])
    let supervisor = server.pid
    onThreads(3) { index in
      if index < 2 {
        while !isOver.load(ordering: .acquiring) {
          // A client that connects and then is not let run for a quarter of a second finds the connection closed, and
          // tries again.
          if (ServerProcess.get("/readyz", port: port) ?? ServerProcess.get("/readyz", port: port)) == 200 {
            answered.add(1, ordering: .relaxed)
          } else {
            failed.add(1, ordering: .relaxed)
          }
        }
        return
      }
      for round in 0..<8 {
        let before = Set(ServerProcess.children(of: supervisor))
        // As often as somebody who is impatient might send it.
        for _ in 0...(round % 3) {
          kill(supervisor, SIGHUP)
          usleep(20_000)
        }
        let isReplaced = eventually {
          let workers = ServerProcess.children(of: supervisor)
          return workers.count == 2 && before.isDisjoint(with: workers)
        }
        rounds.withLock { $0.append(isReplaced) }
        guard isReplaced else { break }
      }
      isOver.store(true, ordering: .releasing)
    }
    #expect(rounds.withLock { $0 } == Array(repeating: true, count: 8), "\(server.output)")
    #expect(answered.load(ordering: .relaxed) > 8)
    #expect(failed.load(ordering: .relaxed) == 0)
  }

  @Test(.timeLimit(.minutes(60)), arguments: [SIGTERM, SIGINT]) func signalsEndAllInOrder(signal: Int32) throws {
    let (server, port) = try start()
    let workers = server.workers
    let connection = try RawConnection(port: port)
    let body = #"{"graph": {"nodes": []}}"#
    try connection.send("POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
    // Until a worker has read it.
    usleep(100_000)
    server.signal(signal)
    #expect(eventually { server.output.contains("draining 2 workers") })
    try connection.send(body)
    let answer = try connection.readResponse()
    #expect(answer.status == 200 && answer.header("Connection")?.lowercased() == "close")
    #expect(server.exitStatus() == 0, "\(server.output)")
    #expect(!workers.contains(where: ServerProcess.isRunning))
  }

  @Test(.timeLimit(.minutes(60))) func secondSignalEndsAllAtOnce() throws {
    let (server, port) = try start()
    let workers = server.workers
    // Its body never comes.
    let connection = try RawConnection(port: port)
    try connection.send("POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
    usleep(100_000)
    server.signal(SIGTERM)
    #expect(eventually { server.output.contains("draining 2 workers") })
    #expect(server.exitStatus(within: 1) == nil)
    server.signal(SIGTERM)
    #expect(server.exitStatus(within: 5) == 128 + SIGTERM)
    #expect(areGone(workers))
    connection.close()
  }

  @Test(.timeLimit(.minutes(60))) func loadBalancersLearnOfTheEndBefore() throws {
    let (server, port) = try start(readinessDelay: 1)
    server.signal(SIGTERM)
    #expect(eventually(within: 0.8) { ServerProcess.get("/readyz", port: port) == 503 }, "\(server.output)")
    #expect(ServerProcess.get("/livez", port: port) == 200)
    #expect(server.exitStatus() == 0, "\(server.output)")
  }

  @Test(.timeLimit(.minutes(60))) func workersEndWithTheirSupervisor() throws {
    let (server, port) = try start()
    let workers = server.workers
    server.signal(SIGKILL)
    #expect(areGone(workers))
    #expect(server.exitStatus() == -SIGKILL)
    #expect(ServerProcess.get("/livez", port: port) == nil)
  }

  /// Stopped, it answers nobody and does not end: its place is taken, and it is killed at last.
  @Test(.timeLimit(.minutes(60))) func stuckWorkersAreReplaced() throws {
    let server = try ServerProcess("--port", "0", "--workers", "2", "--drain-seconds", "1")
    let port = try #require(server.port(), "\(server.output)")
    try #require(eventually { server.workers.count == 2 && ServerProcess.get("/livez", port: port) == 200 })
    let before = server.workers
    // It has said that it serves when it has the thread that listens to the supervisor.
    try #require(eventually { before.allSatisfy { ServerProcess.threads(of: $0).contains("supervision") } })
    kill(before[0], SIGSTOP)
    #expect(
      eventually(within: 20) { server.output.contains("process \(before[0]), is stuck; replacing it") },
      "\(server.output)")
    #expect(eventually { server.workers.count == 3 }, "its successor does not wait for its end")
    #expect(
      eventually(within: 20) { !ServerProcess.isRunning(before[0]) && server.workers.count == 2 }, "\(server.output)")
    #expect(server.workers.first == before[1], "the other is as well as ever")
    for _ in 0..<10 { #expect(ServerProcess.get("/livez", port: port) == 200) }
    #expect(!server.output.contains("process \(before[1]), is stuck"))
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0, "\(server.output)")
  }

  @Test(.timeLimit(.minutes(60))) func portInUse() throws {
    let (server, port) = try start()
    let second = try ServerProcess("--port", "\(port)", "--workers", "2")
    #expect(second.exitStatus() == 1)
    #expect(
      second.output.contains(
        "critical cannot listen on 127.0.0.1 port \(port): Address already in use; choose another port"),
      "\(second.output)")
    #expect(!second.output.contains("is process"))
    #expect(ServerProcess.get("/livez", port: port) == 200)
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
  }

  @Test(.timeLimit(.minutes(60))) func workersThatCannotStartAreNotStartedForEver() throws {
    // Stacks for a thousand threads are 8 GB. The supervisor, which has none of them, starts.
    let server = try ServerProcess("--port", "0", "--workers", "2", "--threads", "1000", addressSpace: 2_000_000)
    #expect(server.exitStatus() == 1, "\(server.output)")
    #expect(server.output.contains("has failed with status 1"), "\(server.output)")
    #expect(server.output.contains("critical no worker could serve\n"))
    #expect(server.output.matches(of: /is process/).count == 2)
  }
}

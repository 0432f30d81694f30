import AutogradTestSupport
import Glibc
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

struct WorkerProcessTests {
  /// Starts a shell that says something on its channel and then nothing more.
  private func worker(saying text: String) throws -> WorkerProcess {
    let listening = WorkerProcess.lifted(open("/dev/null", O_RDONLY | O_CLOEXEC))
    defer { close(listening) }
    return try WorkerProcess(
      slot: 0, executable: "/bin/sh", arguments: ["sh", "-c", "printf '\(text)' >&4; exec sleep 60"],
      listening: listening, metrics: nil)
  }

  /// One of a version that says once that it serves, and never again, is not stuck for that.
  @Test(arguments: [("\\001", false), ("\\002", true), ("\\002\\002", true)])
  func silenceIsAFaultOfThoseWhoSpeak(text: String, isFault: Bool) throws {
    var worker = try worker(saying: text)
    defer {
      kill(worker.pid, SIGKILL)
      waitpid(worker.pid, nil, 0)
      worker.forget()
    }
    #expect(
      eventually {
        worker.listen(after: 0)
        return worker.isServing
      })
    usleep(50_000)
    worker.listen(after: WorkerProcess.silencePatience - 1)
    #expect(!worker.isStuck)
    worker.listen(after: WorkerProcess.silencePatience)
    #expect(worker.isStuck == isFault)
    // Told to end, it owes nothing any more.
    worker.retire(SIGTERM, until: .max)
    #expect(!worker.isStuck)
  }

  /// A supervisor of an older version reads one byte, and never another.
  @Test func aSupervisorThatDoesNotListenKeepsNobody() throws {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { for end in ends { close(end) } }
    let isOver = Locked(false)
    let end = ends[1]
    let thread = NativeThread.start(name: "beats", stackSize: 256 << 10) {
      for _ in 0..<100_000 { Supervision.beat(on: end) }
      isOver.withLock { $0 = true }
    }
    pthread_detach(try #require(thread))
    #expect(eventually(within: 30) { isOver.withLock { $0 } })
  }

  /// It would keep the place of one that serves, and hold up the replacing of all others.
  @Test func aWorkerThatDoesNotServeIsKilled() throws {
    let listening = WorkerProcess.lifted(open("/dev/null", O_RDONLY | O_CLOEXEC))
    defer { close(listening) }
    var worker = try WorkerProcess(
      slot: 0, executable: "/bin/sleep", arguments: ["sleep", "60"], listening: listening, metrics: nil)
    defer { worker.forget() }
    let deadline = worker.started + WorkerProcess.startPatience
    // Once, and not before.
    let isKilled = [0, 1, 2].map { worker.enforceDeadline(at: deadline + $0) }
    #expect(isKilled == [false, true, false])
    var status: Int32 = 0
    #expect(waitpid(worker.pid, &status, 0) == worker.pid && status & 0x7f == SIGKILL)
  }
}

import Glibc
import Testing

@testable import AutogradServer

struct WorkerProcessTests {
  /// It would keep the place of one that serves, and hold up the replacing of all others.
  @Test func aWorkerThatDoesNotServeIsKilled() throws {
    let listening = WorkerProcess.lifted(open("/dev/null", O_RDONLY | O_CLOEXEC))
    defer { close(listening) }
    var worker = try WorkerProcess(slot: 0, executable: "/bin/sleep", arguments: ["sleep", "60"], listening: listening, metrics: nil)
    defer { worker.forget() }
    let deadline = worker.started + WorkerProcess.startPatience
    // Once, and not before.
    let isKilled = [0, 1, 2].map { worker.enforceDeadline(at: deadline + $0) }
    #expect(isKilled == [false, true, false])
    var status: Int32 = 0
    #expect(waitpid(worker.pid, &status, 0) == worker.pid && status & 0x7f == SIGKILL)
  }
}

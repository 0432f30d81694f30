import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradGraphs
@testable import AutogradHTTP
@testable import AutogradServer

/// Registered graphs of real servers with several processes.
@Suite(.serialized) struct GraphProcessTests {
  private func folder() -> URL { FileManager.default.temporaryDirectory.appending(path: UUID().uuidString) }

  private func send(_ method: String, _ path: String, _ body: String, _ port: UInt16) -> RawResponse? {
    ServerProcess.fetch(path, port: port, method: method, body: body)
  }

  /// What one worker has stored the others have at the next request, also those that replace one that was killed.
  @Test(.timeLimit(.minutes(60)), arguments: [false, true]) func workersSeeEachOthersGraphs(inFolder: Bool) throws {
    let folder = folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let server = try ServerProcess(
      options: ["--port", "0", "--workers", "2"] + (inFolder ? ["--graphs", folder.path] : []))
    let port = try #require(server.port(), "\(server.output)")
    try #require(eventually { server.workers.count == 2 })
    for round in 1...30 {
      let put = try #require(send("PUT", "/v1/graphs/fit", "y = \(round) * x", port))
      #expect(put.status == (round == 1 ? 201 : 200), "\(put.text)")
      // Each on a new connection, which any worker may accept.
      for _ in 0..<6 {
        let answer = try #require(
          send("POST", "/v1/graphs/fit/evaluate", #"{"inputs": {"x": 1}, "encoding": "values"}"#, port))
        #expect(answer.text.contains("{\"y\": \(Double(round))}"), "\(answer.text)")
      }
      if round % 10 == 0, let worker = server.workers.first { Glibc.kill(worker, SIGKILL) }
    }
    #expect(eventually { server.workers.count == 2 })
    let list = try #require(send("GET", "/v1/graphs/fit/versions", "", port))
    #expect(list.text.matches(of: /"version"/).count == 30)
  }
}

import AutogradFormats

import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// Large answers, which are written while they are sent, through a socket.
@Suite(.timeLimit(.minutes(60)))
struct AnswerStreamTests {
  /// A Jacobian of 600 by 600, whose text may take more than ``AnswerStream/threshold``.
  private static let body = """
    {"graph": {"nodes": [{"op": "sin", "inputs": ["x"], "outputs": ["s"]},
       {"op": "sum", "inputs": ["s"], "outputs": ["t"]}, {"op": "mul", "inputs": ["s", "t"], "outputs": ["y"]}],
      "outputs": ["y"]}, "inputs": {"x": \((0..<600).map { Double($0) / 600 })}}
    """

  private func post(_ body: String, accept: String = "application/json") -> String {
    "POST /v1/jacobian HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: \(accept)\r\n"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  @Test func itIsTheSameAsAWholeOne() throws {
    let expected = InProcessServer().send("POST", "/v1/jacobian", body: Data(Self.body.utf8))
    let server = try LiveServer()
    let client = try RawConnection(port: server.server.port)
    for _ in 0..<3 {
      try client.send(post(Self.body))
      let response = try client.readResponse()
      #expect(response.status == 200 && response.header("Transfer-Encoding") == "chunked")
      #expect(response.text == expected.body.string)
    }
    #expect(eventually { server.server.memory.usedBytes == 0 })
  }

  @Test func filesSayHowLongTheyAre() throws {
    let server = try LiveServer()
    let client = try RawConnection(port: server.server.port)
    // Of numbers as bytes there must be more.
    let body = Self.body.replacing(
      "\((0..<600).map { Double($0) / 600 })", with: "\((0..<1100).map { Double($0) / 1100 })")
    try client.send(post(body, accept: "application/vnd.safetensors"))
    let response = try client.readResponse()
    #expect(response.status == 200 && response.header("Transfer-Encoding") == nil)
    #expect(response.header("Content-Length") == "\(response.body.count)" && response.body.count > 1100 * 1100 * 8)
  }

  /// Whoever leaves in the middle leaves nothing behind.
  @Test func memoryComesBackFromThoseWhoLeave() throws {
    let server = try LiveServer()
    for _ in 0..<3 {
      let client = try RawConnection(port: server.server.port)
      try client.send(post(Self.body))
      try #require(eventually { server.server.memory.usedBytes > 600 * 600 * 8 })
    }
    #expect(eventually { server.server.memory.usedBytes == 0 })
  }
}

import AutogradHTTPTestSupport
import AutogradTestSupport
import Testing

@testable import AutogradHTTP

/// Requests whose framing is in doubt: refused, their connection closed, and what may hide behind them never served.
@Suite(.timeLimit(.minutes(60)))
struct TransportGuardTests {
  static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

  /// The head's lines after the first, and the status expected.
  static let doubtful: [(String, Int)] = [
    ("Host: localhost\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n", 400),
    ("Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n", 400),
    ("Host: localhost\r\nContent-Length: 0\r\nContent-Length: 40\r\n", 400),
    ("Host: localhost\r\nContent-Length: 0\r\ncontent-length: 0\r\n", 400),
    ("Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
    ("Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
    ("Host: localhost\r\nTransfer-Encoding: gzip\r\n", 501),
    ("Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
    ("Host: localhost\r\nTransfer-Encoding: chunked, identity\r\n", 501),
    ("Host: localhost\r\nTransfer-Encoding: xchunked\r\n", 501),
    ("Host: localhost\r\nTransfer-Encoding: chunked \r\n", 501),
    ("Host: localhost\r\nTransfer-Encoding:\r\n", 501),
    ("Host: localhost\r\nTransfer-Encoding: \u{0b}chunked\r\n", 400),
    ("Content-Length: 0\r\n", 400),
    ("Host: localhost\r\nHost: b\r\n", 400),
    ("Host : a\r\n", 400),
    ("Host: localhost\r\nContent-Length : 40\r\n", 400),
    ("Host: localhost\r\nContent-Length\t: 40\r\n", 400),
    ("Host: localhost\r\nTransfer-Encoding : chunked\r\n", 400),
    ("Host: localhost\r\nContent-Length: 0\r\n 40\r\n", 400),
    ("Host: localhost\r\nContent-Leng: 40\r\n th\r\n", 400),
    ("Host: localhost\r\nTransfer-Encodin: x\r\n g\r\n", 400),
    ("Host: localhost\r\nX-Folded: one\r\n\ttwo\r\n", 400),
    ("Host: localhost\r\nContent-Length-X: 3\r\n", 400),
    ("Host: localhost\r\nTransfer-Encoding2: chunked\r\n", 400),
    ("Host: localhost\r\nX@Y: 3\r\n", 400),
    ("Host: localhost\r\n: no name\r\n", 400),
    ("Host: localhost\r\nX: one\u{0}two\r\n", 400),
    ("Host: localhost\r\nX: one\u{0}\u{0}Content-Length: 40\r\n", 400),
    ("Host: localhost\r\nX: one\nContent-Length: 0\r\n", 400),
    ("Host: localhost\n", 400),
    ("Host: localhost\r\n\n\(smuggled)", 400),
    ("Host: localhost\r\n: x\r\n\(smuggled)", 400),
    ("Host: localhost\r\n:\r\n\(smuggled)", 400),
    ("Host: localhost\r\nX: one\rContent-Length: 40\r\n", 400),
    ("Host: localhost\r\nX: \u{1b}[2J\r\n", 400),
    ("Host: localhost\r\nno colon\r\n", 400),
    ("Host: localhost\r\nContent-Length: -1\r\n", 400),
    ("Host: localhost\r\nContent-Length: +5\r\n", 400),
    ("Host: localhost\r\nContent-Length: 0x10\r\n", 400),
    ("Host: localhost\r\nContent-Length: 5, 5\r\n", 400),
    ("Host: localhost\r\nContent-Length:\r\n", 400),
    ("Host: localhost\r\nContent-Length: 5 \r\n", 400),
    ("Host: localhost\r\nContent-Length: 9223372036854775807\r\n", 413),
    ("Host: localhost\r\nContent-Length: 18446744073709551615\r\n", 413),
    ("Host: localhost\r\nContent-Length: 99999999999999999999999\r\n", 413),
  ]

  @Test(arguments: doubtful)
  func doubtfulFramingIsRefused(head: String, status: Int) throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send("POST /first HTTP/1.1\r\n\(head)\r\n0\r\n\r\n\(Self.smuggled)")
      #expect(try client.readResponse().status == status)
      // The library may say its own refusals twice; what counts is that the connection ends and nothing else was
      // served.
      let rest = String(decoding: try client.readToEnd(), as: UTF8.self)
      #expect(!rest.contains("200 OK"))
      #expect(!server.observed.contains { $0.path != "/first" || $0.status != status })
      // And others are served.
      let next = try server.connect()
      try next.send("GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try next.readResponse().text == "GET /next")
    }
  }

  @Test func transferEncodingNeedsHTTP11() throws {
    try withTransportServer { server in
      let client = try server.connect()
      try client.send("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\(Self.smuggled)")
      #expect(try client.readResponse().status == 400)
      #expect(client.isClosedByServer())
    }
  }

  @Test func malformedChunksCloseTheConnection() throws {
    for body in ["x\r\n", "-1\r\n", "fffffffffffffffff\r\n", "3\r\nabcd\r\n", "\r\n"] {
      try withTransportServer { server in
        let client = try server.connect()
        try client.send(
          "POST /first HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\(body)\(Self.smuggled)")
        let answer = String(decoding: try client.readToEnd(), as: UTF8.self)
        #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(body.debugDescription)")
        #expect(!server.observed.contains { $0.path == "/smuggled" })
      }
    }
  }

  @Test func notHTTP() throws {
    let texts = [
      "\u{16}\u{3}\u{1}\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
    for text in texts {
      try withTransportServer { server in
        let client = try server.connect()
        try client.send(text)
        client.finishSending()
        let answer = String(decoding: try client.readToEnd(), as: UTF8.self)
        #expect(answer.isEmpty || answer.contains(" 400 ") || answer.contains(" 505 "), "\(text.debugDescription)")
      }
    }
  }

  @Test func tooMuchHead() throws {
    try withTransportServer { server in
      let long = try server.connect()
      try long.send("GET /\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try long.readResponse().status == 414)
      let many = try server.connect()
      try many.send("GET / HTTP/1.1\r\nHost: localhost\r\n" + (0..<8000).map { "X-\($0): y\r\n" }.joined() + "\r\n")
      #expect(try many.readResponse().status == 431)
    }
  }

  // MARK: - The pure function

  private func refusal(limit: Int = 1000, _ change: (inout FramingFacts) -> Void) -> Refusal? {
    var facts = FramingFacts()
    change(&facts)
    return HeaderGuard.refusal(for: facts, bodyLimit: limit)
  }

  @Test func factsInOrderPass() {
    #expect(refusal { _ in } == nil)
    #expect(refusal { ($0.contentLengthCount, $0.contentLength) = (1, 1000) } == nil)
    #expect(refusal { ($0.transferEncodingCount, $0.transferCoding) = (1, .chunked) } == nil)
    #expect(refusal { ($0.minorVersion, $0.hostCount) = (0, 0) } == nil)
  }

  @Test func lengthsAboveTheLimit() {
    func check(_ length: Int, expectsContinue: Bool = false) -> Refusal? {
      refusal { ($0.contentLengthCount, $0.contentLength, $0.expectsContinue) = (1, length, expectsContinue) }
    }
    #expect(check(1001) == nil, "drained, then refused")
    #expect(check(1001, expectsContinue: true) == .bodyTooLarge(limit: 1000, length: 1001))
    #expect(check(1000 + HeaderGuard.drainAllowance) == nil)
    #expect(
      check(1001 + HeaderGuard.drainAllowance) == .bodyTooLarge(limit: 1000, length: 1001 + HeaderGuard.drainAllowance))
    #expect(check(.max) == .bodyTooLarge(limit: 1000, length: nil))
  }

  @Test func framingComesBeforeSize() {
    let refused = refusal { ($0.contentLengthCount, $0.transferEncodingCount, $0.contentLength) = (1, 1, .max) }
    guard case .framing = refused else {
      Issue.record("\(String(describing: refused))")
      return
    }
  }

  @Test func lengthsOfAnySize() {
    func length(_ text: String) -> Int { Array(text.utf8).withUnsafeBytes { FramingFacts.length(of: $0) } }
    #expect(length("0") == 0)
    #expect(length("007") == 7)
    #expect(length("9223372036854775806") == .max - 1)
    #expect(length("9223372036854775808") == .max)
    #expect(length(String(repeating: "9", count: 1000)) == .max)
  }
}

import AutogradTestSupport
import Glibc
import Synchronization
import Testing

@testable import AutogradHTTP

/// Bodies that are made piece by piece while they are sent.
@Suite(.serialized) struct StreamTests {
  // MARK: - What arrives

  @Test("Pieces arrive as one body, and the connection stays", arguments: ["known", "chunked"])
  func piecesArrive(kind: String) throws {
    try withStreams { streams in
      let client = try streams.connect()
      for (pieces, size) in [(3, 100), (0, 100), (1, 1), (5, 300_000), (40, 7)] {
        try client.send("GET /\(kind)/\(pieces)/\(size) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let response = try client.readResponse()
        #expect(response.status == 200 && response.body == TestStream.body(pieces, size), "\(pieces) of \(size)")
        #expect(response.header("Content-Length") == (kind == "known" ? "\(pieces * size)" : nil))
        #expect(response.header("Transfer-Encoding") == (kind == "known" ? nil : "chunked"))
      }
      try streams.expectRecords([300, 0, 1, 1_500_000, 280])
    }
  }

  @Test func aThousandAtATimeArrive() throws {
    try withStreams { streams in
      let clients = try (0..<1000).map { _ in try streams.connect() }
      for client in clients { try client.send("GET /chunked/4/1000 HTTP/1.1\r\nHost: localhost\r\n\r\n") }
      let expected = TestStream.body(4, 1000)
      #expect(try clients.allSatisfy { try $0.readResponse().body == expected })
      try streams.expectRecords(Array(repeating: 4000, count: 1000))
    }
  }

  /// What HTTP/1.0 knows as the end is the end of the connection.
  @Test(arguments: ["known", "chunked"]) func http10HasTheEndOfTheConnection(kind: String) throws {
    try withStreams { streams in
      let client = try streams.connect()
      try client.send("GET /\(kind)/3/70000 HTTP/1.0\r\n\r\n")
      let response = try client.readResponse()
      #expect(response.status == 200 && response.body == TestStream.body(3, 70_000))
      #expect(response.header("Transfer-Encoding") == nil)
      if kind == "chunked" { #expect(client.isClosedByServer()) }
      try streams.expectRecords([210_000])
    }
  }

  @Test(arguments: ["known", "chunked"]) func headAsksForNoPiece(kind: String) throws {
    try withStreams { streams in
      for _ in 0..<2 {
        let client = try streams.connect()
        try client.send("HEAD /\(kind)/3/100 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let response = try client.readResponse(toHead: true)
        #expect(response.status == 200 && response.header("Content-Length") == (kind == "known" ? "300" : nil))
        // Not even a last chunk.
        #expect(client.isClosedByServer())
      }
      try streams.expectRecords([0, 0])
      #expect(streams.tally.asked == 0)
    }
  }

  // MARK: - What is held

  /// A gigabyte through a client that reads slowly at first: the server is never further ahead than one piece.
  @Test func aGigabyteIsNeverHeld() throws {
    try withStreams { streams in
      let client = try RawConnection(port: streams.server.port, timeout: 30, receiveBuffer: 64 << 10)
      let (pieces, size) = (4096, 256 << 10)
      try client.send("GET /known/\(pieces)/\(size) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = try client.readHeadOnly()
      var got = 0
      for _ in 0..<10 {
        got += try client.skip(64 << 10)
        usleep(20_000)
        // What the kernel has for a client that does not read is not ours to bound.
        #expect(streams.tally.asked * size < got + (16 << 20))
      }
      #expect(streams.server.memory.usedBytes == 2 * size)
      got += try client.skip(pieces * size - got)
      #expect(got == pieces * size)
      #expect(streams.tally.mostHeld <= 2 * size)
      try streams.expectRecords([pieces * size])
    }
  }

  @Test func whatFindsNoMemoryIsRefusedWhole() throws {
    try withStreams(configure: { $0.memoryLimit = 100_000 }) { streams in
      let client = try streams.connect()
      try client.send("GET /chunked/3/70000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try client.readResponse().status == 503)
      #expect(eventually { streams.tally.alive == 0 } && streams.tally.asked == 0)
    }
  }

  /// Pieces of answers that have begun are made although nobody else gets into the queue.
  @Test func aFullQueueBreaksNoAnswer() throws {
    try withStreams(poolThreads: 1, queueLimit: 1) { streams in
      let clients = try (0..<50).map { _ in try streams.connect() }
      for client in clients { try client.send("GET /chunked/20/1000 HTTP/1.1\r\nHost: localhost\r\n\r\n") }
      let expected = TestStream.body(20, 1000)
      #expect(try clients.allSatisfy { try $0.readResponse().body == expected })
    }
  }

  /// Nor does whoever comes into it push a piece out.
  @Test func piecesAreNotTurnedAway() {
    func job(_ arrival: Int, isContinuation: Bool) -> WaitingJob {
      WaitingJob(
        job: { _ in }, cost: 10, cancellation: nil, refused: { _ in }, arrival: arrival, isContinuation: isContinuation)
    }
    var queue = JobQueue()
    for arrival in 0..<6 { queue.append(job(arrival, isContinuation: arrival % 2 == 1)) }
    #expect(queue.popFirst()?.arrival == 0)
    #expect(queue.popLast()?.arrival == 4 && queue.popLast()?.arrival == 2 && queue.popLast()?.arrival == nil)
    #expect(queue.count == 3 && queue.cost == 30 && queue.first?.arrival == 1)
    for arrival in [1, 3, 5] { #expect(queue.popFirst()?.arrival == arrival) }
    #expect(queue.isEmpty && queue.cost == 0 && queue.popLast()?.arrival == nil)
  }

  // MARK: - Clients

  @Test func aClientThatGoesIsSeen() throws {
    try withStreams { streams in
      let client = try streams.connect()
      // The second piece waits until it is interrupted.
      try client.send("GET /stuck/1/1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try client.readHeadOnly().status == 200)
      #expect(eventually { streams.tally.asked == 2 })
      usleep(50_000)
      let since = monotonicNanoseconds()
      client.close()
      #expect(eventually { streams.tally.interrupted == 1 && streams.tally.alive == 0 })
      #expect(monotonicNanoseconds() - since < 100_000_000)
      try streams.expectRecords([1000], isBroken: true)
    }
  }

  /// Also one that is sent an answer that was there as a whole.
  @Test(arguments: ["/chunked/1000000/100000", "/whole/300/100000"])
  func aClientThatGoesWhileItIsSentToIsSeen(path: String) throws {
    try withStreams { streams in
      let client = try RawConnection(port: streams.server.port, receiveBuffer: 64 << 10)
      try client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try client.skip(1000) == 1000)
      usleep(100_000)
      let since = monotonicNanoseconds()
      client.close()
      #expect(eventually { streams.tally.alive == 0 })
      #expect(monotonicNanoseconds() - since < 100_000_000)
      #expect(eventually { streams.records.count == 1 } && streams.records[0].isBroken)
    }
  }

  @Test func aClientThatTakesNothingIsCut() throws {
    try withStreams(configure: { $0.patience.answer = 1_000_000_000 }) { streams in
      let client = try RawConnection(port: streams.server.port, receiveBuffer: 64 << 10)
      let since = monotonicNanoseconds()
      try client.send("GET /chunked/1000000/100000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(eventually { streams.records.count == 1 && streams.tally.alive == 0 })
      #expect((900_000_000...3_000_000_000).contains(monotonicNanoseconds() - since))
      #expect(streams.records[0].isBroken && streams.records[0].status == 200)
    }
  }

  /// The patience is for a piece, not for the answer.
  @Test func aClientThatTakesItsTimeIsNot() throws {
    try withStreams(configure: { $0.patience.answer = 1_000_000_000 }) { streams in
      let client = try RawConnection(port: streams.server.port, receiveBuffer: 64 << 10)
      // More than the kernel takes at once.
      let (pieces, size) = (120, 250_000)
      try client.send("GET /known/\(pieces)/\(size) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = try client.readHeadOnly()
      var got = 0
      while got < pieces * size {
        let step = try client.skip(min(2_000_000, pieces * size - got))
        if step == 0 { break }
        got += step
        usleep(300_000)
      }
      #expect(got == pieces * size)
      try streams.expectRecords([got])
    }
  }

  // MARK: - Failures

  @Test("What cannot be made breaks the connection", arguments: ["known", "chunked", "short"], [false, true])
  func failures(kind: String, isOld: Bool) throws {
    try withStreams { streams in
      let client = try streams.connect()
      let path = kind == "short" ? "/short/3/1000" : "/\(kind)/3/1000/2"
      try client.send("GET \(path) HTTP/1.\(isOld ? "0" : "1")\r\nHost: localhost\r\n\r\n")
      let head = try client.readHeadOnly()
      #expect(head.status == 200)
      let rest = String(decoding: try client.readToEnd(), as: UTF8.self)
      #expect(!rest.hasSuffix("0\r\n\r\n") && rest.utf8.count < (kind == "short" ? 3001 : 3000))
      // Where the end of the connection is that of the body, it must not look like one.
      if isOld && kind == "chunked" { #expect(client.wasReset) }
      #expect(eventually { streams.records.count == 1 } && streams.records[0].isBroken)
      let warning = kind == "short" ? "3000 bytes of the 3001" : "no more of it"
      #expect(eventually { streams.warnings.withLock { $0 }.contains { $0.contains(warning) } })
      #expect(eventually { streams.tally.alive == 0 })
    }
  }

  @Test func aPieceHasTheTimeOfARequest() throws {
    try withStreams(configure: { $0.requestPatience = 300_000_000 }) { streams in
      let client = try streams.connect()
      let since = monotonicNanoseconds()
      try client.send("GET /stuck/2/1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try client.readHeadOnly().status == 200)
      let rest = String(decoding: try client.readToEnd(), as: UTF8.self)
      #expect(!rest.hasSuffix("0\r\n\r\n"))
      #expect((250_000_000...2_000_000_000).contains(monotonicNanoseconds() - since))
      #expect(eventually { streams.tally.interrupted == 1 && streams.tally.alive == 0 })
      try streams.expectRecords([2000], isBroken: true)
    }
  }

  // MARK: - The end of the server

  @Test func aDrainFinishesWhatIsOnItsWay() throws {
    try withStreams { streams in
      let client = try RawConnection(port: streams.server.port, receiveBuffer: 64 << 10)
      let (pieces, size) = (100, 256 << 10)
      try client.send("GET /known/\(pieces)/\(size) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = try client.readHeadOnly()
      let drained = Locked(false)
      let thread = try #require(
        NativeThread.start(name: "drain", stackSize: 1 << 20) {
          let isComplete = streams.server.drain(deadline: .seconds(10))
          drained.withLock { $0 = isComplete }
        })
      usleep(100_000)
      #expect(try client.skip(pieces * size) == pieces * size)
      pthread_join(thread, nil)
      #expect(drained.withLock { $0 })
      try streams.expectRecords([pieces * size])
    }
  }

  @Test func aDrainWaitsNoLongerThanItMay() throws {
    try withStreams { streams in
      let stuck = try streams.connect()
      try stuck.send("GET /stuck/1/1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let slow = try RawConnection(port: streams.server.port, receiveBuffer: 64 << 10)
      try slow.send("GET /chunked/1000000/100000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(try stuck.readHeadOnly().status == 200 && slow.readHeadOnly().status == 200)
      let since = monotonicNanoseconds()
      #expect(!streams.server.drain(deadline: .milliseconds(500)))
      #expect(monotonicNanoseconds() - since < 3_000_000_000)
      #expect(eventually { streams.tally.alive == 0 && streams.tally.interrupted == 1 })
    }
  }
}

// MARK: - The stub

/// What streams have done in a test.
private final class StreamTally: Sendable {
  private struct Counts {
    var asked = 0
    var interrupted = 0
    var alive = 0
  }

  private let counts = Locked(Counts())
  private let held = Locked((now: 0, most: 0))

  var asked: Int { counts.withLock { $0.asked } }
  var interrupted: Int { counts.withLock { $0.interrupted } }
  var alive: Int { counts.withLock { $0.alive } }
  var mostHeld: Int { held.withLock { $0.most } }

  func ask() { counts.withLock { $0.asked += 1 } }
  func interrupt() { counts.withLock { $0.interrupted += 1 } }
  func live(_ change: Int) { counts.withLock { $0.alive += change } }
  func hold(_ change: Int) {
    held.withLock {
      $0.now += change
      $0.most = max($0.most, $0.now)
    }
  }
}

private final class TestPiece: ResponseBytes {
  nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
  private let tally: StreamTally
  var capacity: Int { bytes.count }

  init(_ number: Int, _ size: Int, _ tally: StreamTally) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
    memory.initializeMemory(as: UInt8.self, repeating: TestStream.letter(number))
    bytes = UnsafeRawBufferPointer(memory)
    self.tally = tally
    tally.hold(size)
  }

  deinit {
    tally.hold(-bytes.count)
    bytes.deallocate()
  }
}

/// `/known/3/100` is three pieces of a hundred bytes, and says so; `/chunked/…` does not; with `/2` behind it fails
/// where the third would be. `/short/…` says that there is more than there is. `/stuck/…` waits after the last until it
/// is interrupted.
private final class TestStream: BodyStream {
  let contentLength: Int?
  let byteCount: Int
  let costOfPiece: Int64 = 100_000
  private let kind: Substring
  private let pieces: Int
  private let size: Int
  private let failsAfter: Int
  private let tally: StreamTally
  private let made = Atomic<Int>(0)

  init(_ path: String, _ tally: StreamTally) {
    let parts = path.split(separator: "/")
    kind = parts[0]
    (pieces, size) = (Int(parts[1]) ?? 0, Int(parts[2]) ?? 0)
    failsAfter = parts.count > 3 ? Int(parts[3]) ?? 0 : .max
    byteCount = 2 * size
    contentLength = kind == "known" ? pieces * size : kind == "short" ? pieces * size + 1 : nil
    self.tally = tally
    tally.live(1)
  }

  deinit { tally.live(-1) }

  var wholeCount: Int { pieces * size }

  func next(_ cancellation: any Cancellation) -> BodyPiece {
    tally.ask()
    let number = made.add(1, ordering: .relaxed).oldValue
    if number >= failsAfter { return .failure("no more of it") }
    if number < pieces { return .bytes(TestPiece(number, size, tally)) }
    if kind == "stuck", eventually({ cancellation.hasEnded }) { tally.interrupt() }
    return .end
  }

  static func letter(_ number: Int) -> UInt8 { UInt8(ascii: "a") + UInt8(number % 26) }

  static func body(_ pieces: Int, _ size: Int) -> [UInt8] {
    (0..<pieces).flatMap { Array(repeating: letter($0), count: size) }
  }
}

private struct StreamResponder: Responder {
  let tally: StreamTally

  func respond(to request: Request) -> Reply {
    let stream = TestStream(request.path, tally)
    guard request.path.hasPrefix("/whole/") else {
      return .now(Response(contentType: "text/plain", content: .stream(stream)))
    }
    return .now(Response(contentType: "text/plain", body: TextBytes(String(repeating: "w", count: stream.wholeCount))))
  }
}

private struct StreamServer {
  let server: HTTPServer
  let tally: StreamTally
  let observed: Locked<[RequestRecord]>
  let warnings: Locked<[String]>

  var records: [RequestRecord] { observed.withLock { $0 } }

  func connect() throws -> RawConnection { try RawConnection(port: server.port) }

  /// One record for each answer, with the bytes of its body; and every stream is let go of.
  func expectRecords(_ bytes: [Int], isBroken: Bool = false, _ place: SourceLocation = #_sourceLocation) throws {
    #expect(eventually { records.count == bytes.count && tally.alive == 0 }, sourceLocation: place)
    #expect(records.map(\.bytesOut) == bytes && records.allSatisfy { $0.isBroken == isBroken }, sourceLocation: place)
    #expect(records.allSatisfy { $0.status == 200 }, sourceLocation: place)
    #expect(eventually { server.memory.usedBytes == 0 }, sourceLocation: place)
  }
}

private func withStreams(
  poolThreads: Int = 2, queueLimit: Int = 256, configure: (inout HTTPServer.Configuration) -> Void = { _ in },
  _ body: (StreamServer) throws -> Void
) throws {
  var configuration = HTTPServer.Configuration { refusal, _ in
    Response(status: 503, contentType: "text/plain", body: TextBytes("refused: \(refusal)"))
  }
  configuration.port = 0
  let (tally, observed, warnings) = (StreamTally(), Locked<[RequestRecord]>([]), Locked<[String]>([]))
  configuration.observe = { record in observed.withLock { $0.append(record) } }
  configuration.warn = { text in warnings.withLock { $0.append(text) } }
  configure(&configuration)
  let pool = try ComputePool(threads: poolThreads, queueLimit: queueLimit)
  defer { pool.shutdown(until: monotonicNanoseconds() + 5_000_000_000) }
  let server = try HTTPServer(configuration, responder: StreamResponder(tally: tally), pool: pool)
  defer { server.stop() }
  try body(StreamServer(server: server, tally: tally, observed: observed, warnings: warnings))
}

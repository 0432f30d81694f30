import Glibc
import Logging
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// Log lines: one for each event, whatever a client puts into its request.
@Suite(.timeLimit(.minutes(60)))
struct TransportLogTests {
  /// A sink that writes into a pipe, and what came out of it.
  private func written(capacity: Int = 1 << 20, format: LogFormat = .text, _ body: (LogSink) -> Void) -> [String] {
    var ends: [Int32] = [-1, -1]
    pipe(&ends)
    let sink = LogSink(descriptor: ends[1], capacity: capacity, format: format)
    body(sink)
    sink.close()
    close(ends[1])
    defer { close(ends[0]) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(ends[0], &chunk, chunk.count)
      if count <= 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
  }

  /// The line without its time stamp, which is checked.
  private func tail(_ line: String) -> String {
    let shape = String(line.prefix(25).map { $0.isNumber ? "0" : $0 })
    #expect(shape == "0000-00-00T00:00:00.000Z ", "\(line)")
    return String(line.dropFirst(25))
  }

  private func record(_ path: String, method: String = "POST") -> RequestRecord {
    RequestRecord(
      method: method, path: path, status: 200, durationNanoseconds: 214_499, requestID: "id-1", bytesIn: 1, bytesOut: 2)
  }

  @Test func accessLine() {
    let lines = written { AccessLog(sink: $0).write(record("/v1/evaluate")) }
    #expect(lines.count == 2 && lines[1].isEmpty)
    #expect(tail(lines[0]) == "info POST /v1/evaluate 200 0.214 ms id=id-1")
  }

  @Test func accessLineOfAProblem() {
    var refused = record("/v1/evaluate")
    refused.observation.problem = .overloaded
    refused.observation.reason = .queue
    let lines = written { AccessLog(sink: $0).write(refused) }
    #expect(tail(lines[0]) == "info POST /v1/evaluate 200 0.214 ms id=id-1 code=overloaded reason=queue_full")
  }

  @Test func accessLineOfATracedRequest() {
    let header = Array("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".utf8)
    var traced = record("/livez")
    traced.trace = header.withUnsafeBytes { TraceContext($0) }
    let lines = written { AccessLog(sink: $0).write(traced) }
    #expect(
      tail(lines[0])
        == "info POST /livez 200 0.214 ms id=id-1 trace=0af7651916cd43dd8448eb211c80319c parent=b7ad6b7169203331")
  }

  @Test func brokenAnswersAreTold() {
    var broken = record("/livez")
    broken.isBroken = true
    #expect(tail(written { AccessLog(sink: $0).write(broken) }[0]) == "info POST /livez 200 0.214 ms id=id-1 broken")
    #expect(written(format: .json) { AccessLog(sink: $0).write(broken) }[0].contains(#""bytes_out":2,"broken":true,"#))
  }

  @Test func messagesInJSON() throws {
    let lines = written(format: .json) { sink in
      Logger(label: "test") { _ in SinkLogHandler(sink: sink) }.warning(
        "two\nlines \u{202e}and \"more\"", metadata: ["b": "2", "a": "x\\y"])
      sink.use(.json, worker: 3)
      AccessLog(sink: sink, routes: ["/livez"]).write(record("/livez"))
    }
    let time = lines[0].prefix(33)
    #expect(
      lines[0].dropFirst(time.count)
        == #"","level":"warning","message":"two\\u{a}lines \\u{202e}and \"more\"","metadata":{"a":"x\\y","b":"2"},"pid":\#(getpid())}"#
    )
    #expect(
      lines[1].dropFirst(33)
        == #"","level":"info","message":"request","method":"POST","path":"/livez","route":"/livez","#
        + #""status":200,"duration_ms":0.214,"#
        + #""request_id":"id-1","bytes_in":1,"bytes_out":2,"pid":\#(getpid()),"worker":3}"#)
  }

  @Test(arguments: [
    ("/a\nforged line", "/a%0Aforged%20line"), ("/\r\u{1b}[2J\u{7f}", "/%0D%1B[2J%7F"), ("/∂", "/%E2%88%82"),
    ("/100%", "/100%25"), ("/\"\\", "/%22%5C"), ("", "-"),
    (String(repeating: "x", count: 600), String(repeating: "x", count: 512) + "..."),
  ])
  func pathsAreEscaped(path: String, logged: String) {
    let lines = written { AccessLog(sink: $0).write(record(path)) }
    #expect(lines.count == 2)
    #expect(tail(lines[0]) == "info POST \(logged) 200 0.214 ms id=id-1")
  }

  @Test func methodsAreEscapedAndCut() {
    let lines = written { AccessLog(sink: $0).write(record("/", method: "A\u{0}" + String(repeating: "B", count: 40))) }
    #expect(tail(lines[0]).hasPrefix("info A%00BBB"))
    #expect(tail(lines[0]).contains("B... / 200"))
  }

  @Test func messagesWithMetadata() {
    let lines = written { sink in
      var logger = Logger(label: "test") { _ in SinkLogHandler(sink: sink, level: .notice) }
      logger[metadataKey: "server"] = "one"
      logger.info("too quiet")
      logger.warning("two\nlines \u{202e}and \u{9b}more", metadata: ["b": "2", "a": "x y"])
    }
    #expect(lines.count == 2)
    #expect(tail(lines[0]) == #"warning two\u{a}lines \u{202e}and \u{9b}more a=x y b=2 server=one"#)
  }

  @Test func linesKeepTheirOrder() {
    let lines = written { sink in
      for index in 0..<1000 { sink.line("info") { $0.append(String(index)) } }
    }
    #expect(lines.dropLast().map(tail) == (0..<1000).map { "info \($0)" })
  }

  @Test func slowReaderCostsLinesNotMemory() {
    var ends: [Int32] = [-1, -1]
    pipe(&ends)
    let sink = LogSink(descriptor: ends[1], capacity: 10_000)
    // Nobody reads: the pipe fills, then the sink, and the rest is dropped, all without waiting.
    let start = monotonicNanoseconds()
    for _ in 0..<50_000 { sink.line("info") { $0.append("a line of some length that nobody reads" as StaticString) } }
    #expect(monotonicNanoseconds() - start < 5_000_000_000)
    // Once somebody does, the sink goes on and says how many were lost.
    let reader = NativeThread.start(name: "reader", stackSize: 1 << 20) { [end = ends[0]] in
      var chunk = [UInt8](repeating: 0, count: 65536)
      var text = ""
      while !text.contains("log lines dropped, the reader is too slow: ") {
        let count = read(end, &chunk, chunk.count)
        if count <= 0 { break }
        text += String(decoding: chunk[..<count], as: UTF8.self)
      }
      #expect(text.contains("warning log lines dropped"))
    }
    if let reader { pthread_join(reader, nil) }
    sink.close()
    close(ends[0])
    close(ends[1])
  }

  /// A disk that is full and then has room: what was lost is counted, and said before the next line, on a line of its
  /// own.
  @Test(arguments: [LogFormat.text, .json]) func linesThatCannotBeWritten(format: LogFormat) throws {
    var ends: [Int32] = [-1, -1]
    pipe(&ends)
    let full = open("/dev/full", O_WRONLY)
    #expect(full >= 0)
    let descriptor = dup(full)
    let sink = LogSink(descriptor: descriptor, format: format)
    let metrics = Metrics(routes: [], region: try .own(paths: 0))
    func say(_ text: String) {
      sink.line("info") { format == .json ? $0.appendMember("message", text) : $0.append(text) }
      sink.flush()
    }
    say("lost before anybody counts")
    sink.count(in: metrics.area)
    for _ in 0..<3 { say("lost") }
    #expect(metrics.area.value(of: .logLinesLost) == 4)
    #expect(MetricsPage.response(metrics).body.string.contains("\nautograd_log_lines_lost_total 4\n"))
    dup2(ends[1], descriptor)
    say("written")
    say("written, too")
    sink.close()
    for end in [ends[1], descriptor, full] { close(end) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(ends[0], &bytes, bytes.count)
    close(ends[0])
    let lines = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).split(separator: "\n")
    #expect(
      lines.count == 3 && lines[0].contains("log lines lost, they could not be written (No space left on device): 4"),
      "\(lines)")
    #expect(
      lines[0].contains("warning") && lines.dropFirst().allSatisfy { $0.contains("written") && !$0.contains("lost") })
    #expect(metrics.area.value(of: .logLinesLost) == 4)
  }

  @Test(arguments: [
    (0, 0, "1970-01-01T00:00:00.000Z"), (951_782_399, 999_999_999, "2000-02-28T23:59:59.999Z"),
    (951_782_400, 1_000_000, "2000-02-29T00:00:00.001Z"), (1_795_468_761, 123_456_789, "2026-11-23T21:19:21.123Z"),
  ])
  func timestamps(seconds: Int, nanoseconds: Int, text: String) {
    var stamp = LogTimestamp()
    let buffer = ByteBuffer()
    for _ in 0..<2 { stamp.append(seconds: seconds, nanoseconds: nanoseconds, to: buffer) }
    #expect(buffer.string == text + text)
  }
}

import AutogradFormats
import AutogradHTTP
import Logging

/// swift-log's messages as lines of a ``LogSink``: `… warning text key=value`, in JSON `"message"` and the keys under
/// `"metadata"`.
struct SinkLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  var logLevel: Logger.Level
  private let sink: LogSink

  init(sink: LogSink = .standardError, level: Logger.Level = .info) {
    self.sink = sink
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
    if let given = event.metadata { all.merge(given) { _, new in new } }
    if let error = event.error { all["error"] = "\(error)" }
    // Sorted, because a dictionary's order changes from run to run. Descriptions are made before the sink's lock is
    // taken, because they may run code that logs.
    let pairs = all.map { (key: $0.key, value: $0.value.description) }.sorted { $0.key < $1.key }
    let message = event.message.description
    if sink.format == .json { return writeJSON(event.level.word, message, pairs) }
    sink.line(event.level.word) { line in
      line.appendEscaped(message)
      for (key, value) in pairs {
        line.append(UInt8(ascii: " "))
        line.appendEscaped(key)
        line.append(UInt8(ascii: "="))
        line.appendEscaped(value)
      }
    }
  }

  private func writeJSON(_ level: StaticString, _ message: String, _ pairs: [(key: String, value: String)]) {
    sink.line(level) { line in
      line.appendMemberName("message")
      line.appendJSONMessage(message)
      guard !pairs.isEmpty else { return }
      line.appendMemberName("metadata")
      for (index, pair) in pairs.enumerated() {
        line.append(UInt8(ascii: index == 0 ? "{" : ","))
        line.appendJSONMessage(pair.key)
        line.append(UInt8(ascii: ":"))
        line.appendJSONMessage(pair.value)
      }
      line.append(UInt8(ascii: "}"))
    }
  }
}

extension Logger.Level {
  fileprivate var word: StaticString {
    switch self {
    case .trace: "trace"
    case .debug: "debug"
    case .info: "info"
    case .notice: "notice"
    case .warning: "warning"
    case .error: "error"
    case .critical: "critical"
    }
  }
}

/// One line for each request: `… info POST /v1/evaluate 200 0.214 ms id=3f2a…`, with the problem's code if the answer
/// is a problem, and with more members in JSON.
///
/// It holds nothing else of a request: only the method, the path without the query, the identifiers, and the digest of
/// the graph.
struct AccessLog: Sendable {
  var sink = LogSink.standardError
  /// Paths by the number of their route.
  var routes: [String] = []

  func write(_ record: RequestRecord) {
    if sink.format == .json { return writeJSON(record) }
    sink.line("info") { line in
      line.appendLogToken(record.method, limit: 32)
      line.append(UInt8(ascii: " "))
      line.appendLogToken(record.path, limit: 512)
      line.append(UInt8(ascii: " "))
      line.appendDecimal(record.status)
      line.append(UInt8(ascii: " "))
      line.appendMilliseconds(record.durationNanoseconds)
      line.append(" ms id=" as StaticString)
      line.append(record.requestID)
      if record.isBroken { line.append(" broken" as StaticString) }
      if let problem = record.observation.problem {
        line.append(" code=" as StaticString)
        line.append(problem.rawValue)
      }
      if let reason = record.observation.reason {
        line.append(" reason=" as StaticString)
        line.append(reason.rawValue)
      }
      if let trace = record.trace {
        line.append(" trace=" as StaticString)
        line.appendTrace(trace)
        line.append(" parent=" as StaticString)
        line.appendHexadecimal(trace.parent)
      }
    }
  }

  private func writeJSON(_ record: RequestRecord) {
    sink.line("info") { line in
      line.append(",\"message\":\"request\",\"method\":\"" as StaticString)
      line.appendLogToken(record.method, limit: 32)
      line.append("\",\"path\":\"" as StaticString)
      line.appendLogToken(record.path, limit: 512)
      line.append(UInt8(ascii: "\""))
      line.appendMember("route", routes.indices.contains(record.route) ? routes[record.route] : "other")
      line.appendMember("status", record.status)
      line.appendMemberName("duration_ms")
      line.appendMilliseconds(record.durationNanoseconds)
      line.appendMember("request_id", record.requestID)
      if let trace = record.trace {
        line.append(",\"trace_id\":\"" as StaticString)
        line.appendTrace(trace)
        line.append("\",\"parent_id\":\"" as StaticString)
        line.appendHexadecimal(trace.parent)
        line.append(UInt8(ascii: "\""))
      }
      line.appendMember("bytes_in", record.bytesIn)
      line.appendMember("bytes_out", record.bytesOut)
      if record.isBroken { line.append(",\"broken\":true" as StaticString) }
      if let problem = record.observation.problem { line.appendMember("code", problem.rawValue) }
      if let reason = record.observation.reason { line.appendMember("reason", reason.rawValue) }
      if let digest = record.observation.graphDigest { line.appendMember("graph", digest) }
    }
  }
}

// Text from a request must not be able to end the log line, forge another line, or control the terminal.
extension ByteBuffer {
  /// Text for people, which may quote what a client sent. Characters that do not print (controls, separators, direction
  /// marks) become `\u{…}`.
  func appendEscaped(_ text: String) {
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        append("\\u{" as StaticString)
        append(String(scalar.value, radix: 16))
        append(UInt8(ascii: "}"))
      default:
        append(String(scalar))
      }
    }
  }

  /// Text from a request, such as a path: percent-encodes everything except printable ASCII, so that fields stay
  /// separate, and what a JSON string would have to escape.
  func appendLogToken(_ text: String, limit: Int) {
    var text = text
    text.withUTF8 { bytes in
      let start = reserve(3 * min(bytes.count, limit))
      var length = 0
      for byte in bytes.prefix(limit) {
        if byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "\"")
          && byte != UInt8(ascii: "\\")
        {
          start[length] = byte
          length += 1
        } else {
          start[length] = UInt8(ascii: "%")
          start[length + 1] = ByteBuffer.hexadecimalDigit(byte >> 4)
          start[length + 2] = ByteBuffer.hexadecimalDigit(byte & 15)
          length += 3
        }
      }
      commit(length)
      if bytes.count > limit { append("..." as StaticString) }
      if bytes.isEmpty { append(UInt8(ascii: "-")) }
    }
  }

  private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") - 10 + value
  }

  func appendDecimal(_ value: Int) {
    // Statuses and times are not negative, and 20 digits hold every Int.
    let end = reserve(20) + 20
    var digits = end
    var rest = value.magnitude
    repeat {
      digits -= 1
      digits.pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    let length = end - digits
    (end - 20).update(from: digits, count: length)
    commit(length)
  }

  /// Nanoseconds as milliseconds with three decimals.
  fileprivate func appendMilliseconds(_ nanoseconds: Int64) {
    let microseconds = Int(max(nanoseconds, 0) / 1000)
    appendDecimal(microseconds / 1000)
    append(UInt8(ascii: "."))
    let start = reserve(3)
    start[0] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: microseconds / 100 % 10)
    start[1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: microseconds / 10 % 10)
    start[2] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: microseconds % 10)
    commit(3)
  }
}

import AutogradFormats
import AutogradHTTP
import Glibc

/// The format of log lines.
enum LogFormat: String, CaseIterable, Sendable, LosslessStringConvertible {
  /// For people: `time level what happened`.
  case text
  /// For collectors: one JSON object a line.
  case json

  init?(_ description: String) { self.init(rawValue: description) }
  var description: String { rawValue }
}

/// Members of a line's JSON object. The sink itself writes time, level and the process.
extension ByteBuffer {
  func appendMember(_ name: StaticString, _ value: String) {
    appendMemberName(name)
    appendJSONString(value)
  }

  func appendMember(_ name: StaticString, _ value: Int) {
    appendMemberName(name)
    appendDecimal(value)
  }

  func appendMemberName(_ name: StaticString) {
    append(",\"" as StaticString)
    append(name)
    append("\":" as StaticString)
  }

  /// Text for people as a JSON string, with unprintable characters escaped.
  func appendJSONMessage(_ text: String) {
    let escaped = ByteBuffer(capacity: text.utf8.count)
    escaped.appendEscaped(text)
    withExtendedLifetime(escaped) { appendJSONString(escaped.bytes) }
  }

  /// 16 lower-case digits.
  func appendHexadecimal(_ value: UInt64) {
    let start = reserve(16)
    for index in 0..<16 {
      let digit = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * index)) & 15
      start[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
    }
    commit(16)
  }

  func appendTrace(_ trace: TraceContext) {
    appendHexadecimal(trace.trace.high)
    appendHexadecimal(trace.trace.low)
  }
}

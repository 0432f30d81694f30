import AutogradFormats
import AutogradHTTP
import Glibc
import Synchronization

/// Collects log lines in memory; one thread writes them. So threads that serve requests never wait for a terminal or a
/// pipe.
///
/// Lines appear within 50 ms, or sooner if there are many. If the reader cannot keep up, or lines cannot be written
/// (for example, the disk is full), lines are dropped, so that memory stays bounded and requests go on. The number of
/// lost lines is counted, and logged once lines can be written again.
///
/// `@unchecked Sendable`: `pending`, `stamp` and the counts are touched under `monitor`; `writing`, `isMidLine` and
/// `writeFailure` by the writer thread only.
final class LogSink: @unchecked Sendable {
  /// The process's stderr. Flushed when the process exits.
  static let standardError: LogSink = {
    let sink = LogSink(descriptor: STDERR_FILENO)
    atexit { LogSink.standardError.flush() }
    return sink
  }()

  private static let gatherTime: Int64 = 50_000_000
  private static let gatherSize = 32 << 10

  private let isJSON: Atomic<Bool>
  private let descriptor: Int32
  private let capacity: Int
  private let monitor = Monitor()
  private let linesWaiting = Condition()
  private let batchWritten = Condition()
  private var pending = ByteBuffer(capacity: 64 << 10)
  private var writing = ByteBuffer(capacity: 64 << 10)
  private var stamp = LogTimestamp()
  /// Lines dropped for lack of room, and lines that could not be written, since the last notice; and the reason.
  private var dropped = 0
  private var unwritten = 0
  private var writeFailure: Int32 = 0
  /// Where lost lines are counted, and how many were lost before it was set.
  private var area: MetricsArea?
  private var uncounted = 0
  /// Whether the last write ended in the middle of a line.
  private var isMidLine = false
  /// The end of every JSON object: the process and the worker's number.
  private var origin = ""
  private var isWriting = false
  private var isUrgent = false
  private var isClosed = false

  /// - Parameter capacity: how many bytes may wait for the writer before lines are dropped.
  init(descriptor: Int32, capacity: Int = 1 << 20, format: LogFormat = .text) {
    self.descriptor = descriptor
    isJSON = Atomic(format == .json)
    origin = LogSink.origin(worker: nil)
    self.capacity = capacity
    let thread = NativeThread.start(name: "log", stackSize: 256 << 10) { [self] in run() }
    guard let thread else {
      // Without its writer the sink drops everything silently, because it cannot log.
      isClosed = true
      return
    }
    pthread_detach(thread)
  }

  var format: LogFormat { isJSON.load(ordering: .relaxed) ? .json : .text }

  /// Sets the format. To be called before the first line.
  func use(_ format: LogFormat, worker: Int?) {
    isJSON.store(format == .json, ordering: .relaxed)
    monitor.withLock { origin = LogSink.origin(worker: worker) }
  }

  private static func origin(worker: Int?) -> String {
    ",\"pid\":\(getpid())" + (worker.map { ",\"worker\":\($0)" } ?? "")
  }

  /// Adds a line: the time, the level, and whatever `body` appends. In the text format that is text without line ends
  /// (see `appendEscaped`); in JSON it is members of an object, each after a comma.
  func line(_ level: StaticString, _ body: (ByteBuffer) -> Void) {
    monitor.withLock {
      guard !isClosed, pending.count < capacity else {
        dropped += 1
        countLost(1)
        return
      }
      let before = pending.count
      append(level, to: pending, body)
      // The writer sleeps while there are no lines, and collects for a while after the first. So it is woken only at
      // these two points.
      if before == 0 || (before < LogSink.gatherSize && pending.count >= LogSink.gatherSize) { linesWaiting.signal() }
    }
  }

  private func append(_ level: StaticString, to line: ByteBuffer, _ body: (ByteBuffer) -> Void) {
    if format == .json {
      line.append("{\"time\":\"" as StaticString)
      stamp.append(to: line)
      line.append("\",\"level\":\"" as StaticString)
      line.append(level)
      line.append(UInt8(ascii: "\""))
      body(line)
      line.append(origin)
      line.append("}\n" as StaticString)
      return
    }
    stamp.append(to: line)
    line.append(UInt8(ascii: " "))
    line.append(level)
    line.append(UInt8(ascii: " "))
    body(line)
    line.append(UInt8(ascii: "\n"))
  }

  /// Returns when every line so far has been written, or after a second: a blocked pipe must not keep the process from
  /// ending.
  func flush() {
    let deadline = monotonicNanoseconds() + 1_000_000_000
    monitor.withLock {
      isUrgent = true
      linesWaiting.signal()
      while pending.count > 0 || isWriting {
        if isClosed || !batchWritten.wait(in: monitor, until: deadline) { break }
      }
      isUrgent = false
    }
  }

  /// Writes all lines and ends the writer's thread, for sinks that end before the process.
  func close() {
    flush()
    monitor.withLock {
      isClosed = true
      linesWaiting.signal()
    }
  }

  private func run() {
    monitor.withLock {
      while true {
        while pending.count == 0 && !isClosed { linesWaiting.wait(in: monitor) }
        if pending.count == 0 { return }
        gather()
        swap(&pending, &writing)
        isWriting = true
        let notice = unwrittenNotice()
        var isNoticed = false
        var lost = 0
        monitor.unlocked {
          isNoticed = notice.map { writeAll($0.bytes) == 0 } ?? true
          // If not even the notice can be written, the lines would be lost too.
          lost = isNoticed ? writeAll(writing.bytes) : LogSink.lines(in: writing.bytes[...])
          writing.removeAll()
        }
        isWriting = false
        if isNoticed { unwritten = 0 }
        unwritten += lost
        countLost(lost)
        reportDropped()
        batchWritten.broadcast()
      }
    }
  }

  private func gather() {
    let deadline = monotonicNanoseconds() + LogSink.gatherTime
    while pending.count < LogSink.gatherSize && !isUrgent && !isClosed {
      if !linesWaiting.wait(in: monitor, until: deadline) { return }
    }
  }

  private func reportDropped() {
    guard dropped > 0 else { return }
    let lost = dropped
    dropped = 0
    let message = "log lines dropped, the reader is too slow: \(lost)"
    append("warning", to: pending) { format == .json ? $0.appendMember("message", message) : $0.append(message) }
  }

  /// The notice before the next lines, if earlier lines could not be written.
  private func unwrittenNotice() -> ByteBuffer? {
    guard unwritten > 0 else { return nil }
    let notice = ByteBuffer(capacity: 256)
    // Ends the partly written line.
    if isMidLine { notice.append(UInt8(ascii: "\n")) }
    let message = "log lines lost, they could not be written (\(String(cString: strerror(writeFailure)))): \(unwritten)"
    append("warning", to: notice) { format == .json ? $0.appendMember("message", message) : $0.append(message) }
    return notice
  }

  /// Counts lost lines, including earlier ones, in `/metrics`.
  func count(in area: MetricsArea) {
    monitor.withLock {
      self.area = area
      countLost(uncounted)
      uncounted = 0
    }
  }

  private func countLost(_ lines: Int) {
    guard let area else { return uncounted += lines }
    if lines > 0 { area.add(lines, to: .logLinesLost) }
  }

  private static func lines(in bytes: Slice<UnsafeRawBufferPointer>) -> Int {
    bytes.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
  }

  /// - Returns: how many lines were not written completely.
  private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Int {
    var rest = bytes[...]
    while !rest.isEmpty {
      let slice = UnsafeRawBufferPointer(rebasing: rest)
      let written = write(descriptor, slice.baseAddress, slice.count)
      if written > 0 {
        isMidLine = slice[written - 1] != UInt8(ascii: "\n")
        rest = rest.dropFirst(written)
      } else if written < 0 && errno == EAGAIN {
        // stderr was set to non-blocking: wait for the reader.
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, 1000)
      } else if written < 0 && errno == EINTR {
        continue
      } else {
        writeFailure = written == 0 ? ENOSPC : errno
        return LogSink.lines(in: rest)
      }
    }
    return 0
  }
}

/// `2026-11-23T21:19:21.123Z`. The calendar is worked out once a second.
struct LogTimestamp {
  private var second = Int.min
  private var text = InlineArray<20, UInt8>(repeating: 0)

  mutating func append(to buffer: ByteBuffer) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    append(seconds: Int(now.tv_sec), nanoseconds: Int(now.tv_nsec), to: buffer)
  }

  mutating func append(seconds: Int, nanoseconds: Int, to buffer: ByteBuffer) {
    if seconds != second { setSecond(seconds) }
    let start = buffer.reserve(24)
    for index in 0..<20 { start[index] = text[index] }
    LogTimestamp.digits(nanoseconds / 1_000_000, 3, at: start + 20)
    start[23] = UInt8(ascii: "Z")
    buffer.commit(24)
  }

  private mutating func setSecond(_ seconds: Int) {
    second = seconds
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = InlineArray<20, UInt8>(repeating: 0)
    var span = text.mutableSpan
    span.withUnsafeMutableBufferPointer { bytes in
      guard let start = bytes.baseAddress else { return }
      LogTimestamp.digits(Int(parts.tm_year) + 1900, 4, at: start)
      start[4] = UInt8(ascii: "-")
      LogTimestamp.digits(Int(parts.tm_mon) + 1, 2, at: start + 5)
      start[7] = UInt8(ascii: "-")
      LogTimestamp.digits(Int(parts.tm_mday), 2, at: start + 8)
      start[10] = UInt8(ascii: "T")
      LogTimestamp.digits(Int(parts.tm_hour), 2, at: start + 11)
      start[13] = UInt8(ascii: ":")
      LogTimestamp.digits(Int(parts.tm_min), 2, at: start + 14)
      start[16] = UInt8(ascii: ":")
      LogTimestamp.digits(Int(parts.tm_sec), 2, at: start + 17)
      start[19] = UInt8(ascii: ".")
    }
    self.text = text
  }

  private static func digits(_ value: Int, _ width: Int, at start: UnsafeMutablePointer<UInt8>) {
    var rest = value
    for index in stride(from: width - 1, through: 0, by: -1) {
      start[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
  }
}

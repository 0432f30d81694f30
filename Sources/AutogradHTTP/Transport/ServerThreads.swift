import CMicroHTTPD

/// The state of the threads that serve connections: whether each waits for events, and whether its loop turns.
///
/// `@unchecked Sendable`: the library's handle is used under the lock, and removed before the library is stopped.
final class ServerThreads: @unchecked Sendable {
  /// The number of socket threads; the health thread is one more.
  let socketCount: Int
  private let monitor = Monitor()
  private var daemon: OpaquePointer?

  init(socketCount: Int) { self.socketCount = socketCount }

  var all: Range<Int> { 0..<socketCount + 1 }

  func name(of thread: Int) -> String { thread < socketCount ? "socket thread \(thread + 1)" : "the health thread" }

  func follow(_ daemon: OpaquePointer?) { monitor.withLock { self.daemon = daemon } }

  /// A number that changes with each turn of its loop; nil while the thread waits for events or has ended.
  func turn(of thread: Int) -> UInt? {
    let turn = monitor.withLock { daemon.map { amhd_turn($0, UInt32(clamping: thread)) } } ?? 0
    return turn & 1 == 0 ? nil : turn
  }
}

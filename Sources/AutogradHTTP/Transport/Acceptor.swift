import CMicroHTTPD
import CSystem
import Glibc

/// The thread that accepts connections from a listening socket and hands them to the threads that serve them.
///
/// `@unchecked Sendable`: only this thread uses the entrance, and ``stop()`` after the thread has ended.
final class Acceptor: @unchecked Sendable {
  private let entrance: OpaquePointer
  private let descriptor: Int32
  private let isShared: Bool
  private let isAdmin: Bool
  private let limit: Int
  /// How many connections are open now.
  private let connectionCount: @Sendable () -> Int
  private let warn: @Sendable (String) -> Void
  /// A pipe: closing it wakes the thread and ends it.
  private let wakeup: (read: Int32, write: Int32)
  private let thread = Locked<pthread_t?>(nil)
  /// Connections that are accepted at a time, before their first bytes are looked at.
  private static let batch = 64

  /// - Parameters:
  ///   - descriptor: bound and listening; closed by ``stop()``, or here if this fails.
  ///   - isShared: whether other processes accept from it too; then stopping must not refuse clients.
  ///   - isAdmin: whether it is the admin address, whose clients all go to the health thread.
  ///   - limit: at this many connections, further clients wait in the kernel's queue.
  init(
    daemon: OpaquePointer, descriptor: Int32, isShared: Bool, isAdmin: Bool = false, limit: Int,
    connectionCount: @escaping @Sendable () -> Int, warn: @escaping @Sendable (String) -> Void
  ) throws(StartError) {
    self.descriptor = descriptor
    self.isShared = isShared
    self.isAdmin = isAdmin
    self.limit = limit
    self.connectionCount = connectionCount
    self.warn = warn
    var ends: (Int32, Int32) = (-1, -1)
    let made = withUnsafeMutableBytes(of: &ends) { pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self)) }
    guard made == 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw StartError("cannot make a pipe: \(reason)")
    }
    _ = fcntl(ends.0, F_SETFD, FD_CLOEXEC)
    _ = fcntl(ends.1, F_SETFD, FD_CLOEXEC)
    wakeup = ends
    guard let entrance = amhd_entrance_open(daemon, descriptor, ends.0, isAdmin) else {
      let reason = String(cString: strerror(errno))
      close(ends.0)
      close(ends.1)
      close(descriptor)
      throw StartError("cannot listen for clients: \(reason)")
    }
    self.entrance = entrance
    let started = NativeThread.start(name: "accept", stackSize: 256 << 10) { [self] in run() }
    guard let started else {
      close(ends.0)
      close(ends.1)
      close(descriptor)
      throw StartError("cannot start the accepting thread")
    }
    thread.withLock { $0 = started }
  }

  deinit { amhd_entrance_close(entrance) }

  /// How many connections were handed over.
  var acceptedCount: Int { Int(clamping: amhd_handed_over(entrance)) }

  /// Accepts every completed connection, then closes the socket. May be called again, and by several threads; each call
  /// returns when that is done.
  func stop() {
    thread.withLock { thread in
      guard let running = thread else { return }
      thread = nil
      // Time to finish pending handshakes. Without the filter new clients keep coming, and waiting would not help.
      if !isShared && !isAdmin && system_refuse_connections(descriptor) { usleep(20_000) }
      close(wakeup.write)
      pthread_join(running, nil)
      // Also on a shared socket, because there may be no other process left to accept.
      if !isAdmin { _ = acceptWaiting(atMost: Int(ListeningSocket.backlog)) }
      amhd_hand_over_all(entrance)
      close(descriptor)
      close(wakeup.read)
    }
  }

  private func run() {
    var wasExhausted = false
    while true {
      let isFull = connectionCount() + Int(amhd_kept(entrance)) >= limit
      amhd_listen(entrance, !isFull)
      let events = amhd_wait(entrance, isFull ? 10 : -1)
      if events.is_woken { return }
      var isExhausted = events.is_exhausted
      if events.has_clients && acceptWaiting(atMost: Acceptor.batch) == amhd_accepted_exhausted { isExhausted = true }
      defer { wasExhausted = isExhausted }
      guard isExhausted else { continue }
      if !wasExhausted {
        warn("clients wait: no more descriptors or memory for their connections (\(connectionCount()) are open)")
      }
      // The socket stays readable, so without a pause this would spin until a connection closes.
      pause()
    }
  }

  private func pause() {
    var entry = pollfd(fd: wakeup.read, events: Int16(POLLIN), revents: 0)
    poll(&entry, 1, 10)
  }

  /// Accepts until the queue is empty or a resource is exhausted.
  private func acceptWaiting(atMost most: Int) -> amhd_accepted {
    for _ in 0..<most {
      let result = amhd_accept(entrance)
      guard result == amhd_accepted_client else { return result }
    }
    return amhd_accepted_client
  }
}

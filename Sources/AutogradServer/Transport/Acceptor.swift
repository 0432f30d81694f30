import CMicroHTTPD
import Glibc
import Synchronization

/// The thread that takes clients from the listening socket and hands them to the threads that serve them.
///
/// `@unchecked Sendable`: the library's handle is used by this thread only, until ``stop()`` has returned.
final class Acceptor: @unchecked Sendable {
  private let daemon: OpaquePointer
  private let descriptor: Int32
  private let isShared: Bool
  private let limit: Int
  /// How many connections are open now.
  private let connectionCount: @Sendable () -> Int
  private let warn: @Sendable (String) -> Void
  /// A pipe: its end wakes the thread up, and ends it.
  private let wakeup: (read: Int32, write: Int32)
  private let thread = Locked<pthread_t?>(nil)
  private let accepted = Atomic<Int>(0)

  /// - Parameters:
  ///   - descriptor: bound and listening; closed by ``stop()``.
  ///   - isShared: whether other processes accept from it too; then it is not ours to turn clients away when we stop.
  ///   - limit: with so many connections, further clients wait in the kernel's queue.
  init(
    daemon: OpaquePointer, descriptor: Int32, isShared: Bool, limit: Int,
    connectionCount: @escaping @Sendable () -> Int, warn: @escaping @Sendable (String) -> Void
  ) throws(StartError) {
    self.daemon = daemon
    self.descriptor = descriptor
    self.isShared = isShared
    self.limit = limit
    self.connectionCount = connectionCount
    self.warn = warn
    var ends: (Int32, Int32) = (-1, -1)
    let made = withUnsafeMutableBytes(of: &ends) { pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self)) }
    guard made == 0 else { throw StartError("cannot make a pipe: \(String(cString: strerror(errno)))") }
    _ = fcntl(ends.0, F_SETFD, FD_CLOEXEC)
    _ = fcntl(ends.1, F_SETFD, FD_CLOEXEC)
    wakeup = ends
    let started = NativeThread.start(name: "accept", stackSize: 256 << 10) { [self] in run() }
    guard let started else {
      close(ends.0)
      close(ends.1)
      throw StartError("cannot start the accepting thread")
    }
    thread.withLock { $0 = started }
  }

  /// How many clients were handed over.
  var acceptedCount: Int { accepted.load(ordering: .acquiring) }

  /// Takes nobody any more and closes the socket, but not before everybody has been taken who thinks to be connected. Called again, or by
  /// two threads, it returns when that is done.
  func stop() {
    thread.withLock { thread in
      guard let running = thread else { return }
      thread = nil
      // Time for handshakes under way; where there is no filter, clients keep coming and waiting is of no use.
      if !isShared && amhd_refuse_connections(descriptor) { usleep(20_000) }
      close(wakeup.write)
      pthread_join(running, nil)
      // Who waits in a shared socket may have nobody else left to wait for.
      _ = acceptWaiting(atMost: Int(ListeningSocket.backlog))
      close(descriptor)
      close(wakeup.read)
    }
  }

  private func run() {
    var isExhausted = false
    while waitForClients() {
      let wasExhausted = isExhausted
      isExhausted = acceptWaiting() == amhd_accepted_exhausted
      guard isExhausted else { continue }
      if !wasExhausted { warn("clients wait: no more descriptors or memory for their connections (\(connectionCount()) are open)") }
      // The socket stays readable: without a pause this would spin until somebody leaves.
      pause()
    }
  }

  /// False when the thread is to end.
  private func waitForClients() -> Bool {
    while true {
      let isFull = connectionCount() >= limit
      var entries = (
        pollfd(fd: wakeup.read, events: Int16(POLLIN), revents: 0),
        // A negative descriptor is passed over.
        pollfd(fd: isFull ? -1 : descriptor, events: Int16(POLLIN), revents: 0)
      )
      let ready = withUnsafeMutableBytes(of: &entries) {
        poll($0.baseAddress?.assumingMemoryBound(to: pollfd.self), 2, isFull ? 10 : -1)
      }
      if ready > 0 { return entries.0.revents == 0 }
    }
  }

  private func pause() {
    var entry = pollfd(fd: wakeup.read, events: Int16(POLLIN), revents: 0)
    poll(&entry, 1, 10)
  }

  /// Accepts until nobody waits or something is exhausted.
  private func acceptWaiting(atMost most: Int = .max) -> amhd_accepted {
    for _ in 0..<most {
      let result = amhd_accept(daemon, descriptor)
      guard result == amhd_accepted_client else { return result }
      accepted.add(1, ordering: .releasing)
    }
    return amhd_accepted_client
  }
}

import CMicroHTTPD
import CSystem
import Glibc

/// The exchanges whose connections are suspended while the compute pool works for them, and the thread that ends this
/// work when nobody wants it any more: at its deadline, or when the client is gone.
///
/// Whoever takes an exchange out answers it, and does both under the lock: so the pool and a server that will not wait
/// for it any longer never both do, and once the set is seen empty no connection is suspended. That the library needs:
/// stopped with one, it aborts the process.
///
/// `@unchecked Sendable`: everything mutable is touched under `monitor` only.
final class SuspendedExchanges: @unchecked Sendable {
  private struct Held {
    let exchange: Exchange
    let cancellation: any Cancellation
    let since = monotonicNanoseconds()
    let deadline: Int64
  }

  /// How often the thread looks.
  static let interval: Int64 = 10_000_000
  /// Work that is done sooner is not worth a look whether the client is still there.
  private static let brief: Int64 = 20_000_000
  /// How long the thread goes on looking when there is nothing: waking it up for each of the requests of one client
  /// would cost more.
  private static let linger: Int64 = 1_000_000_000

  private let pool: ComputePool
  private let makeCancellation: @Sendable () -> any Cancellation
  private let monitor = Monitor()
  private let changed = Condition()
  private var exchanges: [ObjectIdentifier: Held] = [:]
  private var isAsleep = false
  private var isClosed = false

  /// - Parameter makeCancellation: makes what ends a piece of work.
  init(pool: ComputePool, makeCancellation: @escaping @Sendable () -> any Cancellation) throws(StartError) {
    self.pool = pool
    self.makeCancellation = makeCancellation
    let thread = NativeThread.start(name: "deadlines", stackSize: 256 << 10) { [self] in watch() }
    guard let thread else { throw StartError("cannot start the thread that keeps deadlines") }
    pthread_detach(thread)
  }

  /// Suspends the connection and has the work done. The refusal when that is not to be, and the connection is not
  /// suspended.
  /// - Parameter deadline: of ``monotonicNanoseconds()``.
  func take(_ exchange: Exchange, _ reply: Reply, until deadline: Int64) -> Refusal? {
    let held = Held(exchange: exchange, cancellation: makeCancellation(), deadline: deadline)
    switch reply {
    case .now: return nil
    case .later(let work):
      if let refusal = exchange.reserve(work.heldByteCount) { return refusal }
      // Most who are turned away are turned away at once, before the connection is suspended.
      if let overload = pool.refusal(of: work.cost, until: deadline, for: exchange.tenant.share) {
        return .overloaded(overload)
      }
      guard suspend(held) else { return .shuttingDown }
      submit(work, held)
    case .after(let flight, let work):
      if let refusal = exchange.reserve(work.heldByteCount) { return refusal }
      guard suspend(held) else { return .shuttingDown }
      flight.whenOver { [self] in submit(work, held) }
    }
    return nil
  }

  private func suspend(_ held: Held) -> Bool {
    monitor.withLock {
      if isClosed { return false }
      amhd_suspend(held.exchange.connection)
      exchanges[ObjectIdentifier(held.exchange)] = held
      if isAsleep { changed.signal() }
      return true
    }
  }

  // MARK: Work

  private func submit(_ work: Work, _ held: Held) {
    let refusal = pool.submit(
      cost: work.cost, until: held.deadline, for: held.exchange.tenant.share, held.cancellation,
      refused: { [self] in finish(held, refusing: .overloaded($0)) }
    ) { [self] turn in perform(work, held, turn) }
    if let refusal { finish(held, refusing: .overloaded(refusal)) }
  }

  /// Suspends the connection of a streamed answer and has its next piece made. False when that is not to be.
  func take(_ exchange: Exchange, _ answer: StreamedAnswer, until deadline: Int64) -> Bool {
    let held = Held(exchange: exchange, cancellation: makeCancellation(), deadline: deadline)
    guard suspend(held) else { return false }
    let refusal = pool.submit(
      cost: answer.stream.costOfPiece, for: exchange.tenant.share, held.cancellation, isContinuation: true
    ) { [self] turn in
      defer { turn.wasCutShort = held.cancellation.hasEnded }
      if held.cancellation.hasEnded { return }
      let piece = answer.stream.next(held.cancellation)
      finish(held) { $0.resume(with: piece) }
    }
    if refusal != nil { finish(held) { $0.resume(refusing: .shuttingDown) } }
    return true
  }

  /// On a thread of the pool.
  private func perform(_ work: Work, _ held: Held, _ turn: ComputePool.Turn) {
    defer { turn.wasCutShort = held.cancellation.hasEnded }
    var next = work
    while !held.cancellation.hasEnded {
      // Not before: what waits holds next to nothing.
      if let refusal = held.exchange.reserve(next.byteCount) { return finish(held, refusing: refusal) }
      let reply = next.run(held.cancellation)
      if let refusal = held.exchange.refusalWhileWorking { return finish(held, refusing: refusal) }
      switch reply {
      case .now(let response):
        return finish(held) { $0.resume(after: response) }
      case .later(let more):
        // What turns out to take long makes room for what does not.
        guard turn.lane == .long || ComputePool.lane(of: more.cost) == .brief else { return submit(more, held) }
        turn.add(more.cost)
        next = more
      case .after(let flight, let more):
        return flight.whenOver { [self] in submit(more, held) }
      }
    }
  }

  private func finish(_ held: Held, refusing refusal: Refusal) {
    finish(held) { $0.resume(refusing: refusal) }
  }

  /// Takes the exchange out and answers it, if nobody else has.
  private func finish(_ held: Held, _ answer: (Exchange) -> Void) {
    monitor.withLock {
      guard exchanges.removeValue(forKey: ObjectIdentifier(held.exchange)) != nil else { return }
      answer(held.exchange)
    }
  }

  /// Answers all that still wait, and lets no more in.
  func close() {
    monitor.withLock {
      isClosed = true
      for held in exchanges.values {
        held.cancellation.interrupt()
        held.exchange.resume(refusing: .shuttingDown)
      }
      exchanges = [:]
      changed.signal()
    }
  }

  // MARK: The thread

  private func watch() {
    var lastSeen = monotonicNanoseconds()
    var isEnding = false
    while !isEnding {
      let (now, held) = rest(since: lastSeen)
      if !held.isEmpty { lastSeen = now }
      for one in held where one.deadline <= now { end(one) { $0.resume(refusing: .deadlineExceeded) } }
      for one in gone(held.filter { now - $0.since >= SuspendedExchanges.brief && $0.deadline > now }) {
        end(one) { $0.abandon() }
      }
      isEnding = monitor.withLock { isClosed }
    }
  }

  /// Waits until it is time to look, and returns what there is to look at.
  private func rest(since lastSeen: Int64) -> (now: Int64, held: [Held]) {
    monitor.withLock {
      if monotonicNanoseconds() - lastSeen > SuspendedExchanges.linger {
        isAsleep = true
        while exchanges.isEmpty && !isClosed { changed.wait(in: monitor) }
        isAsleep = false
      }
      let until = monotonicNanoseconds() + SuspendedExchanges.interval
      while !isClosed && changed.wait(in: monitor, until: until) {}
      return (monotonicNanoseconds(), Array(exchanges.values))
    }
  }

  /// Ends the work of an exchange that nobody wants any more.
  private func end(_ held: Held, _ answer: (Exchange) -> Void) {
    held.cancellation.interrupt()
    finish(held, answer)
  }

  /// Those whose clients have hung up. A descriptor is its exchange's as long as that is in the set; for one that is
  /// not any more the answer may be about another's, and is of no consequence.
  private func gone(_ held: [Held]) -> [Held] {
    if held.isEmpty { return [] }
    var entries = held.map { pollfd(fd: $0.exchange.client.descriptor, events: Int16(system_poll_hung_up), revents: 0) }
    guard poll(&entries, nfds_t(entries.count), 0) > 0 else { return [] }
    return zip(held, entries).filter { $1.revents != 0 }.map { $0.0 }
  }
}

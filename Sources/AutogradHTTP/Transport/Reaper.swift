import CMicroHTTPD
import CSystem
import Glibc

/// Ends the connections of clients that take too long, whatever they drip: the library's own time-out counts only from
/// the last byte.
///
/// Clients answer for their own time only. While the thread that serves them is busy, and either kept by one turn of
/// its loop or has bytes of theirs to read or send, no time passes for them. A thread that waits for events has done
/// what it can: then it does.
///
/// One thread looks at all connections four times a second, and sleeps when there are none. A connection is shut down
/// under the lock that its end takes before its descriptor is closed, so that never another client's is.
///
/// `@unchecked Sendable`: everything mutable is touched under `monitor` only.
final class Reaper: @unchecked Sendable {
  private struct Watched {
    let client: Client
    /// The phase that it was last seen in, and since when that is known.
    var mark: UInt64 = .max
    var since: Int64 = 0
    /// When it was last looked at.
    var seen: Int64 = 0
    /// The turn that its thread was in then.
    var turn: UInt?
    /// While waiting for a head: the bytes that had come when that was first seen, and when more were.
    var received: UInt64 = 0
    var headSince: Int64?
    /// It was seen in this phase to send no more.
    var hasLeft = false
  }

  static let interval: Int64 = 250_000_000
  /// Connections that are looked at without letting go of the lock, which threads that serve need for new ones.
  private static let batch = 128

  /// What answers may take of the memory while there is not enough for others: a share of it.
  private static let shareOfAnswers = 4
  /// How long an answer may be on its way before it can be given up for want of memory.
  private static let youngAnswer: Int64 = 1_000_000_000

  private let patience: HTTPServer.Patience
  private let memory: MemoryBudget
  private let threads: ServerThreads
  /// What to send before the end to a client whose request does not come in time; nil where no head had come.
  private let farewell: @Sendable (_ client: Client?) -> [UInt8]
  private let monitor = Monitor()
  private let changed = Condition()
  private var slots: [Watched?] = []
  private var free: [Int] = []
  private var count = 0
  private var isStopped = false
  private var isAsleep = false

  init(
    _ patience: HTTPServer.Patience, memory: MemoryBudget, threads: ServerThreads,
    farewell: @escaping @Sendable (_ client: Client?) -> [UInt8]
  ) throws(StartError) {
    self.patience = patience
    self.memory = memory
    self.threads = threads
    self.farewell = farewell
    let thread = NativeThread.start(name: "reaper", stackSize: 256 << 10) { [self] in run() }
    guard let thread else { throw StartError("cannot start the thread that ends slow connections") }
    pthread_detach(thread)
  }

  /// A client has connected.
  func add(_ descriptor: Int32, _ seat: amhd_seat, _ tenant: Tenant, isProxy: Bool) -> Client {
    monitor.withLock {
      let slot = free.popLast() ?? slots.count
      let client = Client(descriptor: descriptor, seat: seat, slot: slot, tenant: tenant, isProxy: isProxy)
      if slot == slots.count { slots.append(nil) }
      slots[slot] = Watched(client: client)
      count += 1
      if isAsleep { changed.signal() }
      return client
    }
  }

  /// Its connection ends; the descriptor is not touched any more.
  func remove(_ client: Client) {
    monitor.withLock {
      slots[client.slot] = nil
      free.append(client.slot)
      count -= 1
    }
  }

  /// Ends the thread. Clients may still come and go.
  func stop() {
    monitor.withLock {
      isStopped = true
      changed.signal()
    }
  }

  // MARK: The thread

  private func run() {
    var next = 0
    monitor.withLock {
      while !isStopped {
        if next == 0 { rest() }
        // Not as soon as the last one has gone: waking it up for each client that comes alone would cost that client
        // more.
        if count == 0 {
          isAsleep = true
          changed.wait(in: monitor)
          isAsleep = false
          continue
        }
        let end = min(next + Reaper.batch, slots.count)
        let now = monotonicNanoseconds()
        for slot in next..<max(next, end) { look(at: slot, now) }
        next = end < slots.count ? end : 0
        if next == 0, memory.takeShortage() { endSlowReaders(now) }
        monitor.unlocked {}
      }
    }
  }

  /// While there is not enough memory for others, ends the connections of clients that are slow to take their answers,
  /// beginning with those that have held the most for the longest.
  private func endSlowReaders(_ now: Int64) {
    var held = 0
    var slow: [(slot: Int, bytes: Int, age: Int64)] = []
    for slot in slots.indices {
      guard let watched = slots[slot], watched.client.now.phase == .answer else { continue }
      let bytes = watched.client.heldByteCount
      held += bytes
      if bytes > 0, now - watched.since > Reaper.youngAnswer { slow.append((slot, bytes, now - watched.since)) }
    }
    slow.sort { Double($0.bytes) * Double($0.age) > Double($1.bytes) * Double($1.age) }
    for one in slow {
      guard held > memory.limit / Reaper.shareOfAnswers, let watched = slots[one.slot] else { return }
      end(watched, .answer, .left)
      held -= one.bytes
    }
  }

  private func rest() {
    let until = monotonicNanoseconds() + Reaper.interval
    while !isStopped && changed.wait(in: monitor, until: until) {}
  }

  private func look(at slot: Int, _ now: Int64) {
    guard var watched = slots[slot] else { return }
    let (phase, mark) = watched.client.now
    if mark != watched.mark {
      watched = Watched(client: watched.client, mark: mark, since: now, seen: now)
      // All that has come before the first request is of its head. Of what has come by now after another, that cannot
      // be told.
      if mark != Client.newMark { watched.received = .max }
    }
    if let reason = expiry(&watched, phase, now) { end(watched, phase, reason) }
    watched.seen = now
    slots[slot] = watched
  }

  private enum Expiry {
    /// It may be told.
    case tooSlow
    case left
  }

  private func expiry(_ watched: inout Watched, _ phase: Client.Phase, _ now: Int64) -> Expiry? {
    switch phase {
    case .waiting:
      let facts = system_look(watched.client.descriptor)
      if hasLeft(&watched, facts) { return .left }
      if watched.received == .max { watched.received = facts.received }
      if watched.headSince != nil, isOurs(&watched, facts.has_unread) { watched.headSince? += now - watched.seen }
      if facts.received > watched.received && watched.headSince == nil { watched.headSince = now }
      return watched.headSince.map { now - $0 >= patience.head } ?? false ? .tooSlow : nil
    case .body:
      let facts = system_look(watched.client.descriptor)
      if hasLeft(&watched, facts) { return .left }
      if isOurs(&watched, facts.has_unread) { watched.since += now - watched.seen }
      return now - watched.since >= patience.body ? .tooSlow : nil
    case .answer:
      if isOurs(&watched, !system_has_unsent(watched.client.descriptor)) { watched.since += now - watched.seen }
      return now - watched.since >= patience.answer ? .left : nil
    case .work, .ended:
      return nil
    }
  }

  /// Whether the client has waited for us since the last look.
  /// - Parameter canGoOn: whether its thread has something to do for it.
  private func isOurs(_ watched: inout Watched, _ canGoOn: Bool) -> Bool {
    let turn = threads.turn(of: Int(watched.client.seat.thread))
    defer { watched.turn = turn }
    return turn != nil && (canGoOn || turn == watched.turn)
  }

  /// Whether the client has said that it sends no more and nobody has noticed: an end that came with the last bytes,
  /// before the connection was accepted, causes no event. Seen twice, for it may just be being noticed.
  private func hasLeft(_ watched: inout Watched, _ facts: system_socket_facts) -> Bool {
    guard facts.is_ended, !facts.has_unread else { return false }
    defer { watched.hasLeft = true }
    return watched.hasLeft
  }

  private func end(_ watched: Watched, _ phase: Client.Phase, _ reason: Expiry) {
    guard watched.client.end(at: watched.mark) else { return }
    if reason == .tooSlow {
      let text = farewell(phase == .body ? watched.client : nil)
      send(watched.client.descriptor, text, text.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }
    if phase == .answer { system_discard_on_close(watched.client.descriptor) }
    shutdown(watched.client.descriptor, Int32(SHUT_RDWR))
  }
}

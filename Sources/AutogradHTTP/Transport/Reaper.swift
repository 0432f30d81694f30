import CMicroHTTPD
import CSystem
import Glibc

/// Ends the connections of clients that take too long. The library's own timeout counts from the last byte, so a client
/// that sends slowly would never reach it.
///
/// Clients are charged for their own time only. A client's time stands still while its thread is busy and either stuck
/// in one turn of its loop or has bytes of the client to read or send. While the thread waits for events, time counts.
///
/// One thread looks at all connections four times a second, and sleeps if there are none. A connection is shut down
/// under a lock that is also taken before its descriptor is closed, so that a reused descriptor is never shut down.
///
/// `@unchecked Sendable`: everything mutable is touched under `monitor` only.
final class Reaper: @unchecked Sendable {
  private struct Watched {
    let client: Client
    /// The activity at the last look, and since when it lasts.
    var mark: UInt64 = .max
    var since: Int64 = 0
    /// Time of the last look.
    var seen: Int64 = 0
    /// The turn of its thread at the last look.
    var turn: UInt?
    /// While waiting for a head: the bytes received when the wait was first seen, and when more had arrived.
    var received: UInt64 = 0
    var headSince: Int64?
    /// Whether an end of sending was seen in this activity.
    var hasLeft = false
  }

  static let interval: Int64 = 250_000_000
  /// Connections to look at before releasing the lock, which serving threads need for new connections.
  private static let batch = 128

  /// While memory is short, answers may hold one part in this many of it.
  private static let shareOfAnswers = 4
  /// How long an answer may take to send before it can be ended for lack of memory.
  private static let youngAnswer: Int64 = 1_000_000_000

  private let patience: HTTPServer.Patience
  private let memory: MemoryBudget
  private let threads: ServerThreads
  /// The bytes to send to a client whose request does not arrive in time; its argument is nil if no head had arrived.
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

  /// Adds a new connection.
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

  /// Removes a connection before it is closed; its descriptor is not used afterwards.
  func remove(_ client: Client) {
    monitor.withLock {
      slots[client.slot] = nil
      free.append(client.slot)
      count -= 1
    }
  }

  /// Ends the thread. Connections may still be added and removed.
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
        // It does not sleep as soon as the last connection has gone: waking it for each single client would slow that
        // client.
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

  /// While memory is short, ends connections of clients that are slow to receive their answers, those that have held
  /// the most for the longest first.
  private func endSlowReaders(_ now: Int64) {
    var held = 0
    var slow: [(slot: Int, bytes: Int, age: Int64)] = []
    for slot in slots.indices {
      guard let watched = slots[slot], watched.client.now.activity == .answer else { continue }
      let bytes = watched.client.heldByteCount
      held += bytes
      // A stream begins an activity with each piece, so its start does not tell how long its client takes.
      let age = watched.client.heldAge(at: now)
      if bytes > 0, age > Reaper.youngAnswer { slow.append((slot, bytes, age)) }
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
    let (activity, mark) = watched.client.now
    if mark != watched.mark {
      watched = Watched(client: watched.client, mark: mark, since: now, seen: now)
      // Bytes before the first request belong to its head. After another request that is unknown.
      if mark != Client.newMark { watched.received = .max }
    }
    if let reason = expiry(&watched, activity, now) { end(watched, activity, reason) }
    watched.seen = now
    slots[slot] = watched
  }

  private enum Expiry {
    /// It may be told.
    case tooSlow
    case left
  }

  private func expiry(_ watched: inout Watched, _ activity: Client.Activity, _ now: Int64) -> Expiry? {
    switch activity {
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

  /// Whether the time since the last look was the server's.
  /// - Parameter canGoOn: whether its thread has bytes of it to read or send.
  private func isOurs(_ watched: inout Watched, _ canGoOn: Bool) -> Bool {
    let turn = threads.turn(of: Int(watched.client.seat.thread))
    defer { watched.turn = turn }
    return turn != nil && (canGoOn || turn == watched.turn)
  }

  /// Whether the client has closed its sending side unnoticed: an end that arrived with the last bytes, before the
  /// connection was accepted, causes no event. It must be seen twice, because the library may be about to notice it.
  private func hasLeft(_ watched: inout Watched, _ facts: system_socket_facts) -> Bool {
    guard facts.is_ended, !facts.has_unread else { return false }
    defer { watched.hasLeft = true }
    return watched.hasLeft
  }

  private func end(_ watched: Watched, _ activity: Client.Activity, _ reason: Expiry) {
    guard watched.client.end(at: watched.mark) else { return }
    if reason == .tooSlow {
      let text = farewell(activity == .body ? watched.client : nil)
      send(watched.client.descriptor, text, text.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }
    if activity == .answer { system_discard_on_close(watched.client.descriptor) }
    shutdown(watched.client.descriptor, Int32(SHUT_RDWR))
  }
}

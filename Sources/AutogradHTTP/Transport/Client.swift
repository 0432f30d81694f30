import CMicroHTTPD
import Synchronization

/// One client's connection: what it is doing at the moment, so that those that take too long can be ended.
///
/// The threads that serve it note changes, nothing more; time is the ``Reaper``'s business. That costs a request a few
/// nanoseconds.
final class Client: Sendable {
  enum Phase: UInt64 {
    /// Between two requests, or before the first. Whether a head is under way only the kernel knows.
    case waiting
    /// The head has come, the body is coming.
    case body
    /// The request is complete.
    case work
    /// The answer is on its way.
    case answer
    /// The reaper has ended it.
    case ended
  }

  let descriptor: Int32
  /// The thread that serves it, and whether that is the health thread; whether it came by the admin address.
  let seat: amhd_seat
  /// Where the reaper keeps it; the reaper's alone.
  let slot: Int
  /// By its address.
  let tenant: Tenant
  /// Whether it speaks for others, and is believed.
  let isProxy: Bool
  /// The phase in the low bits; above them a number that changes with it.
  private let state = Atomic<UInt64>(Phase.waiting.rawValue)
  private static let step: UInt64 = 8
  /// The mark of a connection that has not had a request yet.
  static let newMark = Phase.waiting.rawValue
  /// Of the request whose body is coming. Written before that phase is entered and read by who has ended the connection
  /// in it, so never at the same time.
  nonisolated(unsafe) var requestID = "-"
  /// The same of the page that sends it, see ``OriginPolicy``.
  nonisolated(unsafe) var page: String?
  private let hasBegun = Atomic<Bool>(false)
  /// Of the memory for all requests, what its answer takes.
  private let held = Atomic<Int>(0)

  init(descriptor: Int32, seat: amhd_seat, slot: Int, tenant: Tenant, isProxy: Bool) {
    self.descriptor = descriptor
    self.seat = seat
    self.slot = slot
    self.tenant = tenant
    self.isProxy = isProxy
  }

  /// Notes that another phase begins. False when the reaper has ended the connection: then nothing may be sent on it.
  func enter(_ phase: Phase) -> Bool {
    let old = state.load(ordering: .relaxed)
    if old & (Client.step - 1) == Phase.ended.rawValue { return false }
    return state.compareExchange(expected: old, desired: Client.next(old, phase), ordering: .acquiringAndReleasing)
      .exchanged
  }

  /// Notes what memory its answer takes until it is sent.
  func hold(_ byteCount: Int) {
    if held.load(ordering: .relaxed) != byteCount { held.store(byteCount, ordering: .relaxed) }
  }

  var heldByteCount: Int { held.load(ordering: .relaxed) }

  /// True the first time.
  func beginsFirstRequest() -> Bool {
    if hasBegun.load(ordering: .relaxed) { return false }
    hasBegun.store(true, ordering: .relaxed)
    return true
  }

  /// What it is doing, and a mark that is another whenever that has begun anew.
  var now: (phase: Phase, mark: UInt64) {
    let value = state.load(ordering: .acquiring)
    return (Phase(rawValue: value & (Client.step - 1)) ?? .ended, value)
  }

  /// Ends it if it is still at the mark. For the reaper.
  func end(at mark: UInt64) -> Bool {
    state.compareExchange(expected: mark, desired: Client.next(mark, .ended), ordering: .acquiringAndReleasing)
      .exchanged
  }

  var isEnded: Bool { now.phase == .ended }

  private static func next(_ value: UInt64, _ phase: Phase) -> UInt64 {
    (value & ~(step - 1)) &+ step | phase.rawValue
  }
}

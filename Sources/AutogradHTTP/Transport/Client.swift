import CMicroHTTPD
import Synchronization

/// A connection and what it is doing at the moment, so that slow ones can be ended.
///
/// Threads that serve it only note changes, which takes a few nanoseconds a request. The ``Reaper`` measures time.
final class Client: Sendable {
  enum Activity: UInt64 {
    /// Between two requests, or before the first. Only the kernel knows whether a head has begun.
    case waiting
    /// The head has arrived; the body is arriving.
    case body
    /// The request is complete.
    case work
    /// The answer is being sent.
    case answer
    /// The reaper has ended it.
    case ended
  }

  let descriptor: Int32
  /// The thread that serves it, whether that is the health thread, and whether it came from the admin address.
  let seat: amhd_seat
  /// Its index in the reaper; only the reaper uses it.
  let slot: Int
  /// Its tenant by address.
  let tenant: Tenant
  /// Whether it is a trusted proxy.
  let isProxy: Bool
  /// The activity in the low bits; above them a counter that changes with each activity.
  private let current = Atomic<UInt64>(Activity.waiting.rawValue)
  private static let step: UInt64 = 8
  /// The mark of a connection that has not had a request yet.
  static let newMark = Activity.waiting.rawValue
  /// Identifier of the request whose body is arriving. Written before that activity begins, and read by the thread that
  /// ended the connection in it, so never concurrently.
  nonisolated(unsafe) var requestID = "-"
  /// Likewise the page that sent it, see ``OriginPolicy``.
  nonisolated(unsafe) var page: String?
  private let hasBegun = Atomic<Bool>(false)
  /// Bytes of the memory budget that its answer holds.
  private let held = Atomic<Int>(0)
  /// Since when, in monotonic nanoseconds: for a stream since its first piece, however many it has.
  private let heldSince = Atomic<Int64>(0)

  init(descriptor: Int32, seat: amhd_seat, slot: Int, tenant: Tenant, isProxy: Bool) {
    self.descriptor = descriptor
    self.seat = seat
    self.slot = slot
    self.tenant = tenant
    self.isProxy = isProxy
  }

  /// Begins another activity. False if the reaper has ended the connection; then nothing may be sent on it.
  func enter(_ activity: Activity) -> Bool {
    let old = current.load(ordering: .relaxed)
    if old & (Client.step - 1) == Activity.ended.rawValue { return false }
    return current.compareExchange(expected: old, desired: Client.next(old, activity), ordering: .acquiringAndReleasing)
      .exchanged
  }

  /// Notes the memory that its answer holds until it is sent.
  func hold(_ byteCount: Int) {
    let old = held.load(ordering: .relaxed)
    if old == byteCount { return }
    if old == 0 { heldSince.store(monotonicNanoseconds(), ordering: .relaxed) }
    held.store(byteCount, ordering: .relaxed)
  }

  /// How long the answer has held memory, in nanoseconds.
  func heldAge(at now: Int64) -> Int64 { now - heldSince.load(ordering: .relaxed) }

  var heldByteCount: Int { held.load(ordering: .relaxed) }

  /// True the first time.
  func beginsFirstRequest() -> Bool {
    if hasBegun.load(ordering: .relaxed) { return false }
    hasBegun.store(true, ordering: .relaxed)
    return true
  }

  /// The current activity, and a mark that differs each time one begins.
  var now: (activity: Activity, mark: UInt64) {
    let value = current.load(ordering: .acquiring)
    return (Activity(rawValue: value & (Client.step - 1)) ?? .ended, value)
  }

  /// Ends it if it is still at the mark. For the reaper.
  func end(at mark: UInt64) -> Bool {
    current.compareExchange(expected: mark, desired: Client.next(mark, .ended), ordering: .acquiringAndReleasing)
      .exchanged
  }

  var isEnded: Bool { now.activity == .ended }

  private static func next(_ value: UInt64, _ activity: Activity) -> UInt64 {
    (value & ~(step - 1)) &+ step | activity.rawValue
  }
}

import Synchronization

/// The limits of a token: requests per second, time of compute threads per second, and bytes of memory at a time.
///
/// Rates use the generic cell rate algorithm (ITU-T I.371): one number holds the time until which past use is paid for.
/// A second's allowance may be used at once.
final class Quota: Sendable {
  /// As in the token file; nil means no limit.
  struct Terms: Sendable, Equatable {
    var requestsPerSecond: Double?
    /// Seconds of one thread.
    var workPerSecond: Double?
    var bytesInFlight: Int?

    static let none = Terms()
  }

  let terms: Terms
  /// The times until which requests and work are paid for, in the time of ``monotonicNanoseconds()``.
  private let requests = Atomic<Int64>(0)
  private let work = Atomic<Int64>(0)
  private static let second = 1_000_000_000.0

  init(_ terms: Terms) { self.terms = terms }

  /// A quota with other terms and the same usage.
  func changed(to terms: Terms) -> Quota {
    let changed = Quota(terms)
    changed.requests.store(requests.load(ordering: .relaxed), ordering: .relaxed)
    changed.work.store(work.load(ordering: .relaxed), ordering: .relaxed)
    return changed
  }

  /// Counts a request. Nil if it is within the quota, else the refusal with the seconds to wait.
  func refusal(at now: Int64) -> Refusal? {
    if terms.workPerSecond != nil, let wait = Quota.wait(work.load(ordering: .relaxed), now) {
      return .quota(.workRate, seconds: wait)
    }
    guard let rate = terms.requestsPerSecond else { return nil }
    let step = Int64(Quota.second / rate)
    // At rates below one a second, one request may still be sent.
    let ahead = max(step, Int64(Quota.second))
    var paid = requests.load(ordering: .relaxed)
    while true {
      let next = max(paid, now) &+ step
      if next - now > ahead { return .quota(.requestRate, seconds: Quota.seconds(next - now - ahead)) }
      let (isStored, current) = requests.compareExchange(expected: paid, desired: next, ordering: .relaxed)
      if isStored { return nil }
      paid = current
    }
  }

  /// Charges work that was done. Its amount is known only then; use beyond the quota makes later requests wait.
  func charge(_ nanoseconds: Int64, at now: Int64) {
    guard let rate = terms.workPerSecond, nanoseconds > 0 else { return }
    let step = Int64(min(Double(nanoseconds) / rate, 1e15))
    var paid = work.load(ordering: .relaxed)
    while true {
      let (isStored, current) = work.compareExchange(
        expected: paid, desired: max(paid, now) &+ step, ordering: .relaxed)
      if isStored { return }
      paid = current
    }
  }

  private static func wait(_ paid: Int64, _ now: Int64) -> Int? {
    let ahead = paid - now - Int64(second)
    return ahead > 0 ? seconds(ahead) : nil
  }

  private static func seconds(_ nanoseconds: Int64) -> Int { Int((nanoseconds + 999_999_999) / 1_000_000_000) }
}

extension Quota.Terms {
  static let syntax = "requests-per-second=NUMBER, work-per-second=SECONDS or bytes-in-flight=BYTES"

  /// Reads one term of a token. False if it is invalid.
  mutating func read(_ word: String) -> Bool {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return false }
    switch parts[0] {
    case "requests-per-second": return Quota.Terms.read(parts[1], into: &requestsPerSecond)
    case "work-per-second": return Quota.Terms.read(parts[1], into: &workPerSecond)
    case "bytes-in-flight":
      guard let bytes = Int(parts[1]), bytes > 0, bytesInFlight == nil else { return false }
      bytesInFlight = bytes
      return true
    default: return false
    }
  }

  private static let rates = 0.001...1_000_000.0

  private static func read(_ text: Substring, into rate: inout Double?) -> Bool {
    guard let value = Double(text), rates.contains(value), rate == nil else { return false }
    rate = value
    return true
  }
}

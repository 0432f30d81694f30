import Synchronization

/// What the holder of a token may ask for, whatever the server could do: so many requests a second, so much time of
/// compute threads a second, and so many bytes of memory at a time.
///
/// Rates are kept by the generic cell rate algorithm (ITU-T I.371): one number says until when what was had is paid
/// for. A second's worth may be had at once.
final class Quota: Sendable {
  /// As it stands in the token file; nil for what is not limited.
  struct Terms: Sendable, Equatable {
    var requestsPerSecond: Double?
    /// Seconds of one thread.
    var workPerSecond: Double?
    var bytesInFlight: Int?

    static let none = Terms()
  }

  let terms: Terms
  /// Until when requests, and work, are paid for, of ``monotonicNanoseconds()``.
  private let requests = Atomic<Int64>(0)
  private let work = Atomic<Int64>(0)
  private static let second = 1_000_000_000.0

  init(_ terms: Terms) { self.terms = terms }

  /// One with other terms, which has had what this one had.
  func changed(to terms: Terms) -> Quota {
    let changed = Quota(terms)
    changed.requests.store(requests.load(ordering: .relaxed), ordering: .relaxed)
    changed.work.store(work.load(ordering: .relaxed), ordering: .relaxed)
    return changed
  }

  /// Counts a request. Nil when it is one too many; otherwise what else there is against it, in seconds that it should
  /// wait.
  func refusal(at now: Int64) -> Refusal? {
    if terms.workPerSecond != nil, let wait = Quota.wait(work.load(ordering: .relaxed), now) {
      return .quota(.workRate, seconds: wait)
    }
    guard let rate = terms.requestsPerSecond else { return nil }
    let step = Int64(Quota.second / rate)
    // Where one takes longer than a second, one may be had.
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

  /// Counts work that was done: how much it is is known only then, and what is too much is paid for by waiting.
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

  /// Reads one of a token's terms. False when it is none.
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

import CKernels
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The number of threads that work on plans.
public enum Parallelism {
  private static let limit = Atomic<Int>(Int(ck_processors()))

  /// Maximum number of threads that work on large instructions of all plans together, including the callers of
  /// ``Plan/run(_:)``. Default: the processors that the process may use. Results have the same bytes for any value.
  public static var threads: Int {
    get { limit.load(ordering: .relaxed) }
    set { limit.store(max(newValue, 1), ordering: .relaxed) }
  }

  fileprivate static let helperStackSize = 512 << 10
  /// As many again may replace paused ones.
  fileprivate static func mostHelpers(_ threads: Int) -> Int { 2 * threads }

  /// Bytes of the stacks of all helper threads.
  package static func helperStackBytes(threads: Int) -> Int { mostHelpers(threads) * helperStackSize }
}

/// The parts of a large instruction, handed out one by one.
final class Parts: Sendable {
  let count: Int
  private let dealt = Atomic<Int>(0)

  init(_ count: Int) { self.count = count }

  func next() -> Int? {
    let part = dealt.add(1, ordering: .relaxed).oldValue
    return part < count ? part : nil
  }
}

/// Threads that help with large instructions. The thread that runs a plan takes parts like the others and never waits
/// for a helper to begin. If all are busy it does everything itself, so under load nothing is slower than without
/// helpers.
///
/// A paused run keeps its helpers, which sleep in the middle of their parts; others replace them until it continues.
///
/// Waking a thread costs 50 to 80 µs, so use it only for work of 250 µs or more.
///
/// `@unchecked Sendable`: mutable state is touched under `mutex` only, except the counts, which are atomic.
final class Crew: @unchecked Sendable {
  static let shared = Crew()

  /// `@unchecked Sendable`: `body` is called by several threads at once and must allow that.
  private final class Job: @unchecked Sendable {
    let parts: Parts
    let body: (Parts) -> Void
    /// How many more helpers may join; under the crew's mutex.
    var openings: Int
    let running = Atomic<Int>(0)

    init(_ count: Int, openings: Int, _ body: @escaping (Parts) -> Void) {
      parts = Parts(count)
      self.openings = openings
      self.body = body
    }
  }

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let jobCame = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let helperLeft = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var jobs: [Job] = []
  /// Threads, except helpers, that have a large instruction at the moment and are not paused.
  private let callers = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
  /// Helpers that are not paused.
  private let helpers = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
  /// All helpers.
  private var helperCount = 0

  private init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(jobCame, nil)
    pthread_cond_init(helperLeft, nil)
    callers.initialize(to: 0)
    helpers.initialize(to: 0)
  }

  /// Calls `body` on this thread and on free helpers, until all parts are done.
  func run(_ count: Int, _ body: @escaping (Parts) -> Void) {
    let busy = Int(ck_count_add(callers, 1))
    let outer = ck_count_while_awake(callers)
    defer {
      ck_count_while_awake(outer)
      ck_count_add(callers, -1)
    }
    guard let job = post(count, helpers: min(count - 1, Parallelism.threads - busy), body) else {
      return body(Parts(count))
    }
    body(job.parts)
    withdraw(job)
  }

  /// Nil if no helper is free.
  private func post(_ count: Int, helpers wanted: Int, _ body: @escaping (Parts) -> Void) -> Job? {
    guard wanted > 0 else { return nil }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while ck_count(helpers) < wanted, helperCount < Parallelism.mostHelpers(Parallelism.threads), startHelper() {}
    guard ck_count(helpers) > 0 else { return nil }
    let posted = Job(count, openings: wanted, body)
    jobs.append(posted)
    pthread_cond_broadcast(jobCame)
    return posted
  }

  /// Closes the job to further helpers, and waits for those that joined.
  private func withdraw(_ job: Job) {
    pthread_mutex_lock(mutex)
    jobs.removeAll { $0 === job }
    pthread_mutex_unlock(mutex)
    // They are about to end, so spinning is cheaper than sleeping.
    for _ in 0..<20_000 {
      if job.running.load(ordering: .acquiring) == 0 { return }
    }
    ck_count_add(callers, -1)
    pthread_mutex_lock(mutex)
    while job.running.load(ordering: .acquiring) > 0 { pthread_cond_wait(helperLeft, mutex) }
    pthread_mutex_unlock(mutex)
    ck_count_add(callers, 1)
  }

  private func help() {
    ck_count_while_awake(helpers)
    pthread_mutex_lock(mutex)
    while true {
      guard let job = jobs.first(where: { $0.openings > 0 }) else {
        // Ends if it replaced a helper that is active again.
        if ck_count(helpers) >= Parallelism.threads { break }
        pthread_cond_wait(jobCame, mutex)
        continue
      }
      job.openings -= 1
      job.running.add(1, ordering: .relaxed)
      pthread_mutex_unlock(mutex)
      job.body(job.parts)
      pthread_mutex_lock(mutex)
      job.running.subtract(1, ordering: .releasing)
      pthread_cond_broadcast(helperLeft)
    }
    ck_count_add(helpers, -1)
    helperCount -= 1
    pthread_mutex_unlock(mutex)
  }

  /// Counted from now on.
  private func startHelper() -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, Parallelism.helperStackSize)
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let isStarted =
      pthread_create(
        &thread, &attributes,
        { _ in
          Crew.shared.help()
          return nil
        }, nil) == 0
    guard isStarted else { return false }
    ck_count_add(helpers, 1)
    helperCount += 1
    return true
  }
}

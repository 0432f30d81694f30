import Synchronization

/// The flag of one piece of work on the compute pool: work looks at it now and then, and ends early once nobody waits
/// for it any more, or sleeps while it is told to pause. A program brings its own, see
/// ``HTTPServer/Configuration/cancellation``; an object, so that it is stored and passed on as one reference.
package protocol Cancellation: AnyObject, Sendable {
  /// Work shall end, once for all, also where it pauses.
  func interrupt()
  /// Work that looks next sleeps until ``resume()`` or ``interrupt()``. One that cannot pause ignores this.
  func pause()
  func resume()
  /// Whether it has been interrupted. For those who do not work, and so do not pause.
  var hasEnded: Bool { get }
}

/// For programs whose work cannot pause.
package final class CancellationFlag: Cancellation {
  private let isRaised = Atomic<Bool>(false)

  package init() {}

  package func interrupt() { isRaised.store(true, ordering: .releasing) }
  package func pause() {}
  package func resume() {}
  package var hasEnded: Bool { isRaised.load(ordering: .acquiring) }
}

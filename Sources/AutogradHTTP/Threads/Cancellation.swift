import Synchronization

/// A flag for one piece of work on the compute pool. The work checks it regularly, ends early when it is interrupted,
/// and sleeps while it is paused. A program supplies its own type, see ``HTTPServer/Configuration/cancellation``. It is
/// a class so that it is stored and passed as one reference.
package protocol Cancellation: AnyObject, Sendable {
  /// Ends the work for good, also while it pauses.
  func interrupt()
  /// Makes the work sleep at its next check, until ``resume()`` or ``interrupt()``. Work that cannot pause ignores
  /// this.
  func pause()
  func resume()
  /// Whether it has been interrupted. For threads that do not do the work; it does not pause them.
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

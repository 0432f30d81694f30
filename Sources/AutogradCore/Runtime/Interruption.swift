import Synchronization

/// A request to end work that somebody else is doing: whoever works looks at it now and then.
package final class Interruption: Sendable {
  private let flag = Atomic<Bool>(false)

  package init() {}

  package func interrupt() { flag.store(true, ordering: .relaxed) }
  package var isInterrupted: Bool { flag.load(ordering: .relaxed) }
}

/// What a handler gives back: an answer, or work that would hold a socket thread for too long and yields the answer
/// elsewhere.
package enum Reply: Sendable {
  case now(Response)
  /// Done on the compute pool while the connection is suspended. The request's body stays valid until it returns.
  case later(Work)
  /// The same, once something that another request does is over.
  case after(Flight, Work)

  /// Has everything done on the calling thread, for those who have no pool.
  package func answer(_ cancellation: any Cancellation) -> Response {
    var reply = self
    while true {
      switch reply {
      case .now(let response): return response
      case .later(let work), .after(_, let work): reply = work.run(cancellation)
      }
    }
  }
}

/// Work for the compute pool.
package struct Work: Sendable {
  /// Nanoseconds on one thread, about.
  package var cost: Int64
  /// Memory that it takes beside the request's body.
  package var byteCount: Int
  /// Memory that it holds already while it waits.
  package var heldByteCount: Int
  /// Does it. Once cancelled it shall end soon; what it then yields is thrown away.
  package let run: @Sendable (any Cancellation) -> Reply

  package init(
    cost: Int64 = 0, byteCount: Int = 0, heldByteCount: Int = 0, run: @escaping @Sendable (any Cancellation) -> Reply
  ) {
    self.cost = cost
    self.byteCount = byteCount
    self.heldByteCount = heldByteCount
    self.run = run
  }
}

/// Something under way that several wait for, and none of them with a thread.
package final class Flight: Sendable {
  /// What to do at its end; nil once it has come.
  private let waiting = Locked<[@Sendable () -> Void]?>([])

  package init() {}

  /// Calls `body` when it is over, on the thread that ends it; at once if it is over already.
  package func whenOver(_ body: @escaping @Sendable () -> Void) {
    let isOver = waiting.withLock { waiting in
      waiting?.append(body)
      return waiting == nil
    }
    if isOver { body() }
  }

  /// Called again, it does nothing.
  package func end() {
    let bodies = waiting.withLock { waiting in
      defer { waiting = nil }
      return waiting ?? []
    }
    for body in bodies { body() }
  }
}

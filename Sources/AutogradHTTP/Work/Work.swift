/// What a handler returns: an answer, or work for the compute pool that makes the answer.
package enum Reply: Sendable {
  case now(Response)
  /// Done on the compute pool while the connection is suspended. The request's body stays valid until it returns.
  case later(Work)
  /// The same, after something that another request is doing.
  case after(Flight, Work)

  /// The same reply with another answer.
  package func map(_ transform: @escaping @Sendable (Response) -> Response) -> Reply {
    switch self {
    case .now(let response): .now(transform(response))
    case .later(let work): .later(work.map(transform))
    case .after(let flight, let work): .after(flight, work.map(transform))
    }
  }

  /// Does all the work on the calling thread, for callers without a pool.
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
  /// Approximate nanoseconds on one thread.
  package var cost: Int64
  /// Memory that it needs in addition to the request's body.
  package var byteCount: Int
  /// Memory that it holds already while it waits.
  package var heldByteCount: Int
  /// Does the work. Once cancelled it should end soon; its result is then discarded.
  package let run: @Sendable (any Cancellation) -> Reply

  package init(
    cost: Int64 = 0, byteCount: Int = 0, heldByteCount: Int = 0, run: @escaping @Sendable (any Cancellation) -> Reply
  ) {
    self.cost = cost
    self.byteCount = byteCount
    self.heldByteCount = heldByteCount
    self.run = run
  }

  fileprivate func map(_ transform: @escaping @Sendable (Response) -> Response) -> Work {
    Work(cost: cost, byteCount: byteCount, heldByteCount: heldByteCount) { [run] in run($0).map(transform) }
  }
}

/// Something in progress that several requests wait for without holding threads.
package final class Flight: Sendable {
  /// What to do at its end; nil once it has ended.
  private let waiting = Locked<[@Sendable () -> Void]?>([])

  package init() {}

  /// Calls `body` at its end, on the thread that ends it; at once if it has ended already.
  package func whenOver(_ body: @escaping @Sendable () -> Void) {
    let isOver = waiting.withLock { waiting in
      waiting?.append(body)
      return waiting == nil
    }
    if isOver { body() }
  }

  /// Ends it. Further calls do nothing.
  package func end() {
    let bodies = waiting.withLock { waiting in
      defer { waiting = nil }
      return waiting ?? []
    }
    for body in bodies { body() }
  }
}

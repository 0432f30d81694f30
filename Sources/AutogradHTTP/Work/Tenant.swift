import Synchronization

/// Among whom the server is shared out: the holder of a token, or else everybody at one address. The compute threads
/// and the memory for requests are divided by it, so that no tenant keeps the others waiting.
final class Tenant: Sendable {
  let share: ComputeShare
  /// Nil for one that is only held to its fair share.
  let quota: Quota?
  /// Of the memory for all requests, what its own take.
  private let held = Atomic<Int>(0)
  private let connections = Atomic<Int>(0)

  init(quota: Quota? = nil) {
    self.quota = quota
    share = ComputeShare(quota)
  }

  /// The same on other terms.
  func changed(to terms: Quota.Terms?) -> Tenant {
    Tenant(quota: terms.map { quota?.changed(to: $0) ?? Quota($0) })
  }

  var heldByteCount: Int { held.load(ordering: .relaxed) }

  /// - Returns: what it holds then.
  @discardableResult
  func hold(_ byteCount: Int) -> Int { held.add(byteCount, ordering: .relaxed).newValue }

  fileprivate func connect() { connections.add(1, ordering: .relaxed) }
  func disconnect() { connections.subtract(1, ordering: .relaxed) }

  var connectionCount: Int { connections.load(ordering: .relaxed) }
  fileprivate var isGone: Bool { connectionCount == 0 && heldByteCount == 0 }
}

/// The tenants that are known by their addresses.
final class Tenants: Sendable {
  /// Beyond so many, those are forgotten that have no connection any more; and with them what they have had of the
  /// compute threads.
  fileprivate static let most = 4096

  fileprivate struct Table {
    var tenants: [IPAddress: Tenant] = [:]
    var sweepAt = Tenants.most
  }

  private let table = Locked(Table())

  /// - Parameter connects: whether it is for a connection, to be told of its end.
  func tenant(at address: IPAddress, connects: Bool = false) -> Tenant {
    table.withLock { table in
      let tenant = table.tenant(at: address.host)
      if connects { tenant.connect() }
      return tenant
    }
  }
}

extension Tenants.Table {
  fileprivate mutating func tenant(at address: IPAddress) -> Tenant {
    if let known = tenants[address] { return known }
    if tenants.count >= sweepAt {
      tenants = tenants.filter { !$0.value.isGone }
      sweepAt = max(Tenants.most, tenants.count * 2)
    }
    let new = Tenant()
    tenants[address] = new
    return new
  }
}

import Synchronization

/// A client for fair sharing: the holder of a token, or else everybody at one address. Compute threads and memory are
/// divided among tenants, so that none keeps the others waiting.
final class Tenant: Sendable {
  let share: ComputeShare
  /// Nil if only the fair share limits it.
  let quota: Quota?
  /// Whether its token allows changing what the server keeps.
  let mayWrite: Bool
  /// Bytes of the memory budget that its requests hold.
  private let held = Atomic<Int>(0)
  private let connections = Atomic<Int>(0)

  init(quota: Quota? = nil, mayWrite: Bool = false) {
    self.quota = quota
    self.mayWrite = mayWrite
    share = ComputeShare(quota)
  }

  /// The same tenant with other terms.
  func changed(to terms: Quota.Terms?, mayWrite: Bool) -> Tenant {
    Tenant(quota: terms.map { quota?.changed(to: $0) ?? Quota($0) }, mayWrite: mayWrite)
  }

  var heldByteCount: Int { held.load(ordering: .relaxed) }

  /// - Returns: what it holds afterwards.
  @discardableResult
  func hold(_ byteCount: Int) -> Int { held.add(byteCount, ordering: .relaxed).newValue }

  fileprivate func connect() { connections.add(1, ordering: .relaxed) }
  func disconnect() { connections.subtract(1, ordering: .relaxed) }

  var connectionCount: Int { connections.load(ordering: .relaxed) }
  fileprivate var isGone: Bool { connectionCount == 0 && heldByteCount == 0 }
}

/// Tenants by address.
final class Tenants: Sendable {
  /// Beyond this number, tenants without a connection are removed, together with their usage of compute threads.
  fileprivate static let most = 4096

  fileprivate struct Table {
    var tenants: [IPAddress: Tenant] = [:]
    var sweepAt = Tenants.most
  }

  private let table = Locked(Table())

  /// - Parameter connects: whether it is for a connection, whose end will be reported.
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

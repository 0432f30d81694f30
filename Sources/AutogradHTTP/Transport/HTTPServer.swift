import CMicroHTTPD
import Glibc
import Synchronization

/// The HTTP server: libmicrohttpd's threads, which pass requests to a ``Responder``.
///
/// It runs from `init` to ``stop()`` or ``drain(deadline:)``, one of which must be called: until then its threads keep
/// it alive.
package final class HTTPServer: Sendable {
  package let configuration: Configuration
  let responder: any Responder
  let pool: ComputePool
  /// The port it listens on.
  package let port: UInt16
  /// Whether only this machine can reach it.
  package let isLoopback: Bool
  let requestIDs = RequestIDSource()
  let suspended: SuspendedExchanges
  let memory: MemoryBudget
  let tenants = Tenants()
  let reaper: Reaper
  let origins: OriginPolicy
  /// The value of Keep-Alive: one second less than a connection may be idle, so that clients do not send on one that is
  /// just being closed. Nil where that is no time at all.
  let keepAlive: String?
  private let adminOrigins: OriginPolicy
  private let threads: ServerThreads
  private let watchdog: Watchdog

  private let ready = Atomic<Bool>(true)
  private let draining = Atomic<Bool>(false)
  private let requests = Atomic<Int>(0)
  private let connections = Atomic<Int>(0)
  private let opened = Atomic<Int>(0)
  /// Connections without a request yet.
  private let silent = Atomic<Int>(0)
  private let admins = Atomic<Int>(0)
  /// Connections of the admin address that have had a request or are closed.
  private let heardAdmins = Atomic<Int>(0)
  private let running = Locked<Running?>(nil)

  /// What ends with the server. `@unchecked Sendable`: the thread that stops the daemon takes the handle out of the
  /// lock.
  private struct Running: @unchecked Sendable {
    let daemon: OpaquePointer
    let acceptor: Acceptor
    let adminAcceptor: Acceptor?
  }

  /// How many connections beyond the limit are accepted, to answer them with 503. Others wait in the kernel's queue.
  private static let refusedConnections = 1024
  /// Connections reserved for the admin address.
  private static let adminConnections = 256

  /// Starts listening and serving.
  package init(_ configuration: Configuration, responder: any Responder, pool: ComputePool) throws(StartError) {
    var configuration = configuration
    // Beyond this, sums of sizes might overflow.
    configuration.bodyLimit = min(max(configuration.bodyLimit, 0), 1 << 48)
    configuration.connectionLimit = min(max(configuration.connectionLimit, 1), 1 << 20)
    self.configuration = configuration
    self.responder = responder
    self.pool = pool
    memory = MemoryBudget(limit: max(configuration.memoryLimit, 1))
    suspended = try SuspendedExchanges(pool: pool, makeCancellation: configuration.cancellation)
    let descriptor: Int32
    if let given = configuration.listeningDescriptor {
      descriptor = given
    } else {
      descriptor = try ListeningSocket.open(host: configuration.host, port: configuration.port)
    }
    port = ListeningSocket.port(of: descriptor)
    isLoopback = ListeningSocket.isLoopback(descriptor)
    keepAlive = configuration.timeout > 1 ? "timeout=\(configuration.timeout - 1)" : nil
    origins = OriginPolicy(
      hosts: configuration.allowedHosts, origins: configuration.corsOrigins, address: configuration.host,
      isLoopback: isLoopback)
    adminOrigins = OriginPolicy(
      hosts: configuration.allowedHosts, origins: [], address: "",
      isLoopback: configuration.admin.map { ListeningSocket.isLoopback($0.descriptor) } ?? false)
    threads = ServerThreads(socketCount: min(max(configuration.threads, 1), 1024))
    do {
      reaper = try Reaper(configuration.patience, memory: memory, threads: threads) {
        [configuration, requestIDs, origins] in
        HTTPServer.farewell(configuration, $0, origins, requestIDs)
      }
      watchdog = try Watchdog(threads, configuration)
    } catch {
      close(descriptor)
      throw error
    }
    do {
      try start(descriptor)
    } catch {
      reaper.stop()
      watchdog.stop()
      throw error
    }
  }

  /// Takes ownership of both descriptors, also if it fails.
  private func start(_ descriptor: Int32) throws(StartError) {
    var options = amhd_options()
    options.threads = UInt32(threads.socketCount)
    options.connections_per_thread = UInt32(
      configuration.connectionLimit + HTTPServer.refusedConnections + HTTPServer.adminConnections + 64)
    options.timeout_seconds = UInt32(min(max(configuration.timeout, 1), 86_400))
    options.connection_memory = min(max(configuration.connectionMemory, 4 << 10), 16 << 20)
    options.stack_size = 8 << 20
    var callbacks = amhd_callbacks()
    callbacks.context = Unmanaged.passRetained(self).toOpaque()
    callbacks.begin = transportBegin
    callbacks.body = transportBody
    callbacks.finish = transportFinish
    callbacks.completed = transportCompleted
    callbacks.opened = transportOpened
    callbacks.closed = transportClosed
    callbacks.log = transportLog
    guard let pointer = amhd_start(&options, &callbacks) else {
      let reason = String(cString: strerror(errno))
      Unmanaged.passUnretained(self).release()
      close(descriptor)
      if let admin = configuration.admin { close(admin.descriptor) }
      throw StartError("libmicrohttpd does not start: \(reason)")
    }
    do throws(StartError) {
      let started = try startAccepting(pointer, descriptor)
      threads.follow(pointer)
      running.withLock { $0 = started }
    } catch {
      amhd_stop(pointer)
      Unmanaged.passUnretained(self).release()
      throw error
    }
  }

  private func startAccepting(_ daemon: OpaquePointer, _ descriptor: Int32) throws(StartError) -> Running {
    var adminAcceptor: Acceptor?
    do throws(StartError) {
      if let admin = configuration.admin { adminAcceptor = try accept(daemon, admin.descriptor, isAdmin: true) }
    } catch {
      close(descriptor)
      throw error
    }
    do throws(StartError) {
      return Running(daemon: daemon, acceptor: try accept(daemon, descriptor), adminAcceptor: adminAcceptor)
    } catch {
      adminAcceptor?.stop()
      throw error
    }
  }

  private func accept(_ daemon: OpaquePointer, _ descriptor: Int32, isAdmin: Bool = false) throws(StartError)
    -> Acceptor
  {
    try Acceptor(
      daemon: daemon, descriptor: descriptor, isShared: configuration.listeningDescriptor != nil, isAdmin: isAdmin,
      limit: isAdmin ? HTTPServer.adminConnections : configuration.connectionLimit + HTTPServer.refusedConnections,
      connectionCount: { [self] in isAdmin ? admins.load(ordering: .relaxed) : connectionCount },
      warn: configuration.warn)
  }

  /// The version of libmicrohttpd.
  package static var libraryVersion: String { String(cString: amhd_version()) }
  /// Whether new work is accepted, for `/readyz`.
  package var isReady: Bool { ready.load(ordering: .relaxed) }
  /// Whether one of its threads is stuck in one turn of its loop.
  package var hasStuckThread: Bool { watchdog.hasStuckThread }
  /// Whether answers have `Connection: close`.
  var isDraining: Bool { draining.load(ordering: .relaxed) }
  /// Requests in flight.
  package var requestsInFlight: Int { requests.load(ordering: .acquiring) }
  var connectionCount: Int { connections.load(ordering: .acquiring) }
  func responder(for client: Client) -> any Responder {
    client.seat.is_admin ? configuration.admin?.responder ?? responder : responder
  }
  /// Connections opened since the start, except those of the admin address.
  private var openedCount: Int { opened.load(ordering: .acquiring) }

  // MARK: - Ending

  /// Ends without losing a request: reports that it is not ready, stops accepting, answers the requests in flight, then
  /// stops.
  ///
  /// - Parameters:
  ///   - deadline: how long requests in flight may take from now. Those that take longer are answered as shutting down.
  ///   - announces: whether to wait until load balancers have noticed.
  /// - Returns: whether all requests were answered.
  @discardableResult
  package func drain(deadline: Duration, announces: Bool = true) -> Bool {
    let end = monotonicNanoseconds() + deadline.nanoseconds
    if announces {
      ready.store(false, ordering: .relaxed)
      if configuration.readinessDelay > .zero { sleep(configuration.readinessDelay) }
    }
    draining.store(true, ordering: .relaxed)
    // Other workers answer there if this one is replaced.
    if !announces { stopAdmin() }
    let acceptor = stopAccepting()
    // The connections accepted last may not have been counted yet.
    let finished = wait(until: end) { requestsInFlight == 0 && openedCount >= acceptor?.acceptedCount ?? 0 }
    if finished {
      // A client that is about to send its next request shall find the connection open, and be told to close it.
      let now = monotonicNanoseconds()
      _ = wait(until: min(end, now + configuration.idleDelay.nanoseconds)) { connectionCount == 0 }
      _ = wait(until: min(end, now + configuration.firstRequestDelay.nanoseconds)) {
        silent.load(ordering: .relaxed) == 0
      }
      _ = wait(until: end) { requestsInFlight == 0 }
    }
    stop()
    return finished
  }

  /// Ends at once. Requests that wait for the compute pool are answered as shutting down; others are cut off.
  package func stop() {
    ready.store(false, ordering: .relaxed)
    draining.store(true, ordering: .relaxed)
    stopAccepting()
    let admins = stopAdmin()?.acceptedCount ?? 0
    suspended.close()
    reaper.stop()
    watchdog.stop()
    // Time to send the answers.
    _ = wait(until: monotonicNanoseconds() + 200_000_000) {
      requestsInFlight == 0 && heardAdmins.load(ordering: .acquiring) >= admins
    }
    let daemon = running.withLock { running in
      defer { running = nil }
      return running?.daemon
    }
    guard let daemon else { return }
    threads.follow(nil)
    amhd_stop(daemon)
    Unmanaged.passUnretained(self).release()
  }

  @discardableResult
  private func stopAccepting() -> Acceptor? {
    let acceptor = running.withLock { $0?.acceptor }
    acceptor?.stop()
    return acceptor
  }

  @discardableResult
  private func stopAdmin() -> Acceptor? {
    let acceptor = running.withLock { $0?.adminAcceptor }
    acceptor?.stop()
    return acceptor
  }

  private func wait(until deadline: Int64, for condition: () -> Bool) -> Bool {
    while !condition() {
      if monotonicNanoseconds() >= deadline { return false }
      sleep(.milliseconds(2))
    }
    return true
  }

  private func sleep(_ duration: Duration) {
    let nanoseconds = duration.nanoseconds
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    var rest = timespec()
    while nanosleep(&time, &rest) != 0 && errno == EINTR { time = rest }
  }

  // MARK: - The library's events

  /// Nil closes the connection.
  fileprivate func begin(_ connection: OpaquePointer, _ head: amhd_head) -> Exchange? {
    guard let pointer = head.client else { return nil }
    let client = Unmanaged<Client>.fromOpaque(pointer).takeUnretainedValue()
    requests.add(1, ordering: .relaxed)
    configuration.metrics?.count(1, .requestsInFlight)
    noteFirstRequest(client)
    let exchange = Exchange(server: self, connection: connection, client: client, head: head)
    let isOverloaded = connectionCount > configuration.connectionLimit && client.tenant.connectionCount > fewConnections
    if exchange.begin(FramingFacts(head), authorization: head.authorization.bytes, isOverloaded: isOverloaded) {
      return exchange
    }
    completed()
    return nil
  }

  fileprivate func completed() {
    configuration.metrics?.count(-1, .requestsInFlight)
    requests.subtract(1, ordering: .releasing)
  }

  fileprivate func connectionOpened(_ descriptor: Int32, _ seat: amhd_seat) -> Client {
    connections.add(1, ordering: .acquiringAndReleasing)
    silent.add(1, ordering: .relaxed)
    if seat.is_admin { admins.add(1, ordering: .relaxed) } else { opened.add(1, ordering: .releasing) }
    configuration.metrics?.count(1, .connectionsOpen)
    configuration.metrics?.count(1, .connectionsAccepted)
    let address = IPAddress(peerOf: descriptor)
    let tenant = tenants.tenant(at: address, connects: true)
    // The last places are reserved for tenants with few connections.
    let isCrowded = connectionCount > configuration.connectionLimit + HTTPServer.refusedConnections / 2
    if isCrowded && tenant.connectionCount > fewConnections { shutdown(descriptor, Int32(SHUT_RDWR)) }
    return reaper.add(descriptor, seat, tenant, isProxy: configuration.trustedProxies.contains(address))
  }

  /// A tenant with at most this many connections counts as having few.
  private var fewConnections: Int { min(8, configuration.connectionLimit / 4) }

  func origins(for client: Client) -> OriginPolicy { client.seat.is_admin ? adminOrigins : origins }

  /// The tenant of a request without a token.
  func tenant(of connection: OpaquePointer, _ client: Client) -> Tenant {
    guard client.isProxy, let forwarded = amhd_last_header(connection, "X-Forwarded-For").string,
      let address = configuration.trustedProxies.client(in: forwarded)
    else { return client.tenant }
    return tenants.tenant(at: address)
  }

  private func noteFirstRequest(_ client: Client) {
    guard client.beginsFirstRequest() else { return }
    silent.subtract(1, ordering: .relaxed)
    if client.seat.is_admin { heardAdmins.add(1, ordering: .releasing) }
  }

  fileprivate func connectionClosed(_ client: Client) {
    reaper.remove(client)
    client.tenant.disconnect()
    if client.seat.is_admin { admins.subtract(1, ordering: .relaxed) }
    noteFirstRequest(client)
    connections.subtract(1, ordering: .acquiringAndReleasing)
    configuration.metrics?.count(-1, .connectionsOpen)
  }
}

// Functions, not closures: in a main-actor isolated file a closure would check its isolation and trap on the library's
// threads.

private func transportBegin(
  context: UnsafeMutableRawPointer?, connection: OpaquePointer?, head: UnsafePointer<amhd_head>?
) -> UnsafeMutableRawPointer? {
  guard let context, let connection, let head else { return nil }
  // All threads share the server's reference count, so each retain that is avoided saves a cache miss.
  return Unmanaged<HTTPServer>.fromOpaque(context)._withUnsafeGuaranteedRef { server in
    server.begin(connection, head.pointee).map { Unmanaged.passRetained($0).toOpaque() }
  }
}

private func transportBody(request: UnsafeMutableRawPointer?, bytes: UnsafeRawPointer?, size: Int) -> Bool {
  guard let request else { return false }
  return Unmanaged<Exchange>.fromOpaque(request).takeUnretainedValue().receive(
    UnsafeRawBufferPointer(start: bytes, count: size))
}

private func transportFinish(request: UnsafeMutableRawPointer?) -> Bool {
  guard let request else { return false }
  return Unmanaged<Exchange>.fromOpaque(request).takeUnretainedValue().finish()
}

private func transportCompleted(request: UnsafeMutableRawPointer?, outcome: amhd_outcome) {
  guard let request else { return }
  let exchange = Unmanaged<Exchange>.fromOpaque(request).takeRetainedValue()
  exchange.complete(outcome)
  exchange.server.completed()
}

private func transportOpened(context: UnsafeMutableRawPointer?, descriptor: Int32, seat: amhd_seat)
  -> UnsafeMutableRawPointer?
{
  guard let context else { return nil }
  let server = Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
  return Unmanaged.passRetained(server.connectionOpened(descriptor, seat)).toOpaque()
}

private func transportClosed(context: UnsafeMutableRawPointer?, client: UnsafeMutableRawPointer?) {
  guard let context, let client else { return }
  let server = Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
  server.connectionClosed(Unmanaged<Client>.fromOpaque(client).takeRetainedValue())
}

private func transportLog(context: UnsafeMutableRawPointer?, message: UnsafePointer<CChar>?) {
  guard let context, let message else { return }
  let server = Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
  server.configuration.log(String(cString: message))
}

/// The bytes of an answer have been sent.
func transportRelease(owner: UnsafeMutableRawPointer?) {
  guard let owner else { return }
  Unmanaged<AnyObject>.fromOpaque(owner).release()
}

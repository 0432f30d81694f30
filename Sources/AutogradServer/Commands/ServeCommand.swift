import ArgumentParser
import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP
import Glibc
import Logging

/// `autograd-server serve`: listens until SIGTERM or SIGINT, then finishes requests in flight.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Listen for requests.",
    discussion: """
      Every option can also be given as an environment variable; the option wins. SIGTERM or SIGINT (Ctrl-C) \
      stops accepting connections, finishes requests in flight and exits with 0; a second one exits at once. \
      With several workers, SIGHUP replaces them one by one with the program then at the same path, without \
      rejecting requests.
      """)

  @OptionGroup var options: ServeOptions
  @Flag(help: "Print the system's limits, where each was read, and what the server will use, then exit.")
  var showLimits = false

  func run() throws {
    let configuration = try options.configuration()
    if showLimits { return try printLimits(configuration) }
    let supervision = Supervision()
    let supervises = configuration.workers > 1 && supervision == nil
    let watch = StartWatch(hangups: supervises || (supervision == nil && configuration.tokenFile != nil))
    LogSink.standardError.use(configuration.logFormat, worker: supervision?.metrics?.worker)
    let logger = Logger(label: "autograd-server") { _ in SinkLogHandler() }
    do {
      if supervises {
        try supervise(configuration, watch, logger)
      } else {
        try serve(configuration, watch, logger, supervision)
      }
    } catch let error as StartError {
      logger.critical("\(error)")
      LogSink.standardError.close()
      throw ExitCode.failure
    }
    LogSink.standardError.close()
  }

  private func printLimits(_ configuration: Configuration) throws {
    let system = SystemLimits.find()
    do throws(StartError) {
      let report = try Resources(configuration, system).report(configuration, system)
      CommandOutput.write(ByteBuffer(report), to: STDOUT_FILENO)
    } catch {
      throw ValidationError(error.description)
    }
  }

  private func supervise(_ configuration: Configuration, _ watch: StartWatch, _ logger: Logger) throws {
    // Read by each worker; here so that a bad file is known before the port is taken.
    let access = try configuration.accessTokens()
    let listening = try ListeningSocket.open(host: configuration.host, port: UInt16(clamping: configuration.port))
    configuration.warn(ListeningSocket.isLoopback(listening), access, logger)
    logger.info(
      """
      autograd-server \(Version.current) listening on \
      \(configuration.address(port: ListeningSocket.port(of: listening)))
      """)
    let admin = try configuration.openAdminAddress(logger)
    watch.end()
    Supervisor.blockSignals()
    var supervisor = try Supervisor(
      workers: configuration.workers, arguments: ProgramArguments.all, listening: listening, admin: admin,
      graphs: try GraphStore.makeMemory(configuration),
      drainSeconds: configuration.drainSeconds, readinessDelaySeconds: configuration.readinessDelaySeconds,
      logger: logger)
    guard supervisor.run() else { throw StartError("no worker could serve") }
    logger.info("stopped")
  }

  private func serve(_ configuration: Configuration, _ watch: StartWatch, _ logger: Logger, _ supervision: Supervision?)
    throws
  {
    let resources = try Resources(configuration, .find())
    let memoryInFlight = resources.bytesInFlight
    if let warning = resources.connectionsWarning { logger.warning("\(warning)") }
    var limits = configuration.limits
    // Several requests are read and planned at a time, and each body stays in memory next to its parsed values.
    limits.documentBytes = min(limits.documentBytes, memoryInFlight / 4)
    limits.planningBytes = memoryInFlight / 2
    MallocTuning.apply(keeping: resources.keptBytes)
    let access = try configuration.accessTokens()
    let metrics = try ServeCommand.metrics(supervision, logger)
    LogSink.standardError.count(in: metrics.area)
    let memory = RunMemoryPool(mostBytesKept: resources.keptBytes)
    Parallelism.threads = min(Parallelism.threads, configuration.computeThreads)
    let pool = try ComputePool(
      threads: configuration.computeThreads, queueLimit: configuration.queueLength, mostPaused: resources.pausedJobs,
      metrics: metrics.area
    ) {
      memory.giveBack()
      MallocTuning.giveBack()
    }
    let readiness = Readiness()
    let (graphs, changes) = try ServeCommand.graphs(configuration, limits, supervision, logger)
    let care = GraphCare(graphs, changes, metrics.area)
    let plans =
      configuration.cachedPlans > 0
      ? PlanCache(plans: configuration.cachedPlans, bytes: resources.planBytes, area: metrics.area) : nil
    // Under a supervisor, the supervisor deals with stuck threads.
    let isAlone = supervision == nil
    let routes = Routes.all(
      limits: limits, plans: plans, memory: memory, graphs: graphs, metrics: metrics,
      isAlive: { !isAlone || readiness.isAlive },
      isReady: { readiness.isReady && care.isReady })
    let hasAdmin = configuration.adminAddress != nil
    let router = Router(
      routes: hasAdmin ? AdminResponder.withoutMetrics(routes) : routes, documentBytes: limits.documentBytes)
    var transport = configuration.transport(logger, metrics)
    transport.connectionLimit = resources.connections
    transport.access = access
    transport.memoryLimit = memoryInFlight
    transport.bodyLimit = min(transport.bodyLimit, MemoryBudget(limit: memoryInFlight).mostForOne)
    transport.listeningDescriptor = supervision?.listeningDescriptor
    if let supervision { transport.allTurn = { supervision.beat() } }
    let admin = try supervision == nil ? configuration.openAdminAddress(logger) : supervision?.adminDescriptor
    transport.admin = admin.map { HTTPServer.Admin(descriptor: $0, responder: AdminResponder(routes: routes)) }
    watch.end()
    care.start(logger, patience: supervision == nil ? 0 : ServeCommand.graphPatience)
    let server = try HTTPServer(transport, responder: router, pool: pool)
    if supervision == nil { configuration.warn(server.isLoopback, access, logger) }
    readiness.follow(server)
    if let supervision {
      supervision.serving()
    } else {
      logger.info("autograd-server \(Version.current) listening on \(configuration.address(port: server.port))")
    }
    let signal = SignalWait.wait(
      onHangup: supervision == nil ? access.map { access in { access.reload(logger) } } : nil)
    SignalWait.exitOnNext()
    logger.info("signal \(signal): draining")
    let isReplaced = supervision != nil && signal == WorkerProcess.replacedSignal
    let isComplete = server.drain(deadline: .seconds(configuration.drainSeconds), announces: !isReplaced)
    pool.shutdown(until: monotonicNanoseconds() + 1_000_000_000)
    logger.info(
      isComplete ? "stopped; every request was answered" : "stopped at the deadline; requests in flight were given up")
  }
}

extension ServeCommand {
  /// The counters shared by all workers, or this process's own without a supervisor.
  fileprivate static func metrics(_ supervision: Supervision?, _ logger: Logger) throws(StartError) -> Metrics {
    let paths = Routes.paths
    guard let given = supervision?.metrics else { return Metrics(routes: paths, region: try .own(paths: paths.count)) }
    if let region = MetricsRegion.inherited(given.descriptor, paths: paths),
      (0..<region.areaCount).contains(given.area)
    {
      return Metrics(routes: paths, region: region, area: given.area, worker: given.worker)
    }
    logger.warning("/metrics shows only this worker, because the supervisor has another version; restart it to see all")
    return Metrics(routes: paths, region: try .own(paths: paths.count), worker: given.worker)
  }
}

extension ServeCommand {
  /// Nanoseconds that a worker waits for its graphs to be read before it serves, out of the time that it has to start.
  fileprivate static let graphPatience: Int64 = 5_000_000_000

  /// The registered graphs, which all workers share.
  fileprivate static func graphs(
    _ configuration: Configuration, _ limits: Limits, _ supervision: Supervision?, _ logger: Logger
  ) throws(StartError) -> (store: GraphStore, changes: StoreChanges) {
    if supervision != nil, supervision?.graphsDescriptor == nil {
      logger.warning(
        "registered graphs are those of this worker alone, because the supervisor has another version; restart it")
    }
    return try GraphStore.open(configuration, limits, sharing: supervision?.graphsDescriptor, logger)
  }
}

extension AccessTokens {
  fileprivate func reload(_ logger: Logger) {
    do throws(StartError) {
      try reload()
      logger.info("SIGHUP: \(count) tokens read")
      warn(logger)
    } catch {
      logger.error("SIGHUP: keeping the old tokens: \(error)")
    }
  }

  fileprivate func warn(_ logger: Logger) {
    if isOpenToOthers { logger.warning("the token file \(path) can be read by others: chmod o-r \(path)") }
  }
}

/// Lets routes, which exist before the server, ask whether it is ready.
private final class Readiness: Sendable {
  private let server = Locked<HTTPServer?>(nil)

  func follow(_ server: HTTPServer) { self.server.withLock { $0 = server } }
  /// True before the server is set: whoever gets an answer then has reached a server that accepts.
  var isReady: Bool { server.withLock { $0?.isReady ?? true } }
  var isAlive: Bool { server.withLock { !($0?.hasStuckThread ?? false) } }
}

extension Configuration {
  fileprivate func address(port: UInt16) -> String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

  fileprivate func accessTokens() throws(StartError) -> AccessTokens? {
    guard let tokenFile else { return nil }
    return try AccessTokens(path: tokenFile)
  }

  /// Warns about a token file that others can read, and about a server without tokens that other machines can reach.
  fileprivate func warn(_ isLoopback: Bool, _ access: AccessTokens?, _ logger: Logger) {
    access?.warn(logger)
    guard access == nil, !isLoopback else { return }
    logger.warning(
      """
      \(host) can be reached from other machines and no token is required: use --token-file, or listen on \
      127.0.0.1 behind a proxy
      """)
  }

  fileprivate func transport(_ logger: Logger, _ metrics: Metrics) -> HTTPServer.Configuration {
    var transport = HTTPServer.Configuration { refusal, requestID in Problem(refusal).response(requestID: requestID) }
    transport.host = host
    transport.port = UInt16(clamping: port)
    transport.threads = threads
    transport.allowedHosts = allowedHosts
    transport.corsOrigins = corsOrigins
    transport.bodyLimit = limits.bodyBytes
    transport.timeout = idleTimeoutSeconds
    transport.requestPatience = Int64(requestTimeoutSeconds) * 1_000_000_000
    transport.patience.head = Int64(headerTimeoutSeconds) * 1_000_000_000
    transport.patience.body = Int64(bodyTimeoutSeconds) * 1_000_000_000
    transport.patience.answer = Int64(responseTimeoutSeconds) * 1_000_000_000
    transport.allowsWrites = allowsWrites
    transport.trustedProxies = trustedProxies
    transport.readinessDelay = .seconds(readinessDelaySeconds)
    transport.log = { logger.debug("\($0)") }
    transport.warn = { logger.warning("\($0)") }
    transport.alarm = { logger.critical("\($0)") }
    transport.metrics = metrics.area
    transport.cancellation = { Interruption() }
    transport.observe = { metrics.observe($0) }
    if logsRequests {
      let log = AccessLog(routes: metrics.routes)
      transport.observe = { record in
        metrics.observe(record)
        log.write(record)
      }
    }
    return transport
  }
}

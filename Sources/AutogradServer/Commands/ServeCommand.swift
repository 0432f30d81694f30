import AutogradFormats
import ArgumentParser
import AutogradCore
import Glibc
import Logging

/// `autograd-server serve`: listens until SIGTERM or SIGINT, then finishes what is in flight.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Listen for requests.",
    discussion: """
      Every option can also be given as an environment variable; the option wins. SIGTERM or SIGINT (Ctrl-C) stops accepting, answers what is
      in flight and exits with 0; a second one exits at once. With several workers SIGHUP replaces them one by one, by the program that is then
      in the place of this one, without refusing anybody.
      """)

  @Option(help: "Address to listen on; 0.0.0.0 for all. AUTOGRAD_HOST. (default: 127.0.0.1)")
  var host: String?
  @Option(help: "Port to listen on; 0 picks a free one. AUTOGRAD_PORT. (default: 8080)")
  var port: UInt16?
  @Option(
    help:
      "A second address, HOST:PORT, for /livez, /readyz and /metrics alone; /metrics is then served nowhere else. AUTOGRAD_ADMIN_ADDRESS. (default: none)"
  )
  var adminAddress: AdminAddress?
  @Option(
    help:
      "Processes that serve, each with threads of its own; with more than one a supervisor restarts those that die. AUTOGRAD_WORKERS. (default: 1)"
  )
  var workers: Int?
  @Option(help: "Threads that serve sockets and run small graphs. AUTOGRAD_THREADS. (default: 2)")
  var threads: Int?
  @Option(help: "Threads that run large graphs; the large steps of one graph use all that are free. AUTOGRAD_COMPUTE_THREADS. (default: 2)")
  var computeThreads: Int?
  @Option(help: "Largest request body in bytes. AUTOGRAD_MAX_BODY_BYTES. (default: 67108864)")
  var maxBodyBytes: Int?
  @Option(help: "Deepest nesting of JSON. AUTOGRAD_MAX_JSON_DEPTH. (default: 64)")
  var maxJsonDepth: Int?
  @Option(help: "Most nodes of a graph, and most values that it names. AUTOGRAD_MAX_NODES. (default: 200000)")
  var maxNodes: Int?
  @Option(help: "Most tensors in one answer. AUTOGRAD_MAX_OUTPUTS. (default: 4096)")
  var maxOutputs: Int?
  @Option(help: "Most axes of a tensor. AUTOGRAD_MAX_RANK. (default: 8)")
  var maxRank: Int?
  @Option(help: "Most elements of a tensor. AUTOGRAD_MAX_ELEMENTS. (default: 68719476736)")
  var maxElements: Int?
  @Option(help: "Most bytes of memory that one graph may need. AUTOGRAD_MAX_PLAN_BYTES. (default: 1073741824)")
  var maxPlanBytes: Int?
  @Option(help: "Most elementary operations of one graph. AUTOGRAD_MAX_PLAN_WORK. (default: 100000000000)")
  var maxPlanWork: Int?
  @Option(help: "Most numbers in one answer. AUTOGRAD_MAX_ANSWER_ELEMENTS. (default: 100000000)")
  var maxAnswerElements: Int?
  @Option(
    help:
      "Most bytes that bodies and graphs of all requests may take together. AUTOGRAD_MAX_BYTES_IN_FLIGHT. (default: half of the memory there is, shared by the workers)"
  )
  var maxBytesInFlight: Int?
  @Option(help: "Most connections; further ones are told to come back. AUTOGRAD_MAX_CONNECTIONS. (default: 8192)")
  var maxConnections: Int?
  @Option(help: "Most requests that wait for a compute thread; further ones are told to come back. AUTOGRAD_MAX_QUEUE. (default: 1024)")
  var maxQueue: Int?
  @Option(
    help:
      "Seconds that a request may wait and compute; its own header Request-Timeout may ask for less. AUTOGRAD_REQUEST_TIMEOUT. (default: 30)"
  )
  var requestTimeout: Int?
  @Option(help: "Seconds that the head of a request may take to arrive. AUTOGRAD_HEADER_TIMEOUT. (default: 10)")
  var headerTimeout: Int?
  @Option(help: "Seconds that the body of a request may take to arrive. AUTOGRAD_BODY_TIMEOUT. (default: 60)")
  var bodyTimeout: Int?
  @Option(help: "Seconds that an answer may take to be fetched. AUTOGRAD_RESPONSE_TIMEOUT. (default: 60)")
  var responseTimeout: Int?
  @Option(
    help: "Plans that are kept for the next request of the same graph; 0 keeps none. AUTOGRAD_PLAN_CACHE_ENTRIES. (default: 4096)")
  var planCacheEntries: Int?
  @Option(help: "Most bytes that these plans may take in all. AUTOGRAD_PLAN_CACHE_BYTES. (default: 67108864)")
  var planCacheBytes: Int?
  @Option(help: "Seconds that a connection may be silent. AUTOGRAD_IDLE_TIMEOUT. (default: 60)")
  var idleTimeout: Int?
  @Option(help: "Seconds that a shutdown waits for requests in flight. AUTOGRAD_DRAIN_SECONDS. (default: 25)")
  var drainSeconds: Int?
  @Option(
    help: "Seconds that /readyz says no before a shutdown stops accepting, for load balancers. AUTOGRAD_READINESS_DELAY. (default: 0)")
  var readinessDelay: Int?
  @Option(help: "A log line for each request: true or false. AUTOGRAD_LOG_REQUESTS. (default: true)")
  var logRequests: Bool?
  @Option(help: "How log lines are written: text, or json, an object a line. AUTOGRAD_LOG_FORMAT. (default: text)")
  var logFormat: LogFormat?
  @Option(
    help:
      "File of bearer tokens, one a line; requests without one of them are refused, but for GET /livez and /readyz. AUTOGRAD_TOKEN_FILE. (default: none)"
  )
  var tokenFile: String?
  @Option(
    name: .customLong("trusted-proxy"),
    help:
      """
      Address of a proxy, or a range such as 10.0.0.0/8, that is believed when its X-Forwarded-For says whom a request comes from. \
      Several by giving it again, or by commas in the variable. AUTOGRAD_TRUSTED_PROXIES. (default: none)
      """
  )
  var trustedProxies: [String] = []
  @Option(
    name: .customLong("allowed-host"),
    help:
      """
      Name that the Host header may have, beside those of this machine where only it can connect; * allows all. \
      Several by giving it again, or by commas in the variable. AUTOGRAD_ALLOWED_HOSTS. \
      (default: localhost, 127.x.x.x and [::1] on a loopback address, else all)
      """
  )
  var allowedHosts: [String] = []
  @Option(
    name: .customLong("cors-origin"),
    help:
      """
      Origin of web pages that may call this server, such as https://app.example; * allows all, without --token-file. \
      Several by giving it again, or by commas in the variable. AUTOGRAD_CORS_ORIGINS. (default: none)
      """
  )
  var corsOrigins: [String] = []
  @Flag(help: "Print the limits that the system sets, where they stand, and what will be used of them, and end.")
  var showLimits = false

  /// What the flags and the environment come to.
  func resolved() throws -> Configuration {
    var configuration = Configuration()
    configuration.host = try Setting.resolve(host, "AUTOGRAD_HOST", configuration.host)
    configuration.port = try Setting.resolve(port, "AUTOGRAD_PORT", configuration.port)
    configuration.adminAddress = try Setting.resolve(adminAddress, "AUTOGRAD_ADMIN_ADDRESS")
    configuration.workers = try resolve(workers, "AUTOGRAD_WORKERS", configuration.workers, 1...1024)
    configuration.threads = try resolve(threads, "AUTOGRAD_THREADS", configuration.threads, 1...1024)
    configuration.computeThreads = try resolve(computeThreads, "AUTOGRAD_COMPUTE_THREADS", configuration.computeThreads, 1...1024)
    configuration.drainSeconds = try resolve(drainSeconds, "AUTOGRAD_DRAIN_SECONDS", configuration.drainSeconds, 0...86_400)
    configuration.readinessDelaySeconds = try resolve(
      readinessDelay, "AUTOGRAD_READINESS_DELAY", configuration.readinessDelaySeconds, 0...86_400)
    configuration.logsRequests = try Setting.resolve(logRequests, "AUTOGRAD_LOG_REQUESTS", configuration.logsRequests)
    configuration.logFormat = try Setting.resolve(logFormat, "AUTOGRAD_LOG_FORMAT", configuration.logFormat)
    configuration.tokenFile = tokenFile ?? Setting.environment("AUTOGRAD_TOKEN_FILE")
    configuration.trustedProxies = try resolvedProxies()
    configuration.allowedHosts = try OriginSettings.hosts(allowedHosts)
    configuration.corsOrigins = try OriginSettings.origins(corsOrigins, hasTokens: configuration.tokenFile != nil)
    let standard = Limits()
    configuration.limits.bodyBytes = try resolve(maxBodyBytes, "AUTOGRAD_MAX_BODY_BYTES", standard.bodyBytes, 1...(2 << 30))
    configuration.limits.documentBytes = 8 * configuration.limits.bodyBytes
    configuration.limits.jsonDepth = try resolve(maxJsonDepth, "AUTOGRAD_MAX_JSON_DEPTH", standard.jsonDepth, 16...10_000)
    configuration.limits.nodes = try resolve(maxNodes, "AUTOGRAD_MAX_NODES", standard.nodes, 1...10_000_000)
    configuration.limits.outputs = try resolve(maxOutputs, "AUTOGRAD_MAX_OUTPUTS", standard.outputs, 1...10_000_000)
    configuration.limits.rank = try resolve(maxRank, "AUTOGRAD_MAX_RANK", standard.rank, 1...standard.rank)
    configuration.limits.elements = try resolve(maxElements, "AUTOGRAD_MAX_ELEMENTS", standard.elements, 1...(1 << 40))
    configuration.limits.planBytes = try resolve(maxPlanBytes, "AUTOGRAD_MAX_PLAN_BYTES", standard.planBytes, 1...(1 << 40))
    configuration.limits.planWork = try resolve(maxPlanWork, "AUTOGRAD_MAX_PLAN_WORK", standard.planWork, 1...Int.max)
    configuration.limits.answerElements = try resolve(
      maxAnswerElements, "AUTOGRAD_MAX_ANSWER_ELEMENTS", standard.answerElements, 1...(1 << 32))
    configuration.cachedPlans = try resolve(planCacheEntries, "AUTOGRAD_PLAN_CACHE_ENTRIES", configuration.cachedPlans, 0...10_000_000)
    configuration.cachedPlanBytes = try resolve(
      planCacheBytes, "AUTOGRAD_PLAN_CACHE_BYTES", configuration.cachedPlanBytes, 0...(1 << 40))
    configuration.bytesInFlight = try Setting.resolve(maxBytesInFlight, "AUTOGRAD_MAX_BYTES_IN_FLIGHT")
    if let bytes = configuration.bytesInFlight { _ = try resolve(bytes, "AUTOGRAD_MAX_BYTES_IN_FLIGHT", 0, (1 << 20)...(1 << 50)) }
    configuration.connections = try resolve(maxConnections, "AUTOGRAD_MAX_CONNECTIONS", configuration.connections, 1...(1 << 20))
    configuration.queueLength = try resolve(maxQueue, "AUTOGRAD_MAX_QUEUE", configuration.queueLength, 1...(1 << 20))
    try resolveTimeouts(&configuration)
    return configuration
  }

  private func resolvedProxies() throws -> TrustedProxies {
    var proxies = TrustedProxies()
    for text in Setting.list(trustedProxies, "AUTOGRAD_TRUSTED_PROXIES") where !proxies.add(text) {
      throw ValidationError(
        "AUTOGRAD_TRUSTED_PROXIES (or --trusted-proxy) takes addresses such as 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32, got \(text)")
    }
    return proxies
  }

  private func resolveTimeouts(_ configuration: inout Configuration) throws {
    let range = 1...86_400
    configuration.requestTimeoutSeconds = try resolve(
      requestTimeout, "AUTOGRAD_REQUEST_TIMEOUT", configuration.requestTimeoutSeconds, range)
    configuration.headerTimeoutSeconds = try resolve(headerTimeout, "AUTOGRAD_HEADER_TIMEOUT", configuration.headerTimeoutSeconds, range)
    configuration.bodyTimeoutSeconds = try resolve(bodyTimeout, "AUTOGRAD_BODY_TIMEOUT", configuration.bodyTimeoutSeconds, range)
    configuration.responseTimeoutSeconds = try resolve(
      responseTimeout, "AUTOGRAD_RESPONSE_TIMEOUT", configuration.responseTimeoutSeconds, range)
    configuration.idleTimeoutSeconds = try resolve(idleTimeout, "AUTOGRAD_IDLE_TIMEOUT", configuration.idleTimeoutSeconds, range)
  }

  private func resolve(_ flag: Int?, _ variable: String, _ fallback: Int, _ range: ClosedRange<Int>) throws -> Int {
    let value = try Setting.resolve(flag, variable, fallback)
    guard range.contains(value) else {
      throw ValidationError("\(variable) (or its option) must be from \(range.lowerBound) to \(range.upperBound), got \(value)")
    }
    return value
  }

  func validate() throws {
    try SettingNames.check()
    _ = try resolved()
  }

  func run() throws {
    let configuration = try resolved()
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
    let listening = try ListeningSocket.open(host: configuration.host, port: configuration.port)
    configuration.warn(ListeningSocket.isLoopback(listening), access, logger)
    logger.info("autograd-server \(Version.current) listening on \(configuration.address(port: ListeningSocket.port(of: listening)))")
    let admin = try configuration.openAdminAddress(logger)
    watch.end()
    Supervisor.blockSignals()
    var supervisor = try Supervisor(
      workers: configuration.workers, arguments: ProgramArguments.all, listening: listening, admin: admin,
      drainSeconds: configuration.drainSeconds,
      readinessDelaySeconds: configuration.readinessDelaySeconds, logger: logger)
    guard supervisor.run() else { throw StartError("no worker could serve") }
    logger.info("stopped")
  }

  private func serve(_ configuration: Configuration, _ watch: StartWatch, _ logger: Logger, _ supervision: Supervision?) throws {
    let resources = try Resources(configuration, .find())
    let memoryInFlight = resources.bytesInFlight
    if let warning = resources.connectionsWarning { logger.warning("\(warning)") }
    var limits = configuration.limits
    // Several bodies are read, and several graphs planned, at a time, and each body stays in memory beside its values.
    limits.documentBytes = min(limits.documentBytes, memoryInFlight / 4)
    limits.planningBytes = memoryInFlight / 2
    MallocTuning.apply(keeping: resources.keptBytes)
    let access = try configuration.accessTokens()
    let metrics = try ServeCommand.metrics(supervision, logger)
    LogSink.standardError.count(in: metrics.area)
    let scratch = ScratchPool(mostBytesKept: resources.keptBytes)
    Parallelism.threads = min(Parallelism.threads, configuration.computeThreads)
    let pool = try ComputePool(
      threads: configuration.computeThreads, queueLimit: configuration.queueLength, mostPaused: resources.pausedJobs,
      metrics: metrics.area
    ) {
      scratch.giveBack()
      MallocTuning.giveBack()
    }
    let readiness = Readiness()
    let plans =
      configuration.cachedPlans > 0
      ? PlanCache(plans: configuration.cachedPlans, bytes: resources.planBytes, area: metrics.area) : nil
    // Where a supervisor watches over the threads, one that is stuck is its business.
    let isAlone = supervision == nil
    let routes = Routes.all(
      limits: limits, plans: plans, scratch: scratch, metrics: metrics, isAlive: { !isAlone || readiness.isAlive },
      isReady: { readiness.isReady })
    let hasAdmin = configuration.adminAddress != nil
    let router = Router(routes: hasAdmin ? AdminResponder.withoutMetrics(routes) : routes, documentBytes: limits.documentBytes)
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
    let server = try HTTPServer(transport, responder: router, pool: pool)
    if supervision == nil { configuration.warn(server.isLoopback, access, logger) }
    readiness.follow(server)
    if let supervision {
      supervision.serving()
    } else {
      logger.info("autograd-server \(Version.current) listening on \(configuration.address(port: server.port))")
    }
    let signal = SignalWait.wait(onHangup: supervision == nil ? access.map { access in { access.reload(logger) } } : nil)
    SignalWait.exitOnNext()
    logger.info("signal \(signal): draining")
    let isReplaced = supervision != nil && signal == WorkerProcess.replacedSignal
    let isComplete = server.drain(deadline: .seconds(configuration.drainSeconds), announces: !isReplaced)
    pool.shutdown(until: monotonicNanoseconds() + 1_000_000_000)
    logger.info(isComplete ? "stopped; every request was answered" : "stopped at the deadline; requests in flight were given up")
  }
}

extension ServeCommand {
  /// The counters that the supervisor keeps for all workers, or some of our own.
  fileprivate static func metrics(_ supervision: Supervision?, _ logger: Logger) throws(StartError) -> Metrics {
    let paths = Routes.paths
    guard let given = supervision?.metrics else { return Metrics(routes: paths, region: try .own()) }
    if let region = MetricsRegion.inherited(given.descriptor, signature: MetricsLayout.signature(routes: paths)),
      (0..<region.areaCount).contains(given.area)
    {
      return Metrics(routes: paths, region: region, area: given.area, worker: given.worker)
    }
    logger.warning("/metrics shows this worker alone: the supervisor is of another version; start it anew to see all")
    return Metrics(routes: paths, region: try .own(), worker: given.worker)
  }
}

extension AccessTokens {
  fileprivate func reload(_ logger: Logger) {
    do throws(StartError) {
      try reload()
      logger.info("SIGHUP: \(count) tokens read")
      warn(logger)
    } catch {
      logger.error("SIGHUP: the tokens stay as they are: \(error)")
    }
  }

  fileprivate func warn(_ logger: Logger) {
    if isOpenToOthers { logger.warning("the token file \(path) can be read by others: chmod o-r \(path)") }
  }
}

extension LogFormat: ExpressibleByArgument {}
extension AdminAddress: ExpressibleByArgument {}

/// Lets routes, which exist before the server, ask whether it is ready.
private final class Readiness: Sendable {
  private let server = Locked<HTTPServer?>(nil)

  func follow(_ server: HTTPServer) { self.server.withLock { $0 = server } }
  /// The server takes clients before anybody can be told of it: who asks then is answered, so it is ready.
  var isReady: Bool { server.withLock { $0?.isReady ?? true } }
  var isAlive: Bool { server.withLock { !($0?.hasStuckThread ?? false) } }
}

extension Configuration {
  fileprivate func address(port: UInt16) -> String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

  fileprivate func accessTokens() throws(StartError) -> AccessTokens? {
    guard let tokenFile else { return nil }
    return try AccessTokens(path: tokenFile)
  }

  /// Says what is dangerous about who can reach the server.
  fileprivate func warn(_ isLoopback: Bool, _ access: AccessTokens?, _ logger: Logger) {
    access?.warn(logger)
    guard access == nil, !isLoopback else { return }
    logger.warning(
      "\(host) can be reached from other machines and nobody is asked for a token: give --token-file, or listen on 127.0.0.1 behind a proxy"
    )
  }

  fileprivate func transport(_ logger: Logger, _ metrics: Metrics) -> HTTPServer.Configuration {
    var transport = HTTPServer.Configuration { refusal, requestID in Problem(refusal).response(requestID: requestID) }
    transport.host = host
    transport.port = port
    transport.threads = threads
    transport.allowedHosts = allowedHosts
    transport.corsOrigins = corsOrigins
    transport.bodyLimit = limits.bodyBytes
    transport.timeout = idleTimeoutSeconds
    transport.requestPatience = Int64(requestTimeoutSeconds) * 1_000_000_000
    transport.patience.head = Int64(headerTimeoutSeconds) * 1_000_000_000
    transport.patience.body = Int64(bodyTimeoutSeconds) * 1_000_000_000
    transport.patience.answer = Int64(responseTimeoutSeconds) * 1_000_000_000
    transport.trustedProxies = trustedProxies
    transport.readinessDelay = .seconds(readinessDelaySeconds)
    transport.log = { logger.debug("\($0)") }
    transport.warn = { logger.warning("\($0)") }
    transport.alarm = { logger.critical("\($0)") }
    transport.metrics = metrics.area
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

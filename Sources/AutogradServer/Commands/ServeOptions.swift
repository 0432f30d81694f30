import ArgumentParser
import AutogradCore

/// The options of `serve`. A new option is a row in ``settings``, a property here, and a property with its default in
/// ``Configuration``. Help, variable, checks and the table in docs/operating.md follow from the row.
struct ServeOptions: ParsableArguments {
  static let settings: [Setting] = [
    Setting("host", \.host, \.host, "Address to listen on; 0.0.0.0 for all."),
    Setting("port", \.port, \.port, 0...65_535, "Port to listen on; 0 picks a free one."),
    Setting(
      "admin-address", \.adminAddress, \.adminAddress, standard: "none",
      "A second address, HOST:PORT, for /livez, /readyz and /metrics only; /metrics is then served only there."),
    Setting(
      "workers", \.workers, \.workers, 1...1024,
      "Number of worker processes; with more than one, a supervisor restarts those that die."),
    Setting("threads", \.threads, \.threads, 1...1024, "Threads that serve sockets and run small graphs."),
    Setting(
      "compute-threads", \.computeThreads, \.computeThreads, 1...1024,
      "Threads that run large graphs; large steps of one graph use all idle ones."),
    Setting(
      "max-body-bytes", \.maxBodyBytes, \.limits.bodyBytes, 1...(2 << 30), "Maximum size of a request body in bytes."),
    Setting("max-json-depth", \.maxJsonDepth, \.limits.jsonDepth, 16...10_000, "Maximum nesting depth of JSON."),
    Setting(
      "max-nodes", \.maxNodes, \.limits.nodes, 1...10_000_000,
      "Maximum number of nodes in a graph, and of values that it names."),
    Setting("max-outputs", \.maxOutputs, \.limits.outputs, 1...10_000_000, "Maximum number of tensors in an answer."),
    Setting("max-rank", \.maxRank, \.limits.rank, 1...Shape.maximumRank, "Maximum number of axes of a tensor."),
    Setting("max-elements", \.maxElements, \.limits.elements, 1...(1 << 40), "Maximum number of elements of a tensor."),
    Setting(
      "max-plan-bytes", \.maxPlanBytes, \.limits.planBytes, 1...(1 << 40),
      "Maximum memory that one graph may need, in bytes."),
    Setting(
      "max-plan-work", \.maxPlanWork, \.limits.planWork, 1...Int.max,
      "Maximum number of elementary operations of one graph."),
    Setting(
      "max-answer-elements", \.maxAnswerElements, \.limits.answerElements, 1...(1 << 32),
      "Maximum number of numbers in an answer."),
    Setting(
      "max-bytes-in-flight", \.maxBytesInFlight, \.bytesInFlight, (1 << 20)...(1 << 50),
      standard: "half of the available memory, divided among the workers",
      "Maximum memory, in bytes, for bodies, graphs and answers of all requests together."),
    Setting(
      "max-connections", \.maxConnections, \.connections, 1...(1 << 20),
      "Maximum number of connections; further ones get 503."),
    Setting(
      "max-queue", \.maxQueue, \.queueLength, 1...(1 << 20),
      "Maximum number of requests waiting for a compute thread; further ones get 503."),
    Setting(
      "request-timeout", \.requestTimeout, \.requestTimeoutSeconds, 1...day,
      "Seconds that a request may wait and compute; the header Request-Timeout can lower it."),
    Setting(
      "header-timeout", \.headerTimeout, \.headerTimeoutSeconds, 1...day,
      "Seconds that the headers of a request may take to arrive."),
    Setting(
      "body-timeout", \.bodyTimeout, \.bodyTimeoutSeconds, 1...day,
      "Seconds that the body of a request may take to arrive."),
    Setting(
      "response-timeout", \.responseTimeout, \.responseTimeoutSeconds, 1...day,
      "Seconds that a client may take to receive an answer, or each piece of one that is streamed."),
    Setting(
      "plan-cache-entries", \.planCacheEntries, \.cachedPlans, 0...10_000_000,
      "Maximum number of cached plans; 0 turns the cache off."),
    Setting(
      "plan-cache-bytes", \.planCacheBytes, \.cachedPlanBytes, 0...(1 << 40), "Maximum size of the plan cache in bytes."
    ),
    Setting(
      "graphs", \.graphs, \.graphFolder, standard: "none: they are kept in memory until the server ends",
      "Folder for registered graphs."),
    Setting(
      "max-graphs", \.maxGraphs, \.storedGraphs.graphs, 0...10_000_000, "Maximum number of registered graphs."),
    Setting(
      "max-graph-versions", \.maxGraphVersions, \.storedGraphs.versions, 1...10_000_000,
      "Maximum number of versions of a registered graph."),
    Setting(
      "max-graph-bytes", \.maxGraphBytes, \.limits.graphBytes, 1...(2 << 30),
      "Maximum size of a registered graph in bytes, with its weights; a body cannot have more than --max-body-bytes."),
    Setting(
      "max-graphs-bytes", \.maxGraphsBytes, \.storedGraphs.bytes, 0...(1 << 40),
      "Maximum size of the newest versions of all registered graphs together, in bytes; without --graphs of all "
        + "versions."),
    Setting(
      "allow-writes", \.allowWrites, \.allowsWrites,
      "Without --token-file: whether everybody may change registered graphs, and not only programs of this machine: "
        + "true or false."),
    Setting("idle-timeout", \.idleTimeout, \.idleTimeoutSeconds, 1...day, "Seconds that a connection may be idle."),
    Setting(
      "drain-seconds", \.drainSeconds, \.drainSeconds, 0...day,
      "Seconds that a shutdown waits for requests in flight."),
    Setting(
      "readiness-delay", \.readinessDelay, \.readinessDelaySeconds, 0...day,
      "Seconds between /readyz answering 503 and the end of accepting connections at shutdown, for load balancers."),
    Setting("log-requests", \.logRequests, \.logsRequests, "A log line for each request: true or false."),
    Setting("log-format", \.logFormat, \.logFormat, "Log format: text, or json with one object a line."),
    Setting(
      "token-file", \.tokenFile, \.tokenFile, standard: "none",
      "File of bearer tokens, one a line; all requests except GET /livez, /readyz and the page need one."),
    Setting(
      "trusted-proxy", \.trustedProxies, \.trustedProxies, standard: "none",
      "Address of a proxy, or a range such as 10.0.0.0/8, whose X-Forwarded-For header is trusted to name the client.",
      read: OriginSettings.proxies),
    Setting(
      "allowed-host", \.allowedHosts, \.allowedHosts,
      standard: "localhost, 127.x.x.x and [::1] on a loopback address, else all",
      "Host name to accept in the Host header, in addition to the default; * accepts all.", read: OriginSettings.hosts),
    Setting(
      "cors-origin", \.corsOrigins, \.corsOrigins, standard: "none",
      "Origin of web pages that may call this server, such as https://app.example; * allows all, without --token-file.",
      read: OriginSettings.origins),
  ]

  /// The maximum of all times, in seconds.
  private static let day = 86_400

  @Option(help: help("host")) var host: String?
  @Option(help: help("port")) var port: Int?
  @Option(help: help("admin-address")) var adminAddress: AdminAddress?
  @Option(help: help("workers")) var workers: Int?
  @Option(help: help("threads")) var threads: Int?
  @Option(help: help("compute-threads")) var computeThreads: Int?
  @Option(help: help("max-body-bytes")) var maxBodyBytes: Int?
  @Option(help: help("max-json-depth")) var maxJsonDepth: Int?
  @Option(help: help("max-nodes")) var maxNodes: Int?
  @Option(help: help("max-outputs")) var maxOutputs: Int?
  @Option(help: help("max-rank")) var maxRank: Int?
  @Option(help: help("max-elements")) var maxElements: Int?
  @Option(help: help("max-plan-bytes")) var maxPlanBytes: Int?
  @Option(help: help("max-plan-work")) var maxPlanWork: Int?
  @Option(help: help("max-answer-elements")) var maxAnswerElements: Int?
  @Option(help: help("max-bytes-in-flight")) var maxBytesInFlight: Int?
  @Option(help: help("max-connections")) var maxConnections: Int?
  @Option(help: help("max-queue")) var maxQueue: Int?
  @Option(help: help("request-timeout")) var requestTimeout: Int?
  @Option(help: help("header-timeout")) var headerTimeout: Int?
  @Option(help: help("body-timeout")) var bodyTimeout: Int?
  @Option(help: help("response-timeout")) var responseTimeout: Int?
  @Option(help: help("plan-cache-entries")) var planCacheEntries: Int?
  @Option(help: help("plan-cache-bytes")) var planCacheBytes: Int?
  @Option(help: help("graphs")) var graphs: String?
  @Option(help: help("max-graphs")) var maxGraphs: Int?
  @Option(help: help("max-graph-versions")) var maxGraphVersions: Int?
  @Option(help: help("max-graph-bytes")) var maxGraphBytes: Int?
  @Option(help: help("max-graphs-bytes")) var maxGraphsBytes: Int?
  @Option(help: help("allow-writes")) var allowWrites: Bool?
  @Option(help: help("idle-timeout")) var idleTimeout: Int?
  @Option(help: help("drain-seconds")) var drainSeconds: Int?
  @Option(help: help("readiness-delay")) var readinessDelay: Int?
  @Option(help: help("log-requests")) var logRequests: Bool?
  @Option(help: help("log-format")) var logFormat: LogFormat?
  @Option(help: help("token-file")) var tokenFile: String?
  @Option(name: .customLong("trusted-proxy"), help: help("trusted-proxy")) var trustedProxies: [String] = []
  @Option(name: .customLong("allowed-host"), help: help("allowed-host")) var allowedHosts: [String] = []
  @Option(name: .customLong("cors-origin"), help: help("cors-origin")) var corsOrigins: [String] = []

  private static func help(_ name: String) -> ArgumentHelp? { settings.first { $0.name == name }?.help }

  /// The configuration that follows from options and environment variables.
  func configuration() throws -> Configuration {
    var configuration = Configuration()
    for setting in ServeOptions.settings { try setting.apply(self, &configuration) }
    configuration.limits.documentBytes = 8 * configuration.limits.bodyBytes
    try OriginSettings.check(configuration)
    return configuration
  }

  func validate() throws {
    try SettingNames.check()
    _ = try configuration()
  }
}

extension LogFormat: ExpressibleByArgument {}
extension AdminAddress: ExpressibleByArgument {}

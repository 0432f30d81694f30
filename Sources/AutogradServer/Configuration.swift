import AutogradCore
import AutogradGraphs
import AutogradHTTP

/// Limits on one request. All are checked before anything is computed.
struct Limits: Sendable {
  /// Of a request.
  var bodyBytes = 64 << 20
  /// Memory for the parsed values of a body, in addition to the body.
  var documentBytes = 8 * (64 << 20)
  /// The worst ratio of parsed values to body size: members with one-digit values and one-character keys.
  static let documentBytesPerByte = 12
  /// Of a graph that is stored under a name.
  var graphBytes = 64 << 20
  /// Lists and objects open at once.
  var jsonDepth = 64
  /// Nodes of a posted graph. Also limits the results of all nodes, the tensors given, and the names in any one list.
  var nodes = 200_000
  /// Nodes after differentiation and batching. A short text can ask for repeated differentiation, and the graph grows
  /// by a factor each time. So the limit depends on the length of the text: a client that wants more work must send
  /// more.
  func derivedNodes(ofText byteCount: Int) -> Int {
    let most = min(nodes * 10, planningBytes / Limits.planningBytesPerNode)
    return min(most, Limits.derivedNodesAtLeast + byteCount)
  }
  /// Plus one for each byte. A node takes up to 15 µs to build and plan, so this bounds the time of a request.
  private static let derivedNodesAtLeast = 150_000
  /// Memory that building a graph, differentiating it and planning it may take.
  var planningBytes = Int.max
  /// Measured per node: 840 bytes, including the body, for chains with gradients, of 70,000 to 700,000 nodes; 2,350 for
  /// a gradient at each node of a chain, whose fused loops share few operands.
  static let planningBytesPerNode = 2_400
  /// Tensors in an answer.
  var outputs = 4096
  /// Axes of any one tensor, and its elements.
  var rank = Shape.maximumRank
  var elements = 1 << 36
  /// Workspace and results of a plan.
  var planBytes = 1 << 30
  /// Elementary operations of a plan.
  var planWork = 100_000_000_000
  /// Numbers and empty lists in an answer.
  var answerElements = 100_000_000
}

/// Everything that can be configured, with defaults.
struct Configuration: Sendable {
  var host = "127.0.0.1"
  var port = 8080
  /// A second address, for health and metrics only.
  var adminAddress: AdminAddress?
  /// Worker processes; with more than one there is also a supervisor.
  var workers = 1
  /// Socket threads; small plans run on them.
  var threads = 2
  /// Compute threads; large plans run on them.
  var computeThreads = 2
  var limits = Limits()
  /// Cached plans, and approximately how many bytes they may take in all. 0 plans turn the cache off.
  var cachedPlans = 4096
  var cachedPlanBytes = 64 << 20
  /// A folder for registered graphs; nil keeps them in memory.
  var graphFolder: String?
  var storedGraphs = StoreLimits()
  /// Without tokens: whether everybody may change registered graphs.
  var allowsWrites = false
  /// Bytes that the bodies and plans of all requests may take together; nil: half of what the process may use.
  var bytesInFlight: Int?
  var connections = 8192
  /// Requests that may wait for a compute thread.
  var queueLength = 1024
  /// How long a request may wait and compute.
  var requestTimeoutSeconds = 30
  /// How long the parts of an exchange may take to arrive or to be sent.
  var headerTimeoutSeconds = 10
  var bodyTimeoutSeconds = 60
  var responseTimeoutSeconds = 60
  /// How long connections may be idle.
  var idleTimeoutSeconds = 60
  /// How long a shutdown waits for requests in flight.
  var drainSeconds = 25
  /// How long `/readyz` answers 503 before a shutdown stops accepting connections.
  var readinessDelaySeconds = 0
  var logsRequests = true
  var logFormat = LogFormat.text
  /// Proxies whose X-Forwarded-For header is trusted.
  var trustedProxies = TrustedProxies()
  /// A file of bearer tokens, one a line; nil serves everybody.
  var tokenFile: String?
  /// Names that Host may have, in lower case, and origins of pages that may call; `*` for any.
  var allowedHosts: [String] = []
  var corsOrigins: [String] = []
}

import AutogradCore
import AutogradHTTP

/// What one request may ask for. Everything is checked before anything is computed.
struct Limits: Sendable {
  /// Of a request.
  var bodyBytes = 64 << 20
  /// Memory that the values of a body may take beside it while they are read.
  var documentBytes = 8 * (64 << 20)
  /// Of a small body the values may take this many times its size, at the very most: members of one digit under keys of
  /// one character.
  static let documentBytesPerByte = 12
  /// Lists and objects open at once.
  var jsonDepth = 64
  /// Of a graph as it is posted, and with its calls put in place; also results of all its nodes, tensors given for it,
  /// and names in any one list.
  var nodes = 200_000
  /// Of what is made of it: derivatives, batches. Graphs are differentiated again and again by few words, and grow by a
  /// factor each time: so the limit follows from the text, and what a client can make the server do from what it sends.
  func derivedNodes(ofText byteCount: Int) -> Int {
    let most = min(nodes * 10, planningBytes / Limits.planningBytesPerNode)
    return min(most, Limits.derivedNodesAtLeast + byteCount)
  }
  /// With one more for each byte. A node takes up to 15 µs to build and plan, so this is what keeps a request's time in
  /// bounds.
  private static let derivedNodesAtLeast = 150_000
  /// Memory that building a graph, differentiating it and planning it may take.
  var planningBytes = Int.max
  /// Measured: 840 bytes each, with the body, for chains with their gradients, of 70,000 to 700,000 nodes; 2,350 for
  /// the gradient of each node of a chain, whose fused loops share few operands.
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
  /// Numbers, and lists that hold none, in an answer.
  var answerElements = 100_000_000
}

/// Everything that can be set from outside, with what it is when it is not.
struct Configuration: Sendable {
  var host = "127.0.0.1"
  var port = 8080
  /// A second address, for health and metrics alone.
  var adminAddress: AdminAddress?
  /// Processes that serve; with more than one there is a supervisor beside them.
  var workers = 1
  /// Socket threads; small plans run on them.
  var threads = 2
  /// Compute threads; large plans run on them.
  var computeThreads = 2
  var limits = Limits()
  /// Plans that are kept for the next request of the same graph, and about how many bytes they may take in all. 0 plans
  /// keep none.
  var cachedPlans = 4096
  var cachedPlanBytes = 64 << 20
  /// Bytes that the bodies and plans of all requests may take together; nil: half of what the process may use.
  var bytesInFlight: Int?
  var connections = 8192
  /// Requests that may wait for a compute thread.
  var queueLength = 1024
  /// How long a request may wait and compute.
  var requestTimeoutSeconds = 30
  /// How long the parts of an exchange may be on their way.
  var headerTimeoutSeconds = 10
  var bodyTimeoutSeconds = 60
  var responseTimeoutSeconds = 60
  /// How long connections may be idle.
  var idleTimeoutSeconds = 60
  /// How long a shutdown waits for requests in flight.
  var drainSeconds = 25
  /// How long `/readyz` says no before a shutdown stops accepting.
  var readinessDelaySeconds = 0
  var logsRequests = true
  var logFormat = LogFormat.text
  /// Who is believed about whom requests come from.
  var trustedProxies = TrustedProxies()
  /// A file of bearer tokens, one a line; nil serves everybody.
  var tokenFile: String?
  /// Names that Host may have, in lower case, and origins of pages that may call; `*` for any.
  var allowedHosts: [String] = []
  var corsOrigins: [String] = []
}

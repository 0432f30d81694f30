extension HTTPServer {
  package struct Configuration: Sendable {
    package var host = "127.0.0.1"
    /// 0 lets the system choose, see ``HTTPServer/port``.
    package var port: UInt16 = 8080
    /// A bound, listening and non-blocking socket to use instead, passed by the parent process and perhaps shared. The
    /// server closes it.
    package var listeningDescriptor: Int32?
    /// Threads that serve sockets.
    package var threads = 2
    /// The largest body, in bytes.
    package var bodyLimit = 64 << 20
    /// With more connections than this, requests are rejected as overloaded.
    package var connectionLimit = 8192
    /// How long a connection may be idle, in seconds, at least 1.
    package var timeout = 60
    /// How long heads, bodies and answers may take.
    package var patience = Patience()
    /// How long a request may take from its last byte to its answer, in nanoseconds. A request can ask for less.
    package var requestPatience: Int64 = 30_000_000_000
    /// Bytes that bodies and plans of all requests may take together.
    package var memoryLimit = 4 << 30
    /// Memory of each connection. Headers must fit into it, and bodies arrive in pieces of up to half of it. Up to 32
    /// KiB the library uses malloc. More is mapped for each connection and zeroed between requests, which costs 30% if
    /// clients connect for each request. With 256 KiB bodies of megabytes would be a fifth faster.
    var connectionMemory = 32 << 10
    /// How long a draining server reports that it is not ready before it stops accepting, so that load balancers
    /// notice.
    package var readinessDelay = Duration.zero
    /// How long a drained server keeps idle connections open, so that a client between two requests can be told to
    /// close.
    var idleDelay = Duration.milliseconds(250)
    /// The same for connections without a request yet, because the client may be about to send the first.
    var firstRequestDelay = Duration.seconds(2)
    /// Makes the answer to a refusal. The second argument is the request's identifier.
    package var refuse: @Sendable (Refusal, String) -> Response
    /// Tokens for all routes that are not public; nil if none are needed.
    package var access: AccessTokens?
    /// Without tokens: whether everybody may change what the server keeps. Otherwise programs of this machine may.
    package var allowsWrites = false
    /// Proxies whose X-Forwarded-For is trusted.
    package var trustedProxies = TrustedProxies()
    /// The names that Host may have, and the origins of pages that may call the server, see ``OriginPolicy``.
    package var allowedHosts: [String] = []
    package var corsOrigins: [String] = []
    /// Where connections and requests in flight are counted.
    package var metrics: (any TransportMetrics)?
    /// Makes the cancellation of a piece of work on the compute pool; called once for each.
    package var cancellation: @Sendable () -> any Cancellation = { CancellationFlag() }
    /// A second address for health and metrics; nil for none.
    package var admin: Admin?
    /// How long one turn of a thread's loop may take before it counts as stuck, in nanoseconds.
    var turnPatience: Int64 = 5_000_000_000
    /// Called a few times within that time, while no thread is stuck.
    package var allTurn: @Sendable () -> Void = {}
    /// Called once for each request, when its answer has been sent or its connection is closed.
    package var observe: @Sendable (RequestRecord) -> Void = { _ in }
    /// Messages of the library, mostly about clients that misbehave, for debugging.
    package var log: @Sendable (String) -> Void = { _ in }
    /// Warnings for the operator.
    package var warn: @Sendable (String) -> Void = { _ in }
    /// Critical messages for the operator.
    package var alarm: @Sendable (String) -> Void = { _ in }

    package init(refuse: @escaping @Sendable (Refusal, String) -> Response) {
      self.refuse = refuse
    }
  }

  /// The maximum time for each part of an exchange, in nanoseconds.
  package struct Patience: Sendable {
    /// From the first byte of a head to its end.
    package var head: Int64 = 10_000_000_000
    package var body: Int64 = 60_000_000_000
    /// From the first byte of an answer to the last.
    package var answer: Int64 = 60_000_000_000
  }

  /// The admin address, which stays open until the server has ended.
  package struct Admin: Sendable {
    /// A bound, listening and non-blocking socket, which the server closes.
    package var descriptor: Int32
    /// Answers requests there. No answer may take long.
    package var responder: any Responder

    package init(descriptor: Int32, responder: any Responder) {
      self.descriptor = descriptor
      self.responder = responder
    }
  }
}

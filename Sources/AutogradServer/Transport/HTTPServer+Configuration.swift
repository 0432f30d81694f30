import CMicroHTTPD

extension HTTPServer {
  struct Configuration: Sendable {
    var host = "127.0.0.1"
    /// 0 lets the system choose, see ``HTTPServer/port``.
    var port: UInt16 = 8080
    /// A bound, listening and non-blocking socket to use instead, from whoever started us and perhaps others. The
    /// server closes it.
    var listeningDescriptor: Int32?
    /// Threads that serve sockets.
    var threads = 2
    /// The largest body, in bytes.
    var bodyLimit = 64 << 20
    /// With more connections than this, requests are refused as overloaded.
    var connectionLimit = 8192
    /// How long a connection may be silent, in seconds, at least 1.
    var timeout = 60
    /// How long heads, bodies and answers may take on their way.
    var patience = Reaper.Patience()
    /// How long a request may take from its last byte to its answer, in nanoseconds; it may itself ask for less.
    var requestPatience: Int64 = 30_000_000_000
    /// Bytes that bodies and plans of all requests may take together.
    var memoryLimit = 4 << 30
    /// Memory for each connection: its headers must fit in, and bodies come in pieces of up to half of it. 32 KiB is
    /// the most that the library takes from malloc; more is mapped for each connection, which costs a client that
    /// connects anew for each request 30%, and is zeroed between any two requests. 256 KiB serves bodies of megabytes a
    /// fifth faster.
    var connectionMemory = 32 << 10
    /// How long a server that drains says that it is not ready before it stops accepting: time for a load balancer to
    /// notice.
    var readinessDelay = Duration.zero
    /// How long a drained server leaves silent connections open, so that a client between two requests can be told to
    /// close.
    var idleDelay = Duration.milliseconds(250)
    /// How long one that has not had a request yet: its client may be about to send the first.
    var firstRequestDelay = Duration.seconds(2)
    /// Makes the answer to what the transport refuses. The second argument is the request's identifier.
    var refuse: @Sendable (Refusal, String) -> Response
    /// Who may ask for anything but what is public; nil for everybody.
    var access: AccessTokens?
    /// Whom X-Forwarded-For is believed.
    var trustedProxies = TrustedProxies()
    /// The names that Host may have, and the origins of pages that may call the server, see ``OriginPolicy``.
    var allowedHosts: [String] = []
    var corsOrigins: [String] = []
    /// Where connections and requests in flight are counted.
    var metrics: MetricsArea?
    /// A second address that serves only what those who operate the server ask for; nil for none.
    var admin: Admin?
    /// How long one turn of a thread's loop may take before it counts as stuck, in nanoseconds.
    var turnPatience: Int64 = 5_000_000_000
    /// Called a few times within that time, for as long as no thread is stuck.
    var allTurn: @Sendable () -> Void = {}
    /// Called once for each request, when its answer is sent or its connection broken.
    var observe: @Sendable (RequestRecord) -> Void = { _ in }
    /// Remarks of the library, mostly on clients that misbehave: of interest when debugging.
    var log: @Sendable (String) -> Void = { _ in }
    /// What whoever runs the server should know of.
    var warn: @Sendable (String) -> Void = { _ in }
    /// What they should do something about.
    var alarm: @Sendable (String) -> Void = { _ in }

    init(refuse: @escaping @Sendable (Refusal, String) -> Response) {
      self.refuse = refuse
    }
  }

  /// The admin address, which is open until the end.
  struct Admin: Sendable {
    /// A bound, listening and non-blocking socket, which the server closes.
    var descriptor: Int32
    /// What is answered there. None of it may take long.
    var responder: any Responder
  }
}

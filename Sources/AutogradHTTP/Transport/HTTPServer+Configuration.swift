extension HTTPServer {
  package struct Configuration: Sendable {
    package var host = "127.0.0.1"
    /// 0 lets the system choose, see ``HTTPServer/port``.
    package var port: UInt16 = 8080
    /// A bound, listening and non-blocking socket to use instead, from whoever started us and perhaps others. The
    /// server closes it.
    package var listeningDescriptor: Int32?
    /// Threads that serve sockets.
    package var threads = 2
    /// The largest body, in bytes.
    package var bodyLimit = 64 << 20
    /// With more connections than this, requests are refused as overloaded.
    package var connectionLimit = 8192
    /// How long a connection may be silent, in seconds, at least 1.
    package var timeout = 60
    /// How long heads, bodies and answers may take on their way.
    package var patience = Patience()
    /// How long a request may take from its last byte to its answer, in nanoseconds; it may itself ask for less.
    package var requestPatience: Int64 = 30_000_000_000
    /// Bytes that bodies and plans of all requests may take together.
    package var memoryLimit = 4 << 30
    /// Memory for each connection: its headers must fit in, and bodies come in pieces of up to half of it. 32 KiB is
    /// the most that the library takes from malloc; more is mapped for each connection, which costs a client that
    /// connects anew for each request 30%, and is zeroed between any two requests. 256 KiB serves bodies of megabytes a
    /// fifth faster.
    var connectionMemory = 32 << 10
    /// How long a server that drains says that it is not ready before it stops accepting: time for a load balancer to
    /// notice.
    package var readinessDelay = Duration.zero
    /// How long a drained server leaves silent connections open, so that a client between two requests can be told to
    /// close.
    var idleDelay = Duration.milliseconds(250)
    /// How long one that has not had a request yet: its client may be about to send the first.
    var firstRequestDelay = Duration.seconds(2)
    /// Makes the answer to what the transport refuses. The second argument is the request's identifier.
    package var refuse: @Sendable (Refusal, String) -> Response
    /// Who may ask for anything but what is public; nil for everybody.
    package var access: AccessTokens?
    /// Whom X-Forwarded-For is believed.
    package var trustedProxies = TrustedProxies()
    /// The names that Host may have, and the origins of pages that may call the server, see ``OriginPolicy``.
    package var allowedHosts: [String] = []
    package var corsOrigins: [String] = []
    /// Where connections and requests in flight are counted.
    package var metrics: (any TransportMetrics)?
    /// Makes what ends a piece of work on the compute pool: as many as there are pieces, one for each.
    package var cancellation: @Sendable () -> any Cancellation = { CancellationFlag() }
    /// A second address that serves only what those who operate the server ask for; nil for none.
    package var admin: Admin?
    /// How long one turn of a thread's loop may take before it counts as stuck, in nanoseconds.
    var turnPatience: Int64 = 5_000_000_000
    /// Called a few times within that time, for as long as no thread is stuck.
    package var allTurn: @Sendable () -> Void = {}
    /// Called once for each request, when its answer is sent or its connection broken.
    package var observe: @Sendable (RequestRecord) -> Void = { _ in }
    /// Remarks of the library, mostly on clients that misbehave: of interest when debugging.
    package var log: @Sendable (String) -> Void = { _ in }
    /// What whoever runs the server should know of.
    package var warn: @Sendable (String) -> Void = { _ in }
    /// What they should do something about.
    package var alarm: @Sendable (String) -> Void = { _ in }

    package init(refuse: @escaping @Sendable (Refusal, String) -> Response) {
      self.refuse = refuse
    }
  }

  /// The longest that each part of an exchange may be on its way, in nanoseconds.
  package struct Patience: Sendable {
    /// From the first byte of a head to its end.
    package var head: Int64 = 10_000_000_000
    package var body: Int64 = 60_000_000_000
    /// From the first byte of an answer to the last.
    package var answer: Int64 = 60_000_000_000
  }

  /// The admin address, which is open until the end.
  package struct Admin: Sendable {
    /// A bound, listening and non-blocking socket, which the server closes.
    package var descriptor: Int32
    /// What is answered there. None of it may take long.
    package var responder: any Responder

    package init(descriptor: Int32, responder: any Responder) {
      self.descriptor = descriptor
      self.responder = responder
    }
  }
}

import AutogradCore
import AutogradFormats

/// One HTTP answer. The transport adds `Content-Length`, `X-Request-Id` and, when it is closing, `Connection: close`.
struct Response: Sendable {
  var status: Int
  var contentType: String
  var headers: [(name: String, value: String)] = []
  var body: ByteBuffer
  /// Whether the body is one that all answers share.
  var isShared = false
  /// Not sent: what log and metrics tell of it.
  var observation: Observation

  /// Memory that it takes until it is sent.
  var byteCount: Int { isShared ? 0 : body.capacity }

  /// One whose body is there for as long as the server is.
  static func shared(_ body: ByteBuffer, contentType: String = "application/json") -> Response {
    var response = Response(contentType: contentType, body: body)
    response.isShared = true
    return response
  }

  init(
    status: Int = 200, contentType: String = "application/json", headers: [(name: String, value: String)] = [],
    body: ByteBuffer,
    observation: Observation = Observation()
  ) {
    self.status = status
    self.contentType = contentType
    self.headers = headers
    self.body = body
    self.observation = observation
  }
}

/// What a handler gives back: an answer, or work that would hold a socket thread for too long and yields the answer
/// elsewhere.
enum Reply: Sendable {
  case now(Response)
  /// Done on the compute pool while the connection is suspended. The request's body stays valid until it returns.
  case later(Work)
  /// The same, once something that another request does is over.
  case after(Flight, Work)

  /// Has everything done on the calling thread, for those who have no pool.
  func answer(_ interruption: Interruption = Interruption()) -> Response {
    var reply = self
    while true {
      switch reply {
      case .now(let response): return response
      case .later(let work), .after(_, let work): reply = work.run(interruption)
      }
    }
  }
}

/// Work for the compute pool.
struct Work: Sendable {
  /// Nanoseconds on one thread, about.
  var cost: Int64 = 0
  /// Memory that it takes beside the request's body.
  var byteCount = 0
  /// Memory that it holds already while it waits.
  var heldByteCount = 0
  /// Does it. Once interrupted it shall end soon; what it then yields is thrown away.
  let run: @Sendable (Interruption) -> Reply
}

/// Something under way that several wait for, and none of them with a thread.
final class Flight: Sendable {
  /// What to do at its end; nil once it has come.
  private let waiting = Locked<[@Sendable () -> Void]?>([])

  /// Calls `body` when it is over, on the thread that ends it; at once if it is over already.
  func whenOver(_ body: @escaping @Sendable () -> Void) {
    let isOver = waiting.withLock { waiting in
      waiting?.append(body)
      return waiting == nil
    }
    if isOver { body() }
  }

  /// Called again, it does nothing.
  func end() {
    let bodies = waiting.withLock { waiting in
      defer { waiting = nil }
      return waiting ?? []
    }
    for body in bodies { body() }
  }
}

/// Whatever answers requests: the router in the server, a stub in a transport test.
protocol Responder: Sendable {
  /// Where a request belongs, known from its head.
  func place(of path: String, _ method: String) -> RoutePlace
  /// The methods that a path takes.
  func methods(of path: String) -> [String]
  func respond(to request: Request) -> Reply
}

extension Responder {
  func place(of path: String, _ method: String) -> RoutePlace { RoutePlace() }
  func methods(of path: String) -> [String] { [] }
}

/// Which of a responder's routes a request takes.
struct RoutePlace: Sendable {
  /// Its number; that of requests without a route comes after the last.
  var index = 0
  /// Whether it is for everybody, where others need a token.
  var isPublic = false
  /// Whether it is a page about the server's health, which a thread of its own answers.
  var isProbe = false
}

import AutogradCore
import AutogradFormats
import AutogradHTTP

// What the transport asks of a program, in the words of the library.

extension Interruption: Cancellation {}
extension ByteBuffer: ResponseBytes {}

extension Request {
  /// Raised when the client is gone, or the deadline has passed; nil on a socket's thread, where nothing may take long.
  var interruption: Interruption? {
    get {
      guard let cancellation else { return nil }
      return Interruption.of(cancellation)
    }
    set { cancellation = newValue }
  }
}

extension Work {
  init(
    cost: Int64 = 0, byteCount: Int = 0, heldByteCount: Int = 0, run: @escaping @Sendable (Interruption) -> Reply
  ) {
    self.init(cost: cost, byteCount: byteCount, heldByteCount: heldByteCount) { (cancellation: any Cancellation) in
      run(.of(cancellation))
    }
  }
}

extension Reply {
  /// Has everything done on the calling thread.
  func answer(_ interruption: Interruption = Interruption()) -> Response {
    answer(interruption as any Cancellation)
  }
}

extension Interruption {
  /// Every cancellation here is one of these, see ``HTTPServer/Configuration/cancellation``; another would not stop
  /// kernels.
  static func of(_ cancellation: any Cancellation) -> Interruption {
    cancellation as? Interruption ?? Interruption()
  }
}

import AutogradCore
import AutogradFormats
import AutogradHTTP

// Conformances to the transport's protocols, and conveniences with the library's types.

extension Interruption: Cancellation {}
extension ByteBuffer: ResponseBytes {}

extension Request {
  /// Set when the client has gone or the deadline has passed; nil on a socket thread, where nothing may take long.
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
  /// Does all the work on the calling thread.
  func answer(_ interruption: Interruption = Interruption()) -> Response {
    answer(interruption as any Cancellation)
  }
}

extension Interruption {
  /// In this program every cancellation is an `Interruption`, see ``HTTPServer/Configuration/cancellation``. Another
  /// type would not stop kernels.
  static func of(_ cancellation: any Cancellation) -> Interruption {
    cancellation as? Interruption ?? Interruption()
  }
}

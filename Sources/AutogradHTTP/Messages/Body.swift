/// The body of an answer: there as a whole, or made piece by piece while it is sent.
package enum Body: Sendable {
  case whole(any ResponseBytes)
  case stream(any BodyStream)

  /// None of a stream's: they are not there yet.
  package var bytes: UnsafeRawBufferPointer {
    guard case .whole(let body) = self else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return body.bytes
  }

  package var count: Int { bytes.count }

  /// Gives every piece to a function, on the calling thread.
  /// - Returns: why there are not all of them; nil where there are.
  package func forEachPiece(_ cancellation: any Cancellation, _ use: (UnsafeRawBufferPointer) -> Void) -> String? {
    guard case .stream(let stream) = self else {
      use(bytes)
      return nil
    }
    while true {
      switch stream.next(cancellation) {
      case .bytes(let piece): withExtendedLifetime(piece) { use(piece.bytes) }
      case .end: return nil
      case .failure(let reason): return reason
      }
    }
  }

  package var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Memory that it takes until it is sent.
  var byteCount: Int {
    switch self {
    case .whole(let body): body.capacity
    case .stream(let stream): stream.byteCount
    }
  }
}

/// A body that is made while it is sent, for answers too large to be held whole.
///
/// The transport asks for a piece when the client has taken the one before. It asks on the compute pool, where the
/// making of a piece is shared out like other work, may pause, and must be done within the time that a request has;
/// between two pieces the connection is suspended and no thread waits. The stream is let go of when its last piece is
/// sent, when the client has gone, or when the server ends: then the cancellation is raised under whoever is still
/// making a piece. For a HEAD request it is never asked.
///
/// It holds what it reads from: the request's body is not there any more.
package protocol BodyStream: AnyObject, Sendable {
  /// Of the whole body in bytes, where that is known: then it is sent as Content-Length, and a stream that ends sooner
  /// has failed. Otherwise the body is sent in chunks.
  var contentLength: Int? { get }
  /// Memory that it takes, with the piece that is made or sent. Pieces of about 256 KiB are best: there are as few of
  /// them as pays, and at most two at a time.
  var byteCount: Int { get }
  /// Nanoseconds that a piece takes a thread, about.
  var costOfPiece: Int64 { get }
  /// Makes the next piece. Called by one thread at a time, and not again after the end or a failure.
  func next(_ cancellation: any Cancellation) -> BodyPiece
}

/// What a ``BodyStream`` has next.
package enum BodyPiece: Sendable {
  /// Without bytes, the stream is asked again.
  case bytes(any ResponseBytes)
  /// There is no more.
  case end
  /// What is missing cannot be made. The head is sent by now, so all that can be done is to break the connection, so
  /// that the client does not take what it has for everything. The text is for the log.
  case failure(String)
}

import CMicroHTTPD

/// A streamed body on its way: the piece that is being sent, and what comes after it.
///
/// `@unchecked Sendable`: as ``Exchange``, to which it belongs. The library reads on the connection's thread; while the
/// connection is suspended, it belongs to whoever takes the exchange out of the server's ``SuspendedExchanges``.
final class StreamedAnswer: @unchecked Sendable {
  private let exchange: Exchange
  let stream: any BodyStream
  @exclusivity(unchecked) private var piece: (any ResponseBytes)?
  /// How much of the piece has been sent, and of all.
  @exclusivity(unchecked) private var offset = 0
  @exclusivity(unchecked) private(set) var sentCount = 0
  @exclusivity(unchecked) private var state = State.going

  private enum State { case going, ended, failed }

  init(_ exchange: Exchange, _ stream: any BodyStream) {
    self.exchange = exchange
    self.stream = stream
  }

  /// What the library asks for whenever it can send. Returns how many bytes were written; 0 where the connection is
  /// suspended until there are some.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if state == .ended { return amhd_read_end }
    if state == .going, piece == nil, exchange.awaitPiece(of: self) { return 0 }
    // Each time it has taken what there was, the client has all its time again.
    guard state == .going, let piece, exchange.client.enter(.answer) else {
      exchange.breakOff()
      return amhd_read_failed
    }
    let rest = UnsafeRawBufferPointer(rebasing: piece.bytes[offset...].prefix(buffer.count))
    buffer.copyMemory(from: rest)
    offset += rest.count
    sentCount += rest.count
    if offset == piece.count { self.piece = nil }
    return rest.count
  }

  /// The next piece is there. Only for the owner, as is what follows.
  func take(_ next: BodyPiece) {
    switch next {
    case .bytes(let bytes): (piece, offset) = (bytes.count > 0 ? bytes : nil, 0)
    case .end:
      // The library would take it for complete.
      if let length = stream.contentLength, sentCount < length {
        return take(.failure("its body has \(sentCount) bytes of the \(length) that it said"))
      }
      state = .ended
    case .failure(let reason):
      exchange.warn("the answer broke off: \(reason)")
      fail()
    }
  }

  func fail() {
    piece = nil
    state = .failed
  }
}

/// The library can send more of a body.
func transportRead(
  owner: UnsafeMutableRawPointer?, position: UInt64, buffer: UnsafeMutablePointer<CChar>?, room: Int
) -> Int {
  guard let owner, let buffer else { return amhd_read_failed }
  return Unmanaged<StreamedAnswer>.fromOpaque(owner).takeUnretainedValue().read(
    into: UnsafeMutableRawBufferPointer(start: buffer, count: room))
}

/// The bytes of a body and who owns them: the transport sends them from where they are, and holds on to the owner until
/// they are sent. Nobody changes them any more.
package protocol ResponseBytes: AnyObject, Sendable {
  var bytes: UnsafeRawBufferPointer { get }
  /// Allocated bytes.
  var capacity: Int { get }
}

extension ResponseBytes {
  package var count: Int { bytes.count }
  package var string: String { String(decoding: bytes, as: UTF8.self) }
}

/// A copy of a text, or of bytes, as a body.
///
/// `@unchecked Sendable`: only the initializer writes.
package final class TextBytes: ResponseBytes, @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  package var capacity: Int { bytes.count }

  package init(copying source: UnsafeRawBufferPointer) { bytes = TextBytes.copy(source) }

  package init(_ text: String) {
    var text = text
    bytes = text.withUTF8 { TextBytes.copy(UnsafeRawBufferPointer($0)) }
  }

  private static func copy(_ source: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
    copy.copyMemory(from: source)
    return UnsafeRawBufferPointer(copy)
  }

  deinit { bytes.deallocate() }
}

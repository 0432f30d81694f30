import Glibc

/// The bytes of a body and who owns them: the transport sends them from where they are, and holds on to the owner until
/// they are sent. Nobody changes them any more.
package protocol ResponseBytes: AnyObject, Sendable {
  var bytes: UnsafeRawBufferPointer { get }
  /// Memory that they take.
  var capacity: Int { get }
}

extension ResponseBytes {
  package var count: Int { bytes.count }
  package var string: String { String(decoding: bytes, as: UTF8.self) }
}

/// A text as a body.
///
/// `@unchecked Sendable`: written by the initializer only.
package final class TextBytes: ResponseBytes, @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  package var capacity: Int { bytes.count }

  package init(_ text: String) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
    copy.copyBytes(from: text.utf8)
    bytes = UnsafeRawBufferPointer(copy)
  }

  deinit { bytes.deallocate() }
}

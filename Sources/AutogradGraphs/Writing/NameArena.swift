/// The bytes of names that no text holds. They live as long as the arena.
package final class NameArena {
  private var names: [UnsafeMutableRawBufferPointer] = []

  package init() {}

  deinit { for name in names { name.deallocate() } }

  package func name(_ text: String) -> SourceName {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(text.utf8.count, 1), alignment: 1)
    bytes.copyBytes(from: text.utf8)
    names.append(bytes)
    return SourceName(UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count]))
  }
}

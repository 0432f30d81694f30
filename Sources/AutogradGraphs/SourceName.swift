/// A name as it stands in what was written: its bytes, which are borrowed. Strings are made only for errors and
/// answers.
package struct SourceName {
  package let bytes: UnsafeRawBufferPointer

  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  package var string: String { String(decoding: bytes, as: UTF8.self) }

  /// In quotes, and short enough for a sentence.
  package var brief: String {
    let text = string
    return "\"" + (text.count > 40 ? text.prefix(40) + "…" : text) + "\""
  }
}

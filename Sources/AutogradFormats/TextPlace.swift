/// A place in a text of several lines, for errors: line, column, and the line itself with a mark below the place.
package struct TextPlace: Sendable, Equatable {
  /// Both from 1; a column is a Unicode scalar.
  package let line: Int
  package let column: Int
  /// The line, cut to 80 scalars round the place, and a second line of blanks (tabs kept) that ends with `^`.
  package let excerpt: String

  private static let longestExcerpt = 80

  /// - Parameters:
  ///   - offset: in bytes; beyond the end it is the end.
  ///   - text: UTF-8. Lines end with LF, CRLF or CR; a byte order mark at the start is no part of the first line.
  package init(_ offset: Int, in text: UnsafeRawBufferPointer) {
    let offset = min(max(offset, 0), text.count)
    var (line, start) = (1, TextPlace.hasMark(text) ? 3 : 0)
    for position in start..<max(offset, start) where TextPlace.endsLine(text, position) {
      line += 1
      start = position + 1
    }
    var end = max(offset, start)
    while end < text.count, text[end] != UInt8(ascii: "\n"), text[end] != UInt8(ascii: "\r") { end += 1 }
    let before = TextPlace.scalars(text, start, max(offset, start))
    let scalars = TextPlace.scalars(text, start, end)
    self.line = line
    column = before.count + 1
    let most = TextPlace.longestExcerpt
    let first = max(0, min(before.count - most / 2, scalars.count - most))
    let shown = scalars[first..<min(first + most, scalars.count)]
    let blanks = before[min(first, before.count)...].map { $0 == "\t" ? $0 : " " as Unicode.Scalar }
    excerpt = TextPlace.string(shown) + "\n" + TextPlace.string(blanks[...]) + "^"
  }

  private static func hasMark(_ text: UnsafeRawBufferPointer) -> Bool {
    text.count >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF
  }

  /// Of CR LF, the second ends the line.
  private static func endsLine(_ text: UnsafeRawBufferPointer, _ position: Int) -> Bool {
    switch text[position] {
    case UInt8(ascii: "\n"): true
    case UInt8(ascii: "\r"): position + 1 >= text.count || text[position + 1] != UInt8(ascii: "\n")
    default: false
    }
  }

  private static func scalars(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> [Unicode.Scalar] {
    Array(String(decoding: UnsafeRawBufferPointer(rebasing: text[start..<end]), as: UTF8.self).unicodeScalars)
  }

  private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }
}

/// Cuts a table into rows of cells. Lines end with LF, CRLF or CR; a cell in quotes may hold commas, and a doubled
/// quote is one.
struct CSVRows {
  struct Cell {
    /// Without the blanks around it, and without its quotes.
    var start: Int
    var end: Int

    func bytes(in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(rebasing: text[start..<end])
    }

    func text(in text: UnsafeRawBufferPointer) -> String {
      String(decoding: bytes(in: text), as: UTF8.self).replacing("\"\"", with: "\"")
    }
  }

  /// The cells of the row that was read last.
  private(set) var cells: [Cell] = []
  private var position = 0

  /// Reads the next row.
  /// - Returns: false at the end.
  mutating func next(in text: UnsafeRawBufferPointer) throws(FormatError) -> Bool {
    cells.removeAll(keepingCapacity: true)
    if position == 0, text.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    while position < text.count {
      skipBlanks(text)
      if position < text.count, text[position] == UInt8(ascii: "#") { skipLine(text) }
      if position < text.count, !isLineEnd(text) { break }
      position += 1
    }
    guard position < text.count else { return false }
    while true {
      try readCell(text)
      guard position < text.count, text[position] == UInt8(ascii: ",") else { return true }
      position += 1
    }
  }

  private mutating func readCell(_ text: UnsafeRawBufferPointer) throws(FormatError) {
    skipBlanks(text)
    let start = position
    if start < text.count, text[start] == UInt8(ascii: "\"") { return try readQuoted(text) }
    while position < text.count, text[position] != UInt8(ascii: ","), !isLineEnd(text) { position += 1 }
    var end = position
    while end > start, isBlank(text[end - 1]) { end -= 1 }
    cells.append(Cell(start: start, end: end))
  }

  private mutating func readQuoted(_ text: UnsafeRawBufferPointer) throws(FormatError) {
    let open = position
    position += 1
    while position < text.count {
      if text[position] == UInt8(ascii: "\"") {
        guard position + 1 < text.count, text[position + 1] == UInt8(ascii: "\"") else { break }
        position += 1
      }
      position += 1
    }
    guard position < text.count else {
      throw FormatError(.wrongType, "the quote is never closed", place: TextPlace(open, in: text))
    }
    cells.append(Cell(start: open + 1, end: position))
    position += 1
    skipBlanks(text)
    guard position == text.count || text[position] == UInt8(ascii: ",") || isLineEnd(text) else {
      throw FormatError(
        .wrongType, "behind a cell in quotes stands a comma or the end of the line",
        place: TextPlace(position, in: text)
      )
    }
  }

  // MARK: Bytes

  private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  private func isLineEnd(_ text: UnsafeRawBufferPointer) -> Bool {
    text[position] == UInt8(ascii: "\n") || text[position] == UInt8(ascii: "\r")
  }

  private mutating func skipBlanks(_ text: UnsafeRawBufferPointer) {
    while position < text.count, isBlank(text[position]) { position += 1 }
  }

  private mutating func skipLine(_ text: UnsafeRawBufferPointer) {
    while position < text.count, !isLineEnd(text) { position += 1 }
  }
}

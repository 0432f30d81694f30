import AutogradCore

/// Reads a table of numbers, separated by commas and line ends, as a tensor in JSON. The numbers stay as they are
/// written, so they are rounded once, in the dtype that the graph asks for.
///
/// A table of one row or one column is a list, one of both a number. A first line of names is passed over; a column is
/// taken by its name. Lines that begin with `#` and empty lines are passed over.
package struct CSVReader {
  private let bytes: UnsafeRawBufferPointer
  private var rows = CSVRows()
  /// The column that is wanted; nil for all.
  private var column: Int?
  /// Cells of each row.
  private var width: Int?
  private var rowCount = 0
  private var isTruth: Bool?
  private var data = ByteBuffer(capacity: 4096)

  /// - Parameter column: the name of the column that is wanted; nil for the whole table.
  /// - Throws: what is wrong, with line and column.
  package static func json(_ bytes: UnsafeRawBufferPointer, column: String? = nil) throws(FormatError) -> ByteBuffer {
    var reader = CSVReader(bytes: bytes)
    try reader.read(column)
    return reader.tensor()
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private mutating func read(_ name: String?) throws(FormatError) {
    guard try rows.next(in: bytes) else { throw fault(0, "the file has no numbers") }
    let isHeader = rows.cells.contains(where: isName) && !rows.cells.contains { CSVNumber($0.bytes(in: bytes)) != nil }
    if let name {
      guard isHeader else { throw fault(0, "a column is taken by its name, and the first line has no names") }
      column = try position(of: name)
    }
    width = rows.cells.count
    if !isHeader { try appendRow() }
    while try rows.next(in: bytes) { try appendRow() }
    if rowCount == 0 { throw fault(bytes.count, "the file has names of columns, but no numbers") }
  }

  /// Whether a cell can be the name of a column: it begins as no number does.
  private func isName(_ cell: CSVRows.Cell) -> Bool {
    guard let first = cell.bytes(in: bytes).first else { return false }
    return !"0123456789+-.".utf8.contains(first)
  }

  private func position(of name: String) throws(FormatError) -> Int {
    let names = rows.cells.map { $0.text(in: bytes) }
    let found = names.indices.filter { names[$0] == name }
    if found.count == 1 { return found[0] }
    let near = NearestNames.find(name, among: names)
    let hint = near.isEmpty ? "there is \(names.prefix(20).joined(separator: ", "))" : "did you mean \(near[0])?"
    throw fault(
      rows.cells[found.first ?? 0].start,
      found.isEmpty ? "no column is called \(name.prefix(64)); \(hint)" : "two columns are called \(name.prefix(64))")
  }

  // MARK: Rows

  private mutating func appendRow() throws(FormatError) {
    let cells = rows.cells
    if let width, cells.count != width {
      throw fault(
        cells[min(cells.count, width) - 1].start, "this line has \(cells.count) cells, the first has \(width)")
    }
    rowCount += 1
    if let column { return try append(cells[column]) }
    for cell in cells { try append(cell) }
  }

  private mutating func append(_ cell: CSVRows.Cell) throws(FormatError) {
    guard let number = CSVNumber(cell.bytes(in: bytes)) else { throw notANumber(cell) }
    if let isTruth, isTruth != number.isTruth {
      throw fault(cell.start, "true and false stand beside numbers: write 1 and 0 for them")
    }
    isTruth = number.isTruth
    if data.count > 0 { data.append(UInt8(ascii: ",")) }
    number.append(to: data)
  }

  private func notANumber(_ cell: CSVRows.Cell) -> FormatError {
    let text = cell.text(in: bytes)
    let hint: String
    if text.isEmpty {
      return fault(cell.start, "the cell is empty: write NaN for a number that is missing")
    } else if text.contains(";") {
      hint = ": cells are separated by commas, and a decimal has a point"
    } else if text.contains("\t") || text.contains(" ") {
      hint = ": cells are separated by commas, as numpy.savetxt(…, delimiter=\",\") writes them"
    } else if text.contains(",") {
      hint = ": a decimal has a point, and thousands are not separated"
    } else if rowCount > 1 || column != nil {
      hint = column == nil ? "; a column is taken by its name behind a colon, table.csv:price" : ""
    } else {
      hint = ": a first line of names has no numbers beside them"
    }
    return fault(cell.start, "\"\(text.prefix(40))\" is no number\(hint)")
  }

  private func fault(_ offset: Int, _ words: String) -> FormatError {
    FormatError(.wrongType, words, place: TextPlace(offset, in: bytes))
  }

  // MARK: The tensor

  private func tensor() -> ByteBuffer {
    let columns = column == nil ? width ?? 0 : 1
    let json = ByteBuffer(capacity: data.count + 64)
    if rowCount == 1, columns == 1 {
      json.append(data)
    } else if rowCount == 1 || columns == 1 {
      json.append("[")
      json.append(data)
      json.append("]")
    } else {
      json.append("{\"shape\": [\(rowCount), \(columns)], \"data\": [")
      json.append(data)
      json.append("]}")
    }
    return json
  }
}

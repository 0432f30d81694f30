import AutogradFormats
import AutogradHTTP

/// A part of an answer as CSV: `select=/gradients/x`. A tensor stands for its data.
enum SelectedPart {
  static let mediaType = "text/csv; charset=utf-8"

  /// - Parameter pointer: of the part, an RFC 6901 pointer into the answer.
  /// - Returns: the part, or a problem; problems are returned as they are.
  static func response(_ pointer: String, of answer: Response, _ request: Request) -> Response {
    guard answer.status == 200 else { return answer }
    do throws(FormatError) {
      guard case .whole(let body) = answer.body else {
        throw FormatError(
          .limitExceeded, "parts are picked from answers of at most \(AnswerStream.threshold) bytes", at: "/select")
      }
      // Parsing takes memory beside the answer. Small answers are made on socket threads, where none is reserved.
      let isSmall = body.bytes.count <= DifferentialHandler.largestInlineAnswer
      if !isSmall, let memory = request.memory, !memory.reserveMore(body.bytes.count * bytesPerByte) {
        throw FormatError(.deadlineExceeded, "there is no memory to pick a part of the answer")
      }
      var response = answer
      response.body = .whole(try csv(pointer, of: body))
      response.contentType = mediaType
      return response
    } catch {
      return error.response(requestID: request.id)
    }
  }

  /// Parsed values and the table, at most, for each byte of an answer: numbers take eight bytes for four of text, and
  /// are copied once.
  private static let bytesPerByte = 4

  private static func csv(_ pointer: String, of answer: any ResponseBytes) throws(FormatError) -> ByteBuffer {
    defer { withExtendedLifetime(answer) {} }
    let document: JSONDocument
    do throws(JSONSyntaxError) { document = try JSONDocument(parsing: answer.bytes) } catch { throw FormatError(error) }
    defer { withExtendedLifetime(document) {} }
    let csv = ByteBuffer()
    switch try find(pointer, in: document.root) {
    case .number(let token): csv.append(plain(token.text))
    case .value(let value): try append(value, to: csv)
    }
    return csv
  }

  // MARK: - The part

  private enum Part {
    case value(JSONValue)
    /// One of a list of numbers, which are no values of their own.
    case number(NumberToken)
  }

  private static func find(_ pointer: String, in root: JSONValue) throws(FormatError) -> Part {
    guard pointer.isEmpty || pointer.hasPrefix("/") else {
      throw FormatError(
        .wrongType, "select is a pointer into the answer, such as /gradients/x, got \(pointer)", at: "/select")
    }
    var part = Part.value(root)
    for token in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
      let name = String(token.replacing("~1", with: "/").replacing("~0", with: "~"))
      guard case .value(let value) = part, let next = member(name, of: value) else {
        throw FormatError(.unknownName, "the answer has nothing at \(pointer)\(hint(for: part))", at: "/select")
      }
      part = next
    }
    return part
  }

  /// What there is instead.
  private static func hint(for part: Part) -> String {
    guard case .value(let value) = part, value.kind == .object else { return "" }
    let names = value.members.prefix(20).map { $0.key.string }
    return names.isEmpty ? "" : "; there is \(names.joined(separator: ", "))"
  }

  private static func member(_ name: String, of value: JSONValue) -> Part? {
    if value.kind == .object { return value.members.first { $0.key.string == name }.map { .value($0.value) } }
    guard let index = Int(name), "\(index)" == name, 0..<value.count ~= index else { return nil }
    if value.kind == .numbers { return value.numberTokens.dropFirst(index).first { _ in true }.map { .number($0) } }
    return value.elements.dropFirst(index).first { _ in true }.map { .value($0) }
  }

  // MARK: - CSV

  private static func append(_ value: JSONValue, to csv: ByteBuffer) throws(FormatError) {
    switch value.kind {
    case .null: break
    case .object:
      guard value["dtype"] != nil, let shape = value["shape"], let data = value["data"] else {
        throw FormatError(
          .wrongType, "select leads to an object, which is no table\(hint(for: .value(value)))", at: "/select")
      }
      if value["encoding"] != nil {
        throw FormatError(.wrongType, "select leads to base64: leave encoding out of the request", at: "/select")
      }
      try appendTensor(data, shape.numbers.map { Int($0) }, to: csv)
    case .array where value.elements.contains(where: isList):
      for (row, element) in value.elements.enumerated() {
        guard isList(element), !element.elements.contains(where: isList) else { throw tooManyAxes("more than two") }
        if row > 0 { csv.append("\n") }
        appendLine(element, to: csv)
      }
    default: appendLine(value, to: csv)
    }
  }

  private static func appendTensor(_ data: JSONValue, _ shape: [Int], to csv: ByteBuffer) throws(FormatError) {
    guard shape.count <= 2 else { throw tooManyAxes("\(shape.count)") }
    if data.elements.contains(where: isList) { return try append(data, to: csv) }
    guard shape.count == 2 else { return appendLine(data, to: csv) }
    var column = 0
    for cell in cells(of: data) {
      if column > 0 { csv.append(column % shape[1] == 0 ? "\n" : ",") }
      csv.append(cell)
      column += 1
    }
    guard column == 0 else { return }
    // Rows without cells, of which an answer of few bytes can have any number.
    guard shape[0] <= mostEmptyRows else {
      throw FormatError(.wrongType, "select leads to \(shape[0]) rows without a column", at: "/select")
    }
    for _ in 0..<max(shape[0] - 1, 0) { csv.append("\n") }
  }

  private static let mostEmptyRows = 4096

  private static func appendLine(_ value: JSONValue, to csv: ByteBuffer) {
    for (position, cell) in cells(of: value).enumerated() {
      if position > 0 { csv.append(",") }
      csv.append(cell)
    }
  }

  private static func tooManyAxes(_ count: String) -> FormatError {
    FormatError(.wrongType, "select leads to \(count) axes, a table has two; select a part of them", at: "/select")
  }

  private static func isList(_ value: JSONValue) -> Bool { value.kind == .array || value.kind == .numbers }

  /// The numbers, bools and texts of a list, or of a single one.
  private static func cells(of value: JSONValue) -> [UnsafeRawBufferPointer] {
    switch value.kind {
    case .numbers: value.numberTokens.map { plain($0.text) }
    case .array: value.elements.map { $0.kind == .string ? $0.stringBytes : $0.text }
    case .string: [value.stringBytes]
    default: [value.text]
    }
  }

  /// Without the quotes that NaN and infinity have in JSON.
  private static func plain(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    text.first == UInt8(ascii: "\"") ? UnsafeRawBufferPointer(rebasing: text.dropFirst().dropLast()) : text
  }
}

import AutogradFormats

/// The literals of a formula, rewritten as one JSON list: so tensors and attributes are read by the code that reads
/// them in JSON, with the same rules and errors.
struct FormulaLiterals {
  /// The first element is null, so that numbers stay values of their own: a list of numbers alone has no elements.
  let json = ByteBuffer("[null")
  private(set) var count = 0

  /// Begins the next literal. - Returns: its index.
  mutating func begin() -> Int {
    json.append(",")
    count += 1
    return count - 1
  }

  /// The document whose list holds null and then the literals. The buffer must outlive it.
  func document(maximumDepth: Int, maximumBytes: Int) throws(JSONSyntaxError) -> JSONDocument {
    json.append("]")
    return try JSONDocument(parsing: json.bytes, maximumDepth: maximumDepth, maximumBytes: maximumBytes)
  }

  static func values(of document: JSONDocument) -> [JSONValue] { Array(document.root.elements.dropFirst()) }

  func append(nonFinite isNaN: Bool, isNegative: Bool) {
    json.append(isNaN ? "\"NaN\"" : isNegative ? "\"-Infinity\"" : "\"Infinity\"")
  }

  func append(number: UnsafeRawBufferPointer, isNegative: Bool) {
    if isNegative { json.append(UInt8(ascii: "-")) }
    FormulaLiterals.write(number, to: json)
  }

  /// `.5` and `5.` get the digit that JSON wants.
  static func write(_ number: UnsafeRawBufferPointer, to json: ByteBuffer) {
    for (index, byte) in number.enumerated() {
      let isPoint = byte == UInt8(ascii: ".")
      if isPoint, index == 0 { json.append(UInt8(ascii: "0")) }
      json.append(byte)
      let isLast = index + 1 == number.count
      if isPoint, isLast || number[index + 1] | 0x20 == UInt8(ascii: "e") { json.append(UInt8(ascii: "0")) }
    }
  }

  /// A text with its quotes, whose escapes are those of JSON.
  func append(text: UnsafeRawBufferPointer) {
    json.append(UInt8(ascii: "\""))
    var isEscaped = false
    for byte in text.dropFirst().dropLast() {
      if byte == UInt8(ascii: "\t") {
        json.append("\\t")
      } else if byte == UInt8(ascii: "\""), !isEscaped {
        json.append("\\\"")
      } else {
        json.append(byte)
      }
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
    }
    json.append(UInt8(ascii: "\""))
  }
}

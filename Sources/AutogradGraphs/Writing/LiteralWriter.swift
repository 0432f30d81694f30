import AutogradCore
import AutogradFormats

/// Writes numbers and tensors of graphs, in formulas and in JSON. The two differ only in the numbers that JSON lacks,
/// and in how a tensor with a dtype is written.
struct LiteralWriter {
  enum Language { case formula, json }

  let out: ByteBuffer
  let language: Language
  /// The dtype of numbers without one: tensors of it need no dtype.
  let defaultDType: DType

  /// Tensors of more elements are written in base64 if they have a dtype.
  static let mostListed = 64

  // MARK: Numbers

  /// The shortest text that reads back to the same number; integers within int64 in full.
  func append(_ number: Double) {
    if appendInteger(number) { return }
    if !number.isFinite { return appendWord(number) }
    out.append(double: number)
  }

  private func append(_ number: Float) {
    if appendInteger(Double(number)) { return }
    if !number.isFinite { return appendWord(Double(number)) }
    out.append(float: number)
  }

  func append(_ number: WeakNumber) {
    if let integer = number.integer, !(integer == 0 && number.double.sign == .minus) {
      out.append(int: integer)
    } else {
      append(number.double)
    }
  }

  /// - Returns: false for anything else, and for -0.0, which is no integer.
  private func appendInteger(_ number: Double) -> Bool {
    guard let integer = Int64(exactly: number), !(integer == 0 && number.sign == .minus) else { return false }
    out.append(int: integer)
    return true
  }

  private func appendWord(_ number: Double) {
    let word = number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
    if language == .json { out.appendJSONString(word) } else { out.append(word) }
  }

  // MARK: Tensors

  /// A tensor whose dtype was written.
  func appendTyped(_ tensor: Tensor) {
    if language == .formula, tensor.dtype == .bool, hasList(tensor), tensor.elementCount <= LiteralWriter.mostListed {
      return appendList(tensor)
    }
    let inBase64 = tensor.elementCount > LiteralWriter.mostListed
    switch language {
    case .formula:
      out.append(tensor.dtype.name)
      out.append("(")
      appendData(tensor, inBase64: inBase64)
      if inBase64 || !hasList(tensor) {
        out.append(", shape=")
        append(tensor.shape)
      }
      out.append(")")
    case .json: appendObject(tensor, dtype: tensor.dtype, inBase64: inBase64)
    }
  }

  /// A tensor without a dtype. It gets one only where its numbers alone would not give it back.
  func appendUntyped(_ tensor: Tensor) {
    if tensor.dtype != defaultDType && tensor.dtype != .bool { return appendTyped(tensor) }
    appendBare(tensor)
  }

  /// The numbers alone, where what stands around them gives the dtype.
  func appendBare(_ tensor: Tensor) {
    if hasList(tensor) { return appendList(tensor) }
    switch language {
    // Nested lists do not say what sizes follow an axis of size 0.
    case .formula: appendTyped(tensor)
    case .json: appendObject(tensor, dtype: nil, inBase64: false)
    }
  }

  /// Whether nested lists give the shape back.
  private func hasList(_ tensor: Tensor) -> Bool { tensor.elementCount > 0 || tensor.shape == [0] }

  private func appendObject(_ tensor: Tensor, dtype: DType?, inBase64: Bool) {
    out.append("{")
    if let dtype { out.append("\"dtype\": \"\(dtype.name)\", ") }
    if inBase64 || !hasList(tensor) {
      out.append("\"shape\": ")
      append(tensor.shape)
      out.append(", ")
    }
    if inBase64 { out.append("\"encoding\": \"base64\", ") }
    out.append("\"data\": ")
    appendData(tensor, inBase64: inBase64)
    out.append("}")
  }

  private func appendData(_ tensor: Tensor, inBase64: Bool) {
    guard inBase64 else {
      if hasList(tensor) { appendList(tensor) } else { out.append("[]") }
      return
    }
    out.append("\"")
    tensor.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      TensorEncoder(form: .base64).appendData(tensor.type, base, to: out, nil)
    }
    out.append("\"")
  }

  private func append(_ shape: Shape) { out.append(shape.description) }

  /// Nested lists.
  private func appendList(_ tensor: Tensor) {
    switch tensor.dtype {
    case .float64: appendRows(tensor) { (number: Double) in append(number) }
    case .float32: appendRows(tensor) { (number: Float) in append(number) }
    case .int64: appendRows(tensor) { (number: Int64) in out.append(int: number) }
    case .int32: appendRows(tensor) { (number: Int32) in out.append(int: Int64(number)) }
    case .bool: appendRows(tensor) { (flag: Bool) in out.append(flag ? "true" as StaticString : "false") }
    }
  }

  private func appendRows<Element: TensorElement>(_ tensor: Tensor, _ write: (Element) -> Void) {
    tensor.withElements { (elements: UnsafeBufferPointer<Element>) in
      appendLists(tensor.shape, count: elements.count) { write(elements[$0]) }
    }
  }

  /// The brackets and commas of nested lists, and in each place an element.
  func appendLists(_ shape: Shape, count: Int, _ write: (Int) -> Void) {
    if shape == [0] { return out.append("[]") }
    // Elements of the lists of each depth, the outermost first.
    let sizes = (0..<shape.rank).map { axis in (axis..<shape.rank).reduce(1) { $0 * shape[$1] } }
    for index in 0..<count {
      if index > 0 { out.append(", ") }
      for size in sizes where index % size == 0 { out.append(UInt8(ascii: "[")) }
      write(index)
      for size in sizes where (index + 1) % size == 0 { out.append(UInt8(ascii: "]")) }
    }
  }
}

extension LiteralWriter {
  /// An operand whose dtype is that of the other operands. Integers that a float64 does not hold are written in full.
  func appendLiteral(_ literal: Int, of text: any SourceText) throws(FormatError) {
    let tensor = try text.tensor(literal, as: .float64)
    let isLarge = tensor.values(as: Double.self)?.contains { $0.magnitude >= 0x1p53 && $0.isFinite } ?? false
    guard isLarge, hasList(tensor), let exact = try? text.tensor(literal, as: .int64),
      let integers = exact.values(as: Int64.self), let floats = tensor.values(as: Double.self)
    else { return appendBare(tensor) }
    appendLists(tensor.shape, count: floats.count) { index in
      append(WeakNumber(double: floats[index], float: Float(floats[index]), integer: integers[index]))
    }
  }
}

// MARK: Attributes

extension GraphSource {
  /// - Throws: `invalid_attribute` for a value that no form of a graph can say, such as an object.
  func checkAttributes(_ text: any SourceText) throws(FormatError) {
    for (index, node) in nodes.enumerated() {
      guard let given = node.attributes.map({ attributes[$0] }) else { continue }
      for (name, value) in given {
        guard case .other(let description) = value else { continue }
        let operation = node.operation.reference.name
        throw text.located(
          FormatError(.invalidAttribute, "\(operation): \(name) cannot be \(description)", at: ""),
          at: .attribute(name, ofNode: index))
      }
    }
  }
}

extension LiteralWriter {
  func append(_ value: AttributeValue, _ kind: AttributeReference.Kind?, isTyped: Bool) {
    switch value {
    case .null, .other: out.append("null")
    case .boolean(let flag): out.append(flag ? "true" as StaticString : "false")
    case .integer(let integer): out.append(int: Int64(integer))
    case .number(let number): append(number)
    case .text(let text): append(text, kind)
    case .integers(let list):
      appendLists([list.count], count: list.count) { index in
        if let integer = list[index] { out.append(int: Int64(integer)) } else { out.append("null") }
      }
    case .numbers(let list): appendLists([list.count], count: list.count) { append(list[$0]) }
    case .integerLists(let lists):
      out.append(UInt8(ascii: "["))
      for (position, list) in lists.enumerated() {
        if position > 0 { out.append(", ") }
        appendLists([list.count], count: list.count) { out.append(int: Int64(list[$0])) }
      }
      out.append(UInt8(ascii: "]"))
    case .tensor(let tensor): if isTyped { appendTyped(tensor) } else { appendUntyped(tensor) }
    }
  }

  /// Text, or one of the numbers that JSON has only as text.
  private func append(_ text: String, _ kind: AttributeReference.Kind?) {
    let isNumber = kind == .number || kind == .numberOrText || kind == .scalar
    if language == .formula, isNumber, ["NaN", "Infinity", "-Infinity"].contains(text) { return out.append(text) }
    appendText(text)
  }

  /// A text in quotes. Formulas hold no control characters at all, JSON none below U+0020.
  func appendText(_ text: String) {
    guard language == .formula, text.unicodeScalars.contains(where: { (0x7F...0x9F).contains($0.value) }) else {
      return out.appendJSONString(text)
    }
    let quoted = ByteBuffer()
    quoted.appendJSONString(text)
    for scalar in quoted.string.unicodeScalars {
      if (0x7F...0x9F).contains(scalar.value) {
        out.append("\\u00" + String(scalar.value, radix: 16))
      } else {
        out.append(String(scalar))
      }
    }
  }

  /// An attribute of a node; without a kind if the operation does not have it.
  typealias Attribute = (name: String, value: AttributeValue, kind: AttributeReference.Kind?)

  /// Whether an attribute says what holds without it.
  static func isDefault(_ value: AttributeValue, _ reference: AttributeReference) -> Bool {
    guard let standard = reference.defaultText else { return false }
    switch value {
    case .null: return standard == "null"
    case .boolean(let flag): return standard == "\(flag)"
    case .integer(let integer): return Double(standard) == Double(integer)
    // Not ==: 0.0 and -0.0 are two numbers.
    case .number(let number): return Double(standard)?.bitPattern == number.bitPattern
    case .text(let text): return standard == "\"\(text)\""
    case .integers, .numbers, .integerLists, .tensor, .other: return false
    }
  }

  /// The attributes of a node that say something, in the catalog's order; those that the catalog does not have behind
  /// them.
  static func telling(_ node: GraphSource.Node, in source: GraphSource) -> [Attribute] {
    guard let index = node.attributes else { return [] }
    let given = source.attributes[index]
    let known = node.operation.reference.attributes
    let unknown = given.keys.filter { name in !known.contains { $0.name == name } }.sorted()
    let telling: [Attribute] = known.compactMap { reference in
      guard let value = given[reference.name], !isDefault(value, reference) else { return nil }
      return (reference.name, value, reference.kind)
    }
    return telling + unknown.compactMap { name in given[name].map { (name, $0, nil) } }
  }
}

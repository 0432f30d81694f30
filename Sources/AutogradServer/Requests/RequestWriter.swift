import AutogradFormats
import AutogradGraphs

/// Writes the JSON body of a request whose parts come one by one: the parameters of an address, the arguments of a
/// command. So both are read, checked and answered like a body.
///
/// Texts, lists of names, `true` and `false` need no JSON: `values`, `x,w`. Neither do numbers: `1,2,NaN`.
struct RequestWriter {
  /// Where the parts come from.
  enum Source {
    /// In an address a plus sign is a blank.
    case address
    case commandLine
  }

  private let limits: Limits
  private let source: Source
  private var members: [(name: String, json: String)] = []
  /// Whether the graph is a text that is no parameter.
  private var isFormulaGiven = false
  private var inputs: [(name: String, json: ByteBuffer)] = []
  /// An address has room for thousands.
  private var inputNames: Set<String> = []

  init(_ limits: Limits, _ source: Source) {
    self.limits = limits
    self.source = source
  }

  // MARK: Members

  /// The graph, where it is a text that is not given as a parameter.
  mutating func append(formula: UnsafeRawBufferPointer) {
    let json = ByteBuffer(capacity: formula.count + 2)
    json.appendJSONString(formula)
    members.append(("graph", json.string))
    isFormulaGiven = true
  }

  mutating func append(_ member: RequestMember, _ value: String) throws(FormatError) {
    let json: String
    switch member.metadata {
    case .plain: json = value.hasPrefix("\"") ? value : RequestWriter.quoted(value)
    case .names:
      let isJSON = value.hasPrefix("[") || value.hasPrefix("\"")
      json =
        isJSON
        ? value
        : "[" + value.split(separator: ",").map { RequestWriter.quoted($0.trimmed) }.joined(separator: ", ") + "]"
    case .json where "\(member.name)" == "graph":
      // As wherever a graph is given as a text: one that begins like JSON is JSON.
      let start = value.first { !$0.isWhitespace }
      let isJSON = start == "{" || start == "\""
      if !isJSON, source == .address { try checkFormula(value) }
      json = isJSON ? value : RequestWriter.quoted(value)
    case .flag: json = value == "true" || value == "false" ? value : RequestWriter.quoted(value)
    case .json, .tensors: json = RequestWriter.spelled(value)
    case .otherTensors:
      return try appendInputs(RequestWriter.spelled(value))
    }
    try append("\(member.name)", json: json)
  }

  /// - Parameter json: the member's value.
  mutating func append(_ name: String, json: String) throws(FormatError) {
    try check(json, at: Pointer.member(name))
    if name == "graph", isFormulaGiven {
      throw FormatError(.duplicateKey, "the body is the graph; leave the parameter graph out", at: "/graph")
    }
    if members.contains(where: { $0.name == name }) { throw RequestWriter.twice(name, at: Pointer.member(name)) }
    members.append((name, json))
  }

  /// A value must be one JSON value, or the body could say something else than its parts.
  private func check(_ json: String, at pointer: String) throws(FormatError) {
    let bytes = ByteBuffer(json)
    _ = try parsed(bytes, at: pointer)
    withExtendedLifetime(bytes) {}
  }

  /// A formula that cannot be read may have lost its plus signs. All other faults are found later.
  private func checkFormula(_ text: String) throws(FormatError) {
    guard text.contains(" ") else { return }
    let bytes = ByteBuffer(text)
    defer { withExtendedLifetime(bytes) {} }
    do throws(FormatError) {
      _ = try FormulaReader.read(bytes.bytes, limits: limits.graphs)
    } catch {
      if error.code == .invalidFormula { throw error.saying { $0 + RequestWriter.plusHint } }
    }
  }

  // MARK: Inputs

  /// The tensors of `inputs={…}`, which are added to those that are parameters of their own.
  private mutating func appendInputs(_ json: String) throws(FormatError) {
    let bytes = ByteBuffer(json)
    let document = try parsed(bytes, at: "/inputs")
    defer { withExtendedLifetime((bytes, document)) {} }
    guard document.root.kind == .object else {
      throw FormatError(
        .wrongType, "inputs is an object of tensors by name, got \(document.root.describe)", at: "/inputs")
    }
    for (name, value) in document.root.members {
      let copy = ByteBuffer(capacity: value.text.count)
      copy.append(value.text)
      try appendInput(name.string, json: copy)
    }
  }

  mutating func appendInput(_ name: String, _ value: String) throws(FormatError) {
    let json = RequestWriter.tensor(value)
    try check(json, at: "/inputs" + Pointer.member(name))
    try appendInput(name, json: ByteBuffer(json))
  }

  /// - Parameter json: one value, which has been checked.
  mutating func appendInput(_ name: String, json: ByteBuffer) throws(FormatError) {
    let pointer = "/inputs" + Pointer.member(name)
    if !inputNames.insert(name).inserted { throw RequestWriter.twice(name, at: pointer) }
    inputs.append((name, json))
  }

  // MARK: The body

  /// - Parameter isSelected: whether a part of the answer is picked, which cannot be done from base64.
  func body(isSelected: Bool) -> ByteBuffer {
    let json = ByteBuffer(capacity: 512)
    json.append("{")
    for (name, value) in members {
      json.appendJSONString(name)
      json.append(": ")
      json.append(isSelected && name == "encoding" && value == "\"base64\"" ? "\"flat\"" : value)
      json.append(", ")
    }
    json.append("\"inputs\": {")
    for (position, (name, value)) in inputs.enumerated() {
      if position > 0 { json.append(", ") }
      json.appendJSONString(name)
      json.append(": ")
      json.append(value)
    }
    json.append("}}")
    return json
  }

  // MARK: Values

  private static func twice(_ name: String, at pointer: String) -> FormatError {
    FormatError(.duplicateKey, "the parameter \(name) is given twice", at: pointer)
  }

  private static let plusHint = "; in an address a plus sign is a blank, write %2B for it"

  private func parsed(_ bytes: ByteBuffer, at pointer: String) throws(FormatError) -> JSONDocument {
    do throws(JSONSyntaxError) {
      return try JSONDocument(parsing: bytes.bytes, maximumDepth: limits.jsonDepth)
    } catch {
      let hint = source == .address && bytes.string.contains(" ") ? RequestWriter.plusHint : ""
      let fault = FormatError(error)
      let detail =
        bytes.string.trimmed.isEmpty
        ? "there is no value; write a number, or numbers with commas between them" : fault.detail
      // A value on its own is no body.
      throw FormatError(fault.code, detail.replacing("the body", with: "the value") + hint, at: pointer)
    }
  }

  private static func quoted(_ text: String) -> String {
    let json = ByteBuffer(capacity: text.utf8.count + 2)
    json.appendJSONString(text)
    return json.string
  }

  /// A tensor: JSON, or numbers with commas between.
  static func tensor(_ value: String) -> String {
    let json = spelled(value)
    return !json.hasPrefix("[") && !json.hasPrefix("{") && json.contains(",") ? "[\(json)]" : json
  }

  /// JSON in which NaN and Infinity, which people write without quotes, have them.
  private static func spelled(_ text: String) -> String {
    var result = ""
    var rest = text.trimmed[...]
    var isInText = false
    while let next = rest.first {
      if !isInText, let word = nonFinite.first(where: { rest.hasPrefix($0) }) {
        result += "\"\(word)\""
        rest = rest.dropFirst(word.count)
        continue
      }
      if next == "\"" { isInText.toggle() }
      // An escaped quote does not end a text.
      if isInText, next == "\\" {
        result += rest.prefix(2)
        rest = rest.dropFirst(2)
        continue
      }
      result.append(next)
      rest = rest.dropFirst()
    }
    return result
  }

  private static let nonFinite = ["-Infinity", "Infinity", "NaN"]
}

extension StringProtocol {
  /// Without blanks at its ends.
  fileprivate var trimmed: String {
    var text = self[...]
    while text.first?.isWhitespace ?? false { text = text.dropFirst() }
    while text.last?.isWhitespace ?? false { text = text.dropLast() }
    return String(text)
  }
}

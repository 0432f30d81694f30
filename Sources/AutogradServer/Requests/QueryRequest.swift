import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// A request that is written into an address, `?graph=…&x=[1,2,3]`, as the JSON body that says the same. So it is read,
/// checked and answered like a body.
///
/// Parameters that are no members of a request are inputs. Members whose values are texts, lists of names, or `true`
/// and `false` need no JSON: `encoding=values`, `wrt=x,w`.
struct QueryRequest: Sendable {
  let body: ByteBuffer
  /// The part of the answer that is asked for, as a pointer.
  let select: String?

  /// - Parameters:
  ///   - formula: the graph, where it is the body; nil where it is a parameter.
  ///   - members: the members that the request may have, by name.
  /// - Throws: a problem with the parameter's place in the body.
  init(
    _ query: Query, _ formula: UnsafeRawBufferPointer?, _ members: [String: RequestMember], _ limits: Limits
  ) throws(FormatError) {
    switch query.fault {
    case .escape(let name):
      throw FormatError(
        .wrongType, "a percent sign begins an escape of two hexadecimal digits; for the sign itself write %25",
        at: Pointer.member(name))
    case .encoding(let name): throw FormatError(.wrongType, "the parameter is not UTF-8", at: Pointer.member(name))
    case nil: break
    }
    var writer = Writer(limits: limits)
    var select: String?
    if let formula { writer.append(formula: formula) }
    for (name, value) in query.parameters {
      if name == "select" {
        if select != nil { throw FormatError(.duplicateKey, "select is given twice", at: "/select") }
        select = value
      } else if let member = members[name] {
        try writer.append(member, value)
      } else {
        try writer.appendInput(name, value)
      }
    }
    body = writer.body(isSelected: select != nil)
    self.select = select
  }

  /// Collects members and inputs.
  private struct Writer {
    let limits: Limits
    private var members: [(name: String, json: String)] = []
    private var inputs: [(name: String, json: String)] = []
    /// An address has room for thousands.
    private var inputNames: Set<String> = []

    init(limits: Limits) { self.limits = limits }

    mutating func append(formula: UnsafeRawBufferPointer) {
      let json = ByteBuffer(capacity: formula.count + 2)
      json.appendJSONString(formula)
      members.append(("graph", json.string))
    }

    mutating func append(_ member: RequestMember, _ value: String) throws(FormatError) {
      let name = "\(member.name)"
      let json: String
      switch member.metadata {
      case .plain: json = value.hasPrefix("\"") ? value : QueryRequest.quoted(value)
      case .names:
        let isJSON = value.hasPrefix("[") || value.hasPrefix("\"")
        json =
          isJSON
          ? value
          : "[" + value.split(separator: ",").map { QueryRequest.quoted($0.trimmed) }.joined(separator: ", ") + "]"
      case .json where name == "graph":
        // As wherever a graph is given as a text: one that begins like JSON is JSON.
        let start = value.first { !$0.isWhitespace }
        let isJSON = start == "{" || start == "\""
        if !isJSON { try checkFormula(value) }
        json = isJSON ? value : QueryRequest.quoted(value)
      case .flag: json = value == "true" || value == "false" ? value : QueryRequest.quoted(value)
      case .json, .tensors: json = QueryRequest.spelled(value)
      case .otherTensors:
        return try appendInputs(QueryRequest.spelled(value))
      }
      try check(json, at: Pointer.member(name))
      if members.contains(where: { $0.name == name }) { throw QueryRequest.twice(name, at: Pointer.member(name)) }
      members.append((name, json))
    }

    /// The tensors of `inputs={…}`, which are added to those that are parameters of their own.
    private mutating func appendInputs(_ json: String) throws(FormatError) {
      let bytes = ByteBuffer(json)
      let document = try QueryRequest.parsed(bytes, limits, at: "/inputs")
      defer { withExtendedLifetime((bytes, document)) {} }
      guard document.root.kind == .object else {
        throw FormatError(
          .wrongType, "inputs is an object of tensors by name, got \(document.root.describe)", at: "/inputs")
      }
      for (name, value) in document.root.members {
        try appendInput(name.string, json: String(decoding: value.text, as: UTF8.self))
      }
    }

    mutating func appendInput(_ name: String, _ value: String) throws(FormatError) {
      var json = QueryRequest.spelled(value)
      if !json.hasPrefix("["), !json.hasPrefix("{"), json.contains(",") { json = "[\(json)]" }
      try check(json, at: "/inputs" + Pointer.member(name))
      try appendInput(name, json: json)
    }

    private mutating func appendInput(_ name: String, json: String) throws(FormatError) {
      let pointer = "/inputs" + Pointer.member(name)
      if !inputNames.insert(name).inserted { throw QueryRequest.twice(name, at: pointer) }
      inputs.append((name, json))
    }

    /// A value must be one JSON value, or the body could say something else than the address.
    private func check(_ json: String, at pointer: String) throws(FormatError) {
      let bytes = ByteBuffer(json)
      _ = try QueryRequest.parsed(bytes, limits, at: pointer)
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
        if error.code == .invalidFormula { throw error.saying { $0 + QueryRequest.plusHint } }
      }
    }

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
  }

  // MARK: - Values

  private static func twice(_ name: String, at pointer: String) -> FormatError {
    FormatError(.duplicateKey, "the parameter \(name) is given twice", at: pointer)
  }

  private static let plusHint = "; in an address a plus sign is a blank, write %2B for it"

  private static func parsed(
    _ bytes: ByteBuffer, _ limits: Limits, at pointer: String
  ) throws(FormatError) -> JSONDocument {
    do throws(JSONSyntaxError) {
      return try JSONDocument(parsing: bytes.bytes, maximumDepth: limits.jsonDepth)
    } catch {
      let hint = bytes.string.contains(" ") ? plusHint : ""
      let fault = FormatError(error)
      throw FormatError(fault.code, fault.detail + hint, at: pointer)
    }
  }

  private static func quoted(_ text: String) -> String {
    let json = ByteBuffer(capacity: text.utf8.count + 2)
    json.appendJSONString(text)
    return json.string
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

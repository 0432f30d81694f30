import Foundation

@testable import AutogradHTTP
@testable import AutogradServer

/// A JSON value that can be compared; numbers are equal by value.
enum JSON: Codable, Equatable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case double(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  init(_ data: Data) throws { self = try JSONDecoder().decode(JSON.self, from: data) }

  init(_ response: Response) throws { try self.init(Data(response.body.bytes)) }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    // Strings first, because every attempt that fails makes an error, and most values are strings.
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = Int64(exactly: value).map { .integer($0) } ?? .double(value)
    } else if let value = try? container.decode([JSON].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSON].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .double(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  var members: [String: JSON] { if case .object(let members) = self { members } else { [:] } }
  var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }
  var string: String? { if case .string(let text) = self { text } else { nil } }
  var integer: Int? { if case .integer(let integer) = self { Int(integer) } else { nil } }
  subscript(_ key: String) -> JSON? { members[key] }
}

/// Holds values against schemas of an OpenAPI document: the part of JSON Schema 2020-12 that the document uses, and a
/// fault for any other keyword, so that none is passed over in silence.
struct SchemaChecker {
  let document: JSON

  /// The target of `#/a/b`.
  func resolve(_ reference: String) -> JSON? {
    reference.split(separator: "/").dropFirst().reduce(document) { value, step in value?[String(step)] }
  }

  /// What is wrong, each with where. Members that no schema of an object mentions are faults too, though JSON Schema
  /// lets them pass: what the server says is to be documented.
  ///
  /// - Parameter isWhole: false for a part of a schema that others complete.
  func faults(_ value: JSON, _ schema: JSON, _ place: String = "#", isWhole: Bool = true) -> [String] {
    var faults = schema.members.flatMap { keyword, rule in check(value, keyword, rule, schema, place) }
    if isWhole {
      let known = knownMembers(schema)
      if !known.isEmpty, !isOpen(schema) {
        faults += value.members.keys.filter { !known.contains($0) }.map { "\(place)/\($0): not in the schema" }
      }
    }
    return faults
  }

  private func parts(_ schema: JSON) -> [JSON] {
    (schema["allOf"]?.elements ?? []) + [schema["$ref"]?.string.flatMap(resolve), schema["then"]].compactMap(\.self)
  }

  private func knownMembers(_ schema: JSON) -> Set<String> {
    parts(schema).reduce(Set((schema["properties"]?.members ?? [:]).keys)) { $0.union(knownMembers($1)) }
  }

  private func isOpen(_ schema: JSON) -> Bool {
    schema["additionalProperties"].map { $0 != .bool(false) } ?? parts(schema).contains(where: isOpen)
  }

  private func check(_ value: JSON, _ keyword: String, _ rule: JSON, _ schema: JSON, _ place: String) -> [String] {
    func need(_ condition: Bool) -> [String] { condition ? [] : ["\(place): \(keyword) \(rule)"] }
    switch keyword {
    case "description", "default", "format", "contentEncoding", "example", "$defs", "if": return []
    case "$ref":
      guard let target = rule.string.flatMap(resolve) else { return ["\(place): no \(rule)"] }
      return faults(value, target, place, isWhole: false)
    case "then":
      let applies = faults(value, schema["if"] ?? .object([:]), place, isWhole: false).isEmpty
      return applies ? faults(value, rule, place, isWhole: false) : []
    case "allOf": return rule.elements.flatMap { faults(value, $0, place, isWhole: false) }
    case "anyOf": return need(rule.elements.contains { faults(value, $0, place).isEmpty })
    case "type":
      return need((rule.elements.isEmpty ? [rule] : rule.elements).contains { isOfType(value, $0.string ?? "") })
    case "enum": return need(rule.elements.contains(value))
    case "const": return need(rule == value)
    default: return checkPart(value, keyword, rule, schema, place)
    }
  }

  /// Keywords that say something of one type of value only.
  private func checkPart(_ value: JSON, _ keyword: String, _ rule: JSON, _ schema: JSON, _ place: String) -> [String] {
    func need(_ condition: Bool) -> [String] { condition ? [] : ["\(place): \(keyword) \(rule)"] }
    switch (keyword, value) {
    case ("required", .object(let members)): return need(rule.elements.allSatisfy { members[$0.string ?? ""] != nil })
    case ("properties", .object(let members)):
      return rule.members.flatMap { name, schema in members[name].map { faults($0, schema, "\(place)/\(name)") } ?? [] }
    case ("additionalProperties", .object(let members)):
      let others = members.filter { schema["properties"]?[$0.key] == nil }
      if case .bool(let isAllowed) = rule { return need(isAllowed || others.isEmpty) }
      return others.flatMap { faults($0.value, rule, "\(place)/\($0.key)") }
    case ("propertyNames", .object(let members)):
      return members.keys.flatMap { faults(.string($0), rule, "\(place)/\($0)") }
    case ("items", .array(let elements)): return elements.enumerated().flatMap { faults($1, rule, "\(place)/\($0)") }
    case ("minItems", .array(let elements)): return need(elements.count >= rule.integer ?? .max)
    case ("maxItems", .array(let elements)): return need(elements.count <= rule.integer ?? 0)
    case ("uniqueItems", .array(let elements)):
      return need(elements.indices.allSatisfy { !elements[..<$0].contains(elements[$0]) })
    case ("minLength", .string(let text)): return need(text.unicodeScalars.count >= rule.integer ?? .max)
    case ("maxLength", .string(let text)): return need(text.unicodeScalars.count <= rule.integer ?? 0)
    case ("pattern", .string(let text)):
      return need(text.range(of: rule.string ?? "", options: .regularExpression) != nil)
    case ("minimum", .integer(let integer)): return need(integer >= rule.integer ?? .max)
    case ("minimum", .double(let double)): return need(double >= Double(rule.integer ?? .max))
    case ("required", _), ("properties", _), ("additionalProperties", _), ("propertyNames", _), ("items", _),
      ("minItems", _),
      ("maxItems", _), ("uniqueItems", _), ("minLength", _), ("maxLength", _), ("pattern", _), ("minimum", _):
      return []
    default: return ["\(place): the checker does not know the keyword \(keyword)"]
    }
  }

  private func isOfType(_ value: JSON, _ type: String) -> Bool {
    switch value {
    case .null: type == "null"
    case .bool: type == "boolean"
    case .integer: type == "integer" || type == "number"
    case .double: type == "number"
    case .string: type == "string"
    case .array: type == "array"
    case .object: type == "object"
    }
  }
}

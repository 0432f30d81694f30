import AutogradCore

/// Reads the members of a node, without looking at what its names mean.
enum NodeReader {
  static func read(_ element: JSONValue) throws(Problem) -> GraphDecoder.Node {
    guard element.kind == .object else {
      throw Problem(.wrongType, "a node is an object with op, inputs, outputs and attributes, got \(element.describe)", at: "")
    }
    var parts: (op: JSONValue?, inputs: JSONValue?, outputs: JSONValue?, attributes: JSONValue?)
    for (key, member) in element.members {
      if key == "op" {
        parts.op = member
      } else if key == "inputs" {
        parts.inputs = member
      } else if key == "outputs" {
        parts.outputs = member
      } else if key == "attributes" {
        parts.attributes = member
      } else {
        throw Problem.unknownMember(key.string, of: "a node", ["op", "inputs", "outputs", "attributes"], at: "")
      }
    }
    guard let op = parts.op else { throw Problem(.missingMember, "a node needs op, the name of its operation", at: "") }
    let operation = try operation(op)
    guard let outputs = parts.outputs else { throw Problem(.missingMember, "a node needs outputs, a list of new names", at: "") }
    if outputs.kind == .numbers { throw Problem(.wrongType, "an output is a name, got a number", at: "/outputs/0") }
    guard outputs.kind == .array else {
      throw Problem(.wrongType, "outputs is a list of names, got \(outputs.brief)", at: "/outputs")
    }
    guard let inputs = parts.inputs else { throw Problem(.missingMember, "a node needs inputs, a list of operands", at: "") }
    guard inputs.kind == .array || inputs.kind == .numbers else {
      throw Problem(.wrongType, "inputs is a list of operands, got \(inputs.brief)", at: "/inputs")
    }
    if let attributes = parts.attributes, attributes.kind != .object {
      throw Problem(.wrongType, "attributes is an object, got \(attributes.describe)", at: "/attributes")
    }
    return GraphDecoder.Node(operation: operation, inputs: inputs, outputs: outputs, attributes: parts.attributes)
  }

  private static func operation(_ op: JSONValue) throws(Problem) -> any Operation {
    guard op.kind == .string else {
      // R's jsonlite turns a string into a list of one unless it is told not to.
      let isBoxed = op.kind == .array && op.count == 1 && op.firstLeaf?.kind == .string
      let got = isBoxed ? "a list holding one (R: auto_unbox=TRUE)" : op.describe
      throw Problem(.wrongType, "op: a string is expected, got \(got)", at: "/op")
    }
    let name = op.string
    guard let operation = OpCatalog.operation(named: name) else {
      let hint = OpCatalog.hint(for: String(name.prefix(64))) ?? "GET /v1/operations lists all"
      throw Problem(.unknownOperation, "no operation is called \(op.brief); \(hint)", at: "/op")
    }
    return operation
  }
}

extension Problem {
  /// A member that an object does not have, with what it may have been.
  static func unknownMember(_ name: String, of owner: String, _ known: [String], at pointer: String) -> Problem {
    let near = NearestNames.find(name, among: known)
    let hint = near.isEmpty ? "it has \(known.joined(separator: ", "))" : "did you mean \(near.joined(separator: " or "))?"
    return Problem(.unknownMember, "\(owner) has no member \(name.prefix(64)); \(hint)", at: pointer + Pointer.member(name))
  }
}

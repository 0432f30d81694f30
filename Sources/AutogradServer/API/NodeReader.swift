import AutogradCore
import AutogradFormats

/// Reads the members of a node, without looking at what its names mean.
enum NodeReader {
  static func read(_ element: JSONValue) throws(FormatError) -> GraphDecoder.Node {
    guard element.kind == .object else {
      throw FormatError(
        .wrongType, "a node is an object with op, inputs, outputs and attributes, got \(element.describe)", at: "")
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
        parts.attributes = member.given
      } else {
        throw unknownMember(key.string, element)
      }
    }
    guard let op = parts.op else {
      throw FormatError(.missingMember, "a node needs op, the name of its operation", at: "")
    }
    let operation = try operation(op)
    guard let outputs = parts.outputs else {
      throw FormatError(.missingMember, "a node needs outputs, a list of new names", at: "")
    }
    if outputs.kind == .numbers { throw FormatError(.wrongType, "an output is a name, got a number", at: "/outputs/0") }
    guard outputs.kind == .array || outputs.kind == .string else {
      throw FormatError(.wrongType, "outputs is a list of names, got \(outputs.brief)", at: "/outputs")
    }
    guard let inputs = parts.inputs else {
      throw FormatError(.missingMember, "a node needs inputs, a list of operands", at: "")
    }
    guard inputs.kind == .array || inputs.kind == .numbers || inputs.kind == .string else {
      throw FormatError(.wrongType, "inputs is a list of operands, got \(inputs.brief)", at: "/inputs")
    }
    if let attributes = parts.attributes, attributes.kind != .object {
      throw FormatError(.wrongType, "attributes is an object, got \(attributes.describe)", at: "/attributes")
    }
    return GraphDecoder.Node(operation: operation, inputs: inputs, outputs: outputs, attributes: parts.attributes)
  }

  private static func unknownMember(_ name: String, _ node: JSONValue) -> FormatError {
    let attributes =
      node["op"].flatMap { OpCatalog.operation(named: $0.string) }?.reference.attributes.map(\.name) ?? []
    if attributes.contains(name) {
      return FormatError(
        .unknownMember, "\(name) is an attribute of the operation: write \"attributes\": {\"\(name)\": …}",
        at: Pointer.member(name))
    }
    let meant = [
      "attrs": "attributes", "params": "attributes", "kwargs": "attributes", "args": "inputs", "operands": "inputs",
      "operation": "op",
    ]
    if let member = meant[name] {
      return FormatError(
        .unknownMember, "a node has no member \(name); did you mean \(member)?", at: Pointer.member(name))
    }
    return .unknownMember(name, of: "a node", ["op", "inputs", "outputs", "attributes"], at: "")
  }

  private static func operation(_ op: JSONValue) throws(FormatError) -> any Operation {
    guard op.kind == .string else {
      // R's jsonlite turns a string into a list of one unless it is told not to.
      let isBoxed = op.kind == .array && op.count == 1 && op.firstLeaf?.kind == .string
      let got = isBoxed ? "a list holding one (R: auto_unbox=TRUE)" : op.describe
      throw FormatError(.wrongType, "op: a string is expected, got \(got)", at: "/op")
    }
    let name = op.string
    guard let operation = OpCatalog.operation(named: name) else {
      let hint = OpCatalog.hint(for: String(name.prefix(64))) ?? "GET /v1/operations lists all"
      throw FormatError(.unknownOperation, "no operation is called \(op.brief); \(hint)", at: "/op")
    }
    return operation
  }
}

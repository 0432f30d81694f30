import AutogradCore
import AutogradFormats

/// Reads a graph that is written as a JSON object: `nodes`, `inputs`, `outputs`, `constants` and `functions`.
///
/// Names are not resolved; the ``GraphAssembler`` does that. Pointers in errors are relative to the graph or function
/// that is being read.
package struct JSONGraphReader {
  let document: JSONDocument
  let defaultDType: DType
  let limits: GraphLimits
  var source = GraphSource()
  /// The JSON objects of the graph and its functions.
  private var bodies: [JSONValue] = []
  /// Operands whose dtype is not known yet.
  var literals: [JSONValue] = []

  /// - Throws: what is wrong, at pointers that begin with `/graph`.
  package static func read(
    _ graph: JSONValue, of document: JSONDocument, limits: GraphLimits, defaultDType: DType = .float64
  ) throws(FormatError) -> (source: GraphSource, text: any SourceText) {
    var reader = JSONGraphReader(document: document, defaultDType: defaultDType, limits: limits)
    do throws(FormatError) {
      guard graph.kind == .object else {
        throw FormatError(
          .wrongType,
          "a graph is an object with nodes, constants, inputs and outputs, or a formula in a string, got "
            + graph.describe, at: "")
      }
      if let functions = try reader.readBody(graph, named: nil) { try reader.readFunctions(functions) }
    } catch {
      throw error.under("/graph")
    }
    let text = JSONGraphText(
      document: document, bodies: Array(zip(reader.source.bodies, reader.bodies)), literals: reader.literals)
    return (reader.source, text)
  }

  // MARK: Graphs and functions

  private mutating func readFunctions(_ object: JSONValue) throws(FormatError) {
    guard object.kind == .object else {
      throw FormatError(
        .wrongType, "functions is an object of graphs by name, got \(object.describe)", at: "/functions")
    }
    try limits.checkNames(object.count, "the graph has", "functions", at: "/functions")
    for (name, function) in object.members {
      do throws(FormatError) {
        if let refusal = NameTable.refusal(of: SourceName(name)) { throw FormatError(.wrongType, refusal, at: "") }
        guard function.kind == .object else {
          throw FormatError(
            .wrongType, "a function is an object with inputs, nodes and outputs, got \(function.brief)", at: "")
        }
        _ = try readBody(function, named: SourceName(name))
      } catch {
        throw error.under("/functions" + Pointer.member(name.string))
      }
    }
  }

  /// - Parameter name: the function's name; nil for the graph.
  /// - Returns: the graph's functions, which the caller reads next.
  private mutating func readBody(_ object: JSONValue, named name: SourceName?) throws(FormatError) -> JSONValue? {
    var parts:
      (nodes: JSONValue?, constants: JSONValue?, inputs: JSONValue?, outputs: JSONValue?, functions: JSONValue?)
    for (key, member) in object.members {
      if key == "nodes" {
        parts.nodes = member
      } else if key == "constants" {
        parts.constants = member.given
      } else if key == "inputs" {
        parts.inputs = member.given
      } else if key == "outputs" {
        parts.outputs = member.given
      } else if key == "functions", name == nil {
        parts.functions = member.given
      } else if key == "description", name != nil {
        try checkDescription(member)
      } else {
        throw unknownMember(key.string, isFunction: name != nil)
      }
    }
    let owner = name == nil ? "a graph" : "a function"
    guard let nodes = parts.nodes else { throw FormatError(.missingMember, "\(owner) needs nodes", at: "") }
    if name != nil, (parts.inputs?.count ?? 0) == 0 {
      throw FormatError(
        .missingMember, "a function needs inputs, a list of objects with name and perhaps dtype and shape", at: "")
    }
    var body = GraphSource.Body()
    if let name { body.name = name }
    body.inputs = try parts.inputs.map { list throws(FormatError) in
      try readInputs(list, isFunction: name != nil)
    }
    if let constants = parts.constants { body.constants = try readConstants(constants) }
    (body.nodes, body.results) = try readNodes(nodes)
    if let outputs = parts.outputs {
      do throws(FormatError) {
        try limits.checkNames(outputs.listedCount, "the list has", "names", at: "")
        let names = try JSONNameList.read(outputs)
        body.outputs = source.outputs.count..<source.outputs.count + names.count
        source.outputs += names
      } catch {
        throw error.under("/outputs")
      }
    }
    source.bodies.append(body)
    bodies.append(object)
    return parts.functions
  }

  private func checkDescription(_ value: JSONValue) throws(FormatError) {
    guard value.kind == .string || value.kind == .null else {
      throw FormatError(.wrongType, "description is a text, got \(value.describe)", at: "/description")
    }
  }

  private func unknownMember(_ name: String, isFunction: Bool) -> FormatError {
    if isFunction, name == "functions" {
      return FormatError(
        .unknownMember, "a function has no functions inside; write them beside it in the graph's functions",
        at: "/functions")
    }
    let known = ["nodes", "constants", "inputs", "outputs", isFunction ? "description" : "functions"]
    return .unknownMember(name, of: isFunction ? "a function" : "a graph", known, at: "")
  }

  private mutating func readConstants(_ object: JSONValue) throws(FormatError) -> Range<Int> {
    guard object.kind == .object else {
      throw FormatError(
        .wrongType, "constants is an object of tensors by name, got \(object.describe)", at: "/constants")
    }
    let first = source.constants.count
    try limits.checkNames(first + object.count, "the graph has", "constants", at: "/constants")
    for (key, value) in object.members {
      do throws(FormatError) {
        let tensor = try TensorDecoder(document: document).decode(value, .fallback(defaultDType))
        if value.namesDType { source.typedConstants.insert(source.constants.count) }
        source.constants.append((SourceName(key), tensor))
      } catch {
        throw error.under("/constants" + Pointer.member(key.string))
      }
    }
    return first..<source.constants.count
  }

  // MARK: Nodes

  private mutating func readNodes(_ list: JSONValue) throws(FormatError) -> (nodes: Range<Int>, results: Range<Int>) {
    guard list.kind == .array else {
      throw FormatError(.wrongType, "nodes is a list of objects, got \(list.describe)", at: "/nodes")
    }
    let (first, firstResult) = (source.nodes.count, source.results.count)
    let count = first + list.count
    guard count <= limits.nodes else {
      throw FormatError(
        .nodes, "the graph has \(count) nodes, at most \(limits.nodes) are allowed", at: "/nodes", most: limits.nodes,
        value: count)
    }
    if first == 0 {
      source.nodes.reserveCapacity(count)
      source.results.reserveCapacity(count)
      source.operands.reserveCapacity(2 * count)
    }
    for (index, element) in list.elements.enumerated() {
      do throws(FormatError) {
        try readNode(element)
      } catch {
        throw error.under("/nodes/\(index)").inNode(element["outputs"]?.firstName, operation: nil)
      }
    }
    return (first..<count, firstResult..<source.results.count)
  }
}

extension JSONValue {
  /// Whether this is a tensor with a dtype.
  var namesDType: Bool { kind == .object && self["dtype"]?.given != nil }

  /// The first of a list of names.
  var firstName: String? { listed.first { _ in true }.flatMap { $0.kind == .string ? $0.string : nil } }
}

import AutogradCore
import AutogradFormats

/// Reads nodes and their operands: names, numbers, true and false, and tensors. Errors have pointers within the node.
extension JSONGraphReader {
  mutating func readNode(_ element: JSONValue) throws(FormatError) {
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
        throw JSONGraphReader.unknownMember(key.string, element)
      }
    }
    guard let op = parts.op else {
      throw FormatError(.missingMember, "a node needs op, the name of its operation", at: "")
    }
    let operation = try JSONGraphReader.operation(op)
    do throws(FormatError) {
      let results = try readResults(parts.outputs)
      let operands = try readOperands(parts.inputs)
      let attributes = try readAttributes(parts.attributes, operation.reference)
      source.nodes.append(
        GraphSource.Node(operation, operands: operands, results: results, attributes: attributes))
    } catch {
      throw error.inNode(nil, operation: operation.reference.name)
    }
  }

  private mutating func readResults(_ list: JSONValue?) throws(FormatError) -> Range<Int> {
    guard let list else { throw FormatError(.missingMember, "a node needs outputs, a list of new names", at: "") }
    if list.kind == .numbers { throw FormatError(.wrongType, "an output is a name, got a number", at: "/outputs/0") }
    guard list.kind == .array || list.kind == .string else {
      throw FormatError(.wrongType, "outputs is a list of names, got \(list.brief)", at: "/outputs")
    }
    let first = source.results.count
    try limits.checkNames(first + list.listedCount, "the nodes have", "results", at: "/outputs")
    for (position, name) in list.listed.enumerated() {
      guard name.kind == .string else {
        throw FormatError(
          .wrongType, "an output is a name, got \(name.describe)", at: "/outputs" + list.place(of: position))
      }
      source.results.append(SourceName(name))
    }
    return first..<source.results.count
  }

  // MARK: Operands

  private mutating func readOperands(_ list: JSONValue?) throws(FormatError) -> Range<Int> {
    guard let list else { throw FormatError(.missingMember, "a node needs inputs, a list of operands", at: "") }
    guard list.kind == .array || list.kind == .numbers || list.kind == .string else {
      throw FormatError(.wrongType, "inputs is a list of operands, got \(list.brief)", at: "/inputs")
    }
    try limits.checkNames(list.listedCount, "the node has", "operands", at: "/inputs")
    let first = source.operands.count
    if list.kind == .numbers {
      for token in list.numberTokens { append(WeakNumber(token)) }
      return first..<source.operands.count
    }
    for (position, element) in list.listed.enumerated() {
      switch element.kind {
      case .string where NameTable.isNonFinite(SourceName(element)), .number:
        append(try weakNumber(element, at: position))
      case .string: source.operands.append(.name(SourceName(element)))
      case .true, .false: source.operands.append(.truth(element.kind == .true))
      case .object where element["dtype"] != nil: try appendTensor(element, at: position)
      case .array, .numbers, .object:
        source.operands.append(.literal(literals.count))
        literals.append(element)
      case .null:
        throw FormatError(
          .wrongType,
          "an operand is a name, a number or a tensor, got null; write \"NaN\", \"Infinity\" or "
            + "\"-Infinity\" for numbers that JSON lacks",
          at: "/inputs/\(position)")
      }
    }
    return first..<source.operands.count
  }

  private mutating func append(_ number: WeakNumber) {
    source.operands.append(.number(source.numbers.count))
    source.numbers.append(number)
  }

  private func weakNumber(_ element: JSONValue, at position: Int) throws(FormatError) -> WeakNumber {
    guard let token = element.numberToken else { return WeakNumber(.nan) }
    if token.double().overflow {
      throw FormatError(
        .numberOutOfRange, "\(element.describe) is beyond the largest float64", at: "/inputs/\(position)")
    }
    return WeakNumber(token)
  }

  private mutating func appendTensor(_ element: JSONValue, at position: Int) throws(FormatError) {
    do throws(FormatError) {
      let tensor = try TensorDecoder(document: document).decode(element, .fallback(defaultDType))
      source.operands.append(.tensor(source.tensors.count))
      source.tensors.append(tensor)
    } catch {
      throw error.under("/inputs/\(position)")
    }
  }

  private mutating func readAttributes(_ object: JSONValue?, _ reference: OperationReference) throws(FormatError)
    -> Int?
  {
    guard let object else { return nil }
    guard object.kind == .object else {
      throw FormatError(.wrongType, "attributes is an object, got \(object.describe)", at: "/attributes")
    }
    for (_, value) in object.members where value.namesDType {
      source.typedAttributes.insert(source.attributes.count)
    }
    source.attributes.append(
      try JSONAttributeReader(document: document, defaultDType: defaultDType).read(object, reference))
    return source.attributes.count - 1
  }

  // MARK: Operations

  private static func unknownMember(_ name: String, _ node: JSONValue) -> FormatError {
    let attributes =
      node["op"].flatMap { CallOperation.operation(named: $0.string) }?.reference.attributes.map(\.name) ?? []
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
      // R's jsonlite writes a string as a list of one by default.
      let isBoxed = op.kind == .array && op.count == 1 && op.firstLeaf?.kind == .string
      let got = isBoxed ? "a list holding one (R: auto_unbox=TRUE)" : op.describe
      throw FormatError(.wrongType, "op: expected a string, got \(got)", at: "/op")
    }
    let name = op.string
    guard let operation = CallOperation.operation(named: name) else {
      let hint = hint(for: String(name.prefix(64)))
      throw FormatError(.unknownOperation, "no operation is called \(op.brief); \(hint)", at: "/op")
    }
    return operation
  }

  private static func hint(for name: String) -> String {
    if ["apply", "def", "function", "invoke", "subgraph"].contains(name.lowercased()) {
      return "did you mean call, which puts one of graph.functions in its place?"
    }
    return OpCatalog.hint(for: name) ?? "GET /v1/operations lists all"
  }
}

extension WeakNumber {
  /// A number from the text of the request, rounded once for each dtype.
  init(_ token: NumberToken) {
    let integer: Int64? = if case .value(let value) = token.int64() { value } else { nil }
    self.init(double: token.double().value, float: token.float().value, integer: integer)
  }
}

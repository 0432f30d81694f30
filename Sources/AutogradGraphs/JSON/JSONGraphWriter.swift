import AutogradCore
import AutogradFormats

/// Writes a graph as the JSON that a request may hold. Values without a name are `_1`, `_2`, … in the order of nodes.
package struct JSONGraphWriter {
  private let source: GraphSource
  private let text: any SourceText
  private let json: ByteBuffer
  private let literals: LiteralWriter

  /// - Parameter defaultDType: the dtype that numbers without one have: the request's.
  /// - Throws: what is wrong with attributes, and with numbers whose dtype is open, at the places of the source.
  package static func write(
    _ source: GraphSource, _ text: any SourceText, to json: ByteBuffer, defaultDType: DType = .float64
  ) throws(FormatError) {
    try source.checkAttributes(text)
    let literals = LiteralWriter(out: json, language: .json, defaultDType: defaultDType)
    try JSONGraphWriter(source: source, text: text, json: json, literals: literals).writeBody(0)
  }

  // MARK: Graphs and functions

  private func writeBody(_ index: Int) throws(FormatError) {
    let body = source.bodies[index]
    json.append("{")
    if let inputs = body.inputs {
      json.append("\"inputs\": ")
      writeList(inputs) { writeInput(source.inputs[$0]) }
      json.append(", ")
    }
    if !body.constants.isEmpty {
      json.append("\"constants\": {")
      writeSeries(body.constants) { writeConstant($0) }
      json.append("}, ")
    }
    if index == 0, source.bodies.count > 1 {
      json.append("\"functions\": {")
      for function in source.bodies.indices.dropFirst() {
        if function > 1 { json.append(", ") }
        json.appendJSONString(source.bodies[function].name.bytes)
        json.append(": ")
        // One level: functions hold none.
        try writeBody(function)
      }
      json.append("}, ")
    }
    try writeNodes(of: index)
    if let outputs = body.outputs {
      json.append(", \"outputs\": ")
      writeList(outputs) { json.appendJSONString(source.outputs[$0].bytes) }
    }
    json.append("}")
  }

  private func writeList(_ range: Range<Int>, _ write: (Int) -> Void) {
    json.append("[")
    writeSeries(range, write)
    json.append("]")
  }

  private func writeSeries(_ range: Range<Int>, _ write: (Int) -> Void) {
    for element in range {
      if element > range.lowerBound { json.append(", ") }
      write(element)
    }
  }

  private func writeConstant(_ constant: Int) {
    json.appendJSONString(source.constants[constant].name.bytes)
    json.append(": ")
    let tensor = source.constants[constant].tensor
    if source.typedConstants.contains(constant) { literals.appendTyped(tensor) } else { literals.appendUntyped(tensor) }
  }

  private func writeInput(_ input: InputDeclaration) {
    json.append("{\"name\": ")
    json.appendJSONString(input.name.bytes)
    if let dtype = input.dtype { json.append(", \"dtype\": \"\(dtype.name)\"") }
    if let shape = input.shape {
      json.append(", \"shape\": ")
      writeList(shape.indices) { axis in
        switch shape[axis] {
        case .size(let size): json.append(int: Int64(size))
        case .any: json.append("null")
        case .named(let name): json.appendJSONString(name)
        }
      }
    }
    if let value = input.fallback {
      json.append(", \"default\": ")
      if value.dtype == input.dtype { literals.appendBare(value) } else { literals.appendUntyped(value) }
    }
    json.append("}")
  }

  // MARK: Nodes

  private func writeNodes(of index: Int) throws(FormatError) {
    let body = source.bodies[index]
    let names = generatedNames(of: body)
    json.append("\"nodes\": [")
    for node in body.nodes {
      if node > body.nodes.lowerBound { json.append(", ") }
      try writeNode(source.nodes[node], names)
    }
    json.append("]")
  }

  private func writeNode(_ node: GraphSource.Node, _ names: GeneratedNames) throws(FormatError) {
    json.append("{\"op\": ")
    json.appendJSONString(node.operation.reference.name)
    json.append(", \"inputs\": [")
    for operand in node.operands {
      if operand > node.operands.lowerBound { json.append(", ") }
      try writeOperand(source.operands[operand], names)
    }
    json.append("], \"outputs\": ")
    writeList(node.results) { append(source.results[$0], names) }
    let attributes = LiteralWriter.telling(node, in: source)
    if !attributes.isEmpty {
      let isTyped = node.attributes.map(source.typedAttributes.contains) ?? false
      json.append(", \"attributes\": {")
      writeSeries(attributes.indices) { position in
        json.appendJSONString(attributes[position].name)
        json.append(": ")
        literals.append(attributes[position].value, attributes[position].kind, isTyped: isTyped)
      }
      json.append("}")
    }
    json.append("}")
  }

  private func writeOperand(_ operand: GraphSource.Operand, _ names: GeneratedNames) throws(FormatError) {
    switch operand {
    case .name(let name): append(name, names)
    case .number(let number): literals.append(source.numbers[number])
    case .truth(let truth): json.append(truth ? "true" as StaticString : "false")
    case .tensor(let tensor): literals.appendTyped(source.tensors[tensor])
    case .literal(let literal): try literals.appendLiteral(literal, of: text)
    }
  }

  // MARK: Names

  private typealias GeneratedNames = NameTable

  /// The values without a name, in the order of nodes.
  private func generatedNames(of body: GraphSource.Body) -> GeneratedNames {
    var table = NameTable()
    for result in body.results where source.results[result].isNameless { _ = table.define(source.results[result]) }
    return table
  }

  private func append(_ name: SourceName, _ names: GeneratedNames) {
    if names.count > 0, let number = names[name] { return json.append("\"_\(number + 1)\"") }
    json.appendJSONString(name.bytes)
  }
}

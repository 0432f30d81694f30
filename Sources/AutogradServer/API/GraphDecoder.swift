import AutogradCore
import AutogradFormats

/// Reads the `graph` of a request into a ``GraphBuilder``, together with the inputs that it is given.
///
/// Nodes stand in any order. Names are resolved first, then each node is emitted after those it depends on.
///
/// A class because it is handed on for every node; as a struct each of its tables would be retained each time. Its
/// properties are touched by no method inside another's access, so that they need no checks of exclusivity.
final class GraphDecoder {
  let document: JSONDocument
  /// Of a safetensors file, the data of the tensors that are not in the graph.
  let file: UnsafeRawBufferPointer?
  let limits: Limits
  /// The request's dtype: of numbers that nothing else gives one.
  let defaultDType: DType
  /// Whether inputs may come without data: nothing will be computed.
  let allowsTypes: Bool
  let batch: ExampleBatch?
  let builder = GraphBuilder()

  @exclusivity(unchecked) private(set) var names = NameTable()
  @exclusivity(unchecked) private(set) var inputs: [Input] = []
  @exclusivity(unchecked) private(set) var constants: [Value] = []
  private(set) var constantNames: [JSONValue.Text] = []
  /// The data of the constants, which are inputs of the plan like any other: one plan serves all values that they may
  /// have.
  private(set) var constantTensors: [Tensor] = []
  @exclusivity(unchecked) private(set) var nodes: [Node] = []
  /// For each node its results, once emitted.
  @exclusivity(unchecked) private(set) var results: [[Value]] = []
  /// Where each node's results are in ``isTaken``, and how many there are in all.
  @exclusivity(unchecked) private var firstResults: [Int] = [0]
  /// Whether some node takes a result, by its name: two names of one value (through identity, or equal nodes) are taken
  /// apart.
  @exclusivity(unchecked) private var isTaken: [Bool] = []
  /// Results of nodes that `grad` nodes differentiate by, numbered as in ``isTaken``.
  @exclusivity(unchecked) private var targets: Set<Int> = []
  /// Operands of `grad` nodes of which the node's first operand does not depend.
  private(set) var zeroGradients: [(node: Int, operand: Int)] = []
  /// Values that some node takes.
  @exclusivity(unchecked) private var consumed: Set<ValueID> = []

  /// A named input and its data.
  struct Input {
    var name: JSONValue.Text
    var value: Value
    /// Nil where the request gives only its type.
    var tensor: Tensor?
    /// Its place among those that the request gives, which may be in another order than they are declared in.
    var place: Int
  }

  /// A node as it stands in the request.
  struct Node {
    var operation: any Operation
    var inputs: JSONValue
    var outputs: JSONValue
    var attributes: JSONValue?
  }

  /// A value with the name by which the request knows it.
  struct Named {
    var name: JSONValue.Text
    var value: Value
  }

  init(
    _ document: JSONDocument, file: UnsafeRawBufferPointer? = nil, limits: Limits, defaultDType: DType,
    allowsTypes: Bool = false,
    batch: ExampleBatch? = nil
  ) {
    self.document = document
    self.file = file
    self.limits = limits
    // Whether what is inspected would be admitted is told in its report.
    if !allowsTypes { builder.maximumElements = limits.elements }
    builder.maximumRank = limits.rank
    self.defaultDType = defaultDType
    self.allowsTypes = allowsTypes
    self.batch = batch
  }

  /// - Parameter given: the request's `inputs`.
  /// - Returns: the graph's outputs, and whether the graph itself names them.
  func decode(_ graph: JSONValue, inputs given: JSONValue?) throws(FormatError) -> (outputs: [Named], areNamed: Bool) {
    guard graph.kind == .object else {
      throw FormatError(
        .wrongType, "a graph is an object with nodes, constants, inputs and outputs, got \(graph.describe)",
        at: "/graph")
    }
    var parts: (nodes: JSONValue?, constants: JSONValue?, inputs: JSONValue?, outputs: JSONValue?)
    for (key, member) in graph.members {
      if key == "nodes" {
        parts.nodes = member
      } else if key == "constants" {
        parts.constants = member.given
      } else if key == "inputs" {
        parts.inputs = member.given
      } else if key == "outputs" {
        parts.outputs = member.given
      } else {
        throw FormatError.unknownMember(
          key.string, of: "a graph", ["nodes", "constants", "inputs", "outputs"], at: "/graph")
      }
    }
    guard let nodes = parts.nodes else { throw FormatError(.missingMember, "a graph needs nodes", at: "/graph") }
    let given = given?.given
    if let given, given.kind != .object {
      throw FormatError(.wrongType, "inputs is an object of tensors by name, got \(given.describe)", at: "/inputs")
    }
    inputs = try InputDecoder(
      document: document, file: file, builder: builder, defaultDType: defaultDType, allowsTypes: allowsTypes,
      batch: batch
    )
    .decode(declared: parts.inputs, given: given)
    try batch?.check(inputs)
    for (index, input) in inputs.enumerated() {
      let pointer = parts.inputs == nil ? "/inputs" + Pointer.member(input.name.string) : "/graph/inputs/\(index)/name"
      try define(input.name.bytes, as: .input(index), at: pointer)
    }
    if let object = parts.constants { try decodeConstants(object) }
    try readNodes(nodes)
    let order = try order()
    noteTargets()
    for index in order { try emit(index) }
    return (try graphOutputs(parts.outputs), parts.outputs != nil)
  }

  private func define(
    _ name: UnsafeRawBufferPointer, as definition: NameTable.Definition, at pointer: @autoclosure () -> String
  )
    throws(FormatError)
  {
    if let refusal = NameTable.refusal(of: name) { throw FormatError(.wrongType, refusal, at: pointer()) }
    guard names.define(name, as: definition) else {
      throw FormatError(.duplicateName, taken(name), at: pointer())
    }
  }

  /// Why a name cannot be given again.
  private func taken(_ name: UnsafeRawBufferPointer) -> String {
    let text = String(decoding: name, as: UTF8.self)
    switch names[name] {
    case .input?: return "\(text) is already an input; choose another name"
    case .constant?: return "\(text) is already a constant; choose another name"
    case .result(let node, _)?: return "\(text) is already an output of node \(node); choose another name"
    case nil: return "\(text) is defined twice"
    }
  }

  private func decodeConstants(_ object: JSONValue) throws(FormatError) {
    guard object.kind == .object else {
      throw FormatError(
        .wrongType, "constants is an object of tensors by name, got \(object.describe)", at: "/graph/constants")
    }
    for (key, value) in object.members {
      let pointer = "/graph/constants" + Pointer.member(key.string)
      try define(key.bytes, as: .constant(constants.count), at: pointer)
      do throws(FormatError) {
        constantNames.append(.init(key))
        let tensor = try TensorDecoder(document: document).decode(value, .fallback(defaultDType))
        constants.append(builder.constantInput(tensor.type))
        constantTensors.append(tensor)
      } catch {
        throw error.under(pointer)
      }
    }
  }

  // MARK: Nodes

  private func readNodes(_ list: JSONValue) throws(FormatError) {
    guard list.kind == .array else {
      throw FormatError(.wrongType, "nodes is a list of objects, got \(list.describe)", at: "/graph/nodes")
    }
    guard list.count <= limits.nodes else {
      throw FormatError(
        .nodes, "the graph has \(list.count) nodes, at most \(limits.nodes) are allowed", at: "/graph/nodes",
        most: limits.nodes, value: list.count)
    }
    nodes.reserveCapacity(list.count)
    var resultCount = 0
    for (index, element) in list.elements.enumerated() {
      do throws(FormatError) {
        nodes.append(try NodeReader.read(element))
      } catch {
        throw error.under("/graph/nodes/\(index)").inNode(element["outputs"]?.firstName, operation: nil)
      }
      resultCount += nodes[index].outputs.listedCount
      try limits.checkNames(resultCount, "the nodes have", "results", at: "/graph/nodes/\(index)/outputs")
      try limits.checkNames(
        nodes[index].inputs.listedCount, "the node has", "operands", at: "/graph/nodes/\(index)/inputs")
      for (result, name) in nodes[index].outputs.listed.enumerated() {
        guard name.kind == .string else {
          throw FormatError(
            .wrongType, "an output is a name, got \(name.describe)",
            at: "/graph/nodes/\(index)/outputs" + nodes[index].outputs.place(of: result))
        }
        do throws(FormatError) {
          try define(
            name.stringBytes, as: .result(node: index, index: result),
            at: "/graph/nodes/\(index)/outputs" + nodes[index].outputs.place(of: result))
        } catch {
          throw error.inNode(nodes[index].firstOutput, operation: nodes[index].operation.reference.name)
        }
      }
    }
    results = Array(repeating: [], count: nodes.count)
    firstResults.reserveCapacity(nodes.count + 1)
    for index in nodes.indices { firstResults.append(firstResults[index] + nodes[index].outputs.listedCount) }
    isTaken = Array(repeating: false, count: firstResults[nodes.count])
  }

  /// The nodes so that each follows those whose results it takes: document order where that will do, else depth first
  /// with a stack of our own.
  private func order() throws(FormatError) -> [Int] {
    enum Mark { case new, open, done }
    var marks = [Mark](repeating: .new, count: nodes.count)
    var order: [Int] = []
    order.reserveCapacity(nodes.count)
    var stack: [(node: Int, operands: JSONElements)] = []
    for start in nodes.indices where marks[start] == .new {
      marks[start] = .open
      stack.append((start, nodes[start].inputs.listed))
      while let top = stack.indices.last {
        guard let operand = stack[top].operands.next() else {
          marks[stack[top].node] = .done
          order.append(stack[top].node)
          stack.removeLast()
          continue
        }
        guard operand.kind == .string, case .result(let node, _)? = names[operand.stringBytes] else { continue }
        switch marks[node] {
        case .done: break
        case .open: throw cycle(stack.map(\.node), back: node)
        case .new:
          marks[node] = .open
          stack.append((node, nodes[node].inputs.listed))
        }
      }
    }
    return order
  }

  /// Finds what `grad` nodes differentiate by.
  private func noteTargets() {
    for node in nodes where node.operation is GradOperation {
      for operand in node.inputs.listed.dropFirst() where operand.kind == .string {
        if case .result(let node, let index)? = names[operand.stringBytes] {
          targets.insert(firstResults[node] + index)
        }
      }
    }
  }

  private func cycle(_ path: [Int], back: Int) -> FormatError {
    let loop = Array((path.firstIndex(of: back).map { path[$0...] } ?? path[...]))
    let names = loop.prefix(8).map { nodes[$0].firstOutput ?? "node \($0)" }
    let more = loop.count > 8 ? ["…"] : []
    let text = (names + more + [names[0]]).reversed().joined(separator: " -> ")
    return FormatError(
      .cycle, "nodes wait for each other: \(text)", at: "/graph/nodes/\(back)", node: nodes[back].firstOutput,
      operation: nodes[back].operation.reference.name)
  }

  private func emit(_ index: Int) throws(FormatError) {
    let node = nodes[index]
    builder.label = Int32(index)
    let operands: [Operand]
    let attributes: [String: AttributeValue]
    do throws(FormatError) {
      operands = try OperandDecoder(document: document, builder: builder, defaultDType: defaultDType).decode(
        node.inputs, node.operation.reference
      ) {
        name throws(FormatError) in try operand(named: name)
      }
      attributes = try AttributeDecoder(document: document, defaultDType: defaultDType).decode(
        node.attributes, node.operation.reference)
    } catch {
      throw error.under("/graph/nodes/\(index)").inNode(node.firstOutput, operation: node.operation.reference.name)
    }
    for case .value(let value) in operands { consumed.insert(value.id) }
    do throws(GraphError) {
      results[index] = try builder.apply(
        node.operation, operands, attributes, resultCount: node.outputs.listedCount, defaultDType: defaultDType)
      if node.operation is GradOperation { noteZeros(of: index) }
      if !targets.isEmpty {
        for (result, value) in results[index].enumerated() where targets.contains(firstResults[index] + result) {
          results[index][result] = builder.kept(value)
        }
      }
    } catch {
      throw problem(error)
    }
  }

  /// Equal values are one, so what is zero everywhere is known by that.
  private func noteZeros(of node: Int) {
    for (result, value) in results[node].enumerated() where value.id == builder.zeros(value.type).id {
      zeroGradients.append((node, result + 1))
    }
  }

  // MARK: Names and errors

  private func operand(named name: JSONValue) throws(FormatError) -> Value {
    guard case .result(let node, let result)? = names[name.stringBytes] else { return try value(named: name) }
    isTaken[firstResults[node] + result] = true
    return results[node][result]
  }

  /// - Throws: `unknown_name` with the pointer "".
  func value(named name: JSONValue) throws(FormatError) -> Value {
    guard let definition = names[name.stringBytes] else {
      throw FormatError(.unknownName, UnknownName.detail(name, names, inputs: inputs.lazy.map(\.name.string)), at: "")
    }
    switch definition {
    case .input(let index): return inputs[index].value
    case .constant(let index): return constants[index]
    case .result(let node, let index): return results[node][index]
    }
  }

  /// An error of the core in the request's words.
  func problem(_ error: GraphError) -> FormatError {
    let node = error.node.flatMap { nodes.indices.contains($0) ? nodes[$0] : nil }
    // Several operations share a primitive: what the request calls it is right.
    let error = node.map { error.renamed($0.operation.reference.name) } ?? error
    let elements = node?.inputs.operandTexts ?? []
    let detail = error.text { elements.indices.contains($0) ? elements[$0] : "operand \($0)" }
    var pointer: String? = nil
    if let index = error.node {
      pointer = "/graph/nodes/\(index)"
      switch error.place {
      case .node: break
      case .operation: pointer? += "/op"
      case .operands: pointer? += "/inputs"
      case .operand(let operand): pointer? += elements.indices.contains(operand) ? "/inputs/\(operand)" : "/inputs"
      case .results: pointer? += "/outputs"
      case .attributes: pointer? += "/attributes"
      case .attribute(let name):
        pointer? += node?.attributes?[dynamic: name] == nil ? "" : "/attributes" + Pointer.member(name)
      }
    }
    return FormatError(error, detail: detail, at: pointer, node: node?.firstOutput, operation: error.operation)
  }

  // MARK: Outputs

  private func graphOutputs(_ list: JSONValue?) throws(FormatError) -> [Named] {
    if let list { return try namedValues(list, at: "/graph/outputs") }
    var outputs: [Named] = []
    for (index, node) in nodes.enumerated() {
      for (result, name) in node.outputs.listed.enumerated() where !isTaken[firstResults[index] + result] {
        outputs.append(Named(name: .init(name), value: results[index][result]))
      }
    }
    return outputs
  }

  /// A list of names of values, each once.
  func namedValues(_ list: JSONValue, at pointer: String, orEmpty: Bool = false) throws(FormatError) -> [Named] {
    if list.kind == .numbers { throw FormatError(.wrongType, "a name is expected, got a number", at: pointer + "/0") }
    guard list.kind == .array || list.kind == .string else {
      throw FormatError(.wrongType, "a list of names is expected, got \(list.describe)", at: pointer)
    }
    if list.listedCount == 0 && !orEmpty {
      throw FormatError(.missingMember, "at least one name is needed", at: pointer)
    }
    var seen = NameTable()
    var values: [Named] = []
    for (index, name) in list.listed.enumerated() {
      let pointer = pointer + list.place(of: index)
      guard name.kind == .string else {
        throw FormatError(.wrongType, "a name is expected, got \(name.describe)", at: pointer)
      }
      guard seen.define(name.stringBytes, as: .input(index)) else {
        throw FormatError(.duplicateName, "\(name.brief) is listed twice", at: pointer)
      }
      do throws(FormatError) {
        values.append(Named(name: .init(name), value: try value(named: name)))
      } catch {
        throw error.under(pointer)
      }
    }
    return values
  }

  /// Inputs that no node takes and that are no outputs themselves.
  func unusedInputs(outputs: [Named]) -> [Input] {
    let used = consumed.union(outputs.map(\.value.id))
    return inputs.filter { !used.contains($0.value.id) }
  }
}

extension JSONValue {
  /// The first of a list of names.
  var firstName: String? { listed.first { _ in true }.flatMap { $0.kind == .string ? $0.string : nil } }
}

extension GraphDecoder.Node {
  /// What the node is called in errors.
  var firstOutput: String? { outputs.firstName }
}

import AutogradCore
import AutogradFormats

/// Finds the parts of a graph in its JSON, for errors. Errors are rare, so it searches again instead of storing
/// positions.
final class JSONGraphText: SourceText {
  private let document: JSONDocument
  private let bodies: [(body: GraphSource.Body, object: JSONValue)]
  private let literals: [JSONValue]

  init(document: JSONDocument, bodies: [(body: GraphSource.Body, object: JSONValue)], literals: [JSONValue]) {
    self.document = document
    self.bodies = bodies
    self.literals = literals
  }

  func tensor(_ literal: Int, as dtype: DType) throws(FormatError) -> Tensor {
    try TensorDecoder(document: document).decode(literals[literal], .fallback(dtype))
  }

  func located(_ error: FormatError, at part: SourcePart) -> FormatError { error.under(pointer(part)) }

  func operandTexts(of node: Int) -> [String] {
    guard let inputs = object(ofNode: node)?["inputs"] else { return [] }
    if inputs.kind == .numbers {
      return inputs.numberTokens.map { String(decoding: $0.text.prefix(40), as: UTF8.self) }
    }
    return inputs.listed.enumerated().map { index, element in
      switch element.kind {
      case .string: element.string.count > 64 ? element.string.prefix(64) + "…" : element.string
      case .number, .true, .false: String(decoding: element.text.prefix(40), as: UTF8.self)
      default: "input \(index)"
      }
    }
  }

  // MARK: Pointers

  private func pointer(_ part: SourcePart) -> String {
    switch part {
    case .body(let index): pointer(ofBody: index)
    case .given(let name): "/inputs" + Pointer.member(name.string)
    case .input(let input): position(input, "inputs", in: \.inputs) + "/name"
    case .declaration(let input): position(input, "inputs", in: \.inputs)
    case .constant(let constant): pointer(ofConstant: constant)
    case .output(let output): position(output, "outputs", in: \.outputs)
    case .node(let node): pointer(ofNode: node)
    case .operation(let node): pointer(ofNode: node) + "/op"
    case .operands(let node): pointer(ofNode: node) + "/inputs"
    case .operand(let operand, let node): pointer(ofNode: node) + element(operand, of: "inputs", node)
    case .results(let node): pointer(ofNode: node) + "/outputs"
    case .result(let result, let node): pointer(ofNode: node) + element(result, of: "outputs", node)
    case .attributes(let node): pointer(ofNode: node) + attributes(node)
    case .attribute(let name, let node): pointer(ofNode: node) + attribute(name, node)
    }
  }

  private func pointer(ofBody index: Int) -> String {
    index == 0 ? "/graph" : "/graph/functions" + Pointer.member(bodies[index].body.name.string)
  }

  private func pointer(ofNode node: Int) -> String {
    guard let index = body(ofNode: node) else { return "/graph" }
    return pointer(ofBody: index) + "/nodes/\(node - bodies[index].body.nodes.lowerBound)"
  }

  private func pointer(ofConstant constant: Int) -> String {
    guard let index = bodies.firstIndex(where: { $0.body.constants.contains(constant) }) else { return "/graph" }
    let (body, object) = bodies[index]
    let skipped = constant - body.constants.lowerBound
    let name = object["constants"]?.members.enumerated().first { $0.offset == skipped }?.element.key.string ?? ""
    return pointer(ofBody: index) + "/constants" + Pointer.member(name)
  }

  /// An element of a list of a body.
  private func position(_ number: Int, _ member: String, in range: (GraphSource.Body) -> Range<Int>?) -> String {
    for (index, entry) in bodies.enumerated() {
      guard let range = range(entry.body), range.contains(number) else { continue }
      let list = member == "outputs" ? entry.object["outputs"] : entry.object["inputs"]
      return pointer(ofBody: index) + "/" + member + (list?.place(of: number - range.lowerBound) ?? "")
    }
    return "/graph"
  }

  /// An element of a list of a node, which may be written without the list if it is one name.
  private func element(_ position: Int, of member: StaticString, _ node: Int) -> String {
    "/\(member)" + (object(ofNode: node)?[member]?.place(of: position) ?? "")
  }

  private func attributes(_ node: Int) -> String {
    object(ofNode: node)?["attributes"]?.given == nil ? "" : "/attributes"
  }

  private func attribute(_ name: String, _ node: Int) -> String {
    guard let attributes = object(ofNode: node)?["attributes"] else { return "" }
    return attributes.members.contains { $0.key.string == name } ? "/attributes" + Pointer.member(name) : ""
  }

  // MARK: Nodes

  private func body(ofNode node: Int) -> Int? { bodies.firstIndex { $0.body.nodes.contains(node) } }

  private func object(ofNode node: Int) -> JSONValue? {
    guard let (body, object) = body(ofNode: node).map({ bodies[$0] }) else { return nil }
    let skipped = node - body.nodes.lowerBound
    return object["nodes"]?.elements.enumerated().first { $0.offset == skipped }?.element
  }
}

import AutogradCore
import AutogradFormats

/// Errors with the names of the source.
extension GraphAssembler {
  /// An error with its place, and the node that it happened in.
  func fault(_ error: FormatError, at part: SourcePart, node: Int?) -> FormatError {
    let located = text.located(error, at: part)
    guard let node else { return located }
    return located.inNode(firstResult(of: node), operation: source.nodes[node].operation.reference.name)
  }

  /// The same for a node that may come from a call.
  func fault(_ error: FormatError, at part: SourcePart, label: Int32) -> FormatError {
    let error = fault(error, at: part, node: node(of: label))
    let calls = calls(leadingTo: label)
    return calls.isEmpty ? error : error.saying { $0 + calls }
  }

  /// An error of the core.
  package func problem(_ error: GraphError) -> FormatError {
    guard let label = error.node.flatMap({ Int32(exactly: $0) }), let node = node(of: label) else {
      return FormatError(error, detail: error.text { "operand \($0)" }, at: nil, operation: error.operation)
    }
    // Several operations share a primitive, so the operation's name is taken from the source.
    let error = error.renamed(source.nodes[node].operation.reference.name)
    let operands = text.operandTexts(of: node)
    let detail = error.text { operands.indices.contains($0) ? operands[$0] : "operand \($0)" }
    let part: SourcePart =
      switch error.place {
      case .node: .node(node)
      case .operation: .operation(ofNode: node)
      case .operands: .operands(ofNode: node)
      case .operand(let operand):
        operands.indices.contains(operand) ? .operand(operand, ofNode: node) : .operands(ofNode: node)
      case .results: .results(ofNode: node)
      case .attributes: .attributes(ofNode: node)
      case .attribute(let name): .attribute(name, ofNode: node)
      }
    return fault(FormatError(error, detail: detail, at: "", operation: error.operation), at: part, label: label)
  }

  /// Where a node stands, as an error without words.
  package func place(ofNode node: Int) -> FormatError {
    text.located(FormatError(.internal, "", at: ""), at: .node(node))
  }

  /// The name of a node in errors.
  func firstResult(of node: Int) -> String? {
    let results = source.nodes[node].results
    return results.isEmpty ? nil : source.results[results.lowerBound].string
  }

  private func node(of label: Int32) -> Int? {
    let label = Int(label)
    if source.nodes.indices.contains(label) { return label }
    let placement = label - source.nodes.count
    return placements.indices.contains(placement) ? Int(placements[placement].node) : nil
  }

  /// The calls that lead to a failing node, as the end of a sentence: "; in step, called by y".
  private func calls(leadingTo label: Int32) -> String {
    var words = ""
    var label = Int(label)
    for _ in 0..<8 {
      guard placements.indices.contains(label - source.nodes.count) else { return words }
      let placement = placements[label - source.nodes.count]
      let function = source.bodies.first { $0.nodes.contains(Int(placement.node)) }?.name.string ?? ""
      label = Int(placement.call)
      let caller = node(of: placement.call).map { firstResult(of: $0) ?? "a node without outputs" } ?? ""
      words += "\(words.isEmpty ? "; " : " ")in \(function), called by \(caller)"
    }
    return words + " …"
  }
}

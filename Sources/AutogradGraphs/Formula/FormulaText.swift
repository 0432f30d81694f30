import AutogradCore
import AutogradFormats

/// Finds the parts of a graph in its formula, for errors, and adds how a formula writes what is probably meant.
final class FormulaText: SourceText {
  private let bytes: FormulaBytes
  private let source: GraphSource
  private let places: FormulaPlaces
  private let document: JSONDocument
  private let lists: [JSONValue]
  /// What the document was read from.
  private let json: ByteBuffer

  init(_ layout: FormulaLayout, _ bytes: FormulaBytes, _ document: JSONDocument, _ json: ByteBuffer) {
    self.bytes = bytes
    source = layout.source
    places = layout.places
    lists = layout.lists
    self.document = document
    self.json = json
  }

  func tensor(_ literal: Int, as dtype: DType) throws(FormatError) -> Tensor {
    try TensorDecoder(document: document).decode(lists[literal], .fallback(dtype))
  }

  func located(_ error: FormatError, at part: SourcePart) -> FormatError {
    if case .given(let name) = part { return error.under("/inputs" + Pointer.member(name.string)) }
    let mend = mend(error, part)
    return error.at(bytes.pointer, TextPlace(place(part), in: bytes.text)).saying { $0 + mend }
  }

  /// As they are written; long ones are cut.
  func operandTexts(of node: Int) -> [String] {
    source.nodes[node].operands.map { operand in
      let span = places.operands[operand]
      let text = bytes.string(span.lowerBound, span.upperBound).split(whereSeparator: \.isWhitespace)
        .joined(separator: " ")
      return text.count > 64 ? text.prefix(64) + "…" : text
    }
  }

  // MARK: Places

  private func place(_ part: SourcePart) -> Int {
    switch part {
    case .body(let body): return places.bodies[body]
    case .input(let input), .declaration(let input): return places.inputs[input]
    case .given: return 0
    case .constant(let constant): return places.constants[constant]
    case .output(let output): return places.outputs[output]
    case .node(let node), .operation(let node), .operands(let node), .attributes(let node): return places.nodes[node]
    case .results(let node): return places.nodes[node]
    case .operand(let operand, let node):
      let listed = source.nodes[node].operands
      return listed.count > operand ? places.operands[listed.lowerBound + operand].lowerBound : places.nodes[node]
    case .result(let result, let node):
      let listed = source.nodes[node].results
      return listed.count > result ? places.results[listed.lowerBound + result] : places.nodes[node]
    case .attribute(let name, let node):
      return places.attributes[node].first { $0.name == name }?.place ?? places.nodes[node]
    }
  }

  // MARK: Mends

  private func mend(_ error: FormatError, _ part: SourcePart) -> String {
    switch (error.code, part) {
    case (.unknownName, .operand(let operand, let node)): return mendOfName(operand, node)
    case (.wrongArity, .operands(let node)):
      return FormulaHints.arity(source.nodes[node].operation.reference, operandTexts(of: node)).map { "; \($0)" } ?? ""
    case (.wrongArity, .results(let node)):
      let reference = source.nodes[node].operation.reference
      guard !reference.hasManyResults, reference.results.count > 1 else { return "" }
      let operands = operandTexts(of: node).joined(separator: ", ")
      return "; write \(reference.results.joined(separator: ", ")) = \(reference.name)(\(operands))"
    default: return ""
    }
  }

  private func mendOfName(_ operand: Int, _ node: Int) -> String {
    guard case .name(let name) = source.operands[source.nodes[node].operands.lowerBound + operand] else { return "" }
    return FormulaHints.number(name.string).map { "; write \($0)" } ?? ""
  }
}

import AutogradCore
import AutogradFormats

/// Reads a graph that is written as a formula, `loss = sum((x @ w + b - y) ** 2)`. docs/formulas.md has the language.
package enum FormulaReader {
  /// - Parameters:
  ///   - text: UTF-8, which is copied.
  ///   - pointer: where it stands in the request.
  /// - Throws: what is wrong, at the pointer, with line and column.
  package static func read(
    _ text: UnsafeRawBufferPointer, limits: GraphLimits, defaultDType: DType = .float64, pointer: String = "/graph"
  ) throws(FormatError) -> (source: GraphSource, text: any SourceText) {
    try read(FormulaBytes(copying: text, pointer: pointer), limits: limits, defaultDType: defaultDType)
  }

  static func read(
    _ bytes: FormulaBytes, limits: GraphLimits, defaultDType: DType
  ) throws(FormatError) -> (source: GraphSource, text: any SourceText) {
    if let offset = UTF8Sequence.firstFault(bytes.text) {
      throw bytes.fault(offset, "the text is not UTF-8 here; send it as UTF-8, not Latin-1 or UTF-16")
    }
    var parser = try FormulaParser(bytes, limits: limits)
    try parser.readStatements()
    parser.settle()
    try check(parser)
    let document: JSONDocument
    do throws(JSONSyntaxError) {
      document = try parser.literals.document(
        maximumDepth: FormulaParser.greatestDepth + 8, maximumBytes: limits.documentBytes)
    } catch {
      throw FormatError(error).at(bytes.pointer, TextPlace(0, in: bytes.text))
    }
    let layout = try FormulaLayout(parser, document, defaultDType: defaultDType)
    return (layout.source, FormulaText(layout, bytes, document, parser.literals.json))
  }

  /// A formula has an output.
  private static func check(_ parser: FormulaParser) throws(FormatError) {
    let graph = parser.draft
    if graph.outputs != nil || graph.known.contains(where: { $0.kind == .value && !$0.isTaken }) { return }
    throw parser.bytes.fault(
      parser.token.start, "the formula computes nothing: it ends in an expression, or a name for one, as in y = sum(x)")
  }
}

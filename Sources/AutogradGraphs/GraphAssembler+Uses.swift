import AutogradCore
import AutogradFormats

extension GraphAssembler {
  /// Checks all that can be checked without the types of the inputs: names, cycles and calls, and of each node the
  /// numbers of operands and results, and the attributes.
  /// - Parameter inputs: the names of the inputs.
  func checkUses(inputs: [SourceName]) throws(FormatError) {
    try resolveNames(inputs.map { NamedValue(name: $0, value: builder.value(-1)) })
    try checkCalls()
    defer { builder.label = -1 }
    for (index, node) in source.nodes.enumerated() where node.role != .call {
      builder.label = Int32(index)
      do throws(GraphError) {
        try builder.checkUse(
          of: node.operation, operandCount: node.operands.count,
          node.attributes.map { source.attributes[$0] } ?? [:], resultCount: node.results.count)
      } catch {
        throw problem(error)
      }
    }
  }

  /// Checks that lists among operands are tensors of some dtype: which one, only the types of the inputs say.
  func checkLiterals() throws(FormatError) {
    for (index, node) in source.nodes.enumerated() {
      for (position, operand) in node.operands.enumerated() {
        guard case .literal(let literal) = source.operands[operand] else { continue }
        do throws(FormatError) {
          try checkLiteral(literal)
        } catch {
          throw fault(error, at: .operand(position, ofNode: index), node: index)
        }
      }
    }
  }

  private func checkLiteral(_ literal: Int) throws(FormatError) {
    do throws(FormatError) {
      _ = try text.tensor(literal, as: .float64)
    } catch {
      for dtype in [DType.bool, .int64] where (try? text.tensor(literal, as: dtype)) != nil { return }
      throw error
    }
  }
}

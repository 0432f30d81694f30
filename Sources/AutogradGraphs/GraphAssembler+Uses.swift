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
}

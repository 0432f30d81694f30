import AutogradCore
import AutogradFormats

/// Limits of a graph.
package struct GraphLimits: Sendable {
  /// Nodes as written, and with all calls expanded; also results of all nodes, and names in any one list.
  package var nodes: Int
  /// Axes and elements of any one tensor.
  package var rank: Int
  package var elements: Int
  /// Bytes that reading the literals of a formula may take.
  package var documentBytes = Int.max

  package init(nodes: Int, rank: Int = Shape.maximumRank, elements: Int = Shape.maximumElementCount) {
    self.nodes = nodes
    self.rank = rank
    self.elements = elements
  }

  /// A builder with these limits.
  package func builder() -> GraphBuilder {
    let builder = GraphBuilder()
    builder.maximumRank = rank
    builder.maximumElements = elements
    return builder
  }

  /// - Throws: `limit_exceeded`, a sentence that begins with `who`.
  package func checkNames(_ count: Int, _ who: String, _ what: String, at pointer: @autoclosure () -> String)
    throws(FormatError)
  {
    guard count > nodes else { return }
    throw FormatError(
      .nodes, "\(who) \(count) \(what), at most \(nodes) are allowed", at: pointer(), most: nodes, value: count)
  }
}

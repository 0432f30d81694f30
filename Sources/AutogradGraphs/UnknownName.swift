import AutogradCore

/// The error text for an undefined name.
enum UnknownName {
  private static let mostShown = 8

  /// - Parameter inputs: the input names of the graph or function that uses it.
  static func detail(_ name: SourceName, _ known: NameTable, inputs: some Collection<String>) -> String {
    let text = name.string
    if let hint = NameTable.numberHint(for: text) { return "no value is called \(name.brief)\(hint)" }
    if Double(text) != nil { return "\(name.brief) is a number in quotes; write it without them" }
    let near = known.hint(for: text)
    if near.isEmpty, isFormula(text) {
      return "operands are names or numbers; \(name.brief) is a formula: write each of its operations as a node"
    }
    if !near.isEmpty { return "no value is called \(name.brief)\(near)" }
    if inputs.isEmpty { return "no value is called \(name.brief); the request gives no inputs" }
    let shown = inputs.prefix(mostShown).joined(separator: ", ") + (inputs.count > mostShown ? ", …" : "")
    return "no value is called \(name.brief); the \(inputs.count == 1 ? "input is" : "inputs are") \(shown)"
  }

  /// Whether it looks like a formula: `2*x`, `x.T`, `x[0]`, `sin(x)`.
  private static func isFormula(_ text: String) -> Bool {
    text.contains { "+-*/^()[]@".contains($0) } || text.hasSuffix(".T")
  }
}

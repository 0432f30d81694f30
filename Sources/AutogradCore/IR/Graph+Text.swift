/// The one printed form of a graph, for golden tests, for errors and for people:
///
///     graph(%0 x: float64[2, 3], %1 w: float64[3]) {
///       %2 = matmul %0 %1 : float64[2]
///       return %2
///     }
///
/// Only what the outputs need is printed, and values are numbered as they appear.
extension Graph: CustomStringConvertible {
  public var description: String { (try? text(nil)) ?? "" }

  /// - Throws: `interrupted`, because the text may have megabytes.
  package func text(_ interruption: Interruption?) throws(GraphError) -> String {
    let live = reachableNodes
    var numbers = [Int](repeating: -1, count: columns.valueCount)
    var next = 0
    func number(_ value: ValueID) -> String {
      if numbers[Int(value)] < 0 {
        numbers[Int(value)] = next
        next += 1
      }
      return "%\(numbers[Int(value)])"
    }

    let parameters = columns.inputs.enumerated().map { index, value in
      let name =
        index < columns.inputNames.count && !columns.inputNames[index].isEmpty ? " " + columns.inputNames[index] : ""
      return "\(number(value))\(name): \(columns.type(of: value))"
    }
    var text = "graph(" + parameters.joined(separator: ", ") + ") {\n"
    for node in 0..<NodeID(columns.nodeCount) where live[Int(node)] && columns.opcodes[Int(node)] != .input {
      if Int(node) % GraphBuilder.nodesBetweenLooks == 0 { try interruption?.check() }
      let operands = columns.operandRange(node).map { " " + number(columns.operands[$0]) }.joined()
      let results = columns.resultRange(node)
      text += "  " + results.map { number(ValueID($0)) }.joined(separator: ", ")
      text += " = \(columns.opcodes[Int(node)].name)\(operands)\(attributeText(node))"
      text += " : " + results.map { "\(columns.type(of: ValueID($0)))" }.joined(separator: ", ") + "\n"
    }
    return text + "  return " + outputs.map(number).joined(separator: ", ") + "\n}\n"
  }

  private func attributeText(_ node: NodeID) -> String {
    switch columns.attributes(of: node) {
    case .none: ""
    case .shape(let shape): " shape=\(shape)"
    case .permutation(let axes): " axes=\(axes)"
    case .axes(let axes): " axes=\(axes.array)"
    case .axis(let axis): " axis=\(axis)"
    case .along(let axis, let size): " axis=\(axis) of=\(size)"
    case .scan(let scan): " axis=\(scan.axis)" + (scan.reverse ? " reverse" : "")
    case .partition(let axis, let sizes): " axis=\(axis) sizes=\(sizes)"
    case .window(let window): " starts=\(window.starts) steps=\(window.steps) sizes=\(window.sizes) of=\(window.whole)"
    case .solve(let form):
      (form.isTransposed ? " transposed" : "") + (form.isLower ? " lower" : "") + (form.givesNaN ? " nan" : "")
    case .dtype(let dtype): " dtype=\(dtype)"
    case .derivative(let index): " derivative=\(index)"
    case .scalar(let dtype, let bits): " " + Scalar(dtype, bits: bits).description
    case .index(let index):
      if columns.opcodes[Int(node)] == .custom {
        " " + columns.customOperations[index].name
      } else {
        " #\(index)"
      }
    }
  }
}

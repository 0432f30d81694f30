/// The marks of a reverse pass on a builder's values. Passes reuse it and leave it cleared, so a pass costs only as
/// much as the part of the graph that it visits. A graph with a gradient at every node then does not take quadratic
/// time.
final class PassMarks {
  static let none: ValueID = -1

  /// For each value, whether it depends on a target.
  @exclusivity(unchecked) private(set) var wanted: [Bool] = []
  @exclusivity(unchecked) private(set) var cotangents: [ValueID] = []
  /// Number of terms of each float32 cotangent, up to 255.
  @exclusivity(unchecked) private(set) var termCounts: [UInt8] = []
  @exclusivity(unchecked) private var isMet: [Bool] = []
  @exclusivity(unchecked) private var touched: [ValueID] = []

  /// Makes room for values added since.
  func fit(_ columns: GraphColumns) {
    let more = columns.valueCount - wanted.count
    if more > 0 {
      wanted += repeatElement(false, count: more)
      cotangents += repeatElement(PassMarks.none, count: more)
      termCounts += repeatElement(1, count: more)
    }
    let nodes = columns.nodeCount - isMet.count
    if nodes > 0 { isMet += repeatElement(false, count: nodes) }
  }

  func want(_ value: ValueID) {
    wanted[Int(value)] = true
    touched.append(value)
  }

  func set(_ cotangent: ValueID, of value: ValueID) {
    cotangents[Int(value)] = cotangent
    touched.append(value)
  }

  /// - Returns: how many there are now.
  func countTerm(of value: ValueID) -> UInt8 {
    if termCounts[Int(value)] < .max { termCounts[Int(value)] += 1 }
    return termCounts[Int(value)]
  }

  func clear(_ value: ValueID) {
    wanted[Int(value)] = false
    cotangents[Int(value)] = PassMarks.none
    termCounts[Int(value)] = 1
  }

  func clear() {
    for value in touched { clear(value) }
    touched.removeAll(keepingCapacity: true)
  }

  /// The nodes from `start` on that lead to values, in order.
  func nodes(leadingTo values: [Value], from start: NodeID, _ columns: GraphColumns) -> [NodeID] {
    var met: [NodeID] = []
    func meet(_ value: ValueID) {
      let node = columns.producers[Int(value)]
      if node < start || isMet[Int(node)] { return }
      isMet[Int(node)] = true
      met.append(node)
    }
    for value in values where value.isValid { meet(value.id) }
    var next = 0
    while next < met.count {
      for operand in columns.operandRange(met[next]) { meet(columns.operands[operand]) }
      next += 1
    }
    if met.count > columns.nodeCount / 16 {
      // If there are many, scanning all nodes is faster than sorting.
      met = (start..<NodeID(columns.nodeCount)).filter { isMet[Int($0)] }
    } else {
      met.sort()
    }
    for node in met { isMet[Int(node)] = false }
    return met
  }
}

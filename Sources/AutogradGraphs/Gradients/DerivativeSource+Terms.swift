import AutogradCore

/// Nodes of derivatives as operations of the catalog. Broadcasts are left out where the operation around them does
/// the same.
extension DerivativeSource {
  /// Translates what the values are made of, up to values that have a name.
  /// - Returns: false if the catalog does not have all of it.
  func translate(_ values: [ValueID]) -> Bool {
    var isNeeded = [Bool](repeating: false, count: columns.nodeCount)
    func need(_ value: ValueID) { if terms[value] == nil { isNeeded[Int(columns.producers[Int(value)])] = true } }
    for value in values { need(value) }
    for node in stride(from: columns.nodeCount - 1, through: 0, by: -1) where isNeeded[node] {
      let operands = columns.operandRange(NodeID(node))
      for position in DerivativeSource.usedOperands(columns.opcodes[node], operands.count) {
        need(columns.operands[operands.lowerBound + position])
      }
    }
    for node in 0..<columns.nodeCount where isNeeded[node] {
      if assembler.builder.interruption?.isInterrupted == true { return false }
      guard translate(NodeID(node)) else { return false }
    }
    return true
  }

  /// The operands that say what a node is. Others hold its value in a form that the executor likes better.
  private static func usedOperands(_ opcode: Opcode, _ count: Int) -> [Int] {
    switch opcode {
    case .norm, .unit, .centred, .scale, .softmax, .logSoftmax, .logSumExp, .determinant: [0]
    case .luSolve: [0, 2]
    case .signed: [2]
    case .quotientByLength, .deviations, .weightedDeviations, .withoutShare: [0, 1]
    case .lengthPower, .radialPower: [count - 1]
    default: Array(0..<count)
    }
  }

  private func translate(_ node: NodeID) -> Bool {
    for (position, result) in columns.resultRange(node).enumerated() where terms[ValueID(result)] == nil {
      guard let term = DerivativeNode(self, node, result: position).term() else { return false }
      terms[ValueID(result)] = term
    }
    return true
  }

  // MARK: Terms

  /// A node of the derivative.
  func node(
    _ operation: String, _ operands: [Term], _ attributes: [String: AttributeValue] = [:], _ type: TensorType
  ) -> Term {
    let draft = append(operation, operands.map(\.operand), attributes)
    return Term(operand: .draft(draft), shape: type.shape, type: type)
  }

  /// The value in its own shape.
  func whole(_ term: Term) -> Term {
    if term.shape == term.type.shape { return term }
    guard case .draft(let draft) = term.operand else { return broadcast(term) }
    let key = Broadcast(draft: draft, shape: term.type.shape)
    if let known = broadcasts[key] { return known }
    let whole = broadcast(term)
    broadcasts[key] = whole
    return whole
  }

  private func broadcast(_ term: Term) -> Term {
    node("broadcast_to", [term], ["shape": .integers(term.type.shape.array)], term.type)
  }

  /// An operation element by element, of values that broadcast together. The result has the smallest shape that its
  /// operands give.
  func pointwise(_ operation: String, _ operands: [Term], dtype: DType? = nil) -> Term {
    if let known = simplified(operation, operands) { return known }
    var (shape, whole): (Shape, Shape) = ([], [])
    for operand in operands {
      shape = Shape.broadcast(shape, operand.shape) ?? operand.type.shape
      whole = Shape.broadcast(whole, operand.type.shape) ?? operand.type.shape
    }
    var term = node(operation, operands, [:], TensorType(dtype ?? operands[operands.count - 1].type.dtype, whole))
    term.shape = shape
    return term
  }

  /// A tensor that has no name in the graph. Nil if there are too many of them to be read.
  func constant(_ tensor: Tensor) -> Term? {
    constantBytes += tensor.type.byteCount
    guard constantBytes <= DerivativeSource.mostConstantBytes else { return nil }
    if tensor.elementCount <= DerivativeSource.mostRepeated {
      return Term(operand: .tensor(tensor), shape: tensor.shape, type: tensor.type)
    }
    return node("constant", [], ["value": .tensor(tensor)], tensor.type)
  }

  private static let mostConstantBytes = 1 << 16
  /// Tensors of more elements are written once.
  private static let mostRepeated = 8

  /// What people leave out when they write a derivative. Signs of zeros are not kept.
  private func simplified(_ operation: String, _ operands: [Term]) -> Term? {
    let (first, last) = (operands[0], operands[operands.count - 1])
    if first.type.dtype.isFloating, let known = DerivativeSource.folded(operation, operands.map(number)) {
      return Term(
        operand: number(known, like: first).operand, shape: [],
        type: TensorType(first.type.dtype, Shape.broadcast(first.type.shape, last.type.shape) ?? first.type.shape))
    }
    switch operation {
    case "add":
      if number(last) == 0, Shape.broadcast(first.type.shape, last.type.shape) == first.type.shape { return first }
    case "mul":
      if number(last) == 1, Shape.broadcast(first.type.shape, last.type.shape) == first.type.shape { return first }
      if number(first) == 1, Shape.broadcast(first.type.shape, last.type.shape) == last.type.shape { return last }
      if number(last) == -1, Shape.broadcast(first.type.shape, last.type.shape) == first.type.shape {
        return pointwise("neg", [first])
      }
      if number(first) == -1, Shape.broadcast(first.type.shape, last.type.shape) == last.type.shape {
        return pointwise("neg", [last])
      }
    default: break
    }
    return nil
  }

  /// Arithmetic of numbers.
  private static func folded(_ operation: String, _ numbers: [Double?]) -> Double? {
    guard let first = numbers[0], let last = numbers[numbers.count - 1] else { return nil }
    switch operation {
    case "neg": return -first
    case "reciprocal": return 1 / first
    case "mul": return first * last
    case "div": return first / last
    default: return nil
    }
  }

  func number(_ number: Double, like term: Term) -> Term {
    let dtype = term.type.dtype
    return Term(operand: .scalar(Scalar(floating: number, as: dtype)), shape: [], type: TensorType(dtype, []))
  }

  /// The number that a term is everywhere.
  func number(_ term: Term) -> Double? {
    guard case .scalar(let scalar) = term.operand else { return nil }
    switch scalar.dtype {
    case .float64: return Double(bitPattern: scalar.bits)
    case .float32: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: scalar.bits)))
    case .int64: return Double(exactly: Int64(bitPattern: scalar.bits))
    case .int32: return Double(Int32(truncatingIfNeeded: scalar.bits))
    case .bool: return nil
    }
  }
}

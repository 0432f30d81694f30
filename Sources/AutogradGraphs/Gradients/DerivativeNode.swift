import AutogradCore

/// One primitive of a graph, as operations of the catalog.
struct DerivativeNode {
  typealias Term = DerivativeSource.Term

  let source: DerivativeSource
  let opcode: Opcode
  let attributes: Attributes
  let operands: [Term?]
  /// The result that is meant, and its type.
  let result: Int
  let type: TensorType
  let name: String
  let tensors: [Tensor]

  init(_ source: DerivativeSource, _ node: NodeID, result: Int) {
    self.result = result
    self.source = source
    let columns = source.columns
    opcode = columns.opcodes[Int(node)]
    attributes = columns.attributes(of: node)
    operands = columns.operandRange(node).map { source.terms[columns.operands[$0]] }
    type = columns.type(of: ValueID(columns.resultRange(node).lowerBound + result))
    name = opcode.name
    tensors = columns.tensors
  }

  /// Nil if the catalog does not have it, or not as the primitive does it.
  func term() -> Term? {
    if opcode == .constant { return constant }
    switch opcode {
    case .signed: return operands[2]
    case .lengthPower, .radialPower: return operands.last ?? nil
    default: break
    }
    guard let x = operands.first ?? nil else { return nil }
    let y = operands.count > 1 ? operands[1] : nil
    switch attributes {
    case .none: return y.map { plain(x, $0) } ?? plain(x)
    case .shape(let shape): return shaped(x, shape)
    case .axes(let axes): return reduced(x, y, axes.array)
    case .scan(let scan): return scanned(x, y, scan)
    default: return attributed(x, y)
    }
  }

  private var constant: Term? {
    switch attributes {
    case .scalar(let dtype, let bits): Term(operand: .scalar(Scalar(dtype, bits: bits)), shape: [], type: type)
    case .index(let index): source.constant(tensors[index])
    default: nil
    }
  }

  // MARK: Element by element

  func call(_ operation: String, _ operands: Term...) -> Term { source.pointwise(operation, operands) }
  func test(_ operation: String, _ operands: Term...) -> Term {
    source.pointwise(operation, operands, dtype: .bool)
  }
  func power(_ x: Term, _ y: Double) -> Term { call("pow", x, source.number(y, like: x)) }
  func choice(_ condition: Term, _ x: Term, _ y: Term) -> Term { call("where", condition, x, y) }

  private func plain(_ x: Term) -> Term? {
    let (one, zero) = (source.number(1, like: x), source.number(0, like: x))
    switch opcode {
    case .kept, .guarded: return x
    case .stopGradient: return source.node("stop_gradient", [source.whole(x)], [:], type)
    case .sech2: return call("div", one, power(call("cosh", x), 2))
    case .tanSlope: return call("add", one, power(call("tan", x), 2))
    case .asinSlope: return call("div", one, call("sqrt", call("sub", one, power(x, 2))))
    case .atanhSlope: return call("div", one, call("sub", one, power(x, 2)))
    case .gaussian: return call("exp", call("neg", power(x, 2)))
    case .zeroOf: return choice(test("isnan", x), x, zero)
    case .scaledSigmoid: return call("mul", source.number(0x1p12, like: x), call("sigmoid", x))
    case .scaledErfc: return call("mul", source.number(0x1p12, like: x), call("erfc", x))
    case .scaledSech2: return call("div", source.number(0x1p12, like: x), power(call("cosh", x), 2))
    case .scaledGaussian: return call("mul", source.number(0x1p12, like: x), call("exp", call("neg", power(x, 2))))
    case .cholesky: return source.node("cholesky", [source.whole(x)], [:], type)
    default:
      guard isPointwise, isInCatalog(operands: 1) else { return nil }
      return source.pointwise(name, [x], dtype: type.dtype)
    }
  }

  private func plain(_ x: Term, _ y: Term) -> Term? {
    let (one, zero) = (source.number(1, like: x), source.number(0, like: x))
    switch opcode {
    case .matmul: return source.node("matmul", [source.whole(x), source.whole(y)], [:], type)
    case .select, .settled: return operands[2].map { choice(x, y, $0) }
    case .productQuotient: return operands[2].map { call("div", call("mul", x, y), $0) }
    case .direction:
      let length = call("hypot", x, y)
      if isNotZero(x) || isNotZero(y) { return call("div", x, length) }
      return choice(test("equal", length, zero), zero, call("div", x, length))
    case .inversion:
      let square = call("add", power(x, 2), power(y, 2))
      if number(x, is: 1) { return call("div", one, call("add", one, power(y, 2))) }
      if isNotZero(x) || isNotZero(y) { return call("div", x, square) }
      return choice(test("equal", square, zero), zero, call("div", x, square))
    case .powByX: return powerByBase(x, y)
    case .powByY:
      let slope = call("mul", call("pow", x, y), call("log", x))
      if let base = source.number(x), base > 0 { return slope }
      let isFlat = test("logical_and", test("equal", x, zero), test("greater_equal", y, zero))
      return choice(isFlat, zero, slope)
    default:
      guard isPointwise, isInCatalog(operands: 2) else { return nil }
      return source.pointwise(name, [x, y], dtype: type.dtype)
    }
  }

  /// y x^(y - 1), and 0 where y is 0.
  private func powerByBase(_ x: Term, _ y: Term) -> Term {
    let (one, zero) = (source.number(1, like: x), source.number(0, like: x))
    switch source.number(y) {
    case 2?: return call("mul", y, x)
    case let exponent? where exponent != 0: return call("mul", y, power(x, exponent - 1))
    default:
      return choice(test("equal", y, zero), zero, call("mul", y, call("pow", x, call("sub", y, one))))
    }
  }

  func number(_ term: Term, is number: Double) -> Bool { source.number(term) == number }
  private func isNotZero(_ term: Term) -> Bool { source.number(term).map { $0 != 0 && !$0.isNaN } ?? false }

  /// Whether it works element by element under the catalog's name.
  private var isPointwise: Bool {
    let ranges: [ClosedRange<Opcode.RawValue>] = [
      Opcode.add.rawValue...Opcode.xlogy.rawValue, Opcode.i0e.rawValue...Opcode.zeta.rawValue,
      Opcode.equal.rawValue...Opcode.logicalNot.rawValue,
    ]
    return ranges.contains { $0.contains(opcode.rawValue) }
  }

  private func isInCatalog(operands count: Int) -> Bool {
    OpCatalog.operation(named: name)?.reference.operands.count == count && operands.count == count
  }
}

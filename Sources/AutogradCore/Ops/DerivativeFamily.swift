import CKernels

/// The derivatives of a function of one or two operands, each a function of its own that a kernel computes by number:
/// the attribute of the node. The derivative of a member is a member. How far they go has an end, beyond which a
/// derivative is refused while the graph is built.
struct DerivativeFamily: Sendable {
  /// Operations whose derivatives these are, by the number of the function among several that share a kernel.
  let names: [[String]]
  /// What the operands are called, and how often the function can be differentiated by each.
  let limits: [(operand: String, most: Int)]
  /// How often it can be differentiated in all.
  let most: Int
  /// What one more derivative by the last operand adds to the number; by the first of two it is 1.
  let lastStep: Int
  /// The order, in all, of what has the number 0.
  let first: Int

  var arity: Int { limits.count }

  /// Of functions of one operand that share a kernel: their names, by their numbers.
  init(of names: [[String]], most: Int, first: Int = 0) {
    self.names = names
    limits = [("x", most)]
    self.most = most
    lastStep = 1
    self.first = first
  }

  init(of names: [String], by limits: [(operand: String, most: Int)], most: Int = .max, step: Int, first: Int = 0) {
    self.names = [names]
    self.limits = limits
    self.most = most
    lastStep = step
    self.first = first
  }

  func step(by operand: Int) -> Int { operand == arity - 1 ? lastStep : 1 }

  func code(_ attributes: Attributes) -> Int {
    if case .derivative(let code) = attributes { code } else { 0 }
  }

  /// How often by each operand.
  private func orders(_ code: Int) -> [Int] {
    arity == 1 ? [code % Int(CK_CODE_STEP)] : [code % lastStep, code / lastStep]
  }

  /// - Throws: `limitExceeded` for a derivative that there is none of.
  func check(_ attributes: Attributes) throws(GraphError) {
    let code = code(attributes)
    let orders = orders(code)
    for (order, limit) in zip(orders, limits) where arity > 1 && order > limit.most {
      throw refusal(code, order, limit.most, by: " by \(limit.operand)")
    }
    let total = orders.reduce(first, +)
    if total > most { throw refusal(code, total, most, by: "") }
  }

  private func refusal(_ code: Int, _ order: Int, _ most: Int, by operand: String) -> GraphError {
    let number = arity == 1 ? code / Int(CK_CODE_STEP) : 0
    return Self.refusal(names.indices.contains(number) ? names[number] : [], order, most, by: operand)
  }

  /// The error about a derivative of too high an order.
  static func refusal(_ names: [String], _ order: Int, _ most: Int, by operand: String = "") -> GraphError {
    GraphError(
      .limitExceeded,
      "derivatives of \(names.joined(separator: " and "))\(operand) go up to order \(most), not \(order)",
      operation: names.count == 1 ? names[0] : nil, limit: .work(most), value: order)
  }

  /// The node's number as an element.
  func putCode(_ attributes: Attributes, _ dtype: DType, _ target: UnsafeMutableRawPointer) {
    let scalar = Scalar(floating: Double(code(attributes)), as: dtype).tensor
    withExtendedLifetime(scalar) { target.copyMemory(from: scalar.storage.base, byteCount: dtype.byteWidth) }
  }
}

extension PointwiseFunction {
  /// The row of a family: its derivatives are its own next members.
  static func family(
    _ opcode: Opcode, _ kernel: ck_binary_op, _ name: String, _ formula: String, _ family: DerivativeFamily
  ) -> PointwiseFunction {
    let partials: [Partial] = (0..<family.arity).map { index in
      { ct, node in
        let code = family.code(node.attributes) + family.step(by: index)
        return ct * node.builder.emit(opcode, (0..<family.arity).map(node.operand), .derivative(code))[0]
      }
    }
    return derived(opcode, .family(kernel, family), name, formula, partials)
  }
}

extension Value {
  /// A member of a family, of this operand and others.
  func member(_ opcode: Opcode, _ code: Int, _ others: Value...) -> Value {
    guard isValid else { return self }
    return builder.emit(opcode, [self] + others, .derivative(code))[0]
  }
}

import AutogradCore
import AutogradFormats

/// Turns operands into values, and chooses the dtype of numbers among them.
extension GraphAssembler {
  /// - Parameter base: where the values of the node's body begin.
  func operands(of index: Int, _ label: Int32, _ base: Int) throws(FormatError) -> [Operand] {
    let listed = source.nodes[index].operands
    var operands: [Operand] = []
    operands.reserveCapacity(listed.count)
    var hasLiterals = false
    for operand in listed {
      switch source.operands[operand] {
      case .name: operands.append(.value(builder.value(values[base + Int(resolved[operand])])))
      case .number(let number): operands.append(.weak(source.numbers[number]))
      case .truth(let truth): operands.append(.value(builder.constant(Scalar(truth))))
      case .tensor(let tensor):
        let tensor = source.tensors[tensor]
        operands.append(.value(try constant(operand, tensor.dtype) { tensor }))
      case .literal:
        // Its dtype depends on the other operands.
        hasLiterals = true
        operands.append(.weak(WeakNumber(0)))
      }
    }
    if hasLiterals { try readLiterals(of: index, label, &operands) }
    return operands
  }

  private func readLiterals(of index: Int, _ label: Int32, _ operands: inout [Operand]) throws(FormatError) {
    let node = source.nodes[index]
    let reference = node.operation.reference
    let callee = node.role == .call ? callees[index] : nil
    let common = callee == nil ? promotedDType(operands, reference) : widestDType(operands)
    for (position, operand) in node.operands.enumerated() {
      guard case .literal(let literal) = source.operands[operand] else { continue }
      let own =
        callee.map { declaration(position, of: $0)?.dtype } ?? (reference.kind(of: position) == .index ? .int64 : nil)
      let dtype = own ?? common
      do throws(FormatError) {
        operands[position] = .value(
          try constant(operand, dtype) { () throws(FormatError) in try text.tensor(literal, as: dtype) })
      } catch {
        throw fault(error, at: .operand(position, ofNode: index), label: label)
      }
    }
  }

  /// A tensor written as an operand. If there are functions, it is one value, however often its node is emitted.
  private func constant(
    _ operand: Int, _ dtype: DType, _ read: () throws(FormatError) -> Tensor
  ) throws(FormatError) -> Value {
    guard scopes.count > 1 else { return builder.constant(try read()) }
    // Calls may differ in the dtype that they give it.
    let key = WrittenTensor(operand: operand, dtype: dtype)
    if let known = written[key] { return builder.value(known) }
    let value = builder.constant(try read())
    written[key] = value.id
    return value
  }

  /// The dtype of a number next to these operands. If their dtypes do not mix, the operation reports that.
  private func promotedDType(_ operands: [Operand], _ reference: OperationReference) -> DType {
    var common: DType?
    for (index, operand) in operands.enumerated() where reference.kind(of: index) == .promoted {
      guard case .value(let value) = operand else { continue }
      common = common.map { DType.promoted($0, value.dtype) ?? defaultDType } ?? value.dtype
    }
    return common.flatMap { $0.isNumeric ? $0 : nil } ?? defaultDType
  }

  /// The dtype of a number next to the operands of a call.
  func widestDType(_ operands: [Operand]) -> DType {
    var widest: DType?
    for case .value(let value) in operands where value.dtype.isFloating && widest != .float64 { widest = value.dtype }
    return widest ?? defaultDType
  }
}

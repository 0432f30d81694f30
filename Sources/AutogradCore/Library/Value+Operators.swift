/// Formulas in Swift: broadcasting and promotion as in requests. A number next to a value takes the value's dtype.
extension Value {
  public static func + (x: Value, y: Value) -> Value { x.pointwise(.add, y) }
  public static func - (x: Value, y: Value) -> Value { x.pointwise(.sub, y) }
  public static func * (x: Value, y: Value) -> Value { x.pointwise(.mul, y) }
  public static func / (x: Value, y: Value) -> Value { x.pointwise(.div, y) }
  public static prefix func - (x: Value) -> Value {
    x.dtype.isFloating ? x.emit(.neg) : x.apply(operation(.neg))
  }

  public static func + (x: Value, y: Double) -> Value { x.pointwise(.add, y) }
  public static func - (x: Value, y: Double) -> Value { x.pointwise(.sub, y) }
  public static func * (x: Value, y: Double) -> Value { x.pointwise(.mul, y) }
  public static func / (x: Value, y: Double) -> Value { x.pointwise(.div, y) }
  public static func + (x: Double, y: Value) -> Value { y.pointwise(.add, x, isFirst: true) }
  public static func - (x: Double, y: Value) -> Value { y.pointwise(.sub, x, isFirst: true) }
  public static func * (x: Double, y: Value) -> Value { y.pointwise(.mul, x, isFirst: true) }
  public static func / (x: Double, y: Value) -> Value { y.pointwise(.div, x, isFirst: true) }

  /// Matrix product, as NumPy's `@`.
  public func matmul(_ other: Value) -> Value { apply(MatMulOperation(), [.value(self), .value(other)]) }

  /// Sum over axes, all of them by default.
  public func sum(axis: [Int]? = nil, keepDimensions: Bool = false) -> Value {
    apply(ReductionOperation.sum, ["axis": axis.map { .integers($0) } ?? .null, "keepdims": .boolean(keepDimensions)])
  }

  public func sum(axis: Int, keepDimensions: Bool = false) -> Value {
    sum(axis: [axis], keepDimensions: keepDimensions)
  }

  /// The same elements under another shape; one size may be -1.
  public func reshape(_ sizes: Int...) -> Value { apply(ReshapeOperation(), ["shape": .integers(sizes)]) }
  public func reshape(_ shape: Shape) -> Value { apply(ReshapeOperation(), ["shape": .integers(shape.array)]) }

  /// Axis i of the result is axis `axes[i]` of this value; without arguments the axes are reversed.
  public func transpose(_ axes: Int...) -> Value {
    apply(TransposeOperation(), ["axes": axes.isEmpty ? .null : .integers(axes)])
  }

  public func broadcast(to shape: Shape) -> Value { apply(BroadcastOperation(), ["shape": .integers(shape.array)]) }
  public func cast(to dtype: DType) -> Value { apply(CastOperation(), ["dtype": .text(dtype.name)]) }

  /// Parts of the given sizes along an axis ("separate").
  /// - Returns: as many values as sizes; all invalid if the sizes do not add up.
  public func split(_ sizes: [Int], axis: Int = 0) -> [Value] {
    apply(
      SplitOperation(), [.value(self)], ["splits": .integers(sizes), "axis": .integer(axis)], resultCount: sizes.count)
  }

  /// Equal parts along an axis.
  public func split(into count: Int, axis: Int = 0) -> [Value] {
    apply(
      SplitOperation(), [.value(self)], ["splits": .integer(count), "axis": .integer(axis)], resultCount: max(count, 0))
  }

  /// A strided slice: `starts`, `ends` and `steps` along the first axes, or along `axes`; nil means the edge.
  public func slice(starts: [Int?], ends: [Int?], axes: [Int]? = nil, steps: [Int]? = nil) -> Value {
    apply(
      SliceOperation(),
      [
        "starts": .integers(starts), "ends": .integers(ends), "axes": axes.map { .integers($0) } ?? .null,
        "steps": steps.map { .integers($0) } ?? .null,
      ])
  }

  /// Any operation of the catalog by its name, with this value as its first operand:
  ///
  ///     x.applying("tanh")
  ///     a.applying("solve", b)
  ///     x.applying("softmax", attributes: ["axis": .integer(0)])
  ///
  /// `OpCatalog` lists them. An unknown name is an error like any other: remembered, and thrown when the graph is
  /// finished.
  /// - Returns: the first result.
  public func applying(_ name: String, _ others: Value..., attributes: [String: AttributeValue] = [:]) -> Value {
    applying(name, others, attributes: attributes, resultCount: 1)[0]
  }

  /// The same for operations with several results.
  public func applying(
    _ name: String, _ others: [Value], attributes: [String: AttributeValue] = [:], resultCount: Int
  ) -> [Value] {
    guard let operation = OpCatalog.operation(named: name) else {
      let hint = OpCatalog.hint(for: name).map { "; " + $0 } ?? ""
      let faulty = builder.fail(GraphError(.unknownOperation, "no operation is called \"\(name)\"\(hint)"))
      return Array(repeating: faulty, count: resultCount)
    }
    return apply(operation, ([self] + others).map { .value($0) }, attributes, resultCount: resultCount)
  }

  // MARK: Through the catalog

  /// Operands of one type need no broadcasting or promotion, so derivative rules, which have only these, use the
  /// primitive directly.
  private func pointwise(_ opcode: Opcode, _ other: Value) -> Value {
    if isValid, other.isValid, builder === other.builder, typeID == other.typeID, dtype.isFloating {
      return builder.emit(opcode, self, other)
    }
    return apply(Value.operation(opcode), [.value(self), .value(other)])
  }

  private func pointwise(_ opcode: Opcode, _ number: Double, isFirst: Bool = false) -> Value {
    if isValid, dtype.isFloating {
      let other = builder.broadcast(builder.constant(Scalar(floating: number, as: dtype)), to: shape)
      return isFirst ? builder.emit(opcode, other, self) : builder.emit(opcode, self, other)
    }
    let weak = Operand.weak(WeakNumber(number))
    return apply(Value.operation(opcode), isFirst ? [weak, .value(self)] : [.value(self), weak])
  }

  private static let arithmetic = Dictionary(
    uniqueKeysWithValues: PointwiseFunction.arithmetic.map { ($0.opcode, PointwiseOperation(function: $0)) })

  private static func operation(_ opcode: Opcode) -> PointwiseOperation {
    guard let operation = arithmetic[opcode] else { preconditionFailure("\(opcode) is no operator") }
    return operation
  }

  private func apply(_ operation: some Operation, _ attributes: [String: AttributeValue] = [:]) -> Value {
    apply(operation, [.value(self)], attributes)
  }

  private func apply(_ operation: some Operation, _ operands: [Operand], _ attributes: [String: AttributeValue] = [:])
    -> Value
  {
    apply(operation, operands, attributes, resultCount: 1)[0]
  }

  private func apply(
    _ operation: some Operation, _ operands: [Operand], _ attributes: [String: AttributeValue], resultCount: Int
  ) -> [Value] {
    for case .value(let value) in operands {
      if !value.isValid { return Array(repeating: value, count: resultCount) }
      precondition(value.builder === builder, "values of two builders cannot be mixed")
    }
    do throws(GraphError) {
      return try builder.apply(operation, operands, attributes, resultCount: resultCount)
    } catch {
      return Array(repeating: builder.fail(error), count: resultCount)
    }
  }
}

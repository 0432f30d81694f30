/// A value in a graph under construction: an input, a constant or a result of an operation.
///
/// Values are written like numbers, `x.matmul(w) + b`; see the extensions in `Library/` for the methods. The builder
/// remembers errors, such as shapes that do not fit, and throws the first when the graph is finished or run. So
/// formulas need no `try` at every operator. Everything computed from an invalid value is invalid too.
public struct Value: Hashable {
  public let builder: GraphBuilder
  package let id: ValueID

  package init(_ builder: GraphBuilder, _ id: ValueID) {
    self.builder = builder
    self.id = id
  }

  /// False for the result of an error.
  public var isValid: Bool { id >= 0 }

  /// - Precondition: the value is valid.
  package var typeID: Int32 { builder.columns.types[Int(id)] }

  /// dtype and shape; that of a float64 scalar if the value is invalid.
  public var type: TensorType { isValid ? builder.columns.type(of: id) : TensorType(.float64, []) }
  public var shape: Shape { type.shape }
  public var dtype: DType { type.dtype }

  public static func == (a: Value, b: Value) -> Bool { a.builder === b.builder && a.id == b.id }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(builder))
    hasher.combine(id)
  }
}

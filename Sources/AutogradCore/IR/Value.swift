/// A value in a graph under construction: an input, a constant or what an operation yields.
///
/// Values are written like numbers, `x.matmul(w) + b`; see the extensions in `Library/` for the methods. A mistake
/// (shapes that do not fit, say) is remembered by the builder and thrown when the graph is finished or run, so that
/// formulas need no `try` at every operator; everything computed from a faulty value is faulty too.
public struct Value: Hashable {
  public let builder: GraphBuilder
  package let id: ValueID

  package init(_ builder: GraphBuilder, _ id: ValueID) {
    self.builder = builder
    self.id = id
  }

  /// False for what came of a mistake.
  public var isValid: Bool { id >= 0 }

  /// - Precondition: the value is valid.
  package var typeID: Int32 { builder.columns.types[Int(id)] }

  /// dtype and shape; a float64 scalar for a faulty value.
  public var type: TensorType { isValid ? builder.columns.type(of: id) : TensorType(.float64, []) }
  public var shape: Shape { type.shape }
  public var dtype: DType { type.dtype }

  public static func == (a: Value, b: Value) -> Bool { a.builder === b.builder && a.id == b.id }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(builder))
    hasher.combine(id)
  }
}

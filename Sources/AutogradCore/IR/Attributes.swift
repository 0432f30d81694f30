/// The attributes of a node in normalised form: axes counted from 0, defaults filled in. They are interned: a node
/// holds an index into the graph's table.
public enum Attributes: Hashable, Sendable {
  case none
  /// `reshape`, `broadcast`: the result's shape.
  case shape(Shape)
  /// `transpose`: result axis i is operand axis permutation[i].
  case permutation(Shape)
  /// Reductions.
  case axes(AxisSet)
  /// `concat`.
  case axis(Int)
  /// `gather` and its transpose: an axis and its size on the side that is indexed.
  case along(axis: Int, size: Int)
  /// `split`: sizes along an axis.
  case partition(axis: Int, sizes: [Int])
  /// `slice` and its transpose. Indirect, because four shapes would make all cases that large.
  indirect case window(Window)
  /// `cumsum`, `recurrence`.
  case scan(Scan)
  /// `lu_solve`, `triangular_solve`.
  case solve(SolveForm)
  /// `cast`.
  case dtype(DType)
  /// A scalar constant, by its bit pattern: two NaNs with the same bits are one constant, 0.0 and -0.0 are two.
  case scalar(DType, bits: UInt64)
  /// `betainc` and families of derivatives: the order of the derivative.
  case derivative(Int)
  /// `input`: position; `constant`: index in the graph's table of tensors; `custom`: index of the operation.
  case index(Int)
}

/// A direction along an axis: from its start, or from its end.
public struct Scan: Hashable, Sendable {
  public var axis: Int
  public var reverse: Bool
}

/// A strided box inside a tensor: along each axis the elements `start + i * step` for i in 0..<size.
public struct Window: Hashable, Sendable {
  public var starts: Shape
  public var steps: Shape
  public var sizes: Shape
  /// The shape the box is cut from.
  public var whole: Shape
}

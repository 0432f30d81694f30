// What instructions say beside their own numbers, each kind in a table of its own.

/// A reduction: for each element of the outer loop (results z, operands x), `columns` results next to each other, each
/// of `rows` terms.
package struct Reduction: Sendable {
  package var outer: Loop
  package var columns: Int
  package var columnStride: Int
  package var rows: Int
  package var rowStride: Int
}

/// A stack of matrix products: an outer loop over the stack, strides of rows and columns within.
package struct Product: Sendable {
  /// Whether one side is a vector, whose products are added up in an order of their own.
  package var hasVector: Bool
  package var outer: Loop
  package var m: Int
  package var n: Int
  package var k: Int
  package var xRow: Int
  package var xColumn: Int
  package var yRow: Int
  package var yColumn: Int
}

/// Elements picked by indices, or added up at them: y holds the indices. Within the outer loop, whose last axis the
/// kernel runs along, each of `count` indices joins an element of one side with the place on the other side that it
/// names.
package struct Gather: Sendable {
  package var form: GatherForm
  package var outer: Loop
  package var count: Int
  /// The axis that is indexed, and its size.
  package var axis: Int
  package var size: Int
  /// From one place to the next along the indexed axis on one side, from one index to the next on the other side.
  package var zStride: Int
  package var xStride: Int
  package var indexStride: Int
}

/// How indices and elements meet.
package enum GatherForm: Sendable {
  /// Each index picks all that lies at one position of an axis.
  case take
  /// There is an index for every element.
  case along
}

/// A stack of calls of a ``MatrixFunction``.
package struct MatrixCall: Sendable {
  /// Over the stack; strides count elements.
  package var outer: Loop
  package var n: Int
  package var m: Int
  package var form: SolveForm
}

/// A call of a library user's operation: operands and results lie contiguous.
package struct CustomCall: Sendable {
  package var operation: Int
  package var operands: [(type: TensorType, slot: Slot)]
  package var results: [(type: TensorType, slot: Slot)]
}

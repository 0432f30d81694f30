import CKernels

/// One step of a plan: plain numbers, no references, so that running touches no reference count.
package struct Instruction: Sendable {
  package enum Kind: UInt8, Sendable {
    case copy, unary, binary, select, cast, reduce, scan, matmul, custom
    case gather, scatterAdd
    case scatter, scatterMax
    case matrix, region
  }

  package var kind: Kind
  /// Which kernel within its kind: unary, binary, reduce, scan or matrix function; target dtype of a cast; dtype of indices.
  package var function: UInt8 = 0
  /// Of the operands.
  package var dtype: DType
  /// Which entry of the plan's table of the kind: loops, reductions, products, gathers, matrix calls, regions, custom calls.
  package var detail: Int32
  package var z: Slot
  package var x: Slot
  package var y: Slot
  /// The caller's label of the node that this serves, for errors.
  package var label: Int32
}

extension Instruction {
  /// Bytes of an element of the result: predicates yield bool, places are int64.
  var resultWidth: Int {
    switch kind {
    case .unary where UInt32(function) >= CK_ISNAN.rawValue: 1
    case .binary where UInt32(function) >= CK_EQUAL.rawValue: 1
    case .reduce where UInt32(function) >= CK_ARGMAX.rawValue: 8
    case .scan where ck_scan_op(UInt32(function)).yieldsPlaces: 8
    case .cast: DType(rawValue: function)?.byteWidth ?? 0
    // Sums of float32 are double.
    case .scatterAdd: 8
    default: dtype.byteWidth
    }
  }

  /// Bytes of an element of the second operand of a scan: numbers to add, places, or scratch memory for places.
  var secondWidth: Int {
    switch ck_scan_op(UInt32(function)) {
    case CK_RECURRENCE, CK_PRODUCT_TERMS, CK_SEARCH_LEFT, CK_SEARCH_RIGHT, CK_DEVIATIONS, CK_WEIGHTED_DEVIATIONS,
      CK_WITHOUT_SHARE:
      dtype.byteWidth
    default: 8
    }
  }
}

extension ck_scan_op {
  /// Whether results are places or counts, which are int64.
  fileprivate var yieldsPlaces: Bool {
    switch self {
    case CK_ARGSORT, CK_ARGSELECT, CK_CUMMAX, CK_CUMMIN, CK_SEARCH_LEFT, CK_SEARCH_RIGHT: true
    default: false
    }
  }
}

/// Memory an instruction touches: an entry of the table of base pointers, and bytes from there.
package struct Slot: Sendable, Equatable {
  package var base: Int32
  package var offset: Int

  static let none = Slot(base: 0, offset: 0)
}

/// An iteration over the elements of a shape: the last axis is run by the kernel, the others by the executor.
package struct Loop: Sendable, Equatable {
  package var sizes: Shape
  package var z: Shape
  package var x: Shape
  package var y: Shape

  package var count: Int { sizes.elementCount }
}

extension Loop {
  /// Over a shape without its axes of size 1.
  init(_ shape: Shape, _ z: Shape, _ x: Shape, _ y: Shape) {
    self.init(sizes: [], z: [], x: [], y: [])
    for axis in 0..<shape.rank where shape[axis] != 1 { append(shape[axis], z[axis], x[axis], y[axis]) }
  }

  private mutating func append(_ size: Int, _ zStride: Int, _ xStride: Int, _ yStride: Int) {
    sizes.append(size)
    z.append(zStride)
    x.append(xStride)
    y.append(yStride)
  }

  /// With neighbouring axes merged where every operand allows it.
  var merged: Loop {
    var result = Loop(sizes: [], z: [], x: [], y: [])
    for axis in 0..<sizes.rank {
      let (size, last) = (sizes[axis], result.sizes.rank - 1)
      if last >= 0, result.z[last] == z[axis] * size, result.x[last] == x[axis] * size, result.y[last] == y[axis] * size {
        result.sizes[last] *= size
        result.z[last] = z[axis]
        result.x[last] = x[axis]
        result.y[last] = y[axis]
      } else {
        result.append(size, z[axis], x[axis], y[axis])
      }
    }
    return result
  }

  /// Size and strides of the axis that kernels run along.
  var inner: (count: Int, z: Int, x: Int, y: Int) {
    let last = sizes.rank - 1
    return last < 0 ? (1, 1, 1, 1) : (sizes[last], z[last], x[last], y[last])
  }
}

/// A reduction: for each element of the outer loop (results z, operands x), `columns` results next to each other, each of `rows` terms.
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

/// Elements picked by indices, or added up at them: y holds the indices. Within the outer loop, whose last axis the kernel runs along, each
/// of `count` indices joins an element of one side with the place on the other side that it names.
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

/// A call of a library user's operation: operands and results lie contiguous.
package struct CustomCall: Sendable {
  package var operation: Int
  package var operands: [(type: TensorType, slot: Slot)]
  package var results: [(type: TensorType, slot: Slot)]
}

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
  /// Which kernel within its kind: unary, binary, reduce, scan or matrix function; target dtype of a cast; dtype of
  /// indices.
  package var function: UInt8 = 0
  /// Of the operands.
  package var dtype: DType
  /// Which entry of the program's table of the kind: loops, reductions, products, gathers, matrix calls, regions,
  /// custom calls.
  package var detail: Int32
  package var z: Slot
  package var x: Slot
  package var y: Slot
  /// The caller's label of the node that this serves, for errors.
  package var label: Int32
}

extension Instruction {
  var isElementwise: Bool {
    switch kind {
    case .copy, .unary, .binary, .select, .cast: true
    default: false
    }
  }

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

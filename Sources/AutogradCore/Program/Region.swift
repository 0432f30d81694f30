import CKernels

/// Elementwise instructions that run together: on one tile of elements all of them, then on the next. What passes
/// between them alone stays in a few tiles of memory, in the first cache, and is never written out.
package struct Region: Sendable {
  /// The iteration that all members share. The last axis is the inner one, the others together count rows.
  package var sizes: Shape
  package var members: Range<Int>
  /// Elements of a tile: some whole rows, or part of one.
  package var tile: Int
  /// Whether there are reductions among the members: of all elements, fed tile by tile, with their state in the place
  /// of y.
  package var reduces: Bool
  /// What is read and written in memory, element by element, asked for a tile ahead.
  package var streams: Range<Int>
}

/// Memory that a region walks over from tile to tile.
package struct Stream: Sendable {
  package var slot: Slot
  /// Of an element, in bytes.
  package var width: Int
}

/// One of them, a pair of which the second alone reads what the first makes, or a function together with its slope.
package struct Member: Sendable {
  package var kind: Instruction.Kind
  /// Nil where there is none, which the planner does not let happen.
  let kernel: Kernel?
  package var function: UInt8
  package var dtype: DType
  /// Whether each operand can be walked over all rows with its inner stride: then a tile is one call.
  package var isFlat: Bool
  /// Strides along the axes of the region, for those that are not flat.
  package var loop: Int32
  package var z: Operand
  package var x: Operand
  package var y: Operand
  /// The second operand of a pair's second operation, or where the slope goes.
  package var w: Operand

  /// Found once: looking functions up takes as long as running them on a few elements.
  ///
  /// `@unchecked Sendable`: code in static memory.
  enum Kernel: @unchecked Sendable {
    case unary(ck_unary_fn)
    case binary(ck_binary_fn)
    case pair(ck_pair_fn)
    case withSlope(ck_with_slope_fn)
    case select(ck_select_fn)
    case cast(ck_cast_fn)
    case feed(ck_reduce_feed_fn)
  }

  package var isPair: Bool { if case .pair = kernel { true } else { false } }
  package var hasSlope: Bool { if case .withSlope = kernel { true } else { false } }

  package struct Operand: Sendable {
    package var slot: Slot
    /// Along the inner axis, in elements.
    package var stride: Int
    /// Of an element, in bytes.
    package var width: Int
    /// Lies in a tile that is written anew each time, not in memory for all elements.
    package var isTile: Bool

    func base(_ bases: UnsafePointer<UnsafeMutableRawPointer>) -> UnsafeMutableRawPointer {
      bases[Int(slot.base)] + slot.offset
    }

    /// Where the part that starts at an element is, in bytes.
    @inline(__always)
    func start(_ position: Int) -> Int { slot.offset + (isTile ? 0 : position * stride * width) }
  }
}

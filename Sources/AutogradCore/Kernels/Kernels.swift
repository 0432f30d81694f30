import CKernels

/// The kernels of this processor, chosen once.
package enum Kernels {
  /// Immutable tables of function pointers in static memory.
  nonisolated(unsafe) package static let best: OpaquePointer = ck_best_kernels()

  /// What the processor offers: `baseline`, `avx2` or `avx512`.
  package static var instructionSet: String { String(cString: ck_name(best)) }

  @inline(__always)
  static func unary(_ function: UInt8, _ dtype: DType) -> ck_unary_fn? {
    ck_unary(best, Int32(function), Int32(dtype.rawValue))
  }

  @inline(__always)
  static func binary(_ function: UInt8, _ dtype: DType) -> ck_binary_fn? {
    ck_binary(best, Int32(function), Int32(dtype.rawValue))
  }

  /// Two operations in one pass: `first` from `CK_ADD` to `CK_DIV`, of floats.
  @inline(__always)
  static func pair(_ first: UInt8, _ second: ck_second_op, _ dtype: DType) -> ck_pair_fn? {
    ck_pair(best, Int32(first), Int32(second.rawValue), Int32(dtype.rawValue))
  }

  /// `CK_TANH` and `CK_SECH2` in one pass, of floats.
  @inline(__always)
  static func tanhWithSlope(_ dtype: DType) -> ck_with_slope_fn? { ck_tanh_with_slope(best, Int32(dtype.rawValue)) }

  @inline(__always)
  static func cast(_ from: DType, _ to: DType) -> ck_cast_fn? {
    ck_cast(best, Int32(from.rawValue), Int32(to.rawValue))
  }

  @inline(__always)
  static func select(_ dtype: DType) -> ck_select_fn? { ck_select(best, Int32(dtype.rawValue)) }

  @inline(__always)
  static func copy(_ dtype: DType) -> ck_unary_fn? { ck_copy(best, Int32(dtype.rawValue)) }

  @inline(__always)
  static func gather(_ dtype: DType, _ indices: DType) -> ck_gather_fn? {
    ck_gather(best, Int32(dtype.rawValue), indices == .int32)
  }

  /// For floats.
  @inline(__always)
  static func scatterAdd(_ dtype: DType, _ indices: DType) -> ck_gather_fn? {
    ck_scatter_add(best, Int32(dtype.rawValue), indices == .int32)
  }

  /// The last of the elements put at an index wins.
  @inline(__always)
  static func scatter(_ dtype: DType, _ indices: DType) -> ck_gather_fn? {
    ck_scatter(best, Int32(dtype.rawValue), indices == .int32)
  }

  /// The largest of the elements put at an index wins. For floats.
  @inline(__always)
  static func scatterMax(_ dtype: DType, _ indices: DType) -> ck_gather_fn? {
    ck_scatter_max(best, Int32(dtype.rawValue), indices == .int32)
  }

  @inline(__always)
  static func reduce(_ function: UInt8, _ dtype: DType) -> ck_reduce_fn? {
    ck_reduce(best, Int32(function), Int32(dtype.rawValue))
  }

  /// A reduction fed piece by piece.
  @inline(__always)
  static func begin(_ function: UInt8, _ dtype: DType, _ state: UnsafeMutableRawPointer) {
    ck_reduce_begin(best, Int32(function), Int32(dtype.rawValue))?(state)
  }

  @inline(__always)
  static func feed(_ function: UInt8, _ dtype: DType) -> ck_reduce_feed_fn? {
    ck_reduce_feed(best, Int32(function), Int32(dtype.rawValue))
  }

  @inline(__always)
  static func join(_ function: UInt8, _ dtype: DType, _ state: UnsafeMutableRawPointer, _ part: UnsafeRawPointer) {
    ck_reduce_join(best, Int32(function), Int32(dtype.rawValue))?(state, part)
  }

  @inline(__always)
  static func finish(
    _ function: UInt8, _ dtype: DType, _ state: UnsafeMutableRawPointer, into z: UnsafeMutableRawPointer
  ) {
    ck_reduce_finish(best, Int32(function), Int32(dtype.rawValue))?(state, z)
  }

  @inline(__always)
  static func scan(_ function: UInt8, _ dtype: DType) -> ck_scan_fn? {
    ck_scan(best, Int32(function), Int32(dtype.rawValue))
  }

  /// For floats.
  @inline(__always)
  static func matvec(_ dtype: DType) -> ck_matvec_fn? { ck_matvec(best, Int32(dtype.rawValue)) }

  /// Whether products of floats multiply and add with one rounding.
  static var fuses: Bool { ck_fuses(best) }

  /// Nil for bool.
  @inline(__always)
  static func matmul(_ dtype: DType) -> ck_matmul_fn? { ck_matmul(best, Int32(dtype.rawValue)) }
}

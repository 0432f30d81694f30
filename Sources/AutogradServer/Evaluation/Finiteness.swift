import AutogradCore

/// Whether numbers are neither NaN nor infinite.
enum Finiteness {
  /// Of `count` elements; those that are no floats are finite.
  static func holds(_ dtype: DType, _ start: UnsafeRawPointer, _ count: Int) -> Bool {
    switch dtype {
    case .float64: holds(start.assumingMemoryBound(to: UInt64.self), count, exponent: 0x7FF0_0000_0000_0000)
    case .float32: holds(start.assumingMemoryBound(to: UInt32.self), count, exponent: 0x7F80_0000)
    case .int64, .int32, .bool: true
    }
  }

  /// An exponent of all ones, with one more at its last place, carries into the sign: three operations that compilers
  /// turn into vectors, without a branch.
  private static func holds<Bits: FixedWidthInteger & UnsignedInteger>(
    _ bits: UnsafePointer<Bits>, _ count: Int, exponent: Bits
  ) -> Bool {
    let one = exponent & (~exponent &+ 1)
    var carried: Bits = 0
    for index in 0..<count { carried |= (bits[index] & exponent) &+ one }
    return carried >> (Bits.bitWidth - 1) == 0
  }
}

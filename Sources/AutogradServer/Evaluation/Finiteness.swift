import AutogradCore

/// A tensor of an answer in the memory of a run.
struct FloatingData: Sendable {
  /// Index of its field in the ``AnswerTemplate``.
  let field: Int
  let dtype: DType
  /// Offset in bytes.
  let start: Int
  let count: Int
}

/// Whether numbers are neither NaN nor infinite.
enum Finiteness {
  /// Whether all `count` elements are finite. Integers and bools always are.
  static func holds(_ dtype: DType, _ start: UnsafeRawPointer, _ count: Int) -> Bool {
    switch dtype {
    case .float64: holds(start.assumingMemoryBound(to: UInt64.self), count, exponent: 0x7FF0_0000_0000_0000)
    case .float32: holds(start.assumingMemoryBound(to: UInt32.self), count, exponent: 0x7F80_0000)
    case .int64, .int32, .bool: true
    }
  }

  static func holds(_ data: FloatingData, in block: UnsafeRawPointer) -> Bool {
    holds(data.dtype, block + data.start, data.count)
  }

  /// The first element that is not finite, and its row-major position.
  static func firstFault(in tensor: Tensor) -> (position: Int, number: Double)? {
    tensor.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress, !holds(tensor.dtype, start, tensor.shape.elementCount) else { return nil }
      for position in 0..<tensor.shape.elementCount {
        let number =
          tensor.dtype == .float64
          ? start.assumingMemoryBound(to: Double.self)[position]
          : Double(start.assumingMemoryBound(to: Float.self)[position])
        if !number.isFinite { return (position, number) }
      }
      return nil
    }
  }

  /// NaN and infinity have an exponent of all ones. Adding one to its last bit carries into the sign bit. This takes
  /// three operations without a branch, which compilers vectorise.
  private static func holds<Bits: FixedWidthInteger & UnsignedInteger>(
    _ bits: UnsafePointer<Bits>, _ count: Int, exponent: Bits
  ) -> Bool {
    let one = exponent & (~exponent &+ 1)
    var carried: Bits = 0
    for index in 0..<count { carried |= (bits[index] & exponent) &+ one }
    return carried >> (Bits.bitWidth - 1) == 0
  }
}

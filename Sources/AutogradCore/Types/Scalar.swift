/// One number of a known dtype, by its bits.
public struct Scalar: Hashable, Sendable, CustomStringConvertible {
  public let dtype: DType
  /// The element's bytes in the low end.
  public let bits: UInt64

  public init(_ dtype: DType, bits: UInt64) {
    self.dtype = dtype
    self.bits = bits
  }

  public init(_ value: Double) { self.init(.float64, bits: value.bitPattern) }
  public init(_ value: Float) { self.init(.float32, bits: UInt64(value.bitPattern)) }
  public init(_ value: Int64) { self.init(.int64, bits: UInt64(bitPattern: value)) }
  public init(_ value: Int32) { self.init(.int32, bits: UInt64(UInt32(bitPattern: value))) }
  public init(_ value: Bool) { self.init(.bool, bits: value ? 1 : 0) }

  /// A small integer, exact in every dtype.
  public init(_ value: Int8, as dtype: DType) {
    switch dtype {
    case .float64: self.init(Double(value))
    case .float32: self.init(Float(value))
    case .int64: self.init(Int64(value))
    case .int32: self.init(Int32(value))
    case .bool: self.init(value != 0)
    }
  }

  /// A number in a floating dtype, rounded once.
  public init(floating value: Double, as dtype: DType) {
    switch dtype {
    case .float32: self.init(Float(value))
    default: self.init(value)
    }
  }

  public var description: String {
    switch dtype {
    case .float64: Double(bitPattern: bits).description
    case .float32: Float(bitPattern: UInt32(truncatingIfNeeded: bits)).description
    case .int64: Int64(bitPattern: bits).description
    case .int32: Int32(truncatingIfNeeded: bits).description
    case .bool: (bits & 1 == 1).description
    }
  }

  /// The scalar as a 0-d tensor.
  public var tensor: Tensor {
    Tensor(TensorType(dtype, [])) { base in
      withUnsafeBytes(of: bits.littleEndian) {
        base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: dtype.byteWidth)
      }
    }
  }

  /// The only element of a tensor.
  init(of tensor: Tensor) {
    var bits: UInt64 = 0
    withUnsafeMutableBytes(of: &bits) {
      $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: tensor.bytes[..<tensor.dtype.byteWidth]))
    }
    self.init(tensor.dtype, bits: UInt64(littleEndian: bits))
  }
}

/// A number without a dtype, which takes the dtype of the other operands. It keeps every form exactly, because a number
/// read from text must be rounded only once, to its final dtype.
public struct WeakNumber: Sendable {
  public var double: Double
  public var float: Float
  /// The value as an integer, if it is one that fits.
  public var integer: Int64?

  public init(double: Double, float: Float, integer: Int64?) {
    self.double = double
    self.float = float
    self.integer = integer
  }

  public init(_ value: Double) { self.init(double: value, float: Float(value), integer: Int64(exactly: value)) }

  /// - Throws: `dtype_mismatch` for a fraction beside integers or any number beside bool, `number_out_of_range` for an
  ///   integer that does not fit int32.
  package func scalar(as dtype: DType) throws(GraphError) -> Scalar {
    switch dtype {
    case .float64: return Scalar(double)
    case .float32:
      if float.isInfinite && double.isFinite { throw GraphError(.numberOutOfRange, "\(double) does not fit float32") }
      return Scalar(float)
    case .int64:
      if let integer { return Scalar(integer) }
    case .int32:
      if let integer {
        guard let narrow = Int32(exactly: integer) else {
          throw GraphError(.numberOutOfRange, "\(integer) does not fit int32")
        }
        return Scalar(narrow)
      }
    case .bool:
      throw GraphError(
        .dtypeMismatch, "the number \(text) is next to bool; write true or false, or cast to a number first")
    }
    if double.isFinite && double == double.rounded(.towardZero) {
      throw GraphError(.numberOutOfRange, "\(double) does not fit \(dtype)")
    }
    throw GraphError(
      .dtypeMismatch, "the number \(text) is not an integer and is next to \(dtype); cast to a float dtype first")
  }

  private var text: String { integer.map(String.init) ?? double.description }
}

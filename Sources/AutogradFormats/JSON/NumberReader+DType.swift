import AutogradCore

extension NumberReader {
  /// Reads the number that starts at `start` as an element of a tensor.
  /// - Returns: where it ends; nil if there is no number of that dtype, or it needs the slow path.
  package func read(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, as dtype: DType, into place: UnsafeMutableRawPointer
  ) -> UnsafePointer<UInt8>? {
    guard let decimal = scan(start, end), store(decimal, start, dtype, to: place) else { return nil }
    return decimal.end
  }

  @inline(__always)
  private func store(
    _ decimal: DecimalNumber, _ start: UnsafePointer<UInt8>, _ dtype: DType, to place: UnsafeMutableRawPointer
  ) -> Bool {
    switch dtype {
    case .float64:
      let value = read(decimal, start, as: Double.self)
      place.storeBytes(of: value, as: Double.self)
      return value.isFinite
    case .float32:
      let value = read(decimal, start, as: Float.self)
      place.storeBytes(of: value, as: Float.self)
      return value.isFinite
    case .int64, .int32:
      // 1e3 and values beyond 2^53 are integers too, but rare.
      guard decimal.isExactInteger, case let magnitude = Int64(decimal.significand) else { return false }
      let value = decimal.isNegative ? -magnitude : magnitude
      if dtype == .int64 {
        place.storeBytes(of: value, as: Int64.self)
        return true
      }
      guard let narrow = Int32(exactly: value) else { return false }
      place.storeBytes(of: narrow, as: Int32.self)
      return true
    case .bool: return false
    }
  }
}

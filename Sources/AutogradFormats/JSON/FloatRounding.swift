/// float32 values from doubles that were rounded from text, where that is the same as rounding the text.
///
/// Write r(t) for the double next to the number t of the text, and f for rounding to float32. f(r(t)) = f(t) unless
/// r(t) is a *middle*, half way between two neighbouring floats. Proof: f changes at middles and nowhere else. Every
/// middle is a double: it has one bit more than a float, at most 25, and the least, 2^-150, is a normal double; so is
/// the last, 2^128 - 2^103, beyond which floats overflow. r is monotone and leaves doubles as they are, so t < m gives
/// r(t) <= m, and t > m gives r(t) >= m. If r(t) is no middle, t therefore lies on the same side of every middle as
/// r(t), and both round to the same float. (If r(t) is a middle, t may be anything next to it, and only the text can
/// tell.)
///
/// Middles are rare: one in 2^29 numbers with more digits than a float holds; none among shortest texts of floats.
enum FloatRounding {
  /// Twice the magnitude's bits, which drops the sign.
  private static var leastNormal: UInt64 { Double(Float.leastNormalMagnitude).bitPattern &<< 1 }
  private static var overflow: UInt64 { (0x1p128 as Double - 0x1p103).bitPattern &<< 1 }

  /// Whether the value's float32 is that of the text it was read from. Besides middles this is false for rare cases
  /// that are not examined here: subnormal floats, which have fewer bits, and values that are not finite as a float32.
  @inline(__always)
  static func isDecided(_ value: Double) -> Bool {
    // A normal float keeps all but the last 29 bits of a double; a middle is a one and zeros there.
    let isMiddle = value.bitPattern &<< 35 == 1 << 63
    let magnitude = value.bitPattern &<< 1
    let isNormal = magnitude &- leastNormal < overflow &- leastNormal
    return !isMiddle && (isNormal || magnitude == 0)
  }

  /// Stores all values as floats; false if some are undecided.
  /// - Precondition: `floats` has room for all values.
  static func narrow(_ values: UnsafeBufferPointer<Double>, to floats: UnsafeMutableRawPointer) -> Bool {
    let floats = floats.assumingMemoryBound(to: Float.self)
    var areDecided = true
    for index in 0..<values.count {
      let value = values[index]
      floats[index] = Float(value)
      areDecided = isDecided(value) && areDecided
    }
    return areDecided
  }
}

/// The shortest decimal that reads back as a given finite, positive floating-point number, ±`digits` · 10^`exponent`; among several
/// of that length the nearest to the number, and of two equally near the even one. `digits` may end in zeros.
///
/// Raffaele Giulietti's Schubfach ("The Schubfach way to render doubles", 2020). What reads back as x = c · 2^q is the interval
/// between the middles to its neighbours. Scaled by 10^-k, with 10^k the greatest power of ten not above its width, it is wider than
/// 1 and narrower than 10: it holds at most one multiple of ten, which is then the shortest, and otherwise an integer next to x.
struct ShortestDecimal {
  let digits: UInt64
  let exponent: Int

  @inline(__always)
  init<Value: DecimalWritable>(_ value: Value, _ powers: PowersOfTen) {
    let fraction = value.fraction
    let biased = value.biasedExponent
    let one = UInt64(1) &<< UInt64(truncatingIfNeeded: Value.fractionBits)
    let shift = Value.bias &+ Value.fractionBits &- biased
    if shift >= 0, shift <= Value.fractionBits, case let whole = fraction | one, whole.trailingZeroBitCount >= shift {
      // An integer whose neighbours are at most 1 away: its own digits are the shortest.
      self.init(digits: whole &>> UInt64(truncatingIfNeeded: shift), exponent: 0)
    } else {
      let isNormal = biased != 0
      self.init(
        significand: isNormal ? fraction | one : fraction, binaryExponent: isNormal ? 0 &- shift : 1 &- Value.bias &- Value.fractionBits,
        hasCloseNeighbor: fraction == 0 && biased > 1, Value.self, powers)
    }
  }

  /// - Parameter hasCloseNeighbor: the next number below is only half as far away as the one above (c is a power of two).
  @inline(__always)
  private init<Value: DecimalWritable>(
    significand c: UInt64, binaryExponent q: Int, hasCloseNeighbor: Bool, _: Value.Type, _ powers: PowersOfTen
  ) {
    // floor(log10(2^q)), or floor(log10(3/4 · 2^q)) for the narrower interval.
    let k = (q &* 1_262_611 &- (hasCloseNeighbor ? 524_031 : 0)) >> 22
    let power = powers.significandRoundedUp(0 &- k)
    let shift = UInt64(truncatingIfNeeded: q &+ PowersOfTen.binaryExponent(0 &- k) &+ 1)
    // Four times the number and the ends of its interval, so that halves and quarters show.
    let lower = Value.scale(((c &<< 2) &- (hasCloseNeighbor ? 1 : 2)) &<< shift, power)
    let center = Value.scale((c &<< 2) &<< shift, power)
    let upper = Value.scale(((c &<< 2) &+ 2) &<< shift, power)
    // The ends read back as the even one of the two neighbours.
    let odd = c & 1
    let least = lower &+ odd
    let greatest = upper &- odd

    // Selected rather than branched to: which of the two it is cannot be predicted.
    let whole = center &>> 2
    let tens = whole / 10
    let tensBelow = least <= 40 &* tens
    let tensAbove = 40 &* tens &+ 40 <= greatest
    let below = least <= 4 &* whole
    let above = 4 &* whole &+ 4 <= greatest
    let middle = 4 &* whole &+ 2
    let isUpperNearer = center > middle || (center == middle && whole & 1 == 1)
    let units = whole &+ ((below != above ? above : isUpperNearer) ? 1 : 0)
    // (Below 10, which only the least subnormals are here, ten is no shorter but the nearest wherever it is inside.)
    let isTens = tensBelow != tensAbove
    self.init(digits: isTens ? 10 &* (tens &+ (tensAbove ? 1 : 0)) : units, exponent: k)
  }

  @inline(__always)
  private init(digits: UInt64, exponent: Int) {
    self.digits = digits
    self.exponent = exponent
  }
}

/// A binary floating-point format as ``ShortestDecimal`` needs to know it.
protocol DecimalWritable: DecimalReadable, BinaryFloatingPoint {
  var fraction: UInt64 { get }
  var biasedExponent: Int { get }
  /// x times a power of ten, without what follows the point; the last bit is set if anything but zeros did ("round to odd"), so
  /// comparing with an even number still comes out right.
  static func scale(_ x: UInt64, _ power: (high: UInt64, low: UInt64)) -> UInt64
}

extension Double: DecimalWritable {
  @inline(__always)
  var fraction: UInt64 { significandBitPattern }
  @inline(__always)
  var biasedExponent: Int { Int(exponentBitPattern) }

  @inline(__always)
  static func scale(_ x: UInt64, _ power: (high: UInt64, low: UInt64)) -> UInt64 {
    let carry = x.multipliedFullWidth(by: power.low).high
    let (high, low) = x.multipliedFullWidth(by: power.high)
    let (middle, overflow) = low.addingReportingOverflow(carry)
    return (high &+ (overflow ? 1 : 0)) | (middle > 1 ? 1 : 0)
  }
}

extension Float: DecimalWritable {
  @inline(__always)
  var fraction: UInt64 { UInt64(significandBitPattern) }
  @inline(__always)
  var biasedExponent: Int { Int(exponentBitPattern) }

  /// 64 bits of the power of ten, rounded up, are enough for a significand of 24.
  @inline(__always)
  static func scale(_ x: UInt64, _ power: (high: UInt64, low: UInt64)) -> UInt64 {
    let (high, low) = x.multipliedFullWidth(by: power.high &+ (power.low != 0 ? 1 : 0))
    return high | (low &>> 32 > 1 ? 1 : 0)
  }
}

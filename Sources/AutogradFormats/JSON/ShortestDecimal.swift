/// The shortest decimal that reads back as a given finite, positive floating-point number that is no integer below 2^53
/// (2^24 for a float): ±`digits` · 10^(`exponent` - n + 1), where `digits` has exactly n = 17 digits (9 for a float),
/// of which the last may be zeros. Among several shortest it is the nearest to the number, and of two equally near the
/// even one.
///
/// Raffaele Giulietti's Schubfach ("The Schubfach way to render doubles", 2020). What reads back as x = c · 2^q is the
/// interval between the middles to its neighbours. Scaled by 10^-k, with 10^k the greatest power of ten not above its
/// width, it is wider than 1 and narrower than 10: it holds at most one multiple of ten, which is then the shortest,
/// and otherwise an integer next to x.
struct ShortestDecimal {
  let digits: UInt64
  /// Of the first digit.
  let exponent: Int

  @inline(__always)
  init<Value: DecimalWritable>(fraction: UInt64, biasedExponent biased: Int, _: Value.Type, _ powers: PowersOfTen) {
    let one = UInt64(1) &<< UInt64(truncatingIfNeeded: Value.fractionBits)
    if biased != 0, fraction != 0 {
      self.init(
        significand: fraction | one, binaryExponent: biased &- Value.bias &- Value.fractionBits,
        hasCloseNeighbor: false, Value.self,
        powers)
    } else {
      self.init(rare: fraction, biasedExponent: biased, Value.self, powers)
    }
  }

  /// Powers of two and subnormal numbers.
  @inline(never)
  private init<Value: DecimalWritable>(
    rare fraction: UInt64, biasedExponent biased: Int, _: Value.Type, _ powers: PowersOfTen
  ) {
    let isNormal = biased != 0
    self.init(
      significand: isNormal ? 1 &<< UInt64(truncatingIfNeeded: Value.fractionBits) : fraction,
      binaryExponent: max(biased, 1) &- Value.bias &- Value.fractionBits, hasCloseNeighbor: biased > 1, Value.self,
      powers)
  }

  /// - Parameter hasCloseNeighbor: the next number below is only half as far away as the one above (c is a power of
  ///   two).
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

    // Selected by arithmetic on bits rather than branched to: which it is cannot be predicted, and of two conditions
    // joined by `&&` the compiler makes two branches.
    let whole = center &>> 2
    let tens = whole / 10
    let tensBelow = Self.bit(least <= 40 &* tens)
    let tensAbove = Self.bit(40 &* tens &+ 40 <= greatest)
    let below = Self.bit(least <= 4 &* whole)
    let above = Self.bit(4 &* whole &+ 4 <= greatest)
    // The nearer one if both or none are inside, of two equally near the even one.
    let isUpperNearer = Self.bit(center &+ (whole & 1) > 4 &* whole &+ 2)
    let units = whole &+ ((above & ~below) | (isUpperNearer & ~(above ^ below)))
    // (Below 10, which only the least subnormals are here, ten is no shorter but the nearest wherever it is inside.)
    let isTens = 0 &- (tensBelow ^ tensAbove)
    let digits = (10 &* (tens &+ tensAbove) & isTens) | (units & ~isTens)
    (self.digits, exponent) = Value.filled(digits, k)
  }

  @inline(__always)
  private static func bit(_ condition: Bool) -> UInt64 { condition ? 1 : 0 }
}

/// A binary floating-point format as ``ShortestDecimal`` needs to know it.
protocol DecimalWritable: DecimalReadable, BinaryFloatingPoint {
  var fraction: UInt64 { get }
  var biasedExponent: Int { get }
  /// x times a power of ten, without what follows the point; the last bit is set if anything but zeros did ("round to
  /// odd"), so comparing with an even number still comes out right.
  static func scale(_ x: UInt64, _ power: (high: UInt64, low: UInt64)) -> UInt64
  /// `digits` · 10^`exponent` with zeros at the end that make it as many digits as the shortest of this format may
  /// need; the exponent is that of the first digit.
  static func filled(_ digits: UInt64, _ exponent: Int) -> (UInt64, Int)
  /// The digits of a ``filled(_:_:)`` number: the first, and the others with the second in the lowest byte, as values.
  static func split(_ digits: UInt64) -> (first: UInt64, head: UInt64, tail: UInt64)
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

  @inline(__always)
  static func filled(_ digits: UInt64, _ exponent: Int) -> (UInt64, Int) {
    // 2^52 <= c < 2^53 and 1 <= 2^q / 10^k < 10 (14 for a power of two): 16 or 17 digits unless the number is
    // subnormal.
    if digits < 1_000_000_000_000_000 { return NumberWriter.filled(digits, exponent, to: 17) }
    let isShort = digits < 10_000_000_000_000_000
    return (isShort ? digits &* 10 : digits, exponent &+ (isShort ? 15 : 16))
  }

  @inline(__always)
  static func split(_ digits: UInt64) -> (first: UInt64, head: UInt64, tail: UInt64) {
    let upper = digits / 100_000_000
    let first = upper / 100_000_000
    return (
      first, NumberWriter.digitBytes(upper &- first &* 100_000_000),
      NumberWriter.digitBytes(digits &- upper &* 100_000_000)
    )
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

  @inline(__always)
  static func filled(_ digits: UInt64, _ exponent: Int) -> (UInt64, Int) {
    // As for doubles, with 2^23 <= c < 2^24: 7 to 9 digits.
    if digits < 1_000_000 { return NumberWriter.filled(digits, exponent, to: 9) }
    let isShort = digits < 100_000_000
    let isShorter = digits < 10_000_000
    let filled = digits &* (isShorter ? 100 : isShort ? 10 : 1)
    return (filled, exponent &+ (isShorter ? 6 : isShort ? 7 : 8))
  }

  @inline(__always)
  static func split(_ digits: UInt64) -> (first: UInt64, head: UInt64, tail: UInt64) {
    let first = digits / 100_000_000
    return (first, NumberWriter.digitBytes(digits &- first &* 100_000_000), 0)
  }
}

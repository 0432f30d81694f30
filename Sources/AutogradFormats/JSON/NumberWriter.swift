/// Writes numbers as text: floats as the shortest text that reads back to the same bits of their type, formatted as
/// Python's repr does, with a point or an exponent always; integers with neither.
///
/// Writes to raw memory, so that a loop over a tensor reserves room once for many numbers. Hardly any branch depends on
/// a number's digits: lengths and positions of the point cannot be predicted, and a misprediction costs a third of all
/// the work.
struct NumberWriter {
  /// Room that any number takes, what is written beyond its end (digits are stored eight or sixteen at a time)
  /// included.
  static let room = 40

  private let powers: PowersOfTen

  init(_ powers: PowersOfTen = .shared) { self.powers = powers }

  /// Writes `value` at `out`, where there is ``room``; returns its length. Non-finite values become strings.
  @inline(__always)
  func write<Value: DecimalWritable>(_ value: Value, to out: UnsafeMutablePointer<UInt8>) -> Int {
    let fraction = value.fraction
    let biased = value.biasedExponent
    out.pointee = UInt8(ascii: "-")
    let sign = value.sign == .minus ? 1 : 0
    let start = out + sign
    let one = UInt64(1) &<< UInt64(truncatingIfNeeded: Value.fractionBits)
    let shift = Value.bias &+ Value.fractionBits &- biased
    if shift >= 0, shift <= Value.fractionBits, case let whole = fraction | one, whole.trailingZeroBitCount >= shift {
      // An integer whose neighbours are at most 1 away: its own digits are the shortest. It has at most 16.
      return sign &+ writeWhole(whole &>> UInt64(truncatingIfNeeded: shift), to: start)
    }
    if biased > 2 &* Value.bias { return Self.writeNonFinite(value.isNaN, value.sign, to: out) }
    if fraction == 0, biased == 0 { return sign &+ writeWhole(0, to: start) }
    return sign
      &+ write(ShortestDecimal(fraction: fraction, biasedExponent: biased, Value.self, powers), Value.self, to: start)
  }

  @inline(never)
  private static func writeNonFinite(_ isNaN: Bool, _ sign: FloatingPointSign, to out: UnsafeMutablePointer<UInt8>)
    -> Int
  {
    let text: StaticString = isNaN ? "\"NaN\"" : sign == .minus ? "\"-Infinity\"" : "\"Infinity\""
    out.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    return text.utf8CodeUnitCount
  }

  /// `2.0`
  @inline(__always)
  private func writeWhole(_ value: UInt64, to out: UnsafeMutablePointer<UInt8>) -> Int {
    let length = write(value, to: out)
    UnsafeMutableRawPointer(out + length).storeBytes(of: 0x302E, as: UInt16.self)
    return length &+ 2
  }

  @inline(__always)
  private func write<Value: DecimalWritable>(
    _ decimal: ShortestDecimal, _: Value.Type, to out: UnsafeMutablePointer<UInt8>
  ) -> Int {
    let digits = Value.split(decimal.digits)
    // The digits up to the last that is not zero.
    let count =
      digits.tail != 0 ? 17 &- digits.tail.leadingZeroBitCount >> 3 : 9 &- digits.head.leadingZeroBitCount >> 3
    let first = UInt8(truncatingIfNeeded: digits.first) | 0x30
    let rest = UInt128(digits.tail | Self.zeros) << 64 | UInt128(digits.head | Self.zeros)
    let exponent = decimal.exponent
    guard exponent >= -4, exponent < 16 else {
      out[0] = first
      out[1] = UInt8(ascii: ".")
      Self.store(rest, to: out + 2)
      let length = count == 1 ? 1 : count &+ 1
      return length &+ writeExponent(exponent, to: out + length)
    }
    // Below 1, "0.000" and the digits behind it. From 1 on the digits, and once more from where the fraction starts,
    // one further.
    let isBelowOne = exponent < 0
    let place = isBelowOne ? 1 &- exponent : 0
    let whole = isBelowOne ? 0 : exponent
    Self.store(0x3030_3030_302E_30 as UInt64, to: out)
    out[place] = first
    Self.store(rest, to: out + (place &+ 1))
    Self.store(rest &>> UInt128(truncatingIfNeeded: whole &* 8), to: out + (isBelowOne ? place &+ 1 : exponent &+ 2))
    out[whole &+ 1] = UInt8(ascii: ".")
    return isBelowOne ? place &+ count : max(count, exponent &+ 2) &+ 1
  }

  /// `e+16`, `e-07`, `e-324`.
  @inline(__always)
  private func writeExponent(_ exponent: Int, to out: UnsafeMutablePointer<UInt8>) -> Int {
    out[0] = UInt8(ascii: "e")
    out[1] = exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
    let magnitude = exponent.magnitude
    let hundreds = magnitude / 100
    let tens = magnitude / 10
    let units = magnitude &- tens &* 10
    let text = UInt32(truncatingIfNeeded: hundreds | (tens &- hundreds &* 10) &<< 8 | units &<< 16) | 0x0030_3030
    let skipped = magnitude < 100 ? 1 : 0
    UnsafeMutableRawPointer(out + 2).storeBytes(of: text &>> UInt32(truncatingIfNeeded: skipped &* 8), as: UInt32.self)
    return 5 &- skipped
  }

  // MARK: Integers

  /// Writes `value` at `out`, where there is ``room``; returns its length.
  @inline(__always)
  func write(_ value: Int64, to out: UnsafeMutablePointer<UInt8>) -> Int {
    out.pointee = UInt8(ascii: "-")
    let sign = value < 0 ? 1 : 0
    return sign &+ write(value.magnitude, to: out + sign)
  }

  @inline(__always)
  private func write(_ value: UInt64, to out: UnsafeMutablePointer<UInt8>) -> Int {
    if value < 100_000_000 { return Self.writeShort(value, to: out) }
    let upper = value / 100_000_000
    let length = upper < 100_000_000 ? Self.writeShort(upper, to: out) : writeLong(upper, to: out)
    Self.store(Self.digitBytes(value &- upper &* 100_000_000) | Self.zeros, to: out + length)
    return length &+ 8
  }

  /// Writes numbers from 10^8 on, of at most 12 digits.
  private func writeLong(_ value: UInt64, to out: UnsafeMutablePointer<UInt8>) -> Int {
    let upper = value / 100_000_000
    let length = Self.writeShort(upper, to: out)
    Self.store(Self.digitBytes(value &- upper &* 100_000_000) | Self.zeros, to: out + length)
    return length &+ 8
  }

  /// Less than 10^8, without leading zeros.
  @inline(__always)
  private static func writeShort(_ value: UInt64, to out: UnsafeMutablePointer<UInt8>) -> Int {
    let digits = digitBytes(value)
    let leading = min(digits.trailingZeroBitCount >> 3, 7)
    store((digits | zeros) &>> UInt64(truncatingIfNeeded: 8 &* leading), to: out)
    return 8 &- leading
  }

  /// `true`, `false`
  @inline(__always)
  func write(_ value: Bool, to out: UnsafeMutablePointer<UInt8>) -> Int {
    Self.store(value ? 0x6575_7274 : 0x65_736C_6166 as UInt64, to: out)
    return value ? 4 : 5
  }

  // MARK: Digits

  private static var zeros: UInt64 { 0x3030_3030_3030_3030 }

  /// See ``DecimalWritable/filled(_:_:)``. For the few digits of subnormal numbers.
  @inline(never)
  static func filled(_ digits: UInt64, _ exponent: Int, to count: Int) -> (UInt64, Int) {
    let integers = PowersOfTen.shared.integers
    var length = 1
    while length < count, digits >= integers[length] { length += 1 }
    return (digits &* integers[count - length], exponent &+ length &- 1)
  }

  /// The eight digits of a number below 10^8, first digit in the lowest byte: halves, then pairs, then single digits,
  /// each step one multiplication for all.
  @inline(__always)
  static func digitBytes(_ value: UInt64) -> UInt64 {
    let upper = value / 10_000
    let halves = upper | (value &- upper &* 10_000) &<< 32
    let hundreds = ((halves &* 5243) &>> 19) & 0x0000_007F_0000_007F
    let pairs = hundreds | (halves &- hundreds &* 100) &<< 16
    let tens = ((pairs &* 103) &>> 10) & 0x000F_000F_000F_000F
    return tens | (pairs &- tens &* 10) &<< 8
  }

  @inline(__always)
  private static func store<Bytes: BitwiseCopyable>(_ bytes: Bytes, to out: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(out).storeBytes(of: bytes, as: Bytes.self)
  }
}

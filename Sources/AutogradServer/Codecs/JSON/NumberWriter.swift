/// Writes numbers as text: floats as the shortest text that reads back to the same bits of their type, formatted as Python's repr
/// does, with a point or an exponent always; integers with neither.
///
/// Writes to raw memory, so that a loop over a tensor asks for room once per row and not once per number.
struct NumberWriter {
  /// Room that any number takes, what is written beyond its end (digits are stored eight at a time) included.
  static let room = 40

  private let powers: PowersOfTen

  init(_ powers: PowersOfTen = .shared) { self.powers = powers }

  /// Writes `value` at `out`, where there is ``room``; returns its length. What JSON has no numbers for becomes a string.
  @inline(__always)
  func write<Value: DecimalWritable>(_ value: Value, to out: UnsafeMutablePointer<UInt8>) -> Int {
    guard value.isFinite else { return Self.writeNonFinite(value.isNaN, value.sign, to: out) }
    out.pointee = UInt8(ascii: "-")
    let sign = value.sign == .minus ? 1 : 0
    if value.isZero {
      Self.store(0x302E30, to: out + sign)  // "0.0"
      return sign &+ 3
    }
    return sign &+ write(ShortestDecimal(value, powers), to: out + sign)
  }

  @inline(never)
  private static func writeNonFinite(_ isNaN: Bool, _ sign: FloatingPointSign, to out: UnsafeMutablePointer<UInt8>) -> Int {
    let text: StaticString = isNaN ? "\"NaN\"" : sign == .minus ? "\"-Infinity\"" : "\"Infinity\""
    out.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    return text.utf8CodeUnitCount
  }

  @inline(__always)
  private func write(_ decimal: ShortestDecimal, to out: UnsafeMutablePointer<UInt8>) -> Int {
    // All seventeen digits, zeros after the last: one, eight and eight.
    let length = digitCount(decimal.digits)
    let all = decimal.digits &* powers.integers[17 &- length]
    let exponent = decimal.exponent &+ length &- 1
    let first = all / 10_000_000_000_000_000
    let rest = all &- first &* 10_000_000_000_000_000
    let upper = rest / 100_000_000
    let head = Self.digitBytes(upper)
    let tail = Self.digitBytes(rest &- upper &* 100_000_000)
    let count = tail != 0 ? 17 &- tail.leadingZeroBitCount >> 3 : 9 &- head.leadingZeroBitCount >> 3
    let digits = (first: UInt8(truncatingIfNeeded: first) | 0x30, head: head | Self.zeros, tail: tail | Self.zeros)

    switch exponent {
    case 0:
      Self.store(digits, pointAfterFirst: true, to: out)
      return max(count, 2) &+ 1
    case 1..<16:
      // Written without a point, then moved apart where it belongs.
      Self.store(digits, pointAfterFirst: false, to: out)
      let fraction = UnsafeMutableRawPointer(out + (exponent &+ 1))
      let moved = (fraction.loadUnaligned(as: UInt64.self), fraction.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      (fraction + 1).storeBytes(of: moved.0, as: UInt64.self)
      (fraction + 9).storeBytes(of: moved.1, as: UInt64.self)
      out[exponent &+ 1] = UInt8(ascii: ".")
      return max(count, exponent &+ 2) &+ 1
    case -4..<0:
      Self.store(0x3030_3030_302E_30, to: out)  // "0.00000"
      Self.store(digits, pointAfterFirst: false, to: out + (1 &- exponent))
      return 1 &- exponent &+ count
    default:
      Self.store(digits, pointAfterFirst: true, to: out)
      let length = count == 1 ? 1 : count &+ 1
      return length &+ writeExponent(exponent, to: out + length)
    }
  }

  /// `e+16`, `e-07`, `e-324`.
  private func writeExponent(_ exponent: Int, to out: UnsafeMutablePointer<UInt8>) -> Int {
    out[0] = UInt8(ascii: "e")
    out[1] = exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
    let magnitude = exponent.magnitude
    let skipped = magnitude < 100 ? 6 : 5
    let text = Self.digitBytes(UInt64(magnitude)) | Self.zeros
    Self.store(text &>> UInt64(8 &* skipped), to: out + 2)
    return 10 &- skipped
  }

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

  /// 10^8 up to what is left of 20 digits without the last eight.
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
    store((digits | zeros) &>> UInt64(8 &* leading), to: out)
    return 8 &- leading
  }

  // MARK: Digits

  private static var zeros: UInt64 { 0x3030_3030_3030_3030 }

  /// How many digits a number that is not zero has.
  @inline(__always)
  private func digitCount(_ value: UInt64) -> Int {
    // 1233/4096 is a little more than log10(2).
    let estimate = ((64 &- value.leadingZeroBitCount) &* 1233) >> 12
    return estimate &+ (value >= powers.integers[estimate] ? 1 : 0)
  }

  /// The eight digits of a number below 10^8, first digit in the lowest byte: halves, then pairs, then single digits, each step
  /// one multiplication for all.
  @inline(__always)
  private static func digitBytes(_ value: UInt64) -> UInt64 {
    let upper = value / 10_000
    let halves = upper | (value &- upper &* 10_000) &<< 32
    let hundreds = ((halves &* 5243) &>> 19) & 0x0000_007F_0000_007F
    let pairs = hundreds | (halves &- hundreds &* 100) &<< 16
    let tens = ((pairs &* 103) &>> 10) & 0x000F_000F_000F_000F
    return tens | (pairs &- tens &* 10) &<< 8
  }

  @inline(__always)
  private static func store(_ bytes: UInt64, to out: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(out).storeBytes(of: bytes, as: UInt64.self)
  }

  @inline(__always)
  private static func store(
    _ digits: (first: UInt8, head: UInt64, tail: UInt64), pointAfterFirst: Bool, to out: UnsafeMutablePointer<UInt8>
  ) {
    out[0] = digits.first
    out[1] = UInt8(ascii: ".")
    let rest = out + (pointAfterFirst ? 2 : 1)
    store(digits.head, to: rest)
    store(digits.tail, to: rest + 8)
  }
}

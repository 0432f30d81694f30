import Glibc

/// A parsed JSON number: ±`significand` · 10^`exponent`.
package struct DecimalNumber {
  package var significand: UInt64
  var exponent: Int
  package var isNegative: Bool
  /// At most 19 digits and perhaps a minus sign: no point, no exponent.
  var isIntegerText: Bool
  /// More than 19 significant digits: `significand` holds the first 19 and the true value lies between it and the next.
  var isTruncated: Bool
  /// Where the token ends.
  package var end: UnsafePointer<UInt8>

  /// Its double is exactly this integer. (False for -0, because integers have no negative zero.)
  @inline(__always)
  package var isExactInteger: Bool {
    // Of the negative ones zero wraps round to the largest.
    let sign: UInt64 = isNegative ? 1 : 0
    return isIntegerText && significand &- sign <= 1 << 53 &- sign
  }
}

/// Reads JSON numbers as float64 and float32, correctly rounded for every input.
///
/// Nearly all end after one or two multiplications (Eisel and Lemire: "Number Parsing at a Gigabyte per Second", 2021).
/// What that cannot decide, some numbers of more than 19 digits, goes to the C library as digits and an exponent
/// without a point, so no locale could change its meaning.
package struct NumberReader {
  let powers: PowersOfTen

  package init(_ powers: PowersOfTen = .shared) { self.powers = powers }

  /// Parses the number that starts at `start`; nil if the text there breaks the grammar.
  @inline(__always)
  package func scan(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> DecimalNumber? {
    guard start < end else { return nil }
    // Signs are frequent, so this does not branch.
    let isNegative = start.pointee == UInt8(ascii: "-")
    let integer = start + (isNegative ? 1 : 0)
    guard integer < end, case let first = integer.pointee &- UInt8(ascii: "0"), first <= 9 else { return nil }
    var next = integer + 1
    var significand = UInt64(first)
    // Most fractions have one digit before the point.
    if next < end, next.pointee != UInt8(ascii: ".") {
      (significand, next) = whole(start, isNegative, end)
      if first == 0, next - integer > 1 { return nil }
    }
    var digitCount = next - integer
    var exponent = 0
    if next < end, next.pointee == UInt8(ascii: ".") {
      let fraction = next + 1
      next = digits(fraction, end, &significand)
      exponent = fraction - next
      guard exponent < 0 else { return nil }
      digitCount &-= exponent
    }
    var isTruncated = false
    if digitCount > 19 { (significand, exponent, isTruncated) = Self.shortened(integer, next) }
    var isIntegerText = next - integer == digitCount && digitCount <= 19
    if next < end, next.pointee | 0x20 == UInt8(ascii: "e") {
      guard let (power, after) = scanExponent(next + 1, end) else { return nil }
      exponent &+= power
      next = after
      isIntegerText = false
    }
    return DecimalNumber(
      significand: significand, exponent: exponent, isNegative: isNegative, isIntegerText: isIntegerText,
      isTruncated: isTruncated,
      end: next)
  }

  /// The digits before the point of a number that has at least one, and where they end.
  ///
  /// Where the next number starts depends on where this one ends, so the way from the bytes to the end is what a list
  /// of short integers takes: one load and a few steps, in which the sign is passed over without waiting for it.
  @inline(__always)
  private func whole(
    _ start: UnsafePointer<UInt8>, _ isNegative: Bool, _ end: UnsafePointer<UInt8>
  ) -> (UInt64, UnsafePointer<UInt8>) {
    let sign: UInt64 = isNegative ? 1 : 0
    if end - start >= 8 {
      let values = UnsafeRawPointer(start).loadUnaligned(as: UInt64.self) ^ Self.zeros
      let others = Self.nonDigits(values) & ~(sign &<< 7)
      if others != 0 {
        // At least one digit and at most seven: zeros move in before them, and the sign becomes another.
        let count = others.trailingZeroBitCount >> 3
        let leading = (values & ~(sign &* 0xFF)) &<< UInt64(truncatingIfNeeded: 64 &- 8 &* count)
        return (Self.eightDigits(leading), start + count)
      }
    }
    var significand: UInt64 = 0
    let next = digits(start + (isNegative ? 1 : 0), end, &significand)
    return (significand, next)
  }

  /// Appends a run of digits to `significand`, eight at a time; returns where the run ends.
  @inline(__always)
  private func digits(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ significand: inout UInt64
  ) -> UnsafePointer<UInt8> {
    var next = start
    while end - next >= 8 {
      let values = UnsafeRawPointer(next).loadUnaligned(as: UInt64.self) ^ Self.zeros
      let others = Self.nonDigits(values)
      guard others != 0 else {
        significand = significand &* 100_000_000 &+ Self.eightDigits(values)
        next += 8
        continue
      }
      let count = others.trailingZeroBitCount >> 3
      // Zeros move in before the digits, so a short run is read like a full one, without a loop that would be
      // mispredicted. In two steps, for no digits at all are a shift by 64.
      let leading = (values &<< UInt64(truncatingIfNeeded: 56 &- 8 &* count)) &<< 8
      significand = significand &* powers.integers[count] &+ Self.eightDigits(leading)
      return next + count
    }
    while next < end, case let digit = next.pointee &- UInt8(ascii: "0"), digit <= 9 {
      significand = significand &* 10 &+ UInt64(digit)
      next += 1
    }
    return next
  }

  private static var zeros: UInt64 { 0x3030_3030_3030_3030 }

  /// The highest bit of each byte that is no digit, given the bytes less (as bits) those of "0". The lowest that is
  /// marked is the first such byte; carries disturb only what follows a byte above 0x7F.
  @inline(__always)
  private static func nonDigits(_ values: UInt64) -> UInt64 {
    ((values &+ 0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080
  }

  /// The number written by eight digit values, first digit in the lowest byte: pairs, then fours, then all.
  @inline(__always)
  private static func eightDigits(_ values: UInt64) -> UInt64 {
    let pairs = (values &* 10 &+ values &>> 8) & 0x00FF_00FF_00FF_00FF
    let fours = (pairs &* 100 &+ pairs &>> 16) & 0x0000_FFFF_0000_FFFF
    return (fours &* 10_000 &+ fours &>> 32) & 0xFFFF_FFFF
  }

  /// Reads the digits again where there are more than 19 of them: leading zeros do not count, and what comes after the
  /// first 19 that do is left out.
  @inline(never)
  private static func shortened(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) -> (significand: UInt64, exponent: Int, isTruncated: Bool) {
    var significand: UInt64 = 0
    var taken = 0
    var exponent = 0
    var isTruncated = false
    var afterPoint = false
    var next = start
    while next < end {
      let byte = next.pointee
      next += 1
      if byte == UInt8(ascii: ".") {
        afterPoint = true
      } else if taken == 19 {
        if byte != UInt8(ascii: "0") { isTruncated = true }
        if !afterPoint { exponent += 1 }
      } else {
        significand = significand * 10 + UInt64(byte - UInt8(ascii: "0"))
        if significand > 0 { taken += 1 }
        if afterPoint { exponent -= 1 }
      }
    }
    return (significand, exponent, isTruncated)
  }

  /// The exponent after the `e`, and where it ends; nil if the digits are missing.
  @inline(__always)
  private func scanExponent(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> (Int, UnsafePointer<UInt8>)?
  {
    let sign = start < end ? start.pointee : 0
    let isNegative = sign == UInt8(ascii: "-")
    let first = start + (isNegative || sign == UInt8(ascii: "+") ? 1 : 0)
    var value: UInt64 = 0
    let next = digits(first, end, &value)
    guard next > first else { return nil }
    // Eight digits are more than any number needs; more of them start with zeros, or dwarf all that fits a body.
    if next - first > 8 { value = Self.longExponent(first, next) }
    let magnitude = Int(truncatingIfNeeded: value)
    return (isNegative ? 0 &- magnitude : magnitude, next)
  }

  /// Larger than the number of zeros in any body, and small enough never to overflow.
  @inline(never)
  private static func longExponent(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> UInt64 {
    var value: UInt64 = 0
    var next = start
    while next < end, value < 1_000_000_000_000_000 {
      value = value * 10 + UInt64(next.pointee - UInt8(ascii: "0"))
      next += 1
    }
    return value
  }

  /// `decimal` in the floating-point type `Value`, rounded once to nearest, ties to even. `start` is where its text
  /// starts.
  ///
  /// `always`, for with `__always` the parser's loop, which is where the time goes, calls it all the same.
  @inline(always)
  package func read<Value: DecimalReadable>(
    _ decimal: DecimalNumber, _ start: UnsafePointer<UInt8>, as _: Value.Type = Value.self
  ) -> Value {
    let magnitude: UInt64
    if decimal.significand <= Value.maximumShort, UInt(bitPattern: 0 &- decimal.exponent) <= 10 {
      // Both numbers are exact, so the one rounding of the division is the right one. Small integers and short
      // fractions end here.
      magnitude = (Value(decimal.significand) / Value(powers.integers[0 &- decimal.exponent])).magnitudeBits
    } else {
      let bits = convert(decimal.significand, decimal.exponent, as: Value.self)
      magnitude = decimal.isTruncated || bits == Self.undecided ? readLong(decimal, start, bits, as: Value.self) : bits
    }
    // Joined as integers: choosing between two floating-point numbers is a branch.
    return Value(magnitude: magnitude, isNegative: decimal.isNegative)
  }

  /// More than 19 digits: the value lies between two neighbours of 19 digits, and mostly both round to the same
  /// `magnitude`.
  @inline(never)
  private func readLong<Value: DecimalReadable>(
    _ decimal: DecimalNumber, _ start: UnsafePointer<UInt8>, _ magnitude: UInt64, as _: Value.Type
  ) -> UInt64 {
    if magnitude != Self.undecided, magnitude == convert(decimal.significand + 1, decimal.exponent, as: Value.self) {
      return magnitude
    }
    return Self.readExactly(decimal, start, as: Value.self)
  }

  private static var undecided: UInt64 { .max }

  /// The bits of significand · 10^exponent without a sign, or ``undecided``.
  @inline(__always)
  private func convert<Value: DecimalReadable>(_ significand: UInt64, _ exponent: Int, as _: Value.Type) -> UInt64 {
    guard significand != 0, UInt(bitPattern: exponent &+ 342) <= 342 + 308 else {
      return significand == 0 || exponent < 0 ? 0 : Value.infinityBits
    }
    // The product with 128 bits of 5^exponent, as far as it takes to know the bits that are kept and the one after
    // them.
    let shift = significand.leadingZeroBitCount
    let normalized = significand &<< UInt64(truncatingIfNeeded: shift)
    let power = powers.significand(exponent)
    var (high, low) = normalized.multipliedFullWidth(by: power.high)
    let unused = UInt64(truncatingIfNeeded: 61 &- Value.fractionBits)
    if ~high & ((1 &<< unused) &- 1) == 0 {
      let carry = normalized.multipliedFullWidth(by: power.low).high
      low = low &+ carry
      if low < carry { high = high &+ 1 }
      if low == .max, exponent < -27 || exponent > 55 { return Self.undecided }
    }
    let top = high &>> 63
    var fraction = high &>> (top &+ unused)
    var biased = PowersOfTen.binaryExponent(exponent) &+ 63 &+ Int(top) &- shift &+ Value.bias
    if biased <= 0 {
      // Subnormal: fewer bits, rounded here once. A tie cannot occur, no such power of five divides a 64-bit number.
      guard biased > -63 else { return 0 }
      fraction = fraction &>> UInt64(truncatingIfNeeded: 1 &- biased)
      return (fraction &+ (fraction & 1)) &>> 1
    }
    if low <= 1, isTie(fraction, high, top &+ unused, Value.tieExponents.contains(exponent)) { fraction &-= 1 }
    fraction = (fraction &+ (fraction & 1)) &>> 1
    // Rounding may carry into the next power of two: as one number, fraction and exponent add up to just that.
    biased &-= 1
    let bits = UInt64(truncatingIfNeeded: biased) &<< UInt64(truncatingIfNeeded: Value.fractionBits) &+ fraction
    return min(bits, Value.infinityBits)
  }

  /// Whether the product is exactly half way, with an even neighbour below.
  @inline(never)
  private func isTie(_ fraction: UInt64, _ high: UInt64, _ shift: UInt64, _ mayBe: Bool) -> Bool {
    mayBe && fraction & 3 == 1 && fraction &<< shift == high
  }

  /// The C library's result, on at most 800 digits. Later digits are replaced by one nonzero digit, which is enough,
  /// because no number half way between two doubles has more than 768 digits.
  @inline(never)
  private static func readExactly<Value: DecimalReadable>(
    _ decimal: DecimalNumber, _ start: UnsafePointer<UInt8>, as _: Value.Type
  ) -> UInt64 {
    // `exponent` belongs to the first 19 significant digits.
    var exponent = decimal.exponent
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 800) { text in
      var count = 0
      var hasTail = false
      var next = start
      while next < decimal.end, next.pointee | 0x20 != UInt8(ascii: "e") {
        let byte = next.pointee
        next += 1
        guard byte &- UInt8(ascii: "0") <= 9, count > 0 || byte != UInt8(ascii: "0") else { continue }
        if count < 770 {
          text[count] = CChar(bitPattern: byte)
          count += 1
          if count > 19 { exponent -= 1 }
        } else if byte != UInt8(ascii: "0") {
          hasTail = true
        }
      }
      if hasTail {
        text[count] = CChar(bitPattern: UInt8(ascii: "1"))
        count += 1
        exponent -= 1
      }
      appendExponent(exponent, to: text, at: count)
      return text.baseAddress.map { Value.read($0) } ?? 0
    }
  }

  /// Writes `e-345` and the NUL that ends a C string.
  private static func appendExponent(_ exponent: Int, to text: UnsafeMutableBufferPointer<CChar>, at start: Int) {
    text[start] = CChar(bitPattern: UInt8(ascii: "e"))
    var next = start + 1
    for byte in String(exponent).utf8 {
      text[next] = CChar(bitPattern: byte)
      next += 1
    }
    text[next] = 0
  }
}

/// A binary floating-point format as ``NumberReader`` needs to know it.
package protocol DecimalReadable: BinaryFloatingPoint {
  /// Bits of the fraction without the leading one.
  static var fractionBits: Int { get }
  static var bias: Int { get }
  static var infinityBits: UInt64 { get }
  /// Integers up to here are exact. (For doubles 2^53 would do, but numbers written in full lie on both sides of it,
  /// and a branch that cannot be predicted costs more than it saves.)
  static var maximumShort: UInt64 { get }
  /// Decimal exponents for which a 64-bit significand may lie exactly half way between two values.
  static var tieExponents: ClosedRange<Int> { get }
  init(magnitude: UInt64, isNegative: Bool)
  /// The bits of a value that has no minus sign.
  var magnitudeBits: UInt64 { get }
  /// The magnitude of the C library's reading of a NUL-terminated text.
  static func read(_ text: UnsafePointer<CChar>) -> UInt64
}

extension Double: DecimalReadable {
  package static var fractionBits: Int { 52 }
  package static var bias: Int { 1023 }
  package static var maximumShort: UInt64 { 1 << 32 }
  package static var infinityBits: UInt64 { 0x7FF0_0000_0000_0000 }
  package static var tieExponents: ClosedRange<Int> { -4...23 }

  @inline(__always)
  package init(magnitude: UInt64, isNegative: Bool) {
    self.init(bitPattern: magnitude | (isNegative ? 1 << 63 : 0))
  }

  @inline(__always)
  package var magnitudeBits: UInt64 { bitPattern }

  package static func read(_ text: UnsafePointer<CChar>) -> UInt64 { strtod(text, nil).bitPattern }
}

extension Float: DecimalReadable {
  package static var fractionBits: Int { 23 }
  package static var bias: Int { 127 }
  package static var maximumShort: UInt64 { 1 << 24 }
  package static var infinityBits: UInt64 { 0x7F80_0000 }
  package static var tieExponents: ClosedRange<Int> { -17...10 }

  @inline(__always)
  package init(magnitude: UInt64, isNegative: Bool) {
    self.init(bitPattern: UInt32(truncatingIfNeeded: magnitude) | (isNegative ? 1 << 31 : 0))
  }

  @inline(__always)
  package var magnitudeBits: UInt64 { UInt64(bitPattern) }

  package static func read(_ text: UnsafePointer<CChar>) -> UInt64 { UInt64(strtof(text, nil).bitPattern) }
}

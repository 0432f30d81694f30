/// Powers of ten for reading and writing floating-point numbers: one table for both directions and both widths.
///
/// Computed at first use by exact integer arithmetic (about 20 µs), because 1,300 literals could not be checked by eye.
///
/// `@unchecked Sendable`: filled once by the initialiser, never written or freed afterwards.
package struct PowersOfTen: @unchecked Sendable {
  static let shared = PowersOfTen()

  /// The reader needs 10^-342 (below it 19 digits round to zero), the writer 10^324 (the scale of the smallest
  /// subnormal).
  static let exponents = -342...324

  /// 10^q is 5^q · 2^q, and only 5^q is stored: its first 128 bits, high word then low word, highest bit set. Rounded
  /// down for q >= 0 (exact up to 5^55), up for q < 0 (never exact): the roundings for which Eisel and Lemire's method
  /// is proved.
  private let significands: UnsafePointer<UInt64>

  /// 10^0 ... 10^19, all that fit 64 bits.
  let integers: UnsafePointer<UInt64>

  @inline(__always)
  func significand(_ exponent: Int) -> (high: UInt64, low: UInt64) {
    assert(Self.exponents.contains(exponent))
    let entry = significands + 2 &* (exponent &- Self.exponents.lowerBound)
    return (entry[0], entry[1])
  }

  /// As ``significand(_:)`` but rounded up everywhere, which Schubfach's method asks for.
  @inline(__always)
  func significandRoundedUp(_ exponent: Int) -> (high: UInt64, low: UInt64) {
    // No low word is all ones where one is added (a test looks at every entry), so there is no carry.
    let (high, low) = significand(exponent)
    return (high, low &+ (exponent > 55 ? 1 : 0))
  }

  /// floor(log2(10^q)), for every exponent of the table.
  @inline(__always)
  static func binaryExponent(_ exponent: Int) -> Int { (exponent &* 1_741_647) >> 19 }

  private init() {
    let count = 2 * Self.exponents.count
    let table = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
    let zero = -2 * Self.exponents.lowerBound
    var power = WideInteger(1)
    for exponent in 0...Self.exponents.upperBound {
      Self.store(power.leadingBits, at: table + zero + 2 * exponent)
      power.multiply(by: 5)
    }
    // floor(floor(x / 5^k) / 5) is floor(x / 5^(k+1)): dividing again and again by five loses nothing.
    var reciprocal = WideInteger.highestBit
    for exponent in 1...(-Self.exponents.lowerBound) {
      reciprocal.divide(by: 5)
      Self.store(reciprocal.leadingBits + 1, at: table + zero - 2 * exponent)
    }
    significands = UnsafePointer(table)

    let integers = UnsafeMutablePointer<UInt64>.allocate(capacity: 20)
    integers[0] = 1
    for exponent in 1..<20 { integers[exponent] = integers[exponent - 1] * 10 }
    self.integers = UnsafePointer(integers)
  }

  private static func store(_ value: UInt128, at entry: UnsafeMutablePointer<UInt64>) {
    entry[0] = UInt64(truncatingIfNeeded: value >> 64)
    entry[1] = UInt64(truncatingIfNeeded: value)
  }
}

/// A natural number of 960 bits: room for 5^324 (753 bits), and for 128 bits of 2^959 / 5^342.
private struct WideInteger {
  /// 32 bits each, least significant first: a product or a remainder with one more digit fits a machine word.
  private var digits = InlineArray<30, UInt32>(repeating: 0)
  private var used = 30

  init(_ value: UInt32) {
    digits[0] = value
    used = 1
  }

  static var highestBit: WideInteger {
    var value = WideInteger(0)
    value.digits[29] = 1 << 31
    value.used = 30
    return value
  }

  mutating func multiply(by factor: UInt64) {
    var carry: UInt64 = 0
    for index in 0..<used {
      carry += UInt64(digits[index]) * factor
      digits[index] = UInt32(truncatingIfNeeded: carry)
      carry >>= 32
    }
    guard carry > 0 else { return }
    digits[used] = UInt32(carry)
    used += 1
  }

  mutating func divide(by divisor: UInt64) {
    var remainder: UInt64 = 0
    for index in stride(from: used - 1, through: 0, by: -1) {
      let dividend = remainder << 32 | UInt64(digits[index])
      digits[index] = UInt32(truncatingIfNeeded: dividend / divisor)
      remainder = dividend % divisor
    }
    while used > 1, digits[used - 1] == 0 { used -= 1 }
  }

  /// The first 128 bits, the highest of them set; zeros after the last bit of a shorter number.
  var leadingBits: UInt128 {
    let shift = digits[used - 1].leadingZeroBitCount
    var bits: UInt128 = 0
    for place in 1...4 where used >= place {
      bits |= UInt128(digits[used - place]) << (128 - 32 * place)
    }
    let next = used > 4 ? digits[used - 5] : 0
    return bits << shift | UInt128((UInt64(next) << 32) >> (64 - shift))
  }
}

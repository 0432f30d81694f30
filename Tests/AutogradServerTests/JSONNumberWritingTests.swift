import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

private func text(_ value: Double) -> String {
  let buffer = ByteBuffer()
  buffer.append(double: value)
  return buffer.string
}

private func text(_ value: Float) -> String {
  let buffer = ByteBuffer()
  buffer.append(float: value)
  return buffer.string
}

private func text(_ value: Int64) -> String {
  let buffer = ByteBuffer()
  buffer.append(int: value)
  return buffer.string
}

#if DEBUG
  private let iterations = 20_000
#else
  private let iterations = 1_000_000
#endif

/// The significant digits of a text, which say nothing about where the point is.
private func significantDigits(_ text: String) -> String {
  let digits = text.prefix { $0 != "e" }.filter(\.isNumber).drop { $0 == "0" }
  return String(String(digits.reversed().drop { $0 == "0" }.reversed()))
}

/// The exponent form of `digits` and the decimal exponent in Python's repr format, written down the obvious way.
private func pythonFormat(_ digits: String, exponent: Int, negative: Bool) -> String {
  let sign = negative ? "-" : ""
  let count = digits.count
  if exponent >= 16 || exponent < -4 {
    let power = String(exponent.magnitude)
    let point = count > 1 ? "." + digits.dropFirst() : ""
    return sign + digits.prefix(1) + point + "e" + (exponent < 0 ? "-" : "+") + (power.count < 2 ? "0" + power : power)
  }
  if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
  if count <= exponent + 1 { return sign + digits + String(repeating: "0", count: exponent + 1 - count) + ".0" }
  return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
}

/// The decimal exponent of the first digit.
private func decimalExponent(_ description: String) -> Int {
  let parts = description.split(separator: "e")
  let shift = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
  let mantissa = parts[0].drop { $0 == "-" }
  let whole = mantissa.prefix { $0 != "." }
  if whole != "0" { return shift + whole.count - 1 }
  return shift - mantissa.dropFirst(2).prefix { $0 == "0" }.count - 1
}

@Suite("JSON number writing")
struct JSONNumberWritingTests {
  @Test(
    "doubles look as Python prints them",
    arguments: [
      ("0", "0.0"), ("-0.0", "-0.0"), ("1", "1.0"), ("-1", "-1.0"), ("2", "2.0"), ("0.1", "0.1"),
      ("0.30000000000000004", "0.30000000000000004"), ("100", "100.0"), ("123456789", "123456789.0"),
      ("1e15", "1000000000000000.0"), ("9007199254740991", "9007199254740991.0"),
      ("9007199254740993", "9007199254740992.0"),
      ("9999999999999998", "9999999999999998.0"), ("1e16", "1e+16"),
      ("12345678901234567", "1.2345678901234568e+16"), ("1e21", "1e+21"), ("1e22", "1e+22"), ("1e23", "1e+23"),
      ("9.5e-3", "0.0095"), ("1e-4", "0.0001"), ("0.00012345678901234567", "0.00012345678901234567"),
      ("9.999e-5", "9.999e-05"), ("1e-5", "1e-05"), ("1.5e-7", "1.5e-07"), ("1e-10", "1e-10"), ("5e-324", "5e-324"),
      ("1e-323", "1e-323"), ("1.5e-323", "1.5e-323"), ("2.2250738585072014e-308", "2.2250738585072014e-308"),
      ("2.225073858507201e-308", "2.225073858507201e-308"), ("1.7976931348623157e308", "1.7976931348623157e+308"),
      ("4.35", "4.35"),
      ("12.5", "12.5"), ("1234567.125", "1234567.125"), ("123456.78901234567", "123456.78901234567"),
      ("1234567890123456.7", "1234567890123456.8"), ("nan", "\"NaN\""), ("inf", "\"Infinity\""),
      ("-inf", "\"-Infinity\""),
      ("-nan", "\"NaN\""), ("9007199254740992", "9007199254740992.0"),
      ("2e-44", "2e-44"), ("2251799813685248.5", "2251799813685248.5"), ("5e15", "5000000000000000.0"), ("0.5", "0.5"),
      ("0.33333333333333333", "0.3333333333333333"), ("0.66666666666666666", "0.6666666666666666"), ("1e100", "1e+100"),
      ("-1e-100", "-1e-100"),
      ("9.109e-31", "9.109e-31"), ("0.00009999999999999999", "9.999999999999999e-05"),
      ("9999999999999998", "9999999999999998.0"),
      ("144115188075855870", "1.4411518807585587e+17"), ("2.0e23", "2e+23"),
    ])
  func doubles(_ value: String, _ expected: String) {
    #expect(text(strtod(value, nil)) == expected)
  }

  @Test(
    "floats have the digits of a float and the format of a double",
    arguments: [
      ("0", "0.0"), ("-0.0", "-0.0"), ("1", "1.0"), ("0.1", "0.1"), ("0.3", "0.3"), ("16777216", "16777216.0"),
      ("16777217", "16777216.0"), ("33554432", "33554432.0"), ("1e10", "10000000000.0"), ("1e15", "1000000000000000.0"),
      ("1e16", "1e+16"),
      ("3.4028235e38", "3.4028235e+38"), ("1e-45", "1e-45"), ("1.1754944e-38", "1.1754944e-38"), ("1e-4", "0.0001"),
      ("9.999e-5", "9.999e-05"), ("0.33333333333333333", "0.33333334"), ("123456.79", "123456.79"), ("nan", "\"NaN\""),
      ("inf", "\"Infinity\""),
      ("-inf", "\"-Infinity\""), ("8.5e-44", "8.5e-44"), ("9.8e-45", "1e-44"), ("2.5e-7", "2.5e-07"), ("-1.5", "-1.5"),
      ("1.23456789e12", "1234568000000.0"), ("67108864", "67108864.0"), ("2147483648", "2147483600.0"),
    ])
  func floats(_ value: String, _ expected: String) {
    #expect(text(strtof(value, nil)) == expected)
  }

  /// Swift's own printing gives shortest digits, the nearest of them, by another algorithm (SwiftDtoa).
  @Test("random doubles: shortest, round trip, format")
  func randomDoubles() {
    var random = SplitMix64(seed: 10)
    for index in 0..<iterations {
      var value = Double(bitPattern: random.next())
      // A third each: any bits, around one, and powers of two, which have one neighbour nearer than the other.
      if index % 3 == 1 {
        let whole = Int64(bitPattern: random.next()) >> Int64(random.next() % 60)
        value = Double(whole) / Double(1 << Int(random.next() % 40))
      }
      if index % 3 == 2 { value = Double(sign: .plus, exponent: Int(random.next() % 2098) - 1074, significand: 1) }
      guard value.isFinite, value != 0 else { continue }
      let written = text(value)
      let description = value.description
      let expected = pythonFormat(
        significantDigits(description), exponent: decimalExponent(description), negative: value < 0)
      guard written == expected, strtod(written, nil).bitPattern == value.bitPattern else {
        Issue.record("\(description) is written as \(written), expected \(expected)")
        return
      }
    }
  }

  @Test("random floats: shortest, round trip, format")
  func randomFloats() {
    var random = SplitMix64(seed: 11)
    for index in 0..<iterations {
      var value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      if index % 3 == 1 { value = Float(Int32(truncatingIfNeeded: random.next())) / 1024 }
      if index % 3 == 2 { value = Float(sign: .plus, exponent: Int(random.next() % 277) - 149, significand: 1) }
      guard value.isFinite, value != 0 else { continue }
      let written = text(value)
      let description = value.description
      let expected = pythonFormat(
        significantDigits(description), exponent: decimalExponent(description), negative: value < 0)
      guard written == expected, strtof(written, nil).bitPattern == value.bitPattern else {
        Issue.record("\(description) is written as \(written), expected \(expected)")
        return
      }
    }
  }

  /// Where a number has few bits, the scaled interval around it is small, and every case counts.
  @Test("the least subnormals")
  func subnormals() {
    for bits in 1...UInt32(2_000) {
      let (value, single) = (Double(bitPattern: UInt64(bits)), Float(bitPattern: bits))
      let (description, singleDescription) = (value.description, single.description)
      #expect(
        text(value)
          == pythonFormat(significantDigits(description), exponent: decimalExponent(description), negative: false))
      #expect(
        text(single)
          == pythonFormat(
            significantDigits(singleDescription), exponent: decimalExponent(singleDescription), negative: false))
    }
  }

  @Test("what is written is read back, through a document")
  func roundTrip() throws {
    var random = SplitMix64(seed: 12)
    var values: [Double] = []
    let buffer = ByteBuffer()
    buffer.append("[1")
    for _ in 0..<iterations / 10 {
      let value = Double(bitPattern: random.next())
      guard !value.isNaN else { continue }
      values.append(value)
      buffer.append(",")
      buffer.append(double: value)
    }
    buffer.append("]")
    try parsing(buffer.string) { root, _ in
      #expect(root.numbers.dropFirst().elementsEqual(values) { $0.bitPattern == $1.bitPattern })
    }
  }

  @Test(
    "integers",
    arguments: [
      0, 1, -1, 9, 10, 99, 100, 12_345_678, 99_999_999, 100_000_000, -100_000_000, 1_234_567_890_123_456, .max, .min,
      .min + 1,
    ])
  func integers(_ value: Int64) {
    #expect(text(value) == "\(value)")
  }

  @Test("random integers")
  func randomIntegers() {
    var random = SplitMix64(seed: 13)
    for _ in 0..<iterations / 10 {
      let value = Int64(bitPattern: random.next()) >> Int64(random.next() % 64)
      #expect(text(value) == "\(value)")
    }
    var power: Int64 = 1
    while power < .max / 10 {
      power *= 10
      for value in [power - 1, power, power + 1, -power, 1 - power] { #expect(text(value) == "\(value)") }
    }
  }

  @Test(
    "strings",
    arguments: [
      ("", #""""#), ("abc", #""abc""#), ("a\"b\\c", #""a\"b\\c""#), ("\n\r\t\u{8}\u{C}", #""\n\r\t\b\f""#),
      ("\0\u{1F}\u{1b}", #""\u0000\u001f\u001b""#), ("é€😀\u{7F}/", "\"é€😀\u{7F}/\""),
    ])
  func strings(_ value: String, _ expected: String) throws {
    let buffer = ByteBuffer()
    buffer.appendJSONString(value)
    #expect(buffer.string == expected)
    try parsing(buffer.string) { root, _ in #expect(root.string == value) }
  }

  @Test("bytes that are not UTF-8 become the replacement character")
  func illFormed() throws {
    let buffer = ByteBuffer()
    ([0x61, 0xE9, 0x22, 0x62] as [UInt8]).withUnsafeBytes { buffer.appendJSONString($0) }
    #expect(buffer.string == "\"a\u{FFFD}\\\"b\"")
  }

  /// The writer rounds entries above 5^55 up by adding one to the low word.
  @Test("the table of powers")
  func powers() {
    let powers = PowersOfTen.shared
    for exponent in PowersOfTen.exponents {
      let (high, low) = powers.significand(exponent)
      #expect(high >> 63 == 1)
      #expect(exponent <= 55 || low != .max)
      #expect(PowersOfTen.binaryExponent(exponent) == Int((Double(exponent) * 3.321928094887362).rounded(.down)))
    }
    // 5^55 is the last that fits, with all its 128 bits; 5^56 has three more, an odd number.
    let (high, low) = powers.significandRoundedUp(55)
    let next = (UInt128(high) << 64 | UInt128(low)).multipliedFullWidth(by: 5)
    let floor = next.high << 125 | next.low >> 3
    #expect(powers.significand(56) == (UInt64(floor >> 64), UInt64(truncatingIfNeeded: floor)))
    #expect(powers.significandRoundedUp(56) == (UInt64(floor >> 64), UInt64(truncatingIfNeeded: floor) + 1))
    #expect(powers.significandRoundedUp(0) == (1 << 63, 0))
    #expect(powers.significand(1) == (5 << 61, 0))
    // Published values of 5^-1, 5^56 and the ends (the first 128 bits of 1/5, rounded up).
    #expect(powers.significand(-1) == (0xCCCC_CCCC_CCCC_CCCC, 0xCCCC_CCCC_CCCC_CCCD))
    #expect(powers.significand(-342).high == 0xEEF4_53D6_923B_D65A)
    #expect(powers.significand(308).high == 0x8E67_9C2F_5E44_FF8F)
    #expect(powers.integers[19] == 10_000_000_000_000_000_000)
  }
}

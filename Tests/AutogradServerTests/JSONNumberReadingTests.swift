import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// The token for a text, while `body` runs.
private func token<Result>(_ text: String, _ body: (NumberToken) -> Result) -> Result {
  var text = text
  return text.withUTF8 { body(NumberToken(text: UnsafeRawBufferPointer($0))) }
}

private func double(_ text: String) -> Double { token(text) { $0.double().value } }
private func float(_ text: String) -> Float { token(text) { $0.float().value } }
private func int64(_ text: String) -> IntegerReading { token(text) { $0.int64() } }

#if DEBUG
  private let iterations = 20_000
#else
  private let iterations = 1_000_000
#endif

/// Numbers are read as the C library reads them, which is correctly rounded.
@Suite("JSON number reading")
struct JSONNumberReadingTests {
  static let hard: [String] = [
    "0", "-0", "0.0", "-0.0e5", "0e999999999999999999999", "1", "9007199254740991", "9007199254740992",
    "9007199254740993",
    "9007199254740994",
    "9007199254740995", "9007199254740993.0000000000000000000000000000000001",
    "9007199254740992.9999999999999999999999999", "1e23",
    "8.5e23", "1e22", "1e-22",
    "8.988465674311582e307", "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308",
    "1.797693134862315807e308", "1.797693134862315808e308", "1.8e308", "1e309", "1e400",
    "2.2250738585072011e-308", "2.2250738585072012e-308", "2.2250738585072014e-308", "2.225073858507201e-308",
    "2.22507385850720113605740979670913197593481954635164564e-308",
    "4.9406564584124654e-324", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.5e-324", "1e-324",
    "1e-400",
    "3e-324", "7.4e-324", "7.5e-324",
    "1e-323", "1.5e-323", "4.4501477170144023e-308", "6.631236846766476e-316",
    "0.1", "0.2", "0.3", "123456789012345678", "1234567890123456789", "12345678901234567890", "18446744073709551615",
    "18446744073709551616", "99999999999999999999",
    "0.000000000000000000000000000000000000000000000000000000000000000000000001",
    "1000000000000000000000000000000000000000000",
    "123456789.123456789123456789123456789",
    "2.2250738585072011361e-308", "1.00000000000000011102230246251565404236316680908203125",
    "1.00000000000000011102230246251565404236316680908203124",
    "1.00000000000000011102230246251565404236316680908203126",
    "1.00000000000000033306690738754696212708950042724609375", "7.2057594037927933e16", "9214843084008499", "5.5e-310",
    "1090544144181609348835077142190", "30078505129381147446200",
    "1777820000000000000001", "0.500000000000000166533453693773481063544750213623046875",
    "3.2378839133029012895883524125015321749e-319", "6.92949564460091904e+65", "1.448997445238699",
    // float32: halves between neighbours, which rounding twice gets wrong.
    "16777216", "16777217", "16777218", "16777219", "16777217.000000000000000000000000001",
    "16777216.999999999999999999999",
    "1.00000005960464477539", "1.000000059604644775390625",
    "1.000000059604644775390624999", "1.000000059604644775390625001", "1.00000017881393432617187499",
    "1.000000178813934326171875",
    "1.00000017881393432617187501", "3.4028234e38", "3.4028235e38", "3.4028235677973366e38",
    "3.40282356779733661637539395458142568447e38", "3.40282356779733661637539395458142568448e38", "3.4028236e38",
    "3.5e38",
    "1.17549435e-38", "1.1754943e-38", "1.4e-45", "7e-46", "7.1e-46", "7.006492321624085e-46",
    "7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015625e-46",
    "7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015626e-46",
    "0.000000000000000000000000000000000000011754943508222874", "8388609.5", "8388608.5", "33554435",
  ]

  @Test("hard cases, also negative", arguments: hard)
  func hardCases(_ text: String) {
    for text in text.hasPrefix("-") ? [text] : [text, "-" + text] {
      #expect(double(text).bitPattern == strtod(text, nil).bitPattern)
      #expect(float(text).bitPattern == strtof(text, nil).bitPattern)
      #expect(token(text) { $0.double().overflow } == strtod(text, nil).isInfinite)
      #expect(token(text) { $0.float().overflow } == strtof(text, nil).isInfinite)
    }
  }

  /// The value exactly half way between two doubles needs up to 768 digits; one digit more, however late, decides.
  @Test("hundreds of digits")
  func longDigits() {
    for value in [1.0, 0.1, Double.leastNonzeroMagnitude, .leastNormalMagnitude, 1.7e-300, 9.99e22, 1e300] {
      // Zeros, then one digit, after a value with all its digits.
      let middle = String(format: "%.1080f", value)
      for tail in ["", "0", "1", String(repeating: "0", count: 800) + "1", String(repeating: "9", count: 800)] {
        let text = middle + tail
        #expect(double(text).bitPattern == strtod(text, nil).bitPattern)
        #expect(float(text).bitPattern == strtof(text, nil).bitPattern)
      }
    }
    // 2^-1075, half of the least subnormal: 751 digits after the zeros.
    let half = halfOfLeastSubnormal()
    #expect(double("0." + half) == 0)
    #expect(double("0." + half + "0000000001") == .leastNonzeroMagnitude)
    #expect(double("0." + half + String(repeating: "0", count: 5000) + "1") == .leastNonzeroMagnitude)
    #expect(double("0." + half.dropLast() + "4") == 0)
    let whole = half.drop { $0 == "0" }
    #expect(double(whole + "e-1075") == 0)
    #expect(double(whole + "00000000000000000001e-1095") == .leastNonzeroMagnitude)
    // Zeros before and after the digits, undone by the exponent.
    for zeros in [1, 18, 19, 20, 400, 5000] {
      let run = String(repeating: "0", count: zeros)
      #expect(double("0." + run + "15e\(zeros + 1)") == 1.5)
      #expect(double("15" + run + "e-\(zeros + 1)") == 1.5)
      #expect(double("15" + run + "." + run + "e-\(zeros + 1)") == 1.5)
    }
  }

  /// The digits of 2^-1075 after the point: 5^1075 with zeros before it.
  private func halfOfLeastSubnormal() -> String {
    var digits: [Int] = [1]
    for _ in 0..<1075 {
      var carry = 0
      for index in digits.indices {
        carry += digits[index] * 5
        digits[index] = carry % 10
        carry /= 10
      }
      if carry > 0 { digits.append(carry) }
    }
    return String(repeating: "0", count: 1075 - digits.count) + digits.reversed().map(String.init).joined()
  }

  @Test("random texts")
  func randomTexts() {
    var random = SplitMix64(seed: 1)
    for _ in 0..<iterations {
      let text = randomText(&random)
      let (value, single) = token(text) { ($0.double().value, $0.float().value) }
      let isDecided = FloatRounding.isDecided(value)
      guard value.bitPattern == strtod(text, nil).bitPattern, single.bitPattern == strtof(text, nil).bitPattern,
        !isDecided || Float(value).bitPattern == single.bitPattern
      else {
        Issue.record("\(text) is read as \(value) and \(single)")
        return
      }
    }
  }

  private func randomText(_ random: inout SplitMix64) -> String {
    switch random.next() % 8 {
    case 0: return Double(bitPattern: random.next() & ~(1 << 62)).description
    case 1: return Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) & ~(1 << 30)).description
    case 2:
      // Half way between two floats, and its neighbours: 17 to 55 digits.
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) & ~(1 << 30))
      return String(format: "%.\(random.next() % 55)e", (Double(value) + Double(value.nextUp)) / 2)
    case 3:
      // Half way between two doubles, 54 bits and zeros, and beside it.
      let middle = (1 << 53 | random.next() >> 11) &* 2 &+ 1
      let text = "\(middle &<< (random.next() % 10) &+ random.next() % 3 &- 1)"
      return text + ["", "0", "000", ".0", ".5", ".00000000000000000001", "e0", "E+3"][Int(random.next() % 8)]
    case 4:
      // Both ends of the exponents, with zeros before the exponent's digits.
      let ranges = [(-326, 30), (-47, 12), (300, 10), (36, 4), (-4, 8)]
      let (low, width) = ranges[Int(random.next() % 5)]
      let exponent = low + Int(random.next() % UInt64(width))
      let zeros = String(repeating: "0", count: Int(random.next() % 12))
      let digits = "\(1 + random.next() % 9).\(random.next() >> (random.next() % 64))"
      return digits + (exponent < 0 ? "e-" : "E+") + zeros + "\(exponent.magnitude)"
    case 5:
      // Zeros before the digits and after them.
      func zeros(_ most: UInt64) -> String { String(repeating: "0", count: Int(random.next() % most)) }
      return "-0." + zeros(60) + "\(random.next() >> (random.next() % 64))" + zeros(40)
    default:
      var text = random.next() % 2 == 0 ? "-" : ""
      let digits = 1 + random.next() % 25
      let point = random.next() % 25
      for index in 0..<digits {
        let digit = index == 0 ? 1 + random.next() % 9 : random.next() % 10
        text += "\(digit)"
        if index == point, index + 1 < digits { text += "." }
      }
      if random.next() % 2 == 0 { text += "e\(Int(random.next() % 700) - 360)" }
      return text
    }
  }

  @Test("random bit patterns")
  func randomBits() {
    var random = SplitMix64(seed: 2)
    for _ in 0..<iterations {
      let value = Double(bitPattern: random.next())
      guard value.isFinite else { continue }
      let text = value.description
      guard double(text).bitPattern == value.bitPattern else {
        Issue.record("\(text)")
        return
      }
    }
  }

  /// In a body the text after a number must not matter, however the eight bytes at a time fall.
  @Test("every length of integer and fraction, at the end of a body and before more")
  func lengths() throws {
    let digits = "1234567890123456789012345"
    for whole in 0...20 {
      for fraction in 0...20 {
        var text = whole == 0 ? "0" : String(digits.prefix(whole))
        if fraction > 0 { text += "." + digits.suffix(fraction) }
        let expected = strtod(text, nil)
        for after in ["", " ", "]", ",7]", ", 12345678]"] {
          let body = after.contains("]") ? "[" + text + after : text + after
          let read = try parsing(body) { root, _ in
            root.kind == .numbers ? root.numbers[0] : root.numberToken?.double().value
          }
          #expect(read == expected, "\(body)")
        }
      }
    }
  }

  @Test(
    "integers",
    arguments: [
      ("0", .value(0)), ("-0", .value(0)), ("-0.0", .value(0)), ("0e99999999999", .value(0)), ("1.0", .value(1)),
      ("1e3", .value(1000)), ("10e-1", .value(1)),
      ("1.5e1", .value(15)), ("-12.50e2", .value(-1250)), ("9223372036854775807", .value(.max)),
      ("9223372036854775808", .outOfRange), ("-9223372036854775808", .value(.min)),
      ("-9223372036854775809", .outOfRange), ("9223372036854775807.0", .value(.max)),
      ("9223372036854775807.5", .fraction),
      ("922337203685477580.7e1", .value(.max)),
      ("9007199254740993", .value(9_007_199_254_740_993)), ("1e18", .value(1_000_000_000_000_000_000)),
      ("1e19", .outOfRange),
      ("-1e19", .outOfRange), ("1e30", .outOfRange),
      ("1e999999999999999999999", .outOfRange), ("1e-999999999999999999999", .fraction), ("0.5", .fraction),
      ("1e-1", .fraction),
      ("15e-1", .fraction),
      ("100000000000000000000e-10", .value(10_000_000_000)), ("1.00000000000000000000000000", .value(1)),
      ("1.00000000000000000000000001", .fraction),
      ("123456789012345678901234567890e-11", .fraction), ("123456789012345678901234567890", .outOfRange),
      ("0.000000000000000000000000000001e30", .value(1)),
      ("99999999999999999999", .outOfRange), ("18446744073709551616", .outOfRange),
      ("12345678901234567891.5", .outOfRange),
    ] as [(String, IntegerReading)])
  func integers(_ text: String, _ expected: IntegerReading) {
    #expect(int64(text) == expected)
  }

  @Test("random integers, written in several ways")
  func randomIntegers() {
    var random = SplitMix64(seed: 3)
    for _ in 0..<iterations / 10 {
      let value = Int64(bitPattern: random.next()) >> Int64(random.next() % 64)
      let isRead =
        int64("\(value)") == .value(value) && int64("\(value).000") == .value(value)
        && int64("\(value)e0") == .value(value)
        && (value == 0 || int64("\(value)000e-3") == .value(value)) && int64("\(value).5") == .fraction
      guard isRead else {
        Issue.record("\(value)")
        return
      }
    }
  }

  @Test("the strings that stand for what JSON has no numbers for")
  func nonFinite() {
    #expect(double("\"NaN\"").isNaN)
    #expect(double("\"Infinity\"") == .infinity)
    #expect(float("\"-Infinity\"") == -.infinity)
    for text in ["\"nan\"", "\"Inf\"", "\"+Infinity\"", "NaN", "\"NaN", "\"NaN\" ", ""] {
      #expect(token(text) { $0.isNonFiniteText } == false)
    }
  }
}

/// A small generator with a seed, so that a failure can be repeated.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

import Glibc

/// A number of the body as it was written, to be read in the dtype that the graph asks for. Also one of the strings
/// "NaN", "Infinity" and "-Infinity", quotes included.
package struct NumberToken {
  package let text: UnsafeRawBufferPointer

  /// - Parameter text: a number of JSON, or one of the three strings with its quotes.
  package init(text: UnsafeRawBufferPointer) { self.text = text }

  /// Rounded to nearest, ties to even; a value beyond the largest double is an infinity with `overflow`.
  package func double() -> (value: Double, overflow: Bool) { read() }

  /// Rounded once, from the text: reading a double first and narrowing it would round twice. Underflow rounds.
  package func float() -> (value: Float, overflow: Bool) { read() }

  private func read<Value: DecimalReadable & BinaryFloatingPoint>() -> (Value, Bool) {
    if let value = NonFiniteText(text) { return (value.value(), false) }
    let reader = NumberReader()
    guard let (decimal, start) = decimal(reader) else { return (.nan, false) }
    let value: Value = reader.read(decimal, start)
    return (value, value.isInfinite)
  }

  /// One of the three quoted strings.
  var isNonFiniteText: Bool { NonFiniteText(text) != nil }

  /// The exact integer, if there is one: `1.0`, `1e3` and `10e-1` are integers, and -0 is 0.
  package func int64() -> IntegerReading {
    guard let (decimal, _) = decimal(NumberReader()) else { return .fraction }
    var (significand, exponent) = (decimal.significand, decimal.exponent)
    if significand == 0 { return .value(0) }
    if decimal.isTruncated {
      // Some digit after the 19th is not zero. It stands before the point of a number above 10^19, or after the point.
      return exponent > 0 ? .outOfRange : .fraction
    }
    while exponent < 0, significand % 10 == 0 {
      significand /= 10
      exponent += 1
    }
    guard exponent >= 0 else { return .fraction }
    guard exponent < 20 else { return .outOfRange }
    let (magnitude, overflow) = significand.multipliedReportingOverflow(by: PowersOfTen.shared.integers[exponent])
    guard !overflow, magnitude <= Int64.min.magnitude, decimal.isNegative || magnitude < Int64.min.magnitude else {
      return .outOfRange
    }
    let value = Int64(truncatingIfNeeded: magnitude)
    return .value(decimal.isNegative ? 0 &- value : value)
  }

  /// Nil for one of the three strings. Anything else that is not a number has been rejected by the parser.
  private func decimal(_ reader: NumberReader) -> (DecimalNumber, UnsafePointer<UInt8>)? {
    guard let base = text.baseAddress else { return nil }
    let start = base.assumingMemoryBound(to: UInt8.self)
    return reader.scan(start, start + text.count).map { ($0, start) }
  }
}

/// What ``NumberToken/int64()`` found.
package enum IntegerReading: Equatable, Sendable {
  case value(Int64)
  /// An integer that 64 bits do not hold.
  case outOfRange
  /// Not an integer.
  case fraction
}

/// The strings that stand for the values JSON has no numbers for (the proto3 JSON mapping).
enum NonFiniteText: Sendable {
  case nan, infinity, negativeInfinity

  /// `text` with its quotes; a spelling with escapes is an ordinary string.
  @inline(__always)
  init?(_ text: UnsafeRawBufferPointer) {
    guard text.count >= 5, text[0] == UInt8(ascii: "\"") else { return nil }
    switch text.count {
    case 5 where text.hasPrefix("\"NaN\""): self = .nan
    case 10 where text.hasPrefix("\"Infinity\""): self = .infinity
    case 11 where text.hasPrefix("\"-Infinity\""): self = .negativeInfinity
    default: return nil
    }
  }

  func value<Value: BinaryFloatingPoint>() -> Value {
    switch self {
    case .nan: .nan
    case .infinity: .infinity
    case .negativeInfinity: -.infinity
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes start with `prefix`.
  @inlinable @inline(__always)
  package func hasPrefix(_ prefix: StaticString) -> Bool {
    let length = prefix.utf8CodeUnitCount
    guard count >= length, let base = baseAddress else { return false }
    return memcmp(base, prefix.utf8Start, length) == 0
  }
}

/// A number as programs write it into tables: `1`, `+1`, `.5`, `1.`, `007`, `1e5`, `nan`, `-inf`, `TRUE`.
struct CSVNumber {
  private enum Form {
    /// Already a number of JSON.
    case plain
    /// Its parts: digits before the point, digits behind it, the exponent with its letter.
    case parts(whole: Range<Int>, fraction: Range<Int>, exponent: Range<Int>)
    case word(StaticString)
  }

  private let text: UnsafeRawBufferPointer
  private let form: Form
  private var isNegative = false
  private(set) var isTruth = false

  /// Nil for what is no number.
  init?(_ text: UnsafeRawBufferPointer) {
    self.text = text
    guard let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
    if let number = NumberReader().scan(start, start + text.count), number.end == start + text.count {
      form = .plain
      return
    }
    let sign = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") ? 1 : 0
    isNegative = text.first == UInt8(ascii: "-")
    if let parts = CSVNumber.parts(text, from: sign) {
      form = parts
      return
    }
    guard let word = CSVNumber.word(text[sign...], isNegative: isNegative) else { return nil }
    // No word of truth has a sign.
    if word.isTruth, sign > 0 { return nil }
    isTruth = word.isTruth
    form = .word(word.json)
  }

  private static func parts(_ text: UnsafeRawBufferPointer, from start: Int) -> Form? {
    func digitsEnd(_ start: Int) -> Int {
      var end = start
      while end < text.count, text[end] &- UInt8(ascii: "0") <= 9 { end += 1 }
      return end
    }
    let whole = start..<digitsEnd(start)
    var fraction = whole.upperBound..<whole.upperBound
    if whole.upperBound < text.count, text[whole.upperBound] == UInt8(ascii: ".") {
      fraction = (whole.upperBound + 1)..<digitsEnd(whole.upperBound + 1)
    }
    if whole.isEmpty, fraction.isEmpty { return nil }
    var end = fraction.isEmpty && fraction.lowerBound == whole.upperBound ? whole.upperBound : fraction.upperBound
    let exponent = end
    if end < text.count, text[end] | 0x20 == UInt8(ascii: "e") {
      let isSigned = end + 1 < text.count && (text[end + 1] == UInt8(ascii: "-") || text[end + 1] == UInt8(ascii: "+"))
      let digits = end + (isSigned ? 2 : 1)
      end = digitsEnd(digits)
      if end == digits { return nil }
    }
    return end == text.count ? .parts(whole: whole, fraction: fraction, exponent: exponent..<end) : nil
  }

  private static func word(
    _ text: Slice<UnsafeRawBufferPointer>, isNegative: Bool
  ) -> (json: StaticString, isTruth: Bool)? {
    guard text.count <= 8 else { return nil }
    switch String(decoding: text, as: UTF8.self).lowercased() {
    case "nan", "na": return ("\"NaN\"", false)
    case "inf", "infinity": return (isNegative ? "\"-Infinity\"" : "\"Infinity\"", false)
    case "true": return ("true", true)
    case "false": return ("false", true)
    default: return nil
    }
  }

  /// Writes it as JSON.
  func append(to json: ByteBuffer) {
    switch form {
    case .plain: json.append(text)
    case .word(let word): json.append(word)
    case .parts(let whole, let fraction, let exponent):
      if isNegative { json.append(UInt8(ascii: "-")) }
      let digits = text[whole].drop { $0 == UInt8(ascii: "0") }
      json.append(digits.isEmpty ? UInt8(ascii: "0") : digits[digits.startIndex])
      json.append(UnsafeRawBufferPointer(rebasing: digits.dropFirst()))
      if !fraction.isEmpty {
        json.append(UInt8(ascii: "."))
        json.append(UnsafeRawBufferPointer(rebasing: text[fraction]))
      }
      json.append(UnsafeRawBufferPointer(rebasing: text[exponent]))
    }
  }
}

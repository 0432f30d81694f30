extension JSONParser {
  /// Reads a list of numbers whose bracket is at `start` and whose first element is at ``position``. False if it holds
  /// anything else or breaks the grammar, with nothing changed: it is then read again like any list, so no list is read
  /// more than twice.
  mutating func numberList(from start: Int) throws(JSONSyntaxError) -> Bool {
    let firstNumber = numbers.count
    var flags = JSONFlags()
    var next = base + position
    let end = base + count
    while true {
      if let decimal = reader.scan(next, end) {
        let value = reader.read(decimal, next, as: Double.self)
        if value.isInfinite { flags.insert(.overflow) }
        if !decimal.isExactInteger { flags.insert(.notInteger) }
        try numbers.append(value, &allowance)
        next = decimal.end
      } else {
        guard let (value, length) = Self.nonFinite(next, end) else { break }
        flags.formUnion([.nonFiniteText, .notInteger])
        try numbers.append(value, &allowance)
        next += length
      }
      if next < end, next.pointee != UInt8(ascii: ",") { next = Self.skippingWhitespace(next, end) }
      guard next < end else { break }
      if next.pointee == UInt8(ascii: "]") {
        try append(
          JSONEntry(
            start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: next + 1 - base),
            count: UInt32(truncatingIfNeeded: numbers.count - firstNumber),
            link: UInt32(truncatingIfNeeded: firstNumber),
            kind: .numbers, flags: flags))
        position = next + 1 - base
        return true
      }
      guard next.pointee == UInt8(ascii: ",") else { break }
      next += 1
      // Programs write one space or none.
      if next < end, next.pointee == UInt8(ascii: " ") { next += 1 }
      if next < end, next.pointee <= UInt8(ascii: " ") { next = Self.skippingWhitespace(next, end) }
    }
    numbers.truncate(to: firstNumber)
    return false
  }

  /// One of the three strings and its length in the body.
  @inline(never)
  private static func nonFinite(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> (Double, Int)? {
    for length in [5, 10, 11] where end - start >= length {
      if let text = NonFiniteText(UnsafeRawBufferPointer(start: start, count: length)) { return (text.value(), length) }
    }
    return nil
  }

  @inline(never)
  private static func skippingWhitespace(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> UnsafePointer<
    UInt8
  > {
    var next = start
    while next < end, case let byte = next.pointee, byte <= UInt8(ascii: " ") {
      guard
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
          || byte == UInt8(ascii: "\t")
      else {
        break
      }
      next += 1
    }
    return next
  }
}

/// Well-formed UTF-8 as the Unicode Standard's table 3-7 has it: no overlong forms, no surrogates, nothing above
/// U+10FFFF.
package enum UTF8Sequence {
  /// The length of the sequence at `start`, 1 to 4 bytes; 0 if it is ill-formed or cut off by `end`. `start` is before
  /// `end`.
  static func length(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
    let first = start[0]
    if first < 0x80 { return 1 }
    let length: Int
    // What the second byte may be; the others are 80...BF.
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return 0
    }
    guard end - start >= length, second.contains(start[1]) else { return 0 }
    for index in 2..<max(length, 2) where start[index] & 0xC0 != 0x80 { return 0 }
    return length
  }

  static func isWellFormed(_ bytes: UnsafeRawBufferPointer) -> Bool { firstFault(bytes) == nil }

  /// The offset of the first ill-formed sequence.
  package static func firstFault(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let start = base.assumingMemoryBound(to: UInt8.self)
    var next = start
    let end = next + bytes.count
    while next < end {
      let length = length(next, end)
      if length == 0 { return next - start }
      next += length
    }
    return nil
  }
}

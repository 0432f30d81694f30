import AutogradFormats

/// The text of a formula, and names that do not stand in it as they are. All names of the graph point into it, so it
/// lives as long as they are used.
final class FormulaBytes {
  /// UTF-8, without a byte order mark at the start.
  let text: UnsafeRawBufferPointer
  /// Where the formula stands in the request, for errors.
  let pointer: String
  private let storage: UnsafeMutableRawBufferPointer
  /// Names that were made: unescaped ones, and `_1`, `_2`, …
  private var made: [UnsafeMutableRawBufferPointer] = []

  /// - Parameter pointer: where the formula stands in the request.
  init(copying bytes: some Collection<UInt8>, pointer: String = "/graph") {
    self.pointer = pointer
    let bytes = Array(bytes)
    let hasMark = bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF
    let content = bytes[(hasMark ? 3 : 0)...]
    storage = .allocate(byteCount: content.count, alignment: 1)
    storage.copyBytes(from: content)
    text = UnsafeRawBufferPointer(storage)
  }

  deinit {
    storage.deallocate()
    for name in made { name.deallocate() }
  }

  func name(copying bytes: some Collection<UInt8>) -> SourceName {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyBytes(from: bytes)
    made.append(copy)
    return SourceName(UnsafeRawBufferPointer(copy))
  }

  func slice(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: text[start..<end]) }

  func string(_ start: Int, _ end: Int) -> String { String(decoding: slice(start, end), as: UTF8.self) }

  /// The Unicode scalar at an offset and its length; nil if the bytes are no UTF-8.
  func scalar(at offset: Int) -> (scalar: Unicode.Scalar, length: Int)? {
    let first = text[offset]
    if first < 0x80 { return (Unicode.Scalar(first), 1) }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC2, first < 0xF5, offset + length <= text.count else { return nil }
    var value = UInt32(first) & (0x7F >> UInt32(length))
    for byte in text[(offset + 1)..<(offset + length)] {
      guard byte & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    guard value >= (length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000), let scalar = Unicode.Scalar(value) else {
      return nil
    }
    return (scalar, length)
  }

  /// What cannot be read, at an offset.
  func fault(_ offset: Int, _ detail: String) -> FormatError { fault(.invalidFormula, offset, detail) }

  /// An error at an offset.
  func fault(_ code: FormatError.Code, _ offset: Int, _ detail: String) -> FormatError {
    FormatError(code, detail, at: pointer, place: TextPlace(offset, in: text))
  }
}

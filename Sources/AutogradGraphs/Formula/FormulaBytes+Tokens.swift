import AutogradFormats

/// What stands in the text at a token. Methods of the text and not of ``FormulaParser``, which is copied whole for each
/// call that does not change it.
extension FormulaBytes {
  func text(of token: FormulaToken) -> String { string(token.start, token.end) }

  /// Whether a name is written exactly like this, without backticks.
  func isWord(_ word: StaticString, _ token: FormulaToken) -> Bool {
    token.kind == .name && !token.isQuoted && token.end - token.start == word.utf8CodeUnitCount
      && text[token.start..<token.end].hasPrefix(word)
  }

  func refuseReserved(_ token: FormulaToken) throws(FormatError) {
    // No word of the language is shorter or longer, or begins otherwise.
    guard 3...8 ~= token.end - token.start, !token.isQuoted, FormulaHints.mayBeReserved(text[token.start]),
      let word = FormulaHints.reserved(text(of: token))
    else {
      return
    }
    throw fault(token.start, "\(text(of: token)) is a word of the language: \(word)")
  }

  func checkRange(_ number: FormulaToken) throws(FormatError) {
    // Shorter numbers without an exponent are in range.
    let written = slice(number.start, number.end)
    if written.count < 300, !written.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) { return }
    let digits = ByteBuffer(capacity: 64)
    FormulaLiterals.write(written, to: digits)
    let isTooLarge = withExtendedLifetime(digits) { NumberToken(text: digits.bytes).double().overflow }
    guard isTooLarge else { return }
    throw fault(.numberOutOfRange, number.start, "\(text(of: number).prefix(40)) is beyond the largest float64")
  }
}

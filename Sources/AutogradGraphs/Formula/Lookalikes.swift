import AutogradCore

/// Names that look alike and are written with other characters, such as µ (U+00B5) and μ (U+03BC).
enum Lookalikes {
  /// The end of a sentence that names both characters; nil if no known name looks like this one.
  static func hint(for name: String, among known: some Sequence<String>) -> String? {
    let plain = skeleton(name)
    for other in known.prefix(1000) where skeleton(other) == plain {
      let (mine, theirs) = (Array(name.unicodeScalars), Array(other.unicodeScalars))
      // Of canonically equal names one may be longer.
      let last = mine.last.flatMap { last in theirs.last.map { (last, $0) } }
      guard mine != theirs, let (a, b) = zip(mine, theirs).first(where: { $0 != $1 }) ?? last else { continue }
      return "; it looks like \"\(other.prefix(40))\", which has \(b) (\(FormulaLexer.code(b))) where this has \(a) "
        + "(\(FormulaLexer.code(a)))"
    }
    return nil
  }

  /// The name with one character for all that look alike. Strings that are canonically equal compare as equal.
  private static func skeleton(_ name: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in name.unicodeScalars { scalars.append(table[scalar] ?? scalar) }
    return String(scalars)
  }

  private static let table: [Unicode.Scalar: Unicode.Scalar] = {
    let pairs: [(String, String)] = [
      // The micro sign and the long s; the signs for ohm, angstrom and kelvin are canonically equal to letters.
      ("\u{B5}\u{17F}", "\u{3BC}s"),
      // Greek and Cyrillic letters that look Latin.
      ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧνορυ", "ABEZHIKMNOPTYXvopu"), ("АВЕКМНОРСТХаеорсухіѕј", "ABEKMHOPCTXaeopcyxisj"),
      ("ϵεϕφϑθϱρςσ", "εεφφθθρρσσ"),
    ]
    var table: [Unicode.Scalar: Unicode.Scalar] = [:]
    for (others, plain) in pairs {
      for (a, b) in zip(others.unicodeScalars, plain.unicodeScalars) where a != b { table[a] = b }
    }
    // Through ρ, whose own form is p.
    return table.mapValues { table[$0] ?? $0 }
  }()
}

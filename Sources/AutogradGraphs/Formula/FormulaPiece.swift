/// A part of an expression that has been read and can be an operand.
struct FormulaPiece {
  var kind: Kind
  /// Where it stands in the text.
  var span: Range<Int>
  /// A comparison without parentheses round it.
  var isBareComparison = false
  /// A call without parentheses round it.
  var isCall = false

  enum Kind {
    case name(SourceName)
    /// A number in the text, and whether a sign stands before it.
    case number(Range<Int>, isNegative: Bool)
    /// NaN or Infinity
    case nonFinite(isNegative: Bool, isNaN: Bool)
    case truth(Bool)
    /// Numbers in lists: a literal.
    case list(Int)
    /// A literal with a dtype.
    case typed(Int)
    case node(Int)
  }

  init(_ kind: Kind, _ span: Range<Int>) {
    self.kind = kind
    self.span = span
  }
}

/// What waits for an operand that is still being read: one entry for each open bracket, sign and operator.
enum FormulaPending {
  case binary(FormulaOperation, left: FormulaPiece, place: Int)
  case prefix(FormulaOperation, place: Int)
  case group(place: Int)
  case call(FormulaCall)

  /// Whether it counts as one level of depth.
  var isDeep: Bool {
    switch self {
    case .binary(let operation, _, _): operation.form.precedence == .power
    case .prefix, .group, .call: true
    }
  }
}

import AutogradCore

/// A word of a formula: its kind, and where it stands. Offsets are bytes of the text.
struct FormulaToken {
  var kind: Kind
  var start: Int
  var end: Int
  /// Whether a line ends between the token before and this one.
  var followsLineEnd = false
  /// A name in backticks: it is never a word of the language.
  var isQuoted = false

  enum Kind: UInt8, CaseIterable {
    case end, name, number, text
    case assign, comma, semicolon, colon, ellipsis, transpose
    case openParenthesis, closeParenthesis, openBracket, closeBracket, openBrace, closeBrace
    case bar, ampersand, tilde, equal, notEqual, less, lessEqual, greater, greaterEqual
    case plus, minus, star, slash, at, percent, power

    /// Whether a value can end with it.
    var endsValue: Bool {
      switch self {
      case .name, .number, .text, .transpose, .closeParenthesis, .closeBracket: true
      default: false
      }
    }

    /// The symbol of a token that is always written alike; `^` is a second form of `**`.
    var symbol: StaticString? {
      switch self {
      case .end, .name, .number, .text: nil
      case .assign: "="
      case .comma: ","
      case .semicolon: ";"
      case .colon: ":"
      case .ellipsis: "..."
      case .transpose: ".T"
      case .openParenthesis: "("
      case .closeParenthesis: ")"
      case .openBracket: "["
      case .closeBracket: "]"
      case .openBrace: "{"
      case .closeBrace: "}"
      case .bar: "|"
      case .ampersand: "&"
      case .tilde: "~"
      case .equal: "=="
      case .notEqual: "!="
      case .less: "<"
      case .lessEqual: "<="
      case .greater: ">"
      case .greaterEqual: ">="
      case .plus: "+"
      case .minus: "-"
      case .star: "*"
      case .slash: "/"
      case .at: "@"
      case .percent: "%"
      case .power: "**"
      }
    }

    /// The operator between two operands that it is.
    var binary: FormulaOperation? { FormulaOperation.binary[Int(rawValue)] }
    /// The operator before an operand that it is.
    var prefix: FormulaOperation? { FormulaOperation.prefix[Int(rawValue)] }
  }
}

/// An operator with the operation that it is, found once.
final class FormulaOperation: Sendable {
  let form: FormulaOperator
  let operation: any Operation

  private init(form: FormulaOperator, operation: any Operation) {
    self.form = form
    self.operation = operation
  }

  /// By the kind of token; nil for those that are none.
  static let binary = table(FormulaOperator.binary)
  static let prefix = table(FormulaOperator.prefix)
  static let transpose = table(FormulaOperator.postfix)[Int(FormulaToken.Kind.transpose.rawValue)]

  private static func table(_ operators: [FormulaOperator]) -> [FormulaOperation?] {
    FormulaToken.Kind.allCases.map { kind in
      guard let symbol = kind.symbol, let form = operators.first(where: { "\($0.symbol)" == "\(symbol)" }) else {
        return nil
      }
      return OpCatalog.operation(named: "\(form.operation)").map { FormulaOperation(form: form, operation: $0) }
    }
  }
}

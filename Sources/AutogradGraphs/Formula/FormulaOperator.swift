/// An operator of formulas: its symbol, the operation of the catalog that it is, and how tightly it binds. The reader
/// and the printer share this table.
package struct FormulaOperator: Sendable {
  package let symbol: StaticString
  /// The name of the operation.
  package let operation: StaticString
  package let precedence: Precedence
  package let associativity: Associativity

  /// From the loosest to the tightest, as in Python, except that `&` and `|` are looser than comparisons, which must
  /// stand in parentheses beside them.
  package enum Precedence: Int, Comparable, Sendable {
    case or, and, comparison, sum, product, sign, power, postfix

    package static func < (a: Precedence, b: Precedence) -> Bool { a.rawValue < b.rawValue }
  }

  package enum Associativity: Sendable {
    /// `a - b - c` is `(a - b) - c`.
    case left
    /// `a ** b ** c` is `a ** (b ** c)`.
    case right
    /// `a < b < c` is refused.
    case none
  }

  private init(
    _ symbol: StaticString, _ operation: StaticString, _ precedence: Precedence,
    _ associativity: Associativity = .left
  ) {
    self.symbol = symbol
    self.operation = operation
    self.precedence = precedence
    self.associativity = associativity
  }

  /// Operators between two operands. `^` is read as `**` and is not listed.
  package static let binary: [FormulaOperator] = [
    FormulaOperator("|", "logical_or", .or),
    FormulaOperator("&", "logical_and", .and),
    FormulaOperator("==", "equal", .comparison, .none),
    FormulaOperator("!=", "not_equal", .comparison, .none),
    FormulaOperator("<", "less", .comparison, .none),
    FormulaOperator("<=", "less_equal", .comparison, .none),
    FormulaOperator(">", "greater", .comparison, .none),
    FormulaOperator(">=", "greater_equal", .comparison, .none),
    FormulaOperator("+", "add", .sum),
    FormulaOperator("-", "sub", .sum),
    FormulaOperator("*", "mul", .product),
    FormulaOperator("/", "div", .product),
    FormulaOperator("@", "matmul", .product),
    FormulaOperator("%", "remainder", .product),
    FormulaOperator("**", "pow", .power, .right),
  ]

  /// Operators before their operand.
  package static let prefix: [FormulaOperator] = [
    FormulaOperator("-", "neg", .sign, .right),
    FormulaOperator("~", "logical_not", .sign, .right),
  ]

  /// Operators behind their operand.
  package static let postfix: [FormulaOperator] = [FormulaOperator(".T", "transpose", .postfix)]

  /// The operator between two operands that is this operation.
  package static func binary(forOperation name: String) -> FormulaOperator? {
    binary.first { "\($0.operation)" == name }
  }
}

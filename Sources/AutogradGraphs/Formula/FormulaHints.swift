import AutogradCore

/// How other languages write things, and how formulas do: the mends in errors. Each row has its test.
enum FormulaHints {
  typealias Row = (written: StaticString, mend: StaticString)

  /// Operators of other languages that no formula can hold, longest first.
  static let foreignOperators: [Row] = [
    ("===", "equality is =="), ("!==", "it is !="), ("%in%", "compare with == and any"),
    ("%*%", "the product of matrices is @"), ("%o%", "use outer(x, y)"), ("%%", "the remainder is %"),
    ("%/%", "write floor(a / b)"), ("**=", "write x2 = x ** 2: a name is defined once"),
    ("//", "write floor(a / b); a comment begins with #"), ("/*", "a comment begins with #"),
    ("&&", "it is &"), ("||", "it is |, and a norm is norm(x)"), ("<<-", "a name is defined with ="),
    ("<-", "a name is defined with =, and a comparison has a blank: x < -1"),
    ("<>", "it is !="), ("~=", "it is !="), ("=>", "a function is written def f(x) { … }, at least is >="),
    ("->", "a function is written def f(x) { … }, and a name is defined with = behind it"),
    (":=", "a name is defined with ="),
    ("+=", "write y = x + 1: a name is defined once"), ("-=", "write y = x - 1: a name is defined once"),
    ("*=", "write y = x * 2: a name is defined once"), ("/=", "write y = x / 2: a name is defined once"),
    ("++", "write y = x + 1"), ("|>", "write the call: sum(x)"), ("<<", "write x * 2 ** n"),
    (">>", "write floor(x / 2 ** n)"), (".*", "every operator works on elements: *"),
    ("./", "every operator works on elements: /"), (".^", "every operator works on elements: **"),
    (".'", "write .T"), (".+", "every operator works on elements: +"), (".-", "every operator works on elements: -"),
    (".==", "every operator works on elements: =="), (".!=", "every operator works on elements: !="),
    (".<=", "every operator works on elements: <="), (".>=", "every operator works on elements: >="),
    (".<", "every operator works on elements: <"), (".>", "every operator works on elements: >"),
    (".=", "a name is defined with ="), (".(", "every function works on elements: exp(x)"),
  ]

  /// Characters that stand for an operator or a number elsewhere.
  static let characters: [(written: Unicode.Scalar, mend: StaticString)] = [
    ("×", "write *"), ("·", "write *"), ("⋅", "write *"), ("∗", "write *"), ("÷", "write /"), ("∕", "write /"),
    ("−", "write -"), ("–", "write -"), ("—", "write -"), ("≤", "write <="), ("≥", "write >="), ("≠", "write !="),
    ("≈", "write abs(a - b) < 1e-9"), ("¬", "write ~"), ("∧", "write &"), ("∨", "write |"), ("²", "write ** 2"),
    ("³", "write ** 3"), ("¹", "write ** 1"), ("½", "write 0.5"), ("√", "write sqrt(x)"), ("∛", "write x ** (1 / 3)"),
    ("∞", "write Infinity"), ("∑", "write sum(x)"), ("∏", "write prod(x)"), ("∫", "there are no integrals"),
    ("“", "write \""), ("”", "write \""), ("„", "write \""), ("‘", "write '"), ("’", "write '"), ("«", "write \""),
    ("»", "write \""), ("→", "a function is written def f(x) { … }"), ("…", "write ..."),
    ("?", "a choice is where(c, x, y)"), ("!", "not is ~, and a factorial is exp(lgamma(n + 1))"),
    ("\\", "a system of equations is solve(a, b)"), ("$", "leave it away"),
    ("∂", "a derivative is grad(y, x)"), ("∇", "a gradient is grad(y, x)"), ("∈", "compare with == and any"),
    ("‖", "write norm(x)"), ("′", "a derivative is grad(y, x), a transpose x.T"),
    ("°", "write x * 0.017453292519943295"),
    (".", "a decimal point has digits beside it"),
  ]

  static func character(_ scalar: Unicode.Scalar) -> String? {
    if let row = characters.first(where: { $0.written == scalar }) { return "\(row.mend)" }
    if 0x2080...0x2089 ~= scalar.value { return "write the digit itself, as in x\(scalar.value - 0x2080)" }
    // Full-width forms of ASCII.
    guard 0xFF01...0xFF5E ~= scalar.value, let plain = Unicode.Scalar(scalar.value - 0xFEE0) else { return nil }
    return "write \(plain)"
  }

  static let numbers = "numbers in a list have commas and brackets round them: [1, 2]; a decimal has one point: 1.5"
  static let range = "there are no ranges: write the numbers, as in [1, 2, 3]"
  static let type =
    "no type stands behind a value: an input is declared, input x: float64, a value converted, "
    + "cast(x, dtype=\"float32\")"
  static let braces = "a list has brackets: [1, 2]"
  static let function = "a function is written def f(x) { … }"

  /// Words of other languages, before a value or behind one.
  static func word(_ word: String) -> String? {
    words.first { "\($0.written)" == word }.map { "\($0.mend)" }
  }

  static let words: [Row] = [
    ("and", "and is written &"), ("or", "or is written |"), ("not", "not is written ~"), ("xor", "write a != b"),
    ("if", "a choice is where(c, x, y)"), ("else", "a choice is where(c, x, y)"),
    ("lambda", "a function is written def f(x) { … }"), ("function", "a function is written def f(x) { … }"),
    ("fn", "a function is written def f(x) { … }"), ("in", "there are no loops over values"),
    ("for", "there are no loops in statements: operations work on whole tensors"),
    ("while", "there are no loops in statements: operations work on whole tensors"),
    ("let", "a name is defined with = alone: y = x ** 2"), ("var", "a name is defined with = alone: y = x ** 2"),
    ("double", "a name is defined with = alone: y = x ** 2"), ("float", "a name is defined with = alone: y = x ** 2"),
    ("int", "a name is defined with = alone: y = x ** 2"), ("auto", "a name is defined with = alone: y = x ** 2"),
    ("import", "every operation is there: leave the line away"),
    ("from", "every operation is there: leave the line away"),
    ("using", "every operation is there: leave the line away"), ("global", "names are known everywhere: leave it away"),
    ("class", "there are values and functions only: def f(x) { … }"),
    ("assert", "give the condition a name and return it"),
    ("elif", "a choice is where(c, x, y)"), ("elseif", "a choice is where(c, x, y)"),
    ("then", "a choice is where(c, x, y)"),
    ("end", "the body of a function stands in braces: def f(x) { … }"), ("with", "leave it away"),
    ("clear", "nothing is kept between requests: leave the line away"), ("is", "equality is =="),
    ("mod", "the remainder is %"), ("div", "write floor(a / b)"),
  ]

  // MARK: Reserved words

  /// Whether a reserved word begins with this letter.
  static func mayBeReserved(_ first: UInt8) -> Bool {
    switch first {
    case UInt8(ascii: "T"), UInt8(ascii: "F"), UInt8(ascii: "N"), UInt8(ascii: "I"), UInt8(ascii: "n"),
      UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "d"), UInt8(ascii: "r"), UInt8(ascii: "b"), UInt8(ascii: "i"):
      true
    default: false
    }
  }

  /// Why a reserved word is no name; nil if it is none.
  static func reserved(_ word: String) -> String? {
    switch word {
    case "True", "TRUE": "write true"
    case "False", "FALSE": "write false"
    case "None": "it stands in an index only; nothing is null, in attributes"
    case "null": "it stands in attributes only"
    case "true", "false", "NaN", "Infinity": "it is a value"
    case "def": "it begins a function, def f(x) { … }, as a statement"
    case "return": "it stands at the beginning of the last statement"
    default: DType(name: word) == nil ? nil : "it is a dtype, as in \(word)([1, 2]) and input x: \(word)"
    }
  }

  /// Whether a reserved word stays one before a parenthesis.
  static func isWordBeforeParenthesis(_ word: String) -> Bool { reserved(word) != nil }

  static func isLiteralWord(_ word: String) -> Bool {
    ["true", "false", "null", "NaN", "Infinity"].contains(word)
  }

  // MARK: Numbers

  /// What stands right behind a number.
  static func suffix(_ letters: String, of number: String) -> String {
    if number == "0", letters.first == "x" || letters.first == "X" {
      let value = Int(letters.dropFirst(), radix: 16).map { ": \($0)" } ?? ""
      return "numbers are decimal\(value)"
    }
    if number == "0", let radix = ["b": 2, "o": 8][letters.prefix(1).lowercased()],
      let value = Int(letters.dropFirst(), radix: radix)
    {
      return "numbers are decimal: \(value)"
    }
    // A point in the middle of a line belongs to names in Catalan.
    if letters.first == "\u{B7}" { return "a product is written \(number) * \(letters.dropFirst())" }
    if letters.first == "_" { return "digits stand without _ between: 1000" }
    if letters == "L" || letters == "f" || letters == "F" || letters == "d" || letters == "n" || letters == "f0" {
      return "numbers have no suffix: write \(number), or int64(\(number)) for the dtype"
    }
    if letters == "j" || letters == "i" || letters == "im" {
      return "there are no complex numbers; a product is \(number) * \(letters)"
    }
    return "a product is \(number) * \(letters)"
  }

  // MARK: Names

  /// Names that are numbers elsewhere.
  static func number(_ name: String) -> String? {
    switch name {
    case "pi", "PI", "Pi", "π": "const \(name) = 3.141592653589793"
    case "e", "E", "ℯ": "const \(name) = 2.718281828459045"
    case "tau", "τ": "const \(name) = 6.283185307179586"
    case "inf", "Inf", "INF", "infinity": "Infinity"
    case "nan", "NAN", "Nan", "NA", "NULL", "nil", "nothing", "missing", "undefined": "NaN"
    case "end": "x[-1] for the last element, x[1:] for all from the second on"
    case "begin": "x[0] for the first element"
    case "im", "j": "the real and the imaginary part as two values: there are no complex numbers"
    default: nil
    }
  }
}

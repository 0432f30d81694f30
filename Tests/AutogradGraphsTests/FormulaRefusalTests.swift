import AutogradCore
import AutogradFormats
import AutogradTestSupport
import Testing

@testable import AutogradGraphs

/// What is refused, where, and with which mend.
@Suite struct FormulaRefusalTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let formula: String
    let line: Int
    let column: Int
    let words: String
    let code: FormatError.Code
    var testDescription: String { formula }

    init(_ formula: String, _ line: Int, _ column: Int, _ words: String, _ code: FormatError.Code = .invalidFormula) {
      (self.formula, self.line, self.column, self.words, self.code) = (formula, line, column, words, code)
    }
  }

  static let operators: [Case] = [
    Case("y = a // b", 1, 7, "floor(a / b)"), Case("y = a && b", 1, 7, "it is &"), Case("y = a || b", 1, 7, "it is |"),
    Case("y = !a", 1, 5, "~"), Case("y = a and b", 1, 7, "&"), Case("y = a or b", 1, 7, "|"),
    Case("y = not a", 1, 9, "~"), Case("y = a .* b", 1, 7, "*"), Case("y = a %*% b", 1, 7, "@"),
    Case("x<-3", 1, 2, "="), Case("x := 3", 1, 3, "="), Case("x += 3", 1, 3, "x + 1"), Case("y = a <> b", 1, 7, "!="),
    Case("y = a === b", 1, 7, "=="), Case("y = a ? b : c", 1, 7, "where(c, x, y)"),
    Case("y = a if c else b", 1, 7, "where(c, x, y)"), Case("y = x -> x", 1, 7, "def"), Case("y = 5%", 1, 7, "5 / 100"),
    Case("y = a × b", 1, 7, "*"), Case("y = a ÷ b", 1, 7, "/"), Case("y = a − b", 1, 7, "write -"),
    Case("y = a ≤ b", 1, 7, "<="), Case("y = a²", 1, 6, "** 2"), Case("y = √a", 1, 5, "sqrt"),
    Case("y = ∞", 1, 5, "Infinity"), Case("y = f（a", 1, 6, "("), Case("y = “a”", 1, 5, "\""),
    Case("y = a ＋ b", 1, 7, "+"),
    Case("y = x'", 1, 6, ".T"), Case("y = a + \\\n b", 1, 9, "goes on by itself"),
    Case("y = a + ...\n b", 1, 9, "goes on by itself"), Case("y = a\n- b", 2, 1, "line above"),
    Case("y = a\n~b", 2, 1, "line above"), Case("y = a\n+ b", 2, 1, "end of the line above"),
    Case("y = a\n* b", 2, 1, "end of the line above"),
    Case("a < b < c", 1, 7, "not chained"), Case("a < b & c", 1, 7, "parentheses"),
    Case("a & b < c", 1, 7, "parentheses"),
    Case("a == b | c", 1, 8, "parentheses"), Case("y = +a", 1, 5, "no sign +"),
  ]

  static let values: [Case] = [
    Case("True", 1, 1, "true"), Case("y = FALSE", 1, 5, "false"), Case("y = 2x", 1, 6, "2 * x"),
    Case("y = 0x10", 1, 6, "16"), Case("y = 1_000", 1, 6, "without _"), Case("y = 2L", 1, 6, "no suffix"),
    Case("y = 3j", 1, 6, "complex"), Case("y = 012", 1, 5, "leading zeros"), Case("y = 1,5", 1, 6, "1.5"),
    Case("y = [a, b]", 1, 6, "stack(a, b)"), Case("y = concat([a, b])", 1, 13, "concat(a, b)"),
    Case("y = [1 2; 3 4]", 1, 8, "[[1, 2], [3, 4]]"), Case("y = {1, 2}", 1, 5, "[1, 2]"),
    Case("y = 1:3", 1, 6, "[1, 2, 3]"), Case("y = (a, b)", 1, 7, "stack(a, b)"), Case("y = \"a\"", 1, 5, "text"),
    Case("y = einsum(\"ij\", x)", 1, 12, "equation="), Case("y = cast(x, dtype=float32)", 1, 19, "\"float32\""),
    Case("y = float32(x)", 1, 13, "cast(x, dtype=\"float32\")"), Case("y = sum(x, axis=None)", 1, 17, "null"),
    Case("y = x[null]", 1, 7, "None"), Case("y = 1e999", 1, 5, "float64", .numberOutOfRange),
    Case("y = 'a\n'", 1, 5, "same line"), Case("y = cast(x, dtype=\"\\q\")", 1, 20, "escape"),
    Case("y = \u{7}", 1, 5, "U+0007"), Case("# \u{1}", 1, 3, "U+0001"), Case("y = a\u{200B}", 1, 6, "U+200B"),
    Case("y = `a", 1, 5, "backtick"), Case("y = ``", 1, 5, "1 to 256", .wrongType),
    Case("_1 = x", 1, 1, "reserved", .wrongType),
    Case("y = [1, [2]] * x", 1, 5, "", .raggedArray), Case("y = int64(1.5)", 1, 5, "", .numberOutOfRange),
    Case("const k = a", 1, 11, "literal"), Case("const k = 1 + 2", 1, 13, "written out"),
    Case("y = null", 1, 5, "attributes"),
  ]

  static let calls: [Case] = [
    Case("y = x.sum()", 1, 6, "sum(x)"), Case("y = np.sum(x)", 1, 7, "sum(x)"),
    Case("y = x.shape", 1, 6, "known beforehand"),
    Case("y = sum(x, 0)", 1, 5, "sum(x, axis=0)", .wrongArity),
    Case("y = reshape(x, [2, 2])", 1, 5, "reshape(x, shape=[2, 2])", .wrongArity),
    Case("y = max(x, 0)", 1, 5, "maximum(x, 0)", .wrongArity), Case("y = SUM(x)", 1, 5, "sum", .unknownOperation),
    Case("y = ln(x)", 1, 5, "log", .unknownOperation),
    Case("y = pnorm(x)", 1, 5, "0.5 * erfc(-x / sqrt(2))", .unknownOperation),
    Case("y = ifelse(c, x, w)", 1, 5, "where(c, x, y)", .unknownOperation),
    Case("y = c(1, 2)", 1, 5, "[1, 2]", .unknownOperation),
    Case("f(x) = x ** 2", 1, 1, "def f(x)", .unknownOperation), Case("y = @(x) x", 1, 5, "def f(x)"),
    Case("y = function(x) x", 1, 5, "def f(x)", .unknownOperation), Case("y = lambda x: x", 1, 12, "def f(x)"),
    Case("y = x(1)", 1, 5, "x[0] is the first", .unknownOperation),
    Case("y = slogdet(x)", 1, 5, "yields 2", .wrongArity),
    Case("y = sum(x, axis=0, axis=1)", 1, 20, "twice", .duplicateKey),
    Case("y = sum(axis=0, x)", 1, 17, "before attributes"),
    Case("y = sum(x, axes=0)", 1, 12, "axis", .unknownAttribute),
    Case("y = sum(x, axis=5)", 1, 12, "out of range", .invalidAttribute),
    Case("y = svds(x)", 1, 5, "", .unknownOperation), Case("y = lambertw(x)", 1, 5, "there is none", .unknownOperation),
    Case("s = sum(x)\ny = grad(s, x[0])", 2, 13, "grad(loss, x)[0]"), Case("a, b = x", 1, 4, "call"),
    Case("def f(x) { f(x) }\nf(x)", 1, 12, "calls itself", .cycle), Case("def f() { 1 }", 1, 7, "at least one input"),
    Case("def f(a) { b = a }", 1, 18, "ends in return"), Case("def f(a) { input b; a }", 1, 12, "no input lines"),
    Case("def f(a) { def g(b) { b } }", 1, 12, "inside"),
    Case("def f(a) { a * q }\nq = x\ny = f(q)", 1, 16, "only in the graph", .unknownName),
    Case("y = sin(x)\ndef sin(a) { a }", 2, 5, "above", .duplicateName),
    Case("def f(a) { a }; def f(b) { b }\nf(x)", 1, 21, "already", .duplicateName),
  ]

  static let index: [Case] = [
    Case("y = x[,1]", 1, 7, "x[:, 0]"), Case("y = x[i + 1]", 1, 9, "take(x, i + 1)"),
    Case("y = x[x > 0]", 1, 9, "where(x > 0, x, 0)"),
    Case("y = x[i, j]", 1, 10, "m[i][:, j]"), Case("y = x[0, j]", 1, 10, "m[0][i]"),
    Case("y = x[1.5]", 1, 7, "integer"),
    Case("y = x[0:n]", 1, 9, "numbers"), Case("y = x[..., ...]", 1, 12, "once"), Case("y = x[]", 1, 7, "index"),
    Case("y = x[0", 1, 6, "never closed"), Case("y = x[5]", 1, 7, "", .indexOutOfRange),
    Case("y = x[1::0]", 1, 7, "", .invalidAttribute),
  ]

  static let structure: [Case] = [
    Case("", 1, 1, "computes nothing"), Case("# nothing\n", 2, 1, "computes nothing"),
    Case("const k = 3", 1, 12, "computes nothing"),
    Case("_ = x", 1, 6, "computes nothing"), Case("y = ", 1, 5, "the text ends"), Case("y = (x", 1, 5, "never closed"),
    Case("y = sum(x", 1, 8, "never closed"), Case("y = [1, 2", 1, 5, "never closed"),
    Case("def f(a) { a", 1, 10, "never closed"),
    Case("y = x x", 1, 7, "operator"), Case("y = x)", 1, 6, "end of the statement"),
    Case("x = x + 1", 1, 1, "input", .duplicateName),
    Case("y = x\ny = 2", 2, 1, "line 1", .duplicateName), Case("x\nx + 1", 2, 1, "line 1", .duplicateName),
    Case("y = a\na = 2", 2, 1, "line 1", .duplicateName), Case("input x\nx = 2", 2, 1, "input", .duplicateName),
    Case("y = x\nreturn y\nz = 2", 3, 1, "last"), Case("y = x\nreturn q", 2, 8, "q", .unknownName),
    Case("y = x\nreturn y, y", 2, 11, "twice", .duplicateName), Case("float64 = x", 1, 1, "dtype"),
    Case("def = x", 1, 5, "name"),
    Case("input x: complex\nx", 1, 10, "float64"), Case("input x: float64[2", 1, 17, "never closed"),
    Case("input r: [2] = [1, 2, 3]\ny = r", 1, 7, "shape [2]", .shapeMismatch),
    Case("input x\ny = x * q", 2, 9, "q", .unknownName),
    Case("y = x * pi", 1, 9, "const pi = 3.141592653589793", .unknownName),
    Case("y = x * inf", 1, 9, "Infinity", .unknownName),
    Case("y = e * x", 1, 5, "const e = 2.718281828459045", .unknownName),
    Case("\u{3BC} = x + 1\ny = \u{B5} * 2", 2, 5, "U+03BC", .unknownName),
    Case("y = x @ [1, 2, 3]", 1, 9, "", .shapeMismatch), Case("if x", 1, 4, "where"), Case("\"a\"", 1, 1, "text"),
    Case("é = x\n\ty = é +", 2, 9, "the text ends"),
  ]

  static let all = operators + values + calls + index + structure

  @Test(arguments: all) func isRefusedAtItsPlaceWithTheMend(_ item: Case) throws { try Self.check(item) }

  static func check(_ item: Case) throws {
    let error = try #require(refusal(of: item.formula, [("x", [4]), ("w", [4])]))
    #expect(error.code == item.code, "\(error.detail)")
    #expect(error.place?.line == item.line, "\(error.detail)")
    #expect(error.place?.column == item.column, "\(error.detail)")
    #expect(item.words.isEmpty || error.detail.contains(item.words), "\(error.detail)")
    #expect(error.pointer == "/graph")
  }

  // MARK: The table of mends

  @Test(arguments: FormulaHints.foreignOperators.map { ("\($0.written)", "\($0.mend)") })
  func eachForeignOperatorIsNamed(_ written: String, _ mend: String) throws {
    let error = try #require(refusal(of: "y = a \(written) b"))
    #expect(error.code == .invalidFormula && error.place?.column == 7 && error.detail.contains(mend))
    #expect(error.detail.contains(written))
  }

  @Test(arguments: FormulaHints.words.map { ("\($0.written)", "\($0.mend)") })
  func eachForeignWordIsExplained(_ written: String, _ mend: String) throws {
    let error = try #require(refusal(of: "y = a \(written) b"))
    #expect(error.code == .invalidFormula && error.place?.column == 7 && error.detail.contains(mend), "\(error.detail)")
  }

  @Test(arguments: FormulaHints.characters.map { ("\($0.written)", "\($0.mend)") })
  func eachForeignCharacterIsExplained(_ written: String, _ mend: String) throws {
    let error = try #require(refusal(of: "y = a \(written) b"))
    #expect(error.code == .invalidFormula && error.place?.column == 7 && error.detail.contains(mend), "\(error.detail)")
  }

  @Test(arguments: FormulaHints.calls.map { ("\($0.written)", "\($0.mend)") })
  func eachForeignFunctionIsExplained(_ written: String, _ mend: String) throws {
    let error = try #require(refusal(of: "y = \(written)(x)"))
    #expect(error.code == .unknownOperation && error.place?.column == 5, "\(error.detail)")
    #expect(error.detail.contains(mend), "\(error.detail)")
  }

  @Test(
    arguments: ["True", "TRUE", "False", "FALSE", "None", "null", "def", "return", "NaN", "Infinity", "true"]
      + DType.allCases.map(\.name))
  func reservedWordsAreNoNames(_ word: String) throws {
    #expect(refusal(of: "x\n\(word) = 2")?.code == .invalidFormula)
    _ = try ReadGraph(formula: "`_\(word)` = 2\ny = `_\(word)`")
  }

  @Test func aGraphOfJSONInAStringIsExplained() {
    #expect(refusal(of: #"{"nodes": []}"#)?.detail.contains("not a string") ?? false)
  }

  // MARK: Excerpts

  @Test func excerptsAreCutRoundThePlace() throws {
    let long = "y = \(String(repeating: "a + ", count: 60))?\(String(repeating: " + b", count: 60))"
    let lines = try #require(refusal(of: "x\n\(long)\nz")?.place?.excerpt).split(separator: "\n")
    #expect(lines.count == 2 && lines[0].unicodeScalars.count == 80)
    let mark = try #require(Array(lines[1].unicodeScalars).firstIndex(of: "^"))
    #expect(Array(lines[0].unicodeScalars)[mark] == "?")
    #expect(refusal(of: "\ty = ?")?.place?.excerpt == "\ty = ?\n\t    ^")
    #expect(refusal(of: "y = x +")?.place?.excerpt == "y = x +\n       ^")
  }

  // MARK: Limits

  @Test func depthIsLimitedNotLength() throws {
    func nested(_ open: String, _ close: String, _ count: Int) -> String {
      String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
    }
    for (open, close) in [("(", ")"), ("-(", ")"), ("~", ""), ("2**", ""), ("abs(", ")"), ("[", "]")] {
      let levels = open == "-(" ? 129 : 257
      let error = try #require(refusal(of: nested(open, close, levels)), "\(open)")
      #expect(error.code == .tooDeep, "\(open) \(error.detail)")
    }
    _ = try ReadGraph(formula: nested("(", ")", 256))
    _ = try ReadGraph(formula: nested("- ", "", 256) + " * 1")
    let sum = try ReadGraph(formula: "1" + String(repeating: " + 1", count: 20_000))
    #expect(sum.numbers == [20_001])
    #expect(refusal(of: String(repeating: "[", count: 100_000))?.code == .tooDeep)
    #expect(refusal(of: "x" + String(repeating: "[0]", count: 3))?.code != .tooDeep)
  }

  @Test(arguments: [
    "y = concat(\(String(repeating: "x, ", count: 12))x)", "\(String(repeating: "_, ", count: 12))_ = unstack(x)",
    (0..<12).map { "const c\($0) = 1\n" }.joined() + "x", (0..<12).map { "input c\($0)\n" }.joined() + "x",
    (0..<12).map { "def f\($0)(a) { return a }\n" }.joined() + "x",
    "def f(\((0..<12).map { "a\($0)" }.joined(separator: ", "))) { 1 }\nx",
  ])
  func listsAreLimited(_ formula: String) throws {
    let error = #expect(throws: FormatError.self) {
      _ = try ReadGraph(formula: formula, [("x", [3])], limits: GraphLimits(nodes: 10))
    }
    #expect(error?.code == .limitExceeded && error?.limit == .nodes && error?.place != nil, "\(error?.detail ?? "")")
  }

  @Test func axesAndAttributesAreLimited() throws {
    #expect(refusal(of: "input x: [\(String(repeating: "n, ", count: 9))n]\nx")?.limit == .rank)
    #expect(refusal(of: "y = x[\(String(repeating: ":, ", count: 40)):]", [("x", [3])])?.limit == .rank)
    let attributes = (0..<100).map { "a\($0)=1" }.joined(separator: ", ")
    #expect(refusal(of: "y = sum(x, \(attributes))", [("x", [3])])?.code == .unknownAttribute)
    var limits = GraphLimits(nodes: 10)
    limits.documentBytes = 1000
    let error = #expect(throws: FormatError.self) {
      _ = try ReadGraph(formula: "y = [\(String(repeating: "[], ", count: 1000))]", limits: limits)
    }
    #expect(error?.limit == .body)
  }

  @Test func nodesAndNamesAreLimited() throws {
    let limits = GraphLimits(nodes: 10)
    let error = #expect(throws: FormatError.self) {
      _ = try ReadGraph(formula: "1" + String(repeating: " + 1", count: 11), limits: limits)
    }
    #expect(error?.limit == .nodes && error?.place != nil)
    #expect(refusal(of: String(repeating: "a", count: 257))?.code == .wrongType)
  }

  // MARK: Random texts

  private static let words = [
    "x", "y", "sum", "(", ")", "[", "]", "{", "}", ",", ";", "\n", "\r\n", " ", "=", "==", "+", "-", "*", "**", "/",
    "@", "%",
    "&", "|", "~", "<", ":", "...", "None", "null", "def", "return", "input", "const", "1", "2.5", ".5", "5.", "1e9",
    "\"a\"",
    "'b'", "`c`", "#d", ".T", "axis=0", "axis", "true", "NaN", "float64", "int64(1)", "grad", "µ", "é", "\u{200B}", "?",
    "\\",
    "'", "\"", "`", ".", "_", "_1", "f", "def f(a) { a }", "x[0]", "\t",
  ]

  @Test func randomTextsEndInAGraphOrInAPlaceOfTheText() throws {
    var generator = SeededGenerator(seed: 7)
    var read = 0
    for _ in 0..<3_000 {
      let formula = (0..<Int.random(in: 1...14, using: &generator)).map { _ in
        Self.words.randomElement(using: &generator) ?? ""
      }
      .joined(separator: Bool.random(using: &generator) ? "" : " ")
      do {
        _ = try ReadGraph(formula: formula, [("x", [3])])
        read += 1
      } catch let error as FormatError {
        let place = try #require(error.place, "\(formula): \(error.detail)")
        let lines = formula.replacing("\r\n", with: "\n").replacing("\r", with: "\n").split(
          separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.indices.contains(place.line - 1), "\(formula)")
        let line = lines[min(place.line, lines.count) - 1]
        #expect(1...(line.unicodeScalars.count + 1) ~= place.column, "\(formula)")
        #expect(place.excerpt.hasSuffix("^"))
      }
    }
    #expect(read > 20)
  }
}

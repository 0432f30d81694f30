import AutogradCore
import AutogradFormats
import Testing

@testable import AutogradGraphs

/// Each formula is the graph that JSON would have: the same nodes, outputs and gradients.
@Suite struct FormulaMeaningTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let formula: String
    let json: String
    var shapes: [(String, Shape)] = [("x", [2, 3]), ("w", [3, 2]), ("b", [])]
    var testDescription: String { formula }

    init(_ formula: String, _ json: String, _ shapes: [(String, Shape)]? = nil) {
      self.formula = formula
      self.json = json
      if let shapes { self.shapes = shapes }
    }
  }

  private static func nodes(_ nodes: String) -> String { "{\"nodes\": [\(nodes)]}" }
  private static func node(_ op: String, _ inputs: String, _ output: String, _ attributes: String = "") -> String {
    let attributes = attributes.isEmpty ? "" : ", \"attributes\": {\(attributes)}"
    return "{\"op\": \"\(op)\", \"inputs\": [\(inputs)], \"outputs\": [\"\(output)\"]\(attributes)}"
  }

  private static let vector: [(String, Shape)] = [("x", [4])]
  private static let matrix: [(String, Shape)] = [("x", [3, 4])]
  private static let cube: [(String, Shape)] = [("x", [2, 3, 4])]

  private static func one(
    _ formula: String, _ op: String, _ inputs: String, _ attributes: String = "", _ shapes: [(String, Shape)]? = nil
  ) -> Case {
    Case(formula, nodes(node(op, inputs, "y", attributes)), shapes)
  }

  static let operators: [Case] = [
    one("y = x + 1", "add", "\"x\", 1"), one("y = x - 1", "sub", "\"x\", 1"), one("y = 2 * x", "mul", "2, \"x\""),
    one("y = x / b", "div", "\"x\", \"b\""), one("y = x @ w", "matmul", "\"x\", \"w\""),
    one("y = x % 2", "remainder", "\"x\", 2"), one("y = x ** 2", "pow", "\"x\", 2"),
    one("y = x ^ 2", "pow", "\"x\", 2"),
    one("y = -x", "neg", "\"x\""), one("y = x.T", "transpose", "\"x\""), one("y = x == 1", "equal", "\"x\", 1"),
    one("y = x != 1", "not_equal", "\"x\", 1"), one("y = x < 1", "less", "\"x\", 1"),
    one("y = x <= 1", "less_equal", "\"x\", 1"), one("y = x > 1", "greater", "\"x\", 1"),
    one("y = x >= 1", "greater_equal", "\"x\", 1"), one("y = x * -2", "mul", "\"x\", -2"),
    one("y = x -2", "sub", "\"x\", 2"), one("y = x ** -1", "pow", "\"x\", -1"), one("y = x * .5", "mul", "\"x\", 0.5"),
    one("y = x * 5.", "mul", "\"x\", 5.0"), one("y = x * 1e-3", "mul", "\"x\", 1e-3"),
    one("y = x * 5.e1", "mul", "\"x\", 50"),
    one("y = x * Infinity", "mul", "\"x\", \"Infinity\""), one("y = x * -Infinity", "mul", "\"x\", \"-Infinity\""),
    one("y = x * NaN", "mul", "\"x\", \"NaN\""), one("y = x * [1, 2, 3]", "mul", "\"x\", [1, 2, 3]"),
    one("y = x * [[1], [.5],]", "mul", "\"x\", [[1], [0.5]]"),
    one("y = x * float32([1, 2, 3])", "mul", "\"x\", {\"dtype\": \"float32\", \"data\": [1, 2, 3]}"),
    one(
      "y = x * float64(\"AAAAAAAA8D8=\", shape=[])", "mul",
      "\"x\", {\"dtype\": \"float64\", \"encoding\": \"base64\", \"data\": \"AAAAAAAA8D8=\", \"shape\": []}"),
    Case(
      "y = (x > 0) & (x < 9) | ~(x == 1)",
      nodes(
        [
          node("greater", "\"x\", 0", "_1"), node("less", "\"x\", 9", "_2"),
          node("logical_and", "\"_1\", \"_2\"", "_3"),
          node("equal", "\"x\", 1", "_4"), node("logical_not", "\"_4\"", "_5"),
          node("logical_or", "\"_3\", \"_5\"", "y"),
        ].joined(separator: ", "))),
  ]

  static let calls: [Case] = [
    one("y = sum(x)", "sum", "\"x\""), one("y = sum(x, axis=0)", "sum", "\"x\"", "\"axis\": 0"),
    one("y = sum(x, axis=[0, 1], keepdims=true,)", "sum", "\"x\"", "\"axis\": [0, 1], \"keepdims\": true"),
    one("y = sum(x, axis=null)", "sum", "\"x\"", "\"axis\": null"),
    one("y = sum(\n  x,\n  axis=-1)", "sum", "\"x\"", "\"axis\": -1"),
    one("y = cast(x, dtype=\"float32\")", "cast", "\"x\"", "\"dtype\": \"float32\""),
    one("y = cast(x, dtype='float32')", "cast", "\"x\"", "\"dtype\": \"float32\""),
    one("y = einsum(x, w, equation=\"ij,jk->ik\")", "einsum", "\"x\", \"w\"", "\"equation\": \"ij,jk->ik\""),
    one("y = norm(x, ord=Infinity)", "norm", "\"x\"", "\"ord\": \"Infinity\""),
    one("y = reshape(x, shape=[3, -1])", "reshape", "\"x\"", "\"shape\": [3, -1]"),
    one("y = constant(value=int64([1, 2]))", "constant", "", "\"value\": {\"dtype\": \"int64\", \"data\": [1, 2]}", []),
    one("y = 3", "constant", "", "\"value\": 3", []), one("y = -.5", "constant", "", "\"value\": -0.5", []),
    one("y = true", "constant", "", "\"value\": true", []), one("y = NaN", "constant", "", "\"value\": \"NaN\"", []),
    one("y = int32([[1, 2]])", "constant", "", "\"value\": {\"dtype\": \"int32\", \"data\": [[1, 2]]}", []),
    one("y = x", "identity", "\"x\"", "", vector), one("y = x[:]", "identity", "\"x\"", "", vector),
    one("y = x[...]", "identity", "\"x\"", "", vector), one("y = (x)", "identity", "\"x\"", "", vector),
    Case(
      "loss = sum((x @ w + b) ** 2)",
      nodes(
        [
          node("matmul", "\"x\", \"w\"", "_1"), node("add", "\"_1\", \"b\"", "_2"), node("pow", "\"_2\", 2", "_3"),
          node("sum", "\"_3\"", "loss"),
        ].joined(separator: ", "))),
    Case(
      "s = sum(x * b)\ndb, dx = grad(s, b, x)",
      "{\"nodes\": [" + node("mul", "\"x\", \"b\"", "_1") + ", " + node("sum", "\"_1\"", "s") + ", "
        + "{\"op\": \"grad\", \"inputs\": [\"s\", \"b\", \"x\"], \"outputs\": [\"db\", \"dx\"]}]}",
      [("x", [2, 3]), ("b", [])]),
    Case(
      "v, _ = top_k(x, k=2)",
      "{\"nodes\": [{\"op\": \"top_k\", \"inputs\": [\"x\"], \"outputs\": [\"v\", \"_1\"], \"attributes\": {\"k\": 2}}]}",
      vector),
    Case(
      "const g = 9.81\nconst r = [1, 2, 3]\ny = g * x * r",
      "{\"constants\": {\"g\": 9.81, \"r\": [1, 2, 3]}, \"nodes\": [" + node("mul", "\"g\", \"x\"", "_1") + ", "
        + node("mul", "\"_1\", \"r\"", "y") + "]}", [("x", [2, 3])]),
    Case(
      "a = x + 1; c = a * 2\nreturn c, a, x",
      "{\"nodes\": [" + node("add", "\"x\", 1", "a") + ", " + node("mul", "\"a\", 2", "c")
        + "], \"outputs\": [\"c\", \"a\", \"x\"]}", vector),
    Case(
      "input x: float64[n, 3]\ninput b\ny = x * b",
      "{\"inputs\": [{\"name\": \"x\"}, {\"name\": \"b\"}], \"nodes\": [" + node("mul", "\"x\", \"b\"", "y") + "]}",
      [("x", [2, 3]), ("b", [])]),
    Case("sum(x)", nodes(node("sum", "\"x\"", "result")), vector),
    Case("x", nodes(node("identity", "\"x\"", "result")), vector),
    Case("-2 ** 2", nodes(node("pow", "2, 2", "_1") + ", " + node("neg", "\"_1\"", "result")), []),
    Case(
      "sum = x + 1\ny = sum(sum)", nodes(node("add", "\"x\", 1", "sum") + ", " + node("sum", "\"sum\"", "y")), vector),
    Case(
      "`a b` = x\ny = `a b` * `x`", nodes(node("identity", "\"x\"", "a b") + ", " + node("mul", "\"a b\", \"x\"", "y")),
      vector),
    Case("Größe = 2 * x # Kommentar µ\r\n", nodes(node("mul", "2, \"x\"", "Größe")), vector),
    Case("\u{FEFF}y =\n  x +\n\n  1", nodes(node("add", "\"x\", 1", "y")), vector),
  ]

  static let indices: [Case] = [
    one("y = x[0]", "take", "\"x\", 0", "", vector), one("y = x[-1]", "take", "\"x\", -1", "", vector),
    one("y = x[1:3]", "slice", "\"x\"", "\"starts\": [1], \"ends\": [3]", vector),
    one("y = x[::-2]", "slice", "\"x\"", "\"starts\": [null], \"ends\": [null], \"steps\": [-2]", vector),
    one("y = x[-2:]", "slice", "\"x\"", "\"starts\": [-2], \"ends\": [null]", vector),
    one("y = x[:, 1]", "take", "\"x\", 1", "\"axis\": 1", matrix),
    one("y = x[..., 1]", "take", "\"x\", 1", "\"axis\": -1", cube),
    one("y = x[[2, 0]]", "take", "\"x\", [2, 0]", "", matrix),
    one("y = x[None]", "expand_dims", "\"x\"", "\"axis\": 0", vector),
    one("y = x[:, None]", "expand_dims", "\"x\"", "\"axis\": 1", vector),
    one("y = x[..., None]", "expand_dims", "\"x\"", "\"axis\": -1", matrix),
    one("y = x[None, :, None]", "expand_dims", "\"x\"", "\"axis\": [0, 2]", vector),
    one("y = x[..., 1:]", "slice", "\"x\"", "\"starts\": [1], \"ends\": [null], \"axes\": [-1]", cube),
    one("y = x[:, 1:]", "slice", "\"x\"", "\"starts\": [1], \"ends\": [null], \"axes\": [1]", matrix),
    Case("y = x[0, 1]", nodes(node("take", "\"x\", 0", "_1") + ", " + node("take", "\"_1\", 1", "y")), matrix),
    Case(
      "y = x[1:, 0]",
      nodes(
        node("slice", "\"x\"", "_1", "\"starts\": [1], \"ends\": [null]") + ", "
          + node("take", "\"_1\", 0", "y", "\"axis\": 1")), matrix),
    Case(
      "y = x[0, None, 1:, ::2]",
      nodes(
        [
          node(
            "slice", "\"x\"", "_1", "\"starts\": [1, null], \"ends\": [null, null], \"axes\": [1, 2], \"steps\": [1, 2]"
          ),
          node("expand_dims", "\"_1\"", "_2", "\"axis\": 1"), node("take", "\"_2\", 0", "y"),
        ].joined(separator: ", ")), cube),
    Case(
      "y = -x[0] ** 2",
      nodes(
        [node("take", "\"x\", 0", "_1"), node("pow", "\"_1\", 2", "_2"), node("neg", "\"_2\"", "y")].joined(
          separator: ", ")), vector),
    Case(
      "i = int64(1)\ny = x[:, i]",
      nodes(
        node("constant", "", "i", "\"value\": {\"dtype\": \"int64\", \"data\": 1}") + ", "
          + node("take", "\"x\", \"i\"", "y", "\"axis\": 1")), matrix),
  ]

  static let functions: [Case] = [
    Case(
      "def f(u, k) { u ** k - 1 }\ny = f(x, 2) + f(x, 3)",
      "{\"functions\": {\"f\": {\"inputs\": [{\"name\": \"u\"}, {\"name\": \"k\"}], \"nodes\": ["
        + node("pow", "\"u\", \"k\"", "_1") + ", " + node("sub", "\"_1\", 1", "result")
        + "], \"outputs\": [\"result\"]}}, "
        + "\"nodes\": [" + node("call", "\"x\", 2", "_1", "\"function\": \"f\"") + ", "
        + node("call", "\"x\", 3", "_2", "\"function\": \"f\"") + ", " + node("add", "\"_1\", \"_2\"", "y") + "]}",
      vector),
    Case(
      "def two(a)\n{\n  const k = 2\n  b = a * k\n  return b, a\n}\ny, z = two(x)",
      "{\"functions\": {\"two\": {\"inputs\": [{\"name\": \"a\"}], \"constants\": {\"k\": 2}, \"nodes\": ["
        + node("mul", "\"a\", \"k\"", "b") + "], \"outputs\": [\"b\", \"a\"]}}, \"nodes\": [{\"op\": \"call\", "
        + "\"inputs\": [\"x\"], \"outputs\": [\"y\", \"z\"], \"attributes\": {\"function\": \"two\"}}]}", vector),
    Case(
      "def sin(a) { a + 1 }; y = sin(x)",
      "{\"functions\": {\"sin\": {\"inputs\": [{\"name\": \"a\"}], \"nodes\": [" + node("add", "\"a\", 1", "result")
        + "], \"outputs\": [\"result\"]}}, \"nodes\": [" + node("call", "\"x\"", "y", "\"function\": \"sin\"") + "]}",
      vector),
    Case(
      "def f(a) { a + 1 }\ndef g(a) { f(f(a)) }\ny = call(x, function=g)",
      "{\"functions\": {\"f\": {\"inputs\": [{\"name\": \"a\"}], \"nodes\": [" + node("add", "\"a\", 1", "result")
        + "], \"outputs\": [\"result\"]}, \"g\": {\"inputs\": [{\"name\": \"a\"}], \"nodes\": ["
        + node("call", "\"a\"", "_1", "\"function\": \"f\"") + ", "
        + node("call", "\"_1\"", "result", "\"function\": \"f\"")
        + "], \"outputs\": [\"result\"]}}, \"nodes\": [" + node("call", "\"x\"", "y", "\"function\": \"g\"") + "]}",
      vector),
  ]

  @Test(arguments: operators + calls + indices + functions)
  func isTheGraphOfItsJSON(_ item: Case) throws {
    let read = try ReadGraph(formula: item.formula, item.shapes.filter { item.json.contains("\"\($0.0)\"") })
    let expected = try ReadGraph(json: item.json, item.shapes.filter { item.json.contains("\"\($0.0)\"") })
    #expect(read.outputs == expected.outputs)
    #expect(read.text == expected.text)
    #expect(read.values.count == expected.values.count)
  }

  @Test(arguments: [
    ("-2 ** 2", -4.0), ("2 ** -1", 0.5), ("2 ** 3 ** 2", 512), ("2 * 3 + 4", 10), ("2 + 3 * 4", 14), ("8 / 4 / 2", 1),
    ("8 - 4 - 2", 2), ("-3 * 2", -6), ("7 % 4 * 2", 6), ("2 ** -2 ** 2", 0.0625), ("-(-2)", 2), ("--2", 2),
    ("(1 + 2) * 3", 9), ("2 * -3", -6), ("1 - -1", 2), ("-5 % 3", 1), ("2 ^ 3", 8),
  ])
  func operatorsBindAsInPython(_ formula: String, _ value: Double) throws {
    #expect(try ReadGraph(formula: formula).numbers == [value])
  }

  @Test func namesThatAreNeverDefinedAreInputsInOrder() throws {
    let read = try ReadGraph(formula: "y = b * a + c", [("a", []), ("b", []), ("c", []), ("z", [])])
    #expect(read.inputs == ["b", "a", "c", "z"])
    let nested = try ReadGraph(formula: "y = sum(relu(x @ w.T + b * x))", [("b", []), ("w", [2, 2]), ("x", [2, 2])])
    #expect(nested.inputs == ["x", "w", "b"])
  }

  @Test func defaultsAreReadWithTheDeclaration() throws {
    var text = "input r = 0.1\ninput m: float32[_, 2] = [[1, 2]]\ny = r * m"
    let source = try text.withUTF8 {
      try FormulaReader.read(UnsafeRawBufferPointer($0), limits: GraphLimits(nodes: 10)).source
    }
    #expect(source.inputs.map { $0.fallback?.doubles } == [[0.1], [1, 2]])
    #expect(source.inputs[1].fallback?.dtype == .float32)
  }

  @Test func namelessResultsAreNoOutputs() throws {
    let read = try ReadGraph(formula: "_ = x + 1\ny = x * 2\n_, i = top_k(y, k=1)\nreturn i", [("x", [3])])
    #expect(read.outputs == ["i"])
    let json =
      #"{"nodes": [{"op": "neg", "inputs": ["x"], "outputs": ["_1"]}, {"op": "neg", "inputs": ["x"], "outputs": ["y"]}]}"#
    #expect(try ReadGraph(json: json, [("x", [3])]).outputs == ["y"])
  }
}

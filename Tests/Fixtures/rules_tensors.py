"""Good requests for the rules of the contract's "Tensors" section: forms, dtypes, numbers, promotion, and how an answer is written."""

from case_tools import X, answer, ask, base64_tensor, float64, negate, node, of_dtype, raw, tensor

XF = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
INT64_MAX, INT64_MIN = 2**63 - 1, -(2**63)
INT32_MAX, INT32_MIN = 2**31 - 1, -(2**31)


def add_cases(cases):
  add_forms(cases)
  add_base64(cases)
  add_default_dtypes(cases)
  add_floats(cases)
  add_integers(cases)
  add_not_finite(cases)
  add_promotion(cases)
  add_weak_numbers(cases)
  add_encodings(cases)
  add_written_numbers(cases)


def same(cases, name, quote, given, tensor_back, *, exact=None, **members):
  """The input comes back as it is, with a gradient of ones if it is floating."""
  gradients = {}
  if tensor_back["dtype"].startswith("float"):
    ones = lambda data: [ones(part) for part in data] if isinstance(data, list) else 1.0
    gradients = {"x": tensor_back | {"data": ones(tensor_back["data"])}}
  cases.rule(name, quote, ask(node("identity", "x"), {"x": given}, **members), answer({"y": tensor_back}, gradients), exact=exact)


def add_forms(cases):
  quote = "a number, nested arrays of numbers, or nested true/false (bool)"
  same(cases, "form-number", quote, 5, float64(5.0))
  same(cases, "form-vector", quote, [5], float64([5.0]))
  same(cases, "form-nested", quote, X, float64(XF))
  same(cases, "form-rank-8", quote, raw("[" * 8 + "2" + "]" * 8), float64([[[[[[[[2.0]]]]]]]]))
  same(cases, "form-empty", quote, [], float64([]))
  same(cases, "form-empty-rows", quote, [[], []], float64([[], []]))
  same(cases, "form-true", quote, True, of_dtype("bool", True))
  same(cases, "form-nested-bools", quote, [[True], [False]], of_dtype("bool", [[True], [False]]))
  quote = '`{"dtype", "shape", "data"}`, dtype and shape optional, data nested or flat row-major'
  same(cases, "object-nested", quote, tensor(X, "float64", [2, 3]), float64(XF))
  same(cases, "object-flat", quote, tensor([1, 2, 3, 4, 5, 6], "float64", [2, 3]), float64(XF))
  same(cases, "object-data-only", quote, tensor(X), float64(XF))
  same(cases, "object-number-only", quote, tensor(5), float64(5.0))
  same(cases, "object-without-dtype", quote, tensor([1, 2], shape=[2, 1]), float64([[1.0], [2.0]]))
  same(cases, "object-without-shape", quote, tensor([[1]], "int32"), of_dtype("int32", [[1]]))
  same(cases, "object-bools-without-dtype", quote, tensor([True, False], shape=[2]), of_dtype("bool", [True, False]))
  same(cases, "object-members-in-any-order", quote, {"data": [0.1], "shape": [1], "dtype": "float32"}, of_dtype("float32", [0.1]),
       exact=True)
  same(cases, "object-integers-before-their-dtype", quote, {"data": [2**53 + 1], "dtype": "int64"}, of_dtype("int64", [2**53 + 1]))
  quote = "With a shape, flat data fits any shape: 0-d is `5` or `[5]`, a zero-size tensor `[]`"
  same(cases, "shape-0d-number", quote, tensor(5, shape=[]), float64(5.0))
  same(cases, "shape-0d-list", quote, tensor([5], shape=[]), float64(5.0))
  same(cases, "shape-of-three-axes", quote, tensor([1, 2, 3, 4], shape=[2, 1, 2]), float64([[[1.0, 2.0]], [[3.0, 4.0]]]))
  same(cases, "shape-zero-size", quote, tensor([], shape=[0]), float64([]))
  same(cases, "shape-zero-size-flat", quote, tensor([], shape=[0, 3]), float64([], [0, 3]))
  same(cases, "shape-zero-size-inside", quote, tensor([], shape=[2, 0]), float64([[], []]))
  same(cases, "shape-zero-size-nested", quote, tensor([[], []], shape=[2, 0, 3]), float64([[], []], [2, 0, 3]))
  cases.rule("zero-size-computes", quote, ask(node("sum", "x", axis=0), {"x": tensor([], shape=[0, 3])}),
             answer({"y": float64([0.0, 0.0, 0.0])}, {"x": float64([], [0, 3])}))


def add_base64(cases):
  quote = '`"encoding": "base64"`: standard alphabet with padding, little-endian, row-major, bool as bytes 0 and 1'
  same(cases, "base64-float64", quote, base64_tensor("float64", [2], [1.5, -2.0]), float64([1.5, -2.0]))
  same(cases, "base64-float32", quote, base64_tensor("float32", [1, 1], "zczMPQ=="), of_dtype("float32", [[0.1]]))
  same(cases, "base64-int64", quote, base64_tensor("int64", [3], [INT64_MAX, INT64_MIN, 1]), of_dtype("int64", [INT64_MAX, INT64_MIN, 1]))
  same(cases, "base64-int32", quote, base64_tensor("int32", [2], "AQAAAP////8="), of_dtype("int32", [1, -1]))
  same(cases, "base64-bool", quote, base64_tensor("bool", [3], "AQAB"), of_dtype("bool", [True, False, True]))
  same(cases, "base64-scalar", quote, base64_tensor("float64", [], [0.1]), float64(0.1))
  same(cases, "base64-empty", quote, base64_tensor("float64", [0], ""), float64([]))
  same(cases, "base64-not-finite", quote, base64_tensor("float64", [3], [float("nan"), float("inf"), float("-inf")]),
       float64(["NaN", "Infinity", "-Infinity"]))
  same(cases, "base64-minus-zero-and-subnormal", quote, base64_tensor("float64", [2], [-0.0, 5e-324]), float64([-0.0, 5e-324]))
  same(cases, "base64-whole-alphabet", quote, base64_tensor("int32", [3], "+/+/+/+/+/+/+/+/"),
       of_dtype("int32", [-71303173, -278529, -1073742913]))
  same(cases, "base64-data-before-encoding", quote, {"data": "AAAAQA==", "encoding": "base64", "shape": [], "dtype": "float32"},
       of_dtype("float32", 2.0))
  row_major = {"x": base64_tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6])}
  cases.rule("base64-is-row-major", quote, ask(node("slice", "x", starts=[1], ends=[2]), row_major),
             answer({"y": of_dtype("float32", [[4.0, 5.0, 6.0]])}, {"x": of_dtype("float32", [[0.0] * 3, [1.0] * 3])}))
  cases.rule("base64-constant-and-cotangent", quote,
             ask(node("mul", "x", "c"), {"x": [1]}, graph={"constants": {"c": base64_tensor("float64", [1], [4.0])}},
                 cotangents={"y": base64_tensor("float64", [1], [0.5])}), answer({"y": float64([4.0])}, {"x": float64([2.0])}))


def add_default_dtypes(cases):
  def rule(name, quote, request, outputs, gradients):
    cases.rule(name, quote, request, answer(outputs, gradients))

  quote = 'else the request\'s `"dtype"` (float32 or float64)'
  same(cases, "request-dtype-float32", quote, [0.1], of_dtype("float32", [0.1]), dtype="float32", exact=True)
  same(cases, "request-dtype-float64", quote, [0.1], float64([0.1]), dtype="float64")
  same(cases, "request-dtype-is-no-cast", quote, tensor([1], "float64"), float64([1.0]), dtype="float32")
  same(cases, "request-dtype-leaves-bools", quote, [True], of_dtype("bool", [True]), dtype="float32")
  text = '{"inputs": {"x": [0.1, 16777217]}, "graph": {"nodes": [{"op": "identity", "inputs": ["x"], "outputs": ["y"]}]}, '
  text += '"dtype": "float32"}'
  rule("request-dtype-comes-last", quote, text, {"y": of_dtype("float32", [0.1, 16777216.0])}, {"x": of_dtype("float32", [1.0, 1.0])})
  rule("request-dtype-for-constants", quote, ask(node("identity", "c"), graph={"constants": {"c": [0.1]}}, dtype="float32"),
       {"y": of_dtype("float32", [0.1])}, {})
  rule("request-dtype-for-constant-nodes", quote, ask(node("constant", value=0.1), dtype="float32"), {"y": of_dtype("float32", 0.1)}, {})
  rule("request-dtype-for-operand-alone", quote, ask(node("identity", [0.1]), dtype="float32"), {"y": of_dtype("float32", [0.1])}, {})
  quote = "else float64, also when written `1`"
  same(cases, "one-is-a-float", quote, 1, float64(1.0))
  rule("integers-in-a-node-alone", quote, ask(node("add", [1], [2])), {"y": float64([3.0])}, {})
  rule("integers-as-constants", quote, ask(node("div", "c", 2), graph={"constants": {"c": [1]}}), {"y": float64([0.5])}, {})
  quote = "in a node, the promoted dtype of the other operands"
  for dtype, one in {"float32": 1.0, "int64": 1, "int32": 1}.items():
    gradient = {"x": of_dtype(dtype, [one])} if dtype == "float32" else {}
    rule(f"operand-array-beside-{dtype}", quote, ask(node("add", "x", [1]), {"x": tensor([1], dtype)}),
         {"y": of_dtype(dtype, [one + one])}, gradient)
  rule("operand-array-rounds-to-float32", quote, ask(node("add", [0.1], "x"), {"x": tensor([0], "float32")}, dtype="float64"),
       {"y": of_dtype("float32", [0.1])}, {"x": of_dtype("float32", [1.0])})
  rule("operand-tensor-without-dtype", quote, ask(node("add", "x", tensor([2**53 + 1], shape=[1])), {"x": tensor([0], "int64")}),
       {"y": of_dtype("int64", [2**53 + 1])}, {})
  later = [node("add", "h", [1.5]), node("cast", "x", to="h", dtype="float32")]
  rule("operand-array-beside-a-later-result", quote, ask(later, {"x": [1]}), {"y": of_dtype("float32", [2.5])}, {"x": float64([1.0])})


def add_floats(cases):
  quote = "Underflow rounds"
  texts = ["1e-400", "-1e-400", "2.4703282292062327e-324", "2.4703282292062328e-324", "4.9e-324"]
  same(cases, "underflow-float64", quote, [raw(text) for text in texts], float64([0.0, -0.0, 0.0, 5e-324, 5e-324]))
  same(cases, "underflow-float32", quote, tensor([1e-46, -1e-46, 1e-45], "float32"), of_dtype("float32", [0.0, -0.0, 1e-45]))
  quote = "float32 rounds once, from the text"
  halfway = "1.000000059604644775390625"
  rounded = [1.0, 1.0000001, 1.0, 1.0000001]
  texts = [halfway, halfway + "0000000001", halfway[:-1] + "4999999999", halfway + "0" * 400 + "1"]
  same(cases, "float32-rounds-once", quote, [raw(text) for text in texts], of_dtype("float32", rounded), dtype="float32", exact=True)
  quote = "numbers out of range for the dtype"
  # The last is below the middle between the largest float32 and the next power of two; rounded to float64 first it would be that middle.
  texts = ["3.4028235e38", "-3.4028235677973362e38", "3.4028235677973366e38"]
  same(cases, "float32-largest", quote, tensor([raw(text) for text in texts], "float32"),
       of_dtype("float32", [3.4028235e38, -3.4028235e38, 3.4028235e38]))
  same(cases, "float64-largest", quote, [raw("1.7976931348623157e308"), raw("-1.7976931348623158e308")],
       float64([1.7976931348623157e308, -1.7976931348623157e308]))
  quote = "The body is read as JSON"
  texts = ["1E2", "1e+2", "1.0e2", "100000e-3", "0.1e3", "-0.0", "0e5", "0.1000000000000000055511151231257827021181583404541015625"]
  same(cases, "ways-to-write-numbers", quote, [raw(text) for text in texts], float64([100.0] * 5 + [-0.0, 0.0, 0.1]))
  hard = {"9007199254740993": 9007199254740992.0, "9007199254740993." + "0" * 50 + "1": 9007199254740994.0, "1" + "0" * 22: 1e22,
          "0." + "0" * 330 + "1e330": 0.1, "1" + "0" * 400 + "e-400": 1.0, "2.2250738585072011e-308": 2.225073858507201e-308}
  same(cases, "numbers-hard-to-round", quote, [raw(text) for text in hard], float64(list(hard.values())))


def add_integers(cases):
  quote = "Integral literals such as `1.0` and `1e3` are fine in integer tensors"
  for dtype in ("int64", "int32"):
    texts = ["1.0", "1e3", "-2.50e1", "1000e-3", "0.0", "-0", "0e400"]
    same(cases, f"integral-literals-{dtype}", quote, tensor([raw(text) for text in texts], dtype),
         of_dtype(dtype, [1, 1000, -25, 1, 0, 0, 0]))
  quote = "int64 beyond 2^53 survives"
  values = [2**53 + 1, -(2**53) - 1, INT64_MAX, INT64_MIN]
  same(cases, "int64-beyond-2-to-the-53", quote, tensor(values, "int64"), of_dtype("int64", values), exact=True)
  texts = ["9007199254740993.0", "9223372036854775807.0", "9223372036854775807e0", "922337203685477580.7e1"]
  same(cases, "int64-beyond-2-to-the-53-with-point", quote, tensor([raw(text) for text in texts], "int64"),
       of_dtype("int64", [2**53 + 1] + [INT64_MAX] * 3))
  same(cases, "int32-extremes", quote, tensor([INT32_MAX, INT32_MIN], "int32"), of_dtype("int32", [INT32_MAX, INT32_MIN]))
  quote = "Integers wrap"
  wraps = [("add", "int64", node("add", "x", 1), INT64_MAX, INT64_MIN), ("neg", "int64", node("neg", "x"), INT64_MIN, INT64_MIN),
           ("mul", "int32", node("mul", "x", 3), INT32_MAX, INT32_MAX - 2), ("sub", "int32", node("sub", "x", 1), INT32_MIN, INT32_MAX)]
  for op, dtype, made, x, y in wraps:
    cases.rule(f"{dtype}-{op}-wraps", quote, ask(made, {"x": tensor([x], dtype)}), answer({"y": of_dtype(dtype, [y])}, {}))
  quote = "sum and prod keep the dtype, of bool give int64"
  sums = {"int32": ([INT32_MAX, 1], "int32", INT32_MIN), "int64": ([2**53, 1], "int64", 2**53 + 1),
          "bool": ([True, True, False], "int64", 2)}
  for dtype, (x, result, y) in sums.items():
    cases.rule(f"sum-of-{dtype}", quote, ask(node("sum", "x"), {"x": tensor(x, dtype)}), answer({"y": of_dtype(result, y)}, {}))
  cases.rule("matmul-of-int64", quote, ask(node("matmul", "x", "x"), {"x": tensor([2**31 + 1, 1], "int64")}),
             answer({"y": of_dtype("int64", (2**31 + 1) ** 2 + 1)}, {}))
  quote = "A cast from float to integer truncates"
  cases.rule("cast-truncates", quote, ask(node("cast", "x", dtype="int32"), {"x": [1.9, -1.9, -0.5, 2147483647.9, -2147483648.9]}),
             answer({"y": of_dtype("int32", [1, -1, 0, INT32_MAX, INT32_MIN])}, {"x": float64([0.0] * 5)}))
  narrow = ask(node("cast", "x", dtype="float32"), {"x": [0.1]}, cotangents={"y": [0.5]})
  cases.rule("cast-between-floats", "cast back between floats", narrow, answer({"y": of_dtype("float32", [0.1])}, {"x": float64([0.5])}))
  cases.rule("cast-of-bools", "cast", ask(node("cast", "x", dtype="int32"), {"x": [True, False]}),
             answer({"y": of_dtype("int32", [1, 0])}, {}))


def add_not_finite(cases):
  quote = 'Non-finite values are the strings `"NaN"`, `"Infinity"`, `"-Infinity"`, both ways'
  strings = ["NaN", "Infinity", "-Infinity"]
  same(cases, "not-finite-float64", quote, strings, float64(strings), exact=True)
  same(cases, "not-finite-float32", quote, tensor([strings], "float32"), of_dtype("float32", [strings]))
  same(cases, "not-finite-alone", quote, "NaN", float64("NaN"))
  same(cases, "not-finite-in-object", quote, tensor("-Infinity", shape=[]), float64("-Infinity"))
  same(cases, "not-finite-among-numbers", quote, [[1, "NaN"], ["Infinity", 2]], float64([[1.0, "NaN"], ["Infinity", 2.0]]))
  cases.rule("not-finite-results", quote, ask(node("div", "x", [0, 0, 0]), {"x": [1, -1, 0]}),
             answer({"y": float64(["Infinity", "-Infinity", "NaN"])}, {"x": float64(["Infinity"] * 3)}),
             warnings=["non_finite", "non_finite"])
  cases.rule("overflow-while-computing", quote, ask(node("mul", "x", "x"), {"x": tensor([1e30], "float32")}),
             answer({"y": of_dtype("float32", ["Infinity"])}, {"x": of_dtype("float32", [2e30])}))


def add_promotion(cases):
  quote = "float32 with float64 gives float64, int32 with int64 gives int64"

  def rule(name, op, x, w, y, gradients):
    cases.rule(f"promotion-{name}", quote, ask(node(op, "x", "w"), {"x": x, "w": w}), answer({"y": y}, gradients))

  f32, i32 = tensor([0.1], "float32"), tensor([2], "int32")
  ones = {"x": of_dtype("float32", [1.0]), "w": float64([1.0])}
  rule("of-floats", "add", f32, [0], float64([0.10000000149011612]), ones)
  rule("of-floats-turned", "add", [0], f32, float64([0.10000000149011612]), {"x": float64([1.0]), "w": of_dtype("float32", [1.0])})
  rule("of-float32-alone", "add", f32, f32, of_dtype("float32", [0.2]), {"x": ones["x"], "w": ones["x"]})
  rule("of-integers", "mul", i32, tensor([2**40], "int64"), of_dtype("int64", [2**41]), {})
  rule("of-int32-alone", "mul", i32, i32, of_dtype("int32", [4]), {})
  rule("in-matmul", "matmul", tensor([[1, 2]], "float32"), [[3], [4]], float64([[11.0]]),
       {"x": of_dtype("float32", [[3.0, 4.0]]), "w": float64([[1.0], [2.0]])})
  explicit = ask(node("add", "x", tensor([1], "int64")), {"x": tensor([INT32_MAX], "int32")})
  cases.rule("promotion-with-a-constant", quote, explicit, answer({"y": of_dtype("int64", [2**31])}, {}))


def add_weak_numbers(cases):
  quote = "A weak number takes the promoted dtype of the other operands"

  def rule(name, made, x, y, gradients, **members):
    cases.rule(f"weak-{name}", quote, ask(made, None if x is None else {"x": x}, **members), answer({"y": y}, gradients))

  rule("beside-float32", node("mul", "x", 0.1), tensor([1], "float32"), of_dtype("float32", [0.1]), {"x": of_dtype("float32", [0.1])})
  rule("beside-float64-in-float32-request", node("mul", "x", 0.1), tensor([1], "float64"), float64([0.1]), {"x": float64([0.1])},
       dtype="float32")
  rule("integer-beside-float32", node("add", 2, "x"), tensor([1], "float32"), of_dtype("float32", [3.0]), {"x": of_dtype("float32", [1.0])})
  rule("nan-beside-float32", node("add", "x", "NaN"), tensor([1], "float32"), of_dtype("float32", ["NaN"]),
       {"x": of_dtype("float32", [1.0])})
  rule("beside-int64", node("add", "x", 2**53 + 1), tensor([0], "int64"), of_dtype("int64", [2**53 + 1]), {})
  rule("beside-int32", node("sub", 10, "x"), tensor([3], "int32"), of_dtype("int32", [7]), {})
  rule("integral-with-point-beside-int32", node("mul", "x", raw("2.0")), tensor([3], "int32"), of_dtype("int32", [6]), {})
  quote = "alone the request's"
  rule("alone", node("add", 1, 2.5), None, float64(3.5), {})
  rule("alone-in-float32-request", node("add", 0.1, 0), None, of_dtype("float32", 0.1), {}, dtype="float32")
  rule("one-operand", node("neg", 1), None, float64(-1.0), {})


def add_encodings(cases):
  quote = '`"encoding"` in the request changes it: `"flat"`, `"base64"`, or `"values"` (bare nested numbers)'

  def rule(name, encoding, x, y, gradient):
    expected = answer({"y": y}, {} if gradient is None else {"x": gradient})
    cases.rule(name, quote, negate(x, encoding=encoding), expected, exact=True)

  rule("encoding-flat", "flat", X, {"dtype": "float64", "shape": [2, 3], "data": [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]},
       {"dtype": "float64", "shape": [2, 3], "data": [-1.0] * 6})
  rule("encoding-flat-scalar", "flat", 2, *[{"dtype": "float64", "shape": [], "data": [value]} for value in (-2.0, -1.0)])
  rule("encoding-flat-zero-size", "flat", [[], []], *[{"dtype": "float64", "shape": [2, 0], "data": []}] * 2)
  for dtype, x in {"float64": [1.5, -2.0], "float32": [0.5], "int64": [INT64_MAX], "int32": [1, 2, 3]}.items():
    packed = [base64_tensor(dtype, [len(x)], data) for data in ([-v for v in x], [-1] * len(x))]
    rule(f"encoding-base64-{dtype}", "base64", tensor(x, dtype), packed[0], packed[1] if dtype.startswith("float") else None)
  rule("encoding-base64-empty", "base64", [], *[base64_tensor("float64", [0], "")] * 2)
  rule("encoding-values", "values", X, [[-1.0, -2.0, -3.0], [-4.0, -5.0, -6.0]], [[-1.0] * 3] * 2)
  rule("encoding-values-scalar", "values", 2, -2.0, -1.0)
  rule("encoding-values-integers", "values", tensor([1, 2], "int64"), [-1, -2], None)
  rule("encoding-values-not-finite", "values", ["NaN", "Infinity"], ["NaN", "-Infinity"], [-1.0, -1.0])
  cases.rule("encoding-base64-bool", quote, ask(node("identity", "x"), {"x": [True, False]}, encoding="base64"),
             answer({"y": base64_tensor("bool", [2], "AQA=")}, {}), exact=True)
  quote = "Any tensor of an answer can be posted back unchanged"
  given = {"x": of_dtype("float32", [[0.1, "NaN"]]), "w": base64_tensor("float64", [2], [1.0, 2.0]),
           "v": {"dtype": "float64", "shape": [], "data": [2.0]}}
  nodes = [node("add", "x", "w", to="a"), node("mul", "a", "v")]
  cases.rule("posted-back", quote, ask(nodes, given), answer({"y": float64([[2.2000000029802322, "NaN"]])},
             {"x": of_dtype("float32", [[2.0, 2.0]]), "w": float64([2.0, 2.0]), "v": float64("NaN")}))


def add_written_numbers(cases):
  quote = "always with a point or exponent (`2.0`, `-0.0`); integers have none"
  same(cases, "written-floats", quote, raw("[2, -0.0, 0, 100, -1.50]"), float64([2.0, -0.0, 0.0, 100.0, -1.5]),
       exact='{"outputs":{"y":{"dtype":"float64","shape":[5],"data":[2.0,-0.0,0.0,100.0,-1.5]}},'
             '"gradients":{"x":{"dtype":"float64","shape":[5],"data":[1.0,1.0,1.0,1.0,1.0]}}}\n')
  same(cases, "written-integers", quote, tensor([2, -1, 0], "int64"), of_dtype("int64", [2, -1, 0]),
       exact='{"outputs":{"y":{"dtype":"int64","shape":[3],"data":[2,-1,0]}},"gradients":{}}\n')
  same(cases, "written-bools", quote, [[True], [False]], of_dtype("bool", [[True], [False]]), exact=True)
  quote = "Floats are the shortest text that reads back to the same bits of their dtype"
  values = [0.1, 0.30000000000000004, 0.3333333333333333, 2.5, 1234.5, 0.7, 123456.789, 0.012345678901234567]
  same(cases, "written-shortest-float64", quote, values, float64(values), exact=True)
  same(cases, "written-shortest-float32", quote, tensor([0.1, 0.3333333333333333, 0.7, 1.1, 1234.567], "float32"),
       of_dtype("float32", [0.1, 0.33333334, 0.7, 1.1, 1234.567]), exact=True)
  cases.rule("written-computed", quote, ask([node("add", "x", 0.2, to="a"), node("div", "x", 3, to="b")], {"x": 0.1}, of=["a"]),
             answer({"a": float64(0.30000000000000004), "b": float64(0.03333333333333333)}, {"x": float64(1.0)}), exact=True)
  values = [1e300, 1e-300, 5e-324, 1e22, 1.7976931348623157e308, 123456789012345680.0, 1e-7, 1e16]
  same(cases, "written-with-exponents", quote, values, float64(values))
  values = [1e38, 1e-38, 1e-45, 3.4028235e38, 33554432.0, 1e10]
  same(cases, "written-with-exponents-float32", quote, tensor(values, "float32"), of_dtype("float32", values))
  quote = "with nested data"
  same(cases, "written-nested", quote, [[[1, 2]], [[3, 4]]], float64([[[1.0, 2.0]], [[3.0, 4.0]]]), exact=True)
  same(cases, "written-scalar", quote, 1, float64(1.0), exact=True)
  same(cases, "written-zero-size", quote, tensor([], shape=[2, 0, 3]), float64([[], []], [2, 0, 3]), exact=True)

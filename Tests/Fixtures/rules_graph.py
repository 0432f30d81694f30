"""Good requests for the rules of the contract's "Graph" and "Endpoints" sections, and for the T0 operations."""

from case_tools import X, answer, ask, declared, float64, node, of_dtype, tensor

ONES = [[1.0] * 3] * 2
XF = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def add_cases(cases):
  add_nodes(cases)
  add_constants_and_outputs(cases)
  add_declared_inputs(cases)
  add_names(cases)
  add_operations(cases)
  add_outputs_and_of(cases)
  add_wrt(cases)
  add_cotangents(cases)


def add_nodes(cases):
  def rule(name, quote, request, outputs, gradients, **more):
    cases.rule(name, quote, request, answer(outputs, gradients), **more)

  first = [node("matmul", "x", "w", to="h"), node("add", "h", "b", to="z"), node("split", "z", to=["p", "q"], axis=0, splits=[1, 1]),
           node("mul", "p", 2.0, to="p2"), node("add", "p2", "q")]
  given, graph = {"x": X, "w": [[1], [0], [-1]]}, {"constants": {"b": [0.5]}, "outputs": ["y"]}
  outputs = {"y": float64([[-4.5]])}
  gradients = {"x": float64([[2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]), "w": float64([[6.0], [9.0], [12.0]])}
  rule("the-contract's-example", "One request", ask(first, given, graph=graph), outputs, gradients, warnings=[])
  quote = "`nodes`: list of nodes, in any order: the server sorts them"
  rule("nodes-in-reverse", quote, ask(first[::-1], given, graph=graph), outputs, gradients, warnings=[])
  rule("nodes-shuffled", quote, ask([first[i] for i in (2, 4, 0, 3, 1)], given, graph=graph), outputs, gradients)
  chain = [node("add", f"v{i}", 1, to=f"v{i + 1}") for i in reversed(range(300))]
  rule("a-chain-from-its-end", quote, ask(chain, {"v0": 0.5}), {"v300": float64(300.5)}, {"v0": float64(1.0)})
  rule("no-nodes", "`[]` is legal", ask([], {"x": [1, 2]}, graph={"outputs": ["x"]}), {"x": float64([1.0, 2.0])},
       {"x": float64([1.0, 1.0])})

  quote = "A single name is the same as a list of one"
  single = [node("neg", "x") | {"inputs": "x", "outputs": "y"}]
  rule("a-single-name-everywhere", quote, ask(single, {"x": [1, 2]}, graph={"outputs": "y"}, of="y", wrt="x", outputs="y"),
       {"y": float64([-1.0, -2.0])}, {"x": float64([-1.0, -1.0])})
  quote = "null for an optional member is the same as leaving it out"
  absent = dict.fromkeys(["outputs", "of", "wrt", "cotangents", "gradients", "dtype", "encoding", "batch", "per_example"])
  rule("null-for-what-is-optional", quote,
       ask([node("neg", "x") | {"attributes": None}], {"x": [1, 2]}, graph={"outputs": None, "inputs": None, "constants": None}, **absent),
       {"y": float64([-1.0, -2.0])}, {"x": float64([-1.0, -1.0])})

  quote = "A string names a value; a number … is a *weak* number"
  rule("operand-name-and-number", quote, ask(node("mul", "x", 3), {"x": [1, 2]}), {"y": float64([3.0, 6.0])}, {"x": float64([3.0, 3.0])})
  rule("operand-number-first", quote, ask(node("sub", 1, "x"), {"x": [1, 2.5]}), {"y": float64([0.0, -1.5])}, {"x": float64([-1.0, -1.0])})
  rule("operand-twice", quote, ask(node("mul", "x", "x"), {"x": [3, -0.5]}), {"y": float64([9.0, 0.25])}, {"x": float64([6.0, -1.0])})
  quote = '`"NaN"`, `"Infinity"` or `"-Infinity"` is a *weak* number'
  rule("operand-nan", quote, ask(node("add", "x", "NaN"), {"x": [1]}), {"y": float64(["NaN"])}, {"x": float64([1.0])})
  rule("operand-infinity", quote, ask(node("div", "x", "Infinity"), {"x": [1]}), {"y": float64([0.0])}, {"x": float64([0.0])})
  rule("operand-minus-infinity", quote, ask(node("mul", "-Infinity", "x"), {"x": [1]}), {"y": float64(["-Infinity"])},
       {"x": float64(["-Infinity"])})
  quote = "true and false are bool"
  rule("operand-true", quote, ask(node("identity", True)), {"y": of_dtype("bool", True)}, {})
  rule("operand-false", quote, ask(node("cast", False, dtype="float64")), {"y": float64(0.0)}, {})
  rule("operand-nested-bools", quote, ask(node("identity", [[True, False]])), {"y": of_dtype("bool", [[True, False]])}, {})
  quote = "an array or tensor object is a constant"
  rule("operand-array", quote, ask(node("add", "x", [10, 20]), {"x": [1, 2]}), {"y": float64([11.0, 22.0])}, {"x": float64([1.0, 1.0])})
  rule("operand-tensor-object", quote, ask(node("mul", "x", tensor([2, 3], "float64", [2, 1])), {"x": [1, 2]}),
       {"y": float64([[2.0, 4.0], [3.0, 6.0]])}, {"x": float64([5.0, 5.0])})
  rule("operand-empty-array", quote, ask(node("sum", [])), {"y": float64(0.0)}, {})
  rule("one-name-for-each-result", "list of new names, one for each result", ask(node("split", "x", to=["c", "a", "b"]), {"x": [1, 2, 3]},
       graph={"outputs": ["c", "a", "b"]}), {k: float64([v]) for k, v in zip("cab", (1.0, 2.0, 3.0))}, {"x": float64([1.0] * 3)})
  quote = "node `attributes`: object, optional"
  rule("attributes-empty", quote, ask([node("neg", "x") | {"attributes": {}}], {"x": 1}), {"y": float64(-1.0)}, {"x": float64(-1.0)})
  text = '{"inputs": {"x": [[1, 2]]}, "graph": {"nodes": [{"attributes": {"axis": 1}, "outputs": ["y"], "inputs": ["x"], "op": "sum"}]}}'
  rule("members-in-any-order", "The body is read as JSON", text, {"y": float64([3.0])}, {"x": float64([[1.0, 1.0]])})
  text = '\r\n\t {\n "graph" :{"nodes":[ {"op":"n\\u0065g" , "inputs":["\\u0078"],"outputs":[ "y"]}\t]} , "inputs":{"x":[1 ,2 ]}}\n\n'
  rule("blanks-and-escapes", "The body is read as JSON", text, {"y": float64([-1.0, -2.0])}, {"x": float64([-1.0, -1.0])})


def add_constants_and_outputs(cases):
  def rule(name, quote, nodes, given, graph, outputs, gradients, **more):
    cases.rule(name, quote, ask(nodes, given, graph=graph), answer(outputs, gradients), **more)

  quote = "`constants`: named tensors that get no gradient, optional; unused ones are legal"
  mul = node("mul", "x", "c")
  rule("constant-gets-no-gradient", quote, mul, {"x": [1, 2]}, {"constants": {"c": [3, 4]}}, {"y": float64([3.0, 8.0])},
       {"x": float64([3.0, 4.0])})
  rule("constant-as-tensor-object", quote, mul, {"x": [1]}, {"constants": {"c": tensor([2, 3], shape=[2, 1])}},
       {"y": float64([[2.0], [3.0]])}, {"x": float64([5.0])})
  rule("constant-unused", quote, node("neg", "x"), {"x": 1}, {"constants": {"c": [3, 4], "d": True}}, {"y": float64(-1.0)},
       {"x": float64(-1.0)}, warnings=[])
  rule("constants-empty", quote, node("neg", "x"), {"x": 1}, {"constants": {}}, {"y": float64(-1.0)}, {"x": float64(-1.0)})
  quote = "default: node results that no node consumes, in node order"
  nodes = [node("neg", "h", to="z"), node("neg", "x", to="h"), node("mul", "x", 2, to="w")]
  outputs = {"z": float64([1.0]), "w": float64([2.0])}
  rule("outputs-default", quote, nodes, {"x": [1]}, None, outputs, {"x": float64([3.0])}, warnings=["implied_outputs"])
  nodes = [node("split", "x", to=["p", "q"]), node("add", "p", 1, to="r")]
  rule("outputs-default-with-unused-part", quote, nodes, {"x": [1, 2]}, None, {"q": float64([2.0]), "r": float64([2.0])},
       {"x": float64([1.0, 1.0])}, warnings=["implied_outputs"])
  quote = "`outputs`: names of the results"
  nodes = [node("neg", "x", to="a"), node("mul", "a", 3, to="b")]
  rule("outputs-named", quote, nodes, {"x": [1]}, {"outputs": ["b", "a"]}, {"b": float64([-3.0]), "a": float64([-1.0])},
       {"x": float64([-4.0])}, exact=True)
  rule("outputs-leave-one-out", quote, nodes, {"x": [1]}, {"outputs": ["a"]}, {"a": float64([-1.0])}, {"x": float64([-1.0])}, warnings=[])
  quote = "An output may be an input or a constant"
  rule("output-is-an-input", quote, nodes, {"x": [1]}, {"outputs": ["x", "b"]}, {"x": float64([1.0]), "b": float64([-3.0])},
       {"x": float64([-2.0])})
  rule("output-is-a-constant", quote, nodes, {"x": [1]}, {"outputs": ["c", "a"], "constants": {"c": [7, 8]}},
       {"c": float64([7.0, 8.0]), "a": float64([-1.0])}, {"x": float64([-1.0])})
  quote = "All nodes are checked; only needed ones run"
  nodes = [node("cast", "x", to="i", dtype="int32"), node("neg", "x")]
  rule("unneeded-node-does-not-run", quote, nodes, {"x": ["NaN", 1]}, {"outputs": ["y"]}, {"y": float64(["NaN", -1.0])},
       {"x": float64([-1.0, -1.0])})


def add_declared_inputs(cases):
  def rule(name, quote, inputs, request, outputs, gradients, **more):
    request["graph"]["inputs"] = inputs
    cases.rule(name, quote, request, answer(outputs, gradients), **more)

  quote = "`inputs`: declared inputs, an ordered list"
  both = {"b": [3], "a": [5]}
  rule("declared-order", quote, [declared("a", [1]), declared("b", [1])], ask(node("mul", "b", "a"), both), {"y": float64([15.0])},
       {"a": float64([3.0]), "b": float64([5.0])}, exact=True, warnings=[])
  cases.rule("given-order-where-none-declared", "Members come in the declared order", ask(node("mul", "b", "a"), both),
             answer({"y": float64([15.0])}, {"b": float64([5.0]), "a": float64([3.0])}), exact=True)
  quote = "A dimension is a number, null (any), or a name (equal wherever it stands)"
  neg = node("neg", "x")
  rule("declared-numbers", quote, [declared("x", [1, 2])], ask(neg, {"x": [[1, 2]]}), {"y": float64([[-1.0, -2.0]])},
       {"x": float64([[-1.0, -1.0]])})
  rule("declared-null", quote, [declared("x", [None, 2])], ask(neg, {"x": [[1, 2]]}), {"y": float64([[-1.0, -2.0]])},
       {"x": float64([[-1.0, -1.0]])})
  rule("declared-nulls-may-differ", quote, [declared("x", [None]), declared("w", [None])],
       ask([node("sum", "x", to="s"), node("mul", "s", "w")], {"x": [1, 2], "w": [4]}), {"y": float64([12.0])},
       {"x": float64([4.0, 4.0]), "w": float64([3.0])})
  rule("declared-names-equal", quote, [declared("x", ["n", "m"]), declared("w", ["m", "n"])],
       ask(node("matmul", "x", "w"), {"x": [[1, 2]], "w": [[3], [4]]}), {"y": float64([[11.0]])},
       {"x": float64([[3.0, 4.0]]), "w": float64([[1.0], [2.0]])})
  rule("declared-name-twice-in-a-shape", quote, [declared("x", ["n", "n"])], ask(node("sum", "x"), {"x": [[1, 2], [3, 4]]}),
       {"y": float64(10.0)}, {"x": float64([[1.0, 1.0], [1.0, 1.0]])})
  rule("declared-name-of-size-0", quote, [declared("x", ["n"])], ask(neg, {"x": []}), {"y": float64([])}, {"x": float64([])})
  rule("declared-scalar", quote, [declared("x", [])], ask(neg, {"x": 2}), {"y": float64(-2.0)}, {"x": float64(-1.0)})
  quote = "Data without a dtype takes that of what it belongs to: the declared input"
  rule("declared-float32", quote, [declared("x", [1], "float32")], ask(neg, {"x": [0.1]}), {"y": of_dtype("float32", [-0.1])},
       {"x": of_dtype("float32", [-1.0])})
  rule("declared-dtype-beats-the-request's", quote, [declared("x", [], "float64")], ask(neg, {"x": 0.1}, dtype="float32"),
       {"y": float64(-0.1)}, {"x": float64(-1.0)})
  rule("declared-int64", quote, [declared("x", [1], "int64")], ask(neg, {"x": [5]}), {"y": of_dtype("int64", [-5])}, {})
  rule("declared-same-dtype-explicit", quote, [declared("x", [1], "int32")], ask(neg, {"x": tensor([5], "int32")}),
       {"y": of_dtype("int32", [-5])}, {})
  rule("declared-but-unused", "An input that does not matter gets zeros", [declared("x", []), declared("w", [2])],
       ask(neg, {"x": 1, "w": [3, 4]}), {"y": float64(-1.0)}, {"x": float64(-1.0), "w": float64([0.0, 0.0])}, warnings=["unused_input"])


def add_names(cases):
  def rule(name, quote, request, outputs, gradients, **more):
    cases.rule(name, quote, request, answer(outputs, gradients), **more)

  quote = "Names are 1 to 256 bytes of UTF-8 without control characters"
  names = {"256-bytes": "n" * 256, "128-letters-of-two-bytes": "é" * 128, "one-byte": "x", "japanese": "重み", "emoji": "👩‍🔬",
           "blanks": " a b ", "slash-and-tilde": "a/b~0", "underscore": "_", "underscore-and-letter": "_a", "digits": "1",
           "number-like": "1e5", "point": "a.b", "member-like": "graph", "operation-like": "neg", "lower-case-nan": "nan", "inf": "inf",
           "empty-list-like": "[]"}
  for title, name in names.items():
    rule(f"name-{title}", quote, ask(node("neg", name, to=f"{name[:100]}'"), {name: 1}), {f"{name[:100]}'": float64(-1.0)},
         {name: float64(-1.0)})
  rule("name-with-quote-and-backslash", quote, ask(node("neg", 'a"b\\c'), {'a"b\\c': 1}), {"y": float64(-1.0)}, {'a"b\\c': float64(-1.0)},
       exact=True)
  text = '{"graph": {"nodes": [{"op": "neg", "inputs": ["😀"], "outputs": ["\\u00e9"]}]}, "inputs": {"\\ud83d\\ude00": 1}, "of": ["é"]}'
  rule("name-equal-by-escape", quote, text, {"é": float64(-1.0)}, {"😀": float64(-1.0)})
  quote = "a name is defined once"
  for title, x, w in [("case", "x", "X"), ("normal-form", "\u00e9", "e\u0301")]:
    rule(f"names-differ-by-{title}", quote, ask(node("sub", x, w), {x: 3, w: 1}), {"y": float64(2.0)},
         {x: float64(1.0), w: float64(-1.0)}, exact=True)


def add_operations(cases):
  """One row each: operation, inputs, answer, gradients with the given cotangent. All numbers are exact."""
  ct = [[1.0, -2.0, 3.0], [0.5, 0.25, -1.0]]
  col = [[2.0], [4.0]]
  big = 2**63 - 1
  rows = [
    ("add", node("add", "x", "w"), {"x": X, "w": [10, 20, 30]}, [[11.0, 22.0, 33.0], [14.0, 25.0, 36.0]], ct,
     {"x": ct, "w": [1.5, -1.75, 2.0]}),
    ("sub", node("sub", "x", "w"), {"x": X, "w": col}, [[-1.0, 0.0, 1.0], [0.0, 1.0, 2.0]], ct, {"x": ct, "w": [[-2.0], [0.25]]}),
    ("mul", node("mul", "x", "w"), {"x": X, "w": col}, [[2.0, 4.0, 6.0], [16.0, 20.0, 24.0]], ct,
     {"x": [[2.0, -4.0, 6.0], [2.0, 1.0, -4.0]], "w": [[6.0], [-2.75]]}),
    ("div", node("div", "x", "w"), {"x": X, "w": col}, [[0.5, 1.0, 1.5], [1.0, 1.25, 1.5]], ct,
     {"x": [[0.5, -1.0, 1.5], [0.125, 0.0625, -0.25]], "w": [[-1.5], [0.171875]]}),
    ("neg", node("neg", "x"), {"x": X}, [[-1.0, -2.0, -3.0], [-4.0, -5.0, -6.0]], ct, {"x": [[-1.0, 2.0, -3.0], [-0.5, -0.25, 1.0]]}),
    ("identity", node("identity", "x"), {"x": X}, XF, ct, {"x": ct}),
    ("reshape", node("reshape", "x", shape=[3, -1]), {"x": X}, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
     [[1.0, -2.0], [3.0, 0.5], [0.25, -1.0]], {"x": ct}),
    ("reshape-to-scalar", node("reshape", "x", shape=[]), {"x": [[7]]}, 7.0, 3.0, {"x": [[3.0]]}),
    ("transpose", node("transpose", "x"), {"x": X}, [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]], [[1.0, 0.5], [-2.0, 0.25], [3.0, -1.0]],
     {"x": ct}),
    ("transpose-axes", node("transpose", "x", axes=[-1, 0, 1]), {"x": [[[1, 2], [3, 4], [5, 6]]]}, [[[1.0, 3.0, 5.0]], [[2.0, 4.0, 6.0]]],
     [[[1.0, -2.0, 3.0]], [[0.5, 0.25, -1.0]]], {"x": [[[1.0, 0.5], [-2.0, 0.25], [3.0, -1.0]]]}),
    ("sum", node("sum", "x"), {"x": X}, 21.0, -0.5, {"x": [[-0.5] * 3] * 2}),
    ("sum-axis", node("sum", "x", axis=-1), {"x": X}, [6.0, 15.0], [2.0, -3.0], {"x": [[2.0] * 3, [-3.0] * 3]}),
    ("sum-keepdims", node("sum", "x", axis=[0], keepdims=True), {"x": X}, [[5.0, 7.0, 9.0]], [[1.0, 2.0, 3.0]],
     {"x": [[1.0, 2.0, 3.0]] * 2}),
    ("sum-axis-null", node("sum", "x", axis=None), {"x": X}, 21.0, 1.0, {"x": ONES}),
    ("sum-no-axes", node("sum", "x", axis=[]), {"x": X}, XF, ct, {"x": ct}),
    ("matmul", node("matmul", "x", "w"), {"x": X, "w": [[1, 0], [2, -1], [0, 3]]}, [[5.0, 7.0], [14.0, 13.0]], [[1.0, 2.0], [-1.0, 0.5]],
     {"x": [[1.0, 0.0, 6.0], [-1.0, -2.5, 1.5]], "w": [[-3.0, 4.0], [-3.0, 6.5], [-3.0, 9.0]]}),
    ("matmul-vectors", node("matmul", "x", "w"), {"x": [1, 2], "w": [3, 5]}, 13.0, 2.0, {"x": [6.0, 10.0], "w": [2.0, 4.0]}),
    ("matmul-matrix-vector", node("matmul", "x", "w"), {"x": X, "w": [1, 0, -1]}, [-2.0, -2.0], [1.0, 2.0],
     {"x": [[1.0, 0.0, -1.0], [2.0, 0.0, -2.0]], "w": [9.0, 12.0, 15.0]}),
    ("matmul-batches-broadcast", node("matmul", "x", "w"), {"x": [[[1, 2]], [[3, 4]]], "w": [[1], [-1]]}, [[[-1.0]], [[-1.0]]],
     [[[1.0]], [[2.0]]], {"x": [[[1.0, -1.0]], [[2.0, -2.0]]], "w": [[7.0], [10.0]]}),
    ("slice", node("slice", "x", starts=[1], ends=[None], axes=[1]), {"x": X}, [[2.0, 3.0], [5.0, 6.0]], [[1.0, 2.0], [3.0, 4.0]],
     {"x": [[0.0, 1.0, 2.0], [0.0, 3.0, 4.0]]}),
    ("slice-backwards", node("slice", "x", starts=[None, -1], ends=[None, 0], steps=[-1, -2]), {"x": X}, [[6.0], [3.0]], [[1.0], [2.0]],
     {"x": [[0.0, 0.0, 2.0], [0.0, 0.0, 1.0]]}),
    ("slice-clamps", node("slice", "x", starts=[-(2**63), -9], ends=[big, 9], steps=[big, 2]), {"x": X}, [[1.0, 3.0]], [[5.0, 7.0]],
     {"x": [[5.0, 0.0, 7.0], [0.0, 0.0, 0.0]]}),
    ("slice-step-int64-min", node("slice", "x", starts=[None], ends=[None], steps=[-(2**63)]), {"x": X}, [[4.0, 5.0, 6.0]],
     [[1.0, 2.0, 3.0]], {"x": [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]}),
    ("broadcast_to", node("broadcast_to", "x", shape=[2, 2, 3]), {"x": [[1, 2, 3]]}, [[[1.0, 2.0, 3.0]] * 2] * 2, [ct, ct],
     {"x": [[3.0, -3.5, 4.0]]}),
    ("cast", node("cast", "x", dtype="float64"), {"x": X}, XF, ct, {"x": ct}),
  ]
  for name, made, given, y, cotangent, gradients in rows:
    cases.rule(f"operation-{name}", "operations.md, T0", ask(made, given, cotangents={"y": cotangent}),
               answer({"y": float64(y)}, {key: float64(value) for key, value in gradients.items()}), warnings=[])
  splits = {"default": {}, "count": {"splits": 2}, "sizes": {"splits": [1, 1]}, "axis": {"axis": -2, "splits": [1, 1]}}
  for title, attributes in splits.items():
    cases.rule(f"operation-split-{title}", "operations.md, T0", ask(node("split", "x", to=["p", "q"], **attributes), {"x": X}, of=["q"]),
               answer({"p": float64([XF[0]]), "q": float64([XF[1]])}, {"x": float64([[0.0] * 3, [1.0] * 3])}))
  uneven = ask(node("split", "x", to=["p", "q"], splits=[0, 2]), {"x": [1, 2]}, of=["q"])
  cases.rule("operation-split-sizes-with-zero", "operations.md, T0", uneven,
             answer({"p": float64([]), "q": float64([1.0, 2.0])}, {"x": float64([1.0, 1.0])}))
  constants = {"number": (2, float64(2.0)), "array": ([[1, 2]], float64([[1.0, 2.0]])), "bools": ([True], of_dtype("bool", [True])),
               "tensor": (tensor([1, 2], "int32", [2, 1]), of_dtype("int32", [[1], [2]]))}
  for title, (value, made) in constants.items():
    cases.rule(f"operation-constant-{title}", "`constant` has `value`, any tensor form", ask(node("constant", value=value)),
               answer({"y": made}, {}))
  fan_out = [node("mul", "x", "x", to="a"), node("add", "a", "x", to="b"), node("mul", "a", "b")]
  cases.rule("operation-fan-out", "total derivative through every path", ask(fan_out, {"x": 2}),
             answer({"y": float64(24.0)}, {"x": float64(44.0)}))


def add_outputs_and_of(cases):
  nodes = [node("mul", "x", "c", to="h"), node("add", "h", "w", to="a"), node("mul", "h", "w", to="b")]
  given, constants = {"x": [1, 2], "w": [5, 7]}, {"c": [3, 4]}
  values = {"x": float64([1.0, 2.0]), "c": float64([3.0, 4.0]), "h": float64([3.0, 8.0]), "a": float64([8.0, 15.0]),
            "b": float64([15.0, 56.0])}
  of_a = {"x": float64([3.0, 4.0]), "w": float64([1.0, 1.0])}
  of_b = {"x": float64([15.0, 28.0]), "w": float64([3.0, 8.0])}
  of_both = {"x": float64([18.0, 32.0]), "w": float64([4.0, 9.0])}
  of_h = {"x": float64([3.0, 4.0]), "w": float64([0.0, 0.0])}

  def rule(name, quote, shown, gradients, graph_outputs=("a", "b"), warnings=None, exact=None, **members):
    graph = {"constants": constants} | ({"outputs": list(graph_outputs)} if graph_outputs else {})
    expected = answer({key: values[key] for key in shown}, gradients)
    cases.rule(name, quote, ask(nodes, given, graph=graph, **members), expected, warnings=warnings, exact=exact)

  quote = "`outputs` beside `graph` says what comes back: it may name any value of the graph and never changes a gradient"
  rule("asked-for-fewer", quote, "a", of_both, outputs=["a"])
  rule("asked-for-an-intermediate", quote, "h", of_both, outputs=["h"])
  rule("asked-for-everything-in-this-order", quote, "chxba", of_both, outputs=["c", "h", "x", "b", "a"], exact=True)
  rule("asked-for-beside-default-outputs", quote, "h", of_both, graph_outputs=None, outputs=["h"])
  quote = "`of` says what is differentiated; default: the graph's outputs"
  rule("of-default", quote, "ab", of_both, warnings=[])
  rule("of-default-where-one-output", quote, "b", of_b, graph_outputs="b", warnings=[])
  rule("of-one", quote, "ab", of_a, of=["a"], warnings=[])
  rule("of-the-other", quote, "ab", of_b, of=["b"], warnings=[])
  rule("of-both-in-the-other-order", quote, "ab", of_both, of=["b", "a"], warnings=[])
  rule("of-an-intermediate", quote, "ab", of_h, of=["h"])
  rule("of-one-and-asked-for-the-other", quote, "b", of_a, of=["a"], outputs=["b"])
  quote = "When several outputs are differentiated only because none were named, the answer carries warnings: implied_outputs"
  rule("several-implied-outputs", quote, "ab", of_both, graph_outputs=None, warnings=["implied_outputs"])
  rule("several-outputs-named-in-of", quote, "ab", of_both, graph_outputs=None, of=["a", "b"], warnings=[])
  cases.rule("one-implied-output", quote, ask(node("neg", "x"), {"x": 1}), answer({"y": float64(-1.0)}, {"x": float64(-1.0)}), warnings=[])


def add_wrt(cases):
  nodes = [node("mul", "x", "w"), node("identity", "i", to="k"), node("identity", "b", to="l")]
  given = {"x": [1, 2], "w": [5], "z": [[1], [2]], "i": tensor([1], "int64"), "b": True}
  x, w, z = float64([5.0, 5.0]), float64([3.0]), float64([[0.0], [0.0]])

  def rule(name, quote, gradients, **members):
    request = ask(nodes, given, graph={"outputs": ["y"]}, **members)
    cases.rule(name, quote, request, answer({"y": float64([5.0, 10.0])}, gradients))

  rule("wrt-default", "`wrt` defaults to every floating input … integer and bool inputs get no entry", {"x": x, "w": w, "z": z})
  rule("wrt-one", "`wrt`", {"w": w}, wrt=["w"])
  rule("wrt-in-this-order", "Members come in the declared order", {"w": w, "x": x}, wrt=["w", "x"])
  rule("wrt-empty", "`[]` means no gradients", {}, wrt=[])
  rule("wrt-an-input-that-does-not-matter", "An input that does not matter gets zeros", {"z": z}, wrt=["z"])
  quote = "likewise `unused_input`"
  neg = node("neg", "x")
  cases.rule("unused-input", quote, ask(neg, {"x": 1, "z": [1, 2]}),
             answer({"y": float64(-1.0)}, {"x": float64(-1.0), "z": float64([0.0, 0.0])}), warnings=["unused_input"])
  cases.rule("unused-inputs", quote, ask(neg, {"z": 1, "x": 1, "i": tensor(1, "int32")}),
             answer({"y": float64(-1.0)}, {"z": float64(0.0), "x": float64(-1.0)}), warnings=["unused_input", "unused_input"])
  quote = "Gradients have their input's dtype and shape"
  mixed = {"x": tensor([[1], [2]], "float32"), "w": [1, 2, 3]}
  gradients = {"x": of_dtype("float32", [[6.0], [6.0]]), "w": float64([3.0, 3.0, 3.0])}
  cases.rule("gradient-dtype-and-shape", quote, ask(node("mul", "x", "w"), mixed),
             answer({"y": float64([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])}, gradients))
  through = [node("cast", "x", to="i", dtype="int32"), node("cast", "i", to="f", dtype="float64"), node("mul", "f", "x")]
  cases.rule("no-gradient-through-integers", "casts to integer carry no gradient", ask(through, {"x": [2.5, -2.5]}),
             answer({"y": float64([5.0, 5.0])}, {"x": float64([2.0, -2.0])}))
  quote = "`gradients` (false: outputs only)"
  cases.rule("gradients-false", quote, ask(neg, {"x": 1}, gradients=False), {"outputs": {"y": float64(-1.0)}}, exact=True, warnings=[])
  cases.rule("gradients-true", quote, ask(neg, {"x": 1}, gradients=True), answer({"y": float64(-1.0)}, {"x": float64(-1.0)}), exact=True)
  cases.rule("integers-only", "By default integer and bool inputs get no entry", ask(neg, {"x": tensor([1], "int32")}),
             answer({"y": of_dtype("int32", [-1])}, {}))
  cases.rule("no-inputs-at-all", "`inputs`", ask(node("add", 1, 2.5)), answer({"y": float64(3.5)}, {}))
  cases.rule("inputs-empty", "`inputs`", ask(node("add", 1, 2.5), {}), answer({"y": float64(3.5)}, {}))


def add_cotangents(cases):
  nodes = [node("mul", "x", 2, to="a"), node("mul", "x", "x", to="b"), node("cast", "x", to="i", dtype="int64")]
  outputs = {"a": float64([2.0, 6.0]), "b": float64([1.0, 9.0]), "i": of_dtype("int64", [1, 3])}

  def rule(name, quote, gradient, **members):
    request = ask(nodes, {"x": [1, 3]}, graph={"outputs": ["a", "b", "i"]}, **members)
    cases.rule(name, quote, request, answer(outputs, {"x": float64(gradient)}))

  rule("cotangents-default", "No `cotangents`: ones for every floating output of `of`", [4.0, 8.0])
  rule("cotangents-for-all", "`cotangents`", [12.0, 58.0], cotangents={"a": [1, -1], "b": [5, 10]})
  rule("cotangents-for-some", "Given for some: the others are zero", [10.0, 3.0], cotangents={"b": [5, 0.5]})
  rule("cotangents-none", "`{}`: all zero", [0.0, 0.0], cotangents={})
  rule("cotangents-with-of", "No `cotangents`: ones for every floating output of `of`", [2.0, 2.0], of=["a"])
  rule("cotangents-given-with-of", "`cotangents`", [6.0, -2.0], of=["a"], cotangents={"a": [3, -1]})
  rule("cotangents-of-integer-output", "for every floating output of `of`", [0.0, 0.0], of=["i"])
  rule("cotangent-as-flat-tensor", "`cotangents`", [6.0, -2.0], cotangents={"a": tensor([3, -1], "float64", [2])})
  rule("cotangent-not-finite", "both ways", ["Infinity", "NaN"], cotangents={"a": ["Infinity", "NaN"]})
  quote = "Data without a dtype takes that of … the output for cotangents"
  given, expected = {"x": tensor([1], "float32")}, answer({"y": of_dtype("float32", [1.0])}, {"x": of_dtype("float32", [0.1])})
  cases.rule("cotangent-takes-the-output's-dtype", quote, ask(node("identity", "x"), given, cotangents={"y": [0.1]}), expected, exact=True)
  cases.rule("cotangent-before-everything", quote, {"cotangents": {"y": [0.1]}, **ask(node("identity", "x"), given)}, expected)

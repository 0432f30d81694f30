"""Bad requests whose fault is in the JSON, in a member or in a tensor. One fault each, so that the answer does not depend on the order of
the checks."""

from case_tools import X, ask, body, declared, negate, node, raw, tensor

NEG = node("neg", "x")


def add_cases(cases):
  add_syntax(cases)
  add_keys(cases)
  add_members(cases)
  add_types(cases)
  add_names(cases)
  add_numbers(cases)
  add_nested_data(cases)
  add_tensor_objects(cases)
  add_base64(cases)
  add_declared_inputs(cases)


def add_syntax(cases):
  graph = body(ask(NEG))[:-1]
  whole = {
    "empty-body": "", "blank-body": " \r\n\t ", "only-a-comma": ",", "bare-word": "hello", "javascript-undefined": "undefined",
    "unclosed-object": body(negate([1]))[:-1], "unclosed-array": graph + ', "inputs": {"x": [1, 2',
    "unclosed-string": graph + ', "inputs": {"x', "two-documents": body(negate([1])) * 2, "text-after-the-object": body(negate([1])) + "x",
    "closing-brace-too-many": body(negate([1])) + "}", "array-closed-by-brace": graph + ', "inputs": {"x": [1}}',
    "missing-colon": graph + ', "inputs" {"x": [1]}}', "missing-comma-between-members": graph + ' "inputs": {"x": [1]}}',
    "comma-after-last-member": graph + ', "inputs": {"x": [1]},}', "key-without-quotes": graph + ", inputs: {}}",
    "key-that-is-a-number": graph + ', "inputs": {1: [1]}}', "single-quotes": graph + ", 'inputs': {'x': [1]}}",
    "line-comment": graph + ', // values\n"inputs": {"x": [1]}}', "block-comment": graph + ', "inputs": /* values */ {"x": [1]}}',
    "byte-order-mark": "\ufeff" + body(negate([1])), "utf-16-text": "".join(c + "\0" for c in body(negate([1]))),
    "form-feed-as-blank": graph + ',\f"inputs": {"x": [1]}}', "no-break-space-as-blank": graph + ',\u00a0"inputs": {"x": [1]}}',
    "form-fields": "graph=%7B%22nodes%22%3A%5B%5D%7D&inputs=1",
  }
  for name, text in whole.items():
    cases.bad(name, text, "invalid_json", "")
  inside = {
    "comma-after-last-element": "[1, 2,]", "comma-before-first-element": "[,1]", "two-commas": "[1,,2]", "missing-comma": "[1 2]",
    "leading-zero": "[01]", "leading-zero-negative": "[-012.5]", "plus-sign": "[+1]", "no-digit-before-the-point": "[.5]",
    "no-digit-after-the-point": "[1.]", "exponent-without-digits": "[1e]", "exponent-with-sign-only": "[1e+]", "minus-alone": "[-]",
    "point-in-the-exponent": "[1e2.5]", "hexadecimal": "[0x1F]", "digit-separator": "[1_000]", "capitalised-true": "[True]",
    "capitalised-none": "[None]", "cut-off-literal": "[tru]", "literal-with-a-tail": "[nullx]", "bare-minus-nan": "[-NaN]",
  }
  for name, text in inside.items():
    cases.bad(name, negate(raw(text)), "invalid_json", "")
  for name, text in {"bare-nan": "NaN", "bare-infinity": "Infinity", "bare-minus-infinity": "-Infinity"}.items():
    cases.bad(name, negate(raw(f"[{text}]")), "invalid_json", "", contains=[f'"{text}"'])
  strings = {
    "unknown-escape": r"a\x41", "short-unicode-escape": r"a\u12", "unicode-escape-not-hexadecimal": r"a\u12G4",
    "lone-high-surrogate": r"\ud83d", "lone-low-surrogate": r"\ude00", "high-surrogate-twice": r"\ud83d\ud83d",
    "raw-newline-in-a-string": "a\nb", "raw-tab-in-a-string": "a\tb", "raw-nul-in-a-string": "a\0b",
  }
  for name, text in strings.items():
    cases.bad(name, graph + ', "inputs": {"x": [1], "' + text + '": [1]}}', "invalid_json", "")
  cases.bad("arrays-nested-20000-deep", negate(raw("[" * 20_000 + "]" * 20_000)), "too_deep")
  cases.bad("arrays-nested-deep-and-never-closed", graph + ', "inputs": {"x": ' + "[" * 20_000, "too_deep")
  cases.bad("objects-nested-5000-deep", negate(raw('{"data":' * 5_000 + "1" + "}" * 5_000)), "too_deep")
  cases.bad("attributes-nested-10000-deep", ask(node("sum", "x", axis=raw("[" * 10_000 + "]" * 10_000)), {"x": X}), "too_deep")


def add_keys(cases):
  graph, neg = '{"nodes": [{"op": "neg", "inputs": ["x"], "outputs": ["y"]}]}', '{"op": "neg", "inputs": ["x"], "outputs": ["y"]'
  rows = [
    ("at-the-top", f'{{"graph": {graph}, "inputs": {{"x": 1}}, "inputs": {{"x": 2}}}}', "/inputs", "inputs"),
    ("in-graph", f'{{"graph": {graph[:-1]}, "nodes": []}}, "inputs": {{"x": 1}}}}', "/graph/nodes", "nodes"),
    ("in-a-node", f'{{"graph": {{"nodes": [{neg}, "op": "add"}}]}}, "inputs": {{"x": 1}}}}', "/graph/nodes/0/op", "op"),
    ("in-attributes", '{"graph": {"nodes": [{"op": "sum", "inputs": ["x"], "outputs": ["y"], "attributes": {"axis": 0, "axis": 1}}]}, '
     '"inputs": {"x": [[1]]}}', "/graph/nodes/0/attributes/axis", "axis"),
    ("among-inputs", f'{{"graph": {graph}, "inputs": {{"x": 1, "x": 1}}}}', "/inputs/x", "x"),
    ("among-constants", f'{{"graph": {graph[:-1]}, "constants": {{"c": 1, "c": 2}}}}, "inputs": {{"x": 1}}}}', "/graph/constants/c", "c"),
    ("in-a-tensor", f'{{"graph": {graph}, "inputs": {{"x": {{"data": 1, "data": 2}}}}}}', "/inputs/x/data", "data"),
    ("among-cotangents", f'{{"graph": {graph}, "inputs": {{"x": 1}}, "cotangents": {{"y": 1, "y": 1}}}}', "/cotangents/y", "y"),
    ("in-a-declared-input", f'{{"graph": {graph[:-1]}, "inputs": [{{"name": "x", "dtype": "float64", "shape": [], "shape": [2]}}]}}, '
     '"inputs": {"x": 1}}', "/graph/inputs/0/shape", "shape"),
    ("equal-by-escape", f'{{"graph": {graph}, "inputs": {{"x": 1}}, "\\u0067raph": {graph}}}', "/graph", "graph"),
    ("input-equal-by-escape", f'{{"graph": {graph}, "inputs": {{"x": 1, "\\u0078": 2}}}}', "/inputs/x", "x"),
    ("equal-by-surrogate-pair", '{"graph": ' + graph.replace("x", "😀") + r', "inputs": {"😀": 1, "\ud83d\ude00": 1}}', "/inputs/😀",
     "😀"),
  ]
  for name, text, pointer, key in rows:
    cases.bad(f"duplicate-key-{name}", text, "duplicate_key", pointer, contains=[key])


def add_members(cases):
  good = negate(X)
  top = [("cotangent", {}, "cotangents"), ("Graph", {}, "graph"), ("output", ["y"], "outputs"), ("gradient", False, "gradients"),
         ("targets", ["x"], ""), ("tangents", {"x": X}, ""), ("vectors", {"x": X}, ""), ("for", "evaluate", ""), ("", 1, "")]
  for member, value, near in top:
    contains = [near] if near else []
    cases.bad(f"unknown-member-at-top-{member or 'empty'}", good | {member: value}, "unknown_member", f"/{member}", contains=contains)
  cases.bad("unknown-member-with-slash", good | {"a/b": 1}, "unknown_member", "/a~1b")
  cases.bad("unknown-member-with-tilde", good | {"m~n": 1}, "unknown_member", "/m~0n")
  cases.bad("unknown-member-like-an-escape", good | {"~1": 1}, "unknown_member", "/~01")
  cases.bad("unknown-member-in-graph", ask(NEG, {"x": X}, graph={"constant": {}}), "unknown_member", "/graph/constant",
            contains=["constants"])
  cases.bad("unknown-member-of-the-request-in-graph", ask(NEG, {"x": X}, graph={"wrt": ["x"]}), "unknown_member", "/graph/wrt")
  for member, near in {"attribute": "attributes", "output": "outputs", "name": "", "Op": "op"}.items():
    made = ask(NEG | {member: {}}, {"x": X})
    cases.bad(f"unknown-member-in-node-{member}", made, "unknown_member", f"/graph/nodes/0/{member}", contains=[near] if near else [])
  cases.bad("unknown-member-in-tensor", negate(tensor(X) | {"type": "float64"}), "unknown_member", "/inputs/x/type", contains=["dtype"])
  cases.bad("unknown-member-in-constant", ask(NEG, {"x": X}, graph={"constants": {"c": tensor(1) | {"values": 1}}}), "unknown_member",
            "/graph/constants/c/values")
  cases.bad("unknown-member-in-operand", ask(node("neg", tensor(1) | {"size": [1]})), "unknown_member", "/graph/nodes/0/inputs/0/size")
  cases.bad("unknown-member-in-declared-input", ask(NEG, {"x": X}, graph={"inputs": [declared("x", [2, 3]) | {"type": "float64"}]}),
            "unknown_member", "/graph/inputs/0/type", contains=["dtype"])
  cases.bad("missing-graph", {"inputs": {"x": X}}, "missing_member", "", contains=["graph"])
  cases.bad("missing-everything", {}, "missing_member", "", contains=["graph"])
  cases.bad("missing-nodes", {"graph": {"outputs": ["x"]}, "inputs": {"x": X}}, "missing_member", "/graph", contains=["nodes"])
  for member in NEG:
    made = {key: value for key, value in NEG.items() if key != member}
    cases.bad(f"missing-{member}-in-node", ask([made], {"x": X}), "missing_member", "/graph/nodes/0", contains=[member])
  cases.bad("missing-data-in-tensor", negate({"dtype": "float64", "shape": [2]}), "missing_member", "/inputs/x", contains=["data"])
  cases.bad("empty-object-as-tensor", negate({}), "missing_member", "/inputs/x", contains=["data"])
  cases.bad("missing-data-in-operand", ask(node("neg", {"shape": [2]})), "missing_member", "/graph/nodes/0/inputs/0", contains=["data"])
  cases.bad("missing-name-in-declared-input", ask(NEG, {"x": X}, graph={"inputs": [{"dtype": "float64", "shape": [2, 3]}]}),
            "missing_member", "/graph/inputs/0", contains=["name"])
  cases.bad("empty-graph-outputs", ask(NEG, {"x": X}, graph={"outputs": []}), "missing_member", "/graph/outputs")


def add_types(cases):
  for name, value in {"null": "null", "number": "1", "string": '"graph"', "array": "[]", "true": "true"}.items():
    cases.bad(f"body-is-{name}", value, "wrong_type", "")
  for name, value in {"list": [NEG], "null": None, "number": 3}.items():
    cases.bad(f"graph-is-{name}", {"graph": value, "inputs": {"x": X}}, "wrong_type", "/graph")
  for name, value in {"unfinished": "y = x *", "empty": "", "json": '{"nodes": []}'}.items():
    cases.bad(f"formula-{name}", {"graph": value, "inputs": {"x": X}}, "invalid_formula", "/graph")
  for name, value in {"object": {"y": NEG}, "string": "neg x", "null": None}.items():
    cases.bad(f"nodes-is-{name}", {"graph": {"nodes": value}, "inputs": {"x": X}}, "wrong_type", "/graph/nodes")
  for name, value in {"string": "neg", "list": ["neg", "x", "y"], "null": None}.items():
    cases.bad(f"node-is-{name}", ask([value], {"x": X}), "wrong_type", "/graph/nodes/0")
  ops = {"list": (["neg"], ["auto_unbox"]), "empty-list": ([], []), "null": (None, []), "number": (1, []), "object": ({"name": "neg"}, [])}
  for name, (value, contains) in ops.items():
    cases.bad(f"op-is-{name}", ask([NEG | {"op": value}], {"x": X}), "wrong_type", "/graph/nodes/0/op", contains=contains)
  kinds = {list: "list", str: "string", dict: "object", int: "number", type(None): "null"}
  wrong = {"inputs": [{"x": "x"}, None, 1], "outputs": [{"y": "y"}, None], "attributes": [[], "axis", 0]}
  for member, values in wrong.items():
    for value in values:
      made = ask([NEG | {member: value}], {"x": X})
      cases.bad(f"node-{member}-is-{kinds[type(value)]}", made, "wrong_type", f"/graph/nodes/0/{member}")
  cases.bad("result-name-is-number", ask([NEG | {"outputs": [1]}], {"x": X}), "wrong_type", "/graph/nodes/0/outputs/0")
  cases.bad("result-name-is-list", ask([NEG | {"outputs": [["y"]]}], {"x": X}), "wrong_type", "/graph/nodes/0/outputs/0")
  cases.bad("operand-is-null", ask(node("add", "x", None), {"x": X}), "wrong_type", "/graph/nodes/0/inputs/1",
            contains=['"nan"', '"-infinity"'])
  members = [
    ("graph-constants", {"constants": [1]}, "constants"),
    ("graph-inputs", {"inputs": {"x": "float64"}}, "inputs"),
    ("graph-outputs", {"outputs": {"y": True}}, "outputs"),
    ("graph-outputs-entry", {"outputs": [0]}, "outputs/0"), ("graph-inputs-entry", {"inputs": ["x"]}, "inputs/0"),
  ]
  for index, (name, graph, place) in enumerate(members):
    cases.bad(f"{name}-wrong-type-{index}", ask(NEG, {"x": X}, graph=graph), "wrong_type", f"/graph/{place}")
  values = {
    "of": [{"y": 1}, 0], "wrt": [True, {}], "outputs": [{"y": 1}, 1], "gradients": ["false", 0, ["x"]],
    "cotangents": [[1], 1, "y"], "dtype": [64, ["float32"], "float16", "int64", "float", "Float64"],
    "encoding": [64, "hex", "BASE64"],
  }
  for member, wrong in values.items():
    for index, value in enumerate(wrong):
      contains = {"dtype": ["float32"], "encoding": ["base64"]}.get(member, []) if isinstance(value, str) else []
      cases.bad(f"{member}-wrong-{index}", negate(X, **{member: value}), "wrong_type", f"/{member}", contains=contains)
  for member in ("of", "wrt", "outputs"):
    cases.bad(f"{member}-entry-is-number", negate(X, **{member: [0]}), "wrong_type", f"/{member}/0")
  for name, value in {"list": [X], "number": 1, "string": "x"}.items():
    cases.bad(f"inputs-is-{name}", ask(NEG, value), "wrong_type", "/inputs")
  cases.bad("inputs-are-null", ask(NEG) | {"inputs": None}, "unknown_name", "/graph/nodes/0/inputs/0", contains=["x"])


def add_names(cases):
  """Names that no value may have. The pointer is that of the name, or of the member that is called so."""
  names = {"empty": "", "too-long": "n" * 257, "too-long-in-bytes": "é" * 129, "newline": "a\nb", "nul": "a\0b", "delete": "a\x7fb",
           "reserved-1": "_1", "reserved-2048": "_2048", "nan": "NaN", "infinity": "Infinity", "minus-infinity": "-Infinity"}
  for title, name in names.items():
    cases.bad(f"name-{title}-for-a-result", ask(node("neg", 1.0, to=name)), "wrong_type", "/graph/nodes/0/outputs/0")
  for title in ("empty", "too-long", "newline", "reserved-1", "nan"):
    name = names[title]
    cases.bad(f"name-{title}-for-an-input", ask(NEG, {"x": 1, name: 1}), "wrong_type", f"/inputs/{name}")
    cases.bad(f"name-{title}-for-a-constant", ask(NEG, {"x": 1}, graph={"constants": {name: 1}}), "wrong_type", f"/graph/constants/{name}")
    cases.bad(f"name-{title}-for-a-declared-input", ask(node("neg", 1.0), graph={"inputs": [declared(name, [])]}), "wrong_type",
              "/graph/inputs/0/name")
  cases.bad("name-inside-split", ask(node("split", "x", to=["p", "NaN"]), {"x": X}), "wrong_type", "/graph/nodes/0/outputs/1")


def add_numbers(cases):
  for text in ("1e400", "-1e400", "1" + "0" * 400, "1.7976931348623159e308", "1e99999999999999999999"):
    cases.bad(f"float64-{text[:24]}-does-not-fit", negate([0, raw(text)]), "number_out_of_range", "/inputs/x/1", contains=["float64"])
  for text in ("1e39", "-1e39", "3.4028235677973367e38", "1e400"):
    cases.bad(f"float32-{text}-does-not-fit", negate([raw(text)], dtype="float32"), "number_out_of_range", "/inputs/x/0",
              contains=["float32"])
  cases.bad("float32-explicit-1e39", negate(tensor([[1, 1e39]], "float32")), "number_out_of_range", "/inputs/x/data/0/1",
            contains=["float32"])
  integers = {
    "int64": ["0.5", "1e-1", "-2.25", "1e-400", "9223372036854775808", "-9223372036854775809", "1e19", "1e400", '"NaN"', '"-Infinity"'],
    "int32": ["2147483648", "-2147483649", "1.5", "1e10", '"Infinity"'],
  }
  for dtype, texts in integers.items():
    for text in texts:
      name = dtype + "-" + text.strip('"') + "-does-not-fit"
      cases.bad(name, negate(tensor([1, raw(text)], dtype)), "number_out_of_range", "/inputs/x/data/1", contains=[dtype])
  cases.bad("declared-int32-too-large", ask(NEG, {"x": 2**31}, graph={"inputs": [declared("x", [], "int32")]}), "number_out_of_range",
            "/inputs/x", contains=["int32"])
  cases.bad("declared-int64-with-fraction", ask(NEG, {"x": [[1], [0.5]]}, graph={"inputs": [declared("x", [2, 1], "int64")]}),
            "number_out_of_range", "/inputs/x/1/0")
  cases.bad("constant-1e400", ask(NEG, {"x": 1}, graph={"constants": {"c": [raw("1e400")]}}), "number_out_of_range", "/graph/constants/c/0")
  cases.bad("constant-value-1e400", ask(node("constant", value=raw("1e400"))), "number_out_of_range", "/graph/nodes/0/attributes/value")
  cases.bad("cotangent-1e400", negate([1], cotangents={"y": [raw("1e400")]}), "number_out_of_range", "/cotangents/y/0")
  cases.bad("cotangent-float32-1e39", negate([1], dtype="float32", cotangents={"y": [1e39]}), "number_out_of_range", "/cotangents/y/0")
  beside = {"x": tensor([1], "int32")}
  cases.bad("operand-array-fraction-beside-int32", ask(node("add", "x", [1.5]), beside), "number_out_of_range", "/graph/nodes/0/inputs/1/0")
  cases.bad("weak-1e400", ask(node("add", "x", raw("1e400")), {"x": [1]}), "number_out_of_range", "/graph/nodes/0/inputs/1")
  cases.bad("weak-1e39-beside-float32", ask(node("mul", 1e39, "x"), {"x": tensor([1], "float32")}), "number_out_of_range",
            "/graph/nodes/0/inputs/0")
  cases.bad("weak-2147483648-beside-int32", ask(node("add", "x", 2**31), beside), "number_out_of_range", "/graph/nodes/0/inputs/1")


def add_nested_data(cases):
  strings = ['"nan"', '"-infinity"']
  cases.bad("null-tensor", negate(None), "wrong_type", "/inputs/x", contains=strings)
  cases.bad("null-element", negate([[1, 2], [3, None]]), "wrong_type", "/inputs/x/1/1", contains=strings)
  cases.bad("null-data", negate(tensor(None)), "wrong_type", "/inputs/x/data")
  for text in ("Inf", "-Inf", "inf", "nan", "+Infinity", "infinity"):
    cases.bad(f"number-string-{text}", negate([1, text]), "wrong_type", "/inputs/x/1", contains=strings)
  for name, text in {"quoted-number": "1.5", "empty-text": "", "text": "abc", "number-with-blank": "NaN "}.items():
    cases.bad(f"{name}-as-element", negate([text]), "wrong_type", "/inputs/x/0")
  cases.bad("text-as-tensor", negate("abc"), "wrong_type", "/inputs/x")
  cases.bad("object-in-data", negate([1, {"data": 2}]), "wrong_type", "/inputs/x/1")
  cases.bad("bool-among-numbers", negate([1, 2, True]), "wrong_type", "/inputs/x/2")
  cases.bad("number-among-bools", ask(node("identity", "x"), {"x": [True, 1]}), "wrong_type", "/inputs/x/1")
  cases.bad("nan-among-bools", ask(node("identity", "x"), {"x": [[True], ["NaN"]]}), "wrong_type", "/inputs/x/1/0")
  cases.bad("bool-for-declared-float", ask(NEG, {"x": True}, graph={"inputs": [declared("x", [])]}), "wrong_type", "/inputs/x")
  cases.bad("number-for-declared-bool", ask(node("identity", "x"), {"x": 1}, graph={"inputs": [declared("x", [], "bool")]}), "wrong_type",
            "/inputs/x")
  for dtype, data in {"bool": 1, "float64": True, "int32": False}.items():
    made = ask(node("identity", "x"), {"x": tensor(data, dtype)})
    cases.bad(f"explicit-{dtype}-with-{str(data).lower()}", made, "wrong_type", "/inputs/x/data", contains=[dtype])
  cases.bad("bool-cotangent", negate(1, cotangents={"y": True}), "wrong_type", "/cotangents/y")
  ragged = {
    "short-row": ([[1, 2], [3]], "/1"), "long-row": ([[1], [2, 3]], "/1"), "empty-row": ([[1], []], "/1"),
    "number-after-row": ([[1, 2], 3], "/1"), "row-after-number": ([1, [2]], "/1"), "deeper-row": ([[1], [[2]]], "/1/0"),
    "inner-row": ([[[1, 2], [3, 4]], [[5, 6], [7]]], "/1/1"),
    "missing-row": ([[[1], [2]], [[3]]], "/1"), "row-after-empty-row": ([[], [1]], "/1"),
  }
  for name, (data, place) in ragged.items():
    cases.bad(f"ragged-{name}", negate(data), "ragged_array", f"/inputs/x{place}")
  cases.bad("ragged-in-a-tensor-object", negate(tensor([[1, 2], [3]])), "ragged_array", "/inputs/x/data/1")
  cases.bad("ragged-constant", ask(NEG, {"x": 1}, graph={"constants": {"c": [[1], [2, 3]]}}), "ragged_array", "/graph/constants/c/1")
  cases.bad("ragged-operand", ask(node("add", "x", [[1, 2], [3]]), {"x": 1}), "ragged_array", "/graph/nodes/0/inputs/1/1")
  cases.bad("ragged-constant-value", ask(node("constant", value=[[1, 2], [3]])), "ragged_array", "/graph/nodes/0/attributes/value/1")
  cases.bad("ragged-cotangent", negate(X, cotangents={"y": [[1, 2, 3], [4, 5]]}), "ragged_array", "/cotangents/y/1")
  cases.bad("nine-levels-of-nesting", negate(raw("[" * 9 + "1" + "]" * 9)), "limit_exceeded", limit=8)


def add_tensor_objects(cases):
  shapes = [("nested", [[1, 2], [3, 4]], [4], ["[2, 2]", "[4]"]), ("nested-transposed", X, [3, 2], ["[2, 3]", "[3, 2]"]),
            ("flat", [1, 2, 3, 4, 5], [2, 3], ["5", "[2, 3]"]), ("too-few", [], [1], []), ("too-many", [1, 2], [], []),
            ("scalar", 5, [2], []), ("zero-size", [1], [0, 3], ["[0, 3]"]), ("one-element-wrong-rank", [[5]], [], ["[1, 1]"])]
  for name, data, shape, contains in shapes:
    cases.bad(f"shape-and-data-disagree-{name}", negate(tensor(data, shape=shape)), "shape_mismatch", "/inputs/x/data", contains=contains)
  for name, size in {"negative": -1, "fraction": 2.5, "true": True, "null": None, "text": "2", "list": [2]}.items():
    cases.bad(f"tensor-size-{name}", negate(tensor([1, 2], shape=[1, size])), "wrong_type", "/inputs/x/shape/1")
  for name, shape in {"number": 2, "text": "2", "object": {"0": 2}}.items():
    cases.bad(f"tensor-shape-is-{name}", negate(tensor([1, 2], shape=shape)), "wrong_type", "/inputs/x/shape")
  cases.bad("tensor-of-rank-9", negate(tensor([1], shape=[1] * 9)), "limit_exceeded", "/inputs/x/shape", limit=8)
  cases.bad("tensor-element-count-overflows", negate(tensor([1], shape=[2**62, 4])), "limit_exceeded", "/inputs/x/shape")
  cases.bad("answer-of-a-trillion-empty-rows", negate(tensor([], shape=[10**12, 0])), "limit_exceeded")
  for name, dtype in {"float16": "float16", "double": "double", "capital": "Float64", "empty": "", "numpy-code": "<f8"}.items():
    cases.bad(f"tensor-dtype-{name}", negate(tensor(1, dtype)), "wrong_type", "/inputs/x/dtype", contains=["float32"])
  cases.bad("tensor-dtype-number", negate(tensor(1, 64)), "wrong_type", "/inputs/x/dtype")
  cases.bad("constant-dtype-unknown", ask(NEG, {"x": 1}, graph={"constants": {"c": tensor(1, "uint8")}}), "wrong_type",
            "/graph/constants/c/dtype", contains=["int32"])
  cases.bad("operand-dtype-unknown", ask(node("neg", tensor(1, "long"))), "wrong_type", "/graph/nodes/0/inputs/0/dtype")
  cases.bad("tensor-encoding-unknown", negate(tensor("AAAA", "float32", [1], encoding="hex")), "wrong_type", "/inputs/x/encoding",
            contains=["base64"])
  cases.bad("tensor-encoding-number", negate(tensor("AAAA", "float32", [1], encoding=64)), "wrong_type", "/inputs/x/encoding")
  cases.bad("text-data-without-encoding", negate(tensor("AACAPw==", "float32", [1])), "wrong_type", "/inputs/x/data")


def add_base64(cases):
  def bad(name, dtype, shape, data, code, contains=()):
    made = ask(node("identity", "x"), {"x": tensor(data, dtype, shape, encoding="base64")})
    cases.bad(f"base64-{name}", made, code, "/inputs/x/data", contains=contains)

  texts = {"without-padding": "AACAPw", "half-padding": "AACAPw=", "too-much-padding": "AACAPw===", "url-alphabet": "AACA_w==",
           "blank": "AACA Pw==", "newline": "AACAPw==\n", "padding-inside": "AA==CAPw", "one-letter": "A", "text": "1.0 2.0!"}
  for name, text in texts.items():
    bad(name, "float32", [1], text, "wrong_type", ["base64"])
  for name, data in {"number": 1, "list": ["AACAPw=="], "null": None}.items():
    bad(f"data-is-{name}", "float32", [1], data, "wrong_type")
  bad("too-few-bytes", "float32", [2], "AACAPw==", "shape_mismatch", ["4", "8"])
  bad("too-many-bytes", "float32", [], "AACAPwAAgD8=", "shape_mismatch", ["4", "8"])
  bad("part-of-an-element", "float64", [1], "AAAAAAAA8A==", "shape_mismatch")
  bad("bytes-for-no-elements", "int32", [0], "AAAAAA==", "shape_mismatch")
  bad("empty-for-one-element", "int64", [1], "", "shape_mismatch")
  bad("bool-byte-2", "bool", [2], "AQI=", "number_out_of_range", ["bool"])


def add_declared_inputs(cases):
  def bad(name, inputs, given, code, pointer, **more):
    cases.bad(f"declared-{name}", ask(node("identity", "x"), given, graph={"inputs": inputs}), code, pointer, **more)

  x = declared("x", [2, 3])
  bad("but-missing", [x, declared("w", [3])], {"x": X}, "input_mismatch", "/graph/inputs/1", contains=["w"])
  bad("but-none-given", [x], None, "input_mismatch", "/graph/inputs/0", contains=["x"])
  bad("others-given", [x], {"x": X, "extra": 1}, "input_mismatch", "/inputs/extra", contains=["extra"])
  bad("twice", [x, x], {"x": X}, "duplicate_name", "/graph/inputs/1/name", contains=["x"])
  bad("other-shape", [x], {"x": [[1, 2], [3, 4]]}, "shape_mismatch", "/inputs/x", contains=["[2, 3]", "[2, 2]"])
  bad("other-rank", [x], {"x": [1, 2, 3]}, "shape_mismatch", "/inputs/x", contains=["[2, 3]", "[3]"])
  bad("null-does-not-free-the-rank", [declared("x", [None])], {"x": X}, "shape_mismatch", "/inputs/x", contains=["[2, 3]"])
  bad("other-dtype", [x], {"x": tensor(X, "float32")}, "dtype_mismatch", "/inputs/x", contains=["float64", "float32"])
  bad("int32-given-int64", [declared("x", [], "int32")], {"x": tensor(1, "int64")}, "dtype_mismatch", "/inputs/x",
      contains=["int32", "int64"])
  bad("symbol-conflict", [declared("x", ["n"]), declared("w", ["n"])], {"x": [1, 2], "w": [1, 2, 3]}, "shape_mismatch", "/inputs/w",
      contains=["n", "2", "3"])
  bad("symbol-conflict-in-one-input", [declared("x", ["n", "n"])], {"x": X}, "shape_mismatch", "/inputs/x", contains=["n"])
  for name, size in {"negative": -1, "fraction": 0.5, "true": True, "list": [2]}.items():
    bad(f"size-{name}", [declared("x", [2, size])], {"x": X}, "wrong_type", "/graph/inputs/0/shape/1")
  bad("shape-is-number", [declared("x", 2)], {"x": X}, "wrong_type", "/graph/inputs/0/shape")
  bad("name-is-number", [declared(0, [2, 3])], {"x": X}, "wrong_type", "/graph/inputs/0/name")
  bad("dtype-unknown", [declared("x", [2, 3], "float")], {"x": X}, "wrong_type", "/graph/inputs/0/dtype", contains=["float64"])
  bad("dtype-is-number", [declared("x", [2, 3], 8)], {"x": X}, "wrong_type", "/graph/inputs/0/dtype")
  cases.bad("declared-none-but-one-given", ask(node("neg", 1.0), {"x": 1}, graph={"inputs": []}), "input_mismatch", "/inputs/x")
  bad("rank-9", [declared("x", [1] * 9)], {"x": X}, "limit_exceeded", "/graph/inputs/0/shape", limit=8)

"""Bad requests whose fault is in the graph or in what is asked of it: names, cycles, arities, attributes, shapes, dtypes, `of`, `wrt`,
cotangents, and sizes beyond any limit. One fault each."""

import math

from case_tools import X, ask, declared, negate, node, tensor

INT = tensor([1, 2], "int64")


def add_cases(cases):
  add_operations(cases)
  add_names(cases)
  add_cycles(cases)
  add_arity(cases)
  add_attributes(cases)
  add_axes(cases)
  add_reshaping(cases)
  add_split_and_slice(cases)
  add_shapes(cases)
  add_dtypes(cases)
  add_asked(cases)
  add_sizes(cases)


def add_operations(cases):
  near = {"multiply": "mul", "subtract": "sub", "negative": "neg", "divide": "div", "MatMul": "matmul", "matmull": "matmul", "Add": "add",
          "permute_dims": "transpose", "reduce_sum": "sum", "separate": "split", "resahpe": "reshape", "broadcast": "broadcast_to",
          "astype": "cast", "copy": "identity"}
  for op, name in near.items():
    cases.bad(f"unknown-operation-{op}", ask(node(op, "x"), {"x": X}), "unknown_operation", "/graph/nodes/0/op", node="y",
              contains=[op, name])
  for title, op in {"empty": "", "blank": "add ", "symbol": "+", "long": "o" * 10_000}.items():
    cases.bad(f"unknown-operation-{title}", ask(node(op, "x"), {"x": X}), "unknown_operation", "/graph/nodes/0/op", node="y")
  unneeded = ask([node("neg", "x"), node("frobnicate", "x", to="z")], {"x": X}, graph={"outputs": ["y"]})
  cases.bad("unknown-operation-in-a-node-nobody-needs", unneeded, "unknown_operation", "/graph/nodes/1/op", node="z",
            contains=["frobnicate"])


def add_names(cases):
  two = [node("neg", "x", to="hidden"), node("neg", "hidden")]
  cases.bad("result-defined-twice", ask([node("neg", "x"), node("neg", "x")], {"x": X}), "duplicate_name", "/graph/nodes/1/outputs/0",
            contains=["y"])
  cases.bad("result-defined-twice-in-one-node", ask(node("split", "x", to=["p", "p"]), {"x": X}), "duplicate_name",
            "/graph/nodes/0/outputs/1", contains=["p"])
  cases.bad("result-shadows-input", ask(node("neg", "x", to="x"), {"x": X}), "duplicate_name", "/graph/nodes/0/outputs/0", contains=["x"])
  cases.bad("result-shadows-unused-input", ask(node("neg", "x"), {"x": X, "y": 1}), "duplicate_name", "/graph/nodes/0/outputs/0")
  cases.bad("result-shadows-declared-input", ask(node("neg", "x", to="x"), {"x": X}, graph={"inputs": [declared("x", [2, 3])]}),
            "duplicate_name", "/graph/nodes/0/outputs/0", contains=["x"])
  cases.bad("result-shadows-constant", ask(node("neg", "x", to="c"), {"x": X}, graph={"constants": {"c": 1}}), "duplicate_name",
            "/graph/nodes/0/outputs/0", contains=["c"])
  cases.bad("constant-and-input-of-one-name", ask(node("neg", "x"), {"x": X}, graph={"constants": {"x": 1}}), "duplicate_name",
            contains=["x"])
  cases.bad("unknown-operand", ask(node("add", "x", "q"), {"x": X}), "unknown_name", "/graph/nodes/0/inputs/1", node="y", operation="add",
            contains=["q"])
  cases.bad("unknown-operand-near-a-result", ask([two[0], node("neg", "hiden")], {"x": X}), "unknown_name", "/graph/nodes/1/inputs/0",
            node="y", operation="neg", contains=["hiden", "hidden"])
  cases.bad("unknown-operand-near-an-input", ask(node("neg", "wieght"), {"weight": X}), "unknown_name", "/graph/nodes/0/inputs/0",
            contains=["weight"])
  cases.bad("unknown-operand-other-case", ask(node("neg", "X"), {"x": X}), "unknown_name", "/graph/nodes/0/inputs/0", contains=["x"])
  for text in ("nan", "Inf", "-inf"):
    cases.bad(f"number-string-{text}-as-operand", ask(node("add", "x", text), {"x": X}), "unknown_name", "/graph/nodes/0/inputs/1",
              contains=["NaN" if text == "nan" else "Infinity"])
  cases.bad("quoted-number-as-operand", ask(node("add", "x", "2.0"), {"x": X}), "unknown_name", "/graph/nodes/0/inputs/1")
  cases.bad("operand-without-any-inputs", ask(node("neg", "x")), "unknown_name", "/graph/nodes/0/inputs/0", contains=["x"])
  unneeded = ask([node("neg", "x"), node("neg", "q", to="z")], {"x": X}, graph={"outputs": ["y"]})
  cases.bad("unknown-operand-in-a-node-nobody-needs", unneeded, "unknown_name", "/graph/nodes/1/inputs/0", node="z", operation="neg")
  cases.bad("unknown-graph-output", ask(two, {"x": X}, graph={"outputs": ["y", "hiddn"]}), "unknown_name", "/graph/outputs/1",
            contains=["hidden"])
  cases.bad("graph-output-twice", ask(two, {"x": X}, graph={"outputs": ["y", "hidden", "y"]}), "duplicate_name", "/graph/outputs/2",
            contains=["y"])


def add_cycles(cases):
  cases.bad("node-that-reads-itself", ask(node("add", "y", 1.0), graph={"outputs": ["y"]}), "cycle", contains=["y"])
  cases.bad("two-nodes-in-a-ring", ask([node("neg", "b", to="a"), node("neg", "a", to="b")], graph={"outputs": ["a"]}), "cycle")
  ring = [node("neg", f"v{(i + 1) % 500}", to=f"v{i}") for i in range(500)]
  cases.bad("five-hundred-nodes-in-a-ring", ask(ring, graph={"outputs": ["v0"]}), "cycle", contains=["v"])
  tail = [node("neg", "x", to="head"), node("add", "head", "b", to="a"), node("neg", "a", to="b"), node("neg", "b", to="end")]
  cases.bad("ring-between-good-nodes", ask(tail, {"x": X}), "cycle")
  unneeded = [node("neg", "x"), node("neg", "b", to="a"), node("neg", "a", to="b")]
  cases.bad("ring-that-nobody-needs", ask(unneeded, {"x": X}, graph={"outputs": ["y"]}), "cycle")
  separate = [node("split", "x", to=["p", "q"]), node("add", "p", "s", to="r"), node("add", "r", "q", to="s")]
  cases.bad("ring-behind-a-split", ask(separate, {"x": X}, graph={"outputs": ["s"]}), "cycle")


def add_arity(cases):
  operands = {
    "none-to-neg": node("neg"), "two-to-neg": node("neg", "x", "x"), "two-to-identity": node("identity", "x", 1),
    "none-to-add": node("add"), "one-to-add": node("add", "x"), "three-to-add": node("add", "x", "x", "x"), "one-to-sub": node("sub", "x"),
    "three-to-mul": node("mul", "x", 2, 3), "one-to-div": node("div", "x"), "one-to-matmul": node("matmul", "x"),
    "two-to-sum": node("sum", "x", 0), "two-to-reshape": node("reshape", "x", [6], shape=[6]),
    "two-to-transpose": node("transpose", "x", [1, 0]), "none-to-split": node("split", to=["p", "q"]),
    "two-to-split": node("split", "x", 2, to=["p", "q"]), "none-to-slice": node("slice", starts=[0], ends=[1]),
    "two-to-cast": node("cast", "x", "x", dtype="int32"), "two-to-broadcast_to": node("broadcast_to", "x", [2, 3], shape=[2, 3]),
    "one-to-constant": node("constant", "x", value=1),
  }
  for name, made in operands.items():
    cases.bad_node(f"operands-{name}", made, {"x": X}, "wrong_arity", "/inputs")
  results = {
    "two-of-add": node("add", "x", 1, to=["y", "z"]), "none-of-neg": node("neg", "x", to=[]),
    "two-of-constant": node("constant", value=1, to=["y", "z"]), "three-of-sum": node("sum", "x", to=["a", "b", "c"]),
    "none-of-split": node("split", "x", to=[]), "three-of-two-sizes": node("split", "x", to=["a", "b", "c"], splits=[1, 1]),
    "one-of-two-sizes": node("split", "x", to=["a"], splits=[1, 1]),
    "three-of-count-2": node("split", "x", to=["a", "b", "c"], splits=2), "one-of-count-2": node("split", "x", to=["a"], splits=2),
  }
  for name, made in results.items():
    cases.bad_node(f"results-{name}", made, {"x": X}, "wrong_arity", "/outputs")


def add_attributes(cases):
  """Attributes that an operation does not have, and those it must have."""
  unknown = [
    ("axis", "", node("neg", "x", axis=0)), ("copy", "", node("identity", "x", copy=True)), ("alpha", "", node("add", "x", 1, alpha=2)),
    ("axis", "", node("mul", "x", 1, axis=0)), ("transpose", "", node("matmul", "x", [1, 2, 3], transpose=True)),
    ("dim", "axis", node("sum", "x", dim=0)), ("axes", "axis", node("sum", "x", axes=[0])), ("Axis", "axis", node("sum", "x", Axis=0)),
    ("keepdim", "keepdims", node("sum", "x", keepdim=True)), ("perm", "axes", node("transpose", "x", perm=[1, 0])),
    ("axis", "axes", node("transpose", "x", axis=[1, 0])), ("order", "shape", node("reshape", "x", shape=[6], order="F")),
    ("sections", "splits", node("split", "x", to=["p", "q"], sections=2)),
    ("axis", "shape", node("broadcast_to", "x", shape=[2, 3], axis=0)),
    ("casting", "dtype", node("cast", "x", dtype="int32", casting="safe")), ("dtype", "value", node("constant", value=1, dtype="float32")),
    ("step", "steps", node("slice", "x", starts=[0], ends=[1], step=[1])),
  ]
  for attribute, near, made in unknown:
    contains = [attribute, near] if near else [attribute]
    cases.bad_node(f"unknown-attribute-{made['op']}-{attribute}", made, {"x": X}, "unknown_attribute", f"/attributes/{attribute}",
                   contains=contains)
  missing = {"reshape-shape": node("reshape", "x"), "broadcast_to-shape": node("broadcast_to", "x"), "cast-dtype": node("cast", "x"),
             "constant-value": node("constant"), "slice-starts": node("slice", "x", ends=[1]), "slice-ends": node("slice", "x", starts=[0])}
  for name, made in missing.items():
    cases.bad_node(f"missing-attribute-{name}", made, {"x": X}, "invalid_attribute", contains=[name.split("-")[1]])
  for index, dtype in enumerate(["float16", "float", "Int32", "", 64, True, ["int32"], None]):
    cases.bad_node(f"cast-dtype-wrong-{index}", node("cast", "x", dtype=dtype), {"x": X}, "invalid_attribute", "/attributes/dtype",
                   contains=["int32"])
  for name, value in {"text": "abc", "null": None, "nested-null": [None]}.items():
    place = "/attributes/value" + ("/0" if name == "nested-null" else "")
    cases.bad(f"constant-value-{name}", ask(node("constant", value=value)), "wrong_type", f"/graph/nodes/0{place}")
  cases.bad("constant-value-without-data", ask(node("constant", value={"shape": [1]})), "missing_member", "/graph/nodes/0/attributes/value")
  cases.bad("constant-value-shape-disagrees", ask(node("constant", value=tensor([1, 2], shape=[3]))), "shape_mismatch",
            "/graph/nodes/0/attributes/value/data")
  nan = ask(node("cast", "x", dtype="int32"), {"x": [1, "NaN"]})
  cases.bad("cast-of-nan-to-integer", nan, "number_out_of_range", node="y", operation="cast", contains=["int32"])
  far = ask(node("cast", "x", dtype="int64"), {"x": 1e19})
  cases.bad("cast-out-of-range", far, "number_out_of_range", node="y", operation="cast", contains=["int64"])
  edge = ask(node("cast", "x", dtype="int64"), {"x": 9223372036854775808.0})
  cases.bad("cast-of-2-to-the-63", edge, "number_out_of_range", node="y", operation="cast")


def add_axes(cases):
  wrong = {"out-of-range": 2, "below-range": -3, "far-out": 2**31, "beyond-int64": 2**63, "fraction": 0.5, "text": "0", "bool": True,
           "object": {"0": 1}, "twice": [0, 0], "twice-by-sign": [1, -1], "list-out-of-range": [0, 2], "list-of-text": ["0"],
           "list-of-null": [None], "nested": [[0]]}
  for name, axis in wrong.items():
    cases.bad_node(f"sum-axis-{name}", node("sum", "x", axis=axis), {"x": X}, "invalid_attribute", "/attributes/axis", contains=["axis"])
  cases.bad_node("sum-axis-of-a-scalar", node("sum", "x", axis=0), {"x": 1}, "invalid_attribute", "/attributes/axis", contains=["axis"])
  cases.bad_node("sum-axis-minus-1-of-a-scalar", node("sum", "x", axis=-1), {"x": 1}, "invalid_attribute", "/attributes/axis")
  for index, keepdims in enumerate(["true", 1, 0.0, [True], None]):
    cases.bad_node(f"sum-keepdims-wrong-{index}", node("sum", "x", keepdims=keepdims), {"x": X}, "invalid_attribute",
                   "/attributes/keepdims", contains=["keepdims"])
  axes = {"twice": [0, 0], "too-few": [0], "too-many": [0, 1, 2], "empty": [], "out-of-range": [0, 2], "below-range": [-3, 0],
          "twice-by-sign": [1, -1], "text": "reversed", "number": 1, "fraction": [0.5, 1], "of-text": ["1", "0"], "of-bools": [True, False]}
  for name, value in axes.items():
    cases.bad_node(f"transpose-axes-{name}", node("transpose", "x", axes=value), {"x": X}, "invalid_attribute", "/attributes/axes",
                   contains=["axes"])
  cases.bad_node("transpose-axes-of-a-scalar", node("transpose", "x", axes=[0]), {"x": 1}, "invalid_attribute", "/attributes/axes")


def add_reshaping(cases):
  malformed = {"two-inferred": [-1, -1], "negative": [-2, -3], "text": "6", "fraction": [1.5, 4], "of-text": ["6"], "of-null": [None],
               "of-bools": [True, 6], "nested": [[6]], "object": {"shape": [6]}, "null": None, "beyond-int64": [2**63]}
  for name, shape in malformed.items():
    cases.bad_node(f"reshape-shape-{name}", node("reshape", "x", shape=shape), {"x": X}, "invalid_attribute", "/attributes/shape",
                   contains=["shape"])
  cases.bad_node("reshape-ambiguous", node("reshape", "x", shape=[0, -1]), {"x": tensor([], shape=[0, 3])}, "invalid_attribute",
                 "/attributes/shape", contains=["-1"])
  misfits = {"too-many": [4, 2], "too-few": [5], "indivisible": [4, -1], "to-a-scalar": [], "to-nothing": [0]}
  for name, shape in misfits.items():
    cases.bad_node(f"reshape-misfit-{name}", node("reshape", "x", shape=shape), {"x": X}, "shape_mismatch", "/attributes/shape",
                   contains=["[2, 3]"])
  for name, shape in {"negative": [-1, 3], "text": "2", "fraction": [2, 3.5], "null": None, "of-null": [None, 3], "object": {}}.items():
    cases.bad_node(f"broadcast-to-shape-{name}", node("broadcast_to", "x", shape=shape), {"x": X}, "invalid_attribute", "/attributes/shape")
  misfits = {"other-size": [2, 4], "fewer-axes": [3], "leading-only": [2, 3, 1], "zero": [0, 3], "one": [1, 3], "scalar": []}
  for name, shape in misfits.items():
    cases.bad_node(f"broadcast-to-misfit-{name}", node("broadcast_to", "x", shape=shape), {"x": X}, "shape_mismatch", "/attributes/shape",
                   contains=["[2, 3]"])
  for op in ("reshape", "broadcast_to"):
    cases.bad(f"{op}-to-rank-9", ask(node(op, "x", shape=[1] * 9), {"x": 1}), "limit_exceeded", "/graph/nodes/0/attributes/shape",
              limit=8, contains=["8"])


def add_split_and_slice(cases):
  x = {"x": [1, 2, 3, 4, 5, 6]}
  splits = {"too-few": [1, 2], "too-many": [4, 4], "cut-points": [3, 6], "negative": [-1, 7], "fraction": [1.5, 4.5], "text": "2",
            "bool": True, "of-text": ["3", "3"], "of-null": [None, 3], "object": {"p": 3, "q": 3}, "overflow": [2**63 - 1, 2**63 - 1]}
  for name, value in splits.items():
    cases.bad_node(f"splits-{name}", node("split", "x", to=["p", "q"], splits=value), x, "invalid_attribute", "/attributes/splits",
                   contains={"too-few": ["6"], "cut-points": ["sizes", "cut points"]}.get(name, []))
  cases.bad_node("splits-cut-points-of-numpy", node("split", "x", to=["p", "q", "r"], splits=[1, 3]), x, "invalid_attribute",
                 "/attributes/splits", contains=["sizes", "cut points"])
  for count in (0, -2):
    cases.bad_node(f"splits-count-{count}", node("split", "x", to=["p", "q"], splits=count), x, "invalid_attribute", "/attributes/splits")
  cases.bad_node("splits-count-does-not-divide", node("split", "x", to=["p", "q"], splits=2), {"x": [1, 2, 3]}, "invalid_attribute",
                 "/attributes/splits", contains=["3", "2"])
  cases.bad("equal-split-does-not-divide", ask(node("split", "x", to=["p", "q"]), {"x": [1, 2, 3]}), "shape_mismatch", node="p",
            operation="split", contains=["3", "2"])
  for name, axis in {"out-of-range": 1, "below-range": -2, "fraction": 0.5, "text": "0", "list": [0], "bool": False}.items():
    cases.bad_node(f"split-axis-{name}", node("split", "x", to=["p", "q"], axis=axis), x, "invalid_attribute", "/attributes/axis",
                   contains=["axis"])
  cases.bad_node("split-axis-of-a-scalar", node("split", "x", to=["p"], axis=0), {"x": 1}, "invalid_attribute", "/attributes/axis")
  one, two = {"starts": [0], "ends": [1]}, {"starts": [0, 0], "ends": [1, 1]}
  slices = [
    ("step-0", one | {"steps": [0]}, "steps"), ("step-fraction", one | {"steps": [0.5]}, "steps"),
    ("step-text", one | {"steps": "1"}, "steps"), ("step-number", one | {"steps": 1}, "steps"),
    ("steps-too-many", one | {"steps": [1, 1]}, "steps"),
    ("steps-too-few", two | {"steps": [1]}, "steps"), ("ends-too-many", one | {"ends": [1, 2]}, "ends"),
    ("ends-too-few", two | {"ends": [1]}, "ends"), ("axes-too-many", one | {"axes": [0, 1]}, "axes"),
    ("axes-too-few", two | {"axes": [0]}, "axes"), ("axis-out-of-range", one | {"axes": [2]}, "axes"),
    ("axis-below-range", one | {"axes": [-3]}, "axes"), ("axes-twice", two | {"axes": [0, 0]}, "axes"),
    ("axes-twice-by-sign", two | {"axes": [0, -2]}, "axes"), ("axis-number", one | {"axes": 0}, "axes"),
    ("axis-fraction", one | {"axes": [0.5]}, "axes"), ("start-number", one | {"starts": 0}, "starts"),
    ("start-fraction", one | {"starts": [0.5]}, "starts"), ("start-text", one | {"starts": ["0"]}, "starts"),
    ("start-bool", one | {"starts": [False]}, "starts"), ("starts-null", one | {"starts": None}, "starts"),
    ("end-number", one | {"ends": 1}, "ends"), ("end-fraction", one | {"ends": [1.5]}, "ends"), ("end-text", one | {"ends": [""]}, "ends"),
  ]
  for name, attributes, at in slices:
    cases.bad_node(f"slice-{name}", node("slice", "x", **attributes), {"x": X}, "invalid_attribute", f"/attributes/{at}")
  cases.bad("slice-more-starts-than-axes", ask(node("slice", "x", starts=[0, 0, 0], ends=[1, 1, 1]), {"x": X}), "invalid_attribute",
            node="y", operation="slice")
  cases.bad("slice-of-a-scalar", ask(node("slice", "x", starts=[0], ends=[1]), {"x": 1}), "invalid_attribute", node="y", operation="slice")


def add_shapes(cases):
  for op in ("add", "sub", "mul", "div"):
    cases.bad_node(f"{op}-shapes-do-not-broadcast", node(op, "x", "w"), {"x": X, "w": [[1, 2], [3, 4]]}, "shape_mismatch", "/inputs/1",
                   contains=["[2, 3]", "[2, 2]"])
  cases.bad_node("add-trailing-axes-differ", node("add", "x", [1, 2]), {"x": X}, "shape_mismatch", "/inputs/1", contains=["[2, 3]", "[2]"])
  cases.bad_node("add-empty-and-two", node("add", "x", [1, 2]), {"x": []}, "shape_mismatch", "/inputs/1", contains=["[0]", "[2]"])
  zeros = lambda *shape: tensor([0] * math.prod(shape), shape=list(shape))
  products = {
    "inner-sizes": (X, zeros(4, 5), 1, ["[2, 3]", "[4, 5]", "3", "4"]), "not-transposed": (X, X, 1, ["[2, 3]"]),
    "vector-with-vector": (zeros(3), zeros(4), 1, ["3", "4"]), "vector-with-matrix": (zeros(2), zeros(3, 2), 1, ["2", "3"]),
    "matrix-with-vector": (X, zeros(2), 1, ["[2, 3]", "[2]"]),
    "batch-sizes": (zeros(2, 1, 3), zeros(4, 3, 1), 1, ["[2, 1, 3]", "[4, 3, 1]"]),
    "scalar-first": (2, X, 0, ["matmul"]), "scalar-second": (X, 2, 1, ["matmul"]),
  }
  for name, (x, w, at, contains) in products.items():
    cases.bad_node(f"matmul-{name}", node("matmul", "x", "w"), {"x": x, "w": w}, "shape_mismatch", f"/inputs/{at}", contains=contains)
  cases.bad_node("matmul-weak-number", node("matmul", "x", 2.0), {"x": X}, "shape_mismatch", "/inputs/1", contains=["matmul"])
  unneeded = ask([node("neg", "x"), node("matmul", "x", "x", to="z")], {"x": X}, graph={"outputs": ["y"]})
  cases.bad("shape-mismatch-in-a-node-nobody-needs", unneeded, "shape_mismatch", "/graph/nodes/1/inputs/1", node="z", operation="matmul")
  later = ask([node("add", "h", [1, 2]), node("neg", "x", to="h")], {"x": X})
  cases.bad("shape-mismatch-in-the-first-of-unsorted-nodes", later, "shape_mismatch", "/graph/nodes/0/inputs/1", node="y", operation="add")


def add_dtypes(cases):
  values = {"f": [1.5, 2], "s": tensor([1, 2], "float32"), "i": INT, "k": tensor([1, 2], "int32"), "b": [True, False]}
  pairs = [("add", "f", "i"), ("mul", "i", "f"), ("sub", "s", "k"), ("add", "k", "s"), ("mul", "f", "b"), ("add", "b", "i"),
           ("div", "f", "i"), ("matmul", "f", "i"), ("matmul", "b", "f")]
  for op, x, y in pairs:
    contains = ["cast"] if "b" not in (x, y) else []
    cases.bad_node(f"{op}-of-{x}-and-{y}", node(op, x, y), {x: values[x], y: values[y]}, "dtype_mismatch", "/inputs/1", contains=contains)
  for dtype in ("int64", "int32"):
    for number in (2.5, -0.5, "NaN", "Infinity"):
      cases.bad_node(f"weak-{number}-beside-{dtype}", node("add", "x", number), {"x": tensor([1], dtype)}, "dtype_mismatch", "/inputs/1",
                     contains=[dtype])
  cases.bad_node("weak-1-beside-bool", node("add", "x", 1), {"x": [True]}, "dtype_mismatch", "/inputs/1", contains=["bool"])
  cases.bad_node("weak-1.5-before-bool", node("mul", 1.5, "x"), {"x": [True]}, "dtype_mismatch", "/inputs/0", contains=["bool"])
  cases.bad_node("true-beside-float", node("mul", "x", True), {"x": [1.5]}, "dtype_mismatch", "/inputs/1", contains=["bool"])
  for dtype in ("int64", "int32"):
    cases.bad_node(f"div-of-{dtype}", node("div", "x", "x"), {"x": tensor([4], dtype)}, "dtype_mismatch", "/inputs/0",
                   contains=[dtype, "cast"])
  cases.bad_node("div-of-int64-by-weak-2", node("div", "x", 2), {"x": INT}, "dtype_mismatch", "/inputs/0", contains=["int64"])
  cases.bad_node("neg-of-bool", node("neg", "x"), {"x": [True]}, "dtype_mismatch", "/inputs/0", contains=["bool"])
  constant = ask(node("add", "x", "c"), {"x": INT}, graph={"constants": {"c": [1, 2]}})
  cases.bad("untyped-constant-is-float64-beside-int64", constant, "dtype_mismatch", "/graph/nodes/0/inputs/1",
            contains=["int64", "float64"])


def add_asked(cases):
  nodes = [node("mul", "x", "c", to="h"), node("add", "h", "w"), node("identity", "i", to="k"), node("neg", "w", to="z")]
  inputs = {"x": X, "w": [[1], [2]], "i": INT, "b": [True]}

  def bad(name, code, pointer, contains=(), **members):
    graph = {"constants": {"c": 2}, "outputs": ["y", "k", "z"]}
    cases.bad(name, ask(nodes, inputs, graph=graph, **members), code, pointer, contains=contains)

  for member in ("of", "outputs", "wrt"):
    bad(f"unknown-name-in-{member}", "unknown_name", f"/{member}/0", ["zz"], **{member: ["zz"]})
    name = "x" if member == "wrt" else "y"
    bad(f"name-twice-in-{member}", "duplicate_name", f"/{member}/1", [name], **{member: [name, name]})
  bad("unknown-name-last-in-wrt", "unknown_name", "/wrt/2", wrt=["x", "w", "X"])
  bad("constant-in-wrt", "unknown_name", "/wrt/0", ["c"], wrt=["c"])
  bad("result-in-wrt", "unknown_name", "/wrt/1", ["h"], wrt=["x", "h"])
  bad("integer-input-in-wrt", "dtype_mismatch", "/wrt/0", ["i", "int64"], wrt=["i"])
  bad("bool-input-in-wrt", "dtype_mismatch", "/wrt/1", ["b", "bool"], wrt=["x", "b"])
  bad("unknown-name-in-cotangents", "unknown_name", "/cotangents/zz", ["zz"], cotangents={"zz": 1})
  bad("input-in-cotangents", "unknown_name", "/cotangents/x", ["x"], cotangents={"x": X})
  bad("cotangent-of-what-is-not-differentiated", "unknown_name", "/cotangents/h", ["h"], cotangents={"h": X})
  bad("cotangent-outside-of", "unknown_name", "/cotangents/y", ["y"], of=["z"], cotangents={"y": X})
  bad("cotangent-of-an-integer-output", "dtype_mismatch", "/cotangents/k", ["k", "int64"], cotangents={"k": [1, 1]})
  shapes = {"scalar": 1, "row": [1, 2, 3], "one-row": [[1, 2, 3]], "transposed": [[1, 2], [3, 4], [5, 6]], "one-axis-more": [X],
            "empty": []}
  for name, ct in shapes.items():
    bad(f"cotangent-shape-{name}", "shape_mismatch", "/cotangents/y", ["[2, 3]"], cotangents={"y": ct})
  bad("cotangent-dtype-float32", "dtype_mismatch", "/cotangents/y", ["float64", "float32"], cotangents={"y": tensor(X, "float32")})
  bad("cotangent-dtype-int64", "dtype_mismatch", "/cotangents/y", ["float64", "int64"], cotangents={"y": tensor(X, "int64")})
  bad("cotangent-is-null", "wrong_type", "/cotangents/y", cotangents={"y": None})
  bad("cotangent-is-text", "wrong_type", "/cotangents/y", cotangents={"y": "ones"})


def add_sizes(cases):
  """Requests of a few bytes whose values no machine can hold: known from the plan, so nothing of the kind is ever allocated."""
  def big(name, *nodes, outputs=("y",)):
    cases.bad(f"too-large-{name}", ask(list(nodes), {"x": 1}, graph={"outputs": list(outputs)}), "limit_exceeded")

  tall = node("broadcast_to", "x", to="a", shape=[10**6, 1])
  wide = node("broadcast_to", "x", to="b", shape=[1, 10**6])
  big("broadcast", node("broadcast_to", "x", shape=[10**6, 10**6, 1000]))
  big("broadcast-product-overflows", node("broadcast_to", "x", shape=[2**62, 4]))
  big("broadcast-product-overflows-to-zero", node("broadcast_to", "x", shape=[2**32, 2**32]))
  big("broadcast-size-of-int64", node("broadcast_to", "x", shape=[2**63 - 1]))
  big("broadcast-bytes-overflow", node("broadcast_to", "x", shape=[2**61]))
  big("outer-sum", tall, wide, node("add", "a", "b"))
  big("outer-product", tall, wide, node("matmul", "a", "b"))
  batches = [node("broadcast_to", "x", to="p", shape=[10**5, 1, 100, 1]), node("broadcast_to", "x", to="q", shape=[1, 10**5, 1, 100])]
  big("matmul-batches", *batches, node("matmul", "p", "q"))
  axes = [[3, 0, 1, 2], [2, 3, 0, 1], [1, 2, 3, 0]]
  rolled = [node("transpose", "s0", to=f"t{i + 1}", axes=axes[i]) for i in range(3)]
  sums = [node("add", f"s{i}", f"t{i + 1}", to=f"s{i + 1}") for i in range(3)]
  big("step-by-step", node("broadcast_to", "x", to="s0", shape=[1000, 1, 1, 1]), *rolled, *sums, outputs=["s3"])
  big("outer-product-then-cast", tall, wide, node("matmul", "a", "b", to="m"), node("cast", "m", dtype="float32"))

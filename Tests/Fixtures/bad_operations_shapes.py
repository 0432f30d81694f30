"""Bad requests for the operations of tier 1 that move, pick, repeat or mask elements. One fault each."""

from case_tools import X, ask, node, tensor

INT, BOOL = tensor([1, 2], "int64"), [True, False]
CUBE = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


def add_cases(cases):
  add_take(cases)
  add_take_along_axis(cases)
  add_concat_and_stack(cases)
  add_unstack(cases)
  add_expand_and_squeeze(cases)
  add_pad(cases)
  add_flip_and_roll(cases)
  add_copies(cases)
  add_triangles(cases)
  add_slices(cases)


def add_take(cases):
  rule = "negative indices count from the end; out of range is refused"
  outside = {"at-the-size": 2, "far": 100, "below": -3, "int64-min": -(2**63)}
  for name, index in outside.items():
    cases.bad_node(f"take-index-{name}", node("take", "x", "i"), {"x": X, "i": tensor([0, index], "int64")}, "index_out_of_range", None,
                   contains=[str(index), "2"], rule=rule)
  cases.bad_node("take-index-0-d", node("take", "x", 3, axis=1), {"x": X}, "index_out_of_range", None, rule=rule)
  cases.bad_node("take-from-nothing", node("take", "x", [0]), {"x": tensor([], shape=[0, 3])}, "index_out_of_range", None, rule=rule)
  cases.bad_node("take-int32-index", node("take", "x", tensor([5], "int32")), {"x": X}, "index_out_of_range", None, rule=rule)
  late = ask([node("mul", "i", 2, to="j"), node("take", "x", "j", to="t"), node("sum", "t")], {"x": X, "i": tensor([1], "int64")})
  cases.bad("take-computed-index", late, "index_out_of_range", node="t", operation="take", contains=["2"],
            rule="inv, solve with a singular matrix; take out of range | refused, naming the node")
  rule = "int64 for index operands when integral"
  for name, index in {"explicit-floats": tensor([0], "float64"), "bools": [True]}.items():
    cases.bad_node(f"take-indices-are-{name}", node("take", "x", index), {"x": X}, "dtype_mismatch", "/inputs/1", rule=rule)
  cases.bad_node("take-float-input-as-indices", node("take", "x", "i"), {"x": X, "i": tensor([0.0], "float64")}, "dtype_mismatch",
                 "/inputs/1",
                 contains=["float64"], rule=rule)
  rule = "take | axis 0 (NumPy flattens; we do not)"
  for name, axis in {"out-of-range": 2, "below-range": -3, "null": None, "a-list": [0], "text": "0", "true": True}.items():
    cases.bad_node(f"take-axis-{name}", node("take", "x", [0], axis=axis), {"x": X}, "invalid_attribute", "/attributes/axis", rule=rule)
  cases.bad_node("take-from-a-scalar", node("take", "x", [0]), {"x": 1}, "invalid_attribute", None,
                 rule="An axis on a 0-d operand is refused")
  cases.bad_node("take-of-one", node("take", "x"), {"x": X}, "wrong_arity", "/inputs", rule="`take(x, indices)`")
  cases.bad_node("take-mode", node("take", "x", [0], mode="clip"), {"x": X}, "unknown_attribute", "/attributes/mode", contains=["axis"],
                 rule="unknown attributes are refused with the valid list")


def add_take_along_axis(cases):
  rule = "take_along_axis(x, indices)"
  cases.bad_node("take_along_axis-index-out-of-range", node("take_along_axis", "x", [[0], [3]]), {"x": X}, "index_out_of_range", None,
                 contains=["3"], rule="out of range is refused")
  cases.bad_node("take_along_axis-index-below", node("take_along_axis", "x", [[-4], [0]]), {"x": X}, "index_out_of_range", None,
                 rule="out of range is refused")
  cases.bad_node("take_along_axis-of-another-rank", node("take_along_axis", "x", [0, 1]), {"x": X}, "shape_mismatch", "/inputs/1",
                 rule=rule)
  cases.bad_node("take_along_axis-of-another-size", node("take_along_axis", "x", [[0], [0], [0]]), {"x": X}, "shape_mismatch", "/inputs/1",
                 contains=["[2, 3]", "[3, 1]"], rule=rule)
  cases.bad_node("take_along_axis-of-a-scalar", node("take_along_axis", "x", 0), {"x": 1}, "invalid_attribute", None,
                 rule="An axis on a 0-d operand is refused")
  cases.bad_node("take_along_axis-axis-out-of-range", node("take_along_axis", "x", [[0]], axis=2), {"x": X}, "invalid_attribute",
                 "/attributes/axis", rule=rule)
  cases.bad_node("take_along_axis-float-indices", node("take_along_axis", "x", "i"), {"x": X, "i": tensor([[0.0]], "float64")},
                 "dtype_mismatch", "/inputs/1", rule="int64 for index operands when integral")


def add_concat_and_stack(cases):
  rule = "concat, stack, unstack, split | axis 0"
  joins = [
    ("concat-of-other-sizes", node("concat", "x", "w"), {"x": X, "w": [[1, 2]]}, "shape_mismatch", "/inputs/1", ["[2, 3]", "[1, 2]"]),
    ("concat-along-the-other-axis", node("concat", "x", "w", axis=1), {"x": X, "w": [[1, 2, 3]]}, "shape_mismatch", "/inputs/1",
     ["[2, 3]"]),
    ("concat-of-other-ranks", node("concat", "x", "w"), {"x": X, "w": [1, 2, 3]}, "shape_mismatch", "/inputs/1", ["[2, 3]", "[3]"]),
    ("concat-third-differs", node("concat", "x", "x", "w"), {"x": X, "w": [[1]]}, "shape_mismatch", "/inputs/2", []),
    ("concat-of-scalars", node("concat", "x", "x"), {"x": 1}, "invalid_attribute", None, []),
    ("concat-of-none", node("concat"), {"x": X}, "wrong_arity", "/inputs", []),
    ("concat-of-mixed-kinds", node("concat", "x", "i"), {"x": [1, 2], "i": INT}, "dtype_mismatch", "/inputs/1", ["cast"]),
    ("concat-axis-out-of-range", node("concat", "x", "x", axis=2), {"x": X}, "invalid_attribute", "/attributes/axis", ["axis"]),
    ("concat-axis-null", node("concat", "x", "x", axis=None), {"x": X}, "invalid_attribute", "/attributes/axis", ["axis"]),
    ("concat-axis-list", node("concat", "x", "x", axis=[0]), {"x": X}, "invalid_attribute", "/attributes/axis", ["axis"]),
    ("concat-two-results", node("concat", "x", "x", to=["y", "z"]), {"x": X}, "wrong_arity", "/outputs", []),
    ("stack-of-other-shapes", node("stack", "x", "w"), {"x": X, "w": [[1, 2, 3]]}, "shape_mismatch", "/inputs/1", ["[2, 3]", "[1, 3]"]),
    ("stack-does-not-broadcast", node("stack", "x", 1.0), {"x": X}, "shape_mismatch", "/inputs/1", ["[2, 3]"]),
    ("stack-of-none", node("stack"), {"x": X}, "wrong_arity", "/inputs", []),
    ("stack-of-mixed-kinds", node("stack", "x", "b"), {"x": [1, 2], "b": BOOL}, "dtype_mismatch", "/inputs/1", []),
    ("stack-axis-out-of-range", node("stack", "x", "x", axis=3), {"x": X}, "invalid_attribute", "/attributes/axis", ["axis"]),
    ("stack-axis-below-range", node("stack", "x", "x", axis=-4), {"x": X}, "invalid_attribute", "/attributes/axis", ["axis"]),
    ("stack-dim", node("stack", "x", "x", dim=0), {"x": X}, "unknown_attribute", "/attributes/dim", ["axis"]),
  ]
  for name, made, given, code, place, contains in joins:
    cases.bad_node(name, made, given, code, place, contains=contains, rule=rule)
  cases.bad("stack-to-rank-9", ask(node("stack", "x"), {"x": [[[[[[[[1]]]]]]]]}), "limit_exceeded", limit=8,
            rule="limit_exceeded, with `limit`")


def add_unstack(cases):
  rule = "an equal split must divide; the number of results must match"
  rows = [
    ("too-few-results", node("unstack", "x", to=["a"]), {"x": X}, "wrong_arity", "/outputs"),
    ("too-many-results", node("unstack", "x", to=["a", "b", "c"]), {"x": X}, "wrong_arity", "/outputs"),
    ("results-of-the-other-axis", node("unstack", "x", to=["a", "b"], axis=1), {"x": X}, "wrong_arity", "/outputs"),
    ("of-a-scalar", node("unstack", "x", to=["a"]), {"x": 1}, "invalid_attribute", None),
    ("axis-out-of-range", node("unstack", "x", to=["a", "b"], axis=2), {"x": X}, "invalid_attribute", "/attributes/axis"),
    ("axis-null", node("unstack", "x", to=["a", "b"], axis=None), {"x": X}, "invalid_attribute", "/attributes/axis"),
    ("of-two", node("unstack", "x", "x", to=["a", "b"]), {"x": X}, "wrong_arity", "/inputs"),
  ]
  for name, made, given, code, place in rows:
    cases.bad_node(f"unstack-{name}", made, given, code, place, rule=rule)


def add_expand_and_squeeze(cases):
  rule = "expand_dims | integer or list, positions in the result"
  cases.bad_node("expand_dims-without-axis", node("expand_dims", "x"), {"x": X}, "invalid_attribute", None, contains=["axis"], rule=rule)
  for name, axis in {"out-of-range": 3, "below-range": -4, "twice": [0, 0], "twice-by-sign": [0, -4], "list-out-of-range": [0, 4],
                     "text": "0",
                     "fraction": 0.5, "null": None, "true": True}.items():
    cases.bad_node(f"expand_dims-axis-{name}", node("expand_dims", "x", axis=axis), {"x": X}, "invalid_attribute", "/attributes/axis",
                   contains=["axis"], rule=rule)
  cases.bad("expand_dims-to-rank-9", ask(node("expand_dims", "x", axis=[0, 1, 2, 3, 4, 5, 6]), {"x": X}), "limit_exceeded", limit=8,
            rule=rule)
  rule = "squeeze | axis null = all axes; all axes of size 1"
  for name, axis in {"out-of-range": 3, "twice": [0, 0], "text": "0", "true": True}.items():
    cases.bad_node(f"squeeze-axis-{name}", node("squeeze", "x", axis=axis), {"x": [[[1, 2]]]}, "invalid_attribute", "/attributes/axis",
                   rule=rule)
  for name, axis in {"2": 2, "minus-1": -1, "in-a-list": [0, 2]}.items():
    cases.bad_node(f"squeeze-axis-{name}-of-another-size", node("squeeze", "x", axis=axis), {"x": [[[1, 2]]]}, "shape_mismatch", None,
                   contains=["axis 2", "size 1"], rule=rule)
  cases.bad_node("squeeze-axis-of-a-scalar", node("squeeze", "x", axis=0), {"x": 1}, "invalid_attribute", "/attributes/axis",
                 rule="An axis on a 0-d operand is refused")


def add_pad(cases):
  rule = "pad | widths `[[before, after], …]`, value 0"
  cases.bad_node("pad-without-widths", node("pad", "x"), {"x": X}, "invalid_attribute", None, contains=["widths"], rule=rule)
  widths = {"a-number": 1, "a-pair": [1, 1], "negative": [[0, 0], [-1, 0]], "too-few": [[1, 1]], "too-many": [[0, 0]] * 3,
            "of-one": [[1], [1]], "of-three": [[1, 1, 1], [0, 0, 0]], "fraction": [[0.5, 0], [0, 0]], "text": "1",
            "of-text": [["1", "0"], [0, 0]],
            "null": None, "of-null": [None, [0, 0]], "of-bools": [[True, False], [0, 0]]}
  for name, value in widths.items():
    cases.bad_node(f"pad-widths-{name}", node("pad", "x", widths=value), {"x": X}, "invalid_attribute", "/attributes/widths",
                   contains=["width"], rule=rule)
  zero = [[0, 1], [0, 0]]
  for name, value in {"text": "zero", "a-list": [0], "null": None}.items():
    cases.bad_node(f"pad-value-{name}", node("pad", "x", widths=zero, value=value), {"x": X}, "invalid_attribute", "/attributes/value",
                   rule=rule)
  for name, value in {"fraction": 0.5, "nan": "NaN"}.items():
    cases.bad_node(f"pad-value-{name}-of-integers", node("pad", "x", widths=[[0, 1]], value=value), {"x": INT}, "dtype_mismatch",
                   "/attributes/value", contains=["int64"], rule="2.5 beside an integer, and any number beside bool, are refused")
  cases.bad_node("pad-mode", node("pad", "x", widths=zero, mode="edge"), {"x": X}, "unknown_attribute", "/attributes/mode", rule=rule)
  cases.bad("pad-too-wide", ask(node("pad", "x", widths=[[0, 10**12]]), {"x": [1]}), "limit_exceeded", rule="known before anything runs")
  cases.bad("pad-beyond-int64", ask(node("pad", "x", widths=[[2**62, 2**62]]), {"x": [1]}), "limit_exceeded",
            rule="known before anything runs")


def add_flip_and_roll(cases):
  for name, axis in {"out-of-range": 2, "below-range": -3, "twice": [0, 0], "text": "0", "true": True, "fraction": 1.5}.items():
    cases.bad_node(f"flip-axis-{name}", node("flip", "x", axis=axis), {"x": X}, "invalid_attribute", "/attributes/axis",
                   rule="flip; squeeze | axis null = all axes")
  rule = "roll | shift an integer or list; axis null rolls the flattened tensor"
  cases.bad_node("roll-without-shift", node("roll", "x"), {"x": X}, "invalid_attribute", None, contains=["shift"], rule=rule)
  for name, shift in {"fraction": 0.5, "text": "1", "null": None, "true": True, "of-text": ["1"]}.items():
    cases.bad_node(f"roll-shift-{name}", node("roll", "x", shift=shift), {"x": X}, "invalid_attribute", "/attributes/shift", rule=rule)
  for name, axis in {"out-of-range": 2, "text": "0"}.items():
    cases.bad_node(f"roll-axis-{name}", node("roll", "x", shift=1, axis=axis), {"x": X}, "invalid_attribute", "/attributes/axis", rule=rule)
  for name, attributes in {"shifts-without-axes": {"shift": [1, 2]}, "more-shifts-than-axes": {"shift": [1, 2, 3], "axis": [0, 1]}}.items():
    cases.bad_node(f"roll-{name}", node("roll", "x", **attributes), {"x": X}, "invalid_attribute", None, rule=rule)


def add_copies(cases):
  rule = "tile | the shorter of shape and repetitions gets leading 1s"
  cases.bad_node("tile-without-repetitions", node("tile", "x"), {"x": X}, "invalid_attribute", None, contains=["repetitions"], rule=rule)
  for name, value in {"negative": [-1], "fraction": [1.5], "text": "2", "of-text": ["2"], "null": None, "of-null": [None],
                      "true": True}.items():
    cases.bad_node(f"tile-repetitions-{name}", node("tile", "x", repetitions=value), {"x": X}, "invalid_attribute",
                   "/attributes/repetitions",
                   rule=rule)
  cases.bad("tile-to-rank-9", ask(node("tile", "x", repetitions=[1] * 9), {"x": 1}), "limit_exceeded", limit=8, rule=rule)
  cases.bad("tile-too-often", ask(node("tile", "x", repetitions=[2**40]), {"x": [1]}), "limit_exceeded", rule="known before anything runs")
  rule = "cumsum, cumprod, repeat | axis required"
  cases.bad_node("repeat-without-axis", node("repeat", "x", repeats=2), {"x": X}, "invalid_attribute", None, contains=["axis"], rule=rule)
  cases.bad_node("repeat-without-repeats", node("repeat", "x", axis=0), {"x": X}, "invalid_attribute", None, contains=["repeats"],
                 rule=rule)
  for name, value in {"negative": -1, "fraction": 1.5, "text": "2", "null": None, "true": True}.items():
    cases.bad_node(f"repeat-repeats-{name}", node("repeat", "x", repeats=value, axis=0), {"x": X}, "invalid_attribute",
                   "/attributes/repeats",
                   rule=rule)
  for name, axis in {"out-of-range": 2, "null": None, "text": "0"}.items():
    cases.bad_node(f"repeat-axis-{name}", node("repeat", "x", repeats=2, axis=axis), {"x": X}, "invalid_attribute", "/attributes/axis",
                   rule=rule)
  cases.bad_node("repeat-of-a-scalar", node("repeat", "x", repeats=2, axis=0), {"x": 1}, "invalid_attribute", "/attributes/axis",
                 rule="An axis on a 0-d operand is refused")


def add_triangles(cases):
  for op in ("tril", "triu"):
    for name, value in {"fraction": 0.5, "text": "0", "null": None, "true": True, "list": [0]}.items():
      cases.bad_node(f"{op}-k-{name}", node(op, "x", k=value), {"x": X}, "invalid_attribute", "/attributes/k",
                     rule="tril, triu | k 0; last two axes")
    for name, x in {"vector": [1, 2], "scalar": 1}.items():
      cases.bad_node(f"{op}-of-a-{name}", node(op, "x"), {"x": x}, "shape_mismatch", None, rule="tril, triu | k 0; last two axes")
    cases.bad_node(f"{op}-diagonal", node(op, "x", diagonal=1), {"x": X}, "unknown_attribute", "/attributes/diagonal", contains=["k"],
                   rule="unknown attributes are refused with the valid list")
  for op in ("diagonal", "trace"):
    rule = "diagonal, trace | `offset` 0; last two axes"
    for name, value in {"fraction": 0.5, "text": "0", "null": None, "true": True}.items():
      cases.bad_node(f"{op}-offset-{name}", node(op, "x", offset=value), {"x": X}, "invalid_attribute", "/attributes/offset", rule=rule)
    for name, x in {"vector": [1, 2], "scalar": 1}.items():
      cases.bad_node(f"{op}-of-a-{name}", node(op, "x"), {"x": x}, "shape_mismatch", None, rule=rule)
    cases.bad_node(f"{op}-k", node(op, "x", k=1), {"x": X}, "unknown_attribute", "/attributes/k", contains=["offset"], rule=rule)
  rule = "outer; einsum | 1-D only"
  for name, x, w, at in [("matrix-first", X, [1, 2], 0), ("matrix-second", [1, 2], X, 1), ("scalar-first", 2, [1, 2], 0),
                         ("scalar-second", [1, 2], 2, 1)]:
    cases.bad_node(f"outer-{name}", node("outer", "x", "w"), {"x": x, "w": w}, "shape_mismatch", f"/inputs/{at}", rule=rule)
  cases.bad_node("outer-of-one", node("outer", "x"), {"x": [1, 2]}, "wrong_arity", "/inputs", rule=rule)
  cases.bad_node("outer-of-mixed-kinds", node("outer", "x", "i"), {"x": [1, 2], "i": INT}, "dtype_mismatch", "/inputs/1", contains=["cast"],
                 rule='integers or bool with floats are refused ("cast x")')
  cases.bad_node("outer-of-bools", node("outer", "x", "x"), {"x": BOOL}, "dtype_mismatch", "/inputs/0", rule="Promotion")


def add_slices(cases):
  rule = "steps 1, negative allowed, 0 refused; entries of starts and ends may be null"
  rows = [("step-0-backwards", {"starts": [None], "ends": [None], "steps": [0]}, "steps"),
          ("second-step-0", {"starts": [0, 0], "ends": [2, 2], "steps": [1, 0]}, "steps"),
          ("axis-null", {"starts": [0], "ends": [2], "axes": [None]}, "axes"),
          ("ends-object", {"starts": [0], "ends": {}}, "ends")]
  for name, attributes, at in rows:
    cases.bad_node(f"slice-{name}-of-three-axes", node("slice", "x", **attributes), {"x": CUBE}, "invalid_attribute", f"/attributes/{at}",
                   rule=rule)

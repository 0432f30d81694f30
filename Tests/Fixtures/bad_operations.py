"""Bad requests for the operations of tier 1 that compute: functions, activations, casts, reductions, scans, sorting.
One fault each: an arity, an attribute, a dtype, a shape, or what is only known while running."""

from case_tools import X, ask, node, tensor

INT, BOOL, F32 = tensor([1, 2], "int64"), [True, False], tensor([1, 2], "float32")
EMPTY = tensor([], shape=[0, 3])

FLOAT_FUNCTIONS = ["reciprocal", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin", "acos",
                   "atan",
                   "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "erfinv", "lgamma", "digamma", "sigmoid", "softplus",
                   "log_sigmoid", "relu", "floor", "ceil", "round", "trunc", "silu"]
REDUCTIONS = ["prod", "max", "min", "mean", "var", "std", "logsumexp", "norm"]


def add_cases(cases):
  add_functions(cases)
  add_binary(cases)
  add_logic(cases)
  add_integers(cases)
  add_activations(cases)
  add_reductions(cases)
  add_extremes(cases)
  add_statistics(cases)
  add_scans(cases)


def add_functions(cases):
  rule = "div, mean and the float functions refuse integers"
  for index, op in enumerate(FLOAT_FUNCTIONS):
    given = [INT, BOOL, tensor([1, 2], "int32")][index % 3]
    cases.bad_node(f"{op}-of-no-float", node(op, "x"), {"x": given}, "dtype_mismatch", "/inputs/0", rule=rule)
  for op in ("exp", "relu"):
    cases.bad_node(f"{op}-of-two", node(op, "x", "x"), {"x": X}, "wrong_arity", "/inputs", rule="list of operands")
    cases.bad_node(f"{op}-of-none", node(op), {"x": X}, "wrong_arity", "/inputs", rule="list of operands")
    cases.bad_node(f"{op}-with-two-results", node(op, "x", to=["y", "z"]), {"x": X}, "wrong_arity", "/outputs",
                   rule="list of new names, one for each result")
  for op, attribute in [("exp", "base"), ("relu", "alpha"), ("abs", "axis"), ("round", "decimals"), ("sigmoid", "dim"), ("sqrt", "out")]:
    cases.bad_node(f"{op}-with-{attribute}", node(op, "x", **{attribute: 1}), {"x": X}, "unknown_attribute", f"/attributes/{attribute}",
                   contains=[attribute], rule="unknown attributes are refused with the valid list")
  for op in ("abs", "square", "sign"):
    cases.bad_node(f"{op}-of-bool", node(op, "x"), {"x": BOOL}, "dtype_mismatch", "/inputs/0", rule="Promotion")
  for op, near in {"power": "pow", "absolute": "abs", "arctan": "atan", "arctan2": "atan2", "fabs": "abs", "logistic": "sigmoid",
                   "swish": "silu",
                   "amax": "max", "argMax": "argmax", "mod": "remainder", "concatenate": "concat", "clamp": "clip", "gather": "take",
                   "reduce_max": "max", "select": "where", "permute": "transpose", "reduceSum": "sum", "LeakyReLU": "leaky_relu"}.items():
    cases.bad(f"unknown-operation-{op}", ask(node(op, "x"), {"x": X}), "unknown_operation", "/graph/nodes/0/op", node="y",
              contains=[op, near], rule="an unknown name is refused with the nearest names")


def add_binary(cases):
  rule = "Binary (broadcasting)"
  for op in ("pow", "maximum", "atan2", "hypot", "logaddexp", "remainder", "xlogy", "equal", "less"):
    cases.bad_node(f"{op}-shapes-do-not-broadcast", node(op, "x", "w"), {"x": X, "w": [1, 2]}, "shape_mismatch", "/inputs/1",
                   contains=["[2, 3]", "[2]"], rule=rule)
  for op, operands in [("pow", ["x"]), ("maximum", ["x", "x", "x"]), ("atan2", []), ("where", ["c", "x"]), ("xlogy", ["x"])]:
    cases.bad_node(f"{op}-of-{len(operands)}", node(op, *operands), {"x": X, "c": [[True] * 3] * 2}, "wrong_arity", "/inputs", rule=rule)
  for op in ("atan2", "hypot", "logaddexp", "xlogy"):
    cases.bad_node(f"{op}-of-integers", node(op, "x", "x"), {"x": INT}, "dtype_mismatch", "/inputs/0",
                   rule="the float functions refuse integers")
  for op, x, w in [("pow", [1, 2], INT), ("maximum", INT, F32), ("remainder", [1, 2], INT), ("equal", [1, 2], INT), ("less", INT, [1, 2])]:
    cases.bad_node(f"{op}-of-mixed-kinds", node(op, "x", "w"), {"x": x, "w": w}, "dtype_mismatch", "/inputs/1", contains=["cast"],
                   rule='integers or bool with floats are refused ("cast x")')
  for op in ("pow", "maximum", "remainder"):
    cases.bad_node(f"{op}-of-bools", node(op, "x", "x"), {"x": BOOL}, "dtype_mismatch", "/inputs/0", rule="Promotion")
  cases.bad_node("pow-of-an-integer-and-0.5", node("pow", "x", 0.5), {"x": INT}, "dtype_mismatch", "/inputs/1", contains=["int64"],
                 rule="2.5 beside an integer, and any number beside bool, are refused")
  chosen = 'A weak number takes the promoted dtype of the other operands (not `where`\'s condition)'
  for name, condition in {"a-float": [1.0, 0.0], "an-integer": INT}.items():
    cases.bad_node(f"where-condition-is-{name}", node("where", "c", "x", "x"), {"c": condition, "x": [1, 2]}, "dtype_mismatch", "/inputs/0",
                   contains=["bool"], rule=chosen)
  cases.bad_node("where-condition-is-a-number", node("where", 1, "x", "x"), {"x": [1, 2]}, "dtype_mismatch", "/inputs/0", rule=chosen)
  cases.bad_node("where-of-mixed-kinds", node("where", "c", "x", "i"), {"c": BOOL, "x": [1, 2], "i": INT}, "dtype_mismatch", "/inputs/2",
                 contains=["cast"], rule='integers or bool with floats are refused ("cast x")')
  cases.bad_node("where-of-an-integer-and-2.5", node("where", "c", "i", 2.5), {"c": BOOL, "i": INT}, "dtype_mismatch", "/inputs/2",
                 rule=chosen)
  for at, given in [(1, {"c": BOOL, "x": [1, 2, 3], "w": 1}), (2, {"c": BOOL, "x": 1, "w": [1, 2, 3]})]:
    cases.bad_node(f"where-operand-{at}-does-not-broadcast", node("where", "c", "x", "w"), given, "shape_mismatch", f"/inputs/{at}",
                   contains=["[3]", "[2]"], rule=rule)


def add_logic(cases):
  rule = "equal, not_equal, less, less_equal, greater, greater_equal, logical_and/or/xor/not, isnan, isinf, isfinite: bool, no gradient"
  for op in ("logical_and", "logical_or", "logical_xor"):
    cases.bad_node(f"{op}-of-floats", node(op, "x", "x"), {"x": [1, 0]}, "dtype_mismatch", "/inputs/0", contains=["bool"], rule=rule)
  cases.bad_node("logical_not-of-integers", node("logical_not", "x"), {"x": INT}, "dtype_mismatch", "/inputs/0", contains=["bool"],
                 rule=rule)
  cases.bad_node("isnan-of-integers", node("isnan", "x"), {"x": INT}, "dtype_mismatch", "/inputs/0",
                 rule="the float functions refuse integers")
  for op, given in {"all": [1, 0], "any": INT}.items():
    cases.bad_node(f"{op}-of-numbers", node(op, "x"), {"x": given}, "dtype_mismatch", "/inputs/0", contains=["bool"], rule="all, any bool")
  cases.bad_node("logical_and-of-one", node("logical_and", "x"), {"x": BOOL}, "wrong_arity", "/inputs", rule="list of operands")


def add_integers(cases):
  """Only known while running, so the pointer may be any."""
  for dtype in ("int64", "int32"):
    rule = "remainder by 0 and negative integer powers are refused"
    x = tensor([7, 8], dtype)
    for op, number, name in [("remainder", 0, "by-0"), ("pow", -1, "to-minus-1")]:
      cases.bad_node(f"{op}-of-{dtype}-{name}", node(op, "x", number), {"x": x}, "number_out_of_range", None, rule=rule)
      w = {"x": x, "w": tensor([2, number], dtype)}
      cases.bad_node(f"{op}-of-{dtype}-{name}-among-others", node(op, "x", "w"), w, "number_out_of_range", None, rule=rule)
    rule = "A cast from float to integer truncates; NaN and out of range are refused"
    for name, value in {"nan": "NaN", "infinity": "Infinity", "2-to-the-64": 2.0**64}.items():
      cases.bad_node(f"cast-of-{name}-to-{dtype}", node("cast", "x", dtype=dtype), {"x": [0, value]}, "number_out_of_range", None,
                     contains=[dtype], rule=rule)
  for dtype in ("uint8", "complex64", "bfloat16", "FLOAT64"):
    cases.bad_node(f"cast-to-{dtype}", node("cast", "x", dtype=dtype), {"x": X}, "invalid_attribute", "/attributes/dtype",
                   contains=["float32", "bool"], rule="dtypes: `float64`, `float32`, `int64`, `int32`, `bool`")


def add_activations(cases):
  rule = "`min` `max` for clip (at least one)"
  cases.bad_node("clip-without-bounds", node("clip", "x"), {"x": X}, "invalid_attribute", None, contains=["min", "max"], rule=rule)
  for name, value in {"text": "0", "a-list": [0], "true": True, "an-object": {}}.items():
    cases.bad_node(f"clip-min-is-{name}", node("clip", "x", min=value), {"x": X}, "invalid_attribute", "/attributes/min", rule=rule)
  cases.bad_node("clip-with-low", node("clip", "x", low=0, max=1), {"x": X}, "unknown_attribute", "/attributes/low", contains=["min"],
                 rule=rule)
  cases.bad_node("clip-with-operands", node("clip", "x", 0, 1), {"x": X}, "wrong_arity", "/inputs", rule=rule)
  # True is what JAX takes, so the detail must name the texts.
  rule = '`approximate` (`"none"` default, `"tanh"`)'
  for name, value in {"fast": "fast", "true": True, "null": None, "capital": "Tanh", "list": ["tanh"]}.items():
    cases.bad_node(f"gelu-approximate-{name}", node("gelu", "x", approximate=value), {"x": X}, "invalid_attribute",
                   "/attributes/approximate",
                   contains=["tanh" if name in ("fast", "true", "capital") else "approximate"], rule=rule)
  rule = "leaky_relu, elu | alpha 0.01, 1.0"
  for op in ("leaky_relu", "elu"):
    for name, value in {"text": "0.1", "a-list": [0.1], "true": True, "null": None}.items():
      cases.bad_node(f"{op}-alpha-is-{name}", node(op, "x", alpha=value), {"x": X}, "invalid_attribute", "/attributes/alpha", rule=rule)
    cases.bad_node(f"{op}-of-integers", node(op, "x"), {"x": INT}, "dtype_mismatch", "/inputs/0",
                   rule="the float functions refuse integers")
  cases.bad_node("leaky_relu-negative_slope", node("leaky_relu", "x", negative_slope=0.1), {"x": X}, "unknown_attribute",
                 "/attributes/negative_slope", contains=["alpha"], rule=rule)
  rule = "polygamma | attribute `n`"
  cases.bad_node("polygamma-without-n", node("polygamma", "x"), {"x": X}, "invalid_attribute", None, contains=["n"], rule=rule)
  for name, value in {"negative": -1, "fraction": 1.5, "text": "1", "true": True, "huge": 10**6, "list": [1], "null": None}.items():
    cases.bad_node(f"polygamma-n-{name}", node("polygamma", "x", n=value), {"x": X}, "invalid_attribute", "/attributes/n", contains=["n"],
                   rule=rule)
  cases.bad_node("polygamma-n-as-operand", node("polygamma", 1, "x"), {"x": X}, "wrong_arity", "/inputs", rule=rule)


def add_reductions(cases):
  rule = "`axis` (integer, list or null, negative allowed)"
  axes = {"out-of-range": 2, "below-range": -3, "fraction": 0.5, "text": "0", "true": True, "twice": [0, 0], "twice-by-sign": [1, -1],
          "nested": [[0]]}
  for index, (name, axis) in enumerate(axes.items()):
    for op in REDUCTIONS[index % 2::2]:
      cases.bad_node(f"{op}-axis-{name}", node(op, "x", axis=axis), {"x": X}, "invalid_attribute", "/attributes/axis", contains=["axis"],
                     rule=rule)
  for op in REDUCTIONS:
    cases.bad_node(f"{op}-axis-of-a-scalar", node(op, "x", axis=0), {"x": 1}, "invalid_attribute", "/attributes/axis",
                   rule="An axis on a 0-d operand is refused")
  for op in ("mean", "argmax", "any", "norm"):
    given = {"x": [BOOL] if op == "any" else X}
    for name, value in {"text": "true", "number": 1, "null": None}.items():
      cases.bad_node(f"{op}-keepdims-{name}", node(op, "x", keepdims=value), given, "invalid_attribute", "/attributes/keepdims",
                     contains=["keepdims"], rule="keepdims false")
    cases.bad_node(f"{op}-dim", node(op, "x", dim=0), given, "unknown_attribute", "/attributes/dim", contains=["dim", "axis"],
                   rule="unknown attributes are refused with the valid list")
  for op in ("mean", "var", "std", "logsumexp", "norm"):
    cases.bad_node(f"{op}-of-integers", node(op, "x"), {"x": INT}, "dtype_mismatch", "/inputs/0", contains=["int64", "cast"],
                   rule="div, mean and the float functions refuse integers")
  for op in ("mean", "max", "argmin"):
    cases.bad_node(f"{op}-of-bool", node(op, "x"), {"x": BOOL}, "dtype_mismatch", "/inputs/0", contains=["bool"], rule="Promotion")


def add_extremes(cases):
  rule = "Empty: max, min, argmax, argmin refused"
  for op in ("max", "min", "argmax", "argmin"):
    cases.bad_node(f"{op}-of-nothing", node(op, "x"), {"x": []}, "shape_mismatch", None, contains=["empty"], rule=rule)
    cases.bad_node(f"{op}-of-an-empty-axis", node(op, "x", axis=0), {"x": EMPTY}, "shape_mismatch", None, contains=["axis 0", "empty"],
                   rule=rule)
  rule = "argmax takes one axis, null = flat index"
  for op in ("argmax", "argmin"):
    for name, axis in {"a-list": [0, 1], "an-empty-list": [], "out-of-range": 2, "text": "1", "true": True}.items():
      cases.bad_node(f"{op}-axis-is-{name}", node(op, "x", axis=axis), {"x": X}, "invalid_attribute", "/attributes/axis", rule=rule)


def add_statistics(cases):
  rule = "var, std | correction 0"
  for op in ("var", "std"):
    for name, value in {"text": "1", "true": True, "null": None, "a-list": [1]}.items():
      cases.bad_node(f"{op}-correction-is-{name}", node(op, "x", correction=value), {"x": X}, "invalid_attribute", "/attributes/correction",
                     rule=rule)
    cases.bad_node(f"{op}-ddof", node(op, "x", ddof=1), {"x": X}, "unknown_attribute", "/attributes/ddof", contains=["correction"],
                   rule=rule)
  rule = 'ord 2; 1, 2 or "Infinity"'
  for name, value in {"3": 3, "0": 0, "minus-1": -1, "fraction": 1.5, "fro": "fro", "nuc": "nuc", "inf": "inf",
                      "minus-infinity": "-Infinity",
                      "null": None, "true": True, "list": [2]}.items():
    cases.bad_node(f"norm-ord-{name}", node("norm", "x", ord=value), {"x": X}, "invalid_attribute", "/attributes/ord",
                   contains=["ord" if name in ("null", "true", "list") else "infinity"], rule=rule)
  cases.bad_node("norm-p", node("norm", "x", p=2), {"x": X}, "unknown_attribute", "/attributes/p", contains=["ord"], rule=rule)


def add_scans(cases):
  for op in ("cumsum", "cumprod"):
    rule = "cumsum, cumprod, repeat | axis required"
    cases.bad_node(f"{op}-without-axis", node(op, "x"), {"x": X}, "invalid_attribute", None, contains=["axis"], rule=rule)
    cases.bad_node(f"{op}-axis-null", node(op, "x", axis=None), {"x": X}, "invalid_attribute", "/attributes/axis", rule=rule)
  rule = "softmax, log_softmax, sort, argsort | axis -1"
  for op in ("cumsum", "cumprod", "softmax", "log_softmax", "sort", "argsort"):
    for name, axis in {"out-of-range": 2, "below-range": -3, "a-list": [0], "text": "0", "fraction": 0.5, "true": True}.items():
      cases.bad_node(f"{op}-axis-{name}", node(op, "x", axis=axis), {"x": X}, "invalid_attribute", "/attributes/axis", contains=["axis"],
                     rule=rule)
  for op in ("softmax", "log_softmax", "sort", "argsort"):
    cases.bad_node(f"{op}-of-a-scalar", node(op, "x"), {"x": 1}, "invalid_attribute", None, rule="An axis on a 0-d operand is refused")
  for op in ("softmax", "log_softmax"):
    cases.bad_node(f"{op}-of-integers", node(op, "x"), {"x": INT}, "dtype_mismatch", "/inputs/0", contains=["cast"],
                   rule="the float functions refuse integers")
  for op, attribute in {"sort": "descending", "argsort": "kind", "cumsum": "reverse", "softmax": "dim"}.items():
    required = {"axis": 0} if op == "cumsum" else {}
    cases.bad_node(f"{op}-with-{attribute}", node(op, "x", **required, **{attribute: 1}), {"x": X}, "unknown_attribute",
                   f"/attributes/{attribute}", contains=[attribute, "axis"], rule="unknown attributes are refused with the valid list")
  cases.bad_node("sort-of-bool", node("sort", "x"), {"x": BOOL}, "dtype_mismatch", "/inputs/0", rule="sort is stable, ascending, NaN last")

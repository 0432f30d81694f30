"""Rows of kinks.jsonl: functions of one and two operands, `where`, casts, `take`, by families that docs/kinks.md has as headings."""

from kinks import INF, LOG2, MINUS_INF, NAN, along, integers, kink, pair, refused

ROWS = {
  # Half to each, and a NaN wins everywhere.
  "Ties": [
    pair("tie", "maximum", [2, 1, 0], [2, 3, -1], [2, 3, 0], [0.5, 0, 1], [0.5, 1, 0]),
    pair("tie", "minimum", [2, 1, 0], [2, 3, -1], [2, 1, -1], [0.5, 1, 0], [0.5, 0, 1]),
    pair("tie of infinities", "maximum", INF, INF, INF, 0.5, 0.5),
  ],
  "Corners": [
    along("zero", "relu", [0, -0.0], [0, 0], [0, 0]),
    along("zero", "abs", [0, -0.0], [0, 0], [0, 0]),
    along("zero", "sign", [0, -0.0], [0, 0], [0, 0]),
    along("at both bounds", "clip", [-1, 0.5, 2], [-1, 0.5, 2], [0, 1, 0], min=-1, max=2),
    along("at the lower bound", "clip", [0, 1], [0, 1], [0, 1], min=0),
    along("at the upper bound", "clip", [0, 1], [0, 1], [1, 0], max=1),
    along("no room between the bounds", "clip", [2, 1], [1, 1], [0, 0], min=1, max=1),
    along("infinite operands", "clip", [MINUS_INF, INF], [-1, 2], [0, 0], min=-1, max=2),
    along("zero", "leaky_relu", [0, -0.0], [0, 0], [0.2, 0.2], alpha=0.2),
    along("zero, default", "leaky_relu", 0, 0, 0.01),
    along("zero", "elu", [0, 1], [0, 1], [0.5, 1], alpha=0.5),
  ],
  "The origin": [
    pair("origin", "hypot", [0, 3], [0, 4], [0, 5], [0, 0.6], [0, 0.8]),
    pair("origin", "atan2", [0, 0], [0, 2], [0, 0], [0, 0.5], [0, 0]),
    pair("origin", "xlogy", [0, 0], [0, 2], [0, 0], [0, LOG2], [0, 0]),
  ],
  # As IEEE 754 has it: a slope of infinity times a cotangent of zero is NaN.
  "Infinite slopes": [
    along("zero", "sqrt", 0, 0, INF),
    along("zero, no cotangent", "sqrt", 0, 0, NAN, cotangent=0),
    along("zero", "rsqrt", 0, INF, MINUS_INF),
    along("zero", "log", 0, MINUS_INF, INF),
    along("zero, no cotangent", "log", 0, MINUS_INF, NAN, cotangent=0),
    along("zero", "log2", 0, MINUS_INF, INF),
    along("zero", "log10", 0, MINUS_INF, INF),
    along("minus one", "log1p", -1, MINUS_INF, INF),
    along("zero", "reciprocal", 0, INF, MINUS_INF),
    along("zero, no cotangent", "reciprocal", 0, INF, NAN, cotangent=0),
    pair("by zero", "div", [1, -1], [0, 0], [INF, MINUS_INF], [INF, INF], [MINUS_INF, INF]),
    along("edges of the domain", "asin", [-1, 1], [-1.5707963267948966, 1.5707963267948966], [INF, INF]),
    along("edges of the domain", "acos", [-1, 1], [3.141592653589793, 0], [MINUS_INF, MINUS_INF]),
    along("edge of the domain", "acosh", 1, 0, INF),
    along("edges of the domain", "erfinv", [-1, 1], [MINUS_INF, INF], [INF, INF]),
    along("edges of the domain", "atanh", [-1, 1], [MINUS_INF, INF], [INF, INF]),
    along("poles", "lgamma", [0, -1, -2, INF], [INF] * 4, None),
    along("pole", "digamma", 0, MINUS_INF, None),
  ],
  "Powers": [
    pair("0 and 0", "pow", 0, 0, 1, 0, 0),
    pair("0 and -1", "pow", 0, -1, INF, MINUS_INF, MINUS_INF),
    pair("0 and 0.5", "pow", 0, 0.5, 0, INF, 0),
    pair("-2 and 3", "pow", -2, 3, -8, 12, NAN),
    pair("0 and 1", "pow", 0, 1, 0, 1, 0),
    pair("0 and 2", "pow", 0, 2, 0, 0, 0),
    pair("-2 and 0", "pow", -2, 0, 1, 0, NAN),
    pair("-8 and 0.5", "pow", -8, 0.5, NAN, NAN, NAN),
  ],
  # Cotangents are selected, never multiplied; what the branch not taken makes of a zero is its own mathematics.
  "Branches": [
    kink("NaN in the branch not taken", "where", {"c": [True, False], "x": [1, NAN], "y": [NAN, 2]}, [1, 2], {"x": [1, 0], "y": [0, 1]},
         operands=["c", "x", "y"]),
    kink("infinite cotangent", "where", {"c": [True, False], "x": [1, 1], "y": [2, 2]}, [1, 2], {"x": [INF, 0], "y": [0, 3]},
         operands=["c", "x", "y"], cotangent=[INF, 3]),
    kink("sqrt in the branch not taken", "where", {"x": [4, 0, -1]}, [2, 0, 0], {"x": [0.25, NAN, NAN]}, operands=[
      {"op": "greater", "inputs": ["x", 0], "outputs": ["c"]}, {"op": "sqrt", "inputs": ["x"], "outputs": ["s"]},
      {"op": "mul", "inputs": [0, "x"], "outputs": ["z"]}, {"op": "where", "inputs": ["c", "s", "z"], "outputs": ["r"]}]),
    kink("cut inside a product", "stop_gradient", {"x": [2, -3]}, [4, 9], {"x": [2, -3]}, operands=[
      {"op": "stop_gradient", "inputs": ["x"], "outputs": ["s"]}, {"op": "mul", "inputs": ["s", "x"], "outputs": ["r"]}]),
    along("constant to derivatives", "stop_gradient", [2, NAN], [2, NAN], [0, 0]),
  ],
  "Steps": [
    along("whole and half", "floor", [2, -2.5, 0], [2, -3, 0], [0, 0, 0]),
    along("whole and half", "ceil", [2, -2.5, 0], [2, -2, 0], [0, 0, 0]),
    along("whole and half", "trunc", [2, -2.5, 0], [2, -2, 0], [0, 0, 0]),
    along("halves", "round", [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.5], [0, 2, 2, 0, -2, -2, 4], [0] * 7),
    pair("sign of the divisor", "remainder", [7, -7, 7, -7], [3, 3, -3, -3], [1, 2, -2, -1], [1] * 4, [-2, 3, 3, -2]),
    pair("by zero", "remainder", 1, 0, NAN, None, None),
  ],
  "No gradient": [
    *(pair("no gradient", op, [1, 2, NAN], [1, 3, NAN], output, [0] * 3, [0] * 3, dtype="bool") for op, output in [
      ("equal", [True, False, False]), ("not_equal", [False, True, True]), ("less", [False, True, False]),
      ("less_equal", [True, True, False]), ("greater", [False, False, False]), ("greater_equal", [True, False, False])]),
    *(along("no gradient", op, [1, NAN, INF, MINUS_INF], output, [0] * 4, dtype="bool") for op, output in [
      ("isnan", [False, True, False, False]), ("isinf", [False, False, True, True]), ("isfinite", [True, False, False, False])]),
    kink("no gradient", "logical_and", {"x": [2, -3], "y": [True, False]}, [True, False], {"x": [0, 0]}, dtype="bool", operands=[
      {"op": "greater", "inputs": ["x", 0], "outputs": ["c"]}, {"op": "logical_and", "inputs": ["c", "y"], "outputs": ["r"]}]),
    kink("to an integer", "cast", {"x": [2.7, -2.7]}, [2, -2], {"x": [0, 0]}, attributes={"dtype": "int64"}, dtype="int64"),
  ],
  # The server chooses what to differentiate, and leaves out integers and bools.
  "Integers and bools": [
    kink("integers have no entry", "take", {"x": [1, 2, 3], "i": integers(-1, 0, 0)}, [3, 1, 1], {"x": [2, 0, 1]}, default_wrt=True),
    kink("bools have no entry", "where", {"c": [True, False], "x": [1, 2], "y": [3, 4]}, [1, 4], {"x": [1, 0], "y": [0, 1]},
         default_wrt=True),
    kink("no entry", "maximum", {"x": {"dtype": "int32", "data": [2, 5]}, "y": {"dtype": "int64", "data": [2, 4]}}, [2, 5], {},
         dtype="int64", default_wrt=True),
    kink("no entry", "logical_not", {"x": [True, False]}, [False, True], {}, dtype="bool", default_wrt=True),
    kink("smallest", "abs", {"x": {"dtype": "int64", "data": [-2**63, -3]}}, [-2**63, 3], {}, dtype="int64", default_wrt=True),
    kink("wraps", "square", {"x": {"dtype": "int32", "data": [65536, -3]}}, [0, 9], {}, dtype="int32", default_wrt=True),
  ],
  "NaN": [
    pair("NaN", "maximum", [2, NAN, NAN], [NAN, 2, NAN], [NAN] * 3, [NAN] * 3, [NAN] * 3),
    pair("NaN", "minimum", [2, NAN, NAN], [NAN, 2, NAN], [NAN] * 3, [NAN] * 3, [NAN] * 3),
    *(along("NaN", op, NAN, NAN, None, **more) for op, more in [
      ("relu", {}), ("clip", {"min": 0, "max": 1}), ("abs", {}), ("sign", {}), ("leaky_relu", {}), ("elu", {}), ("silu", {}), ("gelu", {}),
      ("gelu", {"approximate": "tanh"}), ("sigmoid", {}), ("softplus", {}), ("log_sigmoid", {}), ("floor", {}), ("round", {}),
      ("lgamma", {}), ("digamma", {}), ("erf", {}), ("erfc", {}), ("erfinv", {}), ("tanh", {}), ("exp", {})]),
    *(pair("NaN", op, [NAN, 1], [1, NAN], [NAN, NAN], None, None) for op in ("hypot", "atan2", "logaddexp", "remainder")),
    pair("NaN", "xlogy", [0, NAN], [NAN, 2], [NAN, NAN], None, None),
  ],
  "Outside the domain": [
    *(along("outside the domain", op, data, NAN, None) for op, data in [
      ("log", -1), ("log1p", -2), ("log2", -1), ("log10", -1), ("digamma", -1)]),
    *(along("outside the domain", op, data, NAN, NAN) for op, data in [("sqrt", -1), ("rsqrt", -1), ("erfinv", 1.5)]),
    # Where there is no value there is no slope, though formulas such as 1 / (1 - x²) go on.
    *(along("outside the domain", op, [-2, 2], [NAN] * 2, [NAN] * 2) for op in ("asin", "acos", "atanh")),
    along("outside the domain", "acosh", [0.5, -2], [NAN] * 2, [NAN] * 2),
    along("far outside the domain", "acosh", -1e200, NAN, NAN, only64=True),
  ],
  "Extremes": [
    along("extremes", "sigmoid", [1000, -1000, INF, MINUS_INF], [1, 0, 1, 0], [0, 0, 0, 0]),
    along("extremes", "softplus", [1000, -1000, MINUS_INF], [1000, 0, 0], [1, 0, 0]),
    along("Infinity", "softplus", INF, INF, 1),
    along("extremes", "log_sigmoid", [1000, -1000, INF], [0, -1000, 0], [0, 1, 0]),
    along("-Infinity", "log_sigmoid", MINUS_INF, MINUS_INF, 1),
    along("extremes", "silu", [1000, -1000], [1000, 0], [1, 0]),
    along("extremes", "gelu", [1000, -1000], [1000, 0], [1, 0]),
    along("extremes, tanh", "gelu", [1000, -1000], [1000, 0], [1, 0], approximate="tanh"),
    # Limits: 0 at one end, as steep as the identity at the other.
    *(along("infinities", op, [MINUS_INF, INF], [0, INF], [0, 1], **more) for op, more in [
      ("silu", {}), ("gelu", {}), ("gelu", {"approximate": "tanh"})]),
    along("extremes", "elu", [1000, -1000, MINUS_INF], [1000, -1, -1], [1, 0, 0]),
    along("Infinity", "elu", INF, INF, 1),
    along("extremes", "tanh", [1000, -1000, INF, MINUS_INF], [1, -1, 1, -1], [0] * 4),
    along("infinities", "erf", [MINUS_INF, INF], [-1, 1], [0, 0]),
    along("infinities", "exp", [MINUS_INF, INF], [0, INF], [0, INF]),
    pair("extremes", "logaddexp", [1000, -1000, MINUS_INF], [1000, 1000, 2], [1000 + LOG2, 1000, 2], [0.5, 0, 0], [0.5, 1, 1]),
    pair("both -Infinity", "logaddexp", MINUS_INF, MINUS_INF, MINUS_INF, 0, 0),
    pair("no overflow", "hypot", 3e200, 4e200, 5e200, 0.6, 0.8, only64=True),
  ],
  "Refusals": [
    refused("beyond the end", "take", {"x": [1, 2, 3], "i": integers(0, 3)}, 422, "index_out_of_range"),
    refused("before the start", "take", {"x": [1, 2, 3], "i": integers(-4)}, 422, "index_out_of_range"),
    refused("beyond the end", "take_along_axis", {"x": [1, 2, 3], "i": integers(0, 3)}, 422, "index_out_of_range", axis=0),
    refused("NaN to an integer", "cast", {"x": [1, NAN]}, 400, "number_out_of_range", dtype="int64"),
    refused("too large for an integer", "cast", {"x": 1e30}, 400, "number_out_of_range", dtype="int64"),
    refused("integer by zero", "remainder", {"x": integers(1), "y": integers(0)}, 400, "number_out_of_range"),
    refused("integer to a negative power", "pow", {"x": integers(2), "y": integers(-1)}, 400, "number_out_of_range"),
    refused("bounds the wrong way round", "clip", {"x": [0, 1]}, 422, "invalid_attribute", min=2, max=1),
  ],
}

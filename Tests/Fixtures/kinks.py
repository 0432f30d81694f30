"""Kinks and edges: where derivatives are a matter of convention. What is expected is written by hand, from the table in the contract; what
JAX gives is computed beside it, and noted in a line where it differs."""

import json
import warnings

import numpy as np

from forms import FLOATS, line
from oracle import Compiled, Program, decode

NAN, INF = "NaN", "Infinity"
LOG2 = 0.6931471805599453


def kink(name, op, inputs, output, gradients, *, operands=None, attributes=None, cotangent=None, results=("r",), dtype=None, tolerance=None,
         only64=False):
  """One row. `output` and `gradients` are nested numbers as in JSON; a missing gradient is not stated, and not asked for. `dtype` fixes
  that of the results, if they are no float; a row of values that float32 cannot tell apart is `only64`."""
  return dict(name=name, op=op, inputs=inputs, output=output, gradients=gradients, operands=operands, attributes=attributes or {},
              cotangent=cotangent, results=list(results), dtype=dtype, tolerance=tolerance, only64=only64)


def along(name, op, data, output, gradient, **more):
  """A row for an operation of one operand x; `attributes` are what is left."""
  given = {k: more.pop(k) for k in ("cotangent", "dtype", "only64", "tolerance") if k in more}
  gradients = {} if gradient is None else {"x": gradient}
  return kink(name, op, {"x": data}, output, gradients, attributes=more, **given)


def pair(name, op, x, y, output, gradient_x, gradient_y, **more):
  gradients = {n: g for n, g in (("x", gradient_x), ("y", gradient_y)) if g is not None}
  return kink(name, op, {"x": x, "y": y}, output, gradients, **more)


def empty(*shape):
  return {"shape": list(shape), "data": []}


POINTWISE = [
  # Ties are shared evenly; a NaN wins everywhere.
  pair("tie", "maximum", [2, 1, 0], [2, 3, -1], [2, 3, 0], [0.5, 0, 1], [0.5, 1, 0]),
  pair("tie", "minimum", [2, 1, 0], [2, 3, -1], [2, 1, -1], [0.5, 1, 0], [0.5, 0, 1]),
  pair("tie of infinities", "maximum", INF, INF, INF, 0.5, 0.5),
  pair("NaN", "maximum", [2, NAN, NAN], [NAN, 2, NAN], [NAN] * 3, [NAN] * 3, [NAN] * 3),
  pair("NaN", "minimum", [2, NAN, NAN], [NAN, 2, NAN], [NAN] * 3, [NAN] * 3, [NAN] * 3),
  # Zero at the kink.
  along("zero", "relu", [0, -0.0], [0, 0], [0, 0]),
  along("zero", "abs", [0, -0.0], [0, 0], [0, 0]),
  along("zero", "sign", [0, -0.0], [0, 0], [0, 0]),
  along("at both bounds", "clip", [-1, 0.5, 2], [-1, 0.5, 2], [0, 1, 0], min=-1, max=2),
  along("at the lower bound", "clip", [0, 1], [0, 1], [0, 1], min=0),
  along("at the upper bound", "clip", [0, 1], [0, 1], [1, 0], max=1),
  along("infinite operands", "clip", ["-Infinity", INF], [-1, 2], [0, 0], min=-1, max=2),
  pair("origin", "hypot", [0, 3], [0, 4], [0, 5], [0, 0.6], [0, 0.8]),
  pair("origin", "atan2", [0, 0], [0, 2], [0, 0], [0, 0.5], [0, 0]),
  pair("origin", "xlogy", [0, 0], [0, 2], [0, 0], [0, LOG2], [0, 0]),
  along("zero", "leaky_relu", [0, -0.0], [0, 0], [0.2, 0.2], alpha=0.2),
  along("zero, default", "leaky_relu", 0, 0, 0.01),
  along("zero", "elu", [0, 1], [0, 1], [0.5, 1], alpha=0.5),
  # Infinite slopes, as IEEE 754 has it.
  along("zero", "sqrt", 0, 0, INF),
  along("zero, no cotangent", "sqrt", 0, 0, NAN, cotangent=0),
  along("zero", "log", 0, "-Infinity", INF),
  along("zero, no cotangent", "log", 0, "-Infinity", NAN, cotangent=0),
  along("zero", "reciprocal", 0, INF, "-Infinity"),
  along("zero, no cotangent", "reciprocal", 0, INF, NAN, cotangent=0),
  pair("0 and 0", "pow", 0, 0, 1, 0, 0),
  pair("0 and -1", "pow", 0, -1, INF, "-Infinity", "-Infinity"),
  pair("0 and 0.5", "pow", 0, 0.5, 0, INF, 0),
  pair("-2 and 3", "pow", -2, 3, -8, 12, NAN),
  pair("0 and 1", "pow", 0, 1, 0, 1, 0),
  pair("0 and 2", "pow", 0, 2, 0, 0, 0),
  pair("-2 and 0", "pow", -2, 0, 1, 0, NAN),
  # Cotangents are selected, never multiplied; what the branch not taken makes of a zero is its own mathematics.
  kink("NaN in the branch not taken", "where", {"c": [True, False], "x": [1, NAN], "y": [NAN, 2]}, [1, 2], {"x": [1, 0], "y": [0, 1]},
       operands=["c", "x", "y"]),
  kink("infinite cotangent", "where", {"c": [True, False], "x": [1, 1], "y": [2, 2]}, [1, 2], {"x": [INF, 0], "y": [0, 3]},
       operands=["c", "x", "y"], cotangent=[INF, 3]),
  kink("sqrt in the branch not taken", "where", {"x": [4, 0, -1]}, [2, 0, 0], {"x": [0.25, NAN, NAN]}, operands=[
    {"op": "greater", "inputs": ["x", 0], "outputs": ["c"]}, {"op": "sqrt", "inputs": ["x"], "outputs": ["s"]},
    {"op": "mul", "inputs": [0, "x"], "outputs": ["z"]}, {"op": "where", "inputs": ["c", "s", "z"], "outputs": ["r"]}]),
  # Steps.
  along("whole and half", "floor", [2, -2.5, 0], [2, -3, 0], [0, 0, 0]),
  along("whole and half", "ceil", [2, -2.5, 0], [2, -2, 0], [0, 0, 0]),
  along("whole and half", "trunc", [2, -2.5, 0], [2, -2, 0], [0, 0, 0]),
  along("halves", "round", [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.5], [0, 2, 2, 0, -2, -2, 4], [0] * 7),
  *(pair("no gradient", op, [1, 2, NAN], [1, 3, NAN], output, [0] * 3, [0] * 3, dtype="bool") for op, output in [
    ("equal", [True, False, False]), ("not_equal", [False, True, True]), ("less", [False, True, False]),
    ("less_equal", [True, True, False]), ("greater", [False, False, False]), ("greater_equal", [True, False, False])]),
  *(along("no gradient", op, [1, NAN, INF, "-Infinity"], output, [0] * 4, dtype="bool") for op, output in [
    ("isnan", [False, True, False, False]), ("isinf", [False, False, True, True]), ("isfinite", [True, False, False, False])]),
  kink("to an integer", "cast", {"x": [2.7, -2.7]}, [2, -2], {"x": [0, 0]}, attributes={"dtype": "int64"}, dtype="int64"),
  kink("cut inside a product", "stop_gradient", {"x": [2, -3]}, [4, 9], {"x": [2, -3]}, operands=[
    {"op": "stop_gradient", "inputs": ["x"], "outputs": ["s"]}, {"op": "mul", "inputs": ["s", "x"], "outputs": ["r"]}]),
  along("constant to derivatives", "stop_gradient", [2, NAN], [2, NAN], [0, 0]),
  # NaN in, NaN out.
  *(along("NaN", op, NAN, NAN, None, **more) for op, more in [
    ("relu", {}), ("clip", {"min": 0, "max": 1}), ("abs", {}), ("sign", {}), ("leaky_relu", {}), ("elu", {}), ("silu", {}), ("gelu", {}),
    ("gelu", {"approximate": "tanh"}), ("sigmoid", {}), ("softplus", {}), ("log_sigmoid", {}), ("floor", {}), ("round", {}), ("lgamma", {}),
    ("digamma", {}), ("erf", {}), ("erfc", {}), ("erfinv", {}), ("tanh", {}), ("exp", {})]),
  *(pair("NaN", op, [NAN, 1], [1, NAN], [NAN, NAN], None, None) for op in ("hypot", "atan2", "logaddexp", "remainder")),
  # Outside the domain.
  *(along("outside the domain", op, data, NAN, None) for op, data in [
    ("sqrt", -1), ("rsqrt", -1), ("log", -1), ("log1p", -2), ("log2", -1), ("log10", -1), ("asin", 2), ("acos", -2), ("acosh", 0.5),
    ("atanh", 2), ("erfinv", 1.5), ("digamma", -1)]),
  along("edges of the domain", "erfinv", [-1, 1], ["-Infinity", INF], None),
  along("edges of the domain", "atanh", [-1, 1], ["-Infinity", INF], None),
  along("poles", "lgamma", [0, -1, -2, INF], [INF] * 4, None),
  along("pole", "digamma", 0, "-Infinity", None),
  # Stable at the extremes.
  along("extremes", "sigmoid", [1000, -1000, INF, "-Infinity"], [1, 0, 1, 0], [0, 0, 0, 0]),
  along("extremes", "softplus", [1000, -1000, "-Infinity"], [1000, 0, 0], [1, 0, 0]),
  along("extremes", "log_sigmoid", [1000, -1000, INF], [0, -1000, 0], [0, 1, 0]),
  along("extremes", "silu", [1000, -1000], [1000, 0], [1, 0]),
  along("extremes", "gelu", [1000, -1000], [1000, 0], [1, 0]),
  along("extremes, tanh", "gelu", [1000, -1000], [1000, 0], [1, 0], approximate="tanh"),
  along("extremes", "elu", [1000, -1000, "-Infinity"], [1000, -1, -1], [1, 0, 0]),
  along("extremes", "tanh", [1000, -1000, INF, "-Infinity"], [1, -1, 1, -1], [0] * 4),
  pair("extremes", "logaddexp", [1000, -1000, "-Infinity"], [1000, 1000, 2], [1000 + LOG2, 1000, 2], [0.5, 0, 0], [0.5, 1, 1]),
  pair("both -Infinity", "logaddexp", "-Infinity", "-Infinity", "-Infinity", 0, 0),
  pair("no overflow", "hypot", 3e200, 4e200, 5e200, 0.6, 0.8, only64=True),
  # Integers: no entry among gradients, and they wrap.
  pair("sign of the divisor", "remainder", [7, -7, 7, -7], [3, 3, -3, -3], [1, 2, -2, -1], [1] * 4, [-2, 3, 3, -2]),
  pair("by zero", "remainder", 1, 0, NAN, None, None),
  kink("smallest", "abs", {"x": {"dtype": "int64", "data": [-2**63, -3]}}, [-2**63, 3], {}, dtype="int64"),
  kink("wraps", "square", {"x": {"dtype": "int32", "data": [65536, -3]}}, [0, 9], {}, dtype="int32"),
  kink("no entry", "maximum", {"x": {"dtype": "int32", "data": [2, 5]}, "y": {"dtype": "int64", "data": [2, 4]}}, [2, 5], {},
       dtype="int64"),
  kink("no entry", "logical_not", {"x": [True, False]}, [False, True], {}, dtype="bool"),
]

REDUCTIONS = [
  along("ties", "max", [3, 1, 3], 3, [0.5, 0, 0.5]),
  along("ties", "max", [[2, 2, 2, 2], [0, 1, 0, 1]], [2, 1], [[0.25] * 4, [0, 0.5, 0, 0.5]], axis=1),
  along("ties", "min", [3, 1, 1], 1, [0, 0.5, 0.5]),
  along("NaN in one slice", "max", [[1, NAN, 3], [1, 2, 3]], [NAN, 3], [[NAN] * 3, [0, 0, 1]], axis=1),
  along("NaN in one slice", "min", [[1, NAN, 3], [1, 2, 3]], [NAN, 1], [[NAN] * 3, [1, 0, 0]], axis=1),
  along("origin", "norm", [0, 0], 0, [0, 0]),
  along("origin", "norm", [0, 0], 0, [0, 0], ord=1),
  along("origin", "norm", [0, 0], 0, [0, 0], ord=INF),
  along("one zero", "norm", [0, -2], 2, [0, -1], ord=1),
  along("constant", "std", [2, 2, 2], 0, [0, 0, 0]),
  along("one element", "std", 5, 0, 0),
  along("constant", "var", [2, 2, 2], 0, [0, 0, 0]),
  along("no cancellation", "var", [100000000, 100000001, 100000002], 2 / 3, [-2 / 3, 0, 2 / 3], only64=True),
  along("one zero", "prod", [0, 2, 3], 0, [6, 0, 0]),
  along("two zeros", "prod", [0, 2, 0], 0, [0, 0, 0]),
  along("zero in one row", "prod", [[0, 2], [3, 4]], [0, 12], [[2, 0], [4, 3]], axis=1),
  along("zero first", "cumprod", [0, 2, 3], [0, 0, 0], [9, 0, 0], axis=0),
  along("zero inside", "cumprod", [2, 0, 3], [2, 0, 0], [1, 8, 0], axis=0),
  along("all -Infinity", "logsumexp", ["-Infinity", "-Infinity"], "-Infinity", [0, 0]),
  along("one -Infinity", "logsumexp", ["-Infinity", 0], 0, [0, 1]),
  along("extremes", "logsumexp", [1000, 1000], 1000 + LOG2, [0.5, 0.5]),
  along("negative extremes", "logsumexp", [-1000, -1000], -1000 + LOG2, [0.5, 0.5]),
  along("extremes", "softmax", [1000, 0, -1000], [1, 0, 0], [0, 0, 0], cotangent=[1, 2, 3]),
  along("one -Infinity", "softmax", ["-Infinity", 0, 0], [0, 0.5, 0.5], [0, -0.25, 0.25], cotangent=[1, 2, 3]),
  along("extremes", "log_softmax", [1000, 0, -1000], [0, -1000, -2000], [-5, 2, 3], cotangent=[1, 2, 3]),
  along("first of ties", "argmax", [1, 3, 3], 1, [0, 0, 0], dtype="int64"),
  along("first of ties", "argmin", [1, 3, 1], 0, [0, 0, 0], dtype="int64"),
  along("flat index", "argmax", [[1, 2], [5, 4]], 2, [[0, 0], [0, 0]], dtype="int64"),
  along("NaN last", "sort", [NAN, 1, "-Infinity", INF], ["-Infinity", 1, INF, NAN], [40, 20, 10, 30], cotangent=[10, 20, 30, 40]),
  along("ties are stable", "argsort", [2, 1, 2, 1], [1, 3, 0, 2], [0] * 4, dtype="int64"),
  along("ties are stable", "sort", [2, 1, 2, 1], [1, 1, 2, 2], [30, 10, 40, 20], cotangent=[10, 20, 30, 40]),
  along("NaN last", "argsort", [NAN, 1, 0], [2, 1, 0], [0] * 3, dtype="int64"),
  # Nothing to reduce.
  *(along("zero-size", op, empty(2, 0), value, empty(2, 0), axis=1) for op, value in [
    ("sum", [0, 0]), ("prod", [1, 1]), ("mean", [NAN, NAN]), ("var", [NAN, NAN]), ("std", [NAN, NAN]),
    ("logsumexp", ["-Infinity", "-Infinity"]), ("norm", [0, 0])]),
  along("all of nothing", "all", {"dtype": "bool"} | empty(0), True, None, dtype="bool"),
  along("any of nothing", "any", {"dtype": "bool"} | empty(0), False, None, dtype="bool"),
  along("of bool", "prod", [True, True, False], 0, None, dtype="int64"),
]


# Lines ------------------------------------------------------------------------------------------------------------------------------


def lines(row):
  """The row in float64 and, where that says the same, in float32."""
  for main in FLOATS[::-1] if not row["only64"] else ("float64",):
    yield entry(row, main)


def entry(row, main):
  nodes = row["operands"]
  if not nodes or not isinstance(nodes[0], dict):
    node = {"op": row["op"], "inputs": nodes or list(row["inputs"]), "outputs": row["results"]}
    nodes = [node | ({"attributes": row["attributes"]} if row["attributes"] else {})]
  request = {"graph": {"nodes": nodes, "outputs": row["results"]}, "inputs": row["inputs"], "dtype": main, "encoding": "flat",
             "wrt": list(row["gradients"])}
  if row["cotangent"] is not None:
    request["cotangents"] = {row["results"][0]: row["cotangent"]}
  answer = {"outputs": {row["results"][0]: stated(row["output"], row["dtype"] or main)},
            "gradients": {name: stated(gradient, main) for name, gradient in row["gradients"].items()}}
  name = f"{row['op']}: {row['name']}" + "".join(f", {k} {v}" for k, v in row["attributes"].items())
  head = {"name": f"{name}/{main}", "operation": row["op"], "tolerance": 1e-12 if main == "float64" else 1e-5}
  differing = difference_of_jax(json.loads(json.dumps(request)), answer, head["tolerance"])
  return line(head | ({"jax": differing} if differing else {}), request, answer)


def stated(form, dtype):
  """A tensor of the answer: flat data, numbers as they are written by hand."""
  shape = form["shape"] if isinstance(form, dict) else list(np.array(form, object).shape)
  data = form["data"] if isinstance(form, dict) else np.array(form, object).ravel().tolist()
  whole = dtype in FLOATS
  return {"dtype": dtype, "shape": shape, "data": [float(v) if whole and not isinstance(v, str) else v for v in data]}


def difference_of_jax(request, answer, tolerance):
  """What JAX gives in place of the tensors it disagrees on, in the dtypes of the request; a text if it refuses."""
  # NumPy warns of the edges that this is about.
  with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
    try:
      program = Program(request)
      found = dict(zip(("outputs", "gradients"), Compiled(program, exact=False)(program)))
    except (TypeError, ValueError) as refusal:
      return f"refuses: {str(refusal).splitlines()[0]}"
  differing = {}
  for part, tensors in answer.items():
    for name, form in tensors.items():
      a, b = found[part][name], decode(form, form["dtype"])
      assert a.shape == b.shape, (request, part, name, a.shape, b.shape)
      if not close(a, b, tolerance):
        differing.setdefault(part, {})[name] = [written(v) for v in a.ravel().tolist()]
  return differing


def close(a, b, tolerance):
  """Equal in place where not finite, elsewhere within tolerance · max(1, max |b|)."""
  if b.dtype.kind != "f":
    return np.array_equal(a, b)
  a, b, finite = a.astype("float64"), b.astype("float64"), np.isfinite(b)
  bound = tolerance * max(1, np.max(np.abs(b[finite]), initial=0))
  return np.array_equal(a[~finite], b[~finite], equal_nan=True) and bool(np.all(np.abs(a[finite] - b[finite]) <= bound))


def written(value):
  if isinstance(value, float) and not np.isfinite(value):
    return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
  return value

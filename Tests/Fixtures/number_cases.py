"""Writes number_cases.jsonl: requests in which other servers and earlier versions of this one were wrong, several of each kind.

    python number_cases.py

Lines have the form of reports.jsonl, which are the cases that people reported, kept as they came: id, kind, path, request, expect,
tolerance (relative; zeros within 1e-300), right_value_from. `expect` holds a part of the answer; "unbounded" there is an infinity or NaN.
Right values are those of mpmath at 60 digits or exact by hand, never the server's.
"""

import itertools
import json
import math
import struct
from pathlib import Path

from mpmath import mp, mpf

import mp_functions
from range_cases import Jet, total

mp.dps = 60
FILE = Path(__file__).parent / "number_cases.jsonl"
LINES = []


def node(op, inputs, output, **attributes):
  return {"op": op, "inputs": inputs, "outputs": [output]} | ({"attributes": attributes} if attributes else {})


def single(values):
  return {"dtype": "float32", "shape": [len(values)], "data": values}


def case(kind, path, nodes, inputs, expect, tolerance=1e-9, source="mpmath at 60 digits", outputs=None, **members):
  graph = {"nodes": nodes} | ({"outputs": outputs} if outputs else {})
  request = {"graph": graph, "inputs": inputs} | members
  if path != "/v1/check":
    request["encoding"] = "values"
  number = sum(line["kind"] == kind for line in LINES) + 1
  identifier = kind.replace(":", "").replace(",", "").replace(" ", "-") + f"-{number}"
  LINES.append({"id": identifier, "kind": kind, "path": path, "request": request, "expect": plain(expect), "tolerance": tolerance,
                "right_value_from": source})


def plain(value):
  if isinstance(value, (mpf, float)):
    value = float(value)
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
  if isinstance(value, dict):
    return {key: plain(inner) for key, inner in value.items()}
  return [plain(inner) for inner in value] if isinstance(value, list) else value


def f32(x):
  x = float(x)
  return math.copysign(math.inf, x) if abs(x) >= 2.0**128 - 2.0**103 else struct.unpack("f", struct.pack("f", x))[0]


def derivatives(name, x, order):
  series = mp_functions.UNARY[name](x, order)
  return [series.derivative((k,)) for k in range(order + 1)]


def tower(kind, nodes, last, x, values, tolerance=1e-9, source="mpmath at 60 digits", **inputs):
  """Nested grad nodes: each differentiates the one before."""
  grads, names = [], []
  for order in range(1, len(values) + 1):
    grads.append(node("grad", [names[-1] if names else last, "x"], f"d{order}"))
    names.append(f"d{order}")
  case(kind, "/v1/evaluate", nodes + grads, {"x": x} | inputs, {"outputs": dict(zip(names, values))}, tolerance, source,
       outputs=names, gradients=False)


# Mixed derivatives, at ordinary points and at zeros of an operand.
POW = [node("pow", ["x", "y"], "z")]
for x, y in [(2.0, 0.0), (0.5, 0.0), (7.0, 1.0), (23.0, 2.0), (3.0, -1.0), (1.0, 0.0)]:
  s = mp_functions.BINARY["pow"](x, y, 2)
  xx, xy, yy = (s.derivative(i) if abs(s.derivative(i)) > 1e-50 else 0 for i in [(2, 0), (1, 1), (0, 2)])
  case("mixed derivative", "/v1/hessian", POW, {"x": x, "y": y},
       {"hessians": {"x": {"x": xx, "y": xy}, "y": {"x": xy, "y": yy}}})
for first, second in [("x", "y"), ("y", "x")]:
  mixed = mp_functions.BINARY["pow"](23.0, 0.0, 2).derivative((1, 1))
  chain = POW + [node("grad", ["z", first], "d"), node("grad", ["d", second], "m")]
  case("mixed derivative", "/v1/evaluate", chain, {"x": 23.0, "y": 0.0}, {"outputs": {"m": mixed}}, outputs=["m"], gradients=False)
  case("mixed derivative", "/v1/jvp", chain[:2], {"x": 23.0, "y": 0.0}, {"tangents": {"d": mixed}}, outputs=["d"],
       tangents={"x": float(second == "x"), "y": float(second == "y")})
  case("mixed derivative", "/v1/jacobian", chain[:2], {"x": 23.0, "y": 0.0}, {"jacobians": {"d": {second: mixed}}}, outputs=["d"])
s = mp_functions.BINARY["pow"](23.0, 0.0, 2)
case("mixed derivative", "/v1/hvp", POW, {"x": 23.0, "y": 0.0},
     {"products": {"x": 2 * s.derivative((2, 0)) + 3 * s.derivative((1, 1)), "y": 2 * s.derivative((1, 1)) + 3 * s.derivative((0, 2))}},
     vectors={"x": 2.0, "y": 3.0})

# Nested reverse mode, to order 6.
tower("higher order: tanh", [node("tanh", ["x"], "y")], "y", 0.0, [1, 0, -2, 0, 16, 0], source="series of tanh")
tower("higher order: tanh at 19", [node("tanh", ["x"], "y")], "y", 19.0, derivatives("tanh", 19.0, 6)[1:])
tower("higher order: pow 3 at 0", [node("pow", ["x", 3], "y")], "y", 0.0, [0, 0, 6, 0, 0, 0], source="by hand")
tower("higher order: pow 4 at 0", [node("pow", ["x", 4], "y")], "y", 0.0, [0, 0, 0, 24, 0, 0], source="by hand")
tower("higher order: pow 2 at -2", [node("pow", ["x", 2], "y")], "y", -2.0, [-4, 2, 0, 0, 0, 0], source="by hand")
tower("higher order: pow 1 at 0", [node("pow", ["x", 1], "y")], "y", 0.0, [1, 0, 0, 0, 0, 0], source="by hand")
tower("higher order: pow 0.5", [node("pow", ["x", 0.5], "y")], "y", 2.0, derivatives("sqrt", 2.0, 6)[1:])
tower("higher order: hypot beside an axis", [node("hypot", ["x", 3], "y")], "y", 0.0,
      [mp_functions.BINARY["hypot"](0.0, 3.0, 4).derivative((k, 0)) for k in range(1, 5)])
tower("higher order: atan2 on an axis", [node("atan2", ["x", 2], "y")], "y", 0.0,
      [mp_functions.BINARY["atan2"](0.0, 2.0, 4).derivative((k, 0)) for k in range(1, 5)])
tower("higher order: xlogy with 0", [node("xlogy", ["x", 2], "y")], "y", 0.0, [mp.log(2), 0, 0, 0])
tower("higher order: xlogy with 0, by y", [node("xlogy", [0, "x"], "y")], "y", 2.0, [0, 0, 0, 0], source="by hand")
tower("higher order: asin at 0", [node("asin", ["x"], "y")], "y", 0.0, [1, 0, 1, 0, 9, 0], source="series of asin")
tower("higher order: asin", [node("asin", ["x"], "y")], "y", 0.9, derivatives("asin", 0.9, 6)[1:])
for x in (1.0, -1.0):
  tower("higher order: asin at a bound", [node("asin", ["x"], "y")], "y", x, ["Infinity", "unbounded", "unbounded"], source="by hand")
tower("higher order: erf", [node("erf", ["x"], "y")], "y", 0.0, derivatives("erf", 0.0, 6)[1:])
tower("higher order: sigmoid", [node("sigmoid", ["x"], "y")], "y", 30.0, derivatives("sigmoid", 30.0, 6)[1:])
tower("higher order: gelu", [node("gelu", ["x"], "y")], "y", -2.7, derivatives("gelu", -2.7, 6)[1:])
tower("higher order: silu", [node("silu", ["x"], "y")], "y", 1.5, derivatives("silu", 1.5, 6)[1:])
tower("higher order: lgamma", [node("lgamma", ["x"], "y")], "y", 0.5, derivatives("lgamma", 0.5, 6)[1:])
tower("higher order: sqrt of tiny", [node("sqrt", ["x"], "y")], "y", 1e-40, derivatives("sqrt", 1e-40, 4)[1:])

# Corners: what is smooth once squared.
DIFFERENCE = [node("sub", ["a", "b"], "d"), node("norm", ["d"], "r")]
POINTS = {"a": [0.3, -0.2], "b": [0.3, -0.2]}


def blocks(s):
  same, other = [[s, 0], [0, s]], [[-s, 0], [0, -s]]
  return {"hessians": {"a": {"a": same, "b": other}, "b": {"a": other, "b": same}}}


for squared in [node("square", ["r"], "q"), node("pow", ["r", 2], "q"), node("mul", ["r", "r"], "q")]:
  case("corner", "/v1/hessian", DIFFERENCE + [squared], POINTS, blocks(2), source="by hand", outputs=["q"])
case("corner", "/v1/hessian", [node("hypot", ["x", "y"], "r"), node("square", ["r"], "q")], {"x": 0.0, "y": 0.0},
     {"hessians": {"x": {"x": 2, "y": 0}, "y": {"x": 0, "y": 2}}}, source="by hand", outputs=["q"])
case("corner", "/v1/hessian", [node("std", ["x"], "s"), node("square", ["s"], "v")], {"x": [2.0, 2.0]},
     {"hessians": {"x": {"x": [[0.5, -0.5], [-0.5, 0.5]]}}}, source="by hand", outputs=["v"])
case("corner", "/v1/hessian", [node("abs", ["x"], "r"), node("square", ["r"], "q")], {"x": 0.0}, {"hessians": {"x": {"x": 2}}},
     source="by hand", outputs=["q"])
case("corner", "/v1/hessian", [node("hypot", ["x", "y"], "r")], {"x": 0.0, "y": 0.0},
     {"gradients": {"x": 0, "y": 0}, "hessians": {"x": {"x": "unbounded"}, "y": {"y": "unbounded"}}}, source="no bound beside 0")
case("corner", "/v1/hessian", [node("norm", ["x"], "r")], {"x": [0.0, 0.0]},
     {"gradients": {"x": [0, 0]}, "hessians": {"x": {"x": [["unbounded", "unbounded"], ["unbounded", "unbounded"]]}}},
     source="no bound beside 0")

# The same spelled otherwise: the Hessian at 0 by the one who squares.
def at_zero(nodes, diagonal, length=[node("norm", ["x"], "r")]):
  entries = [[diagonal, 0 if diagonal != "unbounded" else "unbounded"], [0 if diagonal != "unbounded" else "unbounded", diagonal]]
  case("corner", "/v1/hessian", length + nodes, {"x": [0.0, 0.0]}, {"gradients": {"x": [0, 0]}, "hessians": {"x": {"x": entries}}},
       source="by hand", outputs=["q"])


KEPT = [node("norm", ["x"], "r", keepdims=True)]
FIRST = {"dtype": "int64", "shape": [], "data": [0]}
at_zero([node("mul", ["r", 3.0], "s"), node("mul", ["r", "s"], "q")], 6)
at_zero([node("neg", ["r"], "s"), node("mul", ["s", "r"], "q")], -2)
at_zero([node("mul", ["r", 3.0], "s"), node("div", ["r", 2.0], "t"), node("mul", ["t", "s"], "q")], 3)
at_zero([node("abs", ["r"], "s"), node("square", ["s"], "q")], 2)
at_zero([node("relu", ["r"], "s"), node("square", ["s"], "q")], 2)
at_zero([node("sum", ["r"], "s"), node("square", ["s"], "q")], 2, KEPT)
at_zero([node("take", ["r", FIRST], "s", axis=0), node("square", ["s"], "q")], 2, KEPT)
at_zero([node("stack", ["r", "r"], "s", axis=0), node("square", ["s"], "t"), node("sum", ["t"], "q")], 4)
at_zero([node("concat", ["r", "r"], "s", axis=0), node("mul", ["s", "s"], "t"), node("sum", ["t"], "q")], 4, KEPT)
at_zero([node("matmul", ["r", "r"], "q")], 2, KEPT)
at_zero([node("einsum", ["r", "r"], "q", equation="i,i->")], 2, KEPT)
at_zero([node("norm", ["r"], "s"), node("square", ["s"], "q")], 2, KEPT)
at_zero([node("hypot", ["r", "r"], "s"), node("square", ["s"], "q")], 4)
at_zero([node("broadcast_to", ["r"], "b", shape=[3]), node("pow", ["b", [2.0, 2.0, 2.0]], "p"), node("sum", ["p"], "q")], 6)
at_zero([node("broadcast_to", ["r"], "b", shape=[3]), node("pow", ["b", [2.0, 4.0, 3.0]], "p"), node("sum", ["p"], "q")], 2)
at_zero([node("pow", ["r", [2.0]], "p"), node("sum", ["p"], "q")], 2, KEPT)
for power in (2.5, 3.0, 4.0, 5.0, 6.0):
  at_zero([node("pow", ["r", power], "q")], 0)
at_zero([node("pow", ["r", 1.5], "q")], "unbounded")
at_zero([node("mul", ["r", "r"], "s"), node("mul", ["s", "r"], "q")], 0)
at_zero([node("mul", ["r", "r"], "s"), node("mul", ["s", "r"], "t"), node("mul", ["t", "r"], "q")], 0)
# No number where it is not the right one.
at_zero([node("sin", ["r"], "q")], "unbounded")
for op, second in (("cos", -1), ("cosh", 1)):
  case("corner", "/v1/hessian", [node("abs", ["x"], "r"), node(op, ["r"], "q")], {"x": 0.0}, {"hessians": {"x": {"x": second}}},
       source="by hand", outputs=["q"])
case("corner", "/v1/hessian", [node("abs", ["x"], "r"), node("mul", ["r", 3.0], "s"), node("mul", ["r", "s"], "q")], {"x": 0.0},
     {"hessians": {"x": {"x": 6}}}, source="by hand", outputs=["q"])

# Lengths in the subnormal range, and second derivatives that are symmetric there.
case("subnormal: hypot", "/v1/hessian", [node("hypot", ["x", "y"], "z")], {"x": 0.0, "y": 1e-310},
     {"hessians": {"x": {"x": "Infinity", "y": 0}, "y": {"x": 0, "y": 0}}}, source="by hand")
case("subnormal: atan2", "/v1/hessian", [node("atan2", ["x", "y"], "z")], {"x": 0.0, "y": 1e-310},
     {"hessians": {"x": {"x": 0, "y": "-Infinity"}, "y": {"x": "-Infinity", "y": 0}}}, source="by hand")
for x, y in [(1e-313, 1e-310), (1e-200, 1e-160), (3e-280, 4e-290)]:
  (a, b), r = (mpf(x), mpf(y)), mp.sqrt(mpf(x)**2 + mpf(y)**2)
  xx, xy, yy = b * b / r**3, -a * b / r**3, a * a / r**3
  case("subnormal: hypot", "/v1/hessian", [node("hypot", ["x", "y"], "z")], {"x": x, "y": y},
       {"hessians": {"x": {"x": xx, "y": xy}, "y": {"x": xy, "y": yy}}}, 1e-9)
for values in ([1e-320, 1e-320], [5e-324, 5e-324]):
  half = mp.sqrt(mpf(1) / 2)
  case("subnormal: cdist", "/v1/evaluate", [node("cdist", ["x", "y"], "d"), node("sum", ["d"], "s")],
       {"x": [values], "y": [[0.0, 0.0]]}, {"gradients": {"x": [[half, half]], "y": [[-half, -half]]}}, 1e-14, outputs=["s"])


# softmax and its relatives where one exponential is nearly all, by themselves and in float32.
def exact_softmax(values):
  powers = [mp.exp(mpf(v) - max(values)) for v in values]
  return [p / sum(powers) for p in powers]


for values in ([3.0, -4.0], [0.0, -50.0], [12.5, -3.0, 11.0], [-20.0, 60.0, 3.0]):
  y = exact_softmax(values)
  count, top = len(values), max(range(len(values)), key=lambda i: values[i])
  unit = [float(i == top) for i in range(count)]
  rest = sum(p for i, p in enumerate(y) if i != top)
  complement = [rest if i == top else 1 - p for i, p in enumerate(y)]
  for make, tolerance in ((list, 1e-14), (single, 4e-6))[:1 if min(values) < max(values) - 70 else 2]:
    case("cancellation: softmax", "/v1/evaluate", [node("softmax", ["x"], "y")], {"x": make(values)},
         {"outputs": {"y": y}, "gradients": {"x": [y[top] * rest if i == top else -y[top] * p for i, p in enumerate(y)]}}, tolerance,
         cotangents={"y": make(unit)})
    case("cancellation: log_softmax", "/v1/evaluate", [node("log_softmax", ["x"], "y")], {"x": make(values)},
         {"outputs": {"y": [mp.log(p) if i != top else -mp.log1p(rest / y[top]) for i, p in enumerate(y)]},
          "gradients": {"x": [rest if i == top else -p for i, p in enumerate(y)]}}, tolerance, cotangents={"y": make(unit)})
    case("cancellation: logsumexp", "/v1/hessian", [node("logsumexp", ["x"], "y")], {"x": make(values)},
         {"gradients": {"x": y}, "hessians": {"x": {"x": [[
           p * complement[i] if i == j else -p * y[j] for j in range(count)] for i, p in enumerate(y)]}}}, tolerance)
case("cancellation: logsumexp", "/v1/evaluate", [node("logsumexp", ["x"], "y")], {"x": [0.0, -50.0]},
     {"outputs": {"y": mp.log1p(mp.exp(-50))}}, 1e-14)

# Range: squares and products that leave it where the result does not.
for values, dtype in itertools.product([[1e20, 2.0, 3.0], [3e-23, 4e-23, 0.0]], ["float32"]):
  exact = [mpf(f32(v)) for v in values]
  length = mp.sqrt(sum(v * v for v in exact))
  case("range: norm", "/v1/evaluate", [node("norm", ["x"], "y")], {"x": single(values)},
       {"outputs": {"y": length}, "gradients": {"x": [v / length for v in exact]}}, 1e-6)
for values in [[3e200, 4e200], [3e-200, 4e-200], [1e-320, 0.0], [1e308, 1e308, 1.0]]:
  exact = [mpf(v) for v in values]
  length = mp.sqrt(sum(v * v for v in exact))
  case("range: norm", "/v1/evaluate", [node("norm", ["x"], "y")], {"x": values},
       {"outputs": {"y": length}, "gradients": {"x": [v / length for v in exact]}})


def deviation(values):
  exact = [mpf(v) for v in values]
  mean = sum(exact) / len(exact)
  std = mp.sqrt(sum((v - mean) ** 2 for v in exact) / len(exact))
  return {"outputs": {"y": std}, "gradients": {"x": [(v - mean) / (len(exact) * std) for v in exact]}}


case("range: std", "/v1/evaluate", [node("std", ["x"], "y")], {"x": single([1e30, 3e30, 2e30])},
     deviation([f32(v) for v in [1e30, 3e30, 2e30]]), 1e-6)
for values in [[1e200, 3e200, 2e200], [1e-200, 3e-200, 2e-200]]:
  case("range: std", "/v1/evaluate", [node("std", ["x"], "y")], {"x": values}, deviation(values))
for values in [[1e-200, 1e-200, 1e200, 1e200], [1e200, 1e200, 1e-200, 1e-200]]:
  product = mp.fprod(mpf(v) for v in values)
  case("range: prod", "/v1/evaluate", [node("prod", ["x"], "y")], {"x": values},
       {"outputs": {"y": product}, "gradients": {"x": [product / mpf(v) for v in values]}})
for x in (300.0, 400.0, 700.0):
  e = mp.exp(mpf(x))
  for op, shift in (("asinh", e * e + 1), ("acosh", e * e - 1)):
    case("range: " + op, "/v1/evaluate", [node("exp", ["x"], "e"), node(op, ["e"], "y")], {"x": x},
         {"gradients": {"x": e / mp.sqrt(shift)}}, outputs=["y"])
# Compositions by hand, of which a factor alone leaves the range of numbers.
EXPONENTIALS = [node("exp", ["x"], "e"), node("sum", ["e"], "s")]
SQUARES = [node("square", ["x"], "e"), node("sum", ["e"], "s")]
ONE_MORE = [node("exp", ["x"], "e"), node("add", ["e", 1.0], "s")]


def sum_of(each):
  return lambda x: total([each(a) for a in x])


def power_of(jet, y):
  z = jet.value**y
  return jet.applied(z, y * z / jet.value, y * (y - 1) * z / jet.value**2)


def one_more(jet):
  return jet.exp() + Jet.constant(1, len(jet.gradient))


BY_HAND = [
  (EXPONENTIALS + [node("log", ["s"], "y")], lambda x: sum_of(Jet.exp)(x).log(), [[400.0, 400.0], [400.0, 401.5, 398.0], [-500.0, -501.0]]),
  (EXPONENTIALS + [node("log2", ["s"], "y")], lambda x: sum_of(Jet.exp)(x).log() * (1 / mp.log(2)), [[400.0, 399.0]]),
  (EXPONENTIALS + [node("div", ["e", "s"], "p"), node("slice", ["p"], "y", starts=[0], ends=[1])],
   lambda x: x[0].exp() * sum_of(Jet.exp)(x).reciprocal(), [[400.0, 400.5], [-400.0, -400.5], [300.0, 310.0, 305.0]]),
  (SQUARES + [node("pow", ["s", 0.5], "y")], lambda x: power_of(sum_of(lambda a: a * a)(x), mpf(1) / 2),
   [[1e115, 2e115], [1e-115, 2e-115], [1e150, 2e150], [3e-150, 1e-150]]),
  (SQUARES + [node("pow", ["s", 1.5], "y")], lambda x: power_of(sum_of(lambda a: a * a)(x), mpf(3) / 2), [[1e90, 2e90], [1e-100, 2e-100]]),
  (SQUARES + [node("pow", ["s", -0.25], "y")], lambda x: power_of(sum_of(lambda a: a * a)(x), -mpf(1) / 4), [[1e80, 2e80], [1e-60, 2e-60]]),
  (SQUARES + [node("log", ["s"], "y")], lambda x: sum_of(lambda a: a * a)(x).log(), [[1e100, 2e100], [1e-100, -2e-100], [1e95, 2e95]]),
  (ONE_MORE + [node("pow", ["s", -1.0], "y")], lambda x: one_more(x[0]).reciprocal(), [[300.0], [40.0], [-3.0]]),
  (ONE_MORE + [node("pow", ["s", -2.0], "y")], lambda x: power_of(one_more(x[0]), mpf(-2)), [[150.0], [200.0]]),
  (ONE_MORE + [node("div", [1.0, "s"], "y")], lambda x: one_more(x[0]).reciprocal(), [[300.0], [40.0]]),
  (ONE_MORE + [node("reciprocal", ["s"], "y")], lambda x: one_more(x[0]).reciprocal(), [[300.0], [40.0]]),
]
for nodes, function, points in BY_HAND:
  for x in points:
    jet = function(Jet.inputs([mpf(a) for a in x]))
    case("range: by hand", "/v1/hessian", nodes, {"x": x},
         {"gradients": {"x": jet.gradient}, "hessians": {"x": {"x": jet.hessian}}}, outputs=["y"])
for nodes, function, x in [(BY_HAND[0][0], BY_HAND[0][1], [50.0, 50.0]), (BY_HAND[2][0], BY_HAND[2][1], [50.0, 50.5]),
                           (BY_HAND[6][0], BY_HAND[6][1], [2.0**40, 2.0**41]), (BY_HAND[7][0], BY_HAND[7][1], [40.0])]:
  jet = function(Jet.inputs([mpf(a) for a in x]))
  case("range: by hand", "/v1/hessian", nodes, {"x": single(x)}, {"hessians": {"x": {"x": jet.hessian}}}, 1e-5, outputs=["y"])

case("range: atan", "/v1/evaluate", [node("atan", ["x"], "y")], {"x": [1e160, 1e200]}, {"gradients": {"x": [1e-320, 0]}}, 1e-3)

# Differences of what is nearly equal, and derivatives made of the result.
for name in ("tanh", "sigmoid", "expm1", "elu", "erf", "erfc", "softplus", "log_sigmoid"):
  def slopes(values):
    if name == "elu":
      return [mp.exp(mpf(x)) if x < 0 else mpf(1) for x in values]
    return [derivatives(name, x, 1)[1] for x in values]
  doubles, floats = [-40.0, -19.5, -9.0, 5.9, 19.5, 30.0], [f32(x) for x in (-15.5, -9.010913848876953, -7.3, 3.7, 8.9, 9.5)]
  if name in ("erf", "erfc"):
    doubles, floats = [-20.0, -5.9, 5.9, 26.0], [f32(x) for x in (-9.0, -5.9, 5.9, 8.5)]
  case("cancellation: " + name, "/v1/evaluate", [node(name, ["x"], "y")], {"x": doubles}, {"gradients": {"x": slopes(doubles)}}, 2e-15)
  case("cancellation: " + name, "/v1/evaluate", [node(name, ["x"], "y")], {"x": single(floats)},
       {"gradients": {"x": slopes(floats)}}, 1e-6)
TAIL = [-7.3, -5.0, -10.0]
gelu = [mp_functions.gelu_tanh(mp_functions.at(x, 1)) for x in TAIL]
case("cancellation: gelu tanh", "/v1/evaluate", [node("gelu", ["x"], "y", approximate="tanh")], {"x": TAIL},
     {"outputs": {"y": [s.value for s in gelu]}, "gradients": {"x": [s.derivative((1,)) for s in gelu]}}, 1e-13)

# Sums of float32.
for count, factor in ((1000000, 0.1), (300000, 0.3)):
  index = {"dtype": "int64", "shape": [1], "data": [0]}
  nodes = [node("broadcast_to", [index], "i", shape=[count]), node("take", ["x", "i"], "t"), node("mul", ["t", factor], "m"),
           node("sum", ["m"], "y")]
  case("float32 sums", "/v1/evaluate", nodes, {"x": single([1.0])}, {"gradients": {"x": [count * mpf(f32(factor))]}}, 1e-7,
       outputs=["y"])

# The gradient check.
for op, x, passed in (("log", 2e-9, True), ("log", 3e8, True), ("cos", 1e6, True), ("sqrt", 1e-12, True), ("exp", -30.0, True)):
  case("check", "/v1/check", [node(op, ["x"], "y")], {"x": x}, {"passed": passed}, source="the derivative is right")
for factor in (1e-6, 1e-12, 1e9):
  nodes = [node("stop_gradient", ["x"], "s"), node("mul", ["x", "s"], "p"), node("mul", ["p", factor], "y")]
  case("check", "/v1/check", nodes, {"x": [2.0, 3.0]}, {"passed": False}, source="half of the true derivative", outputs=["y"])

# NaN in, NaN out.
for op, attributes in (("silu", {}), ("gelu", {}), ("gelu", {"approximate": "tanh"}), ("clip", {"min": 0, "max": 2}), ("relu", {}),
                       ("leaky_relu", {"alpha": 0.2}), ("elu", {}), ("abs", {}), ("sqrt", {}), ("square", {})):
  case("NaN", "/v1/evaluate", [node(op, ["x"], "y", **attributes)], {"x": ["NaN", 1.5]}, {"outputs": {"y": ["NaN"]}, "gradients": {"x": ["NaN"]}},
       source="one rule")

# Subnormal and huge operands.
for op, pairs in (("div", [(4.5e-40, 2.9e-39)]), ("hypot", [(3e-39, 4e-39)]), ("atan2", [(3e-39, 4e-39)]), ("pow", [(3e-39, 0.75)])):
  for x, y in pairs:
    x, y = f32(x), f32(y)
    s = mp_functions.BINARY[op](x, y, 1)
    case("subnormal: " + op, "/v1/evaluate", [node(op, ["x", "y"], "z")], {"x": single([x]), "y": single([y])},
         {"gradients": {"x": [f32(s.derivative((1, 0)))], "y": [f32(s.derivative((0, 1)))]}}, 1e-5)
for op, x, y in (("hypot", 3e-317, 4e-317), ("atan2", 3e-307, 4e-307), ("div", 1e-310, 3e-309), ("pow", 1e-310, 1.5)):
  s = mp_functions.BINARY[op](x, y, 1)
  case("subnormal: " + op, "/v1/evaluate", [node(op, ["x", "y"], "z")], {"x": x, "y": y},
       {"gradients": {"x": s.derivative((1, 0)), "y": s.derivative((0, 1))}}, 1e-9)

# Near roots of a derivative, and of a function.
for op, x in (("silu", -1.2784645427610738), ("gelu", -0.7517915246935645), ("digamma", -0.5040830082644554), ("erfinv", 0.9999999999999999)):
  value, slope, second = derivatives(op, x, 2)
  case("near a root: " + op, "/v1/evaluate", [node(op, ["x"], "y")], {"x": x}, {"gradients": {"x": slope}},
       float(max(mpf(2e-15), 4 * abs(x * second / slope) * mpf(2) ** -53)))
for x, y in ((-0.6, -0.8), (300.0, 299.0), (-1000.0, -1001.0)):
  s = mp_functions.BINARY["logaddexp"](x, y, 1)
  case("near a root: logaddexp", "/v1/evaluate", [node("logaddexp", ["x", "y"], "z")], {"x": x, "y": y},
       {"gradients": {"x": s.derivative((1, 0)), "y": s.derivative((0, 1))}}, 4e-15)

# Orders of products of tensors, and tensors without elements.
sizes = dict(zip("gkdhcbajife", [2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]))
for equation in ("gkdhc,hkgbajif,feji->ebdca",):
  terms, result = equation.split("->")
  named = dict(zip("xyz", terms.split(",")))
  ones = {name: {"dtype": "float64", "shape": [sizes[c] for c in term], "data": [1.0] * int(mp.fprod(sizes[c] for c in term))}
          for name, term in named.items()}
  summed = mp.fprod(sizes[c] for c in set("".join(named.values())) - set(result))
  total = summed * mp.fprod(sizes[c] for c in result)
  case("einsum", "/v1/evaluate", [node("einsum", list(named), "p", equation=equation), node("sum", ["p"], "t")], ones,
       {"outputs": {"t": total}}, source="by hand", outputs=["t"], gradients=False)
for shape in ([0, 1099511627777], [1099511627777, 0]):
  case("no elements", "/v1/evaluate", [node("sum", ["x"], "y")], {"x": {"dtype": "float64", "shape": shape, "data": []}},
       {"outputs": {"y": 0}}, source="by hand", gradients=False)

if __name__ == "__main__":
  text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in LINES)
  FILE.write_text(text)
  print(f"{FILE.name}: {len(LINES)} lines, {len(text):,} bytes")

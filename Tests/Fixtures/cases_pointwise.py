"""Cases of operations_pointwise.jsonl: generic points, away from kinks (kinks.py has those), of every pointwise operation of tier 1."""

from graph_builder import Weak
from operation_cases import BOOLS, LITERAL, MAX_INT32, MAX_INT64, POINTWISE, case, integers

#: Where a function is defined and its float32 is well conditioned; elsewhere magnitudes from 0.4 to 3 of either sign.
DOMAINS = {
  "sqrt": (0.2, 4), "rsqrt": (0.2, 4), "log": (0.2, 4), "log2": (0.2, 4), "log10": (0.2, 4), "log1p": (-0.8, 3), "tan": (-1.2, 1.2),
  "asin": (-0.9, 0.9), "acos": (-0.9, 0.9), "atanh": (-0.9, 0.9), "erfinv": (-0.95, 0.95), "acosh": (1.2, 4), "lgamma": (0.2, 6),
  "digamma": (0.2, 6), "polygamma": (0.3, 6), "pow": (0.3, 3), "xlogy": (0.3, 3),
}
#: Points worth more than a random one: both tails, small arguments, and where implementations switch formulas.
POINTS = {
  "abs": [-1e-30, 1e-30, -7.5], "square": [1e-10, -1e5, 0.1], "reciprocal": [1e-3, -1e4, 7.0], "sqrt": [1e-6, 1e6, 2.0],
  "rsqrt": [1e-2, 1e6, 2.0], "exp": [-20.0, 5.0, 1e-8, 0.0], "expm1": [1e-10, -1e-10, -30.0, 4.0, 0.0],
  "log": [1e-10, 1e10, 1.0000001, 1.0], "log1p": [1e-10, -1e-10, -0.99, 1e6, 0.0], "log2": [1e-10, 8.0, 1e10],
  "log10": [1e-10, 1000.0, 1e10], "sin": [1e-9, 100.0, -30.5, 0.0], "cos": [1e-9, 100.0, -30.5, 0.0], "tan": [1e-9, 10.0, -20.25],
  "asin": [1e-9, -0.5, 0.5, 0.0], "acos": [1e-9, -0.5, 0.5, 0.0], "atan": [1e-9, 1e5, -50.0, 0.0], "sinh": [1e-9, 4.0, -4.0, 0.0],
  "cosh": [1e-9, 4.0, -4.0, 0.0], "tanh": [1e-9, 10.0, -20.0, 0.5, 0.0], "asinh": [1e-9, 1e6, -1e6, 0.0], "acosh": [1.1, 1e6, 2.0],
  "atanh": [1e-9, -0.5, 0.5, 0.0], "erf": [1e-9, 0.5, -0.8, 1.25, 2.5, 5.0, -6.0, 0.0],
  "erfc": [1e-9, 0.5, -0.8, 1.25, 2.5, 5.0, -6.0, 0.0], "erfinv": [1e-9, 0.5, -0.7, 0.9, -0.96875, 0.0],
  "lgamma": [0.5, 1.5, 2.5, 9.0, 50.0, -0.5, -1.5, -2.25], "digamma": [0.5, 1.5, 2.5, 9.0, 50.0, -0.5, -1.5, -2.25],
  "sigmoid": [1e-9, 15.0, -15.0, -40.0, 0.0], "softplus": [1e-9, 15.0, -15.0, 40.0, 0.0], "log_sigmoid": [1e-9, 15.0, -15.0, -40.0, 0.0],
  "relu": [1e-9, -1e-9, 50.0, -50.0], "silu": [1e-9, 15.0, -15.0, 40.0, 0.0], "gelu": [1e-9, 4.0, -4.0, -6.0, 10.0, 0.0],
  "leaky_relu": [1e-9, -1e-9, 50.0, -50.0], "elu": [1e-9, -1e-9, 20.0, -20.0], "sign": [1e-30, -1e-30, 5.0],
  "floor": [2.5, -2.5, 1e9 + 0.5, -0.5, 0.5], "ceil": [2.5, -2.5, 1e9 + 0.5, -0.5, 0.5],
  "round": [2.4, 2.6, -2.4, -2.6, 0.3, -0.3], "trunc": [2.5, -2.5, 1e9 + 0.5, -0.5, 0.5],
}
ATTRIBUTES = {
  "leaky_relu": [{"alpha": 0.2}, {"alpha": 0}, {"alpha": -0.5}, {"alpha": 1.5}], "elu": [{"alpha": 0.5}, {"alpha": 2}],
  "gelu": [{"approximate": "none"}, {"approximate": "tanh"}],
}
INT_UNARY = {
  "abs": [[5, -6, 0, MAX_INT64, -MAX_INT64], [[5], [-MAX_INT32]]], "square": [[5, -6, 0, 2**40], [[5], [-70000]]],
  "sign": [[5, -6, 0, MAX_INT64, -MAX_INT64 - 1], [[5], [-MAX_INT32 - 1]]],
}


def unary(op):
  domain = DOMAINS.get(op)
  cases = [case(shape, domain=domain) for shape in ((), (1,), (2, 3), (2, 1, 3, 2), (0,), (2, 0), (37,))]
  points = POINTS[op]
  cases += [case((len(points),), data={"x": points}), case((2, 3), domain=domain, constants=["x"])]
  cases += [case(operands=[Weak(0.5 if op != "acosh" else 1.5)]), case(operands=[Weak(2 if domain is None or domain[1] > 2 else 0)])]
  if domain is None:
    cases.append(case(operands=[LITERAL]))
  for attributes in ATTRIBUTES.get(op, []):
    cases += [case((2, 3), **attributes), case((len(points),), data={"x": points}, **attributes)]
  cases += [integers(dtype, data) for dtype, data in zip(("int64", "int32"), INT_UNARY.get(op, []))]
  return cases


def binary(op, extra=()):
  """Broadcasting shapes as for addition, and a mixture of both floats."""
  domain = DOMAINS.get(op)
  shaped = [c | {"domain": domain} for c in POINTWISE if domain is None or LITERAL not in (c["operands"] or [])]
  # x with itself and numbers that are negative stand in the functions that are smooth there.
  if domain or op in ("maximum", "minimum", "remainder"):
    shaped = [c for c in shaped if c["operands"] != ["x", "x"] and not any(is_negative(o) for o in c["operands"] or [])]
  return shaped + [case((2, 3), (3,), dtypes=["F", "G"], domain=domain)] + list(extra)


def is_negative(operand):
  return isinstance(operand, Weak) and operand.value < 0


EXTREME_PAIRS = {"x": [1e8, -1e-8, 3.0, 0.0], "y": [1.0, 1e8, -4.0, 2.0]}
INT_PAIRS = [integers("int64", [7, -7, 7, -7, MAX_INT64], [3, 3, -3, -3, 2]), integers("int32", [[7], [-MAX_INT32 - 1]], [2, -5, 9])]
BOOL_PAIRS = [integers("bool", BOOLS, [[True, True, False], [False, True, False]]), integers("bool", BOOLS, True),
              integers("bool", [[True], [False]], [True, False]), integers("bool", BOOLS, operands=["x", "x"])]
MIXED = [case((3,), (3,), data={"x": [1, -2, 3], "y": [1, 2, 2**40]}, dtypes=["int32", "int64"])]

BINARY = {
  "pow": [
    case((3,), operands=["x", Weak(2)], data={"x": [-2.0, 0.5, 3.0]}), case((3,), operands=["x", Weak(-1.0)], data={"x": [-2.0, 0.5, 3.0]}),
    case((3,), operands=["x", Weak(0.5)], domain=(0.3, 3)), case((2, 2), operands=[Weak(2.5), "x"]),
    case((4,), (4,), data={"x": [-2.0, -0.5, -3.0, 1.5], "y": [3.0, 2.0, -2.0, -7.5]}, constants=["y"]),
    case((3,), (3,), data={"x": [1e-3, 100.0, 1.0], "y": [2.5, -1.5, 30.0]}),
    integers("int64", [2, -3, 0, 7], [10, 3, 0, 1]), integers("int32", [[2], [-3]], [0, 1, 5]),
    integers("int64", [3, MAX_INT64], operands=["x", Weak(2)]),
  ],
  "maximum": INT_PAIRS + MIXED, "minimum": INT_PAIRS + MIXED,
  "atan2": [case((4,), (4,), data=EXTREME_PAIRS)],
  "hypot": [case((4,), (4,), data=EXTREME_PAIRS), case((2,), (2,), data={"x": [3e18, 4e-18], "y": [4e18, 3e-18]})],
  "logaddexp": [case((3,), (3,), data={"x": [50.0, -50.0, 1e-9], "y": [-50.0, -49.0, 2e-9]})],
  "remainder": [
    case((6,), (6,), data={"x": [7.5, -7.5, 7.5, -7.5, 1e3, 0.3], "y": [2.0, 2.0, -2.0, -2.0, 0.7, 5.0]}), *INT_PAIRS, *MIXED,
    case((2, 3), operands=["x", Weak(0.75)]),
  ],
  "xlogy": [case((3,), (3,), data={"x": [-2.0, 1e-8, 50.0], "y": [0.01, 3.0, 1e8]})],
}
COMPARED = [
  case((2, 3), (2, 3)), case((2, 3), (3,)), case((3, 1), (2,)), case((), ()), case((2, 0), (1,)), case((2, 3), operands=["x", Weak(0.5)]),
  case((2, 3), operands=[Weak(1), "x"]), case((2, 3), operands=["x", "x"]), case((2, 3), operands=["x", LITERAL]),
  case((3,), (3,), data={"x": [1.5, 2.5, -0.5], "y": [1.5, 2.0, 0.5]}), case((3,), (3,), dtypes=["F", "G"]), *MIXED,
  integers("int64", [2**53 + 1, 2**53, -3], [2**53, 2**53 + 1, -3]), integers("int32", [[4], [5]], [4, 5]),
]
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
WHERE = [
  case((2, 3), (2, 3), (2, 3), dtypes=["bool", "F", "F"]), case((3,), (2, 3), (), dtypes=["bool", "F", "F"]),
  case((2, 1), (3,), (1, 3), dtypes=["bool", "F", "F"]), case((), (2,), (2,), dtypes=["bool", "F", "F"]),
  case((2, 3), (3,), operands=["x", "y", Weak(0)], dtypes=["bool", "F"]),
  case((2, 3), (2, 3), operands=["x", Weak(1.5), "y"], dtypes=["bool", "F"]),
  case((2, 3), operands=["x", Weak(1), Weak(-2.5)], dtypes=["bool"]), case((3,), operands=[[True, False, True], "x", "x"]),
  case((0, 2), (2,), (1,), dtypes=["bool", "F", "F"]), case((2, 3), (3,), (2, 1), dtypes=["bool", "F", "G"]),
  case((2,), (2,), (2,), data={"x": [True, False], "y": [1, -2], "z": [2**53 + 1, 2**53 + 1]}, dtypes=["bool", "int32", "int64"]),
  case((2,), (2,), (), data={"x": [True, False], "y": [True, False], "z": True}, dtypes=["bool"] * 3),
]
CLIP = [
  case((2, 3), min=-0.5, max=0.5), case((2, 3), min=-1), case((2, 3), max=0.75), case((), min=0.1, max=0.2), case((0,), min=0),
  case((37,), min=-1.005, max=1.995), case((2, 3), min=1, max=1), case((2, 3), min=-100, max=100), case((2, 3), min=None, max=1),
  case(operands=[LITERAL], min=0),
]

CASES = {op: unary(op) for op in POINTS}
FINITE = [case((2, 3)), case(()), case((0,)), case((5,), data={"x": [0.0, -1e-30, 1e30, -2.5, 7]})]
CASES |= {op: FINITE for op in ("isnan", "isinf", "isfinite")}
CASES |= {op: binary(op, extra) for op, extra in BINARY.items()}
CASES |= {op: COMPARED for op in COMPARISONS}
CASES["equal"] = CASES["not_equal"] = COMPARED + BOOL_PAIRS
CASES |= {op: BOOL_PAIRS for op in ("logical_and", "logical_or", "logical_xor")}
CASES["logical_not"] = [integers("bool", BOOLS), integers("bool", True), case((2, 3, 2), dtypes=["bool"])]
CASES["where"] = WHERE
CASES["clip"] = CLIP
CASES["polygamma"] = [
  *(case((4,), n=n, data={"x": [0.5, 1.0, 2.75, 12.0]}) for n in (0, 1, 2, 3, 5)), case((2, 3), n=1, domain=(0.3, 6)),
  case((), n=2, domain=(0.3, 6)), case((0,), n=1), case((2, 1, 2), n=4, domain=(1, 6)), case(operands=[Weak(2)], n=1),
]
CASES["stop_gradient"] = [case((2, 3)), case(()), case((0,)), case(operands=[Weak(2.5)]), integers("int64", [2**53 + 1]),
                          integers("bool", BOOLS)]

EXACT = ("sign", "floor", "ceil", "round", "trunc", "stop_gradient")
#: Checked against mpmath as well.
SPECIAL = ("erf", "erfc", "erfinv", "lgamma", "digamma", "polygamma")

"""Checks the functions of one operand in operations_pointwise.jsonl against mpmath: values and derivatives, with forty digits."""

import mpmath

from oracle import FLOATS, Program

#: Of max(1, largest magnitude of the tensor), as the server is judged.
TOLERANCE = 1e-13

ROOT_HALF = lambda: mpmath.sqrt(mpmath.mpf(1) / 2)


def sigmoid(x):
  return 1 / (1 + mpmath.exp(-x))


def gelu(x, approximate="none"):
  if approximate == "none":
    return x * mpmath.erfc(-x * ROOT_HALF()) / 2
  return x * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf(0.044715) * x**3))) / 2


FUNCTIONS = {
  "abs": abs, "square": lambda x: x * x, "reciprocal": lambda x: 1 / x, "sqrt": mpmath.sqrt, "rsqrt": lambda x: 1 / mpmath.sqrt(x),
  "exp": mpmath.exp, "expm1": mpmath.expm1, "log": mpmath.log, "log1p": mpmath.log1p, "log2": lambda x: mpmath.log(x, 2),
  "log10": lambda x: mpmath.log(x, 10), "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "asin": mpmath.asin, "acos": mpmath.acos,
  "atan": mpmath.atan, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "asinh": mpmath.asinh, "acosh": mpmath.acosh,
  "atanh": mpmath.atanh, "erf": mpmath.erf, "erfc": mpmath.erfc, "erfinv": mpmath.erfinv,
  "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))), "digamma": mpmath.digamma, "polygamma": lambda x, n: mpmath.polygamma(n, x),
  "sigmoid": sigmoid, "softplus": lambda x: mpmath.log1p(mpmath.exp(x)), "log_sigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
  "relu": lambda x: x if x > 0 else mpmath.mpf(0), "leaky_relu": lambda x, alpha=0.01: x if x > 0 else mpmath.mpf(alpha) * x,
  "elu": lambda x, alpha=1.0: x if x > 0 else mpmath.mpf(alpha) * mpmath.expm1(x), "silu": lambda x: x * sigmoid(x), "gelu": gelu,
}
#: Where the step of a numerical derivative would cross a kink, the derivative is that of the branch.
BRANCHES = {
  "abs": lambda x: mpmath.sign(x), "relu": lambda x: mpmath.mpf(x > 0),
  "leaky_relu": lambda x, alpha=0.01: mpmath.mpf(1 if x > 0 else alpha),
  "elu": lambda x, alpha=1.0: mpmath.mpf(1) if x > 0 else mpmath.mpf(alpha) * mpmath.exp(x),
}


def slope(op, x, attributes):
  if op in BRANCHES:
    return BRANCHES[op](x, **attributes)
  return mpmath.diff(lambda t: FUNCTIONS[op](t, **attributes), x)


def is_checked(entry):
  """Functions of one operand, on floats."""
  outputs = entry["expected"]["outputs"].values()
  return entry["operation"] in FUNCTIONS and all(t["dtype"] in FLOATS for t in outputs)


def faults(entry):
  """What is wrong with one line."""
  program = Program(entry["request"])
  (op, (key,), _, attributes, (result,)), = program.steps
  points = [mpmath.mpf(float(v)) for v in program.values[key].ravel()]
  wanted = [FUNCTIONS[op](x, **attributes) for x in points]
  yield from compare("value", entry["expected"]["outputs"][result]["data"], wanted)
  for name, gradient in entry["expected"]["gradients"].items():
    seeds = [float(v) for v in program.cotangents[0].ravel()]
    yield from compare(f"gradient of {name}", gradient["data"], [slope(op, x, attributes) * seed for x, seed in zip(points, seeds)])


def compare(what, found, wanted):
  if len(found) != len(wanted):
    yield f"{what}: {len(found)} elements"
    return
  scale = max([1] + [abs(w) for w in wanted])
  error = max([abs(mpmath.mpf(f) - w) for f, w in zip(found, wanted)], default=0)
  if error > TOLERANCE * scale:
    yield f"{what}: off by {mpmath.nstr(error / scale, 3)}"


def run(lines):
  """The number of faults in entries of operations_pointwise.jsonl."""
  count = checked = 0
  with mpmath.workdps(40):
    for entry in lines:
      if is_checked(entry):
        checked += 1
        for fault in faults(entry):
          count += 1
          print(f"{entry['name']}: {fault}")
  print(f"operations_pointwise.jsonl: {checked} lines checked against mpmath")
  return count

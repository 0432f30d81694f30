"""Writes special_points.jsonl: derivatives of elementwise operations, orders 1 to 4, at ordinary and at special points.

    python special_points.py [--only tanh]

Where a function is analytic, derivatives are those of a truncated power series in at least 60 digits (mp_functions.py); elsewhere they
are limits and conventions (special_conventions.py, special_binary.py). Needs mpmath and SciPy (first guesses only); deterministic.
"""

import argparse
import json
import math
from pathlib import Path

from mpmath import mp, mpf

import mp_functions
import special_binary
import special_conventions
from mp_functions import at, by_derivative, by_formula, digits
from special_conventions import NANS, U, clip, relu

FILE = Path(__file__).parent / "special_points.jsonl"
ORDER = 4
EPSILON = 2.0**-53
LARGEST = mpf(2) ** 1024 * (1 - mpf(2) ** -54)
#: Relative errors allowed of the value and of each order, where the operands' last places do not make more.
ALLOWED = [1e-13, 1e-9, 1e-9, 1e-6, 1e-6]

ZERO = [0.0, -0.0]
SUBNORMAL = [5e-324, -5e-324, 1e-310, -1e-310, 2.2250738585072014e-308, -2.2250738585072014e-308]
TINY = [1e-300, -1e-300, 1e-160, -1e-160, 1e-20, 1e-8, -1e-8, 1e-5, -1e-5]
ORDINARY = [0.3, -0.3, 0.5, -0.5, 0.7, -0.7, 0.999999, -0.999999, 1.0, -1.0, 1.000001, 1.5, -1.5, 2.0, -2.0, 2.5, -2.5, 3.0, -3.0,
            7.3, -7.3, 13.0, -13.0, 23.0, -23.0, 40.0, -40.0, 100.0, -100.0, 700.0, -700.0]
HUGE = [1e5, -1e5, 1e8, -1e8, 1e160, -1e160, 1e300, -1e300, 1.7976931348623157e308, -1.7976931348623157e308]
BOUNDS = [math.inf, -math.inf, math.nan]
POINTS = ZERO + SUBNORMAL + TINY + ORDINARY + HUGE + BOUNDS

POSITIVE, UNIT = (0, math.inf), (-1, 1)
#: Where a function is analytic, bounds left out.
DOMAINS = {"log": POSITIVE, "log2": POSITIVE, "log10": POSITIVE, "sqrt": POSITIVE, "rsqrt": POSITIVE, "log1p": (-1, math.inf),
           "asin": UNIT, "acos": UNIT, "atanh": UNIT, "erfinv": UNIT, "acosh": (1, math.inf), "ndtri": (0, 1)}
#: No more than these, where mpmath has nothing for huge operands, or nothing that ends.
REACH = {"lgamma": 1e300, "digamma": 1e300, "polygamma": 1e300, "i0e": 1e8, "i1e": 1e8}
#: Where nothing cancels, so that huge and tiny operands need no more digits than others.
DIGITS = {"lgamma": 80, "digamma": 80, "polygamma": 80, "ndtri": 80, "erfinv": 80, "gammainc": 40, "gammaincc": 40, "zeta": 40}
#: Points of their own, near zeros and bounds.
MORE = {
  "digamma": [1.4616321449683623, -0.5040830082644554], "lgamma": [-2.4570247382208006, 1.9999999, 1.0000001],
  "erfinv": [0.9999999999999999, -0.9999999999999999], "ndtri": [0.02425, 0.9999999999999999, 1e-100],
  "silu": [-1.2784645427610738, -2.3993572805154674, -709.3, -730.1, -744.7],
  "gelu": [-0.7517915246935645, -20.0, -21.3, -21.6, -37.7, -38.0, -38.4], "tanh": [9.0, 19.0, -20.0, 350.0],
  "expm1": [-9.0, -36.0, -745.0], "elu": [-9.0, -36.0, -745.0], "erfc": [5.0, 26.0, 27.0], "erf": [5.0, 26.0], "exp": [-745.0, 709.0],
  "tan": [1.5707963267948966, 1e6], "sin": [1e6], "cos": [1e6, 1.5707963267948966], "sigmoid": [36.0, -36.0, -745.0],
  "log_ndtr": [-38.0, 8.0, 38.0], "ndtr": [-38.0, 8.0], "asinh": [4e15], "acosh": [1.0000000000000002, 4e15],
}
DEFAULT_PAIRS = [
  (0.3, 0.7), (1.5, -2.5), (-0.7, 2.0), (-1.5, -0.3), (2.0, 3.0), (1.0, 1.0), (2.0, 2.0), (-2.0, 2.0), (-3.0, -3.0), (1e-5, 2.0),
  (2.0, 1e-5), (1e-8, 1e8), (100.0, 3.0), (700.0, -2.0), (1e8, 3.0), (3.0, 1e8), (1e-160, 1e-160), (1e160, 1e160), (-1e160, 2e160),
  (1e300, 1.0), (1.0, 1e300), (1e300, 1e-300), (1e-300, 1e300), (1e-300, 2e-300), (1e300, -1e300), (5e-324, 5e-324), (5e-324, 1.0),
  (1.0, 5e-324), (1e-310, 3e-310), (1e-310, 2.0), (2.0, 1e-310),
  (0.0, 0.0), (-0.0, 0.0), (0.0, -0.0), (0.0, 3.0), (3.0, 0.0), (-0.0, 3.0), (3.0, -0.0), (0.0, -3.0), (-3.0, 0.0), (-0.0, -3.0),
  (math.inf, 1.0), (1.0, math.inf), (-math.inf, 1.0), (1.0, -math.inf), (math.inf, math.inf), (-math.inf, -math.inf),
  (math.inf, -math.inf), (-1.0, math.inf), (0.0, math.inf), (math.inf, 0.0), (math.nan, 1.0), (1.0, math.nan), (math.nan, math.nan),
  (0.0, math.nan), (math.nan, 0.0),
]
POWERS = [(x, y) for x in [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 23.0, 0.5, 5e-324, 1e-310, 1e-200, 1e200, 1e308]
          for y in [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, 4.0, 1.5, -2.0]]
FAR = [5e-324, 1e-310, 1e-160, 1e-20, 0.7, 1.0, 1e20, 1e160, 1e300]
POWERS += [(x, y) for x in [1e-310, 1e-160, 0.7, 1.0, 2.0, 1e160] for y in FAR + [-1e-310, -1e-160, -1e160]]
RADII = [1e-310, -1e-300, 1e-160, 1e-80, 3.0, -1e80, 1e160, 1.7e308]
LENGTHS = DEFAULT_PAIRS + [(x, y) for x in RADII for y in RADII]
SHAPES = [(a, x) for a in [0.3, 0.5, 1.0, 2.0, 3.0, 7.5, 50.0] for x in [1e-10, 0.3, 1.0, 2.0, 9.0, 60.0]]
PAIRS = {
  "hypot": LENGTHS, "atan2": LENGTHS,
  "pow": POWERS + [(0.3, 0.7), (7.3, -2.5), (-2.0, 0.5), (-3.0, 5.0), (1e-8, 1e8), (1.0000001, 1e8), (2.0, math.inf), (2.0, -math.inf),
                   (0.5, math.inf), (0.5, -math.inf), (math.inf, 2.0), (math.inf, 0.5), (math.inf, -1.0), (math.inf, 0.0),
                   (math.inf, 1.0), (math.nan, 2.0), (2.0, math.nan), (math.nan, math.nan), (math.nan, 0.0), (1.0, math.nan),
                   (1.0, math.inf), (-math.inf, 3.0), (0.0, math.inf)],
  "gammainc": SHAPES + [(2.0, 0.0), (1.0, 0.0), (0.5, 0.0), (2.0, math.inf), (math.nan, 1.0), (1.0, math.nan), (2.0, -1.0)],
  "zeta": [(s, q) for s in [1.5, 2.0, 3.0, 7.0, 1.01] for q in [0.1, 0.5, 1.0, 2.5, 30.0]]
    + [(math.nan, 2.0), (2.0, math.nan), (2.0, math.inf)],
  "remainder": [pair for pair in DEFAULT_PAIRS if not any(abs(x) > 1e20 or 0 < abs(x) < 1e-20 for x in pair)]
    + [(6.0, 3.0), (-6.0, 3.0), (7.0, -3.0), (5.5, 2.0), (1e10, 3.0)],
}
PAIRS["gammaincc"] = PAIRS["gammainc"]
#: How an operation is told from another of the same name: attributes, and the function of one operand.
GROUPS = [
  *((name, {}, mp_functions.UNARY[name]) for name in mp_functions.UNARY),
  ("neg", {}, by_formula(lambda u: -u)), ("abs", {}, by_formula(lambda u: u if u.value > 0 else -u)),
  ("identity", {}, by_formula(lambda u: u)),
  *(("polygamma", {"n": n}, mp_functions.polygamma(n)) for n in (0, 1, 3)),
  ("gelu", {"approximate": "tanh"}, by_formula(mp_functions.gelu_tanh)),
]
PIECES = [
  *((name, {}, function) for name, function in special_conventions.STEPS.items()),
  ("relu", {}, relu), ("leaky_relu", {}, lambda x: relu(x, 0.01)), ("leaky_relu", {"alpha": 0.2}, lambda x: relu(x, 0.2)),
  ("clip", {"min": 0, "max": 2}, lambda x: clip(x, 0, 2)), ("clip", {"min": -0.5, "max": 0.5}, lambda x: clip(x, -0.5, 0.5)),
  ("clip", {"min": 1}, lambda x: clip(x, 1, math.inf)), ("clip", {"max": 1}, lambda x: clip(x, -math.inf, 1)),
]


def elu(alpha):
  """At 0 the derivatives of the left, as the slope is."""
  def function(x, order):
    if x > 0:
      return at(x, order)
    return by_derivative(lambda x: alpha * mp.expm1(x), lambda u: u.exp() * alpha)(x, order)
  return function


GROUPS += [("elu", {}, elu(1)), ("elu", {"alpha": 0.5}, elu(0.5))]
ELU = {"inf": [special_conventions.INF, 1, 0, 0, 0]}


def exact(series, index, operands):
  """A derivative, 0 where it is nothing but the rounding of what cancels by symmetry."""
  value = series.derivative(index)
  lower = max(abs(term) for other, term in series.terms.items() if sum(other) <= sum(index))
  ordinary = all(x == 0 or 1e-3 < abs(x) < 1e3 for x in operands)
  return mpf(0) if ordinary and abs(value) < lower * mpf(10) ** (15 - mp.dps) else value


def number(value, order):
  """A number of any size as an expectation: beyond the largest double it is an infinity, or what its terms make of it."""
  if not isinstance(value, mpf):
    return value
  if abs(value) > LARGEST:
    return U if order > 1 else ("Infinity" if value > 0 else "-Infinity")
  return float(value)


def tolerances(series, operands, indices):
  """Where two last places of an operand change a derivative by more than what is allowed anyway."""
  result = {}
  for place, index in enumerate(indices):
    order = sum(index)
    size = abs(exact(series, index, operands))
    moved = sum(
      abs(mpf(x)) * abs(series.derivative(tuple(i + int(k == variable) for k, i in enumerate(index))))
      for variable, x in enumerate(operands)) * 4 * EPSILON
    if size == 0:
      # By symmetry; what cancels has the size of what is there beside it.
      scale = max((abs(term) for other, term in series.terms.items() if sum(other) <= order + 1), default=mpf(0))
      allowed = float(min(scale * mpf(1e-15), mpf(1e-9)))
    else:
      allowed = float(min(moved / size, mpf(10) ** 9))
      if allowed <= ALLOWED[order]:
        continue
    if allowed > 0:
      result[str(place)] = float(f"{allowed:.2g}")
  return result


def spelled(x):
  """As JSON has it, which knows no infinity."""
  if isinstance(x, str) or math.isfinite(x):
    return x if isinstance(x, str) else float(x)
  return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


def line(name, attributes, operands, row, allowed=None, wrt=None):
  words = [spelled(x) for x in operands]
  text = {"operation": name}
  if attributes:
    text["attributes"] = attributes
  if wrt:
    text["wrt"] = wrt
  text |= {"at": words, "expected": [spelled(x) for x in row]}
  if allowed:
    text["tolerances"] = allowed
  return json.dumps(text, separators=(",", ":"), allow_nan=False).replace('.0,', ',').replace('.0]', ']').replace("[-0,", "[-0.0,").replace(
    "[-0]", "[-0.0]").replace(",-0,", ",-0.0,").replace(",-0]", ",-0.0]") + "\n"


def analytic(name, function, operands, order=ORDER):
  mp.dps = DIGITS.get(name) or digits(*operands)
  series = function(*operands, order + 1)
  variables = series.variables
  indices = [(k,) for k in range(order + 1)] if variables == 1 else [(0, 0)] + special_binary.indices(order)
  row = [number(exact(series, index, operands), sum(index)) for index in indices]
  # A 0 between derivatives of its order that are beyond all numbers comes of terms that are.
  beyond = {sum(index) for index, value in zip(indices, row) if sum(index) > 1 and not isinstance(value, float)}
  row = [special_conventions.CORNER if value == 0 and sum(index) in beyond else value for index, value in zip(indices, row)]
  return row, tolerances(series, operands[-variables:], indices)


def unary_lines(name, attributes, function):
  table = ELU if name == "elu" else special_conventions.UNARY.get(name, {})
  if name == "elu":
    alpha = attributes.get("alpha", 1)
    table = ELU | {"-inf": [-alpha, 0, 0, 0, 0]}
  low, high = DOMAINS.get(name, (-math.inf, math.inf))
  for x in POINTS + MORE.get(name, []):
    row = table.get(repr(x))
    is_gamma = name in ("lgamma", "digamma", "polygamma")
    if row is None and is_gamma and x < 0 and math.isfinite(x) and x == math.floor(x):
      row = table.get("-1.0")
    if name == "identity" and not math.isfinite(x):
      row = [special_binary.word(x), 1, 0, 0, 0]
    if row is None and math.isnan(x):
      row = NANS
    if row is not None:
      if name == "polygamma" and attributes["n"] == 0:
        row = special_conventions.UNARY["digamma"].get(repr(x), row)
      yield line(name, attributes, [x], row)
    elif low < x < high and math.isfinite(x) and abs(x) <= REACH.get(name, math.inf) and not (is_gamma and x < -1e5):
      yield line(name, attributes, [x], *analytic(name, function, [x]))


def piecewise_lines(name, attributes, function):
  for x in POINTS:
    yield line(name, attributes, [x], function(x))


def binary_lines(name):
  convention, function = special_binary.BINARY[name], mp_functions.BINARY.get(name)
  for x, y in PAIRS.get(name, DEFAULT_PAIRS):
    row = convention(x, y)
    if row is not None:
      yield line(name, {}, [x, y], [number(value, 2) for value in row])
    elif function:
      row, allowed = analytic(name, function, [x, y])
      if name == "atan2":
        row[0] = math.atan2(x, y)  # mpmath knows no -0.
      if name == "remainder":
        row[0] = math.fmod(x, y) + (y if math.fmod(x, y) * y < 0 else 0)
      yield line(name, {}, [x, y], row, allowed)


def betainc_lines():
  """By x alone: derivatives by the two parameters have no closed form."""
  for a, b in [(0.5, 0.5), (1.0, 3.0), (2.5, 1.5), (8.0, 10.0)]:
    def function(a, b, x, order):
      density = lambda u: u.power(a - 1) * (1 - u).power(b - 1) / mp.beta(a, b)
      return by_derivative(lambda x: mp.betainc(a, b, 0, x, regularized=True), density)(x, order)
    for x in [1e-9, 0.1, 0.3, 0.5, 0.75, 0.999]:
      yield line("betainc", {}, [a, b, x], *analytic("betainc", function, [a, b, x]), wrt=[2])


def lines(only):
  jobs = [*((name, unary_lines, rest) for name, *rest in GROUPS), *((name, piecewise_lines, rest) for name, *rest in PIECES)]
  for name, make, rest in jobs:
    if not only or name == only:
      yield from make(name, *rest)
  for name in special_binary.BINARY:
    if not only or name == only:
      yield from binary_lines(name)
  if not only or only == "betainc":
    yield from betainc_lines()


if __name__ == "__main__":
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--only", help="print the lines of one operation")
  only = parser.parse_args().only
  if only:
    print("".join(lines(only)), end="")
  else:
    text = "".join(lines(None))
    FILE.write_text(text)
    print(f"{FILE.name}: {text.count(chr(10))} lines, {len(text):,} bytes")

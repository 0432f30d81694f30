"""What derivatives are where a function is not analytic: limits worked out by hand, and the conventions of docs/kinks.md.

An expectation is a number or one of these words:

  NaN, Infinity, -Infinity   exactly that
  unbounded                  an infinity of either sign, or NaN: the derivative has no bound near the point, or no side of it to choose
  corner                     0, an infinity or NaN: bounded on both sides, and a corner of a function in pieces
  any                        nothing is promised, but that all modes agree in kind
"""

import math

INF, NAN = "Infinity", "NaN"
MINF, U, CORNER, ANY = "-Infinity", "unbounded", "corner", "any"
HALF_PI = math.pi / 2

#: Functions of one operand: [value, first, ..., fourth derivative] at an operand, by its repr.
ZEROS = [0, 0, 0, 0]
NANS = [NAN] * 5
FREE = [NAN, ANY, ANY, ANY, ANY]
POLE = [INF, U, U, U, U]


def both(row):
  return {"0.0": row, "-0.0": row}


LOGARITHM = {**both([MINF, INF, U, U, U]), "inf": [INF] + ZEROS, "-1.0": FREE, "-inf": FREE}
ODD_EXPONENTIAL = {"inf": [INF] * 5, "-inf": [MINF, INF, MINF, INF, MINF]}
RELU_LIKE = {"inf": [INF, 1, 0, 0, 0], "-inf": [0] + ZEROS}
PERIODIC = {"inf": NANS, "-inf": NANS}
ARC = {"1.0": [HALF_PI, INF, U, U, U], "-1.0": [-HALF_PI, INF, U, U, U], "2.0": NANS, "-2.0": NANS, "inf": NANS, "-inf": NANS}
INVERSE = {"1.0": [INF, INF, U, U, U], "-1.0": [MINF, INF, U, U, U], "2.0": NANS, "-2.0": NANS, "inf": NANS, "-inf": NANS}

UNARY = {
  "neg": {"inf": [MINF, -1, 0, 0, 0], "-inf": [INF, -1, 0, 0, 0], "nan": [NAN, -1, 0, 0, 0]},
  "abs": {**both([0, 0, CORNER, CORNER, CORNER]), "inf": [INF, 1, 0, 0, 0], "-inf": [INF, -1, 0, 0, 0],
          "nan": NANS},
  "square": {"inf": [INF, INF, 2, 0, 0], "-inf": [INF, MINF, 2, 0, 0], "nan": [NAN, NAN, ANY, ANY, ANY]},
  "reciprocal": {"0.0": [INF, MINF, U, U, U], "-0.0": [MINF, MINF, U, U, U], "inf": [0] + ZEROS, "-inf": [0] + ZEROS},
  "sqrt": {**both([0, INF, U, U, U]), "inf": [INF] + ZEROS, "-1.0": NANS, "-inf": NANS},
  "rsqrt": {"0.0": [INF, MINF, U, U, U], "-0.0": [ANY, MINF, U, U, U], "inf": [0] + ZEROS, "-1.0": NANS, "-inf": NANS},
  "exp": {"inf": [INF] * 5, "-inf": [0] + ZEROS},
  "expm1": {"inf": [INF] * 5, "-inf": [-1] + ZEROS},
  "log": LOGARITHM, "log2": LOGARITHM, "log10": LOGARITHM,
  "log1p": {"-1.0": [MINF, INF, U, U, U], "inf": [INF] + ZEROS, "-2.0": FREE, "-inf": FREE},
  "sin": PERIODIC, "cos": PERIODIC, "tan": PERIODIC,
  "asin": ARC,
  "acos": {**ARC, "1.0": [0, MINF, U, U, U], "-1.0": [math.pi, MINF, U, U, U]},
  "atan": {"inf": [HALF_PI] + ZEROS, "-inf": [-HALF_PI] + ZEROS},
  "sinh": ODD_EXPONENTIAL,
  "cosh": {"inf": [INF] * 5, "-inf": [INF, MINF, INF, MINF, INF]},
  "tanh": {"inf": [1] + ZEROS, "-inf": [-1] + ZEROS},
  "asinh": {"inf": [INF] + ZEROS, "-inf": [MINF] + ZEROS},
  "acosh": {"1.0": [0, INF, U, U, U], "inf": [INF] + ZEROS, "0.5": NANS, "-2.0": NANS, "-inf": NANS},
  "atanh": INVERSE,
  "erf": {"inf": [1] + ZEROS, "-inf": [-1] + ZEROS},
  "erfc": {"inf": [0] + ZEROS, "-inf": [2] + ZEROS},
  "erfinv": INVERSE,
  "lgamma": {**both(POLE), "-1.0": POLE, "-2.0": POLE, "inf": [INF, INF, 0, 0, 0], "-inf": [INF, ANY, ANY, ANY, ANY]},
  "digamma": {"0.0": [MINF, U, U, U, U], "-0.0": [ANY, U, U, U, U], "-1.0": [NAN, U, U, U, U], "-2.0": [NAN, U, U, U, U],
              "inf": [INF] + ZEROS, "-inf": FREE[:0] + [ANY] * 5},
  "polygamma": {**both([U] * 5), "-1.0": [U] * 5, "inf": [0] + ZEROS, "-inf": [ANY] * 5},
  "sigmoid": {"inf": [1] + ZEROS, "-inf": [0] + ZEROS},
  "softplus": RELU_LIKE, "silu": RELU_LIKE, "gelu": RELU_LIKE,
  "log_sigmoid": {"inf": [0] + ZEROS, "-inf": [MINF, 1, 0, 0, 0]},
  # e^-|x| has a corner; that of i1e is in its second derivative.
  "i0e": {**both([1, 0, ANY, ANY, ANY]), "inf": [0] + ZEROS, "-inf": [0] + ZEROS},
  "i1e": {**both([0, 0.5, ANY, ANY, ANY]), "inf": [0] + ZEROS, "-inf": [0] + ZEROS},
  "ndtr": {"inf": [1] + ZEROS, "-inf": [0] + ZEROS},
  "log_ndtr": {"inf": [0] + ZEROS, "-inf": [MINF, INF, -1, 0, 0]},
  "ndtri": {**both([MINF, INF, U, U, U]), "1.0": [INF, INF, U, U, U], "2.0": NANS, "-1.0": NANS, "inf": NANS, "-inf": NANS},
  "erfcx": {"inf": [0] + ZEROS, "-inf": [INF, MINF, U, U, U]},
  "sinc": {"inf": [ANY] * 5, "-inf": [ANY] * 5},
}


def relu(x, alpha=0.0):
  """Pieces: the derivative at 0 is the slope of the left."""
  if math.isnan(x):
    return NANS
  slope = 1 if x > 0 else alpha
  value = 0 if math.isinf(x) and slope == 0 else x * slope
  return [value, slope] + ([CORNER] * 3 if x == 0 else [0] * 3)


def clip(x, low, high):
  if math.isnan(x):
    return NANS
  value = min(max(x, low), high)
  # An infinite bound is none.
  bounds = [bound for bound in (low, high) if math.isfinite(bound)]
  inside = all((x > bound) == (bound == low) and x != bound for bound in bounds)
  return [value, int(inside)] + ([CORNER] * 3 if x in bounds else [0] * 3)


def step(value):
  """Flat wherever it is smooth, and 0 at the steps; NaN of NaN, as everywhere."""
  def function(x):
    return NANS if math.isnan(x) else [word(x) if math.isinf(x) else value(x)] + [0] * 4
  return function


def word(x):
  return INF if x > 0 else MINF


def sign(x):
  return NANS if math.isnan(x) else [x if x == 0 else math.copysign(1, x)] + [0] * 4


STEPS = {
  "floor": step(lambda x: float(math.floor(x))), "ceil": step(lambda x: float(math.ceil(x))),
  "trunc": step(lambda x: float(math.trunc(x))), "round": step(lambda x: float(round(x))), "sign": sign,
}

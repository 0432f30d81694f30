"""Where each elementwise function is measured: its domain, the points beside which it is delicate, and where it is not constant."""

import math
import random

INF = math.inf
PI = math.pi

#: (domain, centres: zeros, poles, bounds and roots of the derivative, interval in which the function lives)
UNARY = {
  "square": ((-INF, INF), [], (-10, 10)),
  "reciprocal": ((-INF, INF), [], (-10, 10)),
  "sqrt": ((0, INF), [1], (0, 100)),
  "rsqrt": ((0, INF), [1], (0, 100)),
  "exp": ((-INF, INF), [], (-746, 710)),
  "expm1": ((-INF, INF), [], (-60, 710)),
  "log": ((0, INF), [1], (0, 10)),
  "log1p": ((-1, INF), [-1], (-1, 10)),
  "log2": ((0, INF), [1], (0, 10)),
  "log10": ((0, INF), [1], (0, 10)),
  "sin": ((-INF, INF), [k * PI / 2 for k in (-3, -2, -1, 1, 2, 3, 1000)], (-100, 100)),
  "cos": ((-INF, INF), [k * PI / 2 for k in (-3, -2, -1, 1, 2, 3, 1000)], (-100, 100)),
  "tan": ((-INF, INF), [k * PI / 2 for k in (-3, -2, -1, 1, 2, 3, 1000)], (-100, 100)),
  "asin": ((-1, 1), [-1, 1, 0.5, -0.5], (-1, 1)),
  "acos": ((-1, 1), [-1, 1, 0.5, -0.5], (-1, 1)),
  "atan": ((-INF, INF), [1, -1], (-10, 10)),
  "sinh": ((-INF, INF), [], (-711, 711)),
  "cosh": ((-INF, INF), [], (-711, 711)),
  "tanh": ((-INF, INF), [], (-380, 380)),
  "asinh": ((-INF, INF), [], (-10, 10)),
  "acosh": ((1, INF), [1], (1, 10)),
  "atanh": ((-1, 1), [-1, 1], (-1, 1)),
  "erf": ((-INF, INF), [], (-27, 27)),
  "erfc": ((-INF, INF), [], (-27, 27.5)),
  "erfinv": ((-1, 1), [-1, 1], (-1, 1)),
  "lgamma": ((-100, INF), [1, 2, -1, -2, -3, -10, -2.4570247382208006, -2.7476826467274127, -3.143580888349980], (-20, 200)),
  "digamma": ((-100, INF), [1.4616321449683623, -0.5040830082644554, -1.5734984731623904, -1, -2, -10], (-20, 200)),
  "sigmoid": ((-INF, INF), [], (-746, 60)),
  "softplus": ((-INF, INF), [], (-746, 60)),
  "log_sigmoid": ((-INF, INF), [], (-60, 746)),
  "silu": ((-INF, INF), [-1.2784645427610738], (-746, 60)),
  "gelu": ((-INF, INF), [-0.7517915246935645], (-39, 39)),
  "gelu_tanh": ((-INF, INF), [-0.7524614220710162], (-39, 39)),
  "elu": ((-INF, INF), [], (-60, 10)),
  "i0e": ((-1e8, 1e8), [], (-100, 100)),
  "i1e": ((-1e8, 1e8), [], (-100, 100)),
  "ndtr": ((-INF, INF), [], (-38.5, 38.5)),
  "log_ndtr": ((-INF, INF), [], (-1000, 38.5)),
  "ndtri": ((0, 1), [0.5, 1], (0, 1)),
  "erfcx": ((-27, INF), [], (-26, 100)),
  "sinc": ((-INF, INF), [1, -1, 2, 100, 1.4302966531242027], (-50, 50)),
  "polygamma": ((-100, INF), [-1, -2, -10], (-20, 200)),
}
#: (domains of both operands, centres as pairs, intervals)
BINARY = {
  "div": (((-INF, INF), (-INF, INF)), [], ((-10, 10), (-10, 10))),
  "pow": (((0, INF), (-INF, INF)), [(1, 1), (1, 1000)], ((0, 100), (-20, 20))),
  "atan2": (((-INF, INF), (-INF, INF)), [(1, 1), (1, -1)], ((-10, 10), (-10, 10))),
  "hypot": (((-INF, INF), (-INF, INF)), [(1, 1), (3, 4)], ((-10, 10), (-10, 10))),
  "logaddexp": (((-INF, INF), (-INF, INF)), [(-math.log(2), -math.log(2)), (700, 700)], ((-40, 40), (-40, 40))),
  "xlogy": (((-INF, INF), (0, INF)), [(1, 1)], ((-10, 10), (0, 10))),
  "zeta": (((1, 50), (0, 1e6)), [(2, 1)], ((1, 20), (0, 20))),
}
BITS = {"float64": (53, -1074, 1023), "float32": (24, -149, 127)}


def anywhere(random, bits, low, high):
  """Every exponent alike, from `low` to `high`."""
  return random.choice([-1, 1]) * math.ldexp(random.uniform(1, 2), random.randint(low, high))


def beside(random, centre, bits):
  """As near to a point as 2^-1 to 2^-bits of its size."""
  return centre + random.choice([-1, 1]) * (abs(centre) or 1) * math.ldexp(random.uniform(1, 2), -random.randint(1, bits))


def operand(random, kind, domain, centre, interval, dtype):
  bits, least, most = BITS[dtype]
  if kind == "anywhere":
    return anywhere(random, bits, least, most)
  if kind == "ordinary":
    return anywhere(random, bits, -20, 10)
  if kind == "beside" and centre is not None:
    return beside(random, centre, bits)
  return random.uniform(*interval)


def rounded(x, dtype):
  import numpy
  with numpy.errstate(all="ignore"):
    return float(numpy.float32(x)) if dtype == "float32" else x


def points(name, dtype, count, seed):
  """`count` points, the same for the same seed: a fifth over all exponents, the others where the function lives."""
  generator = random.Random(f"{name} {dtype} {seed}")
  domains, centres, intervals = UNARY.get(name) or BINARY[name]
  unary = name in UNARY
  if unary:
    domains, centres, intervals = (domains,), [(c,) for c in centres], (intervals,)
  found = []
  while len(found) < count:
    kind = generator.choices(["anywhere", "ordinary", "beside", "interval"], [20, 30, 20, 30])[0]
    centre = generator.choice(centres) if centres else [None] * len(domains)
    point = [
      rounded(operand(generator, kind, *where, dtype), dtype)
      for where in zip(domains, centre, intervals)]
    if all(low < x < high and math.isfinite(x) and x != 0 for x, (low, high) in zip(point, domains)):
      found.append(point)
  return found

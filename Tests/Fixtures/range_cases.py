"""ranges.jsonl: composite operations at the ends of the range of numbers, with values and derivatives of mpmath.

Each line has a request whose result is y, and of the sum of y times its cotangent the value of y, the gradient and the Hessian by x, computed
in 80 digits and rounded once. Written from the definitions of the operations alone; numbers of x are those of its dtype.

    python3 range_cases.py    # needs mpmath only; rewrites ranges.jsonl byte for byte
"""

import json
import struct
from pathlib import Path

from mpmath import mp, mpf

mp.dps = 80


class Jet:
  """A number with its gradient and Hessian by all inputs."""

  def __init__(self, value, gradient, hessian):
    self.value, self.gradient, self.hessian = value, gradient, hessian

  @staticmethod
  def constant(value, n):
    return Jet(mpf(value), [mpf(0)] * n, [[mpf(0)] * n for _ in range(n)])

  @staticmethod
  def inputs(values):
    jets = [Jet.constant(value, len(values)) for value in values]
    for i, jet in enumerate(jets):
      jet.gradient[i] = mpf(1)
    return jets

  def applied(self, f, d1, d2):
    """f of this number, by its first two derivatives there."""
    g, n = self.gradient, range(len(self.gradient))
    return Jet(f, [d1 * a for a in g], [[d1 * self.hessian[i][j] + d2 * g[i] * g[j] for j in n] for i in n])

  def __add__(self, other):
    n = range(len(self.gradient))
    return Jet(
      self.value + other.value, [a + b for a, b in zip(self.gradient, other.gradient)],
      [[self.hessian[i][j] + other.hessian[i][j] for j in n] for i in n])

  def __mul__(self, other):
    if not isinstance(other, Jet):
      return self.applied(self.value * other, mpf(other), mpf(0))
    n, a, b = range(len(self.gradient)), self, other
    return Jet(
      a.value * b.value, [a.value * b.gradient[i] + b.value * a.gradient[i] for i in n],
      [[a.value * b.hessian[i][j] + b.value * a.hessian[i][j] + a.gradient[i] * b.gradient[j] + a.gradient[j] * b.gradient[i]
        for j in n] for i in n])

  def __sub__(self, other):
    return self + other * mpf(-1)

  def sqrt(self):
    root = mp.sqrt(self.value)
    return self.applied(root, 1 / (2 * root), -1 / (4 * root * self.value))

  def exp(self):
    power = mp.exp(self.value)
    return self.applied(power, power, power)

  def log(self):
    return self.applied(mp.log(self.value), 1 / self.value, -1 / self.value**2)

  def reciprocal(self):
    return self.applied(1 / self.value, -1 / self.value**2, 2 / self.value**3)

  def abs(self):
    return self if self.value >= 0 else self * mpf(-1)


def total(jets):
  result = jets[0]
  for jet in jets[1:]:
    result = result + jet
  return result


def product(jets):
  result = jets[0]
  for jet in jets[1:]:
    result = result * jet
  return result


def mean(x):
  return total(x) * (mpf(1) / len(x))


def variance(x, correction=0):
  centre = mean(x)
  return total([(a - centre) * (a - centre) for a in x]) * (mpf(1) / (len(x) - correction))


def largest(x):
  return max(x, key=lambda a: a.value)


def exponentials(x):
  peak = largest(x).value
  return [(a - Jet.constant(peak, len(x))).exp() for a in x], peak


def logsumexp(x):
  powers, peak = exponentials(x)
  return total(powers).log() + Jet.constant(peak, len(x))


def softmax(x):
  powers, _ = exponentials(x)
  scale = total(powers).reciprocal()
  return [power * scale for power in powers]


def determinant(rows):
  if len(rows) == 1:
    return rows[0][0]
  minors = [[row[:j] + row[j + 1:] for row in rows[1:]] for j in range(len(rows))]
  return total([rows[0][j] * determinant(minors[j]) * mpf((-1)**j) for j in range(len(rows))])


def log_determinant(x):
  n = round(len(x)**0.5)
  return determinant([x[i * n:(i + 1) * n] for i in range(n)]).abs().log()


def running(x, combine):
  results = [x[0]]
  for a in x[1:]:
    results.append(combine(results[-1], a))
  return results


# Name, attributes, what it computes.
OPERATIONS = {
  "norm": ("norm", {}, lambda x: [total([a * a for a in x]).sqrt()]),
  "norm of order 1": ("norm", {"ord": 1}, lambda x: [total([a.abs() for a in x])]),
  "norm of order Infinity": ("norm", {"ord": "Infinity"}, lambda x: [largest([a.abs() for a in x])]),
  "std": ("std", {}, lambda x: [variance(x).sqrt()]),
  "std with correction": ("std", {"correction": 1}, lambda x: [variance(x, 1).sqrt()]),
  "var": ("var", {}, lambda x: [variance(x)]),
  "var with correction": ("var", {"correction": 1}, lambda x: [variance(x, 1)]),
  "mean": ("mean", {}, lambda x: [mean(x)]),
  "sum": ("sum", {}, lambda x: [total(x)]),
  "prod": ("prod", {}, lambda x: [product(x)]),
  "logsumexp": ("logsumexp", {}, lambda x: [logsumexp(x)]),
  "softmax": ("softmax", {}, softmax),
  "log_softmax": ("log_softmax", {}, lambda x: [a - logsumexp(x) for a in x]),
  "slogdet": ("slogdet", {}, lambda x: [log_determinant(x)]),
  "cumsum": ("cumsum", {"axis": 0}, lambda x: running(x, lambda a, b: a + b)),
  "cumprod": ("cumprod", {"axis": 0}, lambda x: running(x, lambda a, b: a * b)),
}
# Where one exponential is nearly all, and what the others are is known to the last bit.
OPERATIONS |= {f"{name} where sure": OPERATIONS[name] for name in ("logsumexp", "softmax", "log_softmax")}
SCALED = ["norm", "norm of order 1", "norm of order Infinity", "std", "std with correction", "var", "var with correction", "mean", "sum",
          "logsumexp", "softmax", "log_softmax", "cumsum"]
SCALES = {
  "float64": [1, 1e150, 1e-150, 1e200, 1e-200, 1e300, 1e-300],
  "float32": [1, 1e17, 1e-17, 1e20, 1e-20, 1e30, 1e-30, 1e35, 1e-35],
}
# Hessians are exact beside `scale`, the size that the gradient and x give them: what cancels in one entry is as large as the others. Those
# of products are exact entry by entry.
# Without cancellation each number of an answer is exact by itself; otherwise beside the largest.
EXACT_HESSIANS = ["prod", "logsumexp where sure", "softmax where sure", "log_softmax where sure"]
ELEMENTWISE = ["norm", "mean", "sum", "cumprod"] + EXACT_HESSIANS
SURE = [[3, -4], [0, -50], [20, 0], [-50, -49, 0], [40, 5, 3.5, 0.25], [-1, -0.25]]
SHAPES = [[3, -4], [0.5, -1.25, 2.75, 0.375], [1, 1e-3, -1e-3]]
# The same in both dtypes, by what float32 makes of them.
MORE = {
  "float64": {
    "norm": [[1, 1], [-2, 2, 1e-9], [1, 1, 1], [1e300, 1, 1e-300], [1e200, 1, 1], [3e-310, 4e-310], [1.7e308, 0], [2.2250738585072014e-308, 0],
             [1e-320, 1e-320], [5e-324, 5e-324], [1e-323, -5e-324, 0], [1.7e308, 1.7e308], [1e-290, 1e-291]],
    "std": [[1e300, 1, -1e300], [1e-300, 2e-300, 4e-300], [1e308, -1e308], [1.7e308, -1.7e308, 1e308], [0, 1.7e308, -1.7e308],
            [1e-320, 3e-320], [5e-324, 1.5e-323, 0], [0, 1e-310, 3e-310], [1e-270, 1e-272, 3e-271], [0, 5e-324, 1e300]],
    "var": [[1e154, -1e154], [1e-160, 3e-160], [1e308, -1e308], [1e200, 3e200, 1]],
    "logsumexp where sure": SURE + [[0, 0, -40]], "softmax where sure": SURE, "log_softmax where sure": SURE + [[0, 0, -40]],
    "mean": [[1.7e308, 1.7e308], [1.7e308, 1.7e308, -1.7e308, 3], [5e-324, 5e-324], [1e-310, 3e-310]],
    "prod": [[1e-200, 1e-200, 1e200, 1e200], [1e200, 1e200, 1e-200, 1e-200], [1e-200, 1e200, 1e-200, 1e200], [1e-110] * 4, [1e100] * 4,
             [1e-300, 1e-300, 1e300], [0, 1e200, 1e200], [5e-324, 1e300, 1e20], [1e-200, 2], [1e-200] * 3, [1e160, 1e160, 1e-320]],
    "cumprod": [[1e-200, 2, 1e200, 3], [1e100, 1e100, 1e100]],
    "slogdet": [[3e300, 1e300, 2e300, 5e300], [3e-300, 1e-300, 2e-300, 5e-300], [2e300, 1e-300, 3e-300, 1e-300],
                [4e200, 1e200, 0, 1e200, 3e200, 1e200, 0, 1e200, 5e200]],
    "logsumexp": [[700, -700, 710], [-1000, -1001], [1e308, -1e308]],
    "softmax": [[700, -700, 699], [1e308, -1e308]],
  },
  "float32": {
    "norm": [[1, 1], [1, 1, 1], [1e20, 1, 1], [1e-23, 2e-23, -2e-23], [3e38, 0], [1e38, 1e-38], [1.1754944e-38, 0], [1e-45, 1e-45], [3e-42, 1e-42],
             [3e38, 3e38]],
    "std": [[1e30, 2e30, 4e30], [1e-30, 2e-30, 4e-30], [3e38, -3e38], [0, 3e38, -3e38], [1e-42, 3e-42], [1e-45, 3e-45, 0]],
    "var": [[1e19, -1e19], [1e-18, 3e-18], [3e38, -3e38]],
    "logsumexp where sure": SURE + [[0, 0, -40]], "softmax where sure": SURE, "log_softmax where sure": SURE + [[0, 0, -40]],
    "mean": [[3e38, 3e38], [3e38, 3e38, -3e38, 3], [1e-45, 1e-45]],
    "prod": [[1e-25, 1e-25, 1e25, 1e25], [1e25, 1e25, 1e-25, 1e-25], [1e-12] * 4, [1e-30, 1e-30, 1e30], [0, 1e25, 1e25]],
    "slogdet": [[3e35, 1e35, 2e35, 5e35], [3e-35, 1e-35, 2e-35, 5e-35]],
    "logsumexp": [[80, -80, 85], [-1000, -1001]],
    "softmax": [[80, -80, 79]],
  },
}


def in_dtype(number, dtype):
  """A float as the dtype has it."""
  return float(number) if dtype == "float64" else struct.unpack("f", struct.pack("f", number))[0]


def written(number, dtype):
  """The nearest number of the dtype; infinite where that is beyond the largest."""
  largest = mpf(2)**1024 * (1 - mpf(2)**-54) if dtype == "float64" else mpf(2)**128 * (1 - mpf(2)**-25)
  if abs(number) >= largest:
    return "Infinity" if number > 0 else "-Infinity"
  # A float64 is exact enough for a float32; the quantum of subnormals is the test's business.
  return float(number)


def lines():
  for dtype, scales in SCALES.items():
    cases = [(name, [a * scale for a in shape]) for name in SCALED for scale in scales for shape in SHAPES]
    cases += [(name, x) for name, xs in MORE[dtype].items() for x in xs]
    for name, numbers in cases:
      operation, attributes, function = OPERATIONS[name]
      x = [in_dtype(number, dtype) for number in numbers]
      results = function(Jet.inputs(x))
      weights = [1 + index / 4 for index in range(len(results))]
      scalar = total([result * mpf(weight) for result, weight in zip(results, weights)])
      is_matrix = operation == "slogdet"
      n = round(len(x)**0.5)
      shape = [n, n] if is_matrix else [len(x)]
      outputs = ["sign", "y"] if is_matrix else ["y"]
      is_scalar = len(results) == 1
      cotangent = {"dtype": dtype, "shape": [] if is_scalar else [len(x)], "data": weights}
      request = {
        "graph": {"nodes": [{"op": operation, "inputs": ["x"], "outputs": outputs, "attributes": attributes}], "outputs": ["y"]},
        "inputs": {"x": {"dtype": dtype, "shape": shape, "data": x}}, "cotangents": {"y": cotangent}, "encoding": "flat"}
      # The gradients of softmax and log_softmax are differences of what has the size of the cotangents.
      size = max(weights) if "softmax" in operation else max(map(abs, scalar.gradient))
      # Exponentials change by their own size where x changes by 1.
      length = min(1, max(abs(mpf(a)) for a in x)) if "sumexp" in operation or "softmax" in operation else max(abs(mpf(a)) for a in x)
      line = {
        "name": f"{name} of {numbers} {dtype}", "elementwise": operation in ELEMENTWISE, "products": name in EXACT_HESSIANS,
        "gradient_scale": min(1e308, float(size)), "scale": min(1e308, float(size / length)), "request": request,
        "outputs": [written(result.value, dtype) for result in results],
        "gradient": [written(a, dtype) for a in scalar.gradient]}
      hessian = [written(a, dtype) for row in scalar.hessian for a in row]
      # Beyond the range of numbers nothing is promised of what stands beside it, but in products, where nothing is added up.
      # Nor where rounding alone is beyond what the test has as a scale.
      if name in EXACT_HESSIANS or (size / length < 1e308 and not any(isinstance(a, str) for a in hessian)):
        line["hessian"] = hessian
      yield line


if __name__ == "__main__":
  with open(Path(__file__).parent / "ranges.jsonl", "w") as file:
    for line in lines():
      file.write(json.dumps(line) + "\n")

"""corners.jsonl: graded matrices, powers of small lengths and running logarithms, with values and derivatives of mpmath.

Lines are those of ranges.jsonl (see range_cases.py, whose numbers with derivatives these are): a request whose result is y,
and the value of y, and gradient and Hessian by x of the sum of y times its cotangent.

    python3 corner_cases.py    # needs mpmath only; rewrites corners.jsonl byte for byte
"""

import json
from pathlib import Path

from mpmath import mp, mpf

from range_cases import Jet, determinant, log_determinant, running, total, variance, written

mp.dps = 1500
FILE = Path(__file__).parent / "corners.jsonl"

# Far from singular, in any scale of rows and columns.
MATRICES = {2: [[4, 1], [-1, 3]], 3: [[4, 1, -1], [1, -3, 1], [-1, 1, 5]], 4: [[4, 1, -1, 1], [1, -5, 1, 1], [-1, 1, 6, 1], [1, -1, 1, 4]]}
# Decades of the rows and columns.
GRADES = {
  2: [([0, 0], [-160, 160]), ([-160, 160], [0, 0]), ([-150, 140], [-140, 150]), ([-100, -20], [120, 10]), ([0, 12], [0, -9])],
  3: [([-150, 0, 150], [0, 0, 0]), ([0, 0, 0], [150, -150, 0]), ([-90, 60, 20], [-60, 100, -40]), ([3, -7, 2], [9, 0, -8])],
  4: [([-140, 0, 90, 50], [0, 0, 0, 0]), ([0, 0, 0, 0], [-50, 140, 10, -100]), ([-70, 30, 20, 15], [60, -10, -25, -20])],
}


def rows(x):
  n = round(len(x)**0.5)
  return [x[i * n:(i + 1) * n] for i in range(n)]


def inverse(x):
  a = rows(x)
  n = len(a)
  scale = determinant(a).reciprocal()

  def minor(i, j):
    rest = [row[:j] + row[j + 1:] for k, row in enumerate(a) if k != i]
    return determinant(rest) if rest else Jet.constant(1, len(x))

  return [[minor(j, i) * scale * mpf((-1)**(i + j)) for j in range(n)] for i in range(n)]


def solution(x):
  right = [mpf(k + 1) * (-1)**k for k in range(round(len(x)**0.5))]
  return [total([a * b for a, b in zip(row, right)]) for row in inverse(x)]


def length(x):
  return total([a * a for a in x]).sqrt()


def log_sum(a, b):
  """ln(e^a + e^b), at sizes at which neither exponential can be formed."""
  low, high = sorted((a, b), key=lambda jet: jet.value)
  return high + (Jet.constant(1, len(a.gradient)) + (low - high).exp()).log()


def log_sums(x):
  return running(x, log_sum)


def log_sums_slope(x):
  """The gradient of the sum of log_sums."""
  sums = log_sums(x)
  return [total([(x[j] - y).exp() for y in sums[j:]]) for j in range(len(x))]


def node(op, inputs, outputs, attributes=None):
  return {"op": op, "inputs": inputs, "outputs": outputs, "attributes": attributes or {}}


POWER = node("pow", ["r", 3], ["y"])
CUBE = [node("mul", ["r", "r"], ["q"]), node("mul", ["q", "r"], ["y"])]
SIDES = [node("take", ["x", k], [name], {"axis": 0}) for k, name in enumerate("ab")]
LENGTHS = {"norm": [node("norm", ["x"], ["r"])], "hypot": SIDES + [node("hypot", ["a", "b"], ["r"])], "std": [node("std", ["x"], ["r"])]}
LOG_SUMS = node("logcumsumexp", ["x"], ["y"], {"axis": 0})
LOG_SUMS_SLOPE = [node("logcumsumexp", ["x"], ["s"], {"axis": 0}), node("grad", ["s", "x"], ["y"])]


def sizes(p, q):
  """The sum of |p| |q|, of nodes that make p and q."""
  return p + q + [node("abs", ["p"], ["P"]), node("abs", ["q"], ["Q"]), node("mul", ["P", "Q"], ["m"]), node("sum", ["m"], ["y"])]


def minus_tanh(a):
  e = (a + a).exp()
  one = Jet.constant(1, len(a.gradient))
  return (one - e) * (e + one).reciprocal()


P = node("mul", ["x", 2], ["p"])
# Nodes of p and q, which cross 0 together, and |p| |q| without corners.
CROSSINGS = {
  "|2x| |3x|": ([P], [node("mul", ["x", 3], ["q"])], lambda x: total([a * a * mpf(6) for a in x])),
  "|2x| |-tanh x|": ([P], [node("tanh", ["x"], ["t"]), node("neg", ["t"], ["q"])],
                     lambda x: total([a * minus_tanh(a) * mpf(-2) for a in x])),
  "|2x| |e^x - 1|": ([P], [node("expm1", ["x"], ["q"])],
                     lambda x: total([a * (a.exp() - Jet.constant(1, len(x))) * mpf(2) for a in x])),
  "|a - b| |b - a|": (SIDES + [node("sub", ["a", "b"], ["p"])], [node("sub", ["b", "a"], ["q"])],
                      lambda x: (x[0] - x[1]) * (x[0] - x[1])),
}


def cases():
  """Name, nodes, x, its shape, what y is, and how near it must be."""
  for n, grades in GRADES.items():
    for down, across in grades:
      x = [float(mpf(MATRICES[n][i][j]) * mpf(10)**(down[i] + across[j])) for i in range(n) for j in range(n)]
      graded = f"{n} by {n}, rows {down}, columns {across}"
      right = [float(k + 1) * (-1)**k for k in range(n)]
      yield f"det, {graded}", [node("det", ["x"], ["y"])], x, [n, n], lambda x: [determinant(rows(x))], 1e-13
      yield f"slogdet, {graded}", [node("slogdet", ["x"], ["s", "y"])], x, [n, n], lambda x: [log_determinant(x)], 1e-13
      if n < 4:
        yield f"inv, {graded}", [node("inv", ["x"], ["y"])], x, [n, n], lambda x: [a for row in inverse(x) for a in row], 1e-13
        yield f"solve, {graded}", [node("solve", ["x", right], ["y"])], x, [n, n], solution, 1e-13
  for scale in (1, 1e-100, 1e-153, 1e-158, 1e-161, 1e-200, 1e100):
    x = [3 * scale, -4.5 * scale]
    for name, nodes in LENGTHS.items():
      def cube(x, name=name):
        r = variance(x).sqrt() if name == "std" else length(x)
        return [r * r * r]
      yield f"{name} to the third at {scale:g}", nodes + [POWER], x, [2], cube, 1e-14
      yield f"{name} three times at {scale:g}", nodes + CUBE, x, [2], cube, 1e-14
  for name, (p, q, product) in CROSSINGS.items():
    for x in ([0, 0], [0.5, 0.5], [0, -0.75]):
      yield f"{name} at {x}", sizes(p, q), x, [2], lambda x, product=product: [product(x)], 1e-14
  for x in ([0.5, -1.25, 2, 0.25], [700, -700, 710], [-1000, -1001, -999], [1e300, 1e-300, -1e300], [-1e300, 1e-300, 1e300],
            [0, -40, 40], [40, 0, -40], [1e-300, -1e-300, 1e-300]):
    # Weights are made of the results, which are rounded beside their own size.
    relative = 1e-14 if max(map(abs, x)) in (2, 40, 1e300) or max(map(abs, x)) < 1 else 1e-12
    yield f"logcumsumexp of {x}", [LOG_SUMS], x, [len(x)], log_sums, relative
    yield f"gradient of logcumsumexp of {x}", LOG_SUMS_SLOPE, x, [len(x)], log_sums_slope, relative


def is_in_range(numbers):
  """Whether all are 0 or numbers that keep their bits."""
  return all(a == 0 or mpf(2)**-1000 < abs(a) < mpf(2)**1000 for a in numbers)


def line(name, nodes, x, shape, function, relative):
  results = function(Jet.inputs(x))
  weights = [1 + index / 4 for index in range(len(results))]
  scalar = total([result * mpf(weight) for result, weight in zip(results, weights)])
  is_running = "logcumsumexp" in name
  shape_of_y = [] if name.startswith(("det", "slogdet")) or len(results) == 1 else [len(x)] if is_running else shape[:1]
  if name.startswith("inv"):
    shape_of_y = shape
  cotangent = {"dtype": "float64", "shape": shape_of_y, "data": weights}
  request = {
    "graph": {"nodes": nodes, "outputs": ["y"]}, "inputs": {"x": {"dtype": "float64", "shape": shape, "data": x}},
    "cotangents": {"y": cotangent}, "encoding": "flat"}
  # Running sums are exact beside their largest terms, all else number by number.
  size = max(weights) * len(x)
  result = {
    "name": name, "elementwise": not is_running, "products": not is_running, "relative": relative, "gradient_scale": size,
    "scale": size, "request": request, "outputs": [written(a.value, "float64") for a in results]}
  gradient, hessian = scalar.gradient, [a for row in scalar.hessian for a in row]
  if is_running or is_in_range(gradient):
    result["gradient"] = [written(a, "float64") for a in gradient]
  # Larger ones have cofactors that are 0 but for rounding.
  if is_running or (len(x) < 16 and is_in_range(hessian)):
    result["hessian"] = [written(a, "float64") for a in hessian]
  return result


if __name__ == "__main__":
  FILE.write_text("".join(json.dumps(line(*case)) + "\n" for case in cases()))

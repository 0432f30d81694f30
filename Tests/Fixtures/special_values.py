"""Writes special_values.jsonl: special functions and their derivatives of every order up to four at random points of every region, by mpmath,
for the test of their accuracy. `python special_values.py`; some minutes."""

import json
import math
import random
from pathlib import Path

from mpmath import diff, mp, mpf

import special_extremes
from oracle_special import FUNCTIONS

#: How many units in the last place a result may be off: values and first derivatives, and higher ones.
UNITS, HIGHER_UNITS = 8, 20_000


def uniform(low, high):
  return lambda r: r.uniform(low, high)


def logarithmic(low, high, sign=1):
  return lambda r: sign * 10 ** r.uniform(low, high)


def near_mean(r):
  a = 10 ** r.uniform(1.3, 2.3)
  return a, max(0.1, a + r.uniform(-4, 4) * math.sqrt(a))


def each(*draws):
  return lambda r: tuple(draw(r) for draw in draws)


def near_mean_of_beta(r):
  a, b = 10 ** r.uniform(0, 2), 10 ** r.uniform(0, 2)
  deviation = math.sqrt(a * b / (a + b + 1)) / (a + b)
  return a, b, min(0.999, max(0.001, a / (a + b) + r.uniform(-3, 3) * deviation))


#: By operation: how many points of each kind.
REGIONS = {
  "ndtr": {each(uniform(-37, 8)): 12, each(uniform(-3, 3)): 12, each(logarithmic(-10, 0)): 4},
  "log_ndtr": {each(uniform(-50, 8)): 12, each(uniform(-5, 3)): 12, each(logarithmic(0, 3, -1)): 6},
  "ndtri": {each(uniform(0, 1)): 12, each(logarithmic(-25, -1)): 8, each(lambda r: 0.5 + 10 ** r.uniform(-12, -1)): 4},
  "erfcx": {each(uniform(-20, 20)): 16, each(logarithmic(-10, 3)): 10},
  "sinc": {each(uniform(-8, 8)): 14, each(logarithmic(-20, 0)): 6, each(logarithmic(0, 6, -1)): 6},
  "i0e": {each(uniform(-40, 40)): 16, each(logarithmic(-10, 6)): 10},
  "i1e": {each(uniform(-40, 40)): 16, each(logarithmic(-10, 6)): 10},
  "gammainc": {each(uniform(0, 10), uniform(0, 10)): 4, each(logarithmic(-3, 2), logarithmic(-3, 2)): 3, near_mean: 2},
  "gammaincc": {each(uniform(0, 10), uniform(0, 10)): 4, each(logarithmic(-3, 2), logarithmic(-3, 2)): 3, near_mean: 2},
  "zeta": {each(uniform(1, 6), uniform(0, 6)): 6, each(logarithmic(0, 2), logarithmic(-2, 1)): 4, each(uniform(1, 8), logarithmic(1, 8)): 2},
  "betainc": {each(uniform(0, 5), uniform(0, 5), uniform(0, 1)): 4, near_mean_of_beta: 3},
}
ORDERS = {
  1: [(n,) for n in range(5)],
  2: [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (4, 0), (1, 3)],
  3: [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 0, 2), (1, 0, 1), (2, 1, 1)],
}


def derivative(function, orders, point):
  """By mpmath's numerical differentiation in as many digits as that takes."""
  point = tuple(map(mpf, point))
  if not any(orders):
    return function(*point)
  return diff(function, point, orders) if len(point) > 1 else diff(function, point[0], orders[0])


def function_of(op, point):
  """The function, from the side that mpmath knows to all digits at this point, and what of it is the value."""
  if op == "gammainc" and point[1] > point[0]:
    return (lambda a, x: 1 - FUNCTIONS["gammaincc"](a, x))
  if op == "gammaincc" and point[1] < point[0]:
    return (lambda a, x: 1 - FUNCTIONS["gammainc"](a, x))
  if op == "betainc" and point[2] > 0.5:
    return (lambda a, b, x: 1 - FUNCTIONS["betainc"](b, a, 1 - x))
  return FUNCTIONS[op]


def line(op, orders, points):
  """Values, and how far off a result may be: some units in its last place, and, of values and first derivatives, what two of each
  operand's make."""
  values, allowed, kept = [], [], []
  for point in points:
    # At a corner the sides have derivatives of their own.
    function = function_of(op, point)
    value = derivative(function, orders, point)
    if not 1e-290 < abs(value) < 1e290:
      continue
    excuse = 0 if sum(orders) > 1 else sum(
      2 * math.ulp(x) * abs(float(derivative(function, tuple(n + (i == position) for i, n in enumerate(orders)), point)))
      for position, x in enumerate(point))
    values.append(float(value))
    allowed.append((UNITS if sum(orders) < 2 else HIGHER_UNITS) * math.ulp(float(abs(value))) + excuse)
    kept.append(point)
  data = {"op": op, "orders": list(orders), "operands": [list(column) for column in zip(*kept)], "values": values,
          "allowed": [float(f"{a:.3g}") for a in allowed]}
  return json.dumps(data, separators=(",", ":")) + "\n"


def main():
  lines = []
  for op, regions in REGIONS.items():
    rng = random.Random(op)
    points = [draw(rng) for draw, count in regions.items() for _ in range(count)]
    with mp.workdps(40):
      lines += [line(op, orders, points) for orders in ORDERS[len(points[0])]]
    print(op, flush=True)
  lines += special_extremes.lines()
  Path(__file__).with_name("special_values.jsonl").write_text("".join(lines))


if __name__ == "__main__":
  main()

"""Incomplete functions and their derivatives up to order four where operands are tiny, huge or of very different sizes: lines of
special_values.jsonl, by power series in mpmath. Values by DLMF 8.7.1 and 8.17.8, densities by their definitions.
"""

import json
import math
from itertools import product

from mpmath import mp, mpf

ORDER = 4
#: Relative errors, beside what two last places of each operand make.
ALLOWED = 1e-12
#: No more than this of what operands' last places change is asked for.
WORST = 1e4
GAMMA = list(product([1e-310, 1e-160, 1e-20, 0.3, 1.0, 2.0, 3.0, 6.5, 50.0], [5e-324, 1e-310, 1e-200, 1e-110, 1e-20, 1e-3, 0.3, 2.0]))
BETA = list(product([1e-160, 1e-20, 0.5, 1.0, 2.0, 20.0], [1e-20, 0.5, 1.0, 3.5], [1e-200, 1e-20, 0.05, 0.3]))


class Series:
  """A power series in two variables by the total order."""

  def __init__(self, terms):
    self.terms = terms

  @staticmethod
  def linear(c, u, v):
    return Series({(0, 0): mpf(c), (1, 0): mpf(u), (0, 1): mpf(v)})

  def __mul__(self, other):
    terms = {}
    for (i, j), x in self.terms.items():
      for (k, l), y in other.terms.items():
        if i + j + k + l <= ORDER:
          terms[i + k, j + l] = terms.get((i + k, j + l), 0) + x * y
    return Series(terms)

  def __add__(self, other):
    return Series({k: self.terms.get(k, 0) + other.terms.get(k, 0) for k in {*self.terms, *other.terms}})

  def scaled(self, c):
    return Series({k: c * x for k, x in self.terms.items()})

  def over(self, c, u, v):
    """Divided by c + u s + v t."""
    terms = {}
    for total in range(ORDER + 1):
      for i in range(total + 1):
        j = total - i
        terms[i, j] = (self.terms.get((i, j), 0) - u * terms.get((i - 1, j), 0) - v * terms.get((i, j - 1), 0)) / c
    return Series(terms)

  def exp(self):
    rest = Series({k: x for k, x in self.terms.items() if k != (0, 0)})
    result = term = Series({(0, 0): mp.exp(self.terms[0, 0])})
    for k in range(1, ORDER + 1):
      term = (term * rest).scaled(mpf(1) / k)
      result = result + term
    return result


def log_gamma(a, weights, sign):
  """± ln Γ(1 + a), a being changed by s and t with these weights."""
  terms = {}
  for i in range(ORDER + 1):
    for j in range(ORDER + 1 - i):
      k = i + j
      c = mp.loggamma(1 + a) if k == 0 else mp.psi(k - 1, 1 + a) / mp.factorial(k)
      terms[i, j] = sign * c * mp.binomial(k, i) * mpf(weights[0]) ** i * mpf(weights[1]) ** j
  return Series(terms)


def summed(term, ratio):
  """The sum of terms that each `ratio` makes of the one before."""
  total, k = term, 0
  while True:
    term = ratio(term, k)
    total, k = total + term, k + 1
    if k > 12 and all(abs(x) <= mp.eps * abs(total.terms[key]) for key, x in term.terms.items()):
      return total


def gammainc(a, x):
  """By the number of derivatives by x, the series by a."""
  logarithm = Series.linear(a * mp.log(x), mp.log(x), 0) + log_gamma(a, (1, 0), -1)
  one = Series({(0, 0): mpf(1)})
  series = summed(one, lambda term, k: term.over(a + k + 1, 1, 0).scaled(x))
  rows = [(logarithm + Series({(0, 0): -x})).exp() * series]
  for n in range(ORDER):
    total = Series({})
    for i in range(n + 1):
      term = (logarithm + Series({(0, 0): -x - (i + 1) * mp.log(x)})).exp() * Series.linear(a, 1, 0)
      for r in range(i):
        term = term * Series.linear(a - 1 - r, 1, 0)
      total = total + term.scaled(mp.binomial(n, i) * (-1) ** (n - i))
    rows.append(total)
  return rows


def betainc(a, b, x):
  y = 1 - x
  gammas = log_gamma(a + b, (1, 1), 1) + log_gamma(a, (1, 0), -1) + log_gamma(b, (0, 1), -1)
  logarithm = gammas + Series.linear(a * mp.log(x) + b * mp.log(y), mp.log(x), mp.log(y))
  one = Series({(0, 0): mpf(1)})
  series = summed(one, lambda term, k: (term * Series.linear(a + b + k, 1, 1)).over(a + 1 + k, 1, 0).scaled(x))
  outer = (logarithm.exp() * Series.linear(b, 0, 1)).over(a + b, 1, 1)
  rows, density = [outer * series], outer * Series.linear(a, 1, 0)
  for n in range(ORDER):
    total = Series({})
    for i in range(n + 1):
      term = density.scaled(mp.binomial(n, i) * (-1) ** (n - i) * x ** (-1 - i) * y ** (i - n - 1))
      for r in range(i):
        term = term * Series.linear(a - 1 - r, 1, 0)
      for r in range(n - i):
        term = term * Series.linear(b - 1 - r, 0, 1)
      total = total + term
    rows.append(total)
  return rows


def derivative(rows, orders):
  i, j = (orders[0], 0) if len(orders) == 2 else orders[:2]
  return rows[orders[-1]].terms.get((i, j), mpf(0)) * math.factorial(i) * math.factorial(j)


def lines():
  for op, function, points in [("gammainc", gammainc, GAMMA), ("betainc", betainc, BETA)]:
    size = len(points[0])
    everything = []
    for point in points:
      mp.dps = 400
      everything.append(function(*map(mpf, point)))
    for orders in product(range(ORDER + 1), repeat=size):
      if sum(orders) > ORDER:
        continue
      kept = []
      for point, rows in zip(points, everything):
        value = derivative(rows, orders)
        if not 1e-290 < abs(value) < 1e290:
          continue
        excuse = mpf(0)
        if sum(orders) < ORDER:
          for position, x in enumerate(point):
            # Whole operands are exact.
            if x != math.floor(x):
              excuse += 2 * math.ulp(x) * abs(derivative(rows, tuple(n + (i == position) for i, n in enumerate(orders))))
        if excuse < WORST * 2.0**-52 * abs(value):
          kept.append((point, float(value), float(excuse + ALLOWED * abs(value))))
      data = {"op": op, "orders": list(orders), "operands": [list(column) for column in zip(*(p for p, _, _ in kept))],
              "values": [v for _, v, _ in kept], "allowed": [float(f"{a:.3g}") for _, _, a in kept]}
      yield json.dumps(data, separators=(",", ":")) + "\n"

"""The same as special_conventions.py for functions of two operands: None where the function is analytic."""

import math
from math import comb, isinf, isnan

from mpmath import mp, mpf

from special_conventions import ANY, CORNER, INF, MINF, NAN, U


def indices(order):
  """(1, 0), (0, 1), (2, 0), (1, 1), ..."""
  return [(total - j, j) for total in range(1, order + 1) for j in range(total + 1)]


def row(value, first, rest, order=4):
  """`rest` is one expectation for all higher derivatives, or a function of their index."""
  known = dict(zip([(1, 0), (0, 1)], first))
  higher = rest if callable(rest) else (lambda index: rest)
  return [value] + [known.get(index, higher(index) if sum(index) > 1 else None) for index in indices(order)]


def add(x, y, sign=1):
  if isnan(x + y) or isinf(x + y):
    return row(word(x + sign * y), [1, sign], 0)


def sub(x, y):
  return add(x, y, -1) if isnan(x + y) or isinf(x) or isinf(y) else None


def mul(x, y):
  if isnan(x) or isnan(y) or isinf(x) or isinf(y):
    return row(word(x * y), [word(y), word(x)], lambda index: 1 if index == (1, 1) else 0)


def div(x, y):
  if isnan(x) or isnan(y):
    return row(NAN, [ANY if isnan(x) else NAN, NAN], lambda index: 0 if index[0] > 1 else ANY)
  if y == 0:
    side = math.copysign(1, y)
    by_y = NAN if x == 0 or isnan(x) else word(-math.copysign(math.inf, x))
    return row(NAN if x == 0 else word(math.copysign(math.inf, x) * side), [word(math.inf * side), by_y],
               lambda index: 0 if index[0] > 1 else U)
  if isinf(y):
    return row(NAN if isinf(x) else 0, [0, ANY if isinf(x) else 0], ANY if isinf(x) else 0)
  if isinf(x):
    exact = lambda index: 0 if index[0] > 1 else (
      float((-1) ** index[1] * math.factorial(index[1]) * mpf(y) ** (-index[1] - 1)) if index[0] == 1 else U)
    return row(word(x / y), [1 / y, word(-x / y / y)], exact)


def extremum(larger):
  def function(x, y):
    if isnan(x) or isnan(y):
      return row(NAN, [NAN, NAN], CORNER)
    if x == y:
      return row(word(x), [0.5, 0.5], CORNER)
    wins = int((x > y) == larger)
    return row(word(x if wins else y), [wins, 1 - wins], 0)
  return function


def number_word(x):
  return word(x) if isinf(x) else x


def hypot(x, y):
  if isnan(x) or isnan(y):
    value = INF if isinf(x) or isinf(y) else NAN
    return row(value, [ANY] * 2 if value == INF else [NAN, NAN], ANY if value == INF else NAN)
  if x == 0 and y == 0:
    return row(0, [0, 0], U)
  if isinf(x) and isinf(y):
    return row(INF, [ANY, ANY], 0)
  if isinf(x) or isinf(y):
    return row(INF, [math.copysign(1, x) if isinf(x) else 0, math.copysign(1, y) if isinf(y) else 0], 0)


def atan2(x, y):
  if isnan(x) or isnan(y):
    return row(NAN, [NAN, NAN], NAN)
  if x == 0 and y == 0:
    return row(math.atan2(x, y), [0, 0], U)
  if isinf(x) or isinf(y):
    return row(math.atan2(x, y), [0, 0], 0)


def logaddexp(x, y):
  if isnan(x) or isnan(y):
    return row(NAN, [NAN, NAN], NAN)
  if x == y and isinf(x):
    return row(word(x), [0, 0] if x < 0 else [ANY, ANY], CORNER if x < 0 else ANY)
  if isinf(x) or isinf(y):
    wins = int(x > y)
    return row(word(max(x, y)), [wins, 1 - wins], 0)


def remainder(x, y):
  if isnan(x) or isnan(y):
    return row(NAN, [ANY, ANY], ANY)
  if y == 0 or isinf(x):
    return row(NAN, [ANY, ANY], ANY)
  if isinf(y):
    return row(number_word(x % y), [1, int(x * y < 0)], 0)


def xlogy(x, y):
  if isnan(x) or isnan(y):
    return row(NAN, [NAN if isnan(y) else ANY, NAN], lambda index: 0 if index[0] > 1 else (ANY if index[0] else NAN))
  higher = lambda index: 0 if index[0] > 1 else U
  if y == 0:
    if x == 0:
      return row(0, [0, 0], higher)
    return row(word(math.copysign(math.inf, -x)), [MINF, word(math.copysign(math.inf, x))], higher)
  if y < 0:
    return row(0 if x == 0 else NAN, [NAN, ANY], lambda index: 0 if index[0] > 1 else ANY)
  if isinf(y):
    return row(0 if x == 0 else word(x * y), [INF, ANY if isinf(x) else 0], ANY if isinf(x) else 0)
  if isinf(x):
    return row(ANY if y == 1 else word(x * math.log(y)), [math.log(y), word(x / y)],
               lambda index: 0 if index[0] > 1 else ANY)


def power_terms(y, m, n):
  """∂ᵐ⁺ⁿ/∂xᵐ∂yⁿ x^y = x^(y-m) Σ_j c_j ln(x)^j; c_j is a derivative of y (y - 1) ... (y - m + 1) by y."""
  polynomial = [mpf(1)]
  for k in range(m):  # Times (Y - k), lowest power first.
    polynomial = [(polynomial[i - 1] if i else 0) - k * (polynomial[i] if i < len(polynomial) else 0)
                  for i in range(len(polynomial) + 1)]
  terms = []
  for j in range(n + 1):
    derived = polynomial
    for _ in range(n - j):
      derived = [i * c for i, c in enumerate(derived)][1:]
    terms.append(comb(n, j) * sum(c * mpf(y) ** i for i, c in enumerate(derived)))
  return terms


def power_limit(x, y, m, n):
  """The limit of a derivative of x^y at x = ±0 or Infinity, from inside; an integer y only at x < 0."""
  terms = power_terms(y, m, n)
  leading = max((j for j, c in enumerate(terms) if c != 0), default=None)
  if leading is None:
    return 0
  grows = (y < m) if x == 0 else (y > m)
  if y == m and leading == 0:
    return float(terms[0])
  if y == m or grows:
    if n or m + n > 1:
      return U
    sign = math.copysign(1, terms[0])
    if math.copysign(1, x) < 0 and (y - m) % 2 == 1:
      sign = -sign
    return word(math.inf * sign)
  return 0


def power_value(x, y):
  try:
    return word(math.pow(x, y))
  except ZeroDivisionError:
    return word(math.inf)
  except ValueError:
    if x == 0:
      return MINF if math.copysign(1, x) < 0 and float(y).is_integer() and y % 2 == 1 else INF
    return NAN
  except OverflowError:
    return MINF if x < 0 and y % 2 == 1 else INF


def power(x, y):
  value = power_value(x, y)
  if isnan(x) or isnan(y):
    return row(value, [NAN, NAN], NAN)
  if isinf(y) or (x < 0 and isinf(x)):
    if not isinf(x) and x > 0 and x != 1:
      flat = (x < 1) == (y > 0)
      return row(value, [0, 0] if flat else [ANY, ANY], 0 if flat else ANY)
    return row(value, [ANY, ANY], ANY)
  if x == 0:
    by_y = MINF if y < 0 else 0
    first = [0 if y == 0 else power_limit(x, y, 1, 0), by_y]

    def higher(index):
      m, n = index
      if n == 0:
        return power_limit(x, y, m, 0)
      if m == 0:
        return U if y < 0 else (CORNER if y == 0 else 0)
      return power_limit(0.0, y, m, n)
    return row(value, first, higher)
  if x < 0:
    if not float(y).is_integer():
      return row(NAN, [NAN, NAN], NAN)

    def by_x(m):
      terms = power_terms(y, m, 0)
      return 0 if terms[0] == 0 else terms[0] * mpf(x) ** (int(y) - m)
    return row(value, [by_x(1), NAN], lambda index: NAN if index[1] else by_x(index[0]))
  if isinf(x):
    return row(value, [power_limit(x, y, 1, 0), INF if y > 0 else (INF if y == 0 else 0)],
               lambda index: power_limit(x, y, *index))


def gammainc(lower):
  def function(a, x):
    if isnan(a) or isnan(x):
      return row(NAN, [NAN, NAN], NAN)
    if x == 0:
      slope = 0 if a > 1 else (1 if a == 1 else math.inf)
      return row(int(not lower), [0, word(slope if lower else -slope)], ANY)
    if isinf(x):
      return row(int(lower), [0, 0], 0)
    if x < 0 or a < 0:
      return row(NAN, [NAN, NAN], NAN)
  return function


def zeta(s, q):
  if isnan(s) or isnan(q):
    return row(NAN, [NAN, NAN], NAN)
  if isinf(q) and s > 1:
    return row(0, [0, 0], 0)


def word(x):
  """A double as an expectation."""
  return NAN if isnan(x) else (INF if x > 0 else MINF) if isinf(x) else x


BINARY = {
  "add": add, "sub": sub, "mul": mul, "div": div, "maximum": extremum(True), "minimum": extremum(False), "hypot": hypot,
  "atan2": atan2, "logaddexp": logaddexp, "remainder": remainder, "xlogy": xlogy, "pow": power,
  "gammainc": gammainc(True), "gammaincc": gammainc(False), "zeta": zeta,
}

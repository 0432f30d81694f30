"""Truncated power series in one or two variables over mpmath's numbers: what derivatives of every order are made of here.

A series holds the coefficients of the monomials t^i (or t^i s^j) up to a total order; its derivative of order (i, j) is the coefficient
times i! j!. The rules of arithmetic are the textbook's (Griewank and Walther, "Evaluating Derivatives", chapter 13). Nothing here was
taken from the server's rules: a function is stated by its value and, mostly, by a formula of its first derivative.
"""

from math import factorial

from mpmath import mp, mpf


class Series:
  def __init__(self, terms, order, variables):
    self.terms, self.order, self.variables = terms, order, variables

  @staticmethod
  def variable(value, index, order, variables):
    one = tuple(int(i == index) for i in range(variables))
    return Series({(0,) * variables: mpf(value), one: mpf(1)}, order, variables)

  def constant(self, value):
    return Series({(0,) * self.variables: mpf(value)}, self.order, self.variables)

  @property
  def value(self):
    return self.terms.get((0,) * self.variables, mpf(0))

  def derivative(self, index):
    scale = 1
    for i in index:
      scale *= factorial(i)
    return self.terms.get(tuple(index), mpf(0)) * scale

  def _lift(self, other):
    return other if isinstance(other, Series) else self.constant(other)

  def __add__(self, other):
    other = self._lift(other)
    terms = dict(self.terms)
    for index, term in other.terms.items():
      terms[index] = terms.get(index, 0) + term
    return Series(terms, self.order, self.variables)

  def __neg__(self):
    return Series({index: -term for index, term in self.terms.items()}, self.order, self.variables)

  def __sub__(self, other):
    return self + -self._lift(other)

  def __rsub__(self, other):
    return self._lift(other) - self

  def __mul__(self, other):
    if not isinstance(other, Series):
      return Series({index: term * other for index, term in self.terms.items()}, self.order, self.variables)
    terms = {}
    for a, x in self.terms.items():
      for b, y in other.terms.items():
        index = tuple(i + j for i, j in zip(a, b))
        if sum(index) <= self.order:
          terms[index] = terms.get(index, 0) + x * y
    return Series(terms, self.order, self.variables)

  __radd__, __rmul__ = __add__, __mul__

  def __truediv__(self, other):
    return self * self._lift(other).power(-1)

  def __rtruediv__(self, other):
    return self.power(-1) * other

  def of(self, coefficients):
    """A function of this series, by the coefficients of its own series at the value."""
    rest = Series({index: term for index, term in self.terms.items() if sum(index)}, self.order, self.variables)
    result = self.constant(coefficients[self.order])
    for coefficient in reversed(coefficients[:self.order]):
      result = result * rest + coefficient
    return result

  def power(self, c):
    a = self.value
    coefficients, binomial = [], mpf(1)
    for k in range(self.order + 1):
      coefficients.append(binomial * a ** (mpf(c) - k) if binomial else mpf(0))
      binomial = binomial * (mpf(c) - k) / (k + 1)
    return self.of(coefficients)

  def exp(self):
    e = mp.exp(self.value)
    return self.of([e / factorial(k) for k in range(self.order + 1)])

  def log(self):
    a = self.value
    return self.of([mp.log(a)] + [(-1) ** (k - 1) / (k * a**k) for k in range(1, self.order + 1)])

  def sin_cos(self):
    s, c = mp.sin(self.value), mp.cos(self.value)
    wave = [s, c, -s, -c]
    return tuple(
      self.of([wave[(k + shift) % 4] / factorial(k) for k in range(self.order + 1)]) for shift in (0, 1))


def integral(value, derivative):
  """The series of a function of one variable from its value and the series of its derivative, one order shorter."""
  terms = {(0,): value}
  for (i,), term in derivative.terms.items():
    terms[(i + 1,)] = term / (i + 1)
  return Series(terms, derivative.order + 1, 1)


def integral2(value, by_x, by_y):
  """The same for two variables, from the series of both partial derivatives."""
  terms = {(0, 0): value}
  for (i, j), term in by_x.terms.items():
    terms[(i + 1, j)] = term / (i + 1)
  for (i, j), term in by_y.terms.items():
    if i == 0:
      terms[(0, j + 1)] = term / (j + 1)
  return Series(terms, by_x.order + 1, 2)

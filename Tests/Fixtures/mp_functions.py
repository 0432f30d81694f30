"""Elementwise functions and their derivatives of any order, at points where they are analytic, in mpmath's precision.

`UNARY[name](x, order)` and `BINARY[name](x, y, order)` give a `Series`. Sources: the defining formulas; those of special functions are
in the NIST Digital Library of Mathematical Functions (https://dlmf.nist.gov): 5.15 (polygamma), 7.2 and 7.10 (error functions), 8.2
(incomplete gamma functions), 8.17 (incomplete beta function), 10.25 (modified Bessel functions), 25.11 (Hurwitz zeta function).
"""

from math import factorial

from mpmath import mp, mpf
from scipy import special

from taylor import Series, integral, integral2


def digits(*operands):
  """Decimal digits that cannot be lost: a difference cancels at most the operands' range of magnitudes, a few times over."""
  size = max((abs(mp.log10(abs(mpf(x)))) for x in operands if x), default=0)
  return 60 + int(5 * size)


def at(x, order):
  return Series.variable(x, 0, order, 1)


def by_derivative(value, derivative):
  """A function from its value and a formula for its first derivative."""
  def function(x, order):
    return integral(value(mpf(x)), derivative(at(x, max(order - 1, 0))))
  return function


def by_formula(formula):
  return lambda x, order: formula(at(x, order))


def sigmoid(u):
  """1 / (1 + e^-u), from the side where nothing overflows the exponent's own precision."""
  return 1 / ((-u).exp() + 1) if u.value >= 0 else u.exp() / (u.exp() + 1)


def log1p_exp(x):
  return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def sech_squared(u):
  e = (-u).exp() if u.value > 0 else u.exp()
  return 4 * e * e / ((e * e + 1) * (e * e + 1))


def normal_density(u):
  return (u * u * mpf(-0.5)).exp() / mp.sqrt(2 * mp.pi)


def normal_cdf(x):
  return mp.erfc(-x / mp.sqrt(2)) / 2


def log_normal_cdf(x):
  return mp.log(normal_cdf(x)) if x < 1 else mp.log1p(-normal_cdf(-x))


def cdf_series(u):
  return integral(normal_cdf(u.value), normal_density(Series.variable(u.value, 0, max(u.order - 1, 0), 1)))


def inverse(value, slope):
  """A function whose derivative is `slope` of its own value: each pass of the series makes one more order right."""
  def function(x, order):
    y = Series({(0,): value(mpf(x))}, order, 1)
    for k in range(order):
      known = Series(y.terms, k, 1)
      y = Series(integral(y.value, slope(known)).terms, order, 1)
    return y
  return function


def inverse_erf(x):
  """Newton's iteration on log erfc, which is nearly straight in the tails."""
  side = mp.sign(x)
  x = abs(x)
  if x < 0.5:
    y = mpf(float(special.erfinv(float(x)))) if x > 1e-290 else x * mp.sqrt(mp.pi) / 2
    step = lambda y: (mp.erf(y) - x) * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
  else:
    rest = 1 - x
    y = mpf(float(special.erfcinv(float(rest))))
    step = lambda y: -(mp.log(mp.erfc(y)) - mp.log(rest)) * mp.erfc(y) * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
  return side * newton(y, step)


def normal_quantile(p):
  if p > 0.5:
    return -_lower_quantile(1 - p)
  return _lower_quantile(p)


def _lower_quantile(p):
  start = float(p)
  y = mpf(float(special.ndtri(start))) if start > 0 else -mp.sqrt(-2 * mp.log(p))
  return newton(y, lambda y: (mp.log(normal_cdf(y)) - mp.log(p)) * normal_cdf(y) * mp.sqrt(2 * mp.pi) * mp.exp(y * y / 2))


def newton(y, step):
  for _ in range(60):
    change = step(y)
    y -= change
    if abs(change) <= abs(y) * mpf(10) ** (5 - mp.dps):
      return y
  raise ArithmeticError("Newton's iteration does not converge")


def log_gamma(x, order):
  coefficients = [mp.re(mp.loggamma(mpf(x)))]
  return Series({(k,): c for k, c in enumerate(coefficients + psi_coefficients(x, 0, order))}, order, 1)


def psi_coefficients(x, n, count):
  """Those of the integral of ψ⁽ⁿ⁾ without its constant: ψ⁽ⁿ⁺ᵏ⁻¹⁾(x) / k!."""
  return [mp.psi(n + k - 1, mpf(x)) / factorial(k) for k in range(1, count + 1)]


def polygamma(n):
  return lambda x, order: Series({(k,): mp.psi(n + k, mpf(x)) / factorial(k) for k in range(order + 1)}, order, 1)


def erfcx(x, order):
  """f' = 2 x f - 2/√π."""
  x = mpf(x)
  derivatives = [mp.exp(x * x) * mp.erfc(x)]
  for k in range(order):
    higher = 2 * x * derivatives[k] + (2 * k * derivatives[k - 1] if k else -2 / mp.sqrt(mp.pi))
    derivatives.append(higher)
  return Series({(k,): d / factorial(k) for k, d in enumerate(derivatives)}, order, 1)


def bessel(n):
  """e^-|x| I_n(x), with I_n' = (I_{n-1} + I_{n+1}) / 2."""
  def function(x, order):
    x = mpf(x)
    inner = {}
    for k in range(order + 1):
      inner[(k,)] = sum(mp.binomial(k, j) * mp.besseli(abs(n - k + 2 * j), x) for j in range(k + 1)) / 2**k / factorial(k)
    u = at(x, order)
    return Series(inner, order, 1) * ((-u).exp() if x > 0 else u.exp())
  return function


def sinc(x, order):
  u = at(x, order) * mp.pi
  if abs(x) > 0.25:
    return u.sin_cos()[0] / u
  total, term, k = u.constant(1), u.constant(1), 0
  while k < 8 or abs(term.value) > mpf(10) ** -mp.dps:
    k += 1
    term = term * u * u * (mpf(-1) / (2 * k * (2 * k + 1)))
    total = total + term
    if k > 2 * mp.dps:
      break
  return total


def gelu_tanh(u):
  inner = (u + u * u * u * mpf("0.044715")) * mp.sqrt(2 / mp.pi)
  return u * sigmoid(2 * inner)


ROOT_PI = lambda: mp.sqrt(mp.pi)

UNARY = {
  "square": by_formula(lambda u: u * u),
  "reciprocal": by_formula(lambda u: u.power(-1)),
  "sqrt": by_formula(lambda u: u.power(mpf(1) / 2)),
  "rsqrt": by_formula(lambda u: u.power(mpf(-1) / 2)),
  "exp": by_formula(lambda u: u.exp()),
  "expm1": by_derivative(mp.expm1, lambda u: u.exp()),
  "log": by_formula(lambda u: u.log()),
  "log1p": by_derivative(mp.log1p, lambda u: 1 / (u + 1)),
  "log2": by_formula(lambda u: u.log() / mp.log(2)),
  "log10": by_formula(lambda u: u.log() / mp.log(10)),
  "sin": by_formula(lambda u: u.sin_cos()[0]),
  "cos": by_formula(lambda u: u.sin_cos()[1]),
  "tan": by_derivative(mp.tan, lambda u: u.sin_cos()[1].power(-2)),
  "asin": by_derivative(mp.asin, lambda u: ((1 - u) * (u + 1)).power(mpf(-1) / 2)),
  "acos": by_derivative(mp.acos, lambda u: -((1 - u) * (u + 1)).power(mpf(-1) / 2)),
  "atan": by_derivative(mp.atan, lambda u: 1 / (u * u + 1)),
  "sinh": by_derivative(mp.sinh, lambda u: (u.exp() + (-u).exp()) * mpf(0.5)),
  "cosh": by_derivative(mp.cosh, lambda u: (u.exp() - (-u).exp()) * mpf(0.5)),
  "tanh": by_derivative(mp.tanh, sech_squared),
  "asinh": by_derivative(mp.asinh, lambda u: (u * u + 1).power(mpf(-1) / 2)),
  "acosh": by_derivative(mp.acosh, lambda u: ((u - 1) * (u + 1)).power(mpf(-1) / 2)),
  "atanh": by_derivative(mp.atanh, lambda u: 1 / ((1 - u) * (u + 1))),
  "erf": by_derivative(mp.erf, lambda u: (-(u * u)).exp() * (2 / ROOT_PI())),
  "erfc": by_derivative(mp.erfc, lambda u: (-(u * u)).exp() * (-2 / ROOT_PI())),
  "erfinv": inverse(inverse_erf, lambda y: (y * y).exp() * (ROOT_PI() / 2)),
  "lgamma": log_gamma,
  "digamma": polygamma(0),
  "sigmoid": by_formula(sigmoid),
  "softplus": by_derivative(log1p_exp, sigmoid),
  "log_sigmoid": by_derivative(lambda x: -log1p_exp(-x), lambda u: sigmoid(-u)),
  "silu": by_formula(lambda u: u * sigmoid(u)),
  "gelu": by_formula(lambda u: u * cdf_series(u)),
  "i0e": bessel(0),
  "i1e": bessel(1),
  "ndtr": by_formula(cdf_series),
  "log_ndtr": by_derivative(log_normal_cdf, lambda u: normal_density(u) / cdf_series(u)),
  "ndtri": inverse(normal_quantile, lambda y: (y * y * mpf(0.5)).exp() * mp.sqrt(2 * mp.pi)),
  "erfcx": erfcx,
  "sinc": sinc,
}


def pair(x, y, order):
  return Series.variable(x, 0, order, 2), Series.variable(y, 1, order, 2)


def by_formula2(formula):
  return lambda x, y, order: formula(*pair(x, y, order))


def by_gradient(value, by_x, by_y):
  def function(x, y, order):
    u, v = pair(x, y, max(order - 1, 0))
    return integral2(value(mpf(x), mpf(y)), by_x(u, v), by_y(u, v))
  return function


def log_add_exp(x, y):
  return max(x, y) + mp.log1p(mp.exp(-abs(x - y)))


def hypot(x, y, order):
  u, v = pair(x, y, order)
  return (u * u + v * v).power(mpf(1) / 2)


def remainder(x, y, order):
  u, v = pair(x, y, order)
  return u - v * mp.floor(mpf(x) / mpf(y))


def incomplete_gamma(lower):
  """∂/∂x is the density; what is left, derivatives by a alone, are taken by differences at four times the precision."""
  def function(a, x, order):
    a, x = mpf(a), mpf(x)
    value = (lambda a: mp.gammainc(a, 0, x, regularized=True)) if lower else (
      lambda a: mp.gammainc(a, x, mp.inf, regularized=True))
    u, v = pair(a, x, max(order - 1, 0))
    log_gamma_series = u.of([mp.re(mp.loggamma(a))] + psi_coefficients(a, 0, u.order))
    by_x = ((u - 1) * v.log() - v - log_gamma_series).exp() * (1 if lower else -1)
    alone = mp.taylor(value, a, order)
    terms = {(i, 0): c for i, c in enumerate(alone)}
    for (i, j), term in by_x.terms.items():
      terms[(i, j + 1)] = term / (j + 1)
    return Series(terms, order, 2)
  return function


def hurwitz_zeta(s, q, order):
  """∂/∂q ζ(s, q) = -s ζ(s + 1, q); derivatives by s are series of logarithms, which mpmath sums."""
  s, q = mpf(s), mpf(q)
  terms = {}
  for j in range(order + 1):
    factor = Series({(0,): mpf(1)}, order, 1)
    for m in range(j):
      factor = factor * -(at(s, order) + m)
    inner = Series({(i,): mp.zeta(s + j, q, i) / factorial(i) for i in range(order - j + 1)}, order, 1)
    for (i,), term in (factor * inner).terms.items():
      if i + j <= order:
        terms[(i, j)] = term / factorial(j)
  return Series(terms, order, 2)


BINARY = {
  "add": by_formula2(lambda u, v: u + v),
  "sub": by_formula2(lambda u, v: u - v),
  "mul": by_formula2(lambda u, v: u * v),
  "div": by_formula2(lambda u, v: u / v),
  "pow": by_formula2(lambda u, v: (v * u.log()).exp()),
  "atan2": by_gradient(mp.atan2, lambda u, v: v / (u * u + v * v), lambda u, v: -(u / (u * u + v * v))),
  "hypot": hypot,
  "logaddexp": by_gradient(log_add_exp, lambda u, v: sigmoid(u - v), lambda u, v: sigmoid(v - u)),
  "xlogy": by_formula2(lambda u, v: u * v.log()),
  "remainder": remainder,
  "gammainc": incomplete_gamma(True),
  "gammaincc": incomplete_gamma(False),
  "zeta": hurwitz_zeta,
}

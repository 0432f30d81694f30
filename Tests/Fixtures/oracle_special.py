"""What special functions with families of derivatives are, in mpmath: values and gradients of a request of one such node, with forty digits.

JAX has no derivative of `betainc` by its parameters, and not twelve digits of those of `gammainc`, so it is not asked here. Derivatives are
those of mpmath's own numerical differentiation, in more digits, so that no formula of ours is in them.
"""

import statistics

import mpmath
import numpy as np
from mpmath import mp, mpf

DIGITS = 40


def ndtr(x):
  return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def ndtri(p):
  """By Newton's iteration; `erfinv` has no digits for what is near to 0 or 1."""
  if p > 0.5:
    return -ndtri(1 - p)
  y = mpf(statistics.NormalDist().inv_cdf(float(p)))
  for _ in range(mp.dps):
    step = (ndtr(y) - p) / mpmath.npdf(y)
    y -= step
    if abs(step) <= abs(y) * mpmath.eps:
      break
  return y


def sinc(x):
  return mpmath.sinpi(x) / (mpmath.pi * x) if x else mpf(1)


FUNCTIONS = {
  "ndtr": ndtr,
  "log_ndtr": lambda x: mpmath.log(ndtr(x)),
  "ndtri": ndtri,
  "erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
  "sinc": sinc,
  "i0e": lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(0, x),
  "i1e": lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(1, x),
  "gammainc": lambda a, x: mpmath.gammainc(a, 0, x, regularized=True),
  "gammaincc": lambda a, x: mpmath.gammainc(a, x, mp.inf, regularized=True),
  "betainc": lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True),
  "zeta": lambda x, q: mpmath.zeta(x, q),
}


def elementwise(function, arrays):
  """A function of mpmath over arrays of one shape, rounded once."""
  result = np.zeros(arrays[0].shape)
  for index in np.ndindex(result.shape):
    result[index] = float(function(*(mpf(float(a[index])) for a in arrays)))
  return result


def partial(function, position):
  """The derivative by one operand."""
  return lambda *x: mpmath.diff(lambda t: function(*x[:position], t, *x[position + 1:]), x[position])


def sum_down(array, shape):
  """Undoes broadcasting."""
  array = array.sum(axis=tuple(range(array.ndim - len(shape))))
  return array.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 != array.shape[i]), keepdims=True)


def answers(program):
  """Outputs and gradients of a request of one node, as the oracle's `Compiled` gives them."""
  ((op, keys, _, _, (result,)),) = program.steps
  leaves, cotangents = program.widened(exact=True)
  operands = [np.asarray(leaves[k], "float64") for k in keys]
  with mp.workdps(DIGITS):
    arrays = np.broadcast_arrays(*operands)
    outputs = {result: elementwise(FUNCTIONS[op], arrays)}
    gradients = {name: np.zeros(np.shape(leaves[name])) for name in program.wrt}
    for position, key in enumerate(keys):
      if key in gradients:
        slopes = elementwise(partial(FUNCTIONS[op], position), arrays)
        gradients[key] = gradients[key] + sum_down(slopes * np.asarray(cotangents[0], "float64"), np.shape(leaves[key]))
  return outputs, gradients

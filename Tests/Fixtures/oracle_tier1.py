"""Operations of tier 1 for the oracle: the function of each by name, on NumPy or on jax.numpy.

Where JAX has a function of its own (jax.nn, jax.scipy.special), JAX's is taken, so that its gradient is the one JAX users get; on NumPy the
same is written as a formula or taken from SciPy.
"""

import jax
import jax.numpy as jnp
import jax.scipy.special as jax_special
import numpy as np
import scipy.special

#: Operations whose operands are brought to one dtype.
PROMOTING = (
  "pow", "maximum", "minimum", "atan2", "hypot", "logaddexp", "remainder", "xlogy", "equal", "not_equal", "less", "less_equal", "greater",
  "greater_equal", "logical_and", "logical_or", "logical_xor", "where", "concat", "stack", "outer", "gammainc", "gammaincc", "zeta", "betainc",
)
#: Operands that keep a dtype of their own, and what a bare number or array is there.
OWN_DTYPE = {"where": {0: "bool"}, "take": {1: "int64"}, "take_along_axis": {1: "int64"}}


def axes_of(attributes, fallback=None):
  axis = attributes.get("axis", fallback)
  return tuple(axis) if isinstance(axis, list) else axis


# Pointwise --------------------------------------------------------------------------------------------------------------------------

#: One name in both libraries.
SAME_NAME = (
  "abs", "square", "reciprocal", "sqrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh",
  "sign", "floor", "ceil", "round", "trunc", "isnan", "isinf", "isfinite", "maximum", "minimum", "hypot", "logaddexp", "remainder",
  "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor", "logical_not",
  "where", "outer", "sinc",
)
RENAMED = {
  "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "pow": "power",
  "atan2": "arctan2",
}
SPECIAL = {"erf": "erf", "erfc": "erfc", "erfinv": "erfinv", "lgamma": "gammaln", "digamma": "digamma", "sigmoid": "expit",
           "xlogy": "xlogy"} | {op: op for op in (
             "ndtr", "log_ndtr", "ndtri", "erfcx", "i0e", "i1e", "gammainc", "gammaincc", "zeta", "betainc")}


def activation(op, xp, x, attributes):
  """The activations, and the other functions of one operand that have attributes; None if `op` is something else."""
  alpha = attributes.get("alpha", 0.01 if op == "leaky_relu" else 1.0)
  own = xp is jnp
  match op:
    case "rsqrt":
      return jax.lax.rsqrt(x) if own else 1 / np.sqrt(x)
    case "softplus":
      return jax.nn.softplus(x) if own else np.logaddexp(x, x * 0)
    case "log_sigmoid":
      return jax.nn.log_sigmoid(x) if own else -np.logaddexp(-x, x * 0)
    case "relu":
      return jax.nn.relu(x) if own else np.maximum(x, x * 0)
    case "leaky_relu":
      return jax.nn.leaky_relu(x, alpha) if own else np.where(x > 0, x, alpha * x)
    case "elu":
      return jax.nn.elu(x, alpha) if own else np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
    case "silu":
      return jax.nn.silu(x) if own else x * scipy.special.expit(x)
    case "gelu":
      by_tanh = attributes.get("approximate", "none") == "tanh"
      if own:
        return jax.nn.gelu(x, approximate=by_tanh)
      if by_tanh:
        return x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
      return x * scipy.special.ndtr(x)
    case "clip":
      return xp.clip(x, attributes.get("min"), attributes.get("max"))
    case "polygamma":
      n, special = attributes["n"], jax_special if own else scipy.special
      return special.digamma(x) if n == 0 else special.polygamma(n, x)
    case "stop_gradient":
      return jax.lax.stop_gradient(x) if own else x


# Reductions, scans, normalisers -----------------------------------------------------------------------------------------------------


def reduction(op, xp, x, attributes):
  """Operations along axes; None if `op` is something else."""
  axis, keepdims = axes_of(attributes), attributes.get("keepdims", False)
  options = {"axis": axis, "keepdims": keepdims}
  own = xp is jnp
  match op:
    case "mean" | "max" | "min" | "all" | "any" | "argmax" | "argmin":
      return getattr(xp, op)(x, **options)
    case "prod":
      return xp.prod(x, **options, dtype=np.dtype("int64") if x.dtype == np.bool_ else x.dtype)
    case "var" | "std":
      return getattr(xp, op)(x, **options, ddof=attributes.get("correction", 0))
    case "logsumexp":
      return jax_special.logsumexp(x, **options) if own else log_sum_exp(x, axis, keepdims)
    case "norm":
      order = attributes.get("ord", 2)
      if order == "Infinity":
        return xp.max(xp.abs(x), **options, initial=0)
      return xp.sum(xp.abs(x), **options) if order == 1 else xp.sqrt(xp.sum(x * x, **options))
    case "cumsum" | "cumprod":
      return getattr(xp, op)(x, axis=axis, dtype=x.dtype)
  axis = axes_of(attributes, -1)
  match op:
    case "softmax":
      return jax.nn.softmax(x, axis=axis) if own else np.exp(x - log_sum_exp(x, axis, True))
    case "log_softmax":
      return jax.nn.log_softmax(x, axis=axis) if own else x - log_sum_exp(x, axis, True)
    case "sort" | "argsort":
      return getattr(xp, op)(x, axis=axis, stable=True)


def log_sum_exp(x, axis, keepdims):
  largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
  largest = np.where(np.isfinite(largest), largest, 0)
  with np.errstate(divide="ignore"):
    total = np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True)) + largest
  return total if keepdims else total.reshape(np.sum(x, axis=axis).shape)


# Shapes -----------------------------------------------------------------------------------------------------------------------------


def rearrangement(op, xp, operands, attributes, count):
  """The list of results of operations that move elements; None if `op` is something else."""
  x, attribute = operands[0], attributes.get
  axis = axes_of(attributes)
  last_two = {"axis1": -2, "axis2": -1}
  match op:
    case "expand_dims" | "squeeze":
      return [getattr(xp, op)(x, axis=axis)]
    case "concat":
      return [xp.concatenate(operands, axis=attribute("axis", 0))]
    case "stack":
      return [xp.stack(operands, axis=attribute("axis", 0))]
    case "unstack":
      rows = xp.moveaxis(x, attribute("axis", 0), 0)
      if len(rows) != count:
        raise ValueError(f"unstack of {len(rows)} into {count}")
      return [rows[i] for i in range(count)]
    case "pad":
      return [xp.pad(x, attributes["widths"], constant_values=attribute("value", 0))]
    case "flip":
      return [xp.flip(x, axis=axis)]
    case "roll":
      shift = attributes["shift"]
      return [xp.roll(x, tuple(shift) if isinstance(shift, list) else shift, axis=axis)]
    case "tile":
      return [xp.tile(x, tuple(attributes["repetitions"]))]
    case "repeat":
      return [xp.repeat(x, attributes["repeats"], axis=axis)]
    case "take":
      return [xp.take(x, operands[1], axis=attribute("axis", 0))]
    case "take_along_axis":
      return [xp.take_along_axis(x, operands[1], axis=axis)]
    case "tril" | "triu":
      return [getattr(xp, op)(x, attribute("k", 0))]
    case "diagonal":
      return [xp.diagonal(x, attribute("offset", 0), **last_two)]
    case "trace":
      return [xp.trace(x, attribute("offset", 0), **last_two, dtype=x.dtype)]


def apply(xp, op, operands, attributes, count):
  """The results of one node of tier 1; operands have been promoted."""
  if op in SAME_NAME or op in RENAMED:
    return [getattr(xp, RENAMED.get(op, op))(*operands)]
  if op in SPECIAL:
    return [getattr(jax_special if xp is jnp else scipy.special, SPECIAL[op])(*operands)]
  x = operands[0]
  for family in (activation, reduction):
    result = family(op, xp, x, attributes)
    if result is not None:
      # SciPy widens float32 in places; every operation of the two families keeps the dtype of a float.
      return [result.astype(x.dtype) if x.dtype.kind == result.dtype.kind == "f" else result]
  results = rearrangement(op, xp, operands, attributes, count)
  if results is None:
    raise ValueError(f"unknown operation {op}")
  return results

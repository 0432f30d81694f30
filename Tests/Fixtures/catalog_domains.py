"""Where the operations of the catalog are smooth: the interval each function is given, and how far from kinks, ties and poles it stays.

Two right implementations may differ at a kink, and do differ in the last digits before it, so a graph that comes near one says nothing.
"""

import numpy as np

#: Distance from any kink, tie or whole number.
MARGIN = 0.01
#: Largest condition number of a matrix that is factored or inverted.
MAX_CONDITION = 30

UNARY = {op: (-2.5, 2.5) for op in (
  "abs", "square", "exp", "expm1", "sin", "cos", "atan", "sinh", "cosh", "tanh", "asinh", "erf", "erfc", "sigmoid", "softplus",
  "log_sigmoid", "relu", "leaky_relu", "elu", "silu", "gelu", "sign", "floor", "ceil", "round", "trunc", "clip", "isnan",
  "isinf", "isfinite",
)} | {
  "reciprocal": (0.4, 4), "sqrt": (0.3, 4), "rsqrt": (0.3, 4), "log": (0.3, 4), "log2": (0.3, 4), "log10": (0.3, 4), "log1p": (-0.6, 3),
  "tan": (-1.1, 1.1), "asin": (-0.8, 0.8), "acos": (-0.8, 0.8), "atanh": (-0.8, 0.8), "erfinv": (-0.8, 0.8), "acosh": (1.3, 4),
  "lgamma": (0.5, 5), "digamma": (0.5, 5), "polygamma": (0.6, 5), "neg": (-30, 30), "identity": (-30, 30), "stop_gradient": (-30, 30),
}
#: Domains of both operands.
BINARY = {op: ((-5, 5), (-5, 5)) for op in ("add", "sub", "mul", "maximum", "minimum", "atan2", "hypot", "logaddexp")} | {
  "div": ((-5, 5), (0.4, 4)), "pow": ((0.4, 3), (-2, 2)), "xlogy": ((-3, 3), (0.3, 4)), "remainder": ((-5, 5), (0.4, 3)),
}
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
LOGICAL = ("logical_and", "logical_or", "logical_xor")
REDUCTIONS = ("sum", "mean", "prod", "max", "min", "var", "std", "logsumexp", "norm")
SCANS = ("cumsum", "cumprod", "softmax", "log_softmax", "sort", "argsort")
SHAPES = ("reshape", "transpose", "broadcast_to", "slice", "split", "concat", "stack", "unstack", "expand_dims", "squeeze", "pad", "flip",
          "roll", "tile", "repeat", "tril", "triu", "diagonal", "trace", "take", "take_along_axis")
PRODUCTS = ("matmul", "outer", "einsum")
LINEAR_ALGEBRA = ("cholesky", "solve", "solve_triangular", "inv", "det", "slogdet")
OTHERS = ("where", "cast", "constant", "grad", "all", "any", "logical_not", "argmax", "argmin")
CATALOG = (*UNARY, *BINARY, *COMPARISONS, *LOGICAL, *REDUCTIONS, *SCANS, *SHAPES, *PRODUCTS, *LINEAR_ALGEBRA, *OTHERS)

#: No derivative flows through these.
BLOCKING = {"sign", "floor", "ceil", "round", "trunc", "isnan", "isinf", "isfinite", "stop_gradient", "argsort", "argmax", "argmin", "all",
            "any", "logical_not", "constant", *COMPARISONS, *LOGICAL}


def far_from_whole(x):
  return np.all(np.abs(x - np.round(x)) > MARGIN)


def gaps(x, axis):
  """The differences between neighbours in order, along one axis, several or all (None)."""
  axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in (axis if isinstance(axis, list) else [axis]))
  kept = [a for a in range(x.ndim) if a not in axes]
  rows = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[a] for a in kept), -1)
  return np.diff(np.sort(rows, axis=-1), axis=-1)


def condition(a):
  return np.max(np.linalg.cond(a), initial=1) if a.size else 1


def smooth(op, operands, attributes, results):
  """Whether a node stays away from kinks, ties, poles and bad conditioning."""
  if not operands or operands[0].size == 0:
    return True
  x, y = operands[0], operands[-1]
  axis, apart = attributes.get("axis"), lambda distance: bool(np.all(np.abs(distance) > MARGIN))
  if op in SCANS and axis is None:
    axis = -1
  if x.dtype.kind != "f" and op != "where":
    return op != "remainder" or np.all(y != 0)
  match op:
    case "abs" | "relu" | "leaky_relu" | "elu" | "sign":
      return apart(x)
    case "floor" | "ceil" | "trunc":
      return far_from_whole(x)
    case "round":
      return far_from_whole(x + 0.5)
    case "cast" if attributes["dtype"].startswith("int"):
      return far_from_whole(x)
    case "clip":
      return all(apart(x - bound) for bound in (attributes.get("min"), attributes.get("max")) if bound is not None)
    case "maximum" | "minimum" | "less" | "less_equal" | "greater" | "greater_equal" | "equal" | "not_equal":
      return apart(x - y)
    case "max" | "min" | "argmax" | "argmin":
      return apart(gaps(x, axis)[..., -1 if op.endswith("max") else 0:][..., :1])
    case "sort" | "argsort":
      return apart(gaps(x, axis))
    case "div":
      return np.all(np.abs(y) > 0.3)
    case "remainder":
      return np.all(np.abs(y) > 0.3) and far_from_whole(x / y)
    case "atan2":
      return np.all(x * x + y * y > 0.1) and np.all((y > 0) | (np.abs(x) > MARGIN))
    case "hypot":
      return np.all(results[0] > 0.3) and apart(np.abs(x) - np.abs(y))
    case "std":
      return np.all(results[0] > 0.1)
    case "norm":
      order = attributes.get("ord", 2)
      sizes = gaps(np.abs(x), axis)
      return np.all(results[0] > 0.1) if order == 2 else apart(x) and (order == 1 or apart(sizes[..., -1:]))
    case "prod" | "cumprod":
      return apart(x)
    case "cholesky":
      return condition((x + x.swapaxes(-1, -2)) / 2) < MAX_CONDITION
    case "solve" | "inv" | "det" | "slogdet":
      return condition(x) < MAX_CONDITION
    case "solve_triangular":
      return condition(np.tril(x) if attributes.get("lower", True) else np.triu(x)) < MAX_CONDITION
  return True

"""What the operations of the enlarged catalog mean, on NumPy and on jax.numpy, for graphs that `catalog_more.py` makes.

Where JAX has a function of its own, JAX's is taken. Of factorisations only what does not depend on a choice of signs is asked for.
"""

import jax
import jax.numpy as jnp
import jax.scipy.linalg
import jax.scipy.special as jax_special
import numpy as np
import scipy.linalg
import scipy.special

#: Operands that keep a dtype of their own, as in `oracle_tier1.OWN_DTYPE`.
OWN_DTYPE = {op: {1: "int64"} for op in ("scatter", "scatter_add", "index_add", "segment_sum", "segment_max")}
PROMOTING = ("scatter", "scatter_add", "index_add", "trapezoid", "cdist", "kron", "tensordot", "cross", "lstsq", "gammainc", "gammaincc",
             "betainc", "zeta")
#: The name of a function in `scipy.special` and `jax.scipy.special`.
SPECIAL = {op: op for op in ("gammainc", "gammaincc", "betainc", "i0e", "i1e", "ndtr", "log_ndtr", "ndtri", "zeta")}
OPERATIONS = {*OWN_DTYPE, *PROMOTING, *SPECIAL, "erfcx", "sinc", "logcumsumexp", "cummax", "cummin", "top_k", "kthvalue", "median",
              "quantile", "diag", "diag_embed", "diff", "unfold", "eigh", "eigvalsh", "svd", "svdvals", "qr", "pinv", "expm",
              "matrix_power"}


def apply(xp, op, operands, attributes, count):
  x, own, get = operands[0], xp is jnp, attributes.get
  if op in SPECIAL:
    return [getattr(jax_special if own else scipy.special, SPECIAL[op])(*operands)]
  match op:
    case "erfcx":
      return [xp.exp(x * x) * jax_special.erfc(x) if own else scipy.special.erfcx(x)]
    case "sinc":
      return [xp.sinc(x)]
    case "scatter" | "scatter_add" | "index_add" | "segment_sum" | "segment_max":
      return [scattered(xp, op, operands, attributes)]
    case "logcumsumexp" | "cummax" | "cummin":
      return [scanned(op, xp, x, get("axis"))]
    case "top_k" | "kthvalue" | "median" | "quantile":
      return ordered(op, xp, x, attributes)
    case "diag" if x.ndim == 2:
      return [xp.diagonal(x, get("offset", 0))]
    case "diag" | "diag_embed":
      return [embedded(xp, x, get("offset", 0))]
    case "diff":
      return [xp.diff(x, n=get("n", 1), axis=get("axis", -1))]
    case "trapezoid":
      return [trapezoid(xp, operands, attributes)]
    case "cdist":
      return [distances(xp, x, operands[1], get("p", 2))]
    case "kron":
      return [xp.kron(x, operands[1])]
    case "tensordot":
      axes = get("axes", 2)
      return [xp.tensordot(x, operands[1], axes=tuple(axes) if isinstance(axes, list) else axes)]
    case "cross":
      return [xp.cross(x, operands[1], axis=get("axis", -1))]
    case "unfold":
      axis, size, step = get("axis", -1), attributes["size"], get("step", 1)
      starts = np.arange((x.shape[axis] - size) // step + 1) * step
      windows = xp.take(x, starts[:, None] + np.arange(size), axis=axis)
      return [xp.moveaxis(windows, axis % x.ndim + 1, -1)]
  return linear_algebra(xp, op, operands, attributes, count)


def scattered(xp, op, operands, attributes):
  """By a loop over updates, which is slow and obviously right. Indices are numbers, never traced."""
  if op.startswith("segment"):
    x, ids = operands
    rows = [[i for i, s in enumerate(np.asarray(ids)) if s == segment] for segment in range(attributes["num_segments"])]
    empty = xp.full(x.shape[1:], 0.0 if op == "segment_sum" else -np.inf)
    combine = (lambda r: xp.sum(x[np.array(r)], axis=0)) if op == "segment_sum" else lambda r: xp.max(x[np.array(r)], axis=0)
    return xp.stack([combine(r) if r else empty for r in rows])
  x, indices, updates = operands
  indices = np.asarray(indices)
  axis = attributes.get("axis", 0 if op == "index_add" else -1) % x.ndim
  if op == "index_add":
    at = (slice(None),) * axis + (indices,)
  else:
    at = tuple(indices if a == axis else g for a, g in enumerate(np.indices(indices.shape)))
  if xp is jnp:
    x = jnp.asarray(x)
    return x.at[at].set(updates) if op == "scatter" else x.at[at].add(updates)
  result = np.array(x)
  if op == "scatter":
    result[at] = updates
  else:
    np.add.at(result, at, updates)
  return result


def scanned(op, xp, x, axis):
  if op == "logcumsumexp":
    return jax.lax.cumlogsumexp(x, axis % x.ndim) if xp is jnp else np.logaddexp.accumulate(x, axis=axis)
  if xp is jnp:
    return (jax.lax.cummax if op == "cummax" else jax.lax.cummin)(x, axis % x.ndim)
  return (np.maximum if op == "cummax" else np.minimum).accumulate(x, axis=axis)


def ordered(op, xp, x, attributes):
  axis, keepdims = attributes.get("axis", None if op in ("median", "quantile") else -1), attributes.get("keepdims", False)
  axis = tuple(axis) if isinstance(axis, list) else axis
  if op == "median":
    return [xp.median(x, axis=axis, keepdims=keepdims)]
  if op == "quantile":
    return [xp.quantile(x, np.array(attributes["q"]), axis=axis, keepdims=keepdims, method=attributes.get("method", "linear"))]
  order, k = xp.argsort(x, axis=axis, stable=True), attributes["k"]
  if op == "top_k":
    order = xp.take(xp.flip(order, axis), np.arange(k), axis=axis)
    return [xp.take_along_axis(x, order, axis=axis), order]
  order = xp.take(order, np.array([k - 1]), axis=axis)
  results = [xp.take_along_axis(x, order, axis=axis), order]
  return results if keepdims else [xp.squeeze(r, axis) for r in results]


def embedded(xp, x, offset):
  size = x.shape[-1] + abs(offset)
  rows = np.arange(x.shape[-1]) + max(-offset, 0)
  placed = np.zeros((x.shape[-1], size, size))
  placed[np.arange(x.shape[-1]), rows, rows + offset] = 1
  return xp.einsum("...i,ijk->...jk", x, placed)


def trapezoid(xp, operands, attributes):
  axis = attributes.get("axis", -1)
  if len(operands) == 1:
    y = xp.moveaxis(operands[0], axis, -1)
    return xp.sum(y[..., 1:] + y[..., :-1], -1) * (attributes.get("dx", 1.0) / 2)
  y, x = operands
  x = x if x.ndim == 1 else xp.moveaxis(x, axis, -1)
  y = xp.moveaxis(y, axis, -1)
  return xp.sum((y[..., 1:] + y[..., :-1]) * xp.diff(x, axis=-1), -1) / 2


def distances(xp, x, y, p):
  difference = x[..., :, None, :] - y[..., None, :, :]
  if p == "Infinity":
    return xp.max(xp.abs(difference), -1)
  return xp.sum(xp.abs(difference), -1) if p == 1 else xp.sqrt(xp.sum(difference * difference, -1))


def linear_algebra(xp, op, operands, attributes, count):
  a, own = operands[0], xp is jnp
  match op:
    case "eigh" | "eigvalsh":
      values, vectors = xp.linalg.eigh((a + xp.swapaxes(a, -1, -2)) / 2)
      return [values, vectors][:count]
    case "svd":
      return list(xp.linalg.svd(a, full_matrices=False))
    case "svdvals":
      return [xp.linalg.svd(a, full_matrices=False)[1]]
    case "qr":
      return list(xp.linalg.qr(a))
    case "pinv":
      return [xp.linalg.pinv(a)]
    case "lstsq":
      b = operands[1]
      inverse = xp.linalg.pinv(a)
      return [xp.squeeze(inverse @ b[..., None], -1) if b.ndim == 1 else inverse @ b]
    case "expm":
      return [jax.scipy.linalg.expm(a) if own else scipy.linalg.expm(a)]
    case "matrix_power":
      return [xp.linalg.matrix_power(a, attributes["n"])]
  raise ValueError(f"{op} has no meaning here")

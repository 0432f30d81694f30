"""Indexing, order statistics, scans, products and windows for the oracle, on NumPy or on jax.numpy.

JAX's own function where there is one. Where elements meet at one place, the rule is spelled out: `scatter` finds the last one by comparing
all indices with all places.
"""

import jax
import jax.numpy as jnp
import numpy as np

OPERATIONS = (
  "scatter", "scatter_add", "index_add", "segment_sum", "segment_max", "logcumsumexp", "cummax", "cummin", "top_k", "kthvalue", "median",
  "quantile", "searchsorted", "diag", "diag_embed", "kron", "tensordot", "cross", "cdist", "diff", "trapezoid", "unfold",
)
#: Operations whose operands are brought to one dtype.
PROMOTING = ("scatter", "scatter_add", "index_add", "searchsorted", "kron", "tensordot", "cross", "cdist", "trapezoid")
#: Operands that keep a dtype of their own.
OWN_DTYPE = {op: {1: "int64"} for op in ("scatter", "scatter_add", "index_add", "segment_sum", "segment_max")}


def counted(xp, indices, size):
  return xp.where(indices < 0, indices + size, indices)


def aligned(xp, x, indices, updates, axis):
  """The three operands of a scatter with the axis last and all other axes stretched."""
  axis %= x.ndim
  rest = lambda shape: tuple(1 if i == axis else n for i, n in enumerate(shape))
  common = np.broadcast_shapes(rest(x.shape), rest(indices.shape), rest((1,) * (x.ndim - updates.ndim) + updates.shape))
  along = lambda n: tuple(n if i == axis else m for i, m in enumerate(common))
  stretch = lambda v, n: xp.moveaxis(xp.broadcast_to(v, along(n)), axis, -1)
  count = indices.shape[axis]
  return stretch(x, x.shape[axis]), counted(xp, stretch(indices, count), x.shape[axis]), stretch(updates, count)


def scattered(xp, adds, x, indices, updates, axis):
  x, indices, updates = aligned(xp, x, indices, updates, axis)
  size, count = x.shape[-1], indices.shape[-1]
  hits = indices[..., None, :] == xp.arange(size)[:, None]
  if adds:
    result = x + xp.sum(xp.where(hits, updates[..., None, :], xp.zeros((), x.dtype)), axis=-1)
  elif count == 0:
    result = x
  else:
    last = xp.max(xp.where(hits, xp.arange(count), -1), axis=-1)
    result = xp.where(last >= 0, xp.take_along_axis(updates, xp.maximum(last, 0), axis=-1), x)
  return xp.moveaxis(result, -1, axis)


def index_added(xp, x, indices, updates, axis):
  axis %= x.ndim
  shape = x.shape[:axis] + indices.shape + x.shape[axis + 1:]
  slices = xp.moveaxis(xp.broadcast_to(updates, shape), range(axis, axis + indices.ndim), range(indices.ndim))
  places = counted(xp, indices.reshape(-1), x.shape[axis])
  rows = slices.reshape((places.size,) + slices.shape[indices.ndim:])
  weights = (places[None, :] == xp.arange(x.shape[axis])[:, None]).astype(x.dtype)
  sums = xp.tensordot(weights, rows, axes=1, **({"precision": "highest"} if xp is jnp else {}))
  return x + xp.moveaxis(sums, 0, axis)


def segments(xp, op, x, ids, count):
  ids = counted(xp, ids, count)
  if xp is jnp:
    return getattr(jax.ops, op)(x, ids, count)
  result = np.full((count,) + x.shape[1:], 0 if op == "segment_sum" else -np.inf, x.dtype)
  (np.add if op == "segment_sum" else np.maximum).at(result, ids, x)
  return result


def scanned(xp, op, x, axis):
  if xp is jnp:
    return getattr(jax.lax, "cumlogsumexp" if op == "logcumsumexp" else op)(x, axis=axis % x.ndim)
  return {"logcumsumexp": np.logaddexp, "cummax": np.maximum, "cummin": np.minimum}[op].accumulate(x, axis=axis) if x.size else x


def ranked(xp, op, x, attributes):
  axis, k = attributes.get("axis", -1), attributes["k"]
  if op == "top_k":
    if xp is jnp:
      found = jax.lax.top_k(jnp.moveaxis(x, axis, -1), k)
    else:
      lines = np.moveaxis(x, axis, -1)
      indices = np.argsort(-lines, axis=-1, stable=True)[..., :k]
      found = np.take_along_axis(lines, indices, axis=-1), indices
    return [xp.moveaxis(found[0], -1, axis), xp.moveaxis(found[1], -1, axis).astype("int64")]
  indices = xp.take(xp.argsort(x, axis=axis, stable=True), np.array([k - 1]), axis=axis)
  values = xp.take_along_axis(x, indices, axis=axis)
  return [values, indices] if attributes.get("keepdims") else [xp.squeeze(values, axis), xp.squeeze(indices, axis)]


def searched(xp, line, values, side):
  if line.ndim == 1:
    return xp.searchsorted(line, values, side=side).astype("int64")
  return xp.stack([searched(xp, a, b, side) for a, b in zip(line, values)])


def unfolded(xp, x, size, step, axis):
  axis %= x.ndim
  starts = np.arange((x.shape[axis] - size) // step + 1) * step
  if xp is np:
    return np.take(np.lib.stride_tricks.sliding_window_view(x, size, axis), starts, axis)
  return jnp.moveaxis(jnp.take(x, starts[:, None] + np.arange(size), axis), axis + 1, -1)


def distances(xp, x, y, p):
  difference = xp.abs(x[..., :, None, :] - y[..., None, :, :])
  if p == "Infinity":
    return xp.max(difference, axis=-1)
  return xp.sum(difference, axis=-1) if p == 1 else xp.sqrt(xp.sum(difference * difference, axis=-1))


def embedded(xp, x, offset):
  count = x.shape[-1]
  size = count + abs(offset)
  rows = np.arange(count) + max(-offset, 0)
  mask = np.zeros((count, size, size))
  mask[np.arange(count), rows, rows + offset] = 1
  return xp.sum(xp.where(mask != 0, x[..., :, None, None], xp.zeros((), x.dtype)), axis=-3, dtype=x.dtype)


def apply(xp, op, operands, attributes):
  """The results of one node; operands have been promoted."""
  x, attribute = operands[0], attributes.get
  axis = attribute("axis", -1)
  over = attribute("axis")
  options = {"axis": tuple(over) if isinstance(over, list) else over, "keepdims": attribute("keepdims", False)}
  match op:
    case "scatter" | "scatter_add":
      return [scattered(xp, op == "scatter_add", *operands, axis)]
    case "index_add":
      return [index_added(xp, *operands, attribute("axis", 0))]
    case "segment_sum" | "segment_max":
      return [segments(xp, op, *operands, attributes["num_segments"])]
    case "logcumsumexp" | "cummax" | "cummin":
      return [scanned(xp, op, x, axis)]
    case "top_k" | "kthvalue":
      return ranked(xp, op, x, attributes)
    case "median":
      return [xp.median(x, **options)]
    case "quantile":
      return [xp.quantile(x, np.array(attributes["q"], "float64"), method=attribute("method", "linear"), **options).astype(x.dtype)]
    case "searchsorted":
      return [searched(xp, x, operands[1], attribute("side", "left"))]
    case "diag":
      return [xp.diag(x, attribute("offset", 0))]
    case "diag_embed":
      return [embedded(xp, x, attribute("offset", 0))]
    case "kron":
      return [xp.kron(*operands)]
    case "tensordot":
      return [xp.tensordot(*operands, axes=attribute("axes", 2), **({"precision": "highest"} if xp is jnp else {}))]
    case "cross":
      return [xp.cross(*operands, axis=axis)]
    case "cdist":
      return [distances(xp, *operands, attribute("p", 2))]
    case "diff":
      return [xp.diff(x, n=attribute("n", 1), axis=axis)]
    case "trapezoid":
      return [xp.trapezoid(x, operands[1] if len(operands) > 1 else None, dx=attribute("dx", 1.0), axis=axis)]
    case "unfold":
      return [unfolded(xp, x, attributes["size"], attribute("step", 1), axis)]
  raise ValueError(f"unknown operation {op}")

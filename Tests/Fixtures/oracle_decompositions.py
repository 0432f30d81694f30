"""Decompositions and functions of matrices for the oracle, on NumPy and SciPy or on jax.numpy, over stacks of matrices."""

import jax.numpy as jnp
import jax.scipy.linalg
import numpy as np
import scipy.linalg

from oracle_linalg import solved, transposed

OPERATIONS = ("eigh", "eigvalsh", "svd", "svdvals", "qr", "lstsq", "pinv", "matrix_rank", "expm", "matrix_power")
PROMOTING = ("lstsq",)


def eigh(xp, x):
  """Of the symmetric part: JAX would do the same by itself; said here, the gradient is symmetrised by no rule of its own."""
  symmetric = (x + transposed(x)) / 2
  return list(jnp.linalg.eigh(symmetric, symmetrize_input=False) if xp is jnp else np.linalg.eigh(symmetric))


def qr(xp, x):
  """JAX differentiates only matrices with enough rows; of others the factors are those of the first columns."""
  rows = x.shape[-2]
  q, r = xp.linalg.qr(x[..., :rows])
  return [q, xp.concatenate([r, transposed(q) @ x[..., rows:]], -1)] if x.shape[-1] > rows else [q, r]


def expm(xp, x):
  if x.size == 0:
    return x
  return jax.scipy.linalg.expm(x) if xp is jnp else scipy.linalg.expm(x)


def tolerance(x, attributes):
  """The part of the largest singular value up to which one counts as 0."""
  given = attributes.get("rtol")
  return max(x.shape[-2:]) * np.finfo(x.dtype).eps if given is None else given


def pinv(xp, x, attributes):
  if x.size == 0:
    return transposed(x)
  return xp.linalg.pinv(x, rtol=tolerance(x, attributes)) if xp is jnp else np.linalg.pinv(x, tolerance(x, attributes))


def apply(xp, op, operands, attributes):
  """The results of one node; operands have been promoted."""
  x = operands[0]
  match op:
    case "eigh":
      return eigh(xp, x)
    case "eigvalsh":
      return eigh(xp, x)[:1]
    case "svd":
      return list(xp.linalg.svd(x, full_matrices=False))
    case "svdvals":
      return [xp.linalg.svd(x, full_matrices=False, compute_uv=False)]
    case "qr":
      return qr(xp, x)
    case "pinv":
      return [pinv(xp, x, attributes)]
    case "lstsq":
      return [solved(lambda a, b: pinv(xp, a, attributes) @ b, xp, x, operands[1])]
    case "matrix_rank":
      values = np.linalg.svd(np.asarray(x), compute_uv=False) if xp is np else jnp.linalg.svd(x, compute_uv=False)
      if values.shape[-1] == 0:
        return [xp.zeros(x.shape[:-2], "int64")]
      return [xp.sum(values > tolerance(x, attributes) * values[..., :1], -1).astype("int64")]
    case "expm":
      return [expm(xp, x)]
    case "matrix_power":
      return [xp.linalg.matrix_power(x, attributes["n"])]
  raise ValueError(f"unknown operation {op}")

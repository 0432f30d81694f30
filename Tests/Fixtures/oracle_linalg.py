"""Linear algebra for the oracle: what each operation computes, on NumPy or on jax.numpy, over stacks of matrices."""

import jax
import jax.numpy as jnp
import numpy as np

OPERATIONS = ("einsum", "cholesky", "solve", "solve_triangular", "inv", "det", "slogdet")
#: Operations whose operands are brought to one dtype.
PROMOTING = ("einsum", "solve", "solve_triangular")


def transposed(x):
  return x.swapaxes(-1, -2)


def einsum(xp, equation, operands):
  if xp is jnp:
    return jnp.einsum(equation, *operands, precision="highest")
  # One loop over all labels, with no thought for speed: the order of contraction is nothing that an answer may depend on.
  return np.asarray(np.einsum(equation, *operands, optimize=False))


def solved(solve, xp, a, b):
  """Solves for a vector, if b is one, or for the columns of each matrix of a stack; leading axes broadcast."""
  columns = b[:, None] if b.ndim == 1 else b
  leading = np.broadcast_shapes(a.shape[:-2], columns.shape[:-2])
  x = solve(xp.broadcast_to(a, leading + a.shape[-2:]), xp.broadcast_to(columns, leading + columns.shape[-2:]))
  return x[..., 0] if b.ndim == 1 else x


def solve_triangle(xp, attributes):
  """The solver that reads one triangle only: NumPy is shown zeros in the other one, JAX has a function for it."""
  lower, transpose = attributes.get("lower", True), attributes.get("transpose", False)
  if xp is jnp:
    return lambda a, b: jax.lax.linalg.triangular_solve(a, b, left_side=True, lower=lower, transpose_a=transpose)
  triangle = np.tril if lower else np.triu
  return lambda a, b: np.linalg.solve(transposed(triangle(a)) if transpose else triangle(a), b)


def apply(xp, op, operands, attributes):
  """The results of one node; operands have been promoted."""
  x = operands[0]
  match op:
    case "einsum":
      return [einsum(xp, attributes["equation"], operands)]
    case "cholesky":
      symmetric = (x + transposed(x)) / 2
      # JAX would do the same by itself; said here, the gradient is symmetrised because the operand is, not by a rule of JAX's.
      factor = (lambda s: jnp.linalg.cholesky(s, symmetrize_input=False)) if xp is jnp else np.linalg.cholesky
      return [factor(symmetric)]
    case "solve":
      return [solved(xp.linalg.solve, xp, x, operands[1])]
    case "solve_triangular":
      return [solved(solve_triangle(xp, attributes), xp, x, operands[1])]
    case "det" if x.shape[-1] == 0:
      # The empty product. JAX knows it too, but cannot differentiate it.
      return [xp.ones(x.shape[:-2], x.dtype)]
    case "inv" | "det":
      return [getattr(xp.linalg, op)(x)]
    case "slogdet":
      return list(xp.linalg.slogdet(x))
  raise ValueError(f"unknown operation {op}")

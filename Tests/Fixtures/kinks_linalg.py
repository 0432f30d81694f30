"""Rows of kinks_linalg.jsonl: singular matrices, and others that the usual formulas fail on. Worked out by hand: determinants and their
gradients by cofactors, the others from the derivatives in the contract."""

from kinks import LOG2, MINUS_INF, NAN, empty, kink, refused

#: 400 times the logarithm of ten.
HUGE = 921.0340371976183
SINGULAR, ZEROS = [[1, 2], [2, 4]], [[0, 0], [0, 0]]


def of(name, op, a, output, gradient, **more):
  """A row for an operation of one matrix."""
  return kink(name, op, {"a": a}, output, {} if gradient is None else {"a": gradient}, **more)


def system(name, op, a, b, x, gradient_a, gradient_b, attributes=None):
  """A row for a system of equations; the cotangent is one everywhere."""
  return kink(name, op, {"a": a, "b": b}, x, {"a": gradient_a, "b": gradient_b}, attributes=attributes)


ROWS = {
  # The gradient is that of the polynomial which a determinant is: the cofactors, whatever the rank.
  "Determinants": [
    of("singular", "det", SINGULAR, 0, [[4, -2], [-2, 1]]),
    of("zeros", "det", ZEROS, 0, ZEROS),
    of("one zero", "det", [[0]], 0, [[1]]),
    of("rank 2 of 3", "det", [[1, 2, 3], [4, 5, 6], [7, 8, 9]], 0, [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]]),
    of("a row of zeros", "det", [[1, 0, 0], [0, 2, 0], [0, 0, 0]], 0, [[0, 0, 0], [0, 0, 0], [0, 0, 2]]),
    of("nilpotent", "det", [[0, 1, 0], [0, 0, 1], [0, 0, 0]], 0, [[0, 0, 0], [0, 0, 0], [1, 0, 0]]),
    of("rank 1 of 3", "det", [[1, 2, 3], [2, 4, 6], [3, 6, 9]], 0, [[0] * 3] * 3),
    of("rank 2 of 4", "det", [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], 0, [[0] * 4] * 4),
    of("regular and singular", "det", [[[1, 2], [3, 4]], SINGULAR], [-2, 0], [[[4, -3], [-2, 1]], [[4, -2], [-2, 1]]]),
    of("zero on the diagonal", "det", [[0, 1], [2, 0]], -2, [[0, -2], [-1, 0]]),
    of("empty", "det", empty(0, 0), 1, empty(0, 0)),
    of("NaN", "det", [[NAN, 0], [0, 1]], NAN, None),
    of("singular", "slogdet", SINGULAR, [0, MINUS_INF], [[NAN] * 2] * 2, results=("sign", "log")),
    of("zeros", "slogdet", ZEROS, [0, MINUS_INF], [[NAN] * 2] * 2, results=("sign", "log")),
    of("negative", "slogdet", [[0, 1], [2, 0]], [-1, LOG2], [[0, 1], [0.5, 0]], results=("sign", "log")),
    of("the sign alone", "slogdet", [[0, 1], [2, 0]], [-1, LOG2], ZEROS, results=("sign", "log"), cotangent=1),
    of("no overflow", "slogdet", [[1e200, 0], [0, 1e200]], [1, HUGE], [[1e-200, 0], [0, 1e-200]], results=("sign", "log"), only64=True),
    of("no underflow", "slogdet", [[1e-200, 0], [0, 1e-200]], [1, -HUGE], [[1e200, 0], [0, 1e200]], results=("sign", "log"), only64=True),
  ],
  "Inverses and systems of equations": [
    refused("singular", "inv", {"a": SINGULAR}, 422, "singular_matrix"),
    refused("zeros", "inv", {"a": ZEROS}, 422, "singular_matrix"),
    refused("one zero", "inv", {"a": [[0]]}, 422, "singular_matrix"),
    refused("one of two singular", "inv", {"a": [[[1, 0], [0, 1]], SINGULAR]}, 422, "singular_matrix"),
    of("zero on the diagonal", "inv", [[0, 1], [2, 0]], [[0, 0.5], [1, 0]], [[-0.5, -1], [-0.25, -0.5]]),
    refused("singular, many solutions", "solve", {"a": SINGULAR, "b": [1, 2]}, 422, "singular_matrix"),
    refused("singular, no solution", "solve", {"a": SINGULAR, "b": [1, 0]}, 422, "singular_matrix"),
    refused("zeros", "solve", {"a": ZEROS, "b": [[1], [2]]}, 422, "singular_matrix"),
    system("zero on the diagonal", "solve", [[0, 1], [2, 0]], [3, 4], [2, 3], [[-2, -3], [-1, -1.5]], [1, 0.5]),
    refused("zero on the diagonal", "solve_triangular", {"a": [[1, 0], [2, 0]], "b": [1, 2]}, 422, "singular_matrix"),
    refused("zero first on the diagonal", "solve_triangular", {"a": [[0, 0], [1, 2]], "b": [0, 2]}, 422, "singular_matrix"),
    refused("zero on the diagonal", "solve_triangular", {"a": [[1, 1], [0, 0]], "b": [1, 2]}, 422, "singular_matrix", lower=False),
    refused("zero on the diagonal", "solve_triangular", {"a": [[1, 0], [2, 0]], "b": [1, 2]}, 422, "singular_matrix", transpose=True),
    # What is above the diagonal is not there, whatever it is.
    system("NaN in the other triangle", "solve_triangular", [[2, NAN], [4, 2]], [2, 8], [1, 2], [[0.5, 0], [-0.5, -1]], [-0.5, 0.5]),
    system("NaN in the other triangle", "solve_triangular", [[2, 4], [NAN, 2]], [12, 4], [2, 2], [[-1, -1], [0, 1]], [0.5, -0.5],
           attributes={"lower": False}),
  ],
  "Cholesky": [
    of("symmetric", "cholesky", [[4, 2], [2, 2]], [[2, 0], [1, 1]], [[0.375, -0.25], [-0.25, 1.5]], cotangent=[[1, 0], [2, 3]]),
    of("symmetrised", "cholesky", [[4, 4], [0, 2]], [[2, 0], [1, 1]], [[0.375, -0.25], [-0.25, 1.5]], cotangent=[[1, 0], [2, 3]]),
    # The zeros above the diagonal are constants: what weighs them has no effect.
    of("cotangent above the diagonal", "cholesky", [[4, 2], [2, 2]], [[2, 0], [1, 1]], [[0.375, -0.25], [-0.25, 1.5]],
       cotangent=[[1, 7], [2, 3]]),
    refused("indefinite", "cholesky", {"a": [[1, 2], [2, 1]]}, 422, "not_positive_definite"),
    refused("negative", "cholesky", {"a": [[-1]]}, 422, "not_positive_definite"),
    refused("semidefinite", "cholesky", {"a": [[1, 1], [1, 1]]}, 422, "not_positive_definite"),
    refused("zeros", "cholesky", {"a": ZEROS}, 422, "not_positive_definite"),
    refused("indefinite once symmetrised", "cholesky", {"a": [[1, 4], [0, 1]]}, 422, "not_positive_definite"),
  ],
}

"""Cases of operations_linalg.jsonl: sums of products over named axes, factors, solutions and determinants of well-conditioned matrices."""

import random

import numpy as np

from operation_cases import MAX_INT64, case, integers

numbers = random.Random("linear algebra")


# Matrices ---------------------------------------------------------------------------------------------------------------------------
#
# Their conditioning is what keeps float32 within 1e-5: entries from -1 to 1 around a diagonal a little above the size, of either sign.


def noise(shape):
  return np.array([round(numbers.uniform(-1, 1), 2) for _ in range(int(np.prod(shape)))]).reshape(shape)


def conditioned(shape):
  """Invertible matrices. A row in two has its sign turned, so that determinants are of either sign."""
  size = shape[-1]
  signs = np.array([numbers.choice((-1, 1)) for _ in range(int(np.prod(shape[:-1])))]).reshape(*shape[:-1], 1)
  return np.round(signs * (noise(shape) + (size * 0.8 + 0.5) * np.eye(size)), 2)


def positive(shape, skew=0.0):
  """Positive definite matrices, with `skew` slightly off symmetry: a Cholesky factor is that of the symmetric part."""
  a, size = noise(shape), shape[-1]
  exact = a @ a.swapaxes(-1, -2) + 0.5 * size * np.eye(size)
  upset = noise(shape) * skew
  return np.round(exact, 2) + np.round(upset - upset.swapaxes(-1, -2), 3)


def triangular(shape):
  """Both triangles hold numbers: the one that is not named must not be read, so it may hold any."""
  size = shape[-1]
  diagonal = np.array([numbers.choice((-1, 1)) * round(numbers.uniform(1, 2), 2) for _ in range(size)])
  return noise(shape) * (1 - np.eye(size)) + np.diag(diagonal)


def on(make, shape, *more, **given):
  """A case whose first operand is such a matrix."""
  return case(shape, *more, data={"x": make(shape)}, **given)


def squares(make, **given):
  """The sizes and stacks that every operation of one matrix has."""
  shapes = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (2, 3, 3), (3, 1, 1), (2, 1, 2, 2), (2, 2, 3, 3), (0, 0), (2, 0, 0), (0, 2, 2)]
  return [on(make, shape, **given) for shape in shapes]


# Solving ----------------------------------------------------------------------------------------------------------------------------

#: Shapes of a and b: b is a vector only if it has one axis; leading axes broadcast.
SYSTEMS = [
  ((1, 1), (1,)), ((2, 2), (2,)), ((3, 3), (3,)), ((5, 5), (5,)), ((3, 3), (3, 1)), ((3, 3), (3, 2)), ((2, 2), (2, 4)), ((5, 5), (5, 3)),
  ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((2, 3, 3), (2, 3, 2)), ((3, 3), (2, 3, 2)), ((2, 1, 2, 2), (3, 2, 2)),
  ((2, 2, 2), (1, 2, 3)), ((1, 3, 3), (2, 3, 1)), ((3, 2, 2, 2), (2, 2, 1)), ((3, 3, 3), (3, 3)), ((2, 2, 2), (2, 2)),
  ((0, 0), (0,)), ((0, 0), (0, 2)), ((2, 2), (2, 0)), ((0, 2, 2), (2,)), ((2, 0, 0), (0, 1)), ((0, 2, 2), (1, 2, 3)),
]


def systems(make, chosen=SYSTEMS, **given):
  return [on(make, a, b, **given) for a, b in chosen]


FEW = [((1, 1), (1,)), ((3, 3), (3,)), ((3, 3), (3, 2)), ((5, 5), (5, 1)), ((2, 2, 2), (2,)), ((2, 3, 3), (3, 2)), ((2, 2), (3, 2, 1)),
       ((0, 0), (0,))]
SOLVED_AS_CONSTANTS = [{"constants": ["x"]}, {"constants": ["y"]}]


# Sums of products -------------------------------------------------------------------------------------------------------------------


def einsum(equation, *shapes, **given):
  return case(*shapes, equation=equation, **given)


EINSUM = [
  # One operand: the order of axes, sums, diagonals, traces.
  einsum("i->i", (3,)), einsum("i->", (3,)), einsum("i", (3,)), einsum("->", ()), einsum("", ()), einsum("ij->ji", (2, 3)),
  einsum("ba", (2, 3)), einsum("ij->", (2, 3)), einsum("ij->i", (2, 3)), einsum("ij->j", (2, 3)), einsum("ii->i", (3, 3)),
  einsum("ii->", (3, 3)), einsum("ii", (3, 3)), einsum("iij->j", (2, 2, 3)), einsum("iji->ij", (2, 3, 2)), einsum("iii->i", (2, 2, 2)),
  einsum("iii", (2, 2, 2)), einsum("ijij->ij", (2, 3, 2, 3)), einsum("ijji->", (2, 3, 3, 2)), einsum("abcd->dbca", (2, 3, 1, 2)),
  einsum("Ab->bA", (2, 3)), einsum("bA", (2, 3)), einsum(" i j -> j i ", (2, 3)),
  # Two: products of every kind.
  einsum("i,i->", (3,), (3,)), einsum("i,i", (3,), (3,)), einsum("i,j->ij", (2,), (3,)), einsum("i,j->ji", (2,), (3,)),
  einsum("i,j->", (2,), (3,)), einsum("i,i->i", (3,), (3,)), einsum("ij,j->i", (2, 3), (3,)), einsum("ij,jk->ik", (2, 3), (3, 4)),
  einsum("ij,jk", (2, 3), (3, 4)), einsum("ij,jk->ki", (2, 3), (3, 4)), einsum("ij,kj->ik", (2, 3), (4, 3)),
  einsum("ji,jk", (3, 2), (3, 4)), einsum("ij,ij->", (2, 3), (2, 3)), einsum("ij,ji", (2, 3), (3, 2)), einsum("ij,ij->ij", (2, 3), (2, 3)),
  einsum("ij,k->i", (2, 3), (4,)),
  einsum("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), einsum("bij,jk->bik", (2, 2, 3), (3, 2)), einsum("ii,i->i", (3, 3), (3,)),
  einsum("ii,jj->ij", (2, 2), (3, 3)), einsum("ii,ij->j", (2, 2), (2, 3)), einsum(",i->i", (), (3,)), einsum(",", (), ()),
  einsum("abc,cd->abd", (2, 1, 3), (3, 2)), einsum("abcd,bd->ca", (2, 2, 3, 2), (2, 2)), einsum("i,ij,j->", (2,), (2, 3), (3,)),
  einsum("zB,Bz", (2, 3), (3, 2)), einsum("zB,Ba", (2, 3), (3, 2)),
  # Three and more.
  einsum("ij,jk,kl->il", (2, 3), (3, 2), (2, 4)), einsum("ij,jk,kl", (2, 3), (3, 1), (1, 2)), einsum("i,i,i->i", (3,), (3,), (3,)),
  einsum("i,j,k->kji", (2,), (3,), (2,)), einsum("a,ab,b,bc->c", (2,), (2, 3), (3,), (3, 2)),
  einsum("ab,bc,cd,de->ae", (2, 2), (2, 3), (3, 2), (2, 2)), einsum("i,i,j,j,ij->", (2,), (2,), (3,), (3,), (2, 3)),
  # Ellipsis: leading axes that broadcast, wherever it stands.
  einsum("...->...", (2, 3)), einsum("...", (2, 3)), einsum("...i->...", (2, 3)), einsum("i...->...i", (2, 3, 2)),
  einsum("...ii->...i", (2, 3, 3)), einsum("...ii", (2, 3, 3)), einsum("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
  einsum("...ij,...jk->...ik", (2, 1, 2, 3), (3, 3, 2)), einsum("...ij,...jk", (2, 2, 3), (2, 3, 2)), einsum("...,...", (2, 3), (3,)),
  einsum("...,...->...", (2, 1), (3,)), einsum("i...,i...->...", (3, 2), (3, 1)), einsum("i...j,j->...i", (2, 3, 2), (2,)),
  einsum("...i,i->...", (3,), (3,)), einsum("...i,...i->...", (2, 3), (3,)), einsum("a...b,b...c->a...c", (2, 3, 2), (2, 1, 3)),
  einsum("...,ij->...ji", (2,), (2, 3)), einsum("ij...->ji...", (2, 3)), einsum("...ij,kj...->ik...", (2, 2, 3), (2, 3, 2)),
  # Zero sizes, one tensor twice, constants, other dtypes.
  einsum("ij,jk->ik", (2, 0), (0, 3)), einsum("ij->j", (0, 3)), einsum("ij->i", (0, 3)), einsum("ii->i", (0, 0)), einsum("ii", (0, 0)),
  einsum("ij,kj->ik", (2, 3), operands=["x", "x"]), einsum("ij,ji->", (3, 3), operands=["x", "x"]),
  einsum("i,i,i", (3,), operands=["x", "x", "x"]), einsum("ij,jk,kl->il", (2, 2), (2, 2), operands=["x", "y", "x"]),
  einsum("ij,jk", (2, 3), (3, 2), constants=["y"]), einsum("ij,j", (2, 3), (3,), dtypes=["F", "G"]),
  einsum("ij,jk->ik", (5, 17), (17, 4)),
  integers("int64", [[1, -2], [3, MAX_INT64]], [[5, 6], [7, 8]], equation="ij,jk->ik"),
  integers("int32", [1, -2, 3], [4, 5], equation="i,j"), integers("int64", [[2**53 + 1, 2], [3, -4]], equation="ii->i"),
]


# What stands in the file ------------------------------------------------------------------------------------------------------------

CASES = {
  "einsum": EINSUM,
  "cholesky": squares(positive) + squares(lambda shape: positive(shape, skew=0.2))[1:9] + [
    on(positive, (3, 3), constants=["x"]),
    # The lower triangle alone would be another matrix, and so would the upper one.
    case((2, 2), data={"x": [[4.0, 2.0], [1.0, 3.0]]}), case((2, 2), data={"x": [[4.0, 0.0], [3.0, 3.0]]}),
  ],
  "solve": systems(conditioned) + [on(conditioned, shape, b, **given) for given in SOLVED_AS_CONSTANTS for shape, b in FEW[1:3]] + [
    # A pivot of zero: rows must change places.
    case((2, 2), (2,), data={"x": [[0.0, 2.0], [-1.5, 1.0]]}), case((3, 3), (3, 2), data={"x": [[0, 1, 0], [0, 0, -2], [1.5, 0, 0]]}),
    on(conditioned, (3, 3), operands=["x", "x"]), on(conditioned, (2, 3, 3), (3,), dtypes=["F", "G"]),
  ],
  "solve_triangular": systems(triangular) + [
    c for lower in (True, False) for transpose in (False, True)
    for c in systems(triangular, FEW + SYSTEMS[9:14], lower=lower, transpose=transpose)
  ] + [on(triangular, shape, b, **given) for given in SOLVED_AS_CONSTANTS for shape, b in FEW[1:3]] + [
    on(triangular, (3, 3), operands=["x", "x"]), on(triangular, (2, 3, 3), (3,), dtypes=["F", "G"], lower=False),
    # What is not read may be of any size.
    case((2, 2), (2,), data={"x": [[1.5, 1e6], [0.25, -2.0]]}), case((2, 2), (2,), data={"x": [[1.5, 0.5], [-1e6, 2.0]]}, lower=False),
  ],
  "inv": squares(conditioned) + [case((3, 3), data={"x": [[0, 1, 0], [0, 0, -2], [1.5, 0, 0]]}), on(conditioned, (2, 2), constants=["x"])],
  "det": squares(conditioned) + [
    case((3, 3), data={"x": [[0, 1, 0], [0, 0, -2], [1.5, 0, 0]]}), on(conditioned, (2, 2), constants=["x"]),
    case((2, 2), data={"x": [[1e-3, 2e-3], [-1e-3, 1e-3]]}),
  ],
  "slogdet": squares(conditioned, count=2) + [
    on(conditioned, (3, 3), count=2, unseeded=[0]), on(conditioned, (3, 3), count=2, unseeded=[1]),
    case((3, 3), data={"x": [[0, 1, 0], [0, 0, 2], [1.5, 0, 0]]}, count=2), case((2, 2), data={"x": [[0.0, 1.0], [3.0, 1.0]]}, count=2),
    # The determinant itself would overflow.
    case((2, 2), data={"x": [[1e15, 2e15], [-1e15, 1.5e15]]}, count=2),
  ],
}

EXACT = ()

"""Cases of operations_decompositions.jsonl: matrices whose eigenvalues and singular values keep apart, so that 1e-12 and 1e-5 hold for
vectors and their derivatives too. Vectors and factors are known but for signs: their squares are compared."""

import random

import numpy as np

from cases_linalg import conditioned, noise
from operation_cases import case

numbers = random.Random("decompositions")


def apart(shape):
  """Noise around a diagonal that grows from row to row, of either sign."""
  rows, columns = shape[-2:]
  diagonal = np.zeros((rows, columns))
  for i in range(min(rows, columns)):
    diagonal[i, i] = numbers.choice((-1, 1)) * (2.5 + 2 * i)
  return np.round(noise(shape) + diagonal, 2)


def on(make, shape, *more, **given):
  return case(shape, *more, data={"x": make(shape)}, **given)


SQUARES = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (2, 3, 3), (3, 1, 1), (2, 1, 2, 2), (0, 0), (2, 0, 0), (0, 2, 2)]
RECTANGLES = [(1, 3), (3, 1), (2, 3), (3, 2), (5, 2), (2, 6), (7, 3), (2, 4, 3), (2, 1, 2, 4)]
EMPTY = [(0, 2), (2, 0), (3, 0, 2), (0, 3, 2)]


def each(make, shapes, **given):
  return [on(make, shape, **given) for shape in shapes]


SYSTEMS = [
  ((3, 3), (3,)), ((4, 2), (4,)), ((2, 4), (2,)), ((4, 2), (4, 3)), ((2, 3), (2, 2)), ((5, 3), (5, 1)), ((2, 4, 2), (4,)),
  ((2, 4, 2), (2, 4, 3)), ((4, 2), (2, 4, 1)), ((2, 1, 3, 2), (3, 3, 2)), ((0, 2), (0,)), ((2, 0), (2, 1)), ((3, 2), (3, 0)),
]

CASES = {
  "eigh": each(apart, SQUARES, count=2, signless=[1]) + [
    on(apart, (3, 3), count=2, signless=[1], unseeded=[0]), on(apart, (3, 3), count=2, signless=[1], unseeded=[1]),
  ],
  "eigvalsh": each(apart, SQUARES) + [on(apart, (3, 3), constants=["x"])],
  "svd": each(apart, SQUARES + RECTANGLES, count=3, signless=[0, 2]) + [
    on(apart, (4, 3), count=3, signless=[0, 2], unseeded=[0, 1]), on(apart, (3, 4), count=3, signless=[0, 2], unseeded=[1, 2]),
  ],
  "svdvals": each(apart, SQUARES + RECTANGLES + EMPTY),
  "qr": each(apart, SQUARES[:8] + RECTANGLES, count=2, signless=[0, 1]) + [
    on(apart, (4, 3), count=2, signless=[0, 1], unseeded=[0]), on(apart, (4, 3), count=2, signless=[0, 1], unseeded=[1]),
  ],
  "pinv": each(apart, SQUARES + RECTANGLES + EMPTY) + [on(apart, (3, 2), rtol=1e-6)],
  "lstsq": [on(apart, a, b) for a, b in SYSTEMS] + [on(apart, (4, 2), (4,), constants=[c]) for c in ("x", "y")],
  "matrix_rank": each(apart, SQUARES + RECTANGLES + EMPTY) + [
    case((3, 3), data={"x": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}), case((2, 2), data={"x": [[1.0, 0.0], [0.0, 1e-3]]}, rtol=1e-2),
    case((2, 2), data={"x": [[0.0, 0.0], [0.0, 0.0]]}),
  ],
  "expm": each(noise, SQUARES) + [
    case((2, 2), data={"x": [[0.0, 6.0], [-6.0, 0.0]]}), case((2, 2), data={"x": [[0.0, 1.0], [0.0, 0.0]]}),
    case((3, 3), data={"x": [[-4.0, 1.0, 0.5], [0.25, -3.0, 1.0], [0.0, 2.0, -6.0]]}),
  ],
  "matrix_power": [on(conditioned, shape, n=n) for n in (-3, -1, 0, 1, 2, 5) for shape in ((1, 1), (3, 3), (2, 2, 2), (0, 0))],
}

EXACT = ()

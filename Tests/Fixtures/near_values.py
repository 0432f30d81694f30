"""Writes near_values.jsonl: functions of eigenvalues and singular values that coincide, or nearly, and their derivatives.

    python3 near_values.py               # needs mpmath

Each line is a symmetric or rectangular matrix with chosen values, a function that is a sum over them, and the derivatives of
orders 1 to 4 along one direction, of the matrix as its doubles have it. The sums are smooth there, so that the derivatives are
those of a function of one number, the step along the direction: mpmath's, at 120 digits.
"""

import json
from pathlib import Path

from mpmath import mp, mpf

FILE = Path(__file__).parent / "near_values.jsonl"
GAPS = [0, 1e-15, 1e-12, 1e-9, 1e-7, 1e-6, 1e-4, 1e-2]
ORDER = 4
DIGITS = 120

FUNCTIONS = {"exp": mp.exp, "cube": lambda x: x**3, "log": mp.log, "sum": lambda x: x, "fourth": lambda x: x**4}

THIRD = [[-1, 2, 2], [2, -1, 2], [2, 2, -1]]
DIRECTIONS = {(3, 3): [[0.5, -1, 0.25], [0.75, 0.5, -0.5], [1, 0.125, -0.25]], (4, 2): [[0.5, -1], [0.25, 1], [-0.75, 0.5], [1, 0.125]]}


def product(*factors):
  result = mp.matrix(factors[0])
  for factor in factors[1:]:
    result = result * mp.matrix(factor)
  return result


def rounded(matrix):
  return [[float(matrix[i, j]) for j in range(matrix.cols)] for i in range(matrix.rows)]


def diagonal(values, rows, columns):
  return [[values[i] if i == j else 0 for j in range(columns)] for i in range(rows)]


def matrices():
  """Kind, shape, and matrix for each distance of two values, and for each that is near 0."""
  turn = [[mpf(x) / 3 for x in row] for row in THIRD]
  left = [[mpf(x) / 2 for x in row] for row in ([1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1])]
  right = [[mpf(3) / 5, mpf(4) / 5], [mpf(-4) / 5, mpf(3) / 5]]
  for gap in GAPS:
    for name, q in (("as it is", None), ("turned", turn)):
      inner = diagonal([mpf(1), 1 + mpf(gap), mpf(2)], 3, 3)
      matrix = product(q, inner, mp.matrix(q).T) if q else mp.matrix(inner)
      yield "eigvalsh", gap, name, rounded(matrix), ("exp", "cube", "log")
      yield "svdvals", gap, name, rounded(matrix), ("sum", "exp", "fourth")
    inner = diagonal([1 + mpf(gap), mpf(1)], 4, 2)
    yield "svdvals", gap, "tall", rounded(product(left, inner, right)), ("sum", "cube", "fourth")
    # Functions that are even, at a value near 0.
    inner = diagonal([mpf(1), mpf(gap)], 4, 2)
    yield "svdvals", gap, "tall, near 0", rounded(product(left, inner, right)), ("fourth",)


def values(operation, matrix):
  if operation == "eigvalsh":
    return mp.eigsy(matrix, eigvals_only=True)
  # Squares of singular values: those of even functions may be 0.
  squares = mp.eigsy(matrix.T * matrix, eigvals_only=True)
  return [mp.sqrt(abs(x)) for x in squares]


def derivatives(operation, function, matrix, direction):
  a, e = mp.matrix(matrix), mp.matrix(direction)
  if operation == "eigvalsh":
    a, e = (a + a.T) / 2, (e + e.T) / 2
  def along(t):
    return sum(FUNCTIONS[function](x) for x in values(operation, a + t * e))
  # Taylor's polynomial through points so near that what is left out does not count.
  step = mpf(10) ** -24
  points = [along(k * step) for k in range(-4, 5)]
  system = mp.matrix(9, 9)
  for row, k in enumerate(range(-4, 5)):
    for power in range(9):
      system[row, power] = mpf(k) ** power
  coefficients = mp.lu_solve(system, mp.matrix(points))
  return [coefficients[k] * mp.factorial(k) / step**k for k in range(ORDER + 1)]


def main():
  mp.dps = DIGITS
  lines = []
  for operation, gap, name, matrix, functions in matrices():
    direction = DIRECTIONS[len(matrix), len(matrix[0])]
    for function in functions:
      right = [float(x) for x in derivatives(operation, function, matrix, direction)]
      lines.append(json.dumps({
        "name": f"{function} of {operation}, {name}, {gap:g}", "operation": operation, "function": function, "gap": gap,
        "a": matrix, "direction": direction, "expected": right}, separators=(",", ":")))
  FILE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
  main()

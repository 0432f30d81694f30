"""Rows of kinks_decompositions.jsonl: values that coincide, lower ranks, and numbers that are none. Worked out by hand."""

from kinks import NAN, kink, refused

EYE, ZEROS = [[1, 0], [0, 1]], [[0, 0], [0, 0]]
NOTHING = [[NAN, NAN], [NAN, NAN]]


def of(name, op, a, output, gradient, **more):
  """A row for an operation of one matrix."""
  return kink(name, op, {"a": a}, output, {} if gradient is None else {"a": gradient}, **more)


def squared(name, op, results, part, a, output, gradient):
  """A row for the square of one result of an operation of several."""
  nodes = [{"op": op, "inputs": ["a"], "outputs": results}, {"op": "square", "inputs": [results[part]], "outputs": ["r"]}]
  return kink(name, op, {"a": a}, output, {"a": gradient}, operands=nodes)


ROWS = {
  # A cotangent that is the same for all of them has its gradient; vectors have none.
  "Values that coincide": [
    of("all equal", "eigvalsh", [[2, 0], [0, 2]], [2, 2], EYE),
    of("all zero", "eigvalsh", ZEROS, [0, 0], EYE),
    of("two of three", "eigvalsh", [[1, 0, 0], [0, 3, 0], [0, 0, 1]], [1, 1, 3], [[5, 0, 0], [0, 7, 0], [0, 0, 5]], cotangent=[5, 5, 7]),
    of("symmetrised", "eigvalsh", [[1, 4], [0, 1]], [-1, 3], [[0.5, 0.5], [0.5, 0.5]], cotangent=[0, 1]),
    squared("vectors of one value", "eigh", ["w", "v"], 1, EYE, EYE, NOTHING),
    squared("vectors of one value", "svd", ["u", "s", "v"], 0, EYE, EYE, NOTHING),
    of("the larger alone", "svdvals", [[3, 0], [0, 0]], [3, 0], [[1, 0], [0, 0]], cotangent=[1, 0]),
    of("a negative one", "svdvals", [[3, 0], [0, -2]], [3, 2], [[1, 0], [0, -1]]),
    of("0 alone", "svdvals", [[0]], [0], [[1]]),
  ],
  "Lower ranks": [
    of("columns that depend on each other", "qr", [[1, 0], [0, 0]], [EYE, [[1, 0], [0, 0]]], NOTHING, results=("q", "r")),
    of("rank 1", "pinv", [[2, 0], [0, 0]], [[0.5, 0], [0, 0]], [[-0.25, 0.25], [0.25, 0]]),
    of("zeros", "pinv", ZEROS, ZEROS, ZEROS),
    of("a value that is cut", "pinv", [[2, 0], [0, 0.5]], [[0.5, 0], [0, 0]], [[-0.25, 1 / 3], [1 / 3, 0]], attributes={"rtol": 0.5}),
    kink("rank 1", "lstsq", {"a": [[2, 0], [0, 0]], "b": [4, 3]}, [2, 0], {"b": [0.5, 0]}),
    kink("more unknowns than equations", "lstsq", {"a": [[1, 1]], "b": [2]}, [1, 1], {"a": [[-1, -1]], "b": [1]}),
    of("zeros", "matrix_rank", ZEROS, 0, None, dtype="int64"),
    of("rank 2 of 3", "matrix_rank", [[1, 2, 3], [4, 5, 6], [7, 8, 9]], 2, None, dtype="int64"),
    refused("singular", "matrix_power", {"a": ZEROS}, 422, "singular_matrix", n=-1),
  ],
  "Functions of matrices": [
    of("zeros", "expm", ZEROS, EYE, [[1, 1], [1, 1]]),
    of("nilpotent", "expm", [[0, 1], [0, 0]], [[1, 1], [0, 1]], None),
    of("the power 0", "matrix_power", [[3, 1], [2, 0]], EYE, ZEROS, attributes={"n": 0}),
    of("the power 1", "matrix_power", [[3, 1], [2, 0]], [[3, 1], [2, 0]], [[1, 1], [1, 1]], attributes={"n": 1}),
  ],
  "Decompositions of NaN and Infinity": [
    of(str(number), op, [[1, number], [number, 1]], output, gradient)
    for number in (NAN, "Infinity")
    for op, output, gradient in (("eigvalsh", [NAN, NAN], NOTHING), ("svdvals", [NAN, NAN], NOTHING), ("pinv", NOTHING, NOTHING),
                                 ("expm", NOTHING, NOTHING))
  ],
}

"""Cases of operations_shapes.jsonl: operations that move, repeat, pick or mask elements, and products of axes."""

from graph_builder import Weak
from operation_cases import BOOLS, LITERAL, MAX_INT64, VECTOR, case, integers

BIG = [[1, 2**53 + 1, 3], [4, -5, 6]]


def picked(shape, indices, dtype="int64", **attributes):
  """Take with random numbers and given indices."""
  return case(shape, np_shape(indices), data={"y": indices}, dtypes=["F", dtype], **attributes)


def np_shape(nested):
  sizes = []
  while isinstance(nested, list):
    sizes.append(len(nested))
    nested = nested[0] if nested else None
  return tuple(sizes)


MASKED = [
  case((3, 3)), case((2, 4)), case((4, 2)), case((2, 3, 3)), case((3, 4), k=1), case((3, 4), k=-1), case((3, 4), k=9), case((3, 4), k=-9),
  case((2, 1, 2, 3), k=1), case((0, 3)), case((1, 1)), case(operands=[LITERAL]), integers("int64", BIG, k=1), integers("bool", BOOLS),
]
OFFSETS = [
  case((3, 3)), case((2, 4)), case((4, 2)), case((2, 3, 3)), case((3, 4), offset=1), case((3, 4), offset=-1), case((3, 4), offset=3),
  case((2, 1, 2, 3), offset=1), case((1, 1)), case(operands=[LITERAL]),
]

CASES = {
  "expand_dims": [
    case((3,), axis=0), case((3,), axis=1), case((3,), axis=-1), case((2, 3), axis=[0, 3]), case((2, 3), axis=[-1, 0]),
    case((2, 3), axis=[1, 2]), case((), axis=0), case((), axis=[0, 1]), case((0, 2), axis=1), case(operands=[VECTOR], axis=0),
    integers("int64", BIG, axis=-2), integers("bool", BOOLS, axis=0),
  ],
  "squeeze": [
    case((1, 3)), case((1, 3, 1)), case((1, 1)), case((2, 3)), case(()), case((1, 3, 1), axis=0), case((1, 3, 1), axis=-1),
    case((1, 3, 1), axis=[0, 2]), case((1, 3, 1), axis=None), case((1, 0), axis=0), case((1, 3), axis=[]),
    integers("int32", [[[1, 2]]], axis=[0]),
  ],
  "concat": [
    case((2,), (3,)), case((2, 3), (1, 3)), case((2, 3), (2, 1), axis=1), case((2, 3), (2, 2), axis=-1), case((1, 2), (2, 2), (3, 2)),
    case((2, 3)), case((0, 3), (2, 3)), case((2, 3), (2, 0), axis=1), case((2, 3), operands=["x", "x"]),
    case((2, 3), operands=["x", LITERAL, "x"], axis=1), case((2, 1, 2), (2, 3, 2), axis=1), case((3,), (2,), constants=["y"]),
    case((2,), (3,), dtypes=["F", "G"]), integers("int64", BIG, BIG), integers("bool", BOOLS, BOOLS, axis=1),
    case((2,), (1,), data={"x": [1, 2], "y": [2**53 + 1]}, dtypes=["int32", "int64"]),
  ],
  "stack": [
    case((3,), (3,)), case((), ()), case((2, 3), (2, 3)), case((2, 3), (2, 3), axis=1), case((2, 3), (2, 3), axis=-1),
    case((2, 3), (2, 3), (2, 3), axis=2), case((3,)), case((0,), (0,)), case((2,), operands=["x", "x"], axis=1),
    case((), operands=["x", Weak(2.5), "x"]), case((2, 3), operands=["x", LITERAL], axis=-3), case((3,), (3,), dtypes=["F", "G"]),
    integers("int64", BIG, BIG, axis=1),
  ],
  "unstack": [
    case((2,), count=2), case((2, 3), count=2), case((2, 3), count=3, axis=1), case((2, 3), count=3, axis=-1),
    case((2, 2, 3), count=2, axis=1), case((3, 2), count=3, unseeded=[0, 2]), case((1, 3), count=1), case((2, 0), count=2),
    case(operands=[LITERAL], count=2), integers("int64", BIG, count=2),
  ],
  "pad": [
    case((3,), widths=[[1, 2]]), case((3,), widths=[[0, 2]], value=1.5), case((2, 3), widths=[[1, 0], [2, 1]]),
    case((2, 3), widths=[[0, 0], [0, 0]]), case((2, 3), widths=[[1, 1], [0, 0]], value=-0.1), case((0, 2), widths=[[1, 1], [0, 1]]),
    case((2, 1, 2), widths=[[0, 1], [1, 0], [0, 2]]), case((2, 0), widths=[[0, 0], [0, 0]]),
    case(operands=[VECTOR], widths=[[1, 1]], value=2),
    integers("int64", BIG, widths=[[1, 0], [0, 1]]), integers("int32", [1, 2], widths=[[1, 1]], value=-7),
  ],
  "flip": [
    case((4,)), case((2, 3)), case(()), case((2, 3), axis=0), case((2, 3), axis=-1), case((2, 3, 2), axis=[0, -1]),
    case((2, 3), axis=None), case((2, 3), axis=[]), case((0, 2)), case((37,)), integers("int64", BIG, axis=1), integers("bool", BOOLS),
  ],
  "roll": [
    case((4,), shift=1), case((4,), shift=-1, axis=0), case((2, 3), shift=1), case((2, 3), shift=2, axis=None),
    case((2, 3), shift=1, axis=1),
    case((2, 3), shift=-4, axis=-1), case((2, 3), shift=[1, 2], axis=[0, 1]), case((3, 4), shift=[1, 1], axis=[-1, 0]),
    case((5,), shift=0), case((5,), shift=1003), case((0, 3), shift=1, axis=1), case((0,), shift=2),
    integers("int64", BIG, shift=1, axis=1), integers("bool", BOOLS, shift=-1),
  ],
  "tile": [
    case((3,), repetitions=[2]), case((2, 3), repetitions=[2, 1]), case((2, 3), repetitions=[1, 3]), case((2, 3), repetitions=[2]),
    case((3,), repetitions=[2, 2]), case((), repetitions=[3]), case((), repetitions=[]), case((2, 3), repetitions=[]),
    case((2, 1, 2), repetitions=[1, 3, 2]), case((2,), repetitions=[0]), case((0,), repetitions=[3]),
    integers("int64", BIG, repetitions=[1, 2]),
  ],
  "repeat": [
    case((3,), repeats=2, axis=0), case((2, 3), repeats=2, axis=0), case((2, 3), repeats=3, axis=1), case((2, 3), repeats=2, axis=-1),
    case((2, 1, 3), repeats=4, axis=1), case((3,), repeats=1, axis=0), case((3,), repeats=0, axis=0), case((0, 2), repeats=2, axis=1),
    integers("int64", BIG, repeats=2, axis=1), integers("bool", BOOLS, repeats=2, axis=0),
  ],
  "take": [
    picked((4,), [0, 2]), picked((4,), [1, 1, 1, 3]), picked((4,), -1), picked((4,), 2), picked((4, 2), [[0, 1], [-1, -4]]),
    picked((2, 3), [2, 0], axis=1), picked((2, 3), [0, -1, 0], axis=-1), picked((2, 3, 2), [[0, 2], [1, 1]], axis=1),
    picked((2, 3), 1, axis=1), picked((3, 2), [2, 0], "int32"), picked((3,), []), picked((37, 2), [5, 36, 5]),
    case((4,), operands=["x", [3, 0, 3]]), case((4, 2), operands=["x", Weak(-2)]),
    case((2, 3), (2,), data={"x": BIG, "y": [1, 0]}, dtypes=["int64", "int64"]),
    case((2, 3), (2,), data={"x": BOOLS, "y": [1, 1]}, dtypes=["bool", "int32"]),
  ],
  "take_along_axis": [
    picked((2, 3), [[0], [2]], axis=1), picked((2, 3), [[0, 0, 1, 2], [2, 2, 2, -1]], axis=1), picked((2, 3), [[1, 0, 1]], axis=0),
    picked((4,), [3, 3, 0], axis=0), picked((2, 3), [[-1, -3], [1, 0]], "int32", axis=-1),
    picked((2, 2, 2), [[[0, 1]], [[1, 1]]], axis=1),
    case((2, 3), (2, 1), data={"x": BIG, "y": [[1], [0]]}, dtypes=["int64", "int64"], axis=1),
  ],
  "tril": MASKED,
  "triu": MASKED,
  "diagonal": OFFSETS + [integers("int64", BIG, offset=1), integers("bool", BOOLS), case((0, 3))],
  "trace": OFFSETS + [integers("int64", [[MAX_INT64, 2], [3, 4]]), integers("int32", [[1, 2], [3, 4]], offset=-1)],
  "outer": [
    case((2,), (3,)), case((3,), (3,)), case((1,), (4,)), case((0,), (2,)), case((2,), (0,)), case((3,), operands=["x", "x"]),
    case((2,), operands=["x", VECTOR]), case((2,), operands=[VECTOR, "x"]), case((2,), (3,), dtypes=["F", "G"]),
    case((17,), (35,)), integers("int64", [1, -2], [3, 4, MAX_INT64]), integers("int32", [2, 3], [4]),
  ],
}

EXACT = ("expand_dims", "squeeze", "stack", "unstack", "pad", "flip", "roll", "tril", "triu", "diagonal")

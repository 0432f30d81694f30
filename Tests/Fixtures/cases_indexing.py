"""Cases of operations_indexing.jsonl: elements put at indices, order statistics, scans, products and windows."""

from graph_builder import Weak
from operation_cases import BOOLS, LITERAL, case, integers

INT = "int64"
LINE = [[1, 5, 2], [7, -3, 7]]


def put(shape, indices, updates, dtype=INT, **attributes):
  """Random numbers put at given indices."""
  sizes, inner = [], indices
  while isinstance(inner, list):
    sizes.append(len(inner))
    inner = inner[0] if inner else None
  return case(shape, tuple(sizes), *([] if updates is None else [updates]), data={"y": indices}, dtypes=["F", dtype, "F"], **attributes)


ALONG = [
  put((5,), [1, 3, 3, 0], (4,)), put((5,), [-1, 4, 0], (3,)), put((2, 4), [[0, 2], [3, 3]], (2, 2)), put((2, 4), [[0, 2, 0]], (2, 3)),
  put((3, 2), [[2, 0], [2, 1], [0, 1], [2, 2]], (4, 2), axis=0), put((2, 3, 2), [[[0], [2], [0], [-3]]], (2, 4, 2), axis=1),
  put((1, 4), [[0, 1], [2, 2]], (2, 2)), put((3,), [0, 2, 2], ()), put((2, 3), [[1], [0]], (1,)), put((3,), [1, 1], (2,), "int32"),
  put((1,), [0, 0, 0], (3,)), case((2, 3), (2, 2), operands=["x", [[0, 2], [2, 2]], "y"]),
  case((3,), operands=["x", [1], Weak(2.5)]),
]
SCANNED = [
  case((5,), axis=0), case((2, 4), axis=1), case((4, 2), axis=0), case((2, 3, 4), axis=-2), case((1,), axis=0), case((2, 1), axis=1),
  case((0, 3), axis=0), case((40,), axis=-1), case(operands=[LITERAL], axis=-1),
]
REDUCED = [
  {}, {"axis": 0}, {"axis": -1}, {"axis": [0, 2]}, {"axis": 1, "keepdims": True}, {"axis": None}, {"axis": [0, -1], "keepdims": True},
]

CASES = {
  "scatter": ALONG + [
    case((3,), (2,), (2,), data={"x": [1, 2, 3], "y": [0, 0], "z": [2**53 + 1, 7]}, dtypes=[INT] * 3),
    case((2, 3), (2, 1), (2, 1), data={"x": BOOLS, "y": [[1], [0]], "z": [[True], [False]]}, dtypes=["bool", INT, "bool"]),
  ],
  "scatter_add": ALONG,
  "index_add": [
    put((4, 2), [1, 3, 1], (3, 2)), put((2, 5), [-1, 0, 4], (2, 3), axis=1), put((5,), [2, 2, 2], (3,)), put((3, 2), 1, (2,)),
    put((4,), [[0, 1], [1, 3]], (2, 2)), put((2, 3, 2), [2, 0], (2, 2, 2), axis=-2), put((3, 2), [0, 2], ()),
    put((3, 2), [1], (1, 2), "int32"),
    put((2, 2, 3), [[1, 0], [0, 0]], (2, 2, 2, 3), axis=1), put((3, 2), [0, 0], (2,)),
  ],
  "segment_sum": [
    put((4, 2), [0, 2, 0, 1], None, num_segments=3), put((5,), [1, 1, -1, 0, 1], None, num_segments=4),
    put((3, 2, 2), [1, 0, 1], None, "int32", num_segments=2), put((2,), [0, 0], None, num_segments=1),
  ],
  "segment_max": [
    put((4, 2), [0, 2, 0, 1], None, num_segments=3), put((5,), [1, 1, -1, 0, 1], None, num_segments=3),
    put((3, 2, 2), [1, 0, 1], None, "int32", num_segments=2), put((6,), [0, 0, 0, 0, 0, 0], None, num_segments=1),
  ],
  "logcumsumexp": SCANNED + [case((6,), data={"x": [-300.5, 2.25, 700, 699.5, -40, 701]}, axis=0), case((4,), domain=(-1e3, 1e3), axis=0)],
  "cummax": SCANNED + [integers(INT, LINE, axis=1), integers("int32", LINE, axis=0)],
  "cummin": SCANNED + [integers(INT, LINE, axis=1), integers("int32", LINE, axis=0)],
  "top_k": [
    case((5,), k=2, count=2), case((2, 6), k=3, count=2), case((6, 2), k=4, axis=0, count=2), case((2, 4, 3), k=1, axis=-2, count=2),
    case((3,), k=3, count=2), case((2, 3), k=0, count=2), case((40,), k=7, count=2), integers(INT, LINE, k=2, count=2),
    integers("int32", [3, 3, 1, 3], k=3, count=2),
  ],
  "kthvalue": [
    case((5,), k=2, count=2), case((2, 6), k=3, count=2), case((6, 2), k=6, axis=0, count=2),
    case((2, 4, 3), k=1, axis=-2, keepdims=True, count=2), case((1,), k=1, count=2), integers(INT, LINE, k=2, count=2),
    integers("int32", [3, 3, 1, 3], k=3, count=2),
  ],
  "median": [case((2, 3, 4), **r) for r in REDUCED] + [case((3, 3, 3), **r) for r in REDUCED] + [
    case(()), case((1,)), case((8,)), case((9,)),
  ],
  "quantile": [case((2, 3, 4), q=0.3, **r) for r in REDUCED] + [case((3, 4, 3), q=[0.1, 0.75, 1], **r) for r in REDUCED] + [
    case((6,), q=0.37, method=m) for m in ("lower", "higher", "midpoint", "nearest")
  ] + [
    case((2, 7), q=[0, 0.2, 0.9], axis=1, method=m) for m in ("lower", "higher", "midpoint", "nearest")
  ] + [case((), q=0.4), case((5,), q=0.25), case((5,), q=[0.25, 0.5, 0.6]), case((4,), q=[]), case((4,), q=[0, 1]), case((3,), q=1)],
  "searchsorted": [
    case((4,), (5,), data={"x": [-1.5, 0.25, 0.25, 2]}), case((4,), (2, 2), data={"x": [-1.5, 0.25, 0.25, 2], "y": [[0.25, 2], [-9, 9]]}),
    case((4,), (3,), data={"x": [-1.5, 0.25, 0.25, 2], "y": [0.25, 2, 3]}, side="right"), case((3,), (), data={"x": [-1, 0, 1]}),
    case((2, 3), (2, 4), data={"x": [[-1, 0, 1], [0, 0, 2]]}), case((2, 3), (2, 2), data={"x": [[-1, 0, 1], [0, 0, 2]]}, side="right"),
    case((3,), data={"x": [-1, 0, 1]}, operands=["x", Weak(0)], side="right"), integers(INT, [1, 2**53 + 1], [2**53 + 1, 2**53, 0]),
    integers("int32", [1, 1, 3], [1, 2, 4], side="right"),
  ],
  "diag": [
    case((3,)), case((2,), offset=1), case((2,), offset=-2), case((3, 3)), case((2, 4), offset=1), case((4, 2), offset=-1), case((0,)),
    case((3, 3), offset=2), integers(INT, [1, 2**53 + 1]), integers("bool", [True, False]), integers("int32", LINE),
  ],
  "diag_embed": [
    case((3,)), case((2, 3)), case((2, 2), offset=1), case((2, 2, 2), offset=-1), case((1,), offset=3), case((2, 0), offset=1),
    integers(INT, LINE), integers("bool", BOOLS, offset=1),
  ],
  "kron": [
    case((2, 2), (2, 3)), case((3,), (2,)), case((2, 3), (2,)), case((2,), (2, 3)), case((), (2, 2)), case((2, 1, 2), (1, 3, 2)),
    case((2, 2), operands=["x", "x"]), case((2, 2), operands=["x", LITERAL]), case((2, 2, 1, 2), (2, 1, 3, 2)),
    integers(INT, LINE, [[1, -2]]),
  ],
  "tensordot": [
    case((2, 3, 4), (3, 4, 2)), case((2, 3), (3, 4), axes=1), case((2,), (3, 2), axes=0), case((2, 3, 4), (4, 2), axes=[[0, -1], [1, 0]]),
    case((3,), (3,), axes=1), case((2, 3), (2, 3), axes=2), case((2, 3), (2, 3), axes=[[1], [1]]), case((), (2,), axes=0),
    case((2, 0), (0, 3), axes=1), case((2, 2), operands=["x", "x"], axes=1), case((2, 3, 2), (2, 2, 3), axes=[[0, 1], [1, 2]]),
    case((2, 2), (2, 2), axes=[[], []]), integers(INT, LINE, [[1, 2], [3, 4], [5, 6]], axes=1),
  ],
  "cross": [
    case((3,), (3,)), case((2, 3), (2, 3)), case((2, 3), (3,)), case((3, 2), (3, 2), axis=0), case((2, 1, 3), (2, 3)), case((0, 3), (3,)),
    case((3,), operands=["x", [1, 0, -2]]), case((2, 3, 2), (2, 3, 2), axis=1), integers(INT, [1, 2, 3], [-2, 0, 5]),
  ],
  "cdist": [
    case((2, 3), (4, 3)), case((2, 3), (4, 3), p=1), case((2, 3), (4, 3), p="Infinity"), case((2, 2, 3), (1, 3, 3)),
    case((3, 2), (2, 2, 2), p=1), case((1, 4), (1, 4)), case((5, 1), (2, 1)),
  ],
  "diff": [
    case((5,)), case((2, 4)), case((4, 2), axis=0), case((5,), n=2), case((2, 5), n=3, axis=-1), case((3,), n=0), case((3,), n=3),
    case((1,)), case((0, 2)), integers(INT, LINE), integers("int32", [5, 2, 9], n=2),
  ],
  "trapezoid": [
    case((5,)), case((2, 4)), case((4, 2), axis=0), case((5,), dx=0.25), case((5,), (5,)), case((2, 4), (4,)), case((4, 2), (4,), axis=0),
    case((2, 4), (2, 4)), case((2, 4), (1, 4)), case((1,)), case((4,), operands=["x", [0, 1, 1.5, 4]]), case((3, 2), dx=-2, axis=-2),
  ],
  "unfold": [
    case((5,), size=3), case((2, 7), size=3, step=2), case((4, 2), size=2, axis=0), case((2, 5, 2), size=2, step=3, axis=1),
    case((3,), size=3, step=9), case((6,), size=2, step=5), case((5,), size=1),
    integers(INT, LINE, size=2), integers("bool", BOOLS, size=3),
  ],
}

EXACT = ("scatter", "top_k", "kthvalue", "searchsorted", "diag", "diag_embed")

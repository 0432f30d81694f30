"""Single-operation requests: every operation of the catalog over shapes and attributes chosen by hand, with random numbers.

A case is what one node is given: the shapes of its inputs (x, y), its attributes, and whatever is special about it.
"""

import random
import zlib

import numpy as np

from forms import TensorForm
from graph_builder import Weak

MAX_INT64, MAX_INT32 = 2**63 - 1, 2**31 - 1


def case(*shapes, operands=None, count=1, data=None, unseeded=(), constants=(), dtypes=(), domain=None, signless=(),
         **attributes):
  """`operands` default to the inputs in order; `data` replaces random numbers, which `domain` bounds; results listed in `unseeded` get no
  cotangent. Results listed in `signless` are known but for signs: their squares are what comes back."""
  return dict(shapes=shapes, operands=operands, count=count, data=data or {}, unseeded=unseeded, constants=constants, dtypes=dtypes,
              domain=domain, signless=signless, attributes=attributes)


def integers(dtype, *data, operands=None, count=1, **attributes):
  """A case on integers, given in full: nothing is differentiated, and results wrap."""
  return case(*(np.shape(d) for d in data), data=dict(zip("xy", data)), dtypes=[dtype] * len(data), operands=operands, count=count,
              **attributes)


LITERAL = TensorForm(np.array([[0.5, -1.25, 3.0], [2.0, -0.1, 0.7]]), "F")
VECTOR = TensorForm(np.array([1.5, -0.3, 0.2]), "F")

POINTWISE = [
  case((), ()), case((3,), (3,)), case((2, 3), (2, 3)), case((2, 3), (3,)), case((2,), (3, 2)), case((2, 3), (2, 1)), case((1, 3), (2, 1)),
  case((4, 1, 3), (2, 1)), case((2, 3), ()), case((), (2, 3)), case((1,), (2, 2)), case((2, 1, 2, 1), (3, 1, 2)), case((1, 1), (4,)),
  case((2, 1, 1, 2, 1, 1, 2, 1), (2, 1, 1, 1, 2)), case((0, 3), (3,)), case((2, 1), (2, 0)), case((2, 3), operands=["x", "x"]),
  case((2, 3), operands=["x", Weak(2.5)]), case((2, 3), operands=[Weak(-0.1), "x"]), case((), operands=[Weak(3), "x"]),
  case((2, 3), operands=["x", LITERAL]), case((3,), operands=[LITERAL, "x"]), case((3, 1), (2,), constants=["y"]), case((37,), (37,)),
]
WRAPPING = [
  integers("int64", [1, -2, MAX_INT64, -MAX_INT64 - 1], [3, 5, 2, -1]),
  integers("int32", [1, -2, MAX_INT32, -MAX_INT32 - 1], [3, 5, 2, -1]), integers("int64", [[2**53 + 1], [-7]], [1, 0, -3]),
  integers("int32", [4, -5], operands=["x", Weak(-3)]),
  case((2,), (2,), data={"x": [MAX_INT32, -4], "y": [2, 3 * 2**40]}, dtypes=["int32", "int64"]),
]
BOOLS = [[True, False, True], [False, False, True]]

CASES = {
  "add": POINTWISE + WRAPPING,
  "sub": POINTWISE + WRAPPING,
  "mul": POINTWISE + WRAPPING,
  "div": POINTWISE,
  "neg": [
    case(()), case((3,)), case((2, 3)), case((2, 1, 3, 2)), case((0,)), case((35,)), case(operands=[LITERAL]), case(operands=[Weak(2.5)]),
    integers("int64", [5, -6, 0, -MAX_INT64 - 1]), integers("int32", [[5], [-MAX_INT32 - 1]]),
  ],
  "identity": [
    case(()), case((1,)), case((2, 3)), case((2, 1, 2, 3)), case((3, 0)), case(operands=[LITERAL]), case(operands=[Weak(-4)]),
    integers("int64", [2**53 + 1, -3]), integers("int32", [[7]]), integers("bool", BOOLS),
  ],
  "reshape": [
    case((6,), shape=[2, 3]), case((2, 3), shape=[6]), case((2, 3), shape=[3, 2]), case((2, 3), shape=[-1]),
    case((2, 6), shape=[3, -1, 2]), case((1,), shape=[]), case((1, 1), shape=[]), case((), shape=[1]), case((), shape=[1, -1]),
    case((), shape=[]), case((2, 2, 3), shape=[-1, 4]), case((4,), shape=[2, 1, 2, 1]), case((0, 3), shape=[3, 0]),
    case((0, 3), shape=[-1, 3]), case((2, 3), shape=[2, 3]), case(operands=[Weak(1.5)], shape=[1, 1]),
    integers("int64", [[1, 2], [3, 4]], shape=[4]), integers("bool", BOOLS, shape=[3, -1]),
  ],
  "transpose": [
    case((2, 3)), case((3,)), case(()), case((2, 3, 4)), case((2, 3), axes=[1, 0]), case((2, 3), axes=[0, 1]),
    case((2, 3, 4), axes=[1, 2, 0]), case((2, 3, 4), axes=[2, 0, 1]), case((2, 3, 4), axes=[0, 2, 1]), case((2, 3, 4), axes=[-1, 0, -2]),
    case((2, 1, 3, 2), axes=[3, 1, 0, 2]), case((2, 1, 3, 2), axes=[-2, -4, -1, -3]), case((3,), axes=[-1]), case((), axes=[]),
    case((0, 3)), case((3, 17)), case(operands=[LITERAL]), integers("int32", [[1, 2, 3], [4, 5, 6]]),
    integers("bool", BOOLS, axes=[1, 0]),
  ],
  "sum": [
    case((2, 3)), case(()), case((4,)), case((2, 3), axis=None), case((2, 3), axis=0), case((2, 3), axis=1), case((2, 3), axis=-1),
    case((2, 3, 4), axis=[0, 2]), case((2, 3, 4), axis=[-1, 0]), case((2, 3, 4), axis=[1]), case((2, 3), axis=[]),
    case((2, 3), axis=[], keepdims=True), case((2, 3), keepdims=True), case((2, 3, 4), axis=1, keepdims=True),
    case((2, 3, 4), axis=[2, -2], keepdims=True), case((), axis=[]), case((2, 3), axis=0, keepdims=False), case((0, 3), axis=0),
    case((0, 3), axis=1), case((3, 1, 2, 1), axis=[1, 3]), case((3, 67), axis=1), case((67, 3), axis=0), case(operands=[LITERAL], axis=1),
    integers("int64", [[MAX_INT64, 1], [2, 3]], axis=1), integers("int32", [[MAX_INT32, 5], [2, -3]]), integers("bool", BOOLS),
    integers("bool", BOOLS, axis=-1, keepdims=True), integers("bool", BOOLS, axis=[]),
  ],
  "matmul": [
    case((3,), (3,)), case((3,), (3, 4)), case((2, 3), (3,)), case((2, 3), (3, 4)), case((1, 1), (1, 1)), case((4, 2, 3), (3, 2)),
    case((2, 3), (4, 3, 2)), case((3, 2, 3), (3, 3, 2)), case((2, 1, 2, 3), (3, 3, 2)), case((3,), (2, 3, 4)), case((2, 2, 3), (3,)),
    case((3, 1, 3, 2), (1, 2, 2, 3)), case((1, 2, 3), (4, 3, 2)), case((3,), (2, 2, 3, 2)), case((2, 0), (0, 3)), case((0, 3), (3, 2)),
    case((2, 0, 2, 3), (3, 1)), case((0,), (0,)), case((3, 3), operands=["x", "x"]), case((3,), operands=["x", "x"]),
    case((2, 3, 3), operands=["x", "x"]), case((2, 2), operands=["x", LITERAL]), case((3,), operands=[LITERAL, "x"]),
    case((2, 3), operands=["x", VECTOR]), case((2, 3), (3, 2), constants=["x"]), case((7, 19), (19, 5)), case((1, 35), (35, 1)),
    integers("int64", [[1, -2], [3, MAX_INT64]], [[5, 6], [7, 8]]), integers("int32", [1, -2, 3], [4, 5, 6]),
  ],
  "split": [
    case((4,), count=2), case((2, 3), count=2), case((6, 2), count=3, splits=3), case((2, 6), count=3, axis=1),
    case((2, 6), count=2, axis=-1, splits=2), case((5, 2), count=2, splits=[2, 3]), case((2, 5), count=3, axis=1, splits=[1, 3, 1]),
    case((2, 2, 3), count=2, axis=-1, splits=[2, 1]), case((5,), count=3, splits=[0, 5, 0]), case((3, 2), count=3, unseeded=[0, 2]),
    case((4, 2), count=2, splits=[3, 1], unseeded=[0]), case((2, 4), count=4, axis=-1, unseeded=[1, 2, 3]),
    case((2, 3), count=1, splits=1), case((2, 3), count=1, splits=[2]), case((2, 3), count=1), case((0, 2), count=2),
    case((2, 4, 2), count=2, axis=-2), case(operands=[LITERAL], count=3, axis=1), integers("int64", [[1, 2], [3, 4]], count=2, axis=1),
    integers("bool", BOOLS, count=2),
  ],
  "slice": [
    case((5,), starts=[1], ends=[4]), case((5,), starts=[None], ends=[None]), case((5,), starts=[None], ends=[None], steps=[-1]),
    case((5,), starts=[-2], ends=[None]), case((5,), starts=[0], ends=[-1]), case((5,), starts=[-100], ends=[100]),
    case((5,), starts=[100], ends=[-100], steps=[-2]), case((5,), starts=[3], ends=[0], steps=[-1]),
    case((5,), starts=[-1], ends=[-6], steps=[-1]), case((5,), starts=[4], ends=[None], steps=[-3]),
    case((5,), starts=[0], ends=[5], steps=[2]), case((5,), starts=[1], ends=[1]), case((5,), starts=[3], ends=[1]),
    case((5,), starts=[7], ends=[9]), case((5,), starts=[-9], ends=[-7]), case((5,), starts=[1], ends=[5], steps=[100]),
    case((3, 4), starts=[1], ends=[3]), case((3, 4), starts=[0, 1], ends=[2, 3]), case((3, 4), starts=[1], ends=[3], axes=[1]),
    case((3, 4), starts=[3, 2], ends=[0, None], axes=[-1, 0], steps=[-1, -2]),
    case((2, 3, 4), starts=[1, None], ends=[None, 1], axes=[2, 1], steps=[2, -1]), case((2, 3, 4), starts=[], ends=[]),
    case((3, 0), starts=[0], ends=[2]), case((2, 3, 2, 2), starts=[None, -1, 0, -2], ends=[1, None, 2, None], axes=[0, -3, 2, 3]),
    case((4,), starts=[-2**63], ends=[MAX_INT64]), case(operands=[LITERAL], starts=[1], ends=[3], axes=[-1]),
    integers("int32", [1, 2, 3, 4], starts=[None], ends=[None], steps=[-2]), integers("bool", BOOLS, starts=[0], ends=[2], axes=[1]),
  ],
  "broadcast_to": [
    case((), shape=[]), case((), shape=[3]), case((), shape=[2, 2]), case((3,), shape=[3]), case((3,), shape=[2, 3]),
    case((1,), shape=[4]), case((2, 1), shape=[2, 3]), case((1, 3), shape=[2, 3]), case((1, 1), shape=[2, 3]),
    case((2, 1, 2), shape=[3, 2, 2, 2]), case((1, 2, 1), shape=[2, 2, 2]), case((1,), shape=[0]), case((1, 3), shape=[0, 3]),
    case((0,), shape=[2, 0]), case(operands=[Weak(2.5)], shape=[2, 2]), case(operands=[VECTOR], shape=[2, 3]),
    integers("int64", [[1], [2]], shape=[2, 2]), integers("bool", BOOLS, shape=[2, 2, 3]),
  ],
  "cast": [
    case((2, 3), dtype="float64"), case((2, 3), dtype="float32"), case((), dtype="float64"), case((), dtype="float32"),
    case((0, 2), dtype="float32"), case((4,), dtype="int64", data={"x": [2.7, -2.7, 0.3, -0.3]}),
    case((4,), dtype="int32", data={"x": [99.5, -1e6 - 0.5, 0.25, -3.75]}),
    case((2,), dtype="float64", data={"x": [2**53 + 1, -3]}, dtypes=["int64"]),
    case((2,), dtype="float32", data={"x": [2**24 + 1, -3]}, dtypes=["int64"]),
    case((2,), dtype="float64", data={"x": [5, -3]}, dtypes=["int32"]), case((2, 3), dtype="float32", data={"x": BOOLS}, dtypes=["bool"]),
    case((2, 3), dtype="int64", data={"x": BOOLS}, dtypes=["bool"]), case((2, 3), dtype="int32", data={"x": BOOLS}, dtypes=["bool"]),
    case((2,), dtype="int32", data={"x": [7, -7]}, dtypes=["int64"]),
    case((2,), dtype="int64", data={"x": [7, -MAX_INT32]}, dtypes=["int32"]),
    case((3,), dtype="bool", data={"x": [2, 0, -1]}, dtypes=["int64"]), case((3,), dtype="bool", data={"x": [0.5, 0.0, -2.0]}),
    case(operands=[Weak(2.5)], dtype="int64"), case(operands=[Weak(0.1)], dtype="float32"), case(operands=[Weak(3)], dtype="float64"),
  ],
  "constant": [case(operands=[], value=TensorForm(np.array(v), d, f, s)) for v, d, f, s in [
    (2.5, "F", "bare", False), (4.0, "F", "bare", False), ([1.5, -2.0], "F", "bare", False),
    ([[1.0, 2.0], [3.0, 4.0]], "F", "bare", False), ([[0.1, 0.2, -0.3]], "F", "nested", True), ([0.1, 1e-7, 1e21], "F", "flat", False),
    ([[0.1], [-0.7]], "F", "base64", True), ([0.1, 0.7], "G", "flat", True), (np.zeros((2, 0)), "F", "flat", True),
    ([1, 2**53 + 1], "int64", "bare", True), ([[1], [-2]], "int32", "base64", True), (BOOLS, "bool", "bare", False),
    (BOOLS, "bool", "base64", True),
  ]],
}

# Operations that only move numbers, or round each once: nothing but the exact answer will do.
EXACT = ("neg", "identity", "reshape", "transpose", "split", "slice", "cast", "constant")


def requests(op, cases=CASES):
  """(name, (request, seed)) for each case of an operation and each float dtype that makes a difference."""
  for number, c in enumerate(cases[op]):
    for main in ("float64", "float32"):
      fixed = bool(c["dtypes"]) and "F" not in c["dtypes"]
      if fixed and main == "float32":
        continue
      yield f"{op}/{number}/{'fixed' if fixed else main}", request(op, c, number, main)


def request(op, c, number, main):
  """The request without cotangents, and a function that adds them once the types of the results are known."""
  floats, rng = {"F": main, "G": "float32" if main == "float64" else "float64"}, random.Random(zlib.crc32(f"{op}/{number}".encode()))

  def draw(shape, domain=None, dtype="F"):
    """Numbers of the domain, else magnitudes from 0.4 to 3; with few digits in some cases and all digits in others."""
    size = range(int(np.prod(shape)))
    if dtype == "bool":
      return np.array([rng.random() < 0.5 for _ in size], bool).reshape(shape)
    values = [rng.uniform(*domain) if domain else rng.choice((-1, 1)) * rng.uniform(0.4, 3) for _ in size]
    return np.array([round(v, 2) for v in values] if number % 3 else values).reshape(shape)

  names = list("xyzuvw"[:len(c["shapes"])])
  forms = {}
  for position, (name, shape) in enumerate(zip(names, c["shapes"])):
    dtype = c["dtypes"][position] if c["dtypes"] else "F"
    wide = "float64" if dtype in ("F", "G") else dtype
    array = np.array(c["data"][name], wide) if name in c["data"] else draw(shape, c["domain"], dtype)
    forms[name] = TensorForm(array, dtype, rng.choice(("bare", "bare", "nested", "flat", "base64")))
  write = lambda v: v.value if isinstance(v, Weak) else v.render(floats, main) if isinstance(v, TensorForm) else v
  results = [f"r{i}" for i in range(c["count"])]
  made_by_node = [f"p{i}" if i in c["signless"] else name for i, name in enumerate(results)]
  node = {"op": op, "inputs": [write(o) for o in (names if c["operands"] is None else c["operands"])], "outputs": made_by_node}
  if c["attributes"]:
    node["attributes"] = {k: write(v) for k, v in c["attributes"].items()}
  constants = {n: forms[n].render(floats, main) for n in c["constants"]}
  squares = [{"op": "square", "inputs": [f"p{i}"], "outputs": [f"r{i}"]} for i in c["signless"]]
  graph = {"nodes": [node] + squares} | ({"constants": constants} if constants else {}) | {"outputs": results}
  made = {"graph": graph, "inputs": {n: f.render(floats, main) for n, f in forms.items() if n not in constants}}
  if main != "float64":
    made["dtype"] = main
  made["encoding"] = "flat"

  def seed(types):
    """Adds cotangents, once the types of the results are known."""
    seeded = [n for i, n in enumerate(results) if i not in c["unseeded"] and types[n].dtype.kind == "f"]
    if seeded:
      made["cotangents"] = {n: TensorForm(draw(types[n].shape), str(types[n].dtype)).render({}, str(types[n].dtype)) for n in seeded}
    return made

  return made, seed

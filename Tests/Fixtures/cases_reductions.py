"""Cases of operations_reductions.jsonl: reductions, scans and normalisers at generic points (kinks.py has ties, NaN and zero-size axes)."""

from operation_cases import BOOLS, LITERAL, MAX_INT32, MAX_INT64, case, integers

AXES = [
  ((2, 3), {}), ((), {}), ((4,), {}), ((2, 3), {"axis": None}), ((2, 3), {"axis": 0}), ((2, 3), {"axis": 1}), ((2, 3), {"axis": -1}),
  ((2, 3, 4), {"axis": [0, 2]}), ((2, 3, 4), {"axis": [-1, 0]}), ((2, 3, 4), {"axis": [1]}), ((2, 3), {"keepdims": True}),
  ((2, 3, 4), {"axis": 1, "keepdims": True}), ((2, 3, 4), {"axis": [2, -2], "keepdims": True}), ((2, 3), {"axis": 0, "keepdims": False}),
  ((3, 1, 2, 1), {"axis": [1, 3]}), ((3, 37), {"axis": 1}), ((37, 3), {"axis": 0}), ((0, 3), {"axis": 1}),
]
#: What is reduced along no axis: left out for functions that have a kink there, or no variance.
NO_AXIS = [((2, 3), {"axis": []}), ((2, 3), {"axis": [], "keepdims": True}), ((), {"axis": []})]


def reduction(*more, no_axis=True, **attributes):
  return [case(shape, **given, **attributes) for shape, given in AXES + NO_AXIS * no_axis] + [
    case(operands=[LITERAL], axis=1, **attributes), *more]


def with_attributes(*variants):
  shaped = [((2, 3), {}), ((4,), {}), ((2, 3), {"axis": 1}), ((2, 3, 4), {"axis": [0, -1], "keepdims": True})]
  return [case(shape, **given, **variant) for variant in variants for shape, given in shaped]


INTEGERS = [integers("int64", [[MAX_INT64, 1], [2, -3]], axis=1), integers("int32", [[MAX_INT32, 5], [2, -3]])]
BOOL_REDUCED = [
  integers("bool", BOOLS), integers("bool", BOOLS, axis=0), integers("bool", BOOLS, axis=-1, keepdims=True),
  integers("bool", BOOLS, axis=[0, 1]), integers("bool", BOOLS, axis=[]), integers("bool", True), integers("bool", [True, True]),
  integers("bool", [False, False]),
]
#: One axis, or null for the flat index.
ARGUMENT = [
  case((2, 3)), case((4,)), case(()), case((2, 3), axis=None), case((2, 3), axis=0), case((2, 3), axis=1), case((2, 3, 4), axis=-2),
  case((2, 3), axis=1, keepdims=True), case((2, 3, 4), axis=0, keepdims=True), case((3, 37), axis=1), case((0, 3), axis=1),
  integers("int64", [[3, 2**53 + 1], [2**53, -4]], axis=0), integers("int32", [[4, -5, 6]]),
]
ALONG = [
  case((4,), axis=0), case((2, 3), axis=0), case((2, 3), axis=1), case((2, 3), axis=-1), case((2, 3, 4), axis=1), case((2, 3, 4), axis=-3),
  case((1,), axis=0), case((3, 1), axis=1), case((0, 3), axis=0), case((0, 3), axis=1), case((2, 37), axis=1), case((37, 2), axis=0),
]
DEFAULT_LAST = [case((4,)), case((2, 3)), case((2, 2, 3)), *ALONG, case(operands=[LITERAL])]
SCANNED = [integers("int64", [[1, 2, 3], [MAX_INT64, 5, -6]], axis=1), integers("int32", [[4], [MAX_INT32]], axis=0)]
SORTED = [integers("int64", [[3, 2**53 + 1, 2**53], [1, -2, 1]]), integers("int32", [5, -6, 5, 0], axis=0)]
#: Spread of a pair of elements, so that no two are closer than the step of a difference.
SPREAD = case((5,), data={"x": [0.3, -2.0, 1.75, 0.9, -0.4]})

CASES = {
  "mean": reduction(),
  "prod": reduction(*INTEGERS, integers("bool", BOOLS, axis=1)),
  "max": reduction(*INTEGERS, SPREAD),
  "min": reduction(*INTEGERS, SPREAD),
  "var": reduction() + with_attributes({"correction": 1}, {"correction": 0}),
  # The deviation of one element is a kink.
  "std": [c for c in reduction(no_axis=False) if c["shapes"] not in (((),), ((3, 1, 2, 1),))]
    + with_attributes({"correction": 1}, {"correction": 0}),
  "logsumexp": reduction(case((3,), data={"x": [100.0, -100.0, 99.0]})),
  "norm": reduction() + with_attributes({"ord": 1}, {"ord": 2}, {"ord": "Infinity"}) + [
    case((2, 2), data={"x": [[3.0, 4.0], [0.0, -2.0]]}, axis=1), case((0,), (), operands=["y"])],
  "argmax": ARGUMENT,
  "argmin": ARGUMENT,
  "all": BOOL_REDUCED,
  "any": BOOL_REDUCED,
  "cumsum": ALONG + SCANNED,
  "cumprod": ALONG + SCANNED,
  "softmax": DEFAULT_LAST + [case((3,), data={"x": [50.0, -50.0, 49.0]})],
  "log_softmax": DEFAULT_LAST + [case((3,), data={"x": [50.0, -50.0, 49.0]})],
  "sort": DEFAULT_LAST + SORTED + [SPREAD],
  "argsort": DEFAULT_LAST + SORTED + [SPREAD],
}

EXACT = ("sort", "argsort", "argmax", "argmin", "all", "any")
